//! Errors of the settings, with the way to mend them.

use std::{borrow::Cow, path::PathBuf};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The named file is not there or cannot be read.
    #[error("cannot read the configuration {path}: {reason}. {way_out}", way_out = way_out(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {place}{hint} `moodring config` lists every key")]
    UnknownKey {
        /// The key with its section.
        key: String,
        /// File, environment or flag.
        place: String,
        /// The end of the sentence: `; did you mean ...?` or a full stop.
        hint: String,
    },
    /// A value of the wrong type, an unknown name, or TOML that does not parse.
    #[error("{key}in {place}: {reason}")]
    Value {
        /// `` `key` `` and a space, or nothing if TOML itself is broken.
        key: String,
        /// File, environment or flag.
        place: String,
        /// What was found and what is wanted.
        reason: String,
    },
    /// A variable that looks like a setting and would be ignored.
    #[error(
        "the environment has {name}, which is no setting: write {meant}, with two underscores after the section"
    )]
    Underscore {
        /// The variable.
        name: String,
        /// What was meant.
        meant: String,
    },
    /// A value out of its range.
    #[error("`{key}` is {value}, but must be {allowed}")]
    Range {
        /// The key with its section.
        key: &'static str,
        /// The value that was given.
        value: String,
        /// The values that work.
        allowed: Cow<'static, str>,
    },
    /// A location where the law forbids emotion recognition.
    #[error(
        "`place = \"{0}\"` is refused: the EU AI Act, Art. 5(1)(f), forbids systems that infer emotions of people \
         at work or in education. Use moodring at `home`, in `public` (tell people at first exposure, Art. 50(3)) or in `research`"
    )]
    Place(&'static str),
}

/// How to get a file that can be read. One that is there must not be written over.
fn way_out(path: &std::path::Path) -> String {
    let name = path.display();
    if path.is_dir() {
        "Name the file in that folder".into()
    } else if path.exists() {
        "Mend it, its rights or its encoding (UTF-8)".into()
    } else {
        format!("`moodring config > {name}` writes one with the defaults")
    }
}

impl ConfigError {
    /// The error for a text that is not among the known ones.
    pub(super) fn choice(key: &'static str, value: &str, allowed: String) -> Self {
        Self::Range {
            key,
            value: format!("`{value}`"),
            allowed: allowed.into(),
        }
    }
}

/// `Ok` if `fits`, else [`ConfigError::Range`] for this key.
pub(super) fn range(
    fits: bool,
    key: &'static str,
    value: impl std::fmt::Display,
    allowed: &'static str,
) -> Result<(), ConfigError> {
    if fits {
        Ok(())
    } else {
        Err(ConfigError::Range {
            key,
            value: value.to_string(),
            allowed: allowed.into(),
        })
    }
}
