//! A GPIO line as people name it: a number of the 40-pin header, the kernel's own name, or none.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The highest number on the 40-pin header.
pub const LAST_GPIO: u8 = 27;

/// A line, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pin {
    /// Not connected.
    #[default]
    None,
    /// `GPIO25` of the Raspberry Pi's 40-pin header (Broadcom's number); on a Jetson the line at the same place.
    Gpio(u8),
    /// The name that the kernel gives the line, such as `PP.04`.
    Line(String),
}

impl Pin {
    /// Whether a line is named.
    pub fn is_some(&self) -> bool {
        *self != Self::None
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gpio(number) => write!(f, "GPIO{number}"),
            Self::Line(name) => f.write_str(name),
        }
    }
}

impl Serialize for Pin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Gpio(number) => serializer.serialize_u8(*number),
            named => serializer.collect_str(named),
        }
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Pin;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a GPIO number of the 40-pin header (0 to {LAST_GPIO}), a line's name, or \"none\""
        )
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Pin, E> {
        match u8::try_from(number) {
            Ok(number) if number <= LAST_GPIO => Ok(Pin::Gpio(number)),
            _ => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Pin, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(de::Unexpected::Signed(number), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Pin, E> {
        let name = text.trim();
        let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
        match number(name) {
            _ if name.is_empty() || name.contains(char::is_control) => Err(wrong()),
            Some(number) => self.visit_u64(number),
            None if name == "none" => Ok(Pin::None),
            None => Ok(Pin::Line(name.into())),
        }
    }
}

/// The number of a name such as `GPIO25`, `gpio25`, `BCM25` or `25`.
fn number(name: &str) -> Option<u64> {
    let prefix = name.len() - name.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
    let (prefix, digits) = name.split_at(prefix);
    let known = ["", "gpio", "bcm"]
        .iter()
        .any(|known| prefix.eq_ignore_ascii_case(known));
    digits.parse().ok().filter(|_| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct One {
        pin: Pin,
    }

    #[test]
    fn pins_are_read_and_written_the_same() {
        let read = |text: &str| toml::from_str::<One>(text).map(|one| one.pin);
        assert_eq!(read("pin = 25").unwrap(), Pin::Gpio(25));
        assert_eq!(read("pin = \"GPIO9\"").unwrap(), Pin::Gpio(9));
        for quoted in ["25", "gpio25", " GPIO25", "BCM25"] {
            let text = format!("pin = \"{quoted}\"");
            assert_eq!(read(&text).unwrap(), Pin::Gpio(25), "{text}");
        }
        assert_eq!(read("pin = \"none\"").unwrap(), Pin::None);
        assert_eq!(read("pin = \"PP.04\"").unwrap(), Pin::Line("PP.04".into()));
        for wrong in [
            "pin = 28",
            "pin = -1",
            "pin = \"\"",
            "pin = \"GPIO99\"",
            "pin = \"a\\nb\"",
            "pin = \"28\"",
            "pin = true",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("40-pin header"), "{wrong}: {error}");
        }
        for pin in [Pin::None, Pin::Gpio(0), Pin::Line("PAC.06".into())] {
            let one = One { pin };
            let text = toml::to_string(&one).unwrap();
            assert_eq!(toml::from_str::<One>(&text).unwrap(), one);
        }
    }
}
