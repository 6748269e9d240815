//! Numbers in messages, rounded: readable, and without digits that nobody measured.

use serde::{Serialize, Serializer};

/// A number shown with at most `DIGITS` decimals. What is not finite becomes `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rounded<const DIGITS: u32>(pub f32);

/// Pixels, degrees, frames per second: 1 decimal.
pub type Tenths = Rounded<1>;
/// Milliseconds of stages: 2 decimals.
pub type Hundredths = Rounded<2>;
/// Scores and confidences, 0 to 1: 4 decimals.
pub type Ratio = Rounded<4>;

impl<const DIGITS: u32> Rounded<DIGITS> {
    /// The number, to be shown rounded.
    pub const fn new(number: f32) -> Self {
        Self(number)
    }
}

impl<const DIGITS: u32> Serialize for Rounded<DIGITS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scale = f64::from(10_u32.pow(DIGITS));
        let rounded = (f64::from(self.0) * scale).round() / scale;
        // Adding zero turns -0.0 into 0.0.
        serializer.serialize_f64(rounded + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::json;

    #[test]
    fn rounds_to_the_digits_promised() {
        assert_eq!(json(&Rounded::<4>(0.912_345_6)), "0.9123");
        assert_eq!(json(&Rounded::<1>(-7.46)), "-7.5");
        assert_eq!(json(&Rounded::<2>(12.0)), "12.0");
        assert_eq!(json(&Rounded::<4>(1.0)), "1.0");
    }

    #[test]
    fn no_minus_zero_and_no_text_for_what_is_not_finite() {
        assert_eq!(json(&Rounded::<1>(-0.01)), "0.0");
        assert_eq!(json(&Rounded::<1>(f32::NAN)), "null");
        assert_eq!(json(&Rounded::<1>(f32::INFINITY)), "null");
    }
}
