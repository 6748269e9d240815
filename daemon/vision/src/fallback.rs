//! Falls back to our own engine where ONNX Runtime cannot run, with one warning: why, and how to mend it.

use std::{io::Read, path::Path};

use super::log_once;

/// The packed file to use: that of the settings if it is packed, else the built-in net (an empty path). Logs each
/// warning once.
pub(super) fn packed<'p>(path: &'p Path, reason: &str) -> &'p Path {
    let packed = is_packed(path);
    let nets = if packed {
        "its packed file"
    } else {
        "the built-in nets"
    };
    let text = format!(
        "engine = \"ort\" cannot be used here, so {nets} run on the int8 engine, on the CPU. Why: {reason}"
    );
    if log_once::is_new(&text) {
        tracing::warn!("{text}");
    }
    if packed { path } else { Path::new("") }
}

fn is_packed(path: &Path) -> bool {
    let mut magic = [0; 7];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"moodnet"
}
