//! Requests to the device while its link is down for a moment: it gets those that are recent, and no others.

use std::{process::Command, time::Duration};

use moodring_base::{
    config::{MqttSettings, MqttVersion},
    snapshot::BrokerState::{Connecting, Online},
};
use tokio::time::sleep;

use super::{
    folder,
    harness::{Mosquitto, TestDaemon, free_port, is_installed, within},
    version_proxy::{Mode, VersionProxy},
};
use crate::{Incoming, IncomingReceiver, passthrough};

const TOPIC: &str = "moodring/hall/camera/set";

/// A daemon behind a proxy, and what it hears of its broker.
struct TestClient {
    broker: Mosquitto,
    proxy: VersionProxy,
    daemon: TestDaemon,
    receive: IncomingReceiver,
    _dir: tempfile::TempDir,
}

impl TestClient {
    /// Connected, with its subscription.
    async fn start(version: MqttVersion, session_s: u32) -> Self {
        let dir = folder();
        let broker = Mosquitto::start(&dir, free_port()).await;
        let proxy = VersionProxy::before(broker.port, Mode::Open).await;
        let (daemon, receive) = daemon(&proxy, version, session_s);
        let mut client = Self {
            broker,
            proxy,
            daemon,
            receive,
            _dir: dir,
        };
        client.wait_for_connection().await;
        client
    }

    async fn wait_for_connection(&mut self) {
        self.daemon.wait_until(Online).await;
        // That the broker has the subscription shows only when a message comes.
        let first = async {
            loop {
                self.ask("hello?");
                sleep(Duration::from_millis(50)).await;
                if self.received().iter().any(|text| text == "hello?") {
                    return;
                }
            }
        };
        within("the subscription", first).await;
    }

    /// What came so far.
    fn received(&mut self) -> Vec<String> {
        let mut received = Vec::new();
        while let Some(incoming) = self.receive.try_recv() {
            if let Incoming::Message {
                payload, retained, ..
            } = incoming
            {
                assert!(!retained);
                received.push(String::from_utf8(payload).unwrap());
            }
        }
        received
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
        self.proxy.set(Mode::Shut);
        self.proxy.cut();
        self.daemon.wait_until(Connecting).await;
        self.received();
    }

    /// The link is back: what came first, up to a question of now.
    async fn up(&mut self) -> Vec<String> {
        self.proxy.set(Mode::Open);
        self.daemon.wait_until(Online).await;
        let mut all = Vec::new();
        let until_now = async {
            loop {
                self.ask("now");
                sleep(Duration::from_millis(50)).await;
                all.extend(self.received());
                if all.iter().any(|text| text == "now") {
                    return;
                }
            }
        };
        within("a question of now", until_now).await;
        all.retain(|text| text != "now" && text != "hello?");
        all
    }

    async fn stop(self) {
        within("a stop", self.daemon.stop()).await;
    }
}

fn daemon(
    proxy: &VersionProxy,
    version: MqttVersion,
    session_s: u32,
) -> (TestDaemon, IncomingReceiver) {
    let (beside, _publish, receive) = passthrough(vec![TOPIC.into()]);
    let settings = MqttSettings {
        url: proxy.url(),
        version,
        session_s,
        ..MqttSettings::default()
    };
    (TestDaemon::start_beside(settings, Some(beside)), receive)
}

#[tokio::test]
async fn what_is_asked_in_a_short_outage_comes_after_it() {
    if !is_installed() {
        return;
    }
    let mut client = TestClient::start(MqttVersion::Auto, 60).await;
    for round in ["first", "second"] {
        client.down().await;
        client.ask(round);
        assert_eq!(client.up().await, [round]);
    }
    client.stop().await;
}

#[tokio::test]
async fn without_a_session_and_by_3_1_1_it_never_comes() {
    if !is_installed() {
        return;
    }
    for (version, session_s) in [(MqttVersion::V5, 0), (MqttVersion::V3, 60)] {
        let mut client = TestClient::start(version, session_s).await;
        client.down().await;
        client.ask("stale");
        assert!(client.up().await.is_empty(), "{version:?}");
        client.stop().await;
    }
}

#[tokio::test]
async fn what_is_older_than_the_session_never_comes() {
    if !is_installed() {
        return;
    }
    let mut client = TestClient::start(MqttVersion::V5, 1).await;
    client.down().await;
    client.ask("stale");
    // Time is what this is about. Mosquitto looks for ended sessions now and then; we know by ourselves.
    sleep(Duration::from_millis(1_100)).await;
    assert!(client.up().await.is_empty());
    client.stop().await;
}

#[tokio::test]
async fn a_new_run_does_not_obey_what_was_asked_of_the_last() {
    if !is_installed() {
        return;
    }
    let mut client = TestClient::start(MqttVersion::V5, 60).await;
    client.proxy.set(Mode::Shut);
    let (next, receive) = daemon(&client.proxy, MqttVersion::V5, 60);
    let last = std::mem::replace(&mut client.daemon, next);
    last.handle.kill().await;
    client.receive = receive;
    client.ask("stale");
    assert!(client.up().await.is_empty());
    client.stop().await;
}
