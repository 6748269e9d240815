//! The expression of who counts, guarded by hysteresis, with honest states for "not sure" and "nobody".

use crate::{expression::Expression, frame::Millis, track::TrackId};

/// What a scene shows. Not what a person feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mood {
    /// No face in view.
    #[default]
    Nobody,
    /// A face, but no expression is clear enough to name.
    Uncertain,
    /// The face that counts shows this.
    Showing(Expression),
}

impl Mood {
    /// The name in messages: an expression's name, `uncertain` or `nobody`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Uncertain => "uncertain",
            Self::Showing(expression) => expression.name(),
        }
    }

    /// The Unicode emoji that stands for it.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Nobody => "😴",
            Self::Uncertain => "🤔",
            Self::Showing(expression) => expression.emoji(),
        }
    }
}

/// A mood, how sure it is, whose it is and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MoodState {
    /// The mood.
    pub mood: Mood,
    /// The smoothed probability of the shown expression, 0 to 1; 0 for nobody.
    pub confidence: f32,
    /// Whose mood it is; `None` for nobody.
    pub track: Option<TrackId>,
    /// When this mood began.
    pub since: Millis,
}

/// Whose expression is the mood when several people are in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhoCounts {
    /// The largest box: usually the nearest person.
    #[default]
    Largest,
    /// The face nearest the picture's centre.
    Central,
    /// The face that has been in view longest.
    Longest,
}
