//! `model`: files of nets.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::value::{byte, divisor, note, size};

/// `model`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Layers, sizes, labels, work, memory and checksum of a packed model; without a file, of the built-in ones.
    Info {
        /// A packed model file.
        file: Option<PathBuf>,
    },
    /// Make a packed model from a quantized ONNX file.
    #[command(after_help = PACKING)]
    Pack(PackArgs),
    /// Run the built-in models on their golden vectors, with every kernel this machine has.
    Verify,
}

const PACKING: &str = "The ONNX file has QuantizeLinear and DequantizeLinear nodes around every operator: i8 weights with zero
point 0, per channel or not, and u8 or i8 activations. ONNX Runtime makes it from a float file and some pictures:
  from onnxruntime.quantization import quantize_static, quant_pre_process, QuantFormat
  quant_pre_process('net.onnx', 'folded.onnx')
  quantize_static('folded.onnx', 'qdq.onnx', reader, quant_format=QuantFormat.QDQ, per_channel=True)

Operators: Conv 1x1 and 3x3 (full or depthwise, stride 1 or 2), Gemm, Add, Relu, Clip from 0, MaxPool 2x2, global average
pool, Resize to twice the size (nearest). Outputs: one of classes; or three heads of 16 channels; or YuNet's twelve.

Examples:
  moodring model pack models/weights/detector.onnx detector.moodnet
  moodring model pack yunet_qdq.onnx yunet.moodnet --size 320x256 --step 32 --note threshold=0.6
  moodring model pack smiles_qdq.onnx smiles.moodnet --mean 127.5 --std 127.5 \\
      --note labels=angry,disgust,fear,happy,sad,surprise,neutral";

/// `model pack`.
#[derive(Args, Debug)]
pub struct PackArgs {
    /// A quantized (QDQ) ONNX file.
    #[arg(value_name = "IN.onnx")]
    pub onnx: PathBuf,
    /// The packed file to write; `[models] detector` or `classifier` takes it.
    #[arg(value_name = "OUT.moodnet")]
    pub packed: PathBuf,
    /// Default width and height, where the file leaves them open or has others, such as 320x256.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<(u32, u32)>,
    /// Pictures may have every multiple of this size; 0: only the default size [default: the file's; 32 if it is open]
    #[arg(long, value_name = "PX")]
    pub step: Option<u32>,
    /// With --std: the file takes (byte - MEAN) / STD, not the bytes 0 to 255 themselves.
    #[arg(long, value_name = "MEAN", requires = "std", value_parser = byte)]
    pub mean: Option<f32>,
    /// See --mean.
    #[arg(long, value_name = "STD", requires = "mean", value_parser = divisor)]
    pub std: Option<f32>,
    /// The file takes blue, green, red (YuNet files are known to).
    #[arg(long)]
    pub bgr: bool,
    /// A note to add or replace: name, version, labels, temperature (classifiers), threshold (detectors).
    #[arg(long = "note", value_name = "KEY=VALUE", value_parser = note)]
    pub notes: Vec<(String, String)>,
}
