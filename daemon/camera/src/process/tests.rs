//! Real child processes, made of shell lines: their pictures, their last error lines, their end.

use moodring_core::frame::PixelFormat;

use super::{super::jpeg::tests::ramp, super::tests::outcomes, *};

fn open(command: &str) -> Process {
    Process::open(Launch::shell("cmd", command), Context::for_tests(false)).unwrap()
}

fn lost(camera: &mut Process) -> String {
    match camera.next_frame() {
        Err(e @ CameraError::Lost { .. }) => e.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_real_child_gives_its_jpegs_and_then_its_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("film");
    let film = [ramp(16, 16, 0), ramp(24, 8, 0), ramp(8, 8, 0)].concat();
    std::fs::write(&path, film).unwrap();
    let mut camera = open(&format!("cat {}", path.display()));
    assert_eq!(outcomes(&mut camera, 3), ["16x16", "24x8", "8x8"]);
    assert!(lost(&mut camera).contains("exit status: 0"));
    assert_eq!(camera.info().wire, "MJPG");
}

#[test]
fn raw_planes_only_where_the_settings_name_them() {
    let raw = Raw {
        format: PixelFormat::I420,
        size_px: (32, 16),
        range: None,
    };
    let launch = Launch {
        raw: Some(raw),
        // 768 bytes a frame.
        ..Launch::shell("cmd", "head -c 1600 /dev/zero")
    };
    let mut camera = Process::open(launch, Context::for_tests(false)).unwrap();
    assert_eq!(outcomes(&mut camera, 3), ["32x16", "32x16", "bad"]);
    assert_eq!(camera.info().format, PixelFormat::I420);
    let mut camera = open("head -c 1600 /dev/zero");
    let error = lost(&mut camera);
    assert!(
        error.contains("bytes of 0x00") && error.contains("raw = \"i420\""),
        "{error}"
    );
}

#[test]
fn its_last_lines_are_in_the_error() {
    let mut camera = open("for i in 1 2 3 4 5 6; do echo line$i >&2; done; exit 3");
    // The lines come over another pipe than the end.
    let mut error = lost(&mut camera);
    while !(error.contains("line6") && error.contains("exit status")) {
        error = lost(&mut camera);
    }
    assert!(
        error.contains("exit status: 3") && error.contains("line3 | line4"),
        "{error}"
    );
    assert!(!error.contains("line2"), "only the last four: {error}");
    let mut camera = open("no-such-program-here");
    while !lost(&mut camera).contains("not found") {}
}

#[test]
fn the_whole_group_dies_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pid");
    let command = format!("sleep 1000 & echo $! > {}; wait", path.display());
    let camera = open(&command);
    let pid = loop {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(pid) = text.strip_suffix('\n') {
            break pid.to_owned();
        }
        std::thread::yield_now();
    };
    drop(camera);
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Nobody may have reaped an orphan yet: dead is gone or a zombie.
    let is_dead = || state().is_empty() || state().contains(") Z");
    let due = std::time::Instant::now() + Duration::from_secs(20);
    while !is_dead() && std::time::Instant::now() < due {
        std::thread::yield_now();
    }
    assert!(is_dead(), "{}", state());
}

#[test]
fn a_silent_child_is_lost_after_the_timeout() {
    let mut context = Context::for_tests(false);
    context.timeout = Duration::from_millis(20);
    let mut camera = Process::open(Launch::shell("cmd", "sleep 1000"), context).unwrap();
    assert!(lost(&mut camera).contains("no frame in 20 ms"));
}
