//! Shapes to pixels in whole numbers: each pixel row is cut into [`LINES`] scan lines, a shape is a few spans on each
//! of them, and a pixel's coverage is the sum of its spans. No framebuffer, no division and no float per pixel, so
//! that a microcontroller without FPU draws too, and every machine draws the same bytes.
//!
//! | module | what it does |
//! |---|---|
//! | `edge` | polygons |
//! | `oval` | ellipses, upright or turned |
//! | `clip` | straight edges that hide what lies beyond |
//! | `disc` | how far a pixel is from a middle |
//! | `outline` | thick strokes with round ends as polygons and ovals |
//! | `spans` | what a scan line holds: sorted, merged, cut |
//! | `shapes` | the store of all of them |
//! | `row` | coverage and colours of a piece of a row |

pub(crate) mod clip;
pub(crate) mod disc;
pub(crate) mod edge;
pub(crate) mod outline;
pub(crate) mod oval;
#[cfg(test)]
mod reference;
pub(crate) mod row;
pub(crate) mod shapes;
pub(crate) mod spans;

/// Scan lines of a pixel row. Each is exact from left to right, so only nearly level edges show so few steps.
pub(crate) const LINES: i32 = 4;
/// Pixels are divided so finely from left to right: coordinates on a scan line are 24.8 fixed point.
pub(crate) const FINE_BITS: u32 = 8;

/// A height in pixels as a scan line number with fraction: line n lies at `(n + 0.5) / LINES` pixels.
pub(crate) fn line_at(y_px: f32) -> f32 {
    y_px * LINES as f32 - 0.5
}
