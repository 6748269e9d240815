//! Messages in and out, and the announcement checked against what Home Assistant's source requires.

mod rules;

use moodring_base::{
    command::{Command, CommandError, ControlName, Switch},
    config::{MqttSettings, StoreSettings},
    control::Controls,
    message::{DeviceName, Identity, RunId},
};
use moodring_store::notes::Notes;
use serde_json::Value;

use super::{
    AnnouncedTopics, Announcement, Device, Effect, HomeAssistantProtocol,
    discovery::{Components, payload, read},
};
use crate::{Delivery, Outgoing};

fn device() -> Device {
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
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

fn protocol() -> HomeAssistantProtocol {
    HomeAssistantProtocol::new(device(), true, true, &[])
}

fn texts(outgoing: &[Outgoing]) -> Vec<String> {
    let text = |o: &Outgoing| {
        let payload = String::from_utf8_lossy(&o.payload);
        let short: String = payload.chars().take(24).collect();
        format!("{} {short}", o.topic)
    };
    outgoing.iter().map(text).collect()
}

fn receive(protocol: &mut HomeAssistantProtocol, topic: &str, payload: &[u8]) -> Effect {
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
    let outgoing = protocol.connected(&controls(), &[]);
    assert!(outgoing.iter().all(|o| o.delivery == Delivery::Lasting));
    assert_eq!(
        texts(&outgoing)[1..],
        [
            "moodring/hall/camera/state on",
            "moodring/hall/source/state /dev/video0",
            "moodring/hall/display/state on",
            "moodring/hall/brightness/state 80",
            "moodring/hall/theme/state auto",
            "moodring/hall/sensitivity/state 50",
            "moodring/hall/calibrate/state {\"state\":\"none\",\"percent",
        ]
    );
    assert_eq!(outgoing[0].topic, CONFIG);
    assert!(
        outgoing[0].payload.len() < 32_768,
        "{}",
        outgoing[0].payload.len()
    );
}

#[test]
fn requests_become_commands_and_refusals_say_why() {
    let mut protocol = protocol();
    let effect = receive(&mut protocol, "moodring/hall/camera/set", b"off");
    let off = Command::Camera(Switch::Off);
    assert_eq!(effect.command, Some((ControlName::Camera, off)));
    assert!(effect.outgoing.is_empty());
    for (payload, reason) in [
        (&b"300"[..], CommandError::Number),
        (b"50.5", CommandError::Fraction),
    ] {
        let effect = receive(&mut protocol, "moodring/hall/brightness/set", payload);
        assert_eq!(effect.command, None);
        assert_eq!(effect.refused, Some((ControlName::Brightness, reason)));
    }
    let error = protocol.error(ControlName::Brightness, "it must be");
    assert_eq!(
        texts(std::slice::from_ref(&error)),
        ["moodring/hall/brightness/error it must be"]
    );
    assert_eq!(error.delivery, Delivery::Once);
}

#[test]
fn hostile_messages_change_nothing() {
    let mut protocol = protocol();
    protocol.connected(&controls(), &[]);
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
        let effect = receive(&mut protocol, topic, payload);
        assert!(
            effect.command.is_none() && !effect.born && effect.outgoing.is_empty(),
            "{topic}"
        );
        assert!(
            effect
                .refused
                .is_none_or(|(_, refusal)| refusal.to_string().len() < 200)
        );
    }
    // A broker that kept a request would give it to us at each connection.
    let kept = protocol.receive("moodring/hall/camera/set", b"on", true, &controls());
    assert_eq!(
        (kept.command, kept.refused),
        (None, Some((ControlName::Camera, CommandError::Retained)))
    );
}

#[test]
fn answers_tell_how_it_is_now() {
    let mut protocol = protocol();
    let before = controls();
    protocol.connected(&before, &[]);
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

fn announced(outgoing: &[Outgoing]) -> Value {
    let config = outgoing.iter().find(|o| o.topic == CONFIG).unwrap();
    serde_json::from_slice(&config.payload).unwrap()
}

/// A connection to a broker that retained these announcements.
fn connect(
    protocol: &mut HomeAssistantProtocol,
    retained: &[(&str, &str)],
    former: &[Announcement],
) -> Vec<Outgoing> {
    protocol.begin();
    for (topic, payload) in retained {
        let effect = protocol.receive(topic, payload.as_bytes(), true, &controls());
        assert_eq!(effect, Effect::default());
    }
    protocol.connected(&controls(), former)
}

#[test]
fn what_vanished_is_taken_back_once() {
    let mut protocol = protocol();
    protocol.connected(&controls(), &[]);
    // In this run: pictures are no more allowed.
    let now = Controls {
        may_take_picture: false,
        cameras: vec!["rpicam".into()],
        ..controls()
    };
    let outgoing = protocol.changed(&controls(), &now);
    let gone = serde_json::json!({"platform": "button"});
    assert_eq!(announced(&outgoing)["components"]["picture"], gone);
    let gone = serde_json::json!({"platform": "select"});
    assert_eq!(announced(&outgoing)["components"]["source"], gone);
    let again = announced(&protocol.connected(&now, &[]));
    assert_eq!(again["components"].get("picture"), None);

    // In a former run: there was something that this version does not know.
    let mut old = announced(&protocol.connected(&controls(), &[]));
    old["components"]["smile"] = serde_json::json!({"platform": "sensor", "unique_id": "x"});
    old["components"]["frown"] = serde_json::json!({"platform": "sensor"});
    let old = old.to_string();
    let effect = protocol.receive(CONFIG, old.as_bytes(), false, &now);
    assert!(effect.outgoing.is_empty(), "our own words come back");
    let config = announced(&connect(&mut protocol, &[(CONFIG, &old)], &[]));
    assert_eq!(config["components"]["smile"]["platform"], "sensor");
    assert_eq!(config["components"]["smile"].get("unique_id"), None);
    assert_eq!(config["components"].get("frown"), None);
    let text = config.to_string();
    let again = announced(&connect(&mut protocol, &[(CONFIG, &text)], &[]));
    assert_eq!(again["components"].get("smile"), None);
}

#[test]
fn who_is_switched_off_takes_the_announcement_back_and_obeys_nobody() {
    let mut protocol = HomeAssistantProtocol::new(device(), false, false, &[]);
    assert_eq!(protocol.subscriptions(), [CONFIG]);
    let outgoing = protocol.connected(&controls(), &[]);
    assert!(
        outgoing
            .iter()
            .all(|o| o.topic.starts_with("moodring/hall/"))
    );
    let old = payload(&device(), &controls(), true, &Components::new()).to_string();
    let outgoing = connect(&mut protocol, &[(CONFIG, &old)], &[]);
    assert_eq!(
        (outgoing[0].topic.as_str(), outgoing[0].payload.len()),
        (CONFIG, 0)
    );
    let others = r#"{"origin":{"name":"zigbee2mqtt"},"components":{}}"#;
    assert!(
        connect(&mut protocol, &[(CONFIG, others)], &[])
            .iter()
            .all(|o| o.topic != CONFIG)
    );
    assert!(receive(&mut protocol, "moodring/hall/camera/set", b"off") == Effect::default());
    let readers = payload(&device(), &controls(), false, &Components::new());
    let keys = read(readers.to_string().as_bytes()).unwrap().components;
    assert!(keys.contains_key("mood") && !keys.contains_key("camera"));
}

/// The device under another name, and what it announced there in the run `01`.
fn former(name: &str) -> (Announcement, String) {
    let mut was = device();
    was.topics = crate::topic::Topics::new("moodring", &DeviceName::new(name).unwrap()).unwrap();
    was.slug = name.into();
    let text = payload(&was, &controls(), true, &Components::new()).to_string();
    (Announcement::of(&was, RunId::new(1)), text)
}

fn state_of(run: &str) -> String {
    format!(r#"{{"schema":1,"device":"attic","run":"{run}"}}"#)
}

#[test]
fn a_renamed_device_moves_and_leaves_nothing() {
    let (attic, text) = former("attic");
    let formers = [attic.clone()];
    let mut protocol = HomeAssistantProtocol::new(device(), true, true, &formers);
    assert!(protocol.subscriptions().contains(&attic.config_topic));
    let state = state_of(&attic.run);
    let retained = [
        (attic.config_topic.as_str(), text.as_str()),
        (&attic.state_topic, &state),
        (&attic.status_topic, "offline"),
    ];
    let outgoing = connect(&mut protocol, &retained, &formers);
    assert_eq!(outgoing[0].topic, attic.config_topic);
    assert_eq!(outgoing[0].payload, br#"{"migrate_discovery":true}"#);
    assert_eq!(outgoing[0].delivery, Delivery::Once);
    assert_eq!(outgoing[1].topic, CONFIG, "and then the new one");
    let left: Vec<_> = attic.topics().cloned().collect();
    assert_eq!(protocol.leftovers(&attic), left);
}

/// A card was copied, and the copy got another id: what it takes for its own former name is the original, which runs.
#[test]
fn a_copy_leaves_its_running_original_alone() {
    let (attic, text) = former("attic");
    let formers = [attic.clone()];
    // Copied while it ran, and started anew since.
    for (run, is_undecided) in [(attic.run.as_str(), true), ("00000000000000ff", false)] {
        let mut protocol = HomeAssistantProtocol::new(device(), true, true, &formers);
        let state = state_of(run);
        let retained = [
            (attic.config_topic.as_str(), text.as_str()),
            (&attic.state_topic, &state),
            (&attic.status_topic, "online"),
        ];
        let outgoing = connect(&mut protocol, &retained, &formers);
        assert_eq!(
            outgoing[0].topic, CONFIG,
            "the original's entities stay where they are"
        );
        assert!(protocol.leftovers(&attic).is_empty());
        assert_eq!(protocol.is_undecided(&attic), is_undecided);
    }
}

#[test]
fn a_homie_tree_that_is_switched_off_is_taken_back() {
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
    let mut settings = MqttSettings::default();
    settings.homie.enabled = true;
    let with = Device::new(&settings, &identity).unwrap();
    let state = "homie/5/hall/$state".to_owned();
    assert!(with.retained_topics().contains(&state));
    let folder = tempfile::tempdir().unwrap();
    let notes = Notes::open(
        &StoreSettings {
            path: folder.path().join("moodring.db").display().to_string(),
            ..StoreSettings::default()
        },
        "desk",
    );
    let mut memory = AnnouncedTopics::open(&notes, "moodring_hall");
    memory.announce(Announcement::of(&with, identity.run));
    memory.announce(Announcement::of(&device(), identity.run));
    let [former] = memory.former() else {
        panic!("one announcement is left: {:?}", memory.former());
    };
    let mut protocol = HomeAssistantProtocol::new(device(), true, true, memory.former());
    // What the broker has of the state is of this run, at the second connection.
    let state_now = state_of("00000000000000ff");
    connect(
        &mut protocol,
        &[("moodring/hall/state", &state_now)],
        memory.former(),
    );
    let left = protocol.leftovers(former);
    assert!(left.contains(&state) && left.iter().all(|topic| topic.starts_with("homie/5/hall/")));
}

#[test]
fn what_another_device_has_now_is_left_alone() {
    let (attic, text) = former("attic");
    let formers = [attic.clone()];
    let others = text.replace("moodring_hall", "moodring_0123456789abcdef");
    let config = attic.config_topic.clone();
    let config = config.as_str();
    let other_run = state_of("00000000000000ff");
    for (run, status) in [
        (other_run.as_str(), "offline"),
        (other_run.as_str(), "online"),
    ] {
        let mut protocol = HomeAssistantProtocol::new(device(), true, true, &formers);
        let retained = [
            (config, others.as_str()),
            (&attic.state_topic, run),
            (&attic.status_topic, status),
        ];
        let outgoing = connect(&mut protocol, &retained, &formers);
        assert_eq!(outgoing[0].topic, CONFIG, "nobody moves");
        assert!(protocol.leftovers(&attic).is_empty(), "{status}");
    }
    // A note of an older version knows no run: whoever is online there is not we.
    let old = Announcement {
        run: String::new(),
        ..attic
    };
    let mut protocol = HomeAssistantProtocol::new(device(), true, true, &formers);
    connect(
        &mut protocol,
        &[(config, &others), (&old.status_topic, "online")],
        &formers,
    );
    assert!(protocol.leftovers(&old).is_empty());
}

#[test]
fn another_devices_announcement_in_our_place_is_let_go_first() {
    let mut protocol = protocol();
    let others = payload(&device(), &controls(), true, &Components::new()).to_string();
    let others = others.replace("moodring_hall", "moodring_0123456789abcdef");
    let outgoing = connect(&mut protocol, &[(CONFIG, &others)], &[]);
    assert_eq!(outgoing[0].payload, br#"{"migrate_discovery":true}"#);
    assert_eq!(
        announced(&outgoing[1..])["device"]["identifiers"][0],
        "moodring_hall"
    );
}

#[test]
fn the_name_and_the_id_are_two_things() {
    let mut named = device();
    (named.name, named.area, named.unique_id) =
        ("Küche".into(), "Kitchen".into(), "moodring_01".into());
    let all = payload(&named, &controls(), true, &Components::new());
    assert_eq!(all["device"]["name"], "Küche");
    assert_eq!(all["device"]["suggested_area"], "Kitchen");
    assert_eq!(all["components"]["mood"]["unique_id"], "moodring_01_mood");
    assert_eq!(
        all["components"]["mood"]["default_entity_id"],
        "sensor.moodring_hall_mood"
    );
}
