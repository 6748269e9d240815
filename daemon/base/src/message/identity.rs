//! The sender of all messages: the device's name and the run's number. Made once at the start and passed down.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

/// Why a name cannot be used as a part of a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// Brokers refuse names much longer than this, and people cannot read them.
    #[error("it has {bytes} bytes, {max} are allowed")]
    Long {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// `+` and `#` are MQTT's wildcards, `/` parts topics, control characters are not allowed by MQTT.
    #[error("it contains {0:?}; use letters, digits, - and _")]
    Character(char),
}

/// A device's name: the `<id>` in topics and `device` in messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName(String);

impl DeviceName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// A name that fits between two slashes of a topic.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, too long or has a character that topics cannot have.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check_level(name, Self::MAX_BYTES)?;
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `level` can stand between two slashes of a topic.
pub fn check_level(level: &str, max_bytes: usize) -> Result<(), NameError> {
    if level.is_empty() {
        return Err(NameError::Empty);
    }
    if level.len() > max_bytes {
        return Err(NameError::Long {
            bytes: level.len(),
            max: max_bytes,
        });
    }
    let bad = |c: &char| matches!(c, '+' | '#' | '/' | '$') || c.is_control() || c.is_whitespace();
    match level.chars().find(bad) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

/// A run's number: new at each start, so that sequence numbers that begin again are not taken for duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(u64);

impl RunId {
    /// A given number, for tests and for runs read back from a store.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// A number that no other run has, as far as chance goes (64 bits from the system's randomness).
    pub fn random() -> Self {
        // The standard library keys each RandomState from the system; hashing nothing mixes those keys.
        Self(RandomState::new().build_hasher().finish())
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: DeviceName,
    /// The run.
    pub run: RunId,
    /// The name that people see.
    pub name: String,
    /// The room that it is in; empty: not known.
    pub area: String,
}

impl Identity {
    /// A device that people see by its name in topics.
    pub fn new(device: DeviceName, run: RunId) -> Self {
        Self {
            name: device.as_str().to_owned(),
            area: String::new(),
            device,
            run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_a_topic_are_refused() {
        assert!(DeviceName::new("kitchen-pi_5").is_ok());
        assert!(DeviceName::new("küche").is_ok());
        assert_eq!(DeviceName::new(""), Err(NameError::Empty));
        for bad in ['+', '#', '/', '$', '\0', '\n', ' '] {
            let name = format!("pi{bad}");
            assert_eq!(DeviceName::new(&name), Err(NameError::Character(bad)));
        }
        let long = "x".repeat(65);
        assert!(matches!(
            DeviceName::new(&long),
            Err(NameError::Long { bytes: 65, max: 64 })
        ));
    }

    #[test]
    fn runs_differ() {
        assert_ne!(RunId::random(), RunId::random());
        assert_eq!(RunId::new(255).to_string(), "00000000000000ff");
    }
}
