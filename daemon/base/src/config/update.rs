//! `[update]`: whether this device looks for newer versions.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The search for newer versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateSettings {
    /// `off`, `apt`, or the https:// address of a signed index.
    pub source: String,
    /// Hours between two checks.
    pub hours: u64,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateSource {
    /// This machine's package lists.
    Apt,
    /// An index at this address.
    Index(String),
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self {
            source: "off".into(),
            hours: 24,
        }
    }
}

impl UpdateSettings {
    /// Where to look; `None`: nowhere.
    pub fn source(&self) -> Option<UpdateSource> {
        match self.source.as_str() {
            "apt" => Some(UpdateSource::Apt),
            url if url.starts_with("https://") => Some(UpdateSource::Index(url.into())),
            _ => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            self.source == "off" || self.source().is_some(),
            "update.source",
            format!("`{}`", self.source),
            "off, apt or an address that begins with https://",
        )?;
        range(
            (1..=720).contains(&self.hours),
            "update.hours",
            self.hours,
            "1 to 720 hours",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_by_default_and_only_known_sources_are() {
        assert_eq!(UpdateSettings::default().source(), None);
        let checked = |source: &str| {
            let settings = UpdateSettings {
                source: source.into(),
                ..UpdateSettings::default()
            };
            settings.validate().map(|()| settings.source().is_some())
        };
        assert!(checked("apt").unwrap() && checked("https://example.org/i.json").unwrap());
        assert!(!checked("off").unwrap());
        assert!(checked("http://example.org/i.json").is_err() && checked("").is_err());
    }
}
