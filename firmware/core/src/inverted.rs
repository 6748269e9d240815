//! Chooses when a face that the net refuses is looked at upside down, and whether that look is believed. Cuts no crop.
//!
//! The detector finds faces that stand on their heads, but draws upright landmarks into them, and the net takes most of such crops
//! for no face. Half a turn further it knows them (58 of 61 portraits; 25 without). Animals and objects hardly ever pass as
//! surely as [`SURE`] asks (none of 189 pictures of pets).

use crate::classify::Reading;

/// One of so many looks at a refused face is upside down.
const EVERY: u8 = 3;
/// The face logit from which an upside-down look is believed: a probability of 0.95.
const SURE: f32 = 2.94;

/// Counts the looks at one face that is not taken for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvertedLook {
    looks: u8,
}

impl InvertedLook {
    /// Whether the next look is upside down.
    pub const fn is_due(&self) -> bool {
        self.looks == EVERY - 1
    }

    /// A look that was not upside down ended with no face.
    pub fn refuse(&mut self) {
        self.looks = (self.looks + 1).min(EVERY - 1);
    }

    /// Ends an upside-down look: whether the head does stand on its top.
    pub fn judge(&mut self, reading: &Reading) -> bool {
        self.looks = 0;
        reading.face.is_some_and(|logit| logit >= SURE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Scores;

    #[test]
    fn every_third_look_and_only_a_sure_answer_counts() {
        let said = |face| Reading {
            scores: Scores::UNKNOWN,
            pose: None,
            face,
        };
        let mut look = InvertedLook::default();
        assert!(!look.is_due());
        look.refuse();
        assert!(!look.is_due());
        look.refuse();
        assert!(look.is_due());
        assert!(!look.judge(&said(Some(2.9))) && !look.is_due());
        for face in [None, Some(f32::NEG_INFINITY)] {
            assert!(!look.judge(&said(face)));
        }
        assert!(look.judge(&said(Some(3.0))));
    }
}
