//! The flags of `model`, which makes, describes, tests and installs packed nets.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use moodring_vision::bundle::Version;

use super::{
    ConfigArgs,
    value::{byte, divisor, note, size},
};

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
    /// Run the built-in and the installed models on their golden vectors, with every kernel this machine has.
    Verify(ConfigArgs),
    /// The nets that run, where they come from, and what ran before.
    List(ConfigArgs),
    /// Install a signed bundle: a newer net than the one that runs.
    #[command(after_help = INSTALLING)]
    Install(InstallArgs),
    /// Go back to the net that ran before the last installation.
    Rollback(RollbackArgs),
    /// Build what the engine of the settings needs before it can run, such as TensorRT's engines.
    Prepare(ConfigArgs),
    /// Make a bundle of a packed net and its golden vectors; for whoever trains nets.
    #[command(hide = true)]
    Bundle(BundleArgs),
}

const INSTALLING: &str = "A bundle is a zip file with its minisign signature beside it, BUNDLE.zip.minisig. It is taken only if the signature is
good, if it is newer than what runs, and if its net computes its own golden vectors exactly on this machine. On a device:
  sudo -u moodring moodring model install https://example.org/classifier-1.0.zip
  sudo systemctl restart moodring

Who makes bundles: `moodring model bundle --help`.";

const BUNDLING: &str = "The net's own notes `name` and `version` are the bundle's. Sign it then, and publish both files:
  moodring model bundle net.moodnet --golden golden.bin classifier-1.0.zip
  minisign -Sm classifier-1.0.zip -t 'classifier 1.0'";

/// `model install`.
#[derive(Args, Debug)]
pub struct InstallArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// A bundle's file, or its https:// address.
    #[arg(value_name = "FILE|URL")]
    pub bundle: String,
    /// The maker's minisign public key, or a file with it; else the settings' `models.public_key`, else the program's own.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Take it although it is older than what runs, or another net.
    #[arg(long)]
    pub force: bool,
    /// Look whether it is good, and install nothing.
    #[arg(long, conflicts_with = "force")]
    pub check: bool,
}

/// `model rollback`.
#[derive(Args, Debug)]
pub struct RollbackArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// Which one; needed only if both are installed.
    #[arg(value_name = "KIND")]
    pub kind: Option<NetKind>,
}

/// A kind of net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NetKind {
    /// Finds faces.
    Detector,
    /// Reads them.
    Classifier,
}

/// `model bundle`.
#[derive(Args, Debug)]
#[command(after_help = BUNDLING)]
pub struct BundleArgs {
    /// The packed net.
    #[arg(value_name = "NET.moodnet")]
    pub net: PathBuf,
    /// The zip to write.
    #[arg(value_name = "OUT.zip")]
    pub out: PathBuf,
    /// Its golden vectors.
    #[arg(long, value_name = "FILE")]
    pub golden: PathBuf,
    /// The same net for ONNX Runtime.
    #[arg(long, value_name = "FILE")]
    pub onnx: Option<PathBuf>,
    /// What it can do and where it came from, for people.
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// The least moodring that can run it; else this one.
    #[arg(long, value_name = "VERSION")]
    pub min_program: Option<Version>,
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
