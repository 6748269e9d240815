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
    /// Per cell: `cls, obj`, `dx, dy, dw, dh`, five landmarks `x, y`, in the units of ARITHMETIC.md.
    pub cells: Cells<'a>,
}

impl Head<'_> {
    /// Values a cell.
    pub const CELL: usize = 16;
}

/// The values of a head's cells, as its engine has them.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    /// Reals; `cls` and `obj` are probabilities.
    Reals(&'a [f32]),
    /// An int8 engine's own numbers, left as they are: most cells are no faces, and one comparison tells.
    Raw {
        /// The numbers.
        values: &'a [i32],
        /// What one step is worth, above 0, for each value of a cell; `cls` and `obj` become logits by it.
        scales: [f32; Head::CELL],
    },
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
    let mut sieve = Sieve {
        least: threshold * threshold,
        bar: Bar::default(),
        faces,
    };
    for head in heads {
        let length = match head.cells {
            Cells::Reals(values) => values.len(),
            Cells::Raw { values, .. } => values.len(),
        };
        if length != head.rows * head.cols * Head::CELL || head.stride_px == 0 {
            return Err(NetError::Shape);
        }
        match head.cells {
            Cells::Reals(values) => {
                for (i, cell) in values.as_chunks().0.iter().enumerate() {
                    sieve.take(cell, i, head);
                }
            }
            Cells::Raw { values, scales } => {
                let [cls, obj] = [scales[0], scales[1]].map(|scale| raw_bar(sieve.least, scale));
                for (i, raw) in values.as_chunks().0.iter().enumerate() {
                    if raw[0] >= cls && raw[1] >= obj {
                        sieve.take(&reals(raw, &scales), i, head);
                    }
                }
            }
        }
    }
    Ok(())
}

/// The raw values of a cell as reals.
fn reals(raw: &[i32; Head::CELL], scales: &[f32; Head::CELL]) -> [f32; Head::CELL] {
    let mut cell = core::array::from_fn(|i| raw[i] as f32 * scales[i]);
    let sigmoid = |logit: f32| 1.0 / (1.0 + libm::expf(-logit));
    cell[0] = sigmoid(cell[0]);
    cell[1] = sigmoid(cell[1]);
    cell
}

/// A raw logit below this has a probability below `least`, and so has its product with another probability.
fn raw_bar(least: f32, scale: f32) -> i32 {
    let logit = libm::logf(least / (1.0 - least));
    // Lower by far more than the rounding of all this, in steps and in logits; a bar too low costs time, no face.
    let bar = libm::floorf((logit - 1e-3) / scale) - 1.0;
    // A cast saturates; of numbers that are none, nothing is known.
    if bar.is_nan() { i32::MIN } else { bar as i32 }
}

/// Keeps what is good enough.
struct Sieve<'f, const N: usize> {
    /// The least square of a score.
    least: f32,
    bar: Bar,
    faces: &'f mut Vec<Face, N>,
}

impl<const N: usize> Sieve<'_, N> {
    fn take(&mut self, cell: &[f32; Head::CELL], i: usize, head: &Head<'_>) {
        // The root is left for the few that pass. NaN passes no comparison.
        let squared_score = cell[0].clamp(0.0, 1.0) * cell[1].clamp(0.0, 1.0);
        if squared_score >= self.least && squared_score > 0.0 {
            let face = face_at(cell, (i % head.cols, i / head.cols), head.stride_px);
            if face.is_finite() {
                self.bar.push(self.faces, face);
            }
        }
    }
}

fn face_at(cell: &[f32; Head::CELL], (col, row): (usize, usize), stride_px: u32) -> Face {
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
    use proptest::prelude::*;
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
            cells: Cells::Reals(cells),
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
            cells: Cells::Reals(&[0.0; 63]),
        };
        let raw = Cells::Raw {
            values: &[0; 65],
            scales: [1.0; Head::CELL],
        };
        for head in [head, Head { cells: raw, ..head }] {
            let refused = decode::<4>(&[head], 0.5, &mut Vec::new());
            assert_eq!(refused, Err(NetError::Shape));
        }
    }

    proptest! {
        #[test]
        fn raw_cells_give_the_same_faces_as_all_of_them_made_real(
            values in prop::collection::vec(prop_oneof![-300..300_i32, any::<i32>()], 12 * Head::CELL),
            scales in prop::array::uniform16(1e-4..0.1_f32), threshold in 0.01..0.99_f32,
        ) {
            let raw = Cells::Raw { values: &values, scales };
            let all: vec::Vec<f32> = values.as_chunks().0.iter().flat_map(|raw| reals(raw, &scales)).collect();
            let [quick, slow] = [raw, Cells::Reals(&all)].map(|cells| {
                let head = Head { stride_px: 8, cols: 4, rows: 3, cells };
                let mut faces = Vec::<Face, 16>::new();
                decode(&[head], threshold, &mut faces).unwrap();
                faces
            });
            prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn a_raw_value_at_the_threshold_passes() {
        // A probability of one half is the logit 0; the other one is all but certain.
        let mut values = [0; Head::CELL];
        values[1] = 10_000;
        for (cls, count) in [(0, 1), (1, 1), (-1, 0), (i32::MIN, 0), (i32::MAX, 1)] {
            values[0] = cls;
            let cells = Cells::Raw {
                values: &values,
                scales: [0.01; Head::CELL],
            };
            let head = Head {
                stride_px: 8,
                cols: 1,
                rows: 1,
                cells,
            };
            let mut faces = Vec::<Face, 4>::new();
            decode(&[head], 0.5_f32.sqrt() - 1e-6, &mut faces).unwrap();
            assert_eq!(faces.len(), count, "{cls}");
        }
    }
}
