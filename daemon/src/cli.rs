//! The command line, by clap. Only shapes and help texts; `commands` does the work.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Labels, Overrides};

/// Reads facial expressions from a camera on this device, shows the matching emoji, and tells MQTT.
///
/// Pictures stay in memory: nothing is stored or sent but the expression.
#[derive(Debug, Parser)]
#[command(name = "moodring", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  moodring run                               the daemon: first camera, live view, broker on this machine
  moodring run --source synthetic            the same without a camera: a drawn face
  moodring run --source photos/ --loop       play a folder of pictures
  moodring analyze photo.jpg                 every face in a photo and its expression
  moodring analyze photos/ --json            the same, one JSON object a line
  moodring follow moodring/hall --mqtt mqtt://broker.local     show the mood of the device called hall
  moodring doctor                            what is wrong here, and how to mend it

Settings: `moodring config` prints every key with its default. Logs: MOODRING_LOG__LEVEL=debug.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch a camera: show the mood and publish it.
    Run(RunArgs),
    /// Photos: every face and its expression.
    Analyze(AnalyzeArgs),
    /// Pictures that are face crops already: their expression.
    Classify(CropArgs),
    /// Photos: faces and landmarks only.
    Detect(PhotoArgs),
    /// Measure accuracy on labelled face crops: a folder per class, or a fer2013.csv.
    Eval(EvalArgs),
    /// Measure milliseconds per stage on this machine.
    Bench(BenchArgs),
    /// Show the emoji of an expression, or of all.
    Show(ShowArgs),
    /// Show another device's mood here; needs no camera.
    Follow(FollowArgs),
    /// List the cameras found.
    Devices(DevicesArgs),
    /// Find what is wrong on this machine, and say how to mend it.
    Doctor(ConfigArgs),
    /// Print the documented default settings, or check a file.
    Config(ShowConfigArgs),
    /// Look into model files, test them, make them from ONNX.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Write man pages and shell completions; for packages.
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// Try a broker out with many made-up devices, and see whether all of their events arrive.
    Simulate(SimulateArgs),
}

/// Which settings.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The settings file; else ./moodring.toml, else /etc/moodring/moodring.toml, else the defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// auto, /dev/videoN, rpicam, argus, cmd:COMMAND, http://..., a picture, a folder, a .mjpeg or .y4m file, synthetic.
    #[arg(long, value_name = "SRC")]
    pub source: Option<String>,
    /// Play files and folders again and again.
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Frames a second to ask for; for files and folders, the rate to play at.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f32>,
    /// auto, terminal, png, spi or none.
    #[arg(long, value_name = "KIND")]
    pub display: Option<String>,
    /// The file that the png display writes.
    #[arg(long, value_name = "FILE")]
    pub display_path: Option<PathBuf>,
    /// A serial port with a satellite; else those found at USB (off: none).
    #[arg(long, value_name = "PORT")]
    pub satellite: Option<String>,
    /// The broker, mqtt://host:port; without one an embedded broker starts on loopback.
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<String>,
    /// Publish nothing and start no broker.
    #[arg(long, conflicts_with = "mqtt")]
    pub no_mqtt: bool,
    /// Where the page is served, such as 127.0.0.1:8080; 0.0.0.0:8080 is the network and needs a password.
    #[arg(long, value_name = "ADDRESS")]
    pub web: Option<String>,
    /// Serve no page.
    #[arg(long, conflicts_with = "web")]
    pub no_web: bool,
}

impl RunArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("camera.source", self.source.as_ref())
            .set("camera.loop", self.repeat.then_some(true))
            .set("camera.rate", self.rate)
            .set("display.kind", self.display.as_ref())
            .set("display.path", self.display_path.as_ref())
            .set("satellite.port", self.satellite.as_ref())
            .set("mqtt.url", self.mqtt.as_ref())
            .set("mqtt.enabled", self.no_mqtt.then_some(false))
            .set("web.listen", self.web.as_ref())
            .set("web.enabled", self.no_web.then_some(false))
    }
}

/// `analyze` and `detect`.
#[derive(Args, Debug)]
pub struct PhotoArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// Pictures, or folders of pictures.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Only faces of at least this score, 0 to 1; else the settings' or the model's.
    #[arg(long, value_name = "SCORE")]
    pub threshold: Option<f32>,
    /// Only faces of at least this height in pixels.
    #[arg(long, value_name = "PX")]
    pub min_size: Option<u32>,
}

impl PhotoArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("vision.threshold", self.threshold)
            .set("vision.min_face", self.min_size)
    }
}

/// `analyze`.
#[derive(Args, Debug)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub photos: PhotoArgs,
    /// Whose judgement the answer follows; else the settings'.
    #[arg(long)]
    pub labels: Option<Labels>,
    /// Also write each photo into this folder as PNG, with heat where the net found what speaks for its answer.
    #[arg(long, value_name = "DIR")]
    pub cam: Option<PathBuf>,
}

/// `classify`.
#[derive(Args, Debug)]
pub struct CropArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// Pictures that show one upright face each and little else, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Whose judgement the answer follows; else the settings'.
    #[arg(long)]
    pub labels: Option<Labels>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `eval`.
#[derive(Args, Debug)]
pub struct EvalArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// A folder with a folder per expression (angry, disgust, ...); a CSV with `emotion` and `pixels` as FER2013 has;
    /// or a folder of PNG sheets of 48x48 crops, one below the other, with their labels in DATASET_labels.npz.
    #[arg(value_name = "DATASET")]
    pub dataset: PathBuf,
    /// Of a CSV, only rows of this `Usage` (Training, PublicTest, PrivateTest).
    #[arg(long, value_name = "NAME")]
    pub usage: Option<String>,
    /// What the net was trained on: accuracy is also told without exact copies of its pictures. Of a CSV with
    /// --usage, its Training rows count by themselves.
    #[arg(long, value_name = "DATASET")]
    pub trained_on: Vec<PathBuf>,
    /// Whose judgement the answer follows; else the settings'.
    #[arg(long)]
    pub labels: Option<Labels>,
    /// Also write a page with plots and the worst mistakes (index.html), and the report as JSON and text, into this folder.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Frames to time.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: u32,
    /// What the camera sends: YUYV as most USB cameras, NV12, grey, or MJPEG, which is decoded first.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = BenchInput::Yuyv)]
    pub input: BenchInput,
    /// The camera's picture in pixels.
    #[arg(long, value_name = "WxH", default_value = "640x480", value_parser = size)]
    pub size: (u32, u32),
    /// A photo to time instead of the synthetic scene, as RGB in its own size.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["input", "size"])]
    pub photo: Option<PathBuf>,
}

/// How the frames of `bench` come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchInput {
    /// 4:2:2 packed, limited range.
    Yuyv,
    /// A luma plane and a chroma plane, limited range.
    Nv12,
    /// Luma only.
    Grey,
    /// A JPEG a frame.
    Mjpeg,
}

/// `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// angry, disgust, fear, happy, sad, surprise, neutral, uncertain, nobody, camera-off, starting, fault or fault:CODE.
    #[arg(value_name = "EXPRESSION", required_unless_present_any = ["tour", "sheet"])]
    pub looks: Vec<String>,
    /// All of them, one after the other (with --png: FILE becomes FILE-happy.png and so on).
    #[arg(long, conflicts_with = "looks")]
    pub tour: bool,
    /// All of them side by side with their names; the width of --size is that of one face.
    #[arg(long, conflicts_with_all = ["looks", "tour", "animate"], requires = "png")]
    pub sheet: bool,
    /// Width and height in pixels, such as 240x240.
    #[arg(long, value_name = "WxH", default_value = "240x240", value_parser = size)]
    pub size: (u32, u32),
    /// classic, contrast, mono or minimal; else classic, or what the terminal can show.
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// On white with dark letters instead of on black: for documents.
    #[arg(long)]
    pub paper: bool,
    /// For round glass: nothing that matters in the corners.
    #[arg(long)]
    pub round: bool,
    /// A line of text; may be given three times.
    #[arg(long, value_name = "TEXT")]
    pub label: Vec<String>,
    /// Write a PNG instead of drawing in the terminal.
    #[arg(long, value_name = "OUT")]
    pub png: Option<PathBuf>,
    /// Write an animated PNG that flows from each expression to the next; of one, that it blinks and breathes.
    #[arg(long, value_name = "OUT", conflicts_with = "png")]
    pub animate: Option<PathBuf>,
    /// On the small display of the settings: spi. A single look stays until Ctrl-C.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["png", "animate", "sheet"])]
    pub display: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
}

/// `follow`.
#[derive(Args, Debug)]
pub struct FollowArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// The device to follow: its topics without their last part, such as moodring/hall (moodring/hall/state works too).
    #[arg(value_name = "TOPIC", value_parser = topic)]
    pub topic: String,
    /// auto, terminal, png or none.
    #[arg(long, value_name = "KIND")]
    pub display: Option<String>,
    /// The file that the png display writes.
    #[arg(long, value_name = "FILE")]
    pub display_path: Option<PathBuf>,
    /// A serial port with a satellite; else those found at USB (off: none).
    #[arg(long, value_name = "PORT")]
    pub satellite: Option<String>,
    /// The broker, mqtt://host:port; without one that of this machine.
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<String>,
}

impl FollowArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("display.kind", self.display.as_ref())
            .set("display.path", self.display_path.as_ref())
            .set("satellite.port", self.satellite.as_ref())
            .set("mqtt.url", self.mqtt.as_ref())
    }
}

/// `devices`.
#[derive(Args, Debug)]
pub struct DevicesArgs {
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `simulate`.
#[derive(Args, Debug)]
#[command(after_help = SIMULATING)]
pub struct SimulateArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// How many devices; they are called sim-00000 and on.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub devices: u32,
    /// Events a second of each device.
    #[arg(long, value_name = "HZ", default_value_t = 1.0, value_parser = event_rate)]
    pub rate: f32,
    /// For how many seconds, after the last device has started (200 a second do).
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// The broker, mqtt://host:port; else the settings', else that of this machine.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Listen, too: count what is missing or came twice, and how long it took. Ends with code 1 if anything is missing.
    #[arg(long)]
    pub check: bool,
    /// Only listen, for --seconds, to whatever devices there are.
    #[arg(long, conflicts_with_all = ["devices", "rate", "check"])]
    pub listen: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

const SIMULATING: &str = "The devices run the real client with made-up moods, all in this process. Each needs a file descriptor: `ulimit -n 8192`.
A broker may drop what a slow listener has not fetched: mosquitto wants `max_queued_messages 0` for --check.

Examples:
  moodring simulate --devices 1000 --rate 2 --seconds 300 --url mqtt://broker.local --check
  moodring simulate --listen --seconds 3600 --url mqtt://broker.local";

impl SimulateArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        // Without an address: the broker of this machine, never one of our own.
        Overrides::default().set("mqtt.url", self.url.as_ref())
    }
}

/// Events a second.
fn event_rate(text: &str) -> Result<f32, String> {
    let rate = text.parse().ok().filter(|hz| (0.001..=1000.0).contains(hz));
    rate.ok_or_else(|| format!("`{text}` is not a rate from 0.001 to 1000 a second"))
}

/// `config`.
#[derive(Args, Debug)]
pub struct ShowConfigArgs {
    /// Check this file and print what results from it, the environment and the defaults.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Ask for a password (at the terminal, or the first line of standard input) and print the line for `[web]`.
    #[arg(long, conflicts_with = "check")]
    pub password: bool,
}

/// `generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The folder to write `man` and `completions` into.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

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

/// A byte's value, also between two bytes.
fn byte(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|n| (0.0..=255.0).contains(n));
    number.ok_or_else(|| format!("`{text}` is not a number from 0 to 255"))
}

/// A divisor above 0.
fn divisor(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|n| (1e-3..=1e3).contains(n));
    number.ok_or_else(|| format!("`{text}` is not a number from 0.001 to 1000"))
}

/// `KEY=VALUE`, on one line.
fn note(text: &str) -> Result<(String, String), String> {
    let wrong = || format!("`{text}` is not KEY=VALUE");
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    if key.is_empty() || text.contains('\n') {
        return Err(wrong());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// `PREFIX/ID`, of one device: without wildcards, and without the leaf.
fn topic(text: &str) -> Result<String, String> {
    let root = ["/state", "/status", "/event"]
        .iter()
        .find_map(|leaf| text.strip_suffix(leaf))
        .unwrap_or(text);
    let levels = root.split('/').count();
    let plain = |level: &str| !level.is_empty() && !level.contains(['+', '#', '\0']);
    if levels >= 2 && root.len() <= 512 && root.split('/').all(plain) {
        return Ok(root.to_owned());
    }
    Err(format!(
        "`{text}` is not one device's topic such as moodring/hall (the settings' mqtt.prefix, a slash, its device.id)"
    ))
}

/// `WxH`, both 16 to 4096.
fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("`{text}` is not a size such as 240x240 (16 to 4096 each)");
    let (w, h) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let side = |s: &str| {
        s.parse()
            .ok()
            .filter(|px| (16..=4096).contains(px))
            .ok_or_else(wrong)
    };
    Ok((side(w)?, side(h)?))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_no_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn topics_are_one_devices() {
        assert_eq!(topic("moodring/hall"), Ok("moodring/hall".into()));
        assert_eq!(
            topic("home/moodring/hall/state"),
            Ok("home/moodring/hall".into())
        );
        for wrong in [
            "hall",
            "moodring/+",
            "#",
            "moodring//state",
            "/hall",
            "hall/state",
        ] {
            assert!(topic(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_two_sides() {
        assert_eq!(size("320x240"), Ok((320, 240)));
        for wrong in ["320", "x", "0x5", "99999x3", "axb"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
