//! Everything that the face can show: a mood, or a state of the device. Knows no numbers and no pixels.

use moodring_core::{expression::Expression, mood::Mood};

/// What the face shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// An expression, `uncertain`, or asleep because nobody is in view.
    Mood(Mood),
    /// The camera is switched off: nobody is watched.
    CameraOff,
    /// Not ready yet.
    Starting,
    /// Something is wrong; the code is shown with up to three digits, larger ones as 999.
    Fault(u16),
}

impl Look {
    /// Every look: the seven expressions in FER2013's order, `uncertain`, `nobody` and the device's states.
    pub const ALL: [Self; 12] = [
        Self::Mood(Mood::Showing(Expression::Angry)),
        Self::Mood(Mood::Showing(Expression::Disgust)),
        Self::Mood(Mood::Showing(Expression::Fear)),
        Self::Mood(Mood::Showing(Expression::Happy)),
        Self::Mood(Mood::Showing(Expression::Sad)),
        Self::Mood(Mood::Showing(Expression::Surprise)),
        Self::Mood(Mood::Showing(Expression::Neutral)),
        Self::Mood(Mood::Uncertain),
        Self::Mood(Mood::Nobody),
        Self::CameraOff,
        Self::Starting,
        Self::Fault(42),
    ];

    /// The name for people and command lines, such as `happy` or `camera-off`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mood(mood) => mood.name(),
            Self::CameraOff => "camera-off",
            Self::Starting => "starting",
            Self::Fault(_) => "fault",
        }
    }

    /// The look of that name; `fault` has code 0.
    pub fn from_name(name: &str) -> Option<Self> {
        let look = Self::ALL.into_iter().find(|look| look.name() == name)?;
        Some(match look {
            Self::Fault(_) => Self::Fault(0),
            other => other,
        })
    }

    /// The code of a fault; 0 for everything else.
    pub const fn code(self) -> u16 {
        match self {
            Self::Fault(code) => code,
            _ => 0,
        }
    }
}

impl From<Mood> for Look {
    fn from(mood: Mood) -> Self {
        Self::Mood(mood)
    }
}

impl From<Expression> for Look {
    fn from(expression: Expression) -> Self {
        Self::Mood(Mood::Showing(expression))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for look in Look::ALL {
            let found = Look::from_name(look.name()).unwrap();
            assert_eq!(found.name(), look.name());
        }
        assert_eq!(Look::from_name("joy"), None);
    }
}
