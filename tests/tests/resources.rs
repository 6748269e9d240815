//! What the optimized daemon takes: memory, and time until it is ready. `tests/run` builds it and runs these.

use std::{
    fs,
    time::{Duration, Instant},
};

use moodring_tests::{
    bench::{Bench, free_port},
    broker::{Broker, Subscriber},
    repo,
};

/// The most memory the daemon may hold, with its embedded broker.
const MEMORY_KIB: u64 = 60 * 1024;

#[test]
#[ignore = "builds the optimized daemon; tests/run does"]
fn memory_stays_under_60_mib() {
    let mut bench = Bench::optimized();
    let port = free_port();
    bench
        .set("MOODRING_MQTT__LISTEN", format!("127.0.0.1:{port}"))
        .set("MOODRING_MQTT__INTERVAL_S", 0.5);
    let source = match repo::photo("solvay1927.jpg") {
        Some(photo) => photo.to_str().expect("UTF-8").to_owned(),
        None => "synthetic".into(),
    };
    let daemon = bench.start_all(&["run", "--loop", "--source", &source]);
    moodring_tests::broker::wait_until_open(port);
    let mut subscriber = Subscriber::to(port);
    // By states, not by a clock: ten of them are five seconds of work.
    let warm = (0..10)
        .map(|_| subscriber.wait_for_topic("/state").json())
        .last();
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).expect("it runs");
    let kib = |name: &str| -> u64 {
        let line = status
            .lines()
            .find(|line| line.starts_with(name))
            .expect("Linux reports memory");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number of KiB")
    };
    println!(
        "resident {} KiB now, {} KiB at most; {}",
        kib("VmRSS:"),
        kib("VmHWM:"),
        warm.expect("ten states")
    );
    assert!(kib("VmRSS:") < MEMORY_KIB, "{} KiB resident", kib("VmRSS:"));
}

/// Prints the figure; the assertion is loose, since other work on the machine is not moodring's fault.
#[test]
#[ignore = "builds the optimized daemon; tests/run does"]
fn it_is_ready_at_once() {
    let broker = Broker::start();
    let mut subscriber = Subscriber::to(broker.port);
    let bench = Bench::optimized();
    let started = Instant::now();
    let _daemon = bench.start(&format!("run --source synthetic --mqtt {}", broker.url()));
    subscriber.wait_for("first frame", |message| {
        message.is_of_device("/state") && message.json()["camera"] == "running"
    });
    let ready = started.elapsed();
    println!(
        "ready, with a frame seen and published, after {} ms",
        ready.as_millis()
    );
    assert!(ready < Duration::from_secs(5), "ready after {ready:?}");
}
