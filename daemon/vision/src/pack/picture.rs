//! The net's input: its size, its channels, and the meaning of its bytes.

use std::ops::RangeInclusive;

use moodring_nn::{MAX_SIDE, Quant};

use super::{
    PackOptions,
    error::{Fault, PackError, fault},
    value::{NetShape, PackedTensor},
};
use crate::onnx_file::OnnxFile;

/// Detectors of free size accept any multiple of this, unless their notes or the user choose another.
const STEP_PX: u32 = 32;
/// A range of reals counts as a picture's bytes if it begins no lower than this,
const LOWEST: f32 = -2.0;
/// and ends here: calibration on pictures comes near 255, and normalised input stays far below.
const BYTES: RangeInclusive<f32> = 100.0..=290.0;

/// What is known of the input before the first node.
pub(super) struct Picture {
    pub(super) channels: usize,
    pub(super) size_px: (u32, u32),
    pub(super) step: u32,
    /// The graph takes BGR; the packed net takes RGB.
    pub(super) reversed: bool,
    /// The real for which the zero point stands.
    pub(super) offset: f64,
    normalised: Option<(f32, f32)>,
    quantizer: Option<Quant>,
    chosen: Option<Quant>,
}

impl Picture {
    /// From the file's input, its notes `moodring.size` and `moodring.step`, and the user's options.
    pub(super) fn new(
        file: &OnnxFile,
        wanted: &PackOptions,
        reversed: bool,
    ) -> Result<Self, PackError> {
        let refuse = |reason: String| Err(PackError::File(reason));
        let [_, channels, height, width] = file.picture_sides().map_err(PackError::File)?;
        let Some(channels @ (1 | 3)) = channels else {
            return refuse(format!(
                "its input has {} channels; accepted: N x 1 (grey) or 3 (colour) x height x width",
                channels.map_or("an open number of".into(), |c| c.to_string())
            ));
        };
        let own = width
            .zip(height)
            .and_then(|(w, h)| Some((w.try_into().ok()?, h.try_into().ok()?)));
        let noted = file.note("moodring.size").and_then(size);
        let Some(size_px) = wanted.size_px.or(own).or(noted) else {
            return refuse(
                "its input leaves the size open: say the usual one, such as --size 320x256".into(),
            );
        };
        let side = |px: u32| (1..=MAX_SIDE).contains(&(px as usize));
        if !side(size_px.0) || !side(size_px.1) {
            let (width, height) = size_px;
            return refuse(format!(
                "its input is {width}x{height} pixels; accepted: up to {MAX_SIDE}"
            ));
        }
        let noted = file
            .note("moodring.step")
            .and_then(|step| step.parse().ok());
        let open = if own.is_none() {
            noted.or(Some(STEP_PX))
        } else {
            None
        };
        Ok(Self {
            channels,
            size_px,
            step: wanted.step_px.or(open).unwrap_or(0),
            reversed: reversed && channels == 3,
            offset: 0.0,
            normalised: wanted.normalised,
            quantizer: None,
            chosen: None,
        })
    }

    /// Tensor 0. Its scale is known once it is dequantized.
    pub(super) fn made(&self) -> PackedTensor {
        let quant = Quant {
            zero: 0,
            scale: 1.0,
        };
        PackedTensor {
            quant,
            scales: vec![quant.scale],
            shape: NetShape {
                rows: self.size_px.1 as usize,
                columns: self.size_px.0 as usize,
                channels: self.channels,
            },
            sum: None,
        }
    }

    /// Notes scale and zero point of the input's QuantizeLinear.
    pub(super) fn quantized(&mut self, quant: Quant) -> Result<(), Fault> {
        match self.quantizer.replace(quant) {
            Some(before) if before != quant => {
                fault("a second scale for the input", "one scale for the input")
            }
            _ => Ok(()),
        }
    }

    /// Notes those of its DequantizeLinear, which define what a byte means.
    ///
    /// If the input is rounded to bytes and read with another scale, the file is ours, and that scale is what a byte
    /// means. Otherwise the graph takes reals; how bytes become reals must come from the user, or be obvious.
    pub(super) fn dequantized(&mut self, quant: Quant) -> Result<Quant, Fault> {
        let Some(quantizer) = self.quantizer else {
            return fault("an input without a QuantizeLinear", "a QDQ graph");
        };
        let (chosen, offset) = if quantizer == quant {
            match self.normalised {
                Some((mean, std)) => {
                    let zero = mean.round().clamp(0.0, 255.0);
                    let offset = (f64::from(zero) - f64::from(mean)) / f64::from(std);
                    (
                        Quant {
                            zero: zero as u8,
                            scale: 1.0 / std,
                        },
                        offset,
                    )
                }
                None => (bytes(quant)?, 0.0),
            }
        } else if quantizer
            == (Quant {
                zero: 0,
                scale: 1.0,
            })
        {
            (quant, 0.0)
        } else {
            return fault(
                "another scale than its QuantizeLinear's",
                "the same scale in both",
            );
        };
        if self.chosen.is_some_and(|before| before != chosen) {
            return fault("a second scale for the input", "one scale for the input");
        }
        (self.chosen, self.offset) = (Some(chosen), offset);
        Ok(chosen)
    }
}

/// The range of a quantizer as bytes, if it is a range of bytes.
fn bytes(quant: Quant) -> Result<Quant, Fault> {
    let real = |byte: u8| (f32::from(byte) - f32::from(quant.zero)) * quant.scale;
    let (low, high) = (real(0), real(255));
    if low >= LOWEST && BYTES.contains(&high) {
        return Ok(Quant {
            zero: 0,
            scale: 1.0,
        });
    }
    fault(
        format!("an input from {low:.2} to {high:.2}, which are not the bytes of a picture"),
        "an input of bytes 0 to 255; or say how bytes become its reals: --mean M --std S for (byte - M) / S",
    )
}

/// `WxH`.
fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}
