//! `demo`: every mood on the chosen display, without a camera.

use moodring_base::{
    config::{SatellitePort, load},
    exit::Exit,
};
use moodring_display::DisplayError;

use super::{Failure, record::record, run::start};
use crate::{app, cli::DemoArgs};

/// Runs until it is stopped, or writes a recording.
pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    if let Some(path) = &args.animate {
        let (settings, _) = load(file, &args.overrides())?;
        return record(&settings, path);
    }
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
