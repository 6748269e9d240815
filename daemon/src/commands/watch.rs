//! `watch`: a line of JSON for each change on standard output, for the program that started this one.

use moodring_base::exit::Exit;

use super::{Failure, run::start};
use crate::{app, cli::WatchArgs};

/// Runs until it is stopped, or until nobody reads any more.
pub(super) fn watch(args: &WatchArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    start(file, &args.overrides(), async |settings, file, display| {
        app::watch(settings, file, display).await
    })
}
