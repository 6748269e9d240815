//! The detector's heads decoded to faces. Knows YuNet's output form; runs no net itself.

use crate::geometry::{Point, Rect};

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
