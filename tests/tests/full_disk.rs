//! A store on a disk that fills up or is read-only: the daemon goes on and reports it, and its events reach the broker.
//!
//! The disk is a small one in memory, mounted in a namespace of its own; where the system allows none, nothing is tested.

use std::process::Command;

use moodring_tests::{
    bench::{Bench, LIMIT},
    broker::{Broker, Message, Subscriber},
    pictures,
    process::Process,
};

/// Mounts a disk of 1 MB as `state` and does `then`, which ends in the daemon.
fn start_on_small_disk(broker: &Broker, then: &str) -> Option<(Bench, Process)> {
    let may = Command::new("unshare").args(["-Urm", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no mount namespaces here (unshare -Urm)");
        return None;
    }
    let mut bench = Bench::new();
    bench.write(
        "film.mjpeg",
        pictures::scene(image::ImageFormat::Jpeg, 64, 48).repeat(2),
    );
    bench
        .set("MOODRING_DEVICE__ID", "desk")
        .set("MOODRING_MQTT__URL", broker.url())
        .set("MOODRING_MQTT__INTERVAL_S", 0.5)
        .set("MOODRING_STORE__PATH", "state/store.db");
    // Cameras that end and come back make events.
    let run = r#"exec "$MOODRING" run --display none --source "cmd:cat film.mjpeg""#;
    let inside = format!("mkdir state && mount -t tmpfs -o size=1m tmpfs state && {then} {run}");
    bench.write("inside.sh", inside);
    let daemon = bench.start_shell("exec unshare -Urm sh inside.sh");
    Some((bench, daemon))
}

fn is_event(message: &Message, kind: &str, what: &str) -> bool {
    message.topic == "moodring/desk/event"
        && message.json()["kind"] == kind
        && message.json()["what"] == what
}

/// Ten more events without a gap, the first of them right after `seq`.
fn ten_more(subscriber: &mut Subscriber, mut seq: u64) {
    for _ in 0..10 {
        let event = subscriber.wait_for_topic("/event").json();
        seq += 1;
        assert_eq!(event["seq"].as_u64(), Some(seq), "a gap: {event}");
    }
}

fn stop(daemon: Process, reason: &str) {
    daemon
        .stop(LIMIT)
        .expect_code(0)
        .expect_stderr(&[reason, "in memory"]);
}

#[test]
fn a_disk_that_fills_up_is_reported_and_costs_no_event() {
    let broker = Broker::start();
    let mut subscriber = Subscriber::to(broker.port);
    let filler =
        "(until [ -e now ]; do sleep 0.05; done; exec cat /dev/zero >state/rest 2>/dev/null) &";
    let Some((bench, daemon)) = start_on_small_disk(&broker, filler) else {
        return;
    };
    let first = subscriber.wait_for_topic("/event").json();
    assert_eq!(first["seq"], 1, "{first}");
    bench.write("now", "");
    let mut seq = 1;
    let fault = subscriber.wait_for("the event of the full disk", |message| {
        if message.topic == "moodring/desk/event" {
            seq += 1;
            assert_eq!(
                message.json()["seq"].as_u64(),
                Some(seq),
                "a gap: {message:?}"
            );
        }
        is_event(message, "fault", "store")
    });
    assert_eq!(fault.json()["reason"], "the disk is full");
    ten_more(&mut subscriber, seq);
    stop(daemon, "the disk is full");
}

#[test]
fn a_read_only_disk_is_reported_and_costs_no_event() {
    let broker = Broker::start();
    let mut subscriber = Subscriber::to(broker.port);
    let Some((_bench, daemon)) = start_on_small_disk(&broker, "mount -o remount,ro state &&")
    else {
        return;
    };
    let mut seq = 0;
    subscriber.wait_for("the event of the disk", |message| {
        seq += u64::from(message.topic == "moodring/desk/event");
        is_event(message, "fault", "store")
    });
    ten_more(&mut subscriber, seq);
    stop(daemon, "cannot be used");
}
