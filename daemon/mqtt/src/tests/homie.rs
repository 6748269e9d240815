//! The Homie tree at a real mosquitto, read back by the parser of the crate homie5.

use homie5::{Homie5Message, HomieDeviceStatus, parse_mqtt_message};
use moodring_base::{
    command::{self, Command, Switch},
    config::{HomieSettings, MqttSettings},
    control::Controls,
    message::{DeviceName, Identity, RunId},
    snapshot::Snapshot,
};
use moodring_core::{
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use tokio::sync::watch;

use super::{
    folder,
    harness::{Listener, Mosquitto, free_port, is_installed, within},
};
use crate::homie::{self, HomieTask, Inputs};

/// A tree whose inputs the test holds.
struct TestTree {
    homie: HomieTask,
    snapshots: watch::Sender<Snapshot>,
    controls: watch::Sender<Controls>,
    commands: command::CommandReceiver,
}

impl TestTree {
    fn start(url: String) -> Self {
        let settings = MqttSettings {
            url,
            homie: HomieSettings {
                enabled: true,
                ..HomieSettings::default()
            },
            ..MqttSettings::default()
        };
        let identity = Identity::new(DeviceName::new("Hall_1").unwrap(), RunId::new(1));
        let (snapshots, newest) = watch::channel(Snapshot::default());
        let (controls, known) = watch::channel(Controls {
            camera_on: true,
            sensitivity: 50,
            ..Controls::default()
        });
        let (ask, commands) = command::channel("test");
        let inputs = Inputs {
            snapshots: newest,
            controls: known,
            commands: ask,
        };
        let homie = homie::spawn(&settings, &identity, inputs).unwrap().unwrap();
        Self {
            homie,
            snapshots,
            controls,
            commands,
        }
    }
}

fn read(line: &str) -> Homie5Message {
    let (topic, payload) = line.split_once(' ').unwrap();
    parse_mqtt_message(topic, payload.as_bytes()).unwrap()
}

fn request(port: u16, topic: &str, payload: &str) {
    let mut command = std::process::Command::new("mosquitto_pub");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"]);
    command.args(["-t", topic, "-m", payload]);
    assert!(command.status().unwrap().success());
}

#[tokio::test]
async fn a_controller_finds_the_device_its_values_and_its_end() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let listener = Listener::start_on(broker.port, "homie/#").await;
    let mut client = TestTree::start(broker.url());

    let state = |line: &str, wanted: HomieDeviceStatus| {
        let is_it =
            matches!(read(line), Homie5Message::DeviceState { state, .. } if state == wanted);
        assert!(is_it, "{line}");
    };
    state(
        &listener.wait_for("/$state init").await,
        HomieDeviceStatus::Init,
    );
    let Homie5Message::DeviceDescription {
        description,
        device,
        issues,
    } = read(&listener.wait_for("/$description").await)
    else {
        panic!("no description");
    };
    assert!(issues.is_empty());
    let strict = description.iter().map(|(_, _, _, p)| p.validate_strict());
    assert!(strict.into_iter().all(|valid| valid.is_ok()));
    state(
        &listener.wait_for("/$state ready").await,
        HomieDeviceStatus::Ready,
    );
    let base = format!("homie/5/{}", device.device_id());
    listener
        .wait_for(&format!("{base}/face/expression nobody"))
        .await;
    listener
        .wait_for(&format!("{base}/controls/camera true"))
        .await;
    assert_eq!(listener.count("/controls/theme"), 0, "there is no display");

    client.snapshots.send_modify(|snapshot| {
        snapshot.people_count = 2;
        snapshot.mood = MoodState::new(
            Mood::Showing(Expression::Happy),
            0.876,
            TrackId(1),
            Millis(0),
        );
    });
    listener
        .wait_for(&format!("{base}/face/expression happy"))
        .await;
    listener
        .wait_for(&format!("{base}/face/presence true"))
        .await;
    listener
        .wait_for(&format!("{base}/face/confidence 88"))
        .await;
    assert_eq!(listener.count("/$description"), 1);

    // A display comes: the tree is another one.
    client
        .controls
        .send_modify(|controls| controls.has_display = true);
    listener.wait_for(&format!("{base}/controls/theme ")).await;
    assert_eq!(listener.count("/$state init"), 2);

    request(broker.port, &format!("{base}/controls/camera/set"), "maybe");
    request(broker.port, &format!("{base}/controls/camera/set"), "false");
    let command = within("a command", client.commands.recv()).await;
    assert_eq!(command, Command::Camera(Switch::Off));

    within("a stop", client.homie.stop()).await;
    let last = listener.wait_for("/$state disconnected").await;
    state(&last, HomieDeviceStatus::Disconnected);
}

#[tokio::test]
async fn one_that_vanishes_is_lost_and_its_successor_ready() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let listener = Listener::start_on(broker.port, "homie/#").await;
    let client = TestTree::start(broker.url());
    listener.wait_for("/$state ready").await;
    client.homie.kill().await;
    listener.wait_for("/$state lost").await;
    let next = TestTree::start(broker.url());
    within("ready again", async {
        while listener.count("/$state ready") < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    within("a stop", next.homie.stop()).await;
}
