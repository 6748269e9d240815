//! The flags of `analyze`, `detect` and `classify`, which read pictures.

use std::path::PathBuf;

use clap::Args;
use moodring_base::config::{Labels, Overrides};

use super::{ConfigArgs, value::number};

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
    #[arg(long, value_name = "SCORE", value_parser = number)]
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
