//! Other people's cameras and pictures, from outside: what they send stops nothing, and nothing wrong passes as right.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use moodring_tests::{
    bench::{Bench, LIMIT, free_port},
    files, pictures,
};

/// Progressive, Adobe's YCCK, two components: two versions of the decoder panic at it.
const PANIC: &str = "ffd8ffee000e41646f626500640000000002ffdb004300080808080808080808080808080808080808080808080808080808080808080808080808\
    08080808080808080808080808080808080808080808080808080808ffc2000e080010001002011100021100ffc400140001000000000000000000\
    00000000000000ffc40014100100000000000000000000000000000000ffda000a020100020000000000ffd9";

fn panic_jpeg() -> Vec<u8> {
    let digits: Vec<u8> = PANIC.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).filter_map(byte).collect()
}

fn good_jpeg() -> Vec<u8> {
    pictures::scene(image::ImageFormat::Jpeg, 64, 48)
}

/// What the page answers: status and body.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

/// Waits until the page answers so.
fn wait_for(port: u16, path: &str, is_there: impl Fn(u16, &str) -> bool) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = get(port, path);
        if let Some((status, text)) = &answer
            && is_there(*status, text)
        {
            return text.clone();
        }
        assert!(Instant::now() < end, "{path}: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_folder_of_traps_is_worked_through() {
    let bench = Bench::new();
    bench.write("album/a-panic.jpg", panic_jpeg());
    bench.write("album/b-good.jpg", good_jpeg());
    let cut = good_jpeg();
    bench.write(
        "album/c-cut.jpg",
        [&cut[..cut.len() * 3 / 4], b"\xFF\xD9"].concat(),
    );
    bench.write("album/d-phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0");
    bench.write("album/e-\n\x1b[31mred.jpg", b"text");
    bench.write(
        "album/f-motion.jpg",
        [&good_jpeg()[..], &[0x55; 200_000]].concat(),
    );
    let pipe = bench.folder().join("album/g-pipe.jpg");
    files::named_pipe(&pipe);
    let finished = bench.run("analyze album").expect_code(1);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 7, "{}", finished.stdout);
    for (line, part) in lines.iter().zip([
        "2 colour components",
        "64x48",
        "cut",
        "HEIC",
        "not a picture",
        "64x48",
        "a named pipe",
    ]) {
        assert!(line.contains(part), "{line} has no {part}");
        assert!(!line.contains('\x1b'), "{line:?}");
    }
}

#[test]
fn a_stream_with_traps_goes_on_and_is_ended_by_a_signal() {
    let mut bench = Bench::new();
    let port = free_port();
    bench.set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{port}"));
    bench.write("good.jpg", good_jpeg());
    bench.write("panic.jpg", panic_jpeg());
    let source = "cmd:while true; do cat good.jpg panic.jpg; sleep 0.05; done";
    let daemon = bench.start_all(&["run", "--display", "none", "--no-mqtt", "--source", source]);
    wait_for(port, "/readyz", |status, _| status == 200);
    let count = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    wait_for(port, "/metrics", |_, text| {
        count(text, "moodring_frames_per_second") >= 1.0
    });
    assert_eq!(get(port, "/readyz").map(|(status, _)| status), Some(200));
    daemon.signal("TERM");
    daemon.finish(LIMIT).expect_code(0);
}

#[test]
fn a_folder_that_is_empty_for_a_moment_is_waited_for() {
    let mut bench = Bench::new();
    let port = free_port();
    bench.set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{port}"));
    bench.set("MOODRING_CAMERA__PICTURE_S", "0.1");
    let picture = bench.write("album/a.jpg", good_jpeg());
    let daemon = bench.start("run --display none --no-mqtt --loop --source album");
    wait_for(port, "/readyz", |status, _| status == 200);
    std::fs::remove_file(&picture).expect("it is ours");
    wait_for(port, "/readyz", |status, text| {
        status == 503 && text.contains("lost")
    });
    bench.write("album/b.jpg", good_jpeg());
    wait_for(port, "/readyz", |status, _| status == 200);
    daemon.signal("TERM");
    daemon.finish(LIMIT).expect_code(0);
}

#[test]
fn the_secrets_of_a_source_are_in_no_output() {
    const SECRET: &str = "geheim-Amsel-4711";
    let sources = [
        format!(
            "cmd:echo 'cannot open rtsp://admin:{SECRET}@cam/' >&2; sleep 0.2; exit 1 # rtsp://admin:{SECRET}@cam/"
        ),
        format!("http://127.0.0.1:{}/x?user=admin&pwd={SECRET}", free_port()),
        format!("http://admin:{SECRET}@127.0.0.1:{}/x", free_port()),
        format!("rtsp://admin:{SECRET}@127.0.0.1:{}/x", free_port()),
    ];
    for source in sources {
        let mut bench = Bench::new();
        let port = free_port();
        bench.set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{port}"));
        bench.set("MOODRING_LOG__LEVEL", "trace,ureq=trace,ureq_proto=trace");
        let daemon =
            bench.start_all(&["run", "--display", "none", "--no-mqtt", "--source", &source]);
        let mut output = wait_for(port, "/api/v1/state", |_, text| {
            text.contains("\"camera\":\"lost\"")
        });
        for path in [
            "/api/v1/setup",
            "/metrics",
            "/readyz",
            "/api/v1/history/events",
            "/",
        ] {
            output += &get(port, path).map(|(_, text)| text).unwrap_or_default();
        }
        daemon.signal("TERM");
        let finished = daemon.finish(LIMIT).expect_code(0);
        output += &finished.stdout;
        output += &finished.stderr;
        assert!(output.contains("TRACE"), "it did not log all: {output}");
        let at = output.find(SECRET);
        let around = at.map(|at| &output[output[..at].rfind('\n').unwrap_or(0)..]);
        assert!(
            at.is_none(),
            "{source}: {}",
            around
                .unwrap_or_default()
                .lines()
                .take(3)
                .collect::<String>()
        );
    }
    let bench = Bench::new();
    let finished = bench
        .start_all(&["run", "--source", &format!("http://admin:{SECRET}/x@cam/")])
        .finish(LIMIT);
    assert!(!finished.stderr.contains(SECRET), "{}", finished.stderr);
    finished.expect_code(4);
}

/// Sets how many files a process may open; those that are open stay.
fn limit_open_files(pid: u32, files: u32) {
    let limited = Command::new("prlimit")
        .args([&format!("--pid={pid}"), &format!("--nofile={files}:")])
        .status();
    assert!(limited.expect("prlimit is there").success());
}

#[test]
fn want_of_open_files_is_no_end_of_a_folder() {
    let mut bench = Bench::new();
    let port = free_port();
    bench.set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{port}"));
    bench.set("MOODRING_CAMERA__PICTURE_S", "0.5");
    for name in ["a", "b", "c", "d", "e"] {
        bench.write(&format!("album/{name}.jpg"), good_jpeg());
    }
    let mut daemon = bench.start("run --display none --no-mqtt --source album");
    wait_for(port, "/readyz", |status, _| status == 200);
    limit_open_files(daemon.id(), 3);
    // Five times as long as the rest of the folder takes.
    std::thread::sleep(Duration::from_secs(8));
    assert!(
        daemon.is_running(),
        "the pictures cannot be opened, and are not over"
    );
    limit_open_files(daemon.id(), 1024);
    let finished = daemon.finish(LIMIT).expect_code(0);
    let output = format!("{}{}", finished.stdout, finished.stderr);
    assert!(output.contains("Too many open files"), "{output}");
}
