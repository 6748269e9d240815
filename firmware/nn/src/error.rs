//! Errors of files, sizes and buffers. After [`crate::Net::new`] only [`LengthError`] is left.

use core::fmt;

/// Why bytes are not a net this engine can run. The way out is always the same: export the file again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// Fewer bytes than a header, or a part that the header promises is missing.
    TooShort,
    /// The first eight bytes are not `moodnet1`: another kind of file, or another version of the format.
    Magic,
    /// The header names another length than the file has: a broken download or copy.
    Length,
    /// The checksum does not match: the file was damaged.
    Checksum,
    /// A field of the header is out of its range.
    Header(&'static str),
    /// The notes are not UTF-8 lines of `key=value`.
    Notes,
    /// An output names a tensor that does not exist, or one twice.
    Output,
    /// Operator `number` (from 0) breaks a rule.
    Operator {
        /// Which operator, counted from 0.
        number: usize,
        /// Which rule.
        fault: Fault,
    },
    /// Bytes are left after the last operator.
    Trailing,
}

/// The rule that an operator breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file ends inside the operator.
    TooShort,
    /// Operator code unknown to this engine.
    Code,
    /// Kernel, stride or flags that this operator cannot have.
    Form,
    /// A reserved or padding byte is not 0.
    Reserved,
    /// An input is not an earlier tensor, is raw, or is missing or given where it means nothing.
    Input,
    /// Channels that do not agree with the inputs, 0, or more than [`crate::MAX_CHANNELS`].
    Channels,
    /// At the default size the inputs have different shapes, or a tensor is empty or too large.
    Shape,
    /// `lo > hi`, or a scale that is not a finite positive number, or not the input's where it must be.
    Quant,
    /// A weight of -128.
    Weight,
    /// A multiplier or shift out of range.
    Multiplier,
    /// The accumulator could overflow 32 bits.
    Overflow,
    /// A raw tensor that is not an output of the net.
    RawInside,
    /// A global average pool in a net whose size is free.
    FreeSize,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("the file ends too early"),
            Self::Magic => f.write_str("not a moodnet1 file"),
            Self::Length => {
                f.write_str("the file's length is not the one in its header: copy it again")
            }
            Self::Checksum => f.write_str("wrong checksum, the file is damaged: copy it again"),
            Self::Header(field) => write!(f, "header: {field} is out of range"),
            Self::Notes => f.write_str("the notes are not UTF-8 lines of key=value"),
            Self::Output => f.write_str("an output names no tensor, or one twice"),
            Self::Operator { number, fault } => write!(f, "operator {number}: {fault}"),
            Self::Trailing => f.write_str("bytes are left after the last operator"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "the file ends inside it",
            Self::Code => "unknown code",
            Self::Form => "kernel, stride or flags it cannot have",
            Self::Reserved => "a reserved byte is not 0",
            Self::Input => "an input it cannot have",
            Self::Channels => "channels that do not fit",
            Self::Shape => "shapes that do not fit",
            Self::Quant => "a range or scale that makes no sense",
            Self::Weight => "a weight of -128",
            Self::Multiplier => "multiplier or shift out of range",
            Self::Overflow => "its accumulator could overflow",
            Self::RawInside => "raw, but not an output of the net",
            Self::FreeSize => "a global pool in a net of free size",
        })
    }
}

/// Why a net cannot run at a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// Width and height must be the default size, or multiples of [`crate::Model::size_step`] up to
    /// [`crate::MAX_SIDE`].
    Size,
    /// At this size the inputs of operator `number` have different shapes: take another multiple of the step.
    Shape {
        /// Which operator, counted from 0.
        number: usize,
    },
    /// At this size the output of operator `number` would be empty, or too large to address.
    Extent {
        /// Which operator, counted from 0.
        number: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => {
                f.write_str("the net does not run at this size: take a multiple of its size step")
            }
            Self::Shape { number } => write!(
                f,
                "operator {number}: its inputs differ in shape at this size"
            ),
            Self::Extent { number } => {
                write!(f, "operator {number}: empty or too large at this size")
            }
        }
    }
}

/// Why a net could not be made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetError {
    /// The net does not run at the requested size.
    Plan(PlanError),
    /// This machine cannot run the kernel: take [`crate::Kernel::best`].
    Kernel,
    /// The memory for weights is shorter than [`crate::Model::weights_bytes`].
    Weights(LengthError),
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Kernel => f.write_str("this machine lacks the instructions of that kernel"),
            Self::Weights(error) => error.fmt(f),
        }
    }
}

impl From<PlanError> for NetError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

/// A buffer of the wrong length: the only way in which a run can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthError {
    /// Which buffer: `input`, `arena`, `raw` or `weights`.
    pub buffer: &'static str,
    /// Elements needed (`input`: exactly, else: at least).
    pub needed: usize,
    /// Elements given.
    pub given: usize,
}

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "buffer `{}`: {} elements needed, {} given",
            self.buffer, self.needed, self.given
        )
    }
}

impl core::error::Error for FormatError {}
impl core::error::Error for PlanError {}
impl core::error::Error for NetError {}
impl core::error::Error for LengthError {}
