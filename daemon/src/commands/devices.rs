//! `devices`: lists the cameras.

use moodring_base::{exit::Exit, message::json};
use moodring_camera::devices::{DeviceInfo, FormatInfo, devices as found};
use serde::Serialize;

use super::Failure;
use crate::cli::DevicesArgs;
use crate::commands::stdout::out;

const NONE: &str = "no camera: nothing under /dev/video*. Plug one in; a Raspberry Pi's ribbon camera is \
`--source rpicam`, a Jetson's `--source argus`. Without any, `--source synthetic` shows a drawn face";

/// A device as JSON.
#[derive(Serialize)]
struct DeviceJson<'a> {
    path: &'a str,
    name: &'a str,
    usable: bool,
    problem: Option<String>,
    formats: Vec<FormatJson<'a>>,
}

/// A format as JSON.
#[derive(Serialize)]
struct FormatJson<'a> {
    fourcc: &'a str,
    readable: bool,
    sizes: &'a [String],
}

impl<'a> From<&'a FormatInfo> for FormatJson<'a> {
    fn from(info: &'a FormatInfo) -> Self {
        Self {
            fourcc: &info.fourcc,
            readable: info.readable,
            sizes: &info.sizes,
        }
    }
}

/// Lists them.
pub(super) fn devices(args: &DevicesArgs) -> Result<Exit, Failure> {
    let found = found();
    if found.is_empty() && !args.json {
        out!("{NONE}");
    }
    for device in &found {
        if args.json {
            out!("{}", json_line(device))
        } else {
            print(device)
        }
    }
    Ok(Exit::Done)
}

fn problem(device: &DeviceInfo) -> Option<String> {
    (!device.is_usable()).then(|| device.describe_problem())
}

fn json_line(device: &DeviceInfo) -> String {
    json(&DeviceJson {
        path: &device.best_path().to_string_lossy(),
        name: &device.name,
        usable: device.is_usable(),
        problem: problem(device),
        formats: device.formats.iter().map(FormatJson::from).collect(),
    })
}

fn print(device: &DeviceInfo) {
    out!("{}: {}", device.best_path().display(), device.name);
    for format in &device.formats {
        let note = if format.readable {
            ""
        } else {
            " (not read by moodring)"
        };
        out!("  {} {}{note}", format.fourcc, format.sizes.join(", "));
    }
    if let Some(problem) = problem(device) {
        out!("  not usable: {problem}");
    }
}
