//! `run` in a terminal: the live view shows everything it promises and gives the terminal back.
//!
//! The terminal is a real one, made by `script`, which every Debian has; what appeared on it is read afterwards.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use image::ImageFormat::Jpeg;
use moodring_tests::{
    bench::{Bench, LIMIT},
    pictures,
};

/// The escape codes for another page, and for the way back.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

#[test]
fn the_live_view_shows_what_it_promises_and_gives_the_terminal_back() {
    let screen = screen_of("run --no-mqtt --source film.mjpeg --rate 20", "");
    let (enter, leave) = (screen.find(ENTER), screen.rfind(LEAVE));
    assert!(
        enter.is_some() && leave > enter,
        "the terminal was not given back: {screen:?}"
    );
    let expressions = [
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
    ];
    let stages = [
        "letterbox",
        "detect",
        "decode",
        "align",
        "classify",
        "track",
        "total",
    ];
    let states = [
        "film.mjpeg",
        "no face in view",
        "mqtt",
        "off",
        "64x48",
        "q quits",
    ];
    for part in expressions.iter().chain(&stages).chain(&states) {
        assert!(
            screen.contains(part),
            "no {part:?} on the screen: {screen:?}"
        );
    }
}

#[test]
fn q_ends_it() {
    let screen = screen_of("run --no-mqtt --source film.mjpeg --loop", "q");
    assert!(
        screen.contains(ENTER) && screen.contains(LEAVE),
        "{screen:?}"
    );
}

#[test]
fn without_a_terminal_there_is_no_live_view() {
    let bench = Bench::new();
    bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(5));
    let finished = bench
        .run("run --no-mqtt --source film.mjpeg")
        .expect_code(0);
    assert!(finished.stdout.is_empty(), "{}", finished.stdout);
}

#[test]
fn wrong_settings_leave_the_terminal_alone() {
    let screen = screen_of("run --no-mqtt --source webcam", "");
    assert!(
        screen.contains("webcam") && screen.contains("synthetic"),
        "{screen:?}"
    );
    assert_eq!(
        screen.matches(ENTER).count(),
        screen.matches(LEAVE).count(),
        "{screen:?}"
    );
    let text = screen
        .rfind("accepted")
        .expect("the error names what is accepted");
    assert!(
        screen.rfind(LEAVE).is_none_or(|leave| leave < text),
        "the error was wiped away: {screen:?}"
    );
}

/// Stopped in each of the ways that there are, it gives the terminal back, and takes it whole with `fg`: `q` ends it without Enter.
#[test]
fn a_live_view_that_a_shell_stopped_gives_the_terminal_back_and_goes_on() {
    for (how, mends) in [("kill -TSTP", ""), ("key", ""), ("kill -STOP", "stty sane")] {
        let mut bench = Bench::new();
        bench.set("TERM", "xterm-256color").set("SHELL", "/bin/sh");
        bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(40));
        let job = "sh -c 'echo $$ > pid; exec $MOODRING run --no-mqtt --no-web --source film.mjpeg --loop'";
        bench.write(
            "shell.sh",
            format!(
                "set -m; stty cols 120 rows 40\n{job}\necho stopped; stty -a; {mends}\nfg\necho ended; stty -a\n"
            ),
        );
        let shell = bench.start_shell(
            "mkfifo keys; exec 3<>keys; exec script -qfc 'exec sh shell.sh' screen.txt <&3 >/dev/null",
        );
        let screen = || {
            let bytes = fs::read(bench.folder().join("screen.txt")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let until = |what: &str, is: &dyn Fn(&str) -> bool| {
            let end = Instant::now() + LIMIT;
            while !is(&screen()) {
                assert!(Instant::now() < end, "{how}: {what}: {:?}", screen());
                thread::sleep(Duration::from_millis(50));
            }
        };
        let press = |key: &str| {
            fs::write(bench.folder().join("keys"), key).expect("script reads it");
        };
        until("it begins", &|text| text.contains("total"));
        if how == "key" {
            press("\x1a");
        } else {
            let pid = fs::read_to_string(bench.folder().join("pid")).expect("it began");
            let sent = Command::new("sh")
                .args(["-c", &format!("{how} {pid}")])
                .status();
            assert!(sent.is_ok_and(|status| status.success()));
        }
        until("it goes on", &|text| {
            text.matches(ENTER).count() == 2 && text.split_once("stopped").is_some()
        });
        press("q");
        shell.finish(LIMIT);
        let text = screen();
        let parts: Vec<_> = text.split("stopped").collect();
        assert_eq!(parts.len(), 2, "{how}: {text:?}");
        assert!(parts[1].contains(ENTER), "{how}");
        // Nobody can give anything back on SIGSTOP.
        if how != "kill -STOP" {
            assert!(parts[0].contains(LEAVE), "{how}");
            let modes = parts[1].split(ENTER).next().unwrap_or_default();
            assert!(
                modes.contains(" icanon") && modes.contains(" echo "),
                "{how}: {modes}"
            );
        }
        let (_, end) = text.rsplit_once("ended").expect("`q` ends it");
        assert!(end.contains(" icanon"), "{how}: {end}");
        assert!(text.rfind(LEAVE) > text.rfind(ENTER), "{how}");
    }
}

/// Everything that a command wrote to a terminal of 120 columns and 40 rows, where these keys were pressed.
fn screen_of(arguments: &str, keys: &str) -> String {
    let mut bench = Bench::new();
    bench
        .set("TERM", "xterm-256color")
        .set("SHELL", "/bin/sh")
        .set("KEYS", keys);
    bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(40));
    let inside = format!("stty cols 120 rows 40; exec $MOODRING {arguments}");
    // A pipe that stays open, else `script` would press Ctrl-D.
    let keyboard = "mkfifo keys; exec 3<>keys; printf %s \"$KEYS\" >&3";
    bench
        .start_shell(&format!(
            "{keyboard}; script -qfc '{inside}' screen.txt <&3 >/dev/null"
        ))
        .finish(LIMIT);
    let bytes = fs::read(bench.folder().join("screen.txt")).expect("script writes what it saw");
    String::from_utf8_lossy(&bytes).into_owned()
}
