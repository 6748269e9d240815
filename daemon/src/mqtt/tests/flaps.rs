//! What is asked of the device while its link is down for a moment: it comes if it is fresh, and only then.

use std::{process::Command, time::Duration};

use tokio::time::sleep;

use super::{
    folder,
    gate::{Gate, Mode},
    harness::{Daemon, Mosquitto, free_port, is_installed, within},
};
use crate::{
    config::{MqttSettings, MqttVersion},
    mqtt::{Incoming, Subscriber, extra},
    snapshot::BrokerState::{Connecting, Online},
};

const TOPIC: &str = "moodring/hall/camera/set";

/// A daemon behind a gate, and what it hears of its broker.
struct Hall {
    broker: Mosquitto,
    gate: Gate,
    daemon: Daemon,
    hear: Subscriber,
    _dir: tempfile::TempDir,
}

impl Hall {
    /// Connected, with its subscription.
    async fn start(version: MqttVersion, session_s: u32) -> Self {
        let dir = folder();
        let broker = Mosquitto::start(&dir, free_port()).await;
        let gate = Gate::before(broker.port, Mode::Open).await;
        let (daemon, hear) = daemon(&gate, version, session_s);
        let mut hall = Self {
            broker,
            gate,
            daemon,
            hear,
            _dir: dir,
        };
        hall.wait_for_connection().await;
        hall
    }

    async fn wait_for_connection(&mut self) {
        self.daemon.wait_until(Online).await;
        // Nothing tells when the broker has the subscription, except that a message comes.
        let first = async {
            loop {
                self.ask("hello?");
                sleep(Duration::from_millis(50)).await;
                if self.heard().iter().any(|said| said == "hello?") {
                    return;
                }
            }
        };
        within("the subscription", first).await;
    }

    /// What came so far.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(incoming) = self.hear.try_recv() {
            if let Incoming::Message {
                payload, retained, ..
            } = incoming
            {
                assert!(!retained);
                heard.push(String::from_utf8(payload).unwrap());
            }
        }
        heard
    }

    /// Somebody asks the device for something, at the broker.
    fn ask(&self, what: &str) {
        let port = self.broker.port.to_string();
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-q", "1"]);
        command.args(["-t", TOPIC, "-m", what]);
        assert!(command.status().unwrap().success());
    }

    /// The link goes down; the daemon knows.
    async fn down(&mut self) {
        self.gate.set(Mode::Shut);
        self.gate.cut();
        self.daemon.wait_until(Connecting).await;
        self.heard();
    }

    /// The link is back: what came first, up to a question of now.
    async fn up(&mut self) -> Vec<String> {
        self.gate.set(Mode::Open);
        self.daemon.wait_until(Online).await;
        let mut all = Vec::new();
        let until_now = async {
            loop {
                self.ask("now");
                sleep(Duration::from_millis(50)).await;
                all.extend(self.heard());
                if all.iter().any(|said| said == "now") {
                    return;
                }
            }
        };
        within("a question of now", until_now).await;
        all.retain(|said| said != "now" && said != "hello?");
        all
    }

    async fn stop(self) {
        within("a stop", self.daemon.stop()).await;
    }
}

fn daemon(gate: &Gate, version: MqttVersion, session_s: u32) -> (Daemon, Subscriber) {
    let (beside, _publish, hear) = extra(vec![TOPIC.into()]);
    let settings = MqttSettings {
        url: gate.url(),
        version,
        session_s,
        ..MqttSettings::default()
    };
    (Daemon::start_beside(settings, Some(beside)), hear)
}

#[tokio::test]
async fn what_is_asked_in_a_short_outage_comes_after_it() {
    if !is_installed() {
        return;
    }
    let mut hall = Hall::start(MqttVersion::Auto, 60).await;
    for round in ["first", "second"] {
        hall.down().await;
        hall.ask(round);
        assert_eq!(hall.up().await, [round]);
    }
    hall.stop().await;
}

#[tokio::test]
async fn without_a_session_and_by_3_1_1_it_never_comes() {
    if !is_installed() {
        return;
    }
    for (version, session_s) in [(MqttVersion::V5, 0), (MqttVersion::V3, 60)] {
        let mut hall = Hall::start(version, session_s).await;
        hall.down().await;
        hall.ask("stale");
        assert!(hall.up().await.is_empty(), "{version:?}");
        hall.stop().await;
    }
}

#[tokio::test]
async fn what_is_older_than_the_session_never_comes() {
    if !is_installed() {
        return;
    }
    let mut hall = Hall::start(MqttVersion::V5, 1).await;
    hall.down().await;
    hall.ask("stale");
    // Time is what this is about. Mosquitto looks for ended sessions now and then; we know by ourselves.
    sleep(Duration::from_millis(1_100)).await;
    assert!(hall.up().await.is_empty());
    hall.stop().await;
}

#[tokio::test]
async fn a_new_run_does_not_obey_what_was_asked_of_the_last() {
    if !is_installed() {
        return;
    }
    let mut hall = Hall::start(MqttVersion::V5, 60).await;
    hall.gate.set(Mode::Shut);
    let (next, hear) = daemon(&hall.gate, MqttVersion::V5, 60);
    let last = std::mem::replace(&mut hall.daemon, next);
    last.handle.kill().await;
    hall.hear = hear;
    hall.ask("stale");
    assert!(hall.up().await.is_empty());
    hall.stop().await;
}
