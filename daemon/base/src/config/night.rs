//! The hours of the night, as `22:00-07:00`. The time of day comes in as data.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Minutes of a day.
pub const DAY_MIN: u16 = 24 * 60;

/// Begin and end of the night, in minutes after midnight, local time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NightHours(Option<(u16, u16)>);

impl NightHours {
    /// Whether this minute of the day (0 to 1439) is in the night.
    pub const fn holds(self, minute: u16) -> bool {
        match self.0 {
            None => false,
            Some((from, to)) if from <= to => from <= minute && minute < to,
            // The night passes midnight.
            Some((from, to)) => from <= minute || minute < to,
        }
    }
}

impl FromStr for NightHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let wrong =
            || format!("`{text}` is not a span of hours such as 22:00-07:00 (empty: no night)");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        match (minute(from), minute(to)) {
            (Some(from), Some(to)) if from != to => Ok(Self(Some((from, to)))),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for NightHours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<NightHours> for String {
    fn from(night: NightHours) -> Self {
        night.to_string()
    }
}

impl fmt::Display for NightHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some((from, to)) => {
                let (h, m) = (from / 60, from % 60);
                write!(f, "{h:02}:{m:02}-{:02}:{:02}", to / 60, to % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_span_midnight_or_not() {
        let over: NightHours = "22:00-07:00".parse().unwrap();
        let within: NightHours = "13:30-14:00".parse().unwrap();
        let hours = |night: NightHours| (0..DAY_MIN).filter(|m| night.holds(*m)).count();
        assert_eq!((hours(over), hours(within)), (9 * 60, 30));
        assert!(over.holds(22 * 60) && over.holds(0) && !over.holds(7 * 60));
        assert!(within.holds(13 * 60 + 30) && !within.holds(14 * 60));
        assert_eq!(hours("".parse().unwrap()), 0);
    }

    #[test]
    fn nonsense_is_refused_and_the_rest_comes_back() {
        for wrong in ["22-7", "24:00-07:00", "22:60-1:00", "x", "22:00-22:00", "-"] {
            assert!(
                wrong
                    .parse::<NightHours>()
                    .unwrap_err()
                    .contains("22:00-07:00"),
                "{wrong}"
            );
        }
        for text in ["", "22:00-07:00", "00:05-23:59"] {
            assert_eq!(text.parse::<NightHours>().unwrap().to_string(), text);
        }
    }
}
