//! `[notice]`: the printed notice for people in front of the camera, and whether somebody has put it up.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The longest text in characters, so that it fits on a sheet.
const LONGEST: usize = 200;

/// The notice for the door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticeSettings {
    /// Whether somebody confirmed that people are informed; until then the page offers its set-up.
    pub acknowledged: bool,
    /// Who is responsible for the device, and how to reach them; printed.
    pub responsible: String,
    /// What people can do who do not want to be seen; printed. Empty: the usual text.
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
