//! A mosquitto, a mosquitto_sub and a client with made-up inputs. Everything waits for conditions, with a deadline.

pub(super) use moodring_tests::bench::free_port;
use std::{
    fs,
    future::Future,
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use moodring_base::{
    clock::Clock,
    config::{EventSettings, MqttSettings},
    message::{DeviceName, Identity, RunId},
    snapshot::{BrokerState, Snapshot},
};
use moodring_core::{
    event::{Event, EventKind},
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_store::{
    Store, StoreLimits, StoreLocation,
    event_log::{self, EventLogInputs},
};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::{Inputs, MqttHandle, Passthrough, spawn};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for: {what}"),
    }
}

/// Whether mosquitto is here. In CI it must be.
pub(super) fn is_installed() -> bool {
    let runs = |program: &str| Command::new(program).arg("-h").output().is_ok();
    let installed = runs("mosquitto") && runs("mosquitto_sub");
    assert!(
        installed || std::env::var_os("CI").is_none(),
        "CI must have mosquitto: apt-get install mosquitto mosquitto-clients"
    );
    if !installed {
        eprintln!(
            "SKIPPED: mosquitto is not installed (apt-get install mosquitto mosquitto-clients)"
        );
    }
    installed
}

/// A running mosquitto with a folder of its own; a subscriber's session survives its end.
pub(super) struct Mosquitto {
    child: Child,
    pub(super) port: u16,
}

impl Mosquitto {
    pub(super) async fn start(dir: &TempDir, port: u16) -> Self {
        Self::start_with(dir, port, "allow_anonymous true").await
    }

    pub(super) async fn start_with(dir: &TempDir, port: u16, access: &str) -> Self {
        let config = dir.path().join("mosquitto.conf");
        let text = format!(
            "user root\npersistence true\npersistence_location {}/\n\
             autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\n\
             listener {port} 127.0.0.1\n{access}\n",
            dir.path().display()
        );
        fs::write(&config, text).unwrap();
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let broker = Self { child, port };
        within("mosquitto to listen", async {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        broker
    }

    pub(super) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// A pulled plug.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// It keeps its connections and answers nothing any more.
    pub(super) fn freeze(&self) {
        self.signal("STOP");
    }

    /// It reads its rules again, soon.
    pub(super) fn reload(&self) {
        self.signal("HUP");
    }

    /// A restart by its service manager: sessions are written to disk.
    pub(super) fn terminate(mut self) {
        self.signal("TERM");
        self.child.wait().unwrap();
    }

    fn signal(&self, name: &str) {
        assert!(moodring_tests::process::signal(self.child.id(), name));
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mosquitto_sub on everything: one line `topic payload` a message. It comes back when the broker does.
pub(super) struct Listener {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
}

impl Listener {
    /// A new subscriber; returns when it has subscribed.
    pub(super) async fn start(port: u16) -> Self {
        Self::start_on(port, "moodring/#").await
    }

    /// By MQTT 5, one line in this format a message.
    pub(super) async fn start_as(port: u16, topics: &str, format: &str) -> Self {
        // A session that lasts: by MQTT 5 that takes a time.
        Self::start_by(port, topics, format, &["-V", "5", "-x", "3600"]).await
    }

    /// On these topics only.
    pub(super) async fn start_on(port: u16, topics: &str) -> Self {
        Self::start_by(port, topics, "%t %p", &[]).await
    }

    async fn start_by(port: u16, topics: &str, format: &str, version: &[&str]) -> Self {
        let id = format!("listener-{}", free_port());
        // stdbuf: what -d prints about the subscription is not flushed into a pipe.
        let mut child = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub"])
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-i", &id])
            // A session that lasts (-c), so that the broker keeps what comes while this one is away.
            .args(["-c", "-q", "1", "-d", "-t", topics, "-F", format])
            .args(version)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (lines_tx, lines) = watch::channel(Vec::new());
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // What -d prints about packets.
                if !line.starts_with("Client ") {
                    lines_tx.send_modify(|lines| lines.push(line));
                }
            }
        });
        let listener = Self { child, lines };
        listener.wait_for("Subscribed").await;
        listener
    }

    /// The first line that has `text` in it.
    pub(super) async fn wait_for(&self, text: &str) -> String {
        let mut lines = self.lines.clone();
        let has = |lines: &Vec<String>| lines.iter().any(|l| l.contains(text));
        let lines = within(text, lines.wait_for(has)).await.unwrap();
        lines.iter().find(|l| l.contains(text)).unwrap().clone()
    }

    /// The event of this number (a state has the number of the newest event, too).
    pub(super) async fn wait_for_event(&self, seq: u64) {
        let mut lines = self.lines.clone();
        let has = |lines: &Vec<String>| {
            let number = format!(r#""seq":{seq},"#);
            let is_it = |l: &String| l.contains("/event ") && l.contains(&number);
            lines.iter().any(is_it)
        };
        let found = tokio::time::timeout(DEADLINE, lines.wait_for(has)).await;
        let Ok(found) = found else {
            let last: Vec<_> = self.lines.borrow().iter().rev().take(5).cloned().collect();
            panic!("waited in vain for event {seq}; the last lines, newest first: {last:#?}");
        };
        assert!(found.is_ok(), "mosquitto_sub ended");
    }

    /// How many lines have `text` in them so far.
    pub(super) fn count(&self, text: &str) -> usize {
        self.lines
            .borrow()
            .iter()
            .filter(|l| l.contains(text))
            .count()
    }

    /// The numbers of the events so far, in the order they came first.
    pub(super) fn first_seqs(&self) -> Vec<u64> {
        let mut seqs = Vec::new();
        for line in self.lines.borrow().iter() {
            let Some(json) = line.strip_prefix("moodring/hall/event ") else {
                continue;
            };
            let event: serde_json::Value = serde_json::from_str(json).unwrap();
            let seq = event["seq"].as_u64().unwrap();
            if !seqs.contains(&seq) {
                seqs.push(seq);
            }
        }
        seqs
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client named `hall` whose inputs the test holds.
pub(super) struct TestDaemon {
    pub(super) handle: MqttHandle,
    snapshots: watch::Sender<Snapshot>,
    events: mpsc::UnboundedSender<Event>,
    event_log_task: tokio::task::JoinHandle<()>,
    store: Store,
}

impl TestDaemon {
    pub(super) fn start(url: &str) -> Self {
        Self::start_with(MqttSettings {
            url: url.to_owned(),
            ..MqttSettings::default()
        })
    }

    pub(super) fn start_with(settings: MqttSettings) -> Self {
        Self::start_beside(settings, None)
    }

    pub(super) fn start_beside(settings: MqttSettings, extra: Option<Passthrough>) -> Self {
        Self::start_with_all(settings, extra, None)
    }

    /// Faults arrive here: what cannot pass to the broker.
    pub(super) fn start_with_faults(
        settings: MqttSettings,
        faults: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self::start_with_all(settings, None, Some(faults))
    }

    fn start_with_all(
        settings: MqttSettings,
        extra: Option<Passthrough>,
        faults: Option<mpsc::UnboundedSender<String>>,
    ) -> Self {
        let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::random());
        let (snapshots, newest) = watch::channel(Snapshot::default());
        let (events, fault_rx) = mpsc::unbounded_channel();
        let store = Store::open(StoreLocation::Memory, StoreLimits::default()).unwrap();
        let inputs = Inputs {
            snapshots: newest.clone(),
            store: store.clone(),
            extra,
            faults,
        };
        let clock = Clock::start();
        let sources = EventLogInputs {
            snapshots: newest,
            events: fault_rx,
            broker_faults: None,
            faults: mpsc::unbounded_channel().1,
        };
        let of = EventSettings::default();
        let handle = spawn(&settings, identity.clone(), clock, inputs).unwrap();
        let event_log_task = event_log::spawn(&of, identity, clock, sources, store.clone(), true);
        Self {
            handle,
            snapshots,
            events,
            event_log_task,
            store,
        }
    }

    /// As `run` does it: the last events are written, then the broker gets them.
    pub(super) async fn stop(self) {
        drop(self.events);
        self.event_log_task.await.unwrap();
        self.handle.stop().await;
        self.store.close();
    }

    pub(super) fn show_happy(&self) {
        self.snapshots.send_modify(|s| {
            s.mood = MoodState::new(Mood::Showing(Expression::Happy), 0.9, TrackId(1), Millis(0));
        });
    }

    pub(super) fn tell_appeared(&self, track: u32) {
        let event = Event {
            time: Millis(0),
            track: Some(TrackId(track)),
            kind: EventKind::Appeared,
        };
        self.events.send(event).unwrap();
    }

    pub(super) async fn wait_until(&self, state: BrokerState) {
        let mut states = self.handle.state();
        within(state.name(), states.wait_for(|s| *s == state))
            .await
            .unwrap();
    }
}
