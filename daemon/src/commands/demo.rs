//! `demo`: every mood on the chosen display, without a camera.

use super::{Failure, run::start};
use crate::{app, cli::DemoArgs, exit::Exit};

/// Runs until it is stopped.
pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    start(file, &args.overrides(), async |settings, _, display| {
        app::demo(settings, display).await
    })
}
