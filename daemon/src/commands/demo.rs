//! `demo`: every mood on the chosen display, without a camera.

use super::{Failure, run::start};
use crate::{app, cli::DemoArgs, config::SatellitePort, display::DisplayError, exit::Exit};

/// Runs until it is stopped.
pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    start(file, &args.overrides(), async |settings, _, display| {
        if !display.is_there() && settings.satellite.port == SatellitePort::Off {
            return Err(DisplayError::Open {
                name: "demo".into(),
                reason: "there is none".into(),
                way_out: "Run it in a terminal, or choose --display png, spi or screen".into(),
            }
            .into());
        }
        if !display.is_there() {
            tracing::warn!(
                "no display here: playing on satellites at USB only; --display png, spi or screen takes another"
            );
        }
        app::demo(settings, display).await
    })
}
