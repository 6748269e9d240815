//! Versions of nets and of the program: one to three numbers, separated by dots.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `1.2.3`; what is left out is 0, so that 0.10 is 0.10.0 and newer than 0.9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

/// The text is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is one to three numbers parted by dots, such as 1.2.0")]
pub struct VersionError;

impl Version {
    /// The version of this program.
    pub fn of_program() -> Self {
        env!("CARGO_PKG_VERSION").parse().unwrap_or_default()
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut numbers = [0; 3];
        for (place, part) in text.split('.').enumerate() {
            let digits = (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            let number = numbers
                .get_mut(place)
                .filter(|_| digits)
                .ok_or(VersionError)?;
            *number = part.parse().map_err(|_| VersionError)?;
        }
        Ok(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.10") > version("0.9.9"));
        assert_eq!(version("1"), version("1.0.0"));
        assert_eq!(version("0.10").to_string(), "0.10.0");
        assert!(Version::of_program() >= version("0.1.0"));
        for wrong in [
            "", ".", "1.", "1.2.3.4", "v1", "1.-2", "+1", "1.2 ", "9999999",
        ] {
            assert_eq!(wrong.parse::<Version>(), Err(VersionError), "{wrong}");
        }
    }
}
