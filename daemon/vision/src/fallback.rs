//! Falls back to our own engine where ONNX Runtime cannot run, with one warning: why, and how to mend it.

use std::{
    io::Read,
    path::Path,
    sync::{LazyLock, Mutex},
};

/// Reasons that were logged already: photos open a detector for every size.
static LOGGED: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Mutex::default);

/// The packed file to use: that of the settings if it is packed, else the built-in net (an empty path). Logs each
/// reason once.
pub(super) fn packed<'p>(path: &'p Path, reason: &str) -> &'p Path {
    let packed = is_packed(path);
    let mut logged = LOGGED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if !logged.iter().any(|before| before == reason) {
        logged.push(reason.to_owned());
        let nets = if packed {
            "its packed file"
        } else {
            "the built-in nets"
        };
        tracing::warn!(
            "engine = \"ort\" cannot be used here, so {nets} run on the int8 engine, on the CPU. Why: {reason}"
        );
    }
    if packed { path } else { Path::new("") }
}

fn is_packed(path: &Path) -> bool {
    let mut magic = [0; 7];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"moodnet"
}
