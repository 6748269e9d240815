//! `[mood]`: how expressions of several faces over time become one mood.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Who counts when several people are in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
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
    pub who: Who,
    /// Milliseconds over which scores are smoothed.
    pub smooth_ms: u64,
    /// The least probability at which an expression is named; below it the mood is `uncertain`.
    pub certain: f32,
    /// How much more probable another expression must be to take over.
    pub margin: f32,
    /// Milliseconds that another expression must lead before the mood changes.
    pub hold_ms: u64,
    /// Milliseconds a new face must be in view before it counts.
    pub confirm_ms: u64,
    /// Milliseconds a face may be hidden before it is gone.
    pub lost_ms: u64,
}

impl Default for MoodSettings {
    fn default() -> Self {
        Self {
            who: Who::Largest,
            smooth_ms: 400,
            certain: 0.45,
            margin: 0.1,
            hold_ms: 300,
            confirm_ms: 150,
            lost_ms: 1_000,
        }
    }
}

impl MoodSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let minute = "0 to 60000 milliseconds";
        for (key, ms) in [
            ("mood.smooth_ms", self.smooth_ms),
            ("mood.hold_ms", self.hold_ms),
            ("mood.confirm_ms", self.confirm_ms),
            ("mood.lost_ms", self.lost_ms),
        ] {
            range(ms <= 60_000, key, ms, minute)?;
        }
        range(
            (0.15..=0.99).contains(&self.certain),
            "mood.certain",
            self.certain,
            "0.15 to 0.99",
        )?;
        range(
            (0.0..=0.5).contains(&self.margin),
            "mood.margin",
            self.margin,
            "0 to 0.5",
        )
    }
}
