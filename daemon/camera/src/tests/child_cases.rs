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

/// A child's name, its command with files by name, what is seen, and what the error at the end holds.
struct Case(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const CASES: [Case; 34] = [
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
        "a picture in small pieces",
        "for i in $(seq 0 19); do tail -c +$((i * 50 + 1)) a | head -c 50; sleep 0.01; done; cat b",
        &["16x16", "24x8"],
        "exit status: 0",
    ),
    Case(
        "a flood of errors",
        "yes warning | head -c 3000000 >&2; cat a b",
        &["16x16", "24x8"],
        "exit status: 0",
    ),
    Case(
        "an error without an end of line",
        "head -c 2000000 /dev/zero | tr '\\0' x >&2; cat a",
        &["16x16"],
        "exit status: 0",
    ),
    Case(
        "one that only closes its output",
        "cat a; exec >&-; sleep 9",
        &["16x16"],
        "closed its output",
    ),
    Case(
        "one that leaves a child with its output",
        "cat a; sleep 9 & exit 3",
        &["16x16"],
        "no frame in",
    ),
    Case(
        "one that ends by a signal of its own",
        "cat a; kill $$",
        &["16x16"],
        "signal: 15",
    ),
    Case(
        "sizes that change",
        "cat a b a b",
        &["16x16", "24x8", "16x16", "24x8"],
        "exit status: 0",
    ),
    Case(
        "JPEGs with zeros between",
        "cat a; head -c 70000 /dev/zero; cat b",
        &["16x16", "24x8"],
        "exit status: 0",
    ),
    Case(
        "text without end",
        "yes no camera",
        &[],
        "text, \"no camera",
    ),
    Case(
        "a page",
        "printf '<!DOCTYPE html><html>'",
        &[],
        "a web page",
    ),
    Case(
        "YUV4MPEG2 that is huge",
        "printf 'YUV4MPEG2 W99999 H99999\\nFRAME\\n'; sleep 9",
        &[],
        "at most 7680x4320",
    ),
    Case(
        "YUV4MPEG2 of no size",
        "printf 'YUV4MPEG2 F30:1\\nFRAME\\n'; sleep 9",
        &[],
        "must name W and H",
    ),
    Case(
        "YUV4MPEG2 with other bytes in it",
        "head -c 41 y4m; echo error; cat a",
        &["4x2"],
        "",
    ),
    Case(
        "one that reads its input",
        "cat; cat a",
        &["16x16"],
        "exit status: 0",
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
    write("panic", TWO_COMPONENTS);
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

#[test]
fn children_that_do_not_want_to_end_are_ended() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), ramp(16, 16, 0)).unwrap();
    for (name, command) in [
        (
            "one that ignores SIGTERM",
            "trap '' TERM INT HUP; cat a; while :; do sleep 1; done",
        ),
        (
            "one that has children",
            "cat a; (sleep 77; sleep 77) & sleep 77",
        ),
        ("one that stops itself", "cat a; kill -STOP $$"),
        ("one that writes on", "cat a; yes"),
    ] {
        let command = format!("cd {}; echo $$ >pid; {command}", dir.path().display());
        let mut camera =
            Process::open(Launch::shell("cmd", &command), Context::for_tests(false)).unwrap();
        assert_eq!(outcomes(&mut camera, 1), ["16x16"], "{name}");
        let begin = std::time::Instant::now();
        drop(camera);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let pid = std::path::PathBuf::from(format!("/proc/{}", pid.trim()));
        assert!(!pid.exists(), "{name} is still there");
    }
}
