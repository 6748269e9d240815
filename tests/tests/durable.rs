//! No event is lost: brokers and daemons are killed at random, links are cut, and everything arrives in order.
//!
//! Cameras that end and come back make the events, so no photo is needed. What is held against what a subscriber got:
//! the daemons' stores, which keep what they delivered, and the numbers in their states.
//! The quick form is part of `tests/run`; the long one, and its figures: `tests/durable`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use image::ImageFormat::Jpeg;
use moodring_tests::{
    bench::{Bench, LIMIT},
    broker::Broker,
    pictures,
    process::{Finished, Process},
    proxy::Proxy,
};
use serde_json::Value;

#[test]
fn no_event_of_500_is_lost() {
    Trial::new(4, "5").run(500);
}

#[test]
fn no_event_of_500_is_lost_by_mqtt_3() {
    Trial::new(4, "3.1.1").run(500);
}

#[test]
#[ignore = "takes about ten minutes: tests/durable"]
fn no_event_of_many_is_lost() {
    let events =
        env::var("EVENTS").map_or(10_000, |text| text.parse().expect("EVENTS is a number"));
    let version = env::var("VERSION").unwrap_or_else(|_| "auto".to_owned());
    Trial::new(8, &version).run(events);
}

/// A link between two network namespaces of the system, in which the daemons live beyond it: `NAMESPACE INTERFACE ADDRESS`,
/// the last two on our side. `tests/durable --link` makes it.
struct Wire {
    namespace: String,
    interface: String,
    address: String,
}

impl Wire {
    fn of_system() -> Option<Self> {
        let text = env::var("WIRE").ok()?;
        let mut fields = text.split_whitespace().map(str::to_owned);
        let mut field = || fields.next().expect("WIRE is NAMESPACE INTERFACE ADDRESS");
        Some(Self {
            namespace: field(),
            interface: field(),
            address: field(),
        })
    }

    fn set(&self, state: &str) {
        let mut command = Command::new("ip");
        command.args(["link", "set", &self.interface, state]);
        Process::start(&mut command).finish(LIMIT).expect_code(0);
    }

    /// Down for up to eight seconds: some connections live through it, some die of silence.
    fn flap(&self, dice: &mut Dice) {
        self.set("down");
        thread::sleep(Duration::from_millis(100 + dice.roll(8_000)));
        self.set("up");
    }
}

/// A device: its daemon, its store, and how often it was killed.
struct Device {
    bench: Bench,
    store: PathBuf,
    daemon: Option<Process>,
    /// The network namespace that it lives in.
    namespace: Option<String>,
}

/// What a subscriber got: topic and payload, in order.
type Messages = Arc<Mutex<Vec<(String, Value)>>>;

struct Trial {
    broker: Broker,
    link: Proxy,
    wire: Option<Wire>,
    devices: Vec<Device>,
    messages: Messages,
    subscriber: Option<Recorder>,
    dice: Dice,
    counts: BTreeMap<&'static str, u32>,
    /// Only by MQTT 5 a daemon knows whether anybody gets an event: by 3.1.1 what nobody is there for is lost.
    knows_listeners: bool,
    /// Subscribers come and go by 3.1.1, too: what that loses is counted.
    counts_lost: bool,
}

/// Preloaded into a daemon, it gives it another wall clock: the offset in the file of this name. `tests/durable` names the library.
const CLOCK: &str = "clock";

fn clock_library() -> Option<String> {
    env::var("FAKETIME_LIB")
        .ok()
        .filter(|path| !path.is_empty())
}

impl Trial {
    /// All devices use this version of MQTT.
    fn new(devices: usize, version: &str) -> Self {
        let broker = Broker::start();
        let wire = Wire::of_system();
        let address = wire.as_ref().map_or("127.0.0.1", |wire| &wire.address);
        let link = Proxy::between(address, broker.port);
        let url = format!("mqtt://{address}:{}", link.port);
        let messages = Messages::default();
        let subscriber = Some(Recorder::listen(broker.port, &messages));
        let mut trial = Self {
            devices: (0..devices)
                .map(|n| Device::new(n, &url, version, wire.as_ref()))
                .collect(),
            broker,
            link,
            wire,
            messages,
            subscriber,
            dice: Dice::new(),
            counts: BTreeMap::new(),
            knows_listeners: version != "3.1.1",
            counts_lost: version == "3.1.1" && env::var_os("RESTART_SUBSCRIBERS").is_some(),
        };
        trial.devices.iter_mut().for_each(Device::start);
        trial
    }

    /// Trouble at random until so many different events have come; then the reckoning.
    fn run(mut self, events: usize) {
        let begin = Instant::now();
        // 20 events a second and device are far above what this takes on a busy machine.
        let end = begin + LIMIT + Duration::from_secs(events as u64);
        while self.different() < events {
            assert!(
                Instant::now() < end,
                "{} of {events} events came",
                self.different()
            );
            thread::sleep(Duration::from_millis(200 + self.dice.roll(1_000)));
            self.trouble();
        }
        let trouble = begin.elapsed();
        for device in &mut self.devices {
            device.stop();
        }
        let stores = self.settle();
        self.reckon(&stores, trouble);
    }

    fn trouble(&mut self) {
        let what = match (self.dice.roll(14), self.wire.is_some()) {
            (0..3, _) => {
                self.restart_broker();
                "brokers killed"
            }
            (3..7, _) => {
                let which = self.dice.roll(self.devices.len() as u64) as usize;
                self.devices[which].kill();
                self.devices[which].start();
                "daemons killed"
            }
            (7..=8, true) => {
                if let Some(wire) = &self.wire {
                    wire.flap(&mut self.dice);
                }
                "links down and up"
            }
            (10..=11, _) if self.knows_listeners || self.counts_lost => {
                self.restart_subscriber();
                "subscribers restarted"
            }
            (12..=13, _) if clock_library().is_some() => {
                let which = self.dice.roll(self.devices.len() as u64) as usize;
                let offset =
                    ["+3650d", "-60d", "-20000d", "+40d", "+0"][self.dice.roll(5) as usize];
                self.devices[which].set_clock(offset);
                "clocks set"
            }
            _ => {
                self.link.cut();
                "links cut"
            }
        };
        *self.counts.entry(what).or_default() += 1;
    }

    /// The subscriber goes for a while, and the daemons are there before it is back, as after Home Assistant's restart.
    fn restart_subscriber(&mut self) {
        self.link.close();
        if let Some(subscriber) = self.subscriber.take() {
            subscriber.finish();
        }
        self.link.open();
        thread::sleep(Duration::from_millis(self.dice.roll(6_000)));
        self.subscriber = Some(Recorder::listen(self.broker.port, &self.messages));
    }

    /// A broker that keeps nothing. By MQTT 5 its subscriber may be back after the daemons; by 3.1.1 what nobody subscribes to
    /// is nobody's loss.
    fn restart_broker(&mut self) {
        self.link.close();
        self.broker.kill();
        if let Some(subscriber) = self.subscriber.take() {
            subscriber.finish();
        }
        self.broker.resume();
        let late = self.knows_listeners && self.dice.roll(2) == 0;
        if late {
            self.link.open();
            thread::sleep(Duration::from_millis(self.dice.roll(4_000)));
        }
        self.subscriber = Some(Recorder::listen(self.broker.port, &self.messages));
        self.link.open();
    }

    /// Daemons whose stop came in the middle of trouble kept the rest: they deliver it in one more, quiet run.
    /// Gives back what each store has then.
    fn settle(&mut self) -> Vec<Vec<Value>> {
        for device in &mut self.devices {
            device.set_clock("+0");
        }
        let settled = self.devices.iter_mut().map(Device::settle).collect();
        // What the broker passed on before it closes is in the subscriber's pipe.
        self.broker.stop();
        if let Some(subscriber) = self.subscriber.take() {
            subscriber.finish();
        }
        settled
    }

    fn different(&self) -> usize {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let events = messages
            .iter()
            .filter(|(topic, _)| topic.ends_with("/event"));
        events
            .map(|(_, event)| key(event))
            .collect::<HashSet<_>>()
            .len()
    }

    fn reckon(&self, stores: &[Vec<Value>], trouble: Duration) {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut events, mut came, mut runs, mut missing) = (0, 0, 0, 0);
        for (n, rows) in stores.iter().enumerate() {
            let name = format!("d{n}");
            let written: Vec<_> = rows.iter().map(key).collect();
            let of = |leaf: &str| format!("moodring/{name}/{leaf}");
            let mut first: HashMap<_, &Value> = HashMap::new();
            let mut order = Vec::new();
            for (_, event) in messages.iter().filter(|(topic, _)| *topic == of("event")) {
                came += 1;
                match first.insert(key(event), event) {
                    None => order.push(key(event)),
                    Some(before) => assert_eq!(before, event, "a duplicate that is none"),
                }
            }
            assert!(
                rows.iter().all(|row| row["waiting"] == 0),
                "{name} still has some"
            );
            let got: HashSet<_> = order.iter().collect();
            let lost: Vec<_> = written.iter().filter(|w| !got.contains(w)).collect();
            assert!(lost.is_empty() || self.counts_lost, "{name} lost {lost:?}");
            missing += lost.len();
            let expected: Vec<_> = written.iter().filter(|w| got.contains(w)).collect();
            assert_eq!(
                order.iter().collect::<Vec<_>>(),
                expected,
                "{name}: another order, or events that were never written"
            );
            let last = check_runs(&written);
            for (_, state) in messages.iter().filter(|(topic, _)| *topic == of("state")) {
                let (run, seq) = key(state);
                assert!(
                    seq <= last.get(&run).copied().unwrap_or(0),
                    "{name} published {run} {seq}, which is gone"
                );
            }
            events += rows.len();
            runs += last.len();
        }
        println!(
            "{events} events of {} devices in {runs} runs and {:.0} s, {:?}: {missing} lost, order kept, {} duplicates",
            self.devices.len(),
            trouble.as_secs_f32(),
            self.counts,
            came + missing - events
        );
    }
}

/// Run and number; with the device they name an event.
fn key(message: &Value) -> (String, u64) {
    let run = message["run"].as_str().expect("a run");
    (run.to_owned(), message["seq"].as_u64().expect("a number"))
}

/// Each run counts 1, 2, 3, ... and does not come again after another; the last number of each.
fn check_runs(written: &[(String, u64)]) -> HashMap<String, u64> {
    let mut last: HashMap<String, u64> = HashMap::new();
    let mut current = "";
    for (run, seq) in written {
        assert!(
            run == current || !last.contains_key(run),
            "run {run} came twice"
        );
        let before = last.insert(run.clone(), *seq).unwrap_or(0);
        assert_eq!(*seq, before + 1, "a gap in run {run}");
        current = run;
    }
    last
}

impl Device {
    fn new(number: usize, url: &str, version: &str, wire: Option<&Wire>) -> Self {
        let mut bench = Bench::new();
        bench.write(CLOCK, "+0");
        bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(2));
        let store = bench.folder().join("store.db");
        bench
            .set("MOODRING_DEVICE__ID", format!("d{number}"))
            .set("MOODRING_STORE__PATH", store.display())
            .set("MOODRING_MQTT__URL", url)
            .set("MOODRING_MQTT__VERSION", version)
            .set("MOODRING_MQTT__KEEP_ALIVE_S", 5)
            .set("MOODRING_MQTT__INTERVAL_S", 0.5);
        Self {
            bench,
            store,
            daemon: None,
            namespace: wire.map(|wire| wire.namespace.clone()),
        }
    }

    /// A camera that ends after two frames is lost and comes back, four times a second.
    fn start(&mut self) {
        let run = r#""$MOODRING" run --display none --source "cmd:cat film.mjpeg""#;
        let inside = |namespace| format!("ip netns exec {namespace} ");
        let inside = self.namespace.as_ref().map(inside).unwrap_or_default();
        let clock = clock_library().map_or(String::new(), |library| {
            let file = self.bench.folder().join(CLOCK);
            format!(
                "env LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={} FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 ",
                file.display()
            )
        });
        self.daemon = Some(
            self.bench
                .start_shell(&format!("exec {inside}{clock}{run}")),
        );
    }

    /// The daemon's wall clock goes on from there, at once.
    fn set_clock(&mut self, offset: &str) {
        self.bench.write(CLOCK, offset);
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.signal("KILL");
            let _: Finished = daemon.finish(LIMIT);
        }
    }

    fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop(LIMIT).expect_code(0);
        }
    }

    fn settle(&mut self) -> Vec<Value> {
        for _ in 0..5 {
            let rows = self.rows();
            if rows.iter().all(|row| row["waiting"] == 0) {
                return rows;
            }
            self.start();
            thread::sleep(Duration::from_secs(2));
            self.stop();
        }
        self.rows()
    }

    /// All that was ever written, in order: the store keeps its history for days.
    fn rows(&self) -> Vec<Value> {
        let script = "import json, sqlite3, sys
for run, seq, waiting in sqlite3.connect(sys.argv[1]).execute('SELECT run, seq, waiting FROM events ORDER BY id'):
    print(json.dumps({'run': run, 'seq': seq, 'waiting': waiting}))";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(&self.store);
        let finished = Process::start(&mut python).finish(LIMIT).expect_code(0);
        finished.json_lines()
    }
}

/// A mosquitto_sub. QoS 0, so that the broker passes each message on before it confirms it to the daemon, whatever
/// the subscriber has confirmed.
struct Recorder {
    child: Child,
    thread: JoinHandle<()>,
}

impl Recorder {
    fn listen(port: u16, messages: &Messages) -> Self {
        let mut command = Command::new("stdbuf");
        command.args([
            "-oL",
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        command.args([
            "-q",
            "0",
            "-d",
            "-t",
            "moodring/+/event",
            "-t",
            "moodring/+/state",
        ]);
        command.args(["-F", "message\t%t\t%p"]);
        let piped = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = piped.spawn().expect("mosquitto_sub is installed");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (messages, ready) = (Arc::clone(messages), Arc::new(AtomicBool::new(false)));
        let subscribed = Arc::clone(&ready);
        let thread = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("Subscribed") {
                    subscribed.store(true, Ordering::SeqCst);
                }
                let mut parts = line.splitn(3, '\t').skip(1);
                if let (Some(topic), Some(payload)) = (parts.next(), parts.next()) {
                    let message = serde_json::from_str(payload).expect("messages are JSON");
                    let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
                    messages.push((topic.to_owned(), message));
                }
            }
        });
        let end = Instant::now() + LIMIT;
        while !ready.load(Ordering::SeqCst) {
            assert!(Instant::now() < end, "mosquitto_sub did not subscribe");
            thread::sleep(Duration::from_millis(2));
        }
        Self { child, thread }
    }

    /// Reads what came before the broker ended, then ends.
    fn finish(mut self) {
        // Its connection has ended, so it has read all; it would try to come back.
        thread::sleep(Duration::from_millis(300));
        let _ = self.child.kill();
        let _ = self.child.wait();
        assert!(self.thread.join().is_ok(), "the listener failed");
    }
}

/// Randomness that a failed trial can be repeated with, as far as processes repeat themselves.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let given = env::var("SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Self(seed)
    }

    /// 0 to `sides` - 1.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn a_gap_would_be_seen() {
    let run = |name: &str, seq| (name.to_owned(), seq);
    let whole = [run("a", 1), run("a", 2), run("b", 1)];
    assert_eq!(check_runs(&whole)["a"], 2);
    for bad in [
        vec![run("a", 2)],
        vec![run("a", 1), run("a", 3)],
        vec![run("a", 1), run("b", 1), run("a", 2)],
    ] {
        assert!(std::panic::catch_unwind(|| check_runs(&bad)).is_err());
    }
}
