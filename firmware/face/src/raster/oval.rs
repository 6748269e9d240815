//! Fills ellipses, upright or turned. Whole numbers once one is made.

use libm::{fabsf, sqrtf};

use super::{LINES, line_at, spans::Spans};
use crate::vec2::Vec2;

/// An ellipse, cut by scan lines: its spans lie around a slanted middle line and are as long as a circle's chords.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Oval {
    /// The centre's scan line, 24.8.
    centre_line: i32,
    /// Half its height in scan lines, 24.8; at least 1.
    half_height: i32,
    /// `2^31 / half_height`.
    per_height: u32,
    /// The centre, 24.8 pixels.
    centre: i32,
    /// Half its width through the centre, 24.8 pixels.
    half_width: u32,
    /// How far the middle moves from line to line, 16.16 pixels.
    slant: i32,
}

impl Oval {
    /// The image of the unit circle under `(x, y) -> centre + x a + y b`, in pixels.
    pub(crate) fn new(centre: Vec2, a: Vec2, b: Vec2) -> Self {
        let squared = a.y * a.y + b.y * b.y;
        let half_height = sqrtf(squared).max(1e-3);
        let half_width = fabsf(a.x * b.y - a.y * b.x) / half_height;
        let slant = (a.x * a.y + b.x * b.y) / (half_height * half_height);
        let lines = ((half_height * LINES as f32 * 256.0) as i32).max(1);
        Self {
            centre_line: (line_at(centre.y) * 256.0) as i32,
            half_height: lines,
            per_height: (1 << 31) / lines as u32,
            centre: (centre.x * 256.0) as i32,
            half_width: (half_width * 256.0) as u32,
            slant: (slant * 65536.0 / LINES as f32) as i32,
        }
    }

    /// Its middle (x, y), half its width, half its height, and how far right its lowest point is of its middle, in half
    /// pixels.
    pub(crate) fn half_pixels(&self) -> [f32; 5] {
        let lines = |fine: i32| fine as f32 / 256.0 * 2.0 / LINES as f32;
        let slanted = self.slant as f32 / 65536.0 * self.half_height as f32 / 256.0;
        [
            self.centre as f32 / 128.0,
            lines(self.centre_line + 128),
            self.half_width as f32 / 128.0,
            lines(self.half_height),
            slanted * 2.0,
        ]
    }

    /// The box around it: first scan line and one past the last, first pixel and one past the last.
    pub(crate) fn bounds(&self) -> [i32; 4] {
        let top = self.centre_line.saturating_sub(self.half_height);
        let bottom = self.centre_line.saturating_add(self.half_height);
        let slanted = (i64::from(self.slant) * i64::from(self.half_height)) >> 16;
        let reach = i64::from(self.half_width) + slanted.abs();
        // Within i32 again after the shift: all parts are.
        let pixel = |x: i64| (x >> 8) as i32;
        let centre = i64::from(self.centre);
        [
            top >> 8,
            (bottom >> 8) + 1,
            pixel(centre - reach),
            pixel(centre + reach) + 1,
        ]
    }

    /// Whether it may cover something of a pixel row.
    pub(crate) fn touches(&self, row: i32) -> bool {
        let (first, last) = ((row * LINES) << 8, (row * LINES + LINES - 1) << 8);
        last.saturating_sub(self.centre_line) > -self.half_height
            && first.saturating_sub(self.centre_line) < self.half_height
    }

    /// What it covers of a scan line, 24.8 pixels.
    pub(crate) fn span(&self, line: i32) -> Option<(i32, i32)> {
        let off = (line << 8).saturating_sub(self.centre_line);
        if off.unsigned_abs() >= self.half_height.unsigned_abs() {
            return None;
        }
        // Below 2^31, because `off` is below `half_height`; then 0 to 1 with 15 bits.
        let sine = (off.unsigned_abs() * self.per_height) >> 16;
        let cosine = square_root((1 << 30) - sine * sine) >> 3;
        let half = (self.half_width.wrapping_mul(cosine) >> 12) as i32;
        let mut middle = self.centre;
        if self.slant != 0 {
            let slanted = (i64::from(self.slant) * i64::from(off)) >> 16;
            middle = middle.wrapping_add(slanted as i32);
        }
        Some((middle.wrapping_sub(half), middle.wrapping_add(half)))
    }

    /// Adds what it covers of a scan line.
    pub(crate) fn scan(&self, line: i32, spans: &mut Spans) {
        if let Some((start, end)) = self.span(line) {
            spans.push(start, end);
        }
    }
}

/// The integer square root, bit by bit: no division, which a Cortex-M0+ has not.
pub(crate) fn square_root(of: u32) -> u32 {
    let (mut rest, mut root) = (of, 0);
    let mut bit = 1 << 30;
    while bit != 0 {
        if rest >= root + bit {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vec2::at;

    proptest! {
        #[test]
        fn square_roots_are_those_of_the_library(n: u32) {
            prop_assert_eq!(square_root(n), n.isqrt());
        }

        /// Spans are those of `|M^-1 (p - c)| <= 1`, calculated in f64.
        #[test]
        fn spans_solve_the_equation(
            x in -50.0..300.0_f64, y in -50.0..300.0_f64, r1 in 0.5..120.0_f64, r2 in 0.5..120.0_f64, turn in -3.2..3.2_f64,
        ) {
            let (sin, cos) = turn.sin_cos();
            let (a, b) = ((r1 * cos, r1 * sin), (-r2 * sin, r2 * cos));
            let f = |v: (f64, f64)| at(v.0 as f32, v.1 as f32);
            let oval = Oval::new(f((x, y)), f(a), f(b));
            let h2 = a.1 * a.1 + b.1 * b.1;
            let truth = |dy: f64| {
                let middle = x + dy * (a.0 * a.1 + b.0 * b.1) / h2;
                let half = (a.0 * b.1 - a.1 * b.0).abs() / h2.sqrt() * (1.0 - dy * dy / h2).max(0.0).sqrt();
                (middle - half, middle + half)
            };
            for line in -300..1300 {
                let dy = (f64::from(line) + 0.5) / f64::from(LINES) - y;
                let (from, to) = truth(dy);
                let (start, end) = oval.span(line).map_or((from, to), |(s, e)| (f64::from(s) / 256.0, f64::from(e) / 256.0));
                // Heights are rounded to 1/256 of a scan line and 15 bits, which near the tips is more than that across.
                let rounding = 0.004 + 1e-4 * h2.sqrt();
                let rounded = [truth(dy - rounding), truth(dy + rounding)];
                let near = rounded.iter().fold(0.06, |most: f64, (f, t)| most.max(0.06 + (f - from).abs()).max(0.06 + (t - to).abs()));
                prop_assert!((start - from).abs() < near && (end - to).abs() < near, "line {line}: {start}..{end}, not {from}..{to}");
            }
        }
    }

    #[test]
    fn far_away_and_empty_ones_do_not_panic() {
        for v in [0.0, 1e9, -1e9, f32::NAN, f32::INFINITY] {
            let oval = Oval::new(at(v, v), at(v, 0.0), at(0.0, v));
            oval.bounds();
            oval.span(3);
        }
    }
}
