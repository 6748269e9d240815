//! The integer net under construction, and its bytes as `firmware/nn/ARITHMETIC.md` defines them. No ONNX here.

use moodring_nn::Quant;

/// Bytes before the part that the checksum covers.
const UNCHECKED: usize = 16;
/// Stands for a missing second input.
const NONE: u16 = u16::MAX;

/// A whole net. Tensor 0 is the input, operator `i` makes tensor `i + 1`.
pub(super) struct PackedNet {
    /// 1 classifier, 2 detector.
    pub(super) kind: u32,
    pub(super) channels: u32,
    pub(super) size_px: (u32, u32),
    /// 0: only this size.
    pub(super) step: u32,
    pub(super) input: Quant,
    pub(super) notes: Vec<(String, String)>,
    pub(super) ops: Vec<PackedOp>,
    pub(super) outputs: Vec<usize>,
}

/// One operator.
#[derive(Clone, Debug)]
pub(super) struct PackedOp {
    pub(super) a: usize,
    pub(super) b: Option<usize>,
    pub(super) channels: usize,
    pub(super) work: OperatorKind,
    pub(super) to: Destination,
}

/// The destination of an operator's result; raw results use none of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Destination {
    pub(super) quant: Quant,
    pub(super) lo: u8,
    pub(super) hi: u8,
}

/// The values of these fields for a raw operator.
pub(super) const RAW: Destination = Destination {
    quant: Quant {
        zero: 0,
        scale: 0.0,
    },
    lo: 0,
    hi: 255,
};

/// What an operator does.
#[derive(Clone, Debug)]
pub(super) enum OperatorKind {
    Conv(Conv),
    Add { ma: i32, mb: i32, s: u32 },
    MaxPool,
    Upsample,
    Gap(FixedFactor),
}

/// A full or depthwise convolution.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    pub(super) depthwise: bool,
    pub(super) kernel: u8,
    pub(super) stride: u8,
    /// `[out][kernel][kernel][in]`, also if depthwise, where `in` is 1.
    pub(super) weights: Vec<i8>,
    pub(super) bias: Vec<i32>,
    pub(super) tail: Epilogue,
}

/// What happens to a convolution's sums, per channel.
#[derive(Clone, Debug)]
pub(super) enum Epilogue {
    Bytes(Vec<FixedFactor>),
    Raw(Vec<f32>),
}

/// A real factor, as `m / 2^s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FixedFactor {
    pub(super) m: i32,
    pub(super) s: u32,
}

impl FixedFactor {
    /// By ARITHMETIC.md's rule. `None` if `real` is not positive or too large; one that is too small for any shift
    /// becomes the smallest factor, which rounds every accumulator to 0.
    pub(super) fn of(real: f64) -> Option<Self> {
        if !(real.is_finite() && real > 0.0) {
            return None;
        }
        let (f, e) = libm::frexp(real);
        let (mut m, mut s) = ((f * 2_f64.powi(31)).round_ties_even() as i64, 31 - e);
        if m == 1 << 31 {
            (m, s) = (1 << 30, s - 1);
        }
        if s > 62 {
            (m, s) = (1 << 30, 62);
        }
        let (m, s) = (i32::try_from(m).ok()?, u32::try_from(s).ok()?);
        (s >= 1).then_some(Self { m, s })
    }
}

impl PackedNet {
    /// The packed file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let notes: String = (self.notes.iter().map(|(k, v)| format!("{k}={v}\n"))).collect();
        let mut tail = ByteWriter::default();
        tail.word(self.kind);
        tail.word(self.channels);
        tail.word(self.size_px.0);
        tail.word(self.size_px.1);
        tail.word(self.step);
        tail.word(u32::from(self.input.zero));
        tail.word(self.input.scale.to_bits());
        tail.word(self.ops.len() as u32);
        tail.word(self.outputs.len() as u32);
        tail.word(notes.len() as u32);
        tail.word(0);
        tail.word(0);
        tail.padded(notes.bytes());
        for &output in &self.outputs {
            tail.word(output as u32);
        }
        for op in &self.ops {
            op.write(&mut tail);
        }
        let mut file = b"moodnet1".to_vec();
        file.extend(((UNCHECKED + tail.0.len()) as u32).to_le_bytes());
        file.extend(crc32fast::hash(&tail.0).to_le_bytes());
        file.extend(tail.0);
        file
    }
}

impl PackedOp {
    fn write(&self, to: &mut ByteWriter) {
        let (code, kernel, stride, raw) = match &self.work {
            OperatorKind::Conv(conv) => {
                let code = if conv.depthwise { 2 } else { 1 };
                let raw = matches!(conv.tail, Epilogue::Raw(_));
                (code, conv.kernel, conv.stride, raw)
            }
            OperatorKind::Add { .. } => (3, 0, 0, false),
            OperatorKind::MaxPool => (4, 0, 0, false),
            OperatorKind::Upsample => (5, 0, 0, false),
            OperatorKind::Gap(_) => (6, 0, 0, false),
        };
        let Destination { quant, lo, hi } = if raw { RAW } else { self.to };
        to.0.extend([code, kernel, stride, u8::from(raw)]);
        to.half(self.a as u16);
        to.half(self.b.map_or(NONE, |b| b as u16));
        to.half(self.channels as u16);
        to.0.extend([quant.zero, lo, hi, 0, 0, 0]);
        to.word(quant.scale.to_bits());
        match &self.work {
            OperatorKind::Conv(conv) => conv.write(to),
            OperatorKind::Add { ma, mb, s } => {
                to.word(ma.cast_unsigned());
                to.word(mb.cast_unsigned());
                to.word(*s);
            }
            OperatorKind::Gap(factor) => {
                to.word(factor.m.cast_unsigned());
                to.word(factor.s);
            }
            OperatorKind::MaxPool | OperatorKind::Upsample => {}
        }
    }
}

impl Conv {
    fn write(&self, to: &mut ByteWriter) {
        let byte = |weight: &i8| weight.cast_unsigned();
        if self.depthwise {
            // In the file, channels are the fastest dimension.
            let taps = usize::from(self.kernel).pow(2);
            let tap = |tap: usize| self.weights.iter().skip(tap).step_by(taps).map(byte);
            to.padded((0..taps).flat_map(tap));
        } else {
            to.padded(self.weights.iter().map(byte));
        }
        for bias in &self.bias {
            to.word(bias.cast_unsigned());
        }
        match &self.tail {
            Epilogue::Bytes(factors) => {
                for factor in factors {
                    to.word(factor.m.cast_unsigned());
                }
                for factor in factors {
                    to.word(factor.s);
                }
            }
            Epilogue::Raw(scales) => {
                for scale in scales {
                    to.word(scale.to_bits());
                }
            }
        }
    }
}

/// Writes little-endian records.
#[derive(Default)]
struct ByteWriter(Vec<u8>);

impl ByteWriter {
    fn half(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn word(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    /// Appends these bytes, and zeros up to a multiple of 4.
    fn padded(&mut self, bytes: impl Iterator<Item = u8>) {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_follow_the_rule() {
        let of = |real| FixedFactor::of(real).map(|f| (f.m, f.s));
        assert_eq!(of(1.0), Some((1 << 30, 30)));
        assert_eq!(of(0.5), Some((1 << 30, 31)));
        assert_eq!(of(0.75), Some((3 << 29, 31)));
        assert_eq!(of(1.0 - 2_f64.powi(-40)), Some((1 << 30, 30)));
        assert_eq!(of(2_f64.powi(-80)), Some((1 << 30, 62)));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 2_f64.powi(40)] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn factors_are_within_half_a_step_of_the_real() {
        for i in 1..5000 {
            let real = f64::from(i) * 0.000_37;
            let FixedFactor { m, s } = FixedFactor::of(real).unwrap();
            assert!((1 << 30..=i32::MAX).contains(&m));
            let error = (f64::from(m) / 2_f64.powi(s as i32) - real).abs();
            assert!(error <= 0.5 / 2_f64.powi(s as i32), "{real}");
        }
    }
}
