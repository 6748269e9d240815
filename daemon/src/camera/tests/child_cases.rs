//! What child processes write, and what must come of it: one row of the table for each case.

use std::time::Duration;

use super::{
    super::{
        jpeg::tests::{TWO_COMPONENTS, ramp, with_orientation},
        process::{Launch, Process},
        *,
    },
    outcomes,
};

/// A child's name, its command with files by name, what is seen, and what the error at the end says.
struct Case(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const CASES: [Case; 20] = [
    Case("JPEGs", "cat a b", &["16x16", "24x8"], "exit status: 0"),
    Case(
        "a banner before the first JPEG",
        "echo hello; cat a b",
        &["16x16", "24x8"],
        "exit status: 0",
    ),
    Case(
        "multipart as curl gives it",
        "printf -- '--b\\r\\nContent-Type: image/jpeg\\r\\n\\r\\n'; cat a; printf '\\r\\n--b\\r\\n\\r\\n'; cat b",
        &["16x16", "24x8"],
        "exit status: 0",
    ),
    Case("YUV4MPEG2", "cat y4m", &["4x2", "4x2"], "exit status: 0"),
    Case(
        "YUV4MPEG2 that is cut",
        "head -c 50 y4m",
        &["4x2", "bad"],
        "exit status: 0",
    ),
    Case(
        "YUV4MPEG2 of another kind",
        "echo 'YUV4MPEG2 W4 H2 C444'; sleep 9",
        &[],
        "C444",
    ),
    Case("a PNG", "printf '\\211PNG\\r\\n'", &[], "a PNG picture"),
    Case("H.264", "printf '\\0\\0\\0\\001\\147\\102'", &[], "H.264"),
    Case(
        "text",
        "echo 'usage: camera [options]'",
        &[],
        "text, \"usage: camera [options]\"",
    ),
    Case(
        "random bytes",
        "cat noise; sleep 9",
        &[],
        "no kind that is known",
    ),
    Case(
        "raw planes that nobody announced",
        "head -c 900000 /dev/zero; sleep 9",
        &[],
        "raw = \"i420\"",
    ),
    Case("nothing", "true", &[], "nothing at all"),
    Case(
        "nothing, and an error",
        "echo 'no camera' >&2; sleep 0.2; exit 7",
        &[],
        "exit status: 7",
    ),
    Case(
        "its own death",
        "cat a; kill -9 $$",
        &["16x16"],
        "signal: 9",
    ),
    Case(
        "a JPEG that is cut",
        "cat a; head -c 200 b",
        &["16x16", "bad"],
        "exit status: 0",
    ),
    Case(
        "a JPEG cut and mended",
        "cat mended a",
        &["bad", "16x16"],
        "exit status: 0",
    ),
    Case(
        "a JPEG that panics a decoder",
        "cat panic a",
        &["bad", "16x16"],
        "exit status: 0",
    ),
    Case(
        "a JPEG on its side",
        "cat side",
        &["8x24"],
        "exit status: 0",
    ),
    Case(
        "silence after a picture",
        "cat a; sleep 9",
        &["16x16"],
        "no frame in",
    ),
    Case(
        "a program that is not there",
        "no-such-program-here",
        &[],
        "exit status: 127",
    ),
];

#[test]
fn every_child_comes_to_its_right_end() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    let (a, b) = (ramp(16, 16, 0), ramp(24, 8, 0));
    write("a", &a);
    write("b", &b);
    write("mended", &[&b[..b.len() * 3 / 4], b"\xFF\xD9"].concat());
    write("panic", &TWO_COMPONENTS);
    write("side", &with_orientation(&b, 8));
    let frame = [b"FRAME\n".as_slice(), &[9; 12]].concat();
    write(
        "y4m",
        &[b"YUV4MPEG2 W4 H2 F30:1\n".as_slice(), &frame, &frame].concat(),
    );
    // No FF, so that no JPEG begins in it.
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 % 251)
        .collect();
    write("noise", &noise);
    let mut wrong = Vec::new();
    for Case(name, command, want, end) in CASES {
        let mut context = Context::for_tests(false);
        context.timeout = Duration::from_millis(1500);
        let command = format!("cd {}; {command}", dir.path().display());
        let mut camera = Process::open(Launch::shell("cmd", &command), context).unwrap();
        let seen = outcomes(&mut camera, want.len());
        if seen != want {
            wrong.push(format!("{name}: {seen:?}, not {want:?}"));
            continue;
        }
        match camera.next_frame() {
            Err(CameraError::Lost { reason, .. }) if reason.contains(end) => {}
            other => wrong.push(format!("{name}: {other:?}, not {end}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_login_in_a_command_is_in_no_message() {
    let command = "echo 'rtsp://admin:geheim77@cam/: 401, tried geheim77' >&2; sleep 0.2; exit 1 # -i rtsp://admin:geheim77@cam/";
    let mut camera = presets::open_command(command, Context::for_tests(false)).unwrap();
    let name = camera.info().name.clone();
    let error = camera.next_frame().unwrap_err().to_string();
    assert!(
        error.contains("401") && !error.contains("geheim77"),
        "{error}"
    );
    assert!(!name.contains("geheim77"), "{name}");
}
