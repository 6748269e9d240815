//! The body of a convolution's record, full or depthwise.

use super::{TensorInfo, check_factor};
use crate::error::Fault;
use crate::format::RecordReader;
use crate::quant::{Clamp, LeWords, OutputStage};

/// A full or depthwise convolution with padding `(kernel - 1) / 2`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv<'a> {
    pub(crate) depthwise: bool,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// `[out][kernel][kernel][in]`, or `[kernel][kernel][channels]` if depthwise.
    pub(crate) weights: &'a [u8],
    pub(crate) bias: LeWords<'a>,
    pub(crate) tail: OutputStage<'a>,
}

impl<'a> Conv<'a> {
    pub(super) fn read(
        reader: &mut RecordReader<'a>,
        [code, kernel, stride]: [u8; 3],
        raw: bool,
        clamp: Clamp,
        channels: usize,
        input: TensorInfo,
    ) -> Result<Self, Fault> {
        let depthwise = code == 2;
        let (kernel, stride) = (usize::from(kernel), usize::from(stride));
        let per_channel = kernel * kernel * if depthwise { 1 } else { input.channels };
        let weights = reader
            .take_padded(per_channel * channels)
            .ok_or(Fault::TooShort)?;
        let weights = weights.map_err(|()| Fault::Reserved)?;
        let bias = reader.words(channels).ok_or(Fault::TooShort)?;
        let tail = if raw {
            OutputStage::Raw {
                scale: reader.words(channels).ok_or(Fault::TooShort)?,
            }
        } else {
            let m = reader.words(channels).ok_or(Fault::TooShort)?;
            let s = reader.words(channels).ok_or(Fault::TooShort)?;
            OutputStage::Bytes {
                m,
                s,
                clamp,
                narrow: (0..channels).all(|o| s.u32(o) >= 33),
            }
        };
        let conv = Self {
            depthwise,
            kernel,
            stride,
            weights,
            bias,
            tail,
        };
        conv.check_tail(channels)?;
        conv.check_weights(channels, input.quant.zero)?;
        Ok(conv)
    }

    fn check_tail(&self, channels: usize) -> Result<(), Fault> {
        match self.tail {
            OutputStage::Raw { scale } => {
                let sound = |o| scale.f32(o).is_finite() && scale.f32(o) >= 0.0;
                (0..channels).all(sound).then_some(()).ok_or(Fault::Quant)
            }
            OutputStage::Bytes { m, s, .. } => {
                (0..channels).try_for_each(|o| check_factor(m.i32(o), s.u32(o)))
            }
        }
    }

    /// No weight is -128, and no order of adding can overflow an accumulator.
    fn check_weights(&self, channels: usize, zero: u8) -> Result<(), Fault> {
        if self.weights.contains(&0x80) {
            return Err(Fault::Weight);
        }
        let largest = u64::from(zero.max(255 - zero));
        for o in 0..channels {
            let sum: u64 = self
                .filter(o, channels)
                .map(|w| u64::from(w.unsigned_abs()))
                .sum();
            if sum * largest + u64::from(self.bias.i32(o).unsigned_abs()) > i32::MAX as u64 {
                return Err(Fault::Overflow);
            }
        }
        Ok(())
    }

    /// The weights of output channel `o` of `channels`, in the file's order.
    pub(crate) fn filter(&self, o: usize, channels: usize) -> impl Iterator<Item = i8> + use<'a> {
        let length = self.weights.len() / channels;
        let (start, step) = if self.depthwise {
            (o, channels)
        } else {
            (o * length, 1)
        };
        self.weights[start..]
            .iter()
            .step_by(step)
            .take(length)
            .map(|byte| byte.cast_signed())
    }

    /// The output's rows or columns for so many of the input.
    pub(super) fn extent(&self, side: usize) -> Option<usize> {
        let padded = side + (self.kernel - 1);
        Some(padded.checked_sub(self.kernel)? / self.stride + 1)
    }
}
