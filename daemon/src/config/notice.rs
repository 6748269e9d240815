//! `[notice]`: what people in front of the camera are told, and that somebody saw to it.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The longest text, in characters: it is to fit on a sheet.
const LONGEST: usize = 200;

/// The notice for the door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticeSettings {
    /// Whether somebody said that people are told; the page offers its set-up until then.
    pub acknowledged: bool,
    /// Who answers for the device and how to reach them; printed.
    pub responsible: String,
    /// What to do who does not want to be looked at; printed. Empty: the usual words.
    pub way_out: String,
}

impl NoticeSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let texts = [
            ("notice.responsible", &self.responsible),
            ("notice.way_out", &self.way_out),
        ];
        for (key, text) in texts {
            let fits = text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
            range(fits, key, "longer", "at most 200 characters on one line")?;
        }
        Ok(())
    }
}
