//! The flags of `eval` and `bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use moodring_base::config::Labels;

use super::{ConfigArgs, value::size};

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
    /// A JPEG file to time as it is, as a camera that sends MJPEG would send it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "size", "photo"])]
    pub picture: Option<PathBuf>,
    /// Time each JPEG by the plain way, too, in turn: decoded whole, in colour. Processor time, for a busy machine.
    #[arg(long)]
    pub compare: bool,
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
