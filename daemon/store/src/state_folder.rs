//! Finds the store's file: as configured, else where a service or a user keeps such files.

use std::path::{Path, PathBuf};

use moodring_base::files;

/// Where the store lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this file; the folder is made if it is not there.
    File(PathBuf),
    /// In memory, as configured: nothing outlives the process.
    Memory,
    /// In memory, because no folder could be found; a warning is logged.
    Nowhere,
}

/// The file's name in its folder.
const NAME: &str = "moodring.db";

impl StoreLocation {
    /// The file; `None` in memory. Small notes of the same device stand beside it, and carry its name.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory | Self::Nowhere => None,
        }
    }

    /// From `[store] path`: `memory`, a file, or empty for the usual place.
    pub fn of(path: &str) -> Self {
        Self::from(path, files::state_folder)
    }

    fn from(path: &str, usual: impl Fn() -> Option<PathBuf>) -> Self {
        match path.trim() {
            "memory" => return Self::Memory,
            "" => {}
            file => return Self::File(file.into()),
        }
        match usual() {
            Some(folder) => Self::File(folder.join(NAME)),
            None => Self::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, variables: &[(&str, &str)]) -> StoreLocation {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        StoreLocation::from(path, || files::state_folder_by(variable))
    }

    #[test]
    fn the_first_that_is_known() {
        let all = [
            ("STATE_DIRECTORY", "/var/lib/moodring:/var/lib/more"),
            ("XDG_STATE_HOME", "/x"),
            ("HOME", "/home/me"),
        ];
        let file = |path: &str| StoreLocation::File(path.into());
        assert_eq!(found("", &all), file("/var/lib/moodring/moodring.db"));
        assert_eq!(found("", &all[1..]), file("/x/moodring/moodring.db"));
        let storage = "/home/me/.local/state/moodring/moodring.db";
        assert_eq!(found("", &all[2..]), file(storage));
        assert_eq!(found("", &[("XDG_STATE_HOME", "x"), all[2]]), file(storage));
        assert_eq!(found("", &[]), StoreLocation::Nowhere);
        assert_eq!(found("my.db", &all), file("my.db"));
        assert_eq!(found("memory", &all), StoreLocation::Memory);
    }
}
