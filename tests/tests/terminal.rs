//! `run` in a terminal: the live view shows everything it promises and gives the terminal back.
//!
//! The terminal is a real one, made by `script`, which every Debian has; what appeared on it is read afterwards.

use std::fs;

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
    for word in expressions.iter().chain(&stages).chain(&states) {
        assert!(
            screen.contains(word),
            "no {word:?} on the screen: {screen:?}"
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
        .expect("the error says what is accepted");
    assert!(
        screen.rfind(LEAVE).is_none_or(|leave| leave < text),
        "the error was wiped away: {screen:?}"
    );
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
