//! The device's name and the run's number.

use super::AppError;
use crate::message::{DeviceName, Identity, RunId};

/// The identity of this device and run. If `id` is empty, the host's name is used, with characters that fit into a
/// topic.
pub(super) fn identity(id: &str) -> Result<Identity, AppError> {
    let id = if id.is_empty() {
        host_name()
    } else {
        id.to_owned()
    };
    let device = DeviceName::new(&id).map_err(|reason| AppError::Device { id, reason })?;
    Ok(Identity {
        device,
        run: RunId::random(),
    })
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = name
        .trim()
        .chars()
        .map(fit)
        .take(DeviceName::MAX_BYTES)
        .collect();
    if name.is_empty() {
        "moodring".into()
    } else {
        name
    }
}
