//! `show`: the emoji of an expression, or of all.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgs, value::size};

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
    /// On the display of the settings: spi or screen. A single look stays until Ctrl-C.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["png", "animate", "sheet"])]
    pub display: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
}
