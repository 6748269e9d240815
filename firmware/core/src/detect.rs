//! Decodes the detector's heads into faces. Knows YuNet's output form; runs no net itself.

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

/// The input that a net wants.
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
    /// An int8 engine's own numbers, unconverted: most cells are no faces, and one comparison is enough to see that.
    Raw {
        /// The numbers.
        values: &'a [i32],
        /// What one step is worth, above 0, for each value of a cell; `cls` and `obj` become logits by it.
        scales: [f32; Head::CELL],
    },
}

/// Why a net could not run. The engine that made the error explains it to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    let mut filter = CandidateFilter {
        least: threshold * threshold,
        best: BestFaces::default(),
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
                    filter.take(cell, i, head);
                }
            }
            Cells::Raw { values, scales } => {
                let [cls, obj] = [scales[0], scales[1]].map(|scale| raw_bar(filter.least, scale));
                for (i, raw) in values.as_chunks().0.iter().enumerate() {
                    if raw[0] >= cls && raw[1] >= obj {
                        filter.take(&reals(raw, &scales), i, head);
                    }
                }
            }
        }
    }
    Ok(())
}

/// The raw values of a cell, as reals.
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
    // Lower by far more than the rounding of steps and logits: a threshold too low costs time, one too high loses
    // faces.
    let best = libm::floorf((logit - 1e-3) / scale) - 1.0;
    // A cast saturates; NaN cannot be compared, so nothing is skipped.
    if best.is_nan() { i32::MIN } else { best as i32 }
}

/// Lets the faces pass that are good enough.
struct CandidateFilter<'f, const N: usize> {
    /// The least square of a score.
    least: f32,
    best: BestFaces,
    faces: &'f mut Vec<Face, N>,
}

impl<const N: usize> CandidateFilter<'_, N> {
    fn take(&mut self, cell: &[f32; Head::CELL], i: usize, head: &Head<'_>) {
        // The root is left for the few that pass. NaN passes no comparison.
        let squared_score = cell[0].clamp(0.0, 1.0) * cell[1].clamp(0.0, 1.0);
        if squared_score >= self.least && squared_score > 0.0 {
            let face = face_at(cell, (i % head.cols, i / head.cols), head.stride_px);
            if face.is_finite() {
                self.best.push(self.faces, face);
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

/// Keeps the best faces in a full buffer: its worst one is known, so most of the others are refused by one comparison.
#[derive(Default)]
struct BestFaces {
    worst: Option<usize>,
}

impl BestFaces {
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
mod tests;
