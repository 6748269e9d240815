//! What is known of a name in the graph while its nodes are walked through.

use std::rc::Rc;

use moodring_nn::Quant;

use super::{
    error::{Fault, fault},
    filter::Filter,
};
use crate::onnx_file::{Tensor, Values};

/// What a name of the graph stands for.
#[derive(Clone)]
pub(super) enum Value {
    /// A constant of the file.
    Constant(Rc<Tensor>),
    /// A quantized constant's reals.
    Scaled(Rc<Scaled>),
    /// The net's input.
    Picture,
    /// A tensor of bytes.
    Stored(TensorUse),
    /// Its reals.
    Real(TensorUse),
    /// An operator's result in reals, not yet rounded to bytes.
    Sum(Rc<PendingSum>),
    /// Sizes and the like, computed from shapes alone: the packer computes them itself.
    Size,
}

/// A tensor's layout as ONNX has it; in ours, channels are the fastest dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// N, C, H, W, as convolutions take it.
    Planes,
    /// N, H, W, C or N, H * W, C.
    Cells,
    /// N, C of a 1x1 tensor.
    Flat,
}

/// What the net does after its last convolution; the pipeline does this itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetEnd {
    Open,
    Sigmoid,
    Softmax,
}

/// A packed tensor, as a name uses it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorUse {
    pub(super) tensor: usize,
    pub(super) view: View,
    pub(super) end: NetEnd,
}

/// An operator that waits for the scale of its result.
#[derive(Clone)]
pub(super) struct PendingSum {
    /// The position of its node in the graph: operators keep that order.
    pub(super) at: usize,
    pub(super) work: PendingKind,
    pub(super) shape: NetShape,
    /// Clamp at 0.
    pub(super) relu: bool,
    /// Clamp at this real.
    pub(super) top: Option<f32>,
    pub(super) view: View,
    pub(super) end: NetEnd,
}

/// The computation.
#[derive(Clone)]
pub(super) enum PendingKind {
    Filter(Rc<Filter>),
    Add(usize, usize),
    MaxPool(usize),
    Upsample(usize),
    Gap(usize),
}

impl PendingSum {
    /// The tensors that it reads.
    pub(super) fn inputs(&self) -> impl Iterator<Item = usize> + use<> {
        let (a, b) = match &self.work {
            PendingKind::Filter(filter) => (filter.a, None),
            PendingKind::Add(a, b) => (*a, Some(*b)),
            PendingKind::MaxPool(a) | PendingKind::Upsample(a) | PendingKind::Gap(a) => (*a, None),
        };
        std::iter::once(a).chain(b)
    }
}

/// Rows, columns, channels at the default size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetShape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) channels: usize,
}

impl NetShape {
    pub(super) fn is_point(&self) -> bool {
        (self.rows, self.columns) == (1, 1)
    }
}

/// A tensor of the packed net; its index in the walk's list is its number.
pub(super) struct PackedTensor {
    pub(super) quant: Quant,
    /// The scale again, or one per channel where heads were joined.
    pub(super) scales: Vec<f32>,
    pub(super) shape: NetShape,
    /// The operator that makes it; `None` for the input.
    pub(super) sum: Option<Rc<PendingSum>>,
}

/// A constant's integers and their scales: one, or one per slice along `axis`.
pub(super) struct Scaled {
    pub(super) ints: Rc<Tensor>,
    pub(super) scales: Vec<f32>,
    pub(super) axis: usize,
}

/// Scale and zero point of a tensor's quantizer, the zero point as an unsigned byte: i8 is shifted by 128.
pub(super) fn quant(scale: &Value, zero: Option<&Value>) -> Result<Quant, Fault> {
    let accepted = "one constant scale and one constant zero point (u8 or i8) for the whole tensor";
    let scales = scales(scale)?;
    let [scale] = scales[..] else {
        return fault(format!("{} scales for one tensor", scales.len()), accepted);
    };
    let zero = match zero {
        None => 0,
        Some(Value::Constant(zero)) => match &zero.values {
            Values::U8(zeros) if zeros.len() == 1 => zeros[0],
            Values::I8(zeros) if zeros.len() == 1 => zeros[0].cast_unsigned() ^ 0x80,
            _ => return fault("a zero point that is not one u8 or i8", accepted),
        },
        Some(_) => return fault("a computed zero point", accepted),
    };
    Ok(Quant { zero, scale })
}

/// Constant scales, all of them finite and positive.
pub(super) fn scales(value: &Value) -> Result<&[f32], Fault> {
    let accepted = "constant f32 scales above 0";
    let Value::Constant(tensor) = value else {
        return fault("a computed scale", accepted);
    };
    match &tensor.values {
        Values::F32(scales) if scales.iter().all(|s| s.is_finite() && *s > 0.0) => Ok(scales),
        _ => fault("a scale that is not f32 above 0", accepted),
    }
}
