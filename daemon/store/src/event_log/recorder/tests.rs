//! The recorder without a store: what goes in, and the kinds of events that come out.

use std::time::{Duration, SystemTime};

use moodring_base::{
    message::{DeviceName, RunId},
    snapshot::Person,
};
use moodring_core::{
    detect::Face,
    expression::{Expression, Scores},
    mood::{FaceMood, Mood, MoodState},
    track::TrackId,
};

use super::*;

const PACE: EventLimits = EventLimits {
    gap_ms: 500,
    crowd_ms: 1_000,
    summary_ms: 60_000,
};

fn recorder() -> EventRecorder {
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
    EventRecorder::new(identity, PACE, true)
}

fn at(ms: u64) -> Moment {
    Moment {
        wall: SystemTime::UNIX_EPOCH
            + Duration::from_secs(1_795_000_020)
            + Duration::from_millis(ms),
        run: Millis(ms),
    }
}

/// The drafts in short: number, kind, and what is of interest.
fn recorded(recorder: &mut EventRecorder) -> Vec<String> {
    let short = |draft: EventDraft| {
        let json: serde_json::Value = serde_json::from_slice(&draft.payload).unwrap();
        assert_eq!(
            (json["seq"].as_u64(), json["kind"].as_str()),
            (Some(draft.seq), Some(draft.kind))
        );
        let mut text = format!("{} {}", draft.seq, draft.kind);
        for key in ["from", "to", "count", "dominant", "what"] {
            if let Some(value) = json.get(key) {
                text += &format!(" {}", value.to_string().replace('"', ""));
            }
        }
        text
    };
    recorder.drafts().map(short).collect()
}

fn change(ms: u64, from: Mood, to: Mood) -> Event {
    Event {
        time: Millis(ms),
        track: Some(TrackId(1)),
        kind: EventKind::Changed {
            from,
            to,
            confidence: 0.9,
            lasted_ms: 10,
        },
    }
}

fn appeared(ms: u64) -> Event {
    Event {
        time: Millis(ms),
        track: Some(TrackId(1)),
        kind: EventKind::Appeared,
    }
}

fn scene(camera: CameraState, people: &[Expression]) -> Snapshot {
    let person = |&shows: &Expression| {
        let mut scores = [0.0; 7];
        scores[shows.index()] = 1.0;
        let mood = FaceMood::showing(shows, 1.0);
        Person::new(TrackId(1), Face::default(), Scores(scores), mood)
    };
    Snapshot {
        camera,
        people: people.iter().map(person).collect(),
        people_count: people.len(),
        ..Snapshot::default()
    }
}

const HAPPY: Mood = Mood::Showing(Expression::Happy);
const SAD: Mood = Mood::Showing(Expression::Sad);

#[test]
fn a_change_is_told_at_once_and_a_flicker_as_one() {
    let mut recorder = recorder();
    recorder.event(at(0), &change(0, Mood::Nobody, HAPPY));
    assert_eq!(recorded(&mut recorder), ["1 changed nobody happy"]);
    recorder.event(at(100), &change(100, HAPPY, SAD));
    recorder.event(at(200), &change(200, SAD, HAPPY));
    assert_eq!(recorder.wake(), None, "it took itself back");
    recorder.event(at(300), &change(300, HAPPY, SAD));
    recorder.event(at(400), &change(400, SAD, Mood::Uncertain));
    assert!(recorded(&mut recorder).is_empty());
    assert_eq!(recorder.wake(), Some(Millis(500)));
    recorder.tick(at(499));
    assert!(recorded(&mut recorder).is_empty());
    recorder.tick(at(500));
    assert_eq!(recorded(&mut recorder), ["2 changed happy uncertain"]);
}

#[test]
fn what_is_held_back_comes_before_what_happened_later() {
    let mut recorder = recorder();
    recorder.event(at(0), &change(0, Mood::Nobody, HAPPY));
    recorder.event(at(100), &change(100, HAPPY, SAD));
    recorder.event(at(150), &appeared(150));
    let expected = [
        "1 changed nobody happy",
        "2 changed happy sad",
        "3 appeared",
    ];
    assert_eq!(recorded(&mut recorder), expected);
    recorder.event(at(200), &change(200, SAD, HAPPY));
    recorder.finish(at(210));
    assert_eq!(recorded(&mut recorder), ["4 changed sad happy"]);
}

#[test]
fn a_camera_that_is_lost_is_a_fault_and_a_recovery_when_it_returns() {
    let mut recorder = recorder();
    use CameraState as Camera;
    for camera in [
        Camera::Running,
        Camera::Lost,
        Camera::Lost,
        Camera::Running,
        Camera::Off,
    ] {
        recorder.snapshot(at(10), &scene(camera, &[]));
    }
    let expected = [
        "1 camera starting running",
        "2 fault running lost camera",
        "3 recovery lost running camera",
        "4 camera running off",
    ];
    assert_eq!(recorded(&mut recorder), expected);
}

#[test]
fn a_crowd_is_told_once_it_has_held_and_one_person_is_none() {
    let mut recorder = recorder();
    let mut see = |ms: u64, people: &[Expression]| {
        recorder.snapshot(at(ms), &scene(CameraState::default(), people));
        recorded(&mut recorder)
    };
    use Expression::{Happy, Neutral, Sad};
    assert!(see(0, &[Happy]).is_empty());
    assert!(see(2_000, &[Happy]).is_empty(), "one is no crowd");
    assert!(see(3_000, &[Happy, Sad, Sad]).is_empty());
    assert!(see(3_500, &[Happy, Sad]).is_empty());
    assert!(see(4_400, &[Happy, Sad]).is_empty(), "it flickered");
    assert_eq!(see(4_500, &[Neutral, Sad]), ["1 crowd 2"]);
    assert!(see(9_000, &[Neutral, Sad]).is_empty());
    assert!(see(9_100, &[]).is_empty());
    assert_eq!(see(10_100, &[]), ["2 crowd 0"]);
}

#[test]
fn where_two_moods_are_as_frequent_a_crowd_shows_that_of_the_display() {
    use Expression::{Angry, Happy, Sad};
    for (shown, people, expected) in [
        (Happy, &[Happy, Angry][..], "1 crowd 2 happy"),
        (Angry, &[Happy, Angry], "1 crowd 2 angry"),
        (Happy, &[Happy, Sad, Sad], "1 crowd 3 sad"),
        (Happy, &[Happy, Sad, Sad, Angry, Angry], "1 crowd 5"),
    ] {
        let mut recorder = recorder();
        let snapshot = Snapshot {
            mood: MoodState::of(TrackId(1), FaceMood::showing(shown, 0.9), Millis(0)),
            ..scene(CameraState::default(), people)
        };
        recorder.snapshot(at(0), &snapshot);
        recorder.snapshot(at(2_000), &snapshot);
        assert_eq!(recorded(&mut recorder), [expected]);
    }
}

#[test]
fn dropped_events_are_told_once_and_not_while_there_is_no_room() {
    let mut recorder = recorder();
    let state = |unreported, full| StoreState {
        unreported,
        full,
        ..StoreState::default()
    };
    recorder.store(at(0), &state(3, true));
    assert_eq!(
        (recorded(&mut recorder).len(), recorder.reported_dropped()),
        (0, None)
    );
    recorder.store(at(1), &state(5, false));
    assert_eq!(recorded(&mut recorder), ["1 dropped 5"]);
    assert_eq!(recorder.reported_dropped(), Some(5));
    recorder.store(at(2), &state(5, false));
    assert_eq!(
        (recorded(&mut recorder).len(), recorder.reported_dropped()),
        (0, None)
    );
    recorder.store(at(3), &state(0, false));
    recorder.store(at(4), &state(5, false));
    assert_eq!(recorded(&mut recorder), ["2 dropped 5"]);
}

#[test]
fn a_worker_that_panics_is_a_fault_with_its_number() {
    let mut recorder = recorder();
    for reason in [Some("it panicked".to_owned()), None] {
        let fault = WorkerFault {
            worker: "vision",
            reason,
        };
        recorder.fault(at(0), &fault);
    }
    assert_eq!(
        recorded(&mut recorder),
        ["1 fault vision", "2 recovery vision"]
    );
}

#[test]
fn a_disk_that_fails_is_a_fault_once() {
    let mut recorder = recorder();
    let broken = StoreState {
        trouble: Some("the disk is full".into()),
        ..StoreState::default()
    };
    recorder.store(at(0), &broken);
    recorder.store(at(1), &broken);
    recorder.store(at(2), &StoreState::default());
    assert_eq!(
        recorded(&mut recorder),
        ["1 fault store", "2 recovery store"]
    );
}

#[test]
fn times_add_up_to_minutes_and_summaries() {
    let mut recorder = recorder();
    let mut watched = scene(CameraState::Running, &[Expression::Happy]);
    // Ninety seconds, a look each second: thirty seconds of each of three moods.
    for second in 0..=90_u64 {
        let mood = [HAPPY, Mood::Nobody, SAD][(second / 30).min(2) as usize];
        watched.mood = MoodState::new(mood, 0.9, TrackId(1), Millis(0));
        recorder.snapshot(at(second * 1_000), &watched);
        // Twenty seconds in which the machine slept: nobody saw anything.
        if second == 90 {
            recorder.snapshot(at(110_000), &watched);
        }
    }
    recorder.finish(at(110_000));
    let spans = recorder.spans();
    let total = |mood: Mood| {
        let of = spans.iter().filter(|s| s.mood == mood);
        of.map(|s| s.ms).sum::<u32>()
    };
    assert_eq!([HAPPY, Mood::Nobody, SAD].map(total), [30_000; 3]);
    let drafts: Vec<EventDraft> = recorder.drafts().collect();
    let summary = drafts.iter().find(|d| d.kind == "summary").unwrap();
    assert_eq!(summary.class, EventClass::Telemetry);
    let json: serde_json::Value = serde_json::from_slice(&summary.payload).unwrap();
    assert_eq!(json["interval_s"], 60.0);
    assert_eq!(json["moods_s"]["happy"], 30.0);
    assert_eq!(json["people_max"], 1);
}
