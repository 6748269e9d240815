//! `devices`: the cameras found.

use serde::Serialize;

use super::Failure;
use crate::{camera, cli::DevicesArgs, exit::Exit, message::json};

/// A device as JSON.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    name: &'a str,
    usable: bool,
    problem: Option<String>,
    formats: Vec<Format<'a>>,
}

/// A format as JSON.
#[derive(Serialize)]
struct Format<'a> {
    fourcc: &'a str,
    readable: bool,
    sizes: &'a str,
}

/// Lists them.
pub fn devices(args: &DevicesArgs) -> Result<Exit, Failure> {
    let found = camera::devices::devices();
    if found.is_empty() && !args.json {
        println!(
            "no camera: nothing under /dev/video*. Plug one in; a Raspberry Pi's ribbon camera is \
             `--source rpicam`. Without any, `--source synthetic` shows a drawn face"
        );
    }
    for device in &found {
        let path = device.best_path().to_string_lossy();
        let problem = (!device.is_usable()).then(|| device.describe_problem());
        if args.json {
            let format = |f: &'_ camera::devices::FormatInfo| (f.fourcc.clone(), f.readable, f.sizes.clone());
            let formats: Vec<_> = device.formats.iter().map(format).collect();
            let formats = formats.iter().map(|(fourcc, readable, sizes)| Format { fourcc, readable: *readable, sizes });
            let name = &device.name;
            println!("{}", json(&Line { path: &path, name, usable: device.is_usable(), problem, formats: formats.collect() }));
            continue;
        }
        println!("{path}: {}", device.name);
        for format in &device.formats {
            let note = if format.readable { "" } else { " (not read by moodring)" };
            println!("  {} {}{note}", format.fourcc, format.sizes);
        }
        if let Some(problem) = problem {
            println!("  not usable: {problem}");
        }
    }
    Ok(Exit::Done)
}
