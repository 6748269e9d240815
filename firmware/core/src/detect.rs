//! The detector's heads decoded to faces. Knows YuNet's output form; runs no net itself.

use crate::geometry::{Point, Rect, roll_deg};
use heapless::Vec;

/// A face: where it is, its five landmarks and how sure the detector is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Face {
    /// The box around it, in frame pixels; may reach over the frame's edge.
    pub rect: Rect,
    /// The subject's right eye, left eye, nose tip, right and left mouth corner (the right eye is on the picture's left).
    pub landmarks: [Point; 5],
    /// 0 to 1.
    pub score: f32,
}

impl Face {
    /// The head's tilt in the picture plane: see [`roll_deg`].
    pub fn roll_deg(&self) -> f32 {
        roll_deg(self.landmarks[0], self.landmarks[1])
    }

    fn is_finite(&self) -> bool {
        self.rect.is_finite() && self.landmarks.iter().all(|p| p.is_finite())
    }
}

/// The picture a net wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Bytes a pixel and their meaning.
    pub channels: Channels,
    /// The byte that pads a picture of another shape (the input's zero point, real 0).
    pub padding: u8,
}

/// The channels of a net's input, interleaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// One luma byte.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red (public YuNet files).
    Bgr,
}

impl Channels {
    /// Bytes a pixel.
    pub const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb | Self::Bgr => 3,
        }
    }
}

/// One stride's output: `rows * cols` cells of [`Head::CELL`] values, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Input pixels from cell to cell: 8, 16 or 32.
    pub stride_px: u32,
    /// Cells across.
    pub cols: usize,
    /// Cells down.
    pub rows: usize,
    /// Per cell: `cls, obj` as probabilities, `dx, dy, dw, dh`, five landmarks `x, y`, in the units of ARITHMETIC.md.
    pub cells: &'a [f32],
}

impl Head<'_> {
    /// Values a cell.
    pub const CELL: usize = 16;
}

/// Why a net could not run. What it means for the user is said by the engine that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// The engine failed; its own log has the reason.
    Engine,
    /// The outputs do not have the promised shape.
    Shape,
}

impl core::fmt::Display for NetError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Engine => "the inference engine failed",
            Self::Shape => "the net's outputs do not have the promised shape",
        })
    }
}

impl core::error::Error for NetError {}

/// A face detector's net behind whatever engine runs it.
pub trait DetectNet {
    /// What [`DetectNet::input`] holds.
    fn shape(&self) -> InputShape;

    /// The engine's own input buffer, `width * height * channels` bytes, to be filled before [`DetectNet::run`].
    fn input(&mut self) -> &mut [u8];

    /// One forward pass over the input buffer. The heads at strides 8, 16 and 32, in this order.
    ///
    /// # Errors
    /// [`NetError`] if the engine fails or its outputs have another shape.
    fn run(&mut self) -> Result<[Head<'_>; 3], NetError>;
}

/// Sizes beyond `e^8` strides are no faces but a broken net; the limit keeps them finite.
const LOG_SIZE_LIMIT: f32 = 8.0;

/// Writes the faces whose score is at least `threshold` (0 to 1) into `faces`, in input pixels and in no special order.
///
/// The form is YuNet's (Wu, Peng, Yu 2023): score `sqrt(cls * obj)`, centre `((c + dx) t, (r + dy) t)`, size
/// `(exp(dw) t, exp(dh) t)`, landmark `((c + x) t, (r + y) t)` for column c, row r, stride t. Cells with a value that
/// is not finite are no faces. If there are more than `N`, the `N` best stay.
///
/// # Errors
/// [`NetError::Shape`] if a head's values are not `rows * cols` cells.
pub fn decode<const N: usize>(
    heads: &[Head<'_>],
    threshold: f32,
    faces: &mut Vec<Face, N>,
) -> Result<(), NetError> {
    faces.clear();
    let least = threshold * threshold;
    let mut bar = Bar::default();
    for head in heads {
        if head.cells.len() != head.rows * head.cols * Head::CELL || head.stride_px == 0 {
            return Err(NetError::Shape);
        }
        for (i, cell) in head.cells.chunks_exact(Head::CELL).enumerate() {
            // The root is left for the few that pass. NaN passes no comparison.
            let squared_score = cell[0].clamp(0.0, 1.0) * cell[1].clamp(0.0, 1.0);
            if squared_score >= least && squared_score > 0.0 {
                let face = face_at(cell, (i % head.cols, i / head.cols), head.stride_px);
                if face.is_finite() {
                    bar.push(faces, face);
                }
            }
        }
    }
    Ok(())
}

fn face_at(cell: &[f32], (col, row): (usize, usize), stride_px: u32) -> Face {
    let stride = stride_px as f32;
    let corner = Point::new(col as f32, row as f32);
    let place = |x: f32, y: f32| (corner + Point::new(x, y)) * stride;
    let side = |log: f32| libm::expf(log.clamp(-LOG_SIZE_LIMIT, LOG_SIZE_LIMIT)) * stride;
    let (center, w, h) = (place(cell[2], cell[3]), side(cell[4]), side(cell[5]));
    Face {
        rect: Rect::new(center.x - w / 2.0, center.y - h / 2.0, w, h),
        landmarks: core::array::from_fn(|i| place(cell[6 + 2 * i], cell[7 + 2 * i])),
        score: libm::sqrtf(cell[0].clamp(0.0, 1.0) * cell[1].clamp(0.0, 1.0)),
    }
}

/// Keeps the best faces in a full buffer: the worst one is known, so most of the others are refused at one glance.
#[derive(Default)]
struct Bar {
    worst: Option<usize>,
}

impl Bar {
    fn push<const N: usize>(&mut self, faces: &mut Vec<Face, N>, face: Face) {
        if faces.push(face).is_ok() {
            return;
        }
        let find = |faces: &[Face]| {
            let scores = faces.iter().enumerate();
            scores
                .min_by(|a, b| a.1.score.total_cmp(&b.1.score))
                .map(|(i, _)| i)
        };
        let worst = self.worst.or_else(|| find(faces));
        self.worst = worst;
        if let Some(slot) = worst.and_then(|i| faces.get_mut(i))
            && face.score > slot.score
        {
            *slot = face;
            self.worst = find(faces);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// A 4x3 head at stride 8 with one cell set.
    fn head_with(at: usize, cell: [f32; Head::CELL]) -> vec::Vec<f32> {
        let mut cells = vec![0.0; 12 * Head::CELL];
        cells[at * Head::CELL..][..Head::CELL].copy_from_slice(&cell);
        cells
    }

    fn cell(cls: f32, obj: f32) -> [f32; Head::CELL] {
        let mut cell = [0.0; Head::CELL];
        cell[..6].copy_from_slice(&[cls, obj, 0.5, 0.25, 2.0_f32.ln(), 3.0_f32.ln()]);
        cell[6..].copy_from_slice(&[0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0]);
        cell
    }

    fn decoded<const N: usize>(cells: &[f32], threshold: f32) -> Vec<Face, N> {
        let head = Head {
            stride_px: 8,
            cols: 4,
            rows: 3,
            cells,
        };
        let mut faces = Vec::new();
        decode(&[head], threshold, &mut faces).unwrap();
        faces
    }

    #[test]
    fn a_cell_becomes_a_face() {
        let faces = decoded::<4>(&head_with(6, cell(0.81, 0.25)), 0.4);
        assert_eq!(faces.len(), 1);
        // Column 2, row 1: the centre is at (2.5, 1.25) * 8 and the box 16x24.
        let Rect { x, y, w, h } = faces[0].rect;
        for (value, expected) in [(x, 12.0), (y, -2.0), (w, 16.0), (h, 24.0)] {
            assert!((value - expected).abs() < 1e-4, "{:?}", faces[0].rect);
        }
        assert!((faces[0].score - 0.45).abs() < 1e-6);
        assert_eq!(faces[0].landmarks[0], Point::new(16.0, 8.0));
        assert_eq!(faces[0].landmarks[1], Point::new(24.0, 8.0));
        assert_eq!(faces[0].landmarks[4], Point::new(24.0, 16.0));
        assert_eq!(faces[0].roll_deg(), 0.0);
    }

    #[test]
    fn the_threshold_is_on_the_root() {
        let cells = head_with(0, cell(0.5, 0.5));
        assert_eq!(decoded::<4>(&cells, 0.5).len(), 1);
        assert_eq!(decoded::<4>(&cells, 0.51).len(), 0);
        assert_eq!(decoded::<4>(&cells, 0.0).len(), 1, "empty cells stay out");
    }

    #[test]
    fn values_that_are_not_numbers_are_no_faces_and_wild_sizes_are_cut() {
        for (at, value) in [
            (0, f32::NAN),
            (2, f32::INFINITY),
            (5, f32::NAN),
            (9, f32::NAN),
            (3, 3e38),
        ] {
            let mut bad = cell(0.9, 0.9);
            bad[at] = value;
            assert!(decoded::<4>(&head_with(0, bad), 0.3).is_empty(), "{at}");
        }
        let mut wild = cell(0.9, 7.0);
        wild[4] = 1e9;
        let faces = decoded::<4>(&head_with(0, wild), 0.3);
        assert!(faces[0].rect.w > 20_000.0 && faces[0].rect.w.is_finite());
        assert!(faces[0].score < 1.0);
    }

    #[test]
    fn a_full_buffer_keeps_the_best() {
        let mut cells = vec![0.0; 12 * Head::CELL];
        for (i, c) in cells.chunks_exact_mut(Head::CELL).enumerate() {
            // 0.05, 0.55, 0.15, 0.65, ... : good ones come late and early.
            let score = if i % 2 == 0 { 0.05 } else { 0.5 } + 0.05 * i as f32;
            c.copy_from_slice(&cell(score, score));
        }
        let mut all: vec::Vec<f32> = decoded::<16>(&cells, 0.01)
            .iter()
            .map(|f| f.score)
            .collect();
        let mut best: vec::Vec<f32> = decoded::<5>(&cells, 0.01).iter().map(|f| f.score).collect();
        all.sort_by(f32::total_cmp);
        best.sort_by(f32::total_cmp);
        assert_eq!(all.len(), 12);
        assert_eq!(best, all[7..]);
    }

    #[test]
    fn heads_of_another_shape_are_refused() {
        let head = Head {
            stride_px: 8,
            cols: 2,
            rows: 2,
            cells: &[0.0; 63],
        };
        let refused = decode::<4>(&[head], 0.5, &mut Vec::new());
        assert_eq!(refused, Err(NetError::Shape));
    }
}
