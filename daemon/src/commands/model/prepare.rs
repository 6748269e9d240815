//! `model prepare`: builds what an engine needs before it can run, ahead of the service's start.

use moodring_base::{
    config::{EngineKind, Overrides},
    exit::Exit,
};

use super::{super::quiet_settings, Failure};
use crate::cli::ConfigArgs;
use crate::commands::stdout::out;

/// Builds what the engine needs, or prints that it needs nothing.
pub(super) fn prepare(args: &ConfigArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.as_deref(), &Overrides::default())?;
    match settings.vision.engine {
        EngineKind::Int8 => out!("engine = \"int8\": nothing to prepare, it is ready at once"),
        EngineKind::Tract => out!("engine = \"tract\": nothing to prepare, it keeps nothing"),
        #[cfg(not(feature = "ort"))]
        EngineKind::Ort => return Err(moodring_vision::VisionError::NotBuiltIn("ort").into()),
        #[cfg(feature = "ort")]
        EngineKind::Ort => build(&settings)?,
    }
    Ok(Exit::Done)
}

/// Opens both nets on ONNX Runtime at the size of the settings, and runs each once.
#[cfg(feature = "ort")]
fn build(settings: &moodring_base::config::Settings) -> Result<(), Failure> {
    use std::time::Instant;

    if settings.ort.cache.as_os_str().is_empty() {
        let text = "[ort] cache is empty, so nothing would be kept: name a folder there, such as /var/lib/moodring/engines";
        return Err(Failure::new(Exit::Config, text));
    }
    out!("building; TensorRT takes minutes for it");
    let started = Instant::now();
    moodring_vision::prepare_ort(settings)?;
    out!(
        "both nets ran, after {:.0} s; what was built is in {}",
        started.elapsed().as_secs_f32(),
        settings.ort.cache.display()
    );
    Ok(())
}
