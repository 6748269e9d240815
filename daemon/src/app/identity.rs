//! Makes this run's identity from the settings: the device's name, and a random number for the run.

use moodring_base::{
    config::DeviceSettings,
    files,
    message::{DeviceName, Identity, RunId},
};

use super::AppError;

/// This device and this run. An empty id is the host's name, made fit for a topic.
pub(super) fn identity(settings: &DeviceSettings) -> Result<Identity, AppError> {
    let id = match settings.id.as_str() {
        "" => host_id(),
        id => id.to_owned(),
    };
    let device = DeviceName::new(&id).map_err(|reason| AppError::Device { id, reason })?;
    let mut identity = Identity::new(device, RunId::random());
    let name = settings.name.trim();
    if !name.is_empty() {
        name.clone_into(&mut identity.name);
    }
    settings.area.trim().clone_into(&mut identity.area);
    Ok(identity)
}

fn host_id() -> String {
    let fit = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '_',
    };
    let name: String = files::host_name()
        .chars()
        .map(fit)
        .take(DeviceName::MAX_BYTES)
        .collect();
    match name.as_str() {
        "" => "moodring".into(),
        _ => name,
    }
}
