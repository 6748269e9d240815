//! Where the file is: as configured, else where a service or a user keeps such files.

use std::{env, path::PathBuf};

/// Where the store lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// In this file; the folder is made if it is not there.
    File(PathBuf),
    /// In memory, as configured: nothing outlives the process.
    Memory,
    /// In memory, because no folder could be found; a warning says so.
    Nowhere,
}

/// The file's name in its folder.
const NAME: &str = "moodring.db";

impl StoreLocation {
    /// The folder of the file, for small notes beside it; `None` in memory.
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => path.parent().map(PathBuf::from),
            Self::Memory | Self::Nowhere => None,
        }
    }

    /// From `[store] path`: `memory`, a file, or empty for the usual place.
    pub fn of(path: &str) -> Self {
        Self::from(path, |name| env::var_os(name).map(PathBuf::from))
    }

    /// systemd gives a service `$STATE_DIRECTORY`; users have the XDG base directories.
    fn from(path: &str, variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        match path.trim() {
            "memory" => return Self::Memory,
            "" => {}
            file => return Self::File(file.into()),
        }
        // The specification: what is not absolute is ignored. systemd may give several folders, parted by colons.
        let folder = |name: &str| {
            let text = variable(name)?;
            let first = text.to_str()?.split(':').next()?;
            Some(PathBuf::from(first)).filter(|path| path.is_absolute())
        };
        let service = folder("STATE_DIRECTORY");
        let user = || folder("XDG_STATE_HOME").map(|path| path.join("moodring"));
        let storage = || folder("HOME").map(|path| path.join(".local/state/moodring"));
        match service.or_else(user).or_else(storage) {
            Some(folder) => Self::File(folder.join(NAME)),
            None => Self::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, variables: &[(&str, &str)]) -> StoreLocation {
        StoreLocation::from(path, |name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| PathBuf::from(value))
        })
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
