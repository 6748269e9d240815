//! What a scene and a face show: plain values that hang together.

use crate::{
    expression::{Expression, Scores},
    frame::Millis,
    track::TrackId,
};

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

/// What one face shows: an expression or [`Mood::Uncertain`], never [`Mood::Nobody`], and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceMood {
    expression: Option<Expression>,
    confidence: f32,
}

impl FaceMood {
    /// Nothing is known yet.
    pub const UNKNOWN: Self = Self::uncertain(1.0 / Expression::COUNT as f32);

    /// The face shows this expression, with this probability from 0 to 1.
    pub const fn showing(expression: Expression, confidence: f32) -> Self {
        Self {
            expression: Some(expression),
            confidence,
        }
    }

    /// No expression is clear enough to name; the likeliest has this probability from 0 to 1.
    pub const fn uncertain(confidence: f32) -> Self {
        Self {
            expression: None,
            confidence,
        }
    }

    /// What these scores show without any history: the likeliest expression if it reaches `threshold`.
    pub fn of_scores(scores: &Scores, threshold: f32) -> Self {
        let (top, likely) = scores.top();
        if likely >= threshold {
            Self::showing(top, likely)
        } else {
            Self::uncertain(likely)
        }
    }

    /// The expression, or uncertain.
    pub const fn mood(&self) -> Mood {
        match self.expression {
            Some(expression) => Mood::Showing(expression),
            None => Mood::Uncertain,
        }
    }

    /// The probability of the shown expression, 0 to 1; while uncertain, of the likeliest.
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }
}

/// The mood of the scene, how sure it is, whose it is and since when it is shown.
///
/// Mood, confidence and track are of one person at one moment: the fields are private, and [`MoodState::of`] takes all
/// three together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MoodState {
    pub(super) person: Option<(TrackId, FaceMood)>,
    pub(super) since: Millis,
}

impl MoodState {
    /// Nobody is in view, since this time.
    pub const fn nobody(since: Millis) -> Self {
        Self {
            person: None,
            since,
        }
    }

    /// The mood of the person who counts; it is shown since this time.
    pub const fn of(track: TrackId, face: FaceMood, since: Millis) -> Self {
        Self {
            person: Some((track, face)),
            since,
        }
    }

    /// This mood of this person; a state of nobody has neither person nor confidence.
    pub const fn new(mood: Mood, confidence: f32, track: TrackId, since: Millis) -> Self {
        match mood {
            Mood::Nobody => Self::nobody(since),
            Mood::Uncertain => Self::of(track, FaceMood::uncertain(confidence), since),
            Mood::Showing(expression) => {
                let face = FaceMood::showing(expression, confidence);
                Self::of(track, face, since)
            }
        }
    }

    /// The mood.
    pub const fn mood(&self) -> Mood {
        match &self.person {
            Some((_, face)) => face.mood(),
            None => Mood::Nobody,
        }
    }

    /// The smoothed probability of the shown expression, 0 to 1; while uncertain, of the likeliest; 0 for nobody.
    pub const fn confidence(&self) -> f32 {
        match &self.person {
            Some((_, face)) => face.confidence(),
            None => 0.0,
        }
    }

    /// Whose mood it is; `None` for nobody.
    pub const fn track(&self) -> Option<TrackId> {
        match self.person {
            Some((track, _)) => Some(track),
            None => None,
        }
    }

    /// When this mood began to be shown.
    pub const fn since(&self) -> Millis {
        self.since
    }
}
