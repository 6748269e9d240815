//! The conversation, and the announcement held against what Home Assistant's source requires.

mod rules;

use serde_json::Value;

use super::{
    Device, Heard, Talk,
    discovery::{Components, components, payload},
};
use crate::{
    command::{Command, Switch, Thing},
    config::MqttSettings,
    control::Controls,
    message::{DeviceName, Identity, RunId},
    mqtt::{Delivery, Outgoing},
};

fn device() -> Device {
    let who = Identity {
        device: DeviceName::new("hall").unwrap(),
        run: RunId::new(1),
    };
    Device::new(&MqttSettings::default(), &who).unwrap()
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

fn talk() -> Talk {
    Talk::new(device(), true, true)
}

fn texts(say: &[Outgoing]) -> Vec<String> {
    let text = |o: &Outgoing| {
        let payload = String::from_utf8_lossy(&o.payload);
        let short: String = payload.chars().take(24).collect();
        format!("{} {short}", o.topic)
    };
    say.iter().map(text).collect()
}

fn hear(talk: &mut Talk, topic: &str, payload: &[u8]) -> Heard {
    talk.hear(topic, payload, false, &controls())
}

const CONFIG: &str = "homeassistant/device/moodring_hall/config";

#[test]
fn a_connection_gets_the_announcement_and_how_everything_is_set() {
    let mut talk = talk();
    assert_eq!(
        talk.subscriptions(),
        [CONFIG, "homeassistant/status", "moodring/hall/+/set"]
    );
    let say = talk.connected(&controls());
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
    let mut talk = talk();
    let heard = hear(&mut talk, "moodring/hall/camera/set", b"off");
    let off = Command::Camera(Switch::Off);
    assert_eq!(heard.command, Some((Thing::Camera, off)));
    assert!(heard.say.is_empty());
    let heard = hear(&mut talk, "moodring/hall/brightness/set", b"300");
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
    let mut talk = talk();
    talk.connected(&controls());
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
        let heard = hear(&mut talk, topic, payload);
        assert!(heard.command.is_none() && !heard.born, "{topic}");
        assert!(heard.say.len() <= 1 && heard.say.iter().all(|o| o.topic.ends_with("/error")));
        assert!(heard.say.iter().all(|o| o.payload.len() < 200));
    }
    // A broker that kept a request would give it to us at each connection.
    let kept = talk.hear("moodring/hall/camera/set", b"on", true, &controls());
    assert!(kept.command.is_none() && texts(&kept.say)[0].contains("/camera/error"));
}

#[test]
fn answers_tell_how_it_is_now() {
    let mut talk = talk();
    let before = controls();
    talk.connected(&before);
    let now = Controls {
        camera_on: false,
        ..before.clone()
    };
    assert_eq!(
        texts(&talk.changed(&before, &now)),
        ["moodring/hall/camera/state off"]
    );
    let same = talk.answer(Thing::Brightness, &now);
    assert_eq!(texts(&[same]), ["moodring/hall/brightness/state 80"]);
    let asked = talk.answer(Thing::Picture, &now);
    assert_eq!(asked.delivery, Delivery::Once, "nothing that lasts");
}

#[test]
fn home_assistants_birth_is_heard_once_it_really_starts() {
    let mut talk = talk();
    assert!(hear(&mut talk, "homeassistant/status", b"online").born);
    assert!(!hear(&mut talk, "homeassistant/status", b"offline").born);
    let kept = talk.hear("homeassistant/status", b"online", true, &controls());
    assert!(!kept.born);
}

fn announced(say: &[Outgoing]) -> Value {
    let config = say.iter().find(|o| o.topic == CONFIG).unwrap();
    serde_json::from_slice(&config.payload).unwrap()
}

#[test]
fn what_vanished_is_taken_back_once() {
    let mut talk = talk();
    talk.connected(&controls());
    // In this run: pictures are no more allowed.
    let now = Controls {
        may_take_picture: false,
        cameras: vec!["rpicam".into()],
        ..controls()
    };
    let say = talk.changed(&controls(), &now);
    let gone = serde_json::json!({"platform": "button"});
    assert_eq!(announced(&say)["components"]["picture"], gone);
    let gone = serde_json::json!({"platform": "select"});
    assert_eq!(announced(&say)["components"]["source"], gone);
    let again = announced(&talk.connected(&now));
    assert_eq!(again["components"].get("picture"), None);

    // In a former run: there was something that this version does not know.
    let mut old = announced(&talk.connected(&now));
    old["components"]["smile"] = serde_json::json!({"platform": "sensor", "unique_id": "x"});
    old["components"]["frown"] = serde_json::json!({"platform": "sensor"});
    let old = old.to_string();
    let heard = talk.hear(CONFIG, old.as_bytes(), false, &now);
    assert!(heard.say.is_empty(), "our own words come back");
    let heard = talk.hear(CONFIG, old.as_bytes(), true, &now);
    let said = announced(&heard.say);
    assert_eq!(said["components"]["smile"]["platform"], "sensor");
    assert_eq!(said["components"]["smile"].get("unique_id"), None);
    assert_eq!(said["components"].get("frown"), None);
    let text = said.to_string();
    assert!(
        talk.hear(CONFIG, text.as_bytes(), true, &now)
            .say
            .is_empty()
    );
}

#[test]
fn who_is_switched_off_takes_the_announcement_back_and_obeys_nobody() {
    let mut talk = Talk::new(device(), false, false);
    assert_eq!(talk.subscriptions(), [CONFIG]);
    let say = talk.connected(&controls());
    assert!(say.iter().all(|o| o.topic.starts_with("moodring/hall/")));
    let old = payload(&device(), &controls(), true, &Components::new()).to_string();
    let heard = talk.hear(CONFIG, old.as_bytes(), true, &controls());
    assert_eq!((heard.say.len(), heard.say[0].payload.len()), (1, 0));
    let others = br#"{"origin":{"name":"zigbee2mqtt"},"components":{}}"#;
    assert!(talk.hear(CONFIG, others, true, &controls()).say.is_empty());
    assert!(hear(&mut talk, "moodring/hall/camera/set", b"off") == Heard::default());
    let readers = payload(&device(), &controls(), false, &Components::new());
    let keys = components(readers.to_string().as_bytes()).unwrap();
    assert!(keys.contains_key("mood") && !keys.contains_key("camera"));
}
