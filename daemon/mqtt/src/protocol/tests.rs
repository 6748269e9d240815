//! The protocol without a broker: a list of what goes in, a list of what comes out.

use moodring_base::message::{Moment, cbor};
use std::time::{Duration, SystemTime};

use moodring_base::message::{DeviceName, RunId};
use moodring_core::{expression::Expression, frame::Millis, mood::MoodState, track::TrackId};

use super::*;

const PACE: StateLimits = StateLimits {
    interval_ms: 10_000,
    gap_ms: 200,
    patience_ms: 600_000,
};

fn protocol() -> Protocol {
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
    let topics = Topics::new("moodring", &identity.device).unwrap();
    Protocol::new(identity, topics, PACE, PayloadFormat::Json)
}

fn at(ms: u64) -> Moment {
    Moment {
        wall: SystemTime::UNIX_EPOCH + Duration::from_millis(ms),
        run: Millis(ms),
    }
}

/// So many more events are on the disk.
fn appear(protocol: &mut Protocol, count: i64) {
    let mut state = protocol.store.clone();
    state.newest += count;
    state.waiting += count as u64;
    state.written = Some((1, state.newest as u64));
    protocol.store(state);
}

/// What the store has: rows of these numbers.
fn row(id: EntryId) -> OutboxRow {
    OutboxRow {
        id,
        device: "hall".into(),
        payload: format!("{{\"seq\":{id}}}").into_bytes(),
    }
}

fn scene(mood: Mood, people: usize) -> Snapshot {
    Snapshot {
        mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
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
        ReceiptToken::Status(_) => text.to_owned(),
        ReceiptToken::State => format!("state {} {}", json("mood"), json("people_count")),
        ReceiptToken::Event(_) => format!("event {}", json("seq")),
        ReceiptToken::Extra(_) => unreachable!("nobody else speaks here"),
    }
}

/// A connection in which nobody else publishes.
fn connect(protocol: &mut Protocol) {
    protocol.connected(Millis(0));
    protocol.introduced();
}

/// Everything that goes out at `ms`; states count as done at once, the rest is left to the test.
fn out(protocol: &mut Protocol, ms: u64) -> (Vec<String>, Vec<ReceiptToken>) {
    out_without(protocol, ms, &[])
}

/// The same, while the store no longer has these rows: they were delivered.
fn out_without(
    protocol: &mut Protocol,
    ms: u64,
    delivered: &[EntryId],
) -> (Vec<String>, Vec<ReceiptToken>) {
    let mut all = (Vec::new(), Vec::new());
    loop {
        while let Some(publication) = protocol.poll(at(ms)) {
            all.0.push(short(&publication));
            match publication.token {
                ReceiptToken::State => drop(protocol.done(ReceiptToken::State, Millis(0))),
                token => all.1.push(token),
            }
        }
        let Some(want) = protocol.want() else {
            return all;
        };
        let ids = (want.after + 1..=want.newest).filter(|id| !delivered.contains(id));
        protocol.rows(want, ids.take(want.limit).map(row).collect());
    }
}

#[test]
fn nothing_goes_out_before_the_connection_then_state_birth_events() {
    let mut p = protocol();
    appear(&mut p, 2);
    p.snapshot(scene(Mood::Uncertain, 2));
    assert!(out(&mut p, 10).0.is_empty());
    assert_eq!(p.wake(), None);
    connect(&mut p);
    let (published, _) = out(&mut p, 10);
    assert_eq!(
        published,
        ["state uncertain 2", "online", "event 1", "event 2"]
    );
}

#[test]
fn what_has_no_receipt_goes_again_in_order_with_the_same_numbers() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 3);
    let (_, tokens) = out(&mut p, 5);
    let second_of_three = tokens[2];
    assert_eq!(p.done(second_of_three, Millis(0)), Some(2));
    assert_eq!(p.done(second_of_three, Millis(0)), None, "a receipt twice");
    p.disconnected();
    appear(&mut p, 1);
    assert!(out(&mut p, 7).0.is_empty());
    connect(&mut p);
    let (published, tokens) = out_without(&mut p, 8, &[2]);
    assert_eq!(published, ["online", "event 1", "event 3", "event 4"]);
    for token in tokens {
        p.done(token, Millis(0));
    }
    p.disconnected();
    connect(&mut p);
    assert_eq!(out_without(&mut p, 9, &[1, 2, 3, 4]).0, ["online"]);
}

#[test]
fn a_refused_event_is_offered_again_later_and_holds_up_nothing() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 3);
    let (published, tokens) = out(&mut p, 5);
    assert_eq!(published, ["online", "event 1", "event 2", "event 3"]);
    p.refused(tokens[1], Millis(10));
    assert_eq!(p.done(tokens[2], Millis(0)), Some(2));
    assert_eq!(
        p.done(tokens[1], Millis(0)),
        None,
        "no receipt follows a refusal"
    );
    p.refused(tokens[3], Millis(20));
    assert_eq!(out(&mut p, 30_009).0, [""; 0]);
    assert_eq!(p.wake(), Some(Millis(30_010)));
    assert_eq!(out(&mut p, 30_010).0, ["event 1", "event 3"]);
    // A stop waits for answers, not for better rules.
    p.refused(tokens[1], Millis(30_020));
    p.refused(tokens[3], Millis(30_020));
    p.stop();
    let (published, tokens) = out(&mut p, 30_030);
    assert_eq!(published, ["stopped"]);
    p.done(tokens[0], Millis(0));
    assert!(p.is_finished());
}

#[test]
fn so_many_refused_events_fill_the_window_and_a_break_empties_it() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 30);
    let (published, tokens) = out(&mut p, 5);
    assert_eq!(published.len(), 1 + OutboxWindow::IN_FLIGHT);
    for token in &tokens[1..] {
        p.refused(*token, Millis(6));
    }
    assert!(out(&mut p, 7).0.is_empty());
    p.disconnected();
    connect(&mut p);
    assert_eq!(out(&mut p, 8).0.len(), 1 + OutboxWindow::IN_FLIGHT);
    assert_eq!(p.wake(), None, "the old refusals are forgotten");
}

#[test]
fn rows_of_an_earlier_name_go_to_its_topic_and_cbor_is_cbor() {
    let mut p = protocol();
    p.format = PayloadFormat::Cbor;
    connect(&mut p);
    appear(&mut p, 1);
    p.poll(at(0)).unwrap();
    let want = p.want().unwrap();
    let old = OutboxRow {
        device: "attic".into(),
        ..row(1)
    };
    p.rows(want, vec![old]);
    let published = p.poll(at(0)).unwrap();
    assert_eq!(published.topic, "moodring/attic/event");
    assert_eq!(published.payload, cbor(b"{\"seq\":1}").unwrap());
}

#[test]
fn the_state_tells_what_is_on_the_disk_in_this_run() {
    let mut p = protocol();
    connect(&mut p);
    p.snapshot(Snapshot::default());
    let mut state = |store: StoreState, ms: u64| {
        p.store(store);
        loop {
            let published = p.poll(at(ms)).unwrap();
            if published.token == ReceiptToken::State {
                p.done(ReceiptToken::State, Millis(0));
                let json: serde_json::Value = serde_json::from_slice(&published.payload).unwrap();
                return ["seq", "events_waiting", "events_dropped"].map(|key| json[key].as_u64());
            }
        }
    };
    let other_run = StoreState {
        written: Some((2, 70)),
        waiting: 4,
        dropped: 7,
        ..StoreState::default()
    };
    let mine = StoreState {
        written: Some((1, 9)),
        ..other_run.clone()
    };
    assert_eq!(state(other_run, 0), [Some(0), Some(4), Some(7)]);
    assert_eq!(state(mine, 20_000), [Some(9), Some(4), Some(7)]);
}

#[test]
fn thirty_frames_a_second_are_no_flood() {
    let mut p = protocol();
    connect(&mut p);
    let mut states = 0;
    // A mood that flips with every frame for ten seconds, at 30 frames a second.
    for frame in 0..300_u64 {
        let mood = [Mood::Uncertain, Mood::Showing(Expression::Sad)][(frame % 2) as usize];
        p.snapshot(scene(mood, 1));
        let published = out(&mut p, frame * 33).0;
        states += published.iter().filter(|t| t.starts_with("state")).count();
    }
    assert!((35..=51).contains(&states), "{states} in 10 s");
}

#[test]
fn without_change_one_state_per_interval_and_changes_at_once() {
    let mut p = protocol();
    connect(&mut p);
    p.snapshot(scene(Mood::Nobody, 0));
    assert_eq!(out(&mut p, 0).0, ["state nobody 0", "online"]);
    p.snapshot(scene(Mood::Nobody, 0));
    assert!(out(&mut p, 9_000).0.is_empty());
    assert_eq!(p.wake(), Some(Millis(10_000)));
    assert_eq!(out(&mut p, 10_000).0, ["state nobody 0"]);
    p.snapshot(scene(Mood::Uncertain, 1));
    assert!(out(&mut p, 10_100).0.is_empty());
    assert_eq!(p.wake(), Some(Millis(10_200)));
    assert_eq!(out(&mut p, 10_200).0, ["state uncertain 1"]);
}

#[test]
fn a_slow_network_gets_the_newest_state_later_not_a_queue() {
    let mut p = protocol();
    connect(&mut p);
    p.snapshot(scene(Mood::Nobody, 0));
    assert_eq!(p.poll(at(0)).unwrap().token, ReceiptToken::State);
    p.poll(at(0)).unwrap();
    p.snapshot(scene(Mood::Uncertain, 1));
    p.snapshot(scene(Mood::Uncertain, 2));
    assert_eq!((p.poll(at(1_000)), p.wake()), (None, None));
    p.done(ReceiptToken::State, Millis(0));
    assert_eq!(out(&mut p, 1_000).0, ["state uncertain 2"]);
}

#[test]
fn stopping_tells_all_events_then_stopped_and_waits_for_the_receipts() {
    let mut p = protocol();
    p.outbox = OutboxWindow::new(2);
    connect(&mut p);
    p.snapshot(Snapshot::default());
    appear(&mut p, 3);
    p.stop();
    let (published, first) = out(&mut p, 0);
    assert_eq!(
        published,
        ["state nobody 0", "online", "event 1", "event 2"]
    );
    p.done(first[1], Millis(0));
    let (published, second) = out(&mut p, 1);
    assert_eq!(published, ["event 3", "stopped"]);
    p.done(second[1], Millis(0));
    assert!(!p.is_finished());
    p.done(first[2], Millis(0));
    p.done(second[0], Millis(0));
    assert!(p.is_finished());
    assert!(out(&mut p, 60_000).0.is_empty());
}

#[test]
fn a_break_while_stopping_says_stopped_again() {
    let mut p = protocol();
    connect(&mut p);
    p.stop();
    assert_eq!(out(&mut p, 0).0, ["online", "stopped"]);
    p.disconnected();
    assert!(!p.is_finished());
    connect(&mut p);
    let (published, tokens) = out(&mut p, 1);
    assert_eq!(published, ["online", "stopped"]);
    p.done(tokens[1], Millis(0));
    assert!(p.is_finished());
}

#[test]
fn online_comes_when_everything_else_is_known_and_not_much_later() {
    let mut p = protocol();
    p.snapshot(scene(Mood::Nobody, 0));
    appear(&mut p, 1);
    p.connected(Millis(0));
    assert_eq!(out(&mut p, 10).0, ["state nobody 0"]);
    p.snapshot(scene(Mood::Uncertain, 1));
    assert_eq!(out(&mut p, 500).0, ["state uncertain 1"], "and no event");
    p.introduced();
    assert_eq!(p.wake(), Some(Millis(0)));
    assert_eq!(out(&mut p, 510).0, ["online", "event 1"]);
    // Somebody emptied the topics, and everything is published anew.
    p.introduced();
    assert_eq!(out(&mut p, 520).0, ["state uncertain 1", "online"]);
    p.disconnected();
    p.connected(Millis(1_000));
    assert_eq!(out(&mut p, 1_000).0, ["state uncertain 1"]);
    assert_eq!(p.wake(), Some(Millis(1_000 + INTRODUCTION_MS)));
    assert_eq!(
        out(&mut p, 1_000 + INTRODUCTION_MS).0,
        ["online", "event 1"],
        "others may hang"
    );
}

#[test]
fn an_event_that_nobody_gets_is_kept_until_somebody_is_there() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 3);
    let (_, tokens) = out(&mut p, 10);
    let ids = [1, 2, 3];
    for (id, first) in ids.into_iter().zip([true, false, false]) {
        assert_eq!(
            p.no_subscriber(id, Millis(20)),
            NoSubscriber::Kept { first }
        );
    }
    assert_eq!(tokens.len(), 4);
    assert!(out(&mut p, 21).0.is_empty());
    let probe_at = p.wake().unwrap();
    assert!(probe_at <= Millis(1_020), "{probe_at:?}");
    assert_eq!(out(&mut p, probe_at.0).0, ["event 1"], "one at a time");
    assert_eq!(
        p.no_subscriber(1, probe_at),
        NoSubscriber::Kept { first: false }
    );
    appear(&mut p, 1);
    let again = p.wake().unwrap();
    assert!(again > probe_at, "ever more seldom");
    assert_eq!(out(&mut p, again.0).0, ["event 1"]);
    assert_eq!(p.done(ReceiptToken::Event(1), again), Some(1));
    assert_eq!(out(&mut p, again.0).0, ["event 2", "event 3", "event 4"]);
    assert_eq!(
        p.no_subscriber(2, again),
        NoSubscriber::Kept { first: true },
        "gone again: the time begins anew"
    );
}

#[test]
fn without_any_listener_events_count_after_a_while_and_nobody_waits_at_the_end() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 2);
    out(&mut p, 10);
    assert_eq!(
        p.no_subscriber(1, Millis(20)),
        NoSubscriber::Kept { first: true }
    );
    assert_eq!(
        p.no_subscriber(2, Millis(20)),
        NoSubscriber::Kept { first: false }
    );
    let patient = PACE.patience_ms;
    assert_eq!(out(&mut p, patient).0, ["event 1", "event 2"]);
    assert_eq!(
        p.no_subscriber(1, Millis(patient)),
        NoSubscriber::Counted { first: true }
    );
    assert_eq!(
        p.no_subscriber(2, Millis(patient)),
        NoSubscriber::Counted { first: false }
    );
    appear(&mut p, 1);
    assert_eq!(out(&mut p, patient + 1).0, ["event 3"]);
    assert_eq!(
        p.no_subscriber(3, Millis(patient + 1)),
        NoSubscriber::Counted { first: false }
    );

    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 1);
    out(&mut p, 10);
    p.no_subscriber(1, Millis(20));
    p.stop();
    let (published, tokens) = out(&mut p, 21);
    assert_eq!(published, ["stopped"]);
    p.done(tokens[0], Millis(22));
    assert!(p.is_finished());
}

#[test]
fn what_is_set_aside_is_in_nobodys_way() {
    let mut p = protocol();
    connect(&mut p);
    appear(&mut p, 100);
    for round in 0..5 {
        let (published, _) = out(&mut p, 10 + round);
        let events: Vec<i64> = published
            .iter()
            .filter_map(|text| text.strip_prefix("event ")?.parse().ok())
            .collect();
        assert_eq!(events.len(), 20, "{published:?}");
        events.into_iter().for_each(|id| p.set_aside(id));
    }
}
