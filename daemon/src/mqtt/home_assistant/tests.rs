//! The conversation, and the announcement held against what Home Assistant's source requires.

mod rules;

use serde_json::Value;

use super::{
    Device, Effect, HomeProtocol,
    discovery::{Components, components, payload},
};
use crate::{
    command::{Command, ControlName, Switch},
    config::MqttSettings,
    control::Controls,
    message::{DeviceName, Identity, RunId},
    mqtt::{Delivery, Outgoing},
};

fn device() -> Device {
    let identity = Identity {
        device: DeviceName::new("hall").unwrap(),
        run: RunId::new(1),
    };
    Device::new(&MqttSettings::default(), &identity).unwrap()
}

fn controls() -> Controls {
    Controls {
        camera_on: true,
        camera: "/dev/video0".into(),
        cameras: vec!["/dev/video0".into(), "rpicam".into()],
        has_display: true,
        display_on: true,
        brightness: 80,
        sensitivity: 50,
        may_take_picture: true,
        ..Controls::default()
    }
}

fn protocol() -> HomeProtocol {
    HomeProtocol::new(device(), true, true)
}

fn texts(say: &[Outgoing]) -> Vec<String> {
    let text = |o: &Outgoing| {
        let payload = String::from_utf8_lossy(&o.payload);
        let short: String = payload.chars().take(24).collect();
        format!("{} {short}", o.topic)
    };
    say.iter().map(text).collect()
}

fn receive(protocol: &mut HomeProtocol, topic: &str, payload: &[u8]) -> Effect {
    protocol.receive(topic, payload, false, &controls())
}

const CONFIG: &str = "homeassistant/device/moodring_hall/config";

#[test]
fn a_connection_gets_the_announcement_and_how_everything_is_set() {
    let mut protocol = protocol();
    assert_eq!(
        protocol.subscriptions(),
        [CONFIG, "homeassistant/status", "moodring/hall/+/set"]
    );
    let say = protocol.connected(&controls());
    assert!(say.iter().all(|o| o.delivery == Delivery::Lasting));
    assert_eq!(
        texts(&say)[1..],
        [
            "moodring/hall/camera/state on",
            "moodring/hall/source/state /dev/video0",
            "moodring/hall/display/state on",
            "moodring/hall/brightness/state 80",
            "moodring/hall/theme/state auto",
            "moodring/hall/sensitivity/state 50",
        ]
    );
    assert_eq!(say[0].topic, CONFIG);
    assert!(say[0].payload.len() < 32_768, "{}", say[0].payload.len());
}

#[test]
fn requests_become_commands_and_refusals_say_why() {
    let mut protocol = protocol();
    let heard = receive(&mut protocol, "moodring/hall/camera/set", b"off");
    let off = Command::Camera(Switch::Off);
    assert_eq!(heard.command, Some((ControlName::Camera, off)));
    assert!(heard.say.is_empty());
    let heard = receive(&mut protocol, "moodring/hall/brightness/set", b"300");
    assert_eq!(heard.command, None);
    assert_eq!(
        heard.say[0].topic, "moodring/hall/brightness/error",
        "and nothing changed"
    );
    assert_eq!(heard.say[0].delivery, Delivery::Once);
    assert!(texts(&heard.say)[0].contains("it must be"));
}

#[test]
fn hostile_messages_change_nothing() {
    let mut protocol = protocol();
    protocol.connected(&controls());
    let big = vec![b'9'; 60_000];
    let hostile: [(&str, &[u8]); 9] = [
        ("moodring/hall/camera/set", &[0xff, 0xfe, 0]),
        ("moodring/hall/camera/set", &big),
        ("moodring/hall/theme/set", b"{\"$ref\":1}"),
        ("moodring/hall/source/set", b"cmd:reboot"),
        ("moodring/hall/restart/set", b""),
        ("moodring/hall/door/set", b"open"),
        ("moodring/kitchen/camera/set", b"off"),
        ("homeassistant/status", &[0xff]),
        (
            CONFIG,
            b"{\"origin\":{\"name\":\"moodring\"},\"components\":7}",
        ),
    ];
    for (topic, payload) in hostile {
        let heard = receive(&mut protocol, topic, payload);
        assert!(heard.command.is_none() && !heard.born, "{topic}");
        assert!(heard.say.len() <= 1 && heard.say.iter().all(|o| o.topic.ends_with("/error")));
        assert!(heard.say.iter().all(|o| o.payload.len() < 200));
    }
    // A broker that kept a request would give it to us at each connection.
    let kept = protocol.receive("moodring/hall/camera/set", b"on", true, &controls());
    assert!(kept.command.is_none() && texts(&kept.say)[0].contains("/camera/error"));
}

#[test]
fn answers_tell_how_it_is_now() {
    let mut protocol = protocol();
    let before = controls();
    protocol.connected(&before);
    let now = Controls {
        camera_on: false,
        ..before.clone()
    };
    assert_eq!(
        texts(&protocol.changed(&before, &now)),
        ["moodring/hall/camera/state off"]
    );
    let same = protocol.answer(ControlName::Brightness, &now);
    assert_eq!(texts(&[same]), ["moodring/hall/brightness/state 80"]);
    let asked = protocol.answer(ControlName::Picture, &now);
    assert_eq!(asked.delivery, Delivery::Once, "nothing that lasts");
}

#[test]
fn home_assistants_birth_is_heard_once_it_really_starts() {
    let mut protocol = protocol();
    assert!(receive(&mut protocol, "homeassistant/status", b"online").born);
    assert!(!receive(&mut protocol, "homeassistant/status", b"offline").born);
    let kept = protocol.receive("homeassistant/status", b"online", true, &controls());
    assert!(!kept.born);
}

fn announced(say: &[Outgoing]) -> Value {
    let config = say.iter().find(|o| o.topic == CONFIG).unwrap();
    serde_json::from_slice(&config.payload).unwrap()
}

#[test]
fn what_vanished_is_taken_back_once() {
    let mut protocol = protocol();
    protocol.connected(&controls());
    // In this run: pictures are no more allowed.
    let now = Controls {
        may_take_picture: false,
        cameras: vec!["rpicam".into()],
        ..controls()
    };
    let say = protocol.changed(&controls(), &now);
    let gone = serde_json::json!({"platform": "button"});
    assert_eq!(announced(&say)["components"]["picture"], gone);
    let gone = serde_json::json!({"platform": "select"});
    assert_eq!(announced(&say)["components"]["source"], gone);
    let again = announced(&protocol.connected(&now));
    assert_eq!(again["components"].get("picture"), None);

    // In a former run: there was something that this version does not know.
    let mut old = announced(&protocol.connected(&now));
    old["components"]["smile"] = serde_json::json!({"platform": "sensor", "unique_id": "x"});
    old["components"]["frown"] = serde_json::json!({"platform": "sensor"});
    let old = old.to_string();
    let heard = protocol.receive(CONFIG, old.as_bytes(), false, &now);
    assert!(heard.say.is_empty(), "our own words come back");
    let heard = protocol.receive(CONFIG, old.as_bytes(), true, &now);
    let said = announced(&heard.say);
    assert_eq!(said["components"]["smile"]["platform"], "sensor");
    assert_eq!(said["components"]["smile"].get("unique_id"), None);
    assert_eq!(said["components"].get("frown"), None);
    let text = said.to_string();
    assert!(
        protocol
            .receive(CONFIG, text.as_bytes(), true, &now)
            .say
            .is_empty()
    );
}

#[test]
fn who_is_switched_off_takes_the_announcement_back_and_obeys_nobody() {
    let mut protocol = HomeProtocol::new(device(), false, false);
    assert_eq!(protocol.subscriptions(), [CONFIG]);
    let say = protocol.connected(&controls());
    assert!(say.iter().all(|o| o.topic.starts_with("moodring/hall/")));
    let old = payload(&device(), &controls(), true, &Components::new()).to_string();
    let heard = protocol.receive(CONFIG, old.as_bytes(), true, &controls());
    assert_eq!((heard.say.len(), heard.say[0].payload.len()), (1, 0));
    let others = br#"{"origin":{"name":"zigbee2mqtt"},"components":{}}"#;
    assert!(
        protocol
            .receive(CONFIG, others, true, &controls())
            .say
            .is_empty()
    );
    assert!(receive(&mut protocol, "moodring/hall/camera/set", b"off") == Effect::default());
    let readers = payload(&device(), &controls(), false, &Components::new());
    let keys = components(readers.to_string().as_bytes()).unwrap();
    assert!(keys.contains_key("mood") && !keys.contains_key("camera"));
}
