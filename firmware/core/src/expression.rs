//! The seven expressions and a score for each. Knows nothing about people.

/// A facial expression, in FER2013's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Expression {
    /// Brows drawn together, lips pressed or bared teeth.
    Angry,
    /// Nose wrinkled, upper lip raised.
    Disgust,
    /// Eyes wide, brows raised and drawn together, lips stretched.
    Fear,
    /// A smile.
    Happy,
    /// Lip corners down, inner brows up.
    Sad,
    /// Brows raised, mouth open.
    Surprise,
    /// None of the others.
    Neutral,
}

impl Expression {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// All of them in FER2013's order: index `i` is label `i`.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Angry,
        Self::Disgust,
        Self::Fear,
        Self::Happy,
        Self::Sad,
        Self::Surprise,
        Self::Neutral,
    ];

    /// The label's number in FER2013, 0 to 6.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in messages and on the command line: lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angry => "angry",
            Self::Disgust => "disgust",
            Self::Fear => "fear",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Surprise => "surprise",
            Self::Neutral => "neutral",
        }
    }

    /// The expression of this name, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }

    /// The Unicode emoji that looks most like it.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Angry => "😠",
            Self::Disgust => "🤢",
            Self::Fear => "😨",
            Self::Happy => "😄",
            Self::Sad => "😢",
            Self::Surprise => "😮",
            Self::Neutral => "😐",
        }
    }
}

/// A probability for each expression, in [`Expression::ALL`]'s order; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores(pub [f32; Expression::COUNT]);

impl Scores {
    /// Every expression equally likely: the state before anything was seen.
    pub const UNKNOWN: Self = Self([1.0 / Expression::COUNT as f32; Expression::COUNT]);

    /// The probability of one expression.
    pub const fn of(&self, expression: Expression) -> f32 {
        self.0[expression.index()]
    }

    /// The most likely expression and its probability. Of equals, the first in order.
    pub fn top(&self) -> (Expression, f32) {
        let mut best = (Expression::Angry, self.0[0]);
        for expression in Expression::ALL {
            if self.of(expression) > best.1 {
                best = (expression, self.of(expression));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_both_ways() {
        for (i, expression) in Expression::ALL.into_iter().enumerate() {
            assert_eq!(expression.index(), i);
            assert_eq!(Expression::from_name(expression.name()), Some(expression));
        }
        assert_eq!(Expression::from_name("Happy"), None);
    }

    #[test]
    fn top_is_the_largest_and_the_first_of_equals() {
        let mut scores = [0.1; 7];
        scores[5] = 0.4;
        assert_eq!(Scores(scores).top(), (Expression::Surprise, 0.4));
        assert_eq!(Scores::UNKNOWN.top().0, Expression::Angry);
    }
}
