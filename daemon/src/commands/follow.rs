//! `follow`: shows another device's mood here.

use moodring_base::exit::Exit;

use super::{Failure, run::start};
use crate::{app, cli::FollowArgs};

/// Runs until it is stopped.
pub(super) fn follow(args: &FollowArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    start(file, &args.overrides(), async |settings, _, display| {
        app::follow(settings, &args.topic, display).await
    })
}
