//! `follow` from outside: a real broker, another device's topics, and the face in a PNG file.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use image::RgbImage;
use moodring_tests::{
    bench::{Bench, LIMIT, free_port},
    broker::{Broker, Subscriber},
    process::Process,
};

const STATE: &str = "moodring/hall/state";
const STATUS: &str = "moodring/hall/status";

fn state(mood: &str) -> String {
    format!(
        r#"{{"schema":1,"mood":"{mood}","confidence":0.97,"people_count":1,"camera":"running"}}"#
    )
}

fn follow(bench: &Bench, topic: &str, url: &str) -> Process {
    bench.start(&format!(
        "follow {topic} --mqtt {url} --display png --display-path face.png --satellite off"
    ))
}

/// The face of a mood at rest, as `show` draws it.
fn face(bench: &Bench, mood: &str) -> RgbImage {
    let name = format!("{mood}.png");
    bench
        .run(&format!("show {mood} --size 240x240 --png {name}"))
        .expect_code(0);
    picture(&bench.folder().join(name)).expect("show wrote it")
}

fn picture(path: &Path) -> Option<RgbImage> {
    Some(image::open(path).ok()?.to_rgb8())
}

/// Waits until the followed face is one that `wanted` takes, and gives it.
fn wait_for(bench: &Bench, what: &str, wanted: impl Fn(&RgbImage) -> bool) -> RgbImage {
    let path = bench.folder().join("face.png");
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(seen) = picture(&path).filter(&wanted) {
            return seen;
        }
        assert!(Instant::now() < end, "the PNG does not show {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the picture has come to rest, and gives it.
fn at_rest(bench: &Bench, unlike: &[RgbImage]) -> RgbImage {
    let mut last = wait_for(bench, "another face", |seen| !unlike.contains(seen));
    loop {
        // Longer than a change takes, so that two alike are at rest.
        thread::sleep(Duration::from_millis(700));
        let now = wait_for(bench, "another face", |seen| !unlike.contains(seen));
        if now == last {
            return now;
        }
        last = now;
    }
}

#[test]
fn a_state_from_the_broker_is_the_face_in_the_file() {
    let (bench, broker) = (Bench::new(), Broker::start());
    let faces = ["happy", "sad", "nobody", "uncertain"].map(|mood| face(&bench, mood));
    let [happy, sad, nobody, _] = &faces;
    broker.publish(STATE, &state("happy"));
    let follower = follow(&bench, "moodring/hall/state", &broker.url());
    wait_for(&bench, "the state that the broker kept", |seen| {
        seen == happy
    });
    broker.publish(STATE, &state("sad"));
    wait_for(&bench, "the new state", |seen| seen == sad);
    broker.publish("moodring/kitchen/state", &state("happy"));
    broker.publish(STATE, "what is this?");
    broker.publish(STATE, &state("nobody"));
    wait_for(&bench, "nobody", |seen| seen == nobody);

    // The publisher's will, and its return.
    broker.publish(STATE, &state("happy"));
    wait_for(&bench, "the state before the outage", |seen| seen == happy);
    broker.publish(STATUS, "offline");
    let offline = at_rest(&bench, &faces);
    broker.publish(STATUS, "online");
    wait_for(&bench, "the state after the outage", |seen| seen == happy);
    broker.publish(STATUS, "stopped");
    wait_for(&bench, "the fault of a stopped device", |seen| {
        *seen == offline
    });

    follower.signal("TERM");
    follower.finish(LIMIT).expect_code(0).expect_stderr(&[
        "cannot read moodring/hall/state",
        "moodring/hall/status: offline",
    ]);
}

#[test]
fn a_killed_device_is_reported_by_its_will_and_a_lost_broker_is_survived() {
    let (mut bench, mut broker) = (Bench::new(), Broker::start());
    bench.set("MOODRING_DEVICE__ID", "hall");
    bench.set("MOODRING_SATELLITE__PORT", "off");
    let faces = ["happy", "sad", "nobody", "uncertain"].map(|mood| face(&bench, mood));
    let mut subscriber = Subscriber::to(broker.port);
    let device = bench.start(&format!("run --source synthetic --mqtt {}", broker.url()));
    subscriber.wait_for_topic(STATE);
    let follower = follow(&bench, "moodring/hall", &broker.url());
    subscriber.wait_for("a mood", |message| {
        message.topic == STATE && message.json()["mood"] != "nobody"
    });
    device.signal("KILL");
    subscriber.wait_for("the will", |message| {
        message.topic == STATUS && message.payload == "offline"
    });
    let offline = at_rest(&bench, &faces);

    broker.publish(STATUS, "online");
    broker.publish(STATE, &state("sad"));
    wait_for(&bench, "sad", |seen| *seen == faces[1]);
    broker.stop();
    wait_for(&bench, "the fault of a lost broker", |seen| {
        *seen == offline
    });
    broker.resume();
    broker.publish(STATE, &state("happy"));
    wait_for(&bench, "happy again", |seen| *seen == faces[0]);
    follower.signal("INT");
    follower.finish(LIMIT).expect_code(0);
}

#[test]
fn a_topic_that_is_no_devices_and_a_broker_that_is_none_are_named() {
    let bench = Bench::new();
    for topic in ["hall", "moodring/#", "moodring//state"] {
        bench
            .run(&format!("follow {topic} --display none"))
            .expect_code(2)
            .expect_stderr(&[topic, "moodring/hall"]);
    }
    let port = free_port();
    let mut away = follow(&bench, "moodring/hall", &format!("mqtt://127.0.0.1:{port}"));
    away.wait_for_text("no connection to the broker", LIMIT);
    away.signal("TERM");
    away.finish(LIMIT).expect_code(0);
}
