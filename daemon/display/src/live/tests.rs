//! The live view as a screen of cells: sizes, colours, and what must be visible.

use std::io::Write as _;

use moodring_base::snapshot::{Snapshot, StageTimes};
use moodring_core::{
    detect::Face, frame::Millis, geometry, mood::FaceMood, mood::MoodState, track::TrackId,
};
use ratatui::{Terminal, backend::TestBackend};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

fn two_people() -> Snapshot {
    let person = |track, scores: [f32; 7], roll_deg| Person {
        track: TrackId(track),
        face: Face {
            rect: geometry::Rect {
                x: 10.0,
                y: 20.0,
                w: 131.6,
                h: 160.2,
            },
            ..Face::default()
        },
        roll_deg,
        scores: Scores(scores),
        mood: FaceMood::of_scores(&Scores(scores), 0.45),
        facing: None,
        last_seen: Millis(0),
    };
    let mut snapshot = Snapshot {
        mood: MoodState::new(
            Mood::Showing(Expression::Happy),
            0.91,
            TrackId(1),
            Millis(0),
        ),
        people_count: 2,
        frame_px: (640, 480),
        camera: CameraState::Running,
        frames_per_second: 29.8,
        frames_skipped: 7,
        stages_ms: StageTimes {
            letterbox: 0.4,
            detect: 12.3,
            classify: 2.5,
            ..StageTimes::default()
        },
        ..Snapshot::default()
    };
    let happy = [0.01, 0.0, 0.02, 0.91, 0.01, 0.03, 0.02];
    let sad = [0.1, 0.0, 0.1, 0.0, 0.7, 0.0, 0.1];
    snapshot.people.push(person(3, happy, -7.4)).unwrap();
    snapshot.people.push(person(12, sad, 3.0)).unwrap();
    snapshot
}

fn shown(
    snapshot: &Snapshot,
    (columns, rows): (u16, u16),
    depth: ColorDepth,
) -> (String, TestBackend) {
    let logs = LogLines::default();
    writeln!(logs.make_writer(), "INFO connected to the broker").unwrap();
    let mut live = LiveView::new(logs, depth, Millis(0));
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let view = View {
        snapshot,
        broker: BrokerState::Online,
        source: "Logitech C920",
        device: "hall",
        preview: false,
        now: Millis(0),
        minute: 0,
    };
    // The first picture starts the change of mood, the second shows it done.
    for time in [Millis(1_000), Millis(3_723_000)] {
        terminal
            .draw(|frame| live.render(frame, &view.at(time)))
            .unwrap();
    }
    let backend = terminal.backend().clone();
    let text = backend.to_string();
    std::println!("{text}");
    (text, backend)
}

fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[test]
fn everything_is_there_at_80_by_24() {
    let (text, backend) = shown(&two_people(), (80, 24), ColorDepth::True);
    assert_has(
        &text,
        &[
            "moodring hall · Logitech C920",
            "up 1:02:03",
            "HAPPY 91 %",
            "2 faces",
        ],
    );
    assert_has(
        &text,
        &[
            "#3 happy 91% -7° 132x160",
            "#12 sad 70% +3° 132x160",
            "surprise",
        ],
    );
    assert_has(
        &text,
        &[
            "detect 12.3",
            "total 15.2 ms",
            "cam running",
            "mqtt online",
            "29.8/s",
        ],
    );
    assert_has(&text, &["skipped 7", "640x480", "connected to the broker"]);
    let yellow = backend
        .buffer()
        .content()
        .iter()
        .filter(|c| matches!(c.fg, Color::Rgb(r, g, b) if r > 230 && g > 160 && b < 130));
    assert!(yellow.count() > 200, "the emoji's face is yellow");
}

#[test]
fn the_main_things_are_there_at_40_by_12() {
    let (text, _) = shown(&two_people(), (40, 12), ColorDepth::Indexed);
    assert_has(
        &text,
        &[
            "HAPPY 91 %",
            "happy",
            "surprise",
            "2 faces",
            "cam running",
            "▀",
        ],
    );
}

#[test]
fn without_colours_no_cell_has_one() {
    let (text, backend) = shown(&two_people(), (80, 24), ColorDepth::Mono);
    assert_has(&text, &["HAPPY", "█"]);
    let plain = |c: Color| c == Color::Reset;
    assert!(
        backend
            .buffer()
            .content()
            .iter()
            .all(|c| plain(c.fg) && plain(c.bg))
    );
}

#[test]
fn nobody_and_a_lost_camera_are_shown() {
    let snapshot = Snapshot {
        camera: CameraState::Lost,
        ..Snapshot::default()
    };
    let (text, _) = shown(&snapshot, (80, 24), ColorDepth::True);
    // As the face beside it shows; nobody knows who is there.
    assert_has(&text, &["CAMERA LOST", "cam lost"]);
    assert!(!text.contains('%') && !text.contains("NOBODY"));
    let snapshot = Snapshot {
        camera: CameraState::Running,
        ..Snapshot::default()
    };
    let (text, _) = shown(&snapshot, (80, 24), ColorDepth::True);
    assert_has(&text, &["NOBODY", "no face in view", "cam running"]);
}

#[test]
fn a_long_line_of_the_log_is_wrapped_and_its_end_is_seen() {
    let area = |width, height| Rect {
        width,
        height,
        ..Rect::default()
    };
    let long = format!("WARN lost cmd:sh ...: {} it said: boo", "words ".repeat(30));
    let lines = ["INFO first".to_owned(), long];
    for (width, height) in [(80, 4), (40, 6), (20, 3), (1, 2), (0, 0)] {
        let rows = newest_rows(&lines, area(width, height));
        assert!(rows.len() <= usize::from(height), "{rows:?}");
        assert!(
            rows.iter()
                .all(|row| row.chars().count() <= usize::from(width.max(1)))
        );
        let end = rows.concat();
        assert!(
            height == 0 || end.ends_with(if width < 3 { "o" } else { "boo" }),
            "{rows:?}"
        );
    }
}

#[test]
fn how_to_quit_is_shown_at_any_width() {
    for columns in [20, 40, 80] {
        let (text, _) = shown(&two_people(), (columns, 24), ColorDepth::True);
        assert_has(&text, &["q quits"]);
    }
}

#[test]
fn no_size_is_too_small_or_too_large() {
    for size in [
        (1, 1),
        (2, 3),
        (10, 5),
        (19, 7),
        (24, 4),
        (30, 30),
        (300, 8),
        (200, 70),
    ] {
        shown(&two_people(), size, ColorDepth::True);
    }
    let (text, _) = shown(&two_people(), (12, 3), ColorDepth::True);
    assert_has(&text, &["HAPPY"]);
}
