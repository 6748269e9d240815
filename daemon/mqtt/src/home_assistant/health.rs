//! `/health`: how the device itself is. Reads the kernel's files; dates come in as data.

use std::{fs, path::Path, time::SystemTime};

use moodring_base::message::{Tenths, rfc3339};
use serde::Serialize;

/// What is published about the device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceHealth {
    /// The version of this message.
    pub schema: u32,
    /// The program's version.
    pub version: &'static str,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The processor's temperature in degrees Celsius; `null` where it reports none.
    pub temperature_c: Option<Tenths>,
}

impl DeviceHealth {
    /// As it is now, in a run that began at `started`.
    pub fn read(started: SystemTime) -> Self {
        Self {
            schema: 1,
            version: env!("CARGO_PKG_VERSION"),
            started: rfc3339(started),
            temperature_c: temperature_c(Path::new("/sys/class/thermal")).map(Tenths::new),
        }
    }
}

/// The temperature of the processor's zone, else of the first one.
fn temperature_c(class: &Path) -> Option<f32> {
    let mut zones: Vec<_> = fs::read_dir(class)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("thermal_zone"))
        })
        .collect();
    zones.sort();
    let kind = |zone: &Path| {
        fs::read_to_string(zone.join("type"))
            .unwrap_or_default()
            .to_lowercase()
    };
    let is_cpu = |zone: &Path| {
        ["cpu", "soc", "pkg"]
            .iter()
            .any(|word| kind(zone).contains(word))
    };
    let zone = zones.iter().find(|zone| is_cpu(zone)).or(zones.first())?;
    let text = fs::read_to_string(zone.join("temp")).ok()?;
    let thousandths: f32 = text.trim().parse().ok()?;
    // A sensor that is missing may read as nonsense.
    Some(thousandths / 1_000.0).filter(|c| (-50.0..=150.0).contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_zone_counts_and_nonsense_does_not() {
        let class = tempfile::tempdir().unwrap();
        assert_eq!(temperature_c(class.path()), None);
        for (zone, kind, temp) in [("0", "acpitz", "20000"), ("1", "cpu-thermal", "48312\n")] {
            let folder = class.path().join(format!("thermal_zone{zone}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("type"), kind).unwrap();
            fs::write(folder.join("temp"), temp).unwrap();
        }
        assert_eq!(temperature_c(class.path()), Some(48.312));
        fs::write(class.path().join("thermal_zone1/temp"), "-274000").unwrap();
        assert_eq!(temperature_c(class.path()), None);
    }
}
