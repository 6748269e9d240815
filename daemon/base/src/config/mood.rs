//! `[mood]`: how the expressions of several faces over time become one mood.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The longest time that may be set, in milliseconds.
const MAX_MS: u64 = 60_000;

/// Who counts when several people are in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhoCountsSetting {
    /// The largest face.
    #[default]
    Largest,
    /// The face nearest the picture's centre.
    Central,
    /// The face longest in view.
    Longest,
}

/// How expressions become a mood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoodSettings {
    /// `largest`, `central` or `longest`.
    pub who: WhoCountsSetting,
    /// Milliseconds over which scores are smoothed.
    pub smooth_ms: u64,
    /// The least probability at which an expression is named, 0 to 1; below it the mood is `uncertain`. 0: the model's own.
    pub certain: f32,
    /// How much more probable another expression must be to take over at once, 0 to 1.
    pub margin: f32,
    /// Milliseconds in which the lead that it needs shrinks from `margin` to nothing; 0: it does not shrink.
    pub settle_ms: u64,
    /// Milliseconds that another expression must lead before the mood changes.
    pub hold_ms: u64,
    /// Milliseconds that a new face must be in view before it counts.
    pub confirm_ms: u64,
    /// Milliseconds that a face may be hidden before it counts as gone.
    pub lost_ms: u64,
    /// How quickly the mood follows, 0 to 100 percent; 50: the values of the other keys.
    pub sensitivity: u8,
    /// Whether only people who look toward the camera count.
    pub only_facing: bool,
    /// Whether each person's resting face is learned and subtracted from the net's scores.
    pub resting: bool,
}

impl Default for MoodSettings {
    fn default() -> Self {
        Self {
            who: WhoCountsSetting::Largest,
            smooth_ms: 150,
            certain: 0.0,
            margin: 0.5,
            settle_ms: 2_000,
            hold_ms: 0,
            confirm_ms: 150,
            lost_ms: 1_000,
            sensitivity: 50,
            only_facing: false,
            resting: true,
        }
    }
}

impl MoodSettings {
    /// These settings at their sensitivity: from 0 to 100 percent, `smooth_ms`, `settle_ms`, `hold_ms` and `margin` go from four
    /// times to a quarter of their values, and `certain` from 0.2 more to 0.2 less; at 50 all are as they are.
    /// Results stay in the ranges that the settings have. `model_certain` stands in for a `certain` of 0.
    pub fn at_sensitivity(&self, model_certain: f32) -> Self {
        let certain = if self.certain > 0.0 {
            self.certain
        } else {
            model_certain
        };
        let step = (50.0 - f32::from(self.sensitivity.min(100))) / 50.0;
        if step == 0.0 {
            return Self {
                certain,
                ..self.clone()
            };
        }
        let times = 4_f32.powf(step);
        // A cast from f32 saturates.
        let longer = |ms: u64| ((ms as f32 * times) as u64).min(MAX_MS);
        Self {
            smooth_ms: longer(self.smooth_ms),
            settle_ms: longer(self.settle_ms),
            hold_ms: longer(self.hold_ms),
            margin: (self.margin * times).clamp(0.0, 0.5),
            certain: (certain + 0.2 * step).clamp(0.15, 0.99),
            ..self.clone()
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let minute = "0 to 60000 milliseconds";
        for (key, ms) in [
            ("mood.smooth_ms", self.smooth_ms),
            ("mood.settle_ms", self.settle_ms),
            ("mood.hold_ms", self.hold_ms),
            ("mood.confirm_ms", self.confirm_ms),
            ("mood.lost_ms", self.lost_ms),
        ] {
            range(ms <= MAX_MS, key, ms, minute)?;
        }
        range(
            self.sensitivity <= 100,
            "mood.sensitivity",
            self.sensitivity,
            "0 to 100 percent",
        )?;
        range(
            self.certain == 0.0 || (0.15..=0.99).contains(&self.certain),
            "mood.certain",
            self.certain,
            "0 (the model's own) or 0.15 to 0.99",
        )?;
        range(
            (0.0..=0.5).contains(&self.margin),
            "mood.margin",
            self.margin,
            "0 to 0.5",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sensitivity: u8) -> MoodSettings {
        let settings = MoodSettings {
            sensitivity,
            ..MoodSettings::default()
        };
        settings.at_sensitivity(0.45)
    }

    #[test]
    fn sensitivity_moves_all_five_and_the_middle_moves_none() {
        let own = MoodSettings {
            certain: 0.45,
            ..MoodSettings::default()
        };
        assert_eq!(at(50), own, "the model's own threshold stands in for 0");
        let set = MoodSettings {
            certain: 0.6,
            ..MoodSettings::default()
        };
        assert_eq!(set.at_sensitivity(0.45).certain, 0.6);
        let (slow, quick) = (at(0), at(100));
        assert_eq!((slow.smooth_ms, quick.smooth_ms), (600, 37));
        assert_eq!((slow.settle_ms, quick.settle_ms), (8_000, 500));
        assert_eq!((slow.hold_ms, quick.hold_ms), (0, 0));
        assert_eq!((slow.margin, quick.margin), (0.5, 0.125));
        assert!((slow.certain - 0.65).abs() < 1e-6 && (quick.certain - 0.25).abs() < 1e-6);
    }

    #[test]
    fn whatever_is_asked_the_ranges_hold() {
        for sensitivity in [0, 1, 49, 51, 99, 100, 255] {
            let extreme = MoodSettings {
                smooth_ms: MAX_MS,
                settle_ms: MAX_MS,
                hold_ms: MAX_MS,
                margin: 0.5,
                certain: if sensitivity < 50 { 0.99 } else { 0.15 },
                sensitivity,
                ..MoodSettings::default()
            };
            let result = extreme.at_sensitivity(0.45);
            let checked = MoodSettings {
                sensitivity: 50,
                ..result
            };
            assert!(checked.validate().is_ok(), "{checked:?}");
        }
    }
}
