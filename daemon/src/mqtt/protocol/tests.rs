//! The conversation, replayed without a broker: a list of what comes in, a list of what goes out.

use std::time::{Duration, SystemTime};

use moodring_core::{event::EventKind, expression::Expression, mood::MoodState, track::TrackId};

use super::*;
use crate::message::{DeviceName, RunId};

const PACE: Pace = Pace {
    interval_ms: 10_000,
    gap_ms: 200,
};

fn protocol(limits: Limits) -> Protocol {
    let who = Identity {
        device: DeviceName::new("hall").unwrap(),
        run: RunId::new(1),
    };
    let topics = Topics::new("moodring", &who.device).unwrap();
    Protocol::new(who, topics, PACE, limits)
}

fn at(ms: u64) -> Moment {
    Moment {
        wall: SystemTime::UNIX_EPOCH + Duration::from_millis(ms),
        run: Millis(ms),
    }
}

fn appear(protocol: &mut Protocol, ms: u64, count: u32) {
    for track in 0..count {
        let event = Event {
            time: Millis(ms),
            track: Some(TrackId(track)),
            kind: EventKind::Appeared,
        };
        protocol.event(at(ms), &event);
    }
}

fn scene(mood: Mood, people: usize) -> Snapshot {
    Snapshot {
        mood: MoodState {
            mood,
            ..MoodState::default()
        },
        people_count: people,
        ..Snapshot::default()
    }
}

/// A publication in short: `online`, `state happy 1`, `event 3`.
fn short(publication: &Publication) -> String {
    let text = std::str::from_utf8(&publication.payload).unwrap();
    let json = |key: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value[key].to_string().replace('"', "")
    };
    match publication.token {
        Token::Status(_) => text.to_owned(),
        Token::State => format!("state {} {}", json("mood"), json("people_count")),
        Token::Event(_) => format!("event {}", json("seq")),
        Token::Extra => unreachable!("nobody else speaks here"),
    }
}

/// Everything that goes out at `ms`; states count as done at once, the rest is left to the test.
fn out(protocol: &mut Protocol, ms: u64) -> (Vec<String>, Vec<Token>) {
    let mut all = (Vec::new(), Vec::new());
    while let Some(publication) = protocol.poll(at(ms)) {
        all.0.push(short(&publication));
        match publication.token {
            Token::State => protocol.done(Token::State),
            token => all.1.push(token),
        }
    }
    all
}

#[test]
fn nothing_goes_out_before_the_connection_then_birth_events_state() {
    let mut p = protocol(Limits::default());
    appear(&mut p, 5, 2);
    p.snapshot(at(5), scene(Mood::Uncertain, 2));
    assert!(out(&mut p, 10).0.is_empty());
    assert_eq!(p.wake(), None);
    p.connected();
    assert_eq!(
        out(&mut p, 10).0,
        ["online", "event 1", "event 2", "state uncertain 2"]
    );
}

#[test]
fn what_has_no_receipt_goes_again_in_order_with_the_same_numbers() {
    let mut p = protocol(Limits::default());
    p.connected();
    appear(&mut p, 5, 3);
    let (_, tokens) = out(&mut p, 5);
    let second_of_three = tokens[2];
    p.done(second_of_three);
    p.disconnected();
    appear(&mut p, 6, 1);
    assert!(out(&mut p, 7).0.is_empty());
    p.connected();
    let (told, tokens) = out(&mut p, 8);
    assert_eq!(told, ["online", "event 1", "event 3", "event 4"]);
    tokens.into_iter().for_each(|t| p.done(t));
    assert_eq!(p.undelivered(), 0);
    p.disconnected();
    p.connected();
    assert_eq!(out(&mut p, 9).0, ["online"]);
}

#[test]
fn a_long_outage_keeps_the_newest_events_and_the_state_says_how_many_went() {
    let mut p = protocol(Limits {
        kept: 3,
        in_flight: 20,
    });
    appear(&mut p, 5, 10);
    p.snapshot(at(5), Snapshot::default());
    p.connected();
    let mut dropped = None;
    let mut told = Vec::new();
    while let Some(publication) = p.poll(at(6)) {
        if publication.token == Token::State {
            let state: serde_json::Value = serde_json::from_slice(&publication.payload).unwrap();
            dropped = state["events_dropped"].as_u64();
            p.done(Token::State);
        }
        told.push(short(&publication));
    }
    assert_eq!(
        told,
        ["online", "event 8", "event 9", "event 10", "state nobody 0"]
    );
    assert_eq!(dropped, Some(7));
}

#[test]
fn thirty_frames_a_second_are_no_flood() {
    let mut p = protocol(Limits::default());
    p.connected();
    let mut states = 0;
    // A mood that flips with every frame for ten seconds, at 30 frames a second.
    for frame in 0..300_u64 {
        let mood = [Mood::Uncertain, Mood::Showing(Expression::Sad)][(frame % 2) as usize];
        p.snapshot(at(frame * 33), scene(mood, 1));
        let told = out(&mut p, frame * 33).0;
        states += told.iter().filter(|t| t.starts_with("state")).count();
    }
    assert!((35..=51).contains(&states), "{states} in 10 s");
}

#[test]
fn without_change_one_state_per_interval_and_changes_at_once() {
    let mut p = protocol(Limits::default());
    p.connected();
    p.snapshot(at(0), scene(Mood::Nobody, 0));
    assert_eq!(out(&mut p, 0).0, ["online", "state nobody 0"]);
    p.snapshot(at(9_000), scene(Mood::Nobody, 0));
    assert!(out(&mut p, 9_000).0.is_empty());
    assert_eq!(p.wake(), Some(Millis(10_000)));
    assert_eq!(out(&mut p, 10_000).0, ["state nobody 0"]);
    p.snapshot(at(10_100), scene(Mood::Uncertain, 1));
    assert!(out(&mut p, 10_100).0.is_empty());
    assert_eq!(p.wake(), Some(Millis(10_200)));
    assert_eq!(out(&mut p, 10_200).0, ["state uncertain 1"]);
}

#[test]
fn a_slow_network_gets_the_newest_state_later_not_a_queue() {
    let mut p = protocol(Limits::default());
    p.connected();
    p.snapshot(at(0), scene(Mood::Nobody, 0));
    p.poll(at(0)).unwrap();
    assert_eq!(p.poll(at(0)).unwrap().token, Token::State);
    p.snapshot(at(500), scene(Mood::Uncertain, 1));
    p.snapshot(at(900), scene(Mood::Uncertain, 2));
    assert_eq!((p.poll(at(1_000)), p.wake()), (None, None));
    p.done(Token::State);
    assert_eq!(out(&mut p, 1_000).0, ["state uncertain 2"]);
}

#[test]
fn a_camera_that_comes_and_goes_is_an_event() {
    let mut p = protocol(Limits::default());
    p.connected();
    let states = [
        CameraState::Running,
        CameraState::Running,
        CameraState::Lost,
    ];
    let mut told = Vec::new();
    for (i, camera) in states.into_iter().enumerate() {
        let snapshot = Snapshot {
            camera,
            ..Snapshot::default()
        };
        p.snapshot(at(i as u64 * 1_000), snapshot);
        told.extend(out(&mut p, i as u64 * 1_000).0);
    }
    let expected = [
        "online",
        "event 1",
        "state nobody 0",
        "event 2",
        "state nobody 0",
    ];
    assert_eq!(told, expected);
}

#[test]
fn stopping_tells_all_events_then_stopped_and_waits_for_the_receipts() {
    let mut p = protocol(Limits {
        kept: 10,
        in_flight: 2,
    });
    p.connected();
    p.snapshot(at(0), Snapshot::default());
    appear(&mut p, 0, 3);
    p.stop();
    let (told, first) = out(&mut p, 0);
    assert_eq!(told, ["online", "event 1", "event 2"]);
    p.done(first[1]);
    let (told, second) = out(&mut p, 1);
    assert_eq!(told, ["event 3", "stopped"]);
    p.done(second[1]);
    assert!(!p.is_finished());
    p.done(first[2]);
    p.done(second[0]);
    assert!(p.is_finished());
    assert!(out(&mut p, 60_000).0.is_empty());
}

#[test]
fn a_break_while_stopping_says_stopped_again() {
    let mut p = protocol(Limits::default());
    p.connected();
    p.stop();
    assert_eq!(out(&mut p, 0).0, ["online", "stopped"]);
    p.disconnected();
    assert!(!p.is_finished());
    p.connected();
    let (told, tokens) = out(&mut p, 1);
    assert_eq!(told, ["online", "stopped"]);
    p.done(tokens[1]);
    assert!(p.is_finished());
}
