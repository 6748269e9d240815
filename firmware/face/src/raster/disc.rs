//! Measures how far a pixel is from the middle of an ellipse, in whole numbers.

use super::FINE_BITS;

/// Farther away than this, all distances count as equal; 4096 is the edge.
const FAR: i32 = 5000;

/// Measures how far a pixel is from the middle of an upright ellipse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Hash)]
pub(crate) struct Disc {
    /// The middle, 24.8 pixels.
    pub(crate) x: i32,
    pub(crate) y: i32,
    /// The radius across, 24.8 pixels.
    rx: i32,
    /// `2^24` over the radii in 24.8 pixels.
    pub(crate) per_rx: i32,
    pub(crate) per_ry: i32,
}

impl Disc {
    pub(crate) fn new(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        let per = |r: f32| (65536.0 / r.max(0.5)) as i32;
        Self {
            x: (x * 256.0) as i32,
            y: (y * 256.0) as i32,
            rx: (rx * 256.0) as i32,
            per_rx: per(rx),
            per_ry: per(ry),
        }
    }

    /// A distance in pixels as a share of the radius, -4096 to 4096 inside.
    fn share(pixel: i32, middle: i32, per: i32) -> i32 {
        let off = (pixel << FINE_BITS) + 128 - middle;
        (off.saturating_mul(per) >> 12).clamp(-FAR, FAR)
    }

    /// How far down a row is, as a share of the radius.
    pub(crate) fn down(&self, y: i32) -> i32 {
        Self::share(y, self.y, self.per_ry)
    }

    /// The squared distances from the middle, for the pixels from `x` on in a row that is so far down: 2^24 is the edge.
    /// For pixels that the disc touches; without a multiplication by the radius for each.
    pub(crate) fn squares(&self, x: i32, down: i32) -> impl Iterator<Item = i32> {
        let off = (x << FINE_BITS) + 128 - self.x;
        let mut across = off.wrapping_mul(self.per_rx);
        let step = self.per_rx << FINE_BITS;
        core::iter::repeat_with(move || {
            // Outside by two pixels at most, which makes four radii: the squares fit.
            let share = across >> 12;
            across = across.wrapping_add(step);
            share * share + down * down
        })
    }

    /// Pixels, from the first to one past the last, that are at most `reach` of 4096 away from the middle.
    pub(crate) fn pixels_within(&self, reach: i32) -> (i32, i32) {
        let off = ((reach >> 1) * self.rx) >> 11;
        // A pixel's middle counts: half a pixel is taken off both ends, and both are rounded inward.
        let first = (self.x - off - 128 + 255) >> FINE_BITS;
        let last = (self.x + off - 128) >> FINE_BITS;
        (first, last + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Step by step, the distances are those that each pixel has by itself.
        #[test]
        fn squares_are_those_of_single_pixels(x in -20.0..300.0_f32, rx in 0.0..300.0_f32, down in -FAR..=FAR) {
            let disc = Disc::new(x, 0.0, rx, 1.0);
            let (first, end) = ((x - rx) as i32 - 1, (x + rx) as i32 + 2);
            for (pixel, squared) in (first..end).zip(disc.squares(first, down)) {
                let off = i64::from((pixel << FINE_BITS) + 128 - disc.x);
                let across = (off * i64::from(disc.per_rx)) >> 12;
                prop_assert_eq!(i64::from(squared), across * across + i64::from(down * down), "pixel {}", pixel);
            }
        }
    }
}
