//! `engine = "ort"` from outside: with a good library the same faces as our engine; without one our engine, and a warning
//! with the reason and the way to mend it. No library, however wrong, ends the process.
#![cfg(feature = "ort")]
#![allow(clippy::unwrap_used, reason = "a test ends by it")]

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use moodring_base::{clock::Clock, config::CameraSettings};
use moodring_camera::{self as camera, Source};
use serde_json::Value;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A folder with the drawn face as a picture.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.png");
    let wanted = CameraSettings::default();
    let mut camera = camera::open(&Source::Synthetic, &wanted, Clock::start()).unwrap();
    let frame = camera.next_frame().unwrap();
    let (width, height) = (frame.width_px(), frame.height_px());
    let picture = image::GrayImage::from_fn(width, height, |x, y| image::Luma([frame.luma(x, y)]));
    picture.save(&path).unwrap();
    (folder, path)
}

/// `moodring analyze --json` on the drawn face.
fn analyze(settings: &[(&str, &dyn AsRef<std::ffi::OsStr>)]) -> (Value, String) {
    let (_folder, picture) = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_moodring"));
    command.env_remove("ORT_DYLIB_PATH");
    for (key, value) in settings {
        command.env(format!("MOODRING_{key}"), value);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .args(["analyze", "--json"])
        .arg(picture)
        .output()
        .unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{status}: {stderr}");
    let line = serde_json::from_slice::<Value>(&stdout).unwrap();
    (line["faces"][0].clone(), stderr)
}

/// With ONNX Runtime from this library, on this device, and our nets as ONNX.
fn on_library(library: &Path, device: &str) -> (Value, String) {
    let net = |name: &str| root().join("models/weights").join(name);
    let (detector, classifier) = (net("detector.onnx"), net("classifier.onnx"));
    analyze(&[
        ("VISION__ENGINE", &"ort"),
        ("ORT__LIBRARY", &library),
        ("ORT__DEVICE", &device),
        ("MODELS__DETECTOR", &detector),
        ("MODELS__CLASSIFIER", &classifier),
    ])
}

/// The library that tests/ort installs; `None`, with a note, if there is none.
fn library() -> Option<PathBuf> {
    let path = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from);
    if path.is_none() {
        eprintln!(
            "note: ORT_DYLIB_PATH is not set, so no real library was tested; tests/ort sets it"
        );
    }
    path
}

/// Our engine took over, and one warning reports it, with these texts.
fn expect_fallback(library: &Path, device: &str, texts: &[&str]) {
    let (face, stderr) = on_library(library, device);
    assert_eq!(face, analyze(&[]).0, "our engine's own answer");
    for text in [
        &["engine = \"ort\" cannot be used here", "int8 engine"],
        texts,
    ]
    .concat()
    {
        assert!(stderr.contains(text), "`{text}` is not in: {stderr}");
    }
    assert_eq!(stderr.matches("cannot be used here").count(), 1, "{stderr}");
}

#[test]
fn onnx_runtime_sees_what_our_engine_sees() {
    let Some(library) = library() else { return };
    let (ours, _) = analyze(&[]);
    let (theirs, stderr) = on_library(&library, "auto");
    assert_eq!(stderr, "", "no warning, so no fallback");
    assert_eq!(ours["expression"], theirs["expression"]);
    let close = |a: &Value, b: &Value, most: f64| {
        let apart = (a.as_f64().unwrap() - b.as_f64().unwrap()).abs();
        assert!(apart <= most, "{ours} {theirs}");
    };
    for side in 0..4 {
        close(&ours["box"][side], &theirs["box"][side], 2.0);
    }
    for (name, score) in ours["scores"].as_object().unwrap() {
        close(score, &theirs["scores"][name], 0.02);
    }
}

#[test]
fn a_missing_library_is_a_warning() {
    let texts = [
        "/nonexistent/libonnxruntime.so is not there",
        "Set [ort] library",
    ];
    expect_fallback(Path::new("/nonexistent/libonnxruntime.so"), "auto", &texts);
}

#[test]
fn a_library_that_the_loader_does_not_find_is_a_warning() {
    let name = Path::new("libonnxruntime-nowhere.so");
    expect_fallback(
        name,
        "auto",
        &["libonnxruntime-nowhere.so", "Set [ort] library"],
    );
}

#[test]
fn a_file_that_is_no_library_is_a_warning() {
    let (_folder, picture) = folder();
    expect_fallback(&picture, "auto", &["face.png", "Set [ort] library"]);
}

#[test]
fn a_gpu_that_the_library_was_not_built_for_is_a_warning() {
    let Some(library) = library() else { return };
    for device in ["cuda", "tensorrt"] {
        let texts = [
            &format!("device = \"{device}\""),
            "built without it",
            "onnxruntime-gpu",
        ];
        expect_fallback(&library, device, &texts);
    }
}

/// A library with ONNX Runtime's entry point that claims this version and has nothing behind it.
fn hollow(folder: &Path, version: &str) -> Option<PathBuf> {
    let code = format!(
        "static const void *api(unsigned v) {{ (void)v; return 0; }}
         static const char *version(void) {{ return \"{version}\"; }}
         static const struct {{ const void *(*a)(unsigned); const char *(*v)(void); }} base = {{ api, version }};
         const void *OrtGetApiBase(void) {{ return &base; }}"
    );
    let (source, library) = (folder.join("hollow.c"), folder.join("libhollow.so"));
    std::fs::write(&source, code).unwrap();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let built = Command::new(compiler)
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    match built {
        Ok(status) if status.success() => Some(library),
        other => {
            eprintln!("note: no C compiler ({other:?}), so wrong libraries were not tested");
            None
        }
    }
}

#[test]
fn an_old_library_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = hollow(folder.path(), "1.9.0") else {
        return;
    };
    expect_fallback(&library, "auto", &["1.9.0", "1.17 or newer"]);
}

#[test]
fn a_library_with_nothing_behind_its_door_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = hollow(folder.path(), "1.31.0") else {
        return;
    };
    expect_fallback(
        &library,
        "auto",
        &["does not answer as ONNX Runtime should"],
    );
}

#[test]
fn another_library_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libother.so");
    let Some(hollow) = hollow(folder.path(), "1.31.0") else {
        return;
    };
    // The same library without the door's name: any other one.
    let mut bytes = std::fs::read(hollow).unwrap();
    let door = b"OrtGetApiBase";
    while let Some(at) = bytes.windows(door.len()).position(|name| name == door) {
        bytes[at] = b'X';
    }
    std::fs::write(&library, bytes).unwrap();
    expect_fallback(&library, "auto", &["does not export `OrtGetApiBase`"]);
}
