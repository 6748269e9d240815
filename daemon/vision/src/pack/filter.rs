//! Convolutions and dense layers: integer weights, scales and biases in the order of the packed file.

use moodring_nn::{MAX_CHANNELS, Quant};

use super::{
    error::{Fault, fault},
    net::{Conv, Epilogue, FixedFactor},
    value::{NetShape, Scaled, Value},
};
use crate::onnx_file::{Node, Values};

/// The largest relative difference between a bias's scale and input scale * weight scale: f32's rounding and no more.
const SAME_SCALE: f64 = 1e-5;

const TOO_LARGE: &str = "a bias that is too large for its channel's weights";
const SANE: &str = "weight scales of a sane size";

/// The weights of a convolution or dense layer, and the tensor it reads.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) a: usize,
    pub(super) depthwise: bool,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// `[out][kernel][kernel][in]`; `in` is 1 if depthwise.
    pub(super) weights: Vec<i8>,
    /// One scale per output channel: the input's times the weights'.
    pub(super) steps: Vec<f64>,
    pub(super) bias: Vec<i32>,
    /// The real for one step of an accumulator, as the file stores it for raw results.
    pub(super) raw: Vec<f32>,
}

/// The tensor that a filter reads.
pub(super) struct FilterInput {
    pub(super) tensor: usize,
    pub(super) quant: Quant,
    pub(super) shape: NetShape,
    /// Its channels are in the opposite order to the graph's: the picture of a net that takes BGR.
    pub(super) reversed: bool,
    /// The real for its zero point; not 0 only where a picture's mean lies between two bytes.
    pub(super) offset: f64,
}

impl Filter {
    /// A `Conv` node.
    pub(super) fn conv(
        node: &Node,
        input: &FilterInput,
        weights: &Scaled,
        bias: Option<&Value>,
    ) -> Result<Self, Fault> {
        let [out, per_group, high, wide] = weights.ints.sides[..] else {
            return fault(
                "weights that have not four sides",
                "two-dimensional convolutions",
            );
        };
        let (kernel, stride) = form(node, (high, wide))?;
        let group = node.int("group").unwrap_or(1);
        let depthwise = group != 1;
        let channels = input.shape.channels;
        let fits = match usize::try_from(group) {
            Ok(1) => per_group == channels,
            Ok(group) => group == channels && out == channels && per_group == 1,
            Err(_) => false,
        };
        if !fits {
            return fault(
                format!("{group} groups for {channels} channels in and {out} out"),
                "one group, or depthwise: as many groups as channels in and channels out",
            );
        }
        let place = |o: usize, tap: usize, i: usize| (o * per_group + i) * high * wide + tap;
        let shape = [out, kernel, per_group];
        Self::new(input, [stride, kernel], depthwise, weights, bias, |i8s| {
            ordered(i8s, shape, input.reversed && !depthwise, place)
        })
    }

    /// A `Gemm` or `MatMul` node: a 1x1 convolution on a 1x1 tensor. `transposed`: weights are out x in.
    pub(super) fn dense(
        input: &FilterInput,
        weights: &Scaled,
        bias: Option<&Value>,
        transposed: bool,
    ) -> Result<Self, Fault> {
        let [first, second] = weights.ints.sides[..] else {
            return fault("weights that have not two sides", "a matrix");
        };
        let (out, channels) = if transposed {
            (first, second)
        } else {
            (second, first)
        };
        if channels != input.shape.channels {
            return fault(
                format!("{channels} inputs after {} channels", input.shape.channels),
                "a dense layer on a 1x1 tensor, such as a global average pool's",
            );
        }
        let place = |o: usize, _: usize, i: usize| {
            if transposed {
                o * channels + i
            } else {
                i * out + o
            }
        };
        Self::new(input, [1, 1], false, weights, bias, |i8s| {
            ordered(i8s, [out, 1, channels], false, place)
        })
    }

    fn new(
        input: &FilterInput,
        [stride, kernel]: [usize; 2],
        depthwise: bool,
        weights: &Scaled,
        bias: Option<&Value>,
        order: impl Fn(&[i8]) -> Vec<i8>,
    ) -> Result<Self, Fault> {
        let accepted = "constant i8 weights from -127 to 127 with zero point 0 (symmetric), \
                        one scale for all or one per output channel";
        let Values::I8(i8s) = &weights.ints.values else {
            return fault("weights that are not i8", accepted);
        };
        if i8s.contains(&i8::MIN) {
            return fault("a weight of -128", accepted);
        }
        // Output channels lie along the axis of the per-channel scales; of a matrix it may be either.
        let taps = kernel * kernel * if depthwise { 1 } else { input.shape.channels };
        let out = i8s.len().checked_div(taps).unwrap_or(0);
        if !(1..=MAX_CHANNELS).contains(&out) {
            return fault(format!("{out} output channels"), "1 to 2048 channels");
        }
        let scales = match weights.scales.len() {
            1 => vec![weights.scales[0]; out],
            count if count == out && weights.ints.sides.get(weights.axis) == Some(&out) => {
                weights.scales.clone()
            }
            count => return fault(format!("{count} scales for {out} channels"), accepted),
        };
        let weights = order(i8s);
        let steps: Vec<_> = (scales.iter())
            .map(|&scale| f64::from(input.quant.scale) * f64::from(scale))
            .collect();
        let shift = (weights.chunks(taps).zip(&scales)).map(|(taps, &scale)| {
            let sum: f64 = taps.iter().map(|&w| f64::from(w)).sum();
            input.offset * sum * f64::from(scale)
        });
        let shift: Vec<f64> = shift.collect();
        let (bias, raw) = biases(bias, &steps, &shift)?;
        Ok(Self {
            a: input.tensor,
            depthwise,
            kernel,
            stride,
            weights,
            steps,
            bias,
            raw,
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.bias.len()
    }

    /// The shape of its result; `None` if it would be empty.
    pub(super) fn shape(&self, input: NetShape) -> Option<NetShape> {
        let side = |side: usize| Some((side.checked_sub(1)?) / self.stride + 1);
        Some(NetShape {
            rows: side(input.rows)?,
            columns: side(input.columns)?,
            channels: self.channels(),
        })
    }

    /// With results rounded to bytes of these scales, one for all or one per channel.
    /// `None` if a scale is beyond any factor.
    pub(super) fn to_bytes(&self, scales: &[f32]) -> Option<Conv> {
        let to = scales.iter().cycle().map(|&scale| f64::from(scale));
        let factors = self
            .steps
            .iter()
            .zip(to)
            .map(|(step, to)| FixedFactor::of(step / to));
        Some(self.finished(Epilogue::Bytes(factors.collect::<Option<_>>()?)))
    }

    /// With the accumulators as results.
    pub(super) fn to_raw(&self) -> Conv {
        self.finished(Epilogue::Raw(self.raw.clone()))
    }

    fn finished(&self, tail: Epilogue) -> Conv {
        Conv {
            depthwise: self.depthwise,
            kernel: self.kernel as u8,
            stride: self.stride as u8,
            weights: self.weights.clone(),
            bias: self.bias.clone(),
            tail,
        }
    }
}

impl Filter {
    /// For an input whose steps are `ratio` times as large.
    pub(super) fn rescale(&mut self, ratio: f64) -> Result<(), Fault> {
        for (bias, (step, raw)) in
            (self.bias.iter_mut()).zip(self.steps.iter_mut().zip(&mut self.raw))
        {
            *step *= ratio;
            *raw = *step as f32;
            let whole = (f64::from(*bias) / ratio).round_ties_even();
            if whole.abs() > f64::from(i32::MAX) {
                return fault(TOO_LARGE, SANE);
            }
            *bias = whole as i32;
        }
        Ok(())
    }

    /// Joins several filters of one form: their output channels side by side.
    pub(super) fn beside(parts: &[Self]) -> Self {
        let mut all = parts[0].clone();
        for part in &parts[1..] {
            all.weights.extend_from_slice(&part.weights);
            all.steps.extend_from_slice(&part.steps);
            all.bias.extend_from_slice(&part.bias);
            all.raw.extend_from_slice(&part.raw);
        }
        all
    }
}

/// Kernel and stride of a node whose form the engine can run.
fn form(node: &Node, (high, wide): (usize, usize)) -> Result<(usize, usize), Fault> {
    let accepted = "kernels 1x1 and 3x3, strides 1 and 2, padding (kernel - 1) / 2 on all four sides, no dilation";
    if high != wide || !matches!(high, 1 | 3) {
        return fault(format!("a kernel of {high}x{wide}"), accepted);
    }
    let stride = match node.ints("strides") {
        None | Some([1, 1]) => 1,
        Some([2, 2]) => 2,
        Some(strides) => return fault(format!("strides {strides:?}"), accepted),
    };
    if node
        .ints("dilations")
        .is_some_and(|d| d.iter().any(|&d| d != 1))
    {
        return fault("a dilation", accepted);
    }
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let wanted = (high as i64 - 1) / 2;
    let fits = match auto {
        "NOTSET" => match node.ints("pads") {
            None => wanted == 0,
            Some(pads) => pads.len() == 4 && pads.iter().all(|&pad| pad == wanted),
        },
        "VALID" => wanted == 0,
        // With stride 2 an even side would be padded at its end only.
        "SAME_UPPER" | "SAME_LOWER" => wanted == 0 || stride == 1,
        _ => false,
    };
    if fits {
        return Ok((high, stride));
    }
    let pads = node.ints("pads").unwrap_or(&[0; 4]);
    fault(
        format!("padding {pads:?} ({auto}) around a kernel of {high}x{wide}"),
        accepted,
    )
}

/// Reorders into `[out][taps][in]`; the closure gives the index of (out, tap, in) in the graph's order.
fn ordered(
    i8s: &[i8],
    [out, kernel, channels]: [usize; 3],
    reversed: bool,
    place: impl Fn(usize, usize, usize) -> usize,
) -> Vec<i8> {
    let mut weights = Vec::with_capacity(i8s.len());
    for o in 0..out {
        for tap in 0..kernel * kernel {
            for i in 0..channels {
                let i = if reversed { channels - 1 - i } else { i };
                weights.push(i8s[place(o, tap, i)]);
            }
        }
    }
    weights
}

/// Biases in steps of the accumulators, and the size of such a step in f32; `shift` reals are added.
fn biases(
    bias: Option<&Value>,
    steps: &[f64],
    shift: &[f64],
) -> Result<(Vec<i32>, Vec<f32>), Fault> {
    let accepted = "a constant bias per output channel: f32, or i32 with zero point 0";
    let raw: Vec<f32> = steps.iter().map(|&step| step as f32).collect();
    let reals: Vec<f64> = match bias {
        None => vec![0.0; steps.len()],
        Some(Value::Constant(tensor)) => match &tensor.values {
            Values::F32(reals) => reals.iter().map(|&real| f64::from(real)).collect(),
            _ => return fault("a bias that is not f32", accepted),
        },
        Some(Value::Scaled(scaled)) => {
            let Values::I32(ints) = &scaled.ints.values else {
                return fault("a bias that is not i32", accepted);
            };
            let scales: Vec<f32> = scaled
                .scales
                .iter()
                .copied()
                .cycle()
                .take(ints.len())
                .collect();
            let same = (scales.iter().zip(steps))
                .all(|(&scale, step)| (f64::from(scale) / step - 1.0).abs() <= SAME_SCALE);
            if same && ints.len() == steps.len() && shift.iter().all(|&s| s == 0.0) {
                return Ok((ints.clone(), scales));
            }
            let real = |(&int, &scale): (&i32, &f32)| f64::from(int) * f64::from(scale);
            ints.iter().zip(&scales).map(real).collect()
        }
        Some(_) => return fault("a computed bias", accepted),
    };
    if reals.len() != steps.len() {
        return fault(
            format!("{} biases for {} channels", reals.len(), steps.len()),
            accepted,
        );
    }
    let whole = |((real, shift), step): ((f64, f64), &f64)| {
        let whole = ((real + shift) / step).round_ties_even();
        (whole.abs() <= f64::from(i32::MAX)).then_some(whole as i32)
    };
    let ints = reals
        .into_iter()
        .zip(shift.iter().copied())
        .zip(steps)
        .map(whole);
    match ints.collect::<Option<Vec<_>>>() {
        Some(ints) => Ok((ints, raw)),
        None => fault(TOO_LARGE, SANE),
    }
}
