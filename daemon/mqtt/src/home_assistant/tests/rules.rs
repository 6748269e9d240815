//! What Home Assistant's MQTT integration requires of a device's announcement, as text and as checks.
//!
//! Read from the source of Home Assistant 2026.11.0 (`components/mqtt/{schemas,discovery,config}.py` and the platforms'
//! schemas). Home Assistant itself cannot run here: it wants Python 3.14.2, Debian 12 has 3.11.

use moodring_base::message::EVENT_KINDS;
use serde_json::{Map, Value};

use super::*;

/// Keys of every entity: `_MQTT_AVAILABILITY_SCHEMA`, `MQTT_ENTITY_COMMON_SCHEMA`, `SCHEMA_BASE`; and the platform.
const COMMON: [&str; 10] = [
    "platform",
    "name",
    "icon",
    "unique_id",
    "default_entity_id",
    "entity_category",
    "enabled_by_default",
    "json_attributes_topic",
    "json_attributes_template",
    "device_class",
];

/// Of each platform used here: keys that must be there, and keys that may.
fn keys(platform: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match platform {
        "sensor" => (
            &["state_topic"],
            &[
                "value_template",
                "options",
                "state_class",
                "unit_of_measurement",
                "suggested_display_precision",
            ],
        ),
        "binary_sensor" => (&["state_topic"], &["value_template"]),
        "event" => (&["state_topic", "event_types"], &["value_template"]),
        "switch" => (
            &["command_topic"],
            &["state_topic", "payload_on", "payload_off"],
        ),
        "number" => (
            &["command_topic"],
            &["state_topic", "min", "max", "step", "unit_of_measurement"],
        ),
        "select" => (&["command_topic", "options"], &["state_topic"]),
        "button" => (&["command_topic"], &["payload_press"]),
        "update" => (
            &["state_topic"],
            &["value_template", "latest_version_topic", "title"],
        ),
        "device_automation" => (
            &["automation_type", "type", "subtype", "topic"],
            &["payload", "value_template"],
        ),
        "image" => (&["image_topic"], &["content_type"]),
        other => panic!("{other} is not among the platforms"),
    }
}

fn announcement(controls: &Controls) -> Value {
    let mut device = device();
    device.release_topic = "moodring/release".into();
    device.page = Some("http://hall.local:8080".into());
    payload(&device, controls, true, &Components::new())
}

fn names(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_head_has_only_known_keys_and_all_that_are_required() {
    let all = announcement(&controls());
    // DEVICE_DISCOVERY_SCHEMA refuses unknown keys.
    let known = [
        "device",
        "origin",
        "components",
        "qos",
        "availability_topic",
        "availability_template",
    ];
    assert!(names(&all).iter().all(|key| known.contains(key)));
    let device = [
        "identifiers",
        "name",
        "manufacturer",
        "model",
        "sw_version",
        "configuration_url",
        "suggested_area",
    ];
    assert!(names(&all["device"]).iter().all(|key| device.contains(key)));
    assert_eq!(
        all["device"]["identifiers"],
        serde_json::json!(["moodring_hall"])
    );
    assert_eq!(names(&all["origin"]), ["name", "sw_version"]);
    // The topic has to match \w+/(node/)?[a-zA-Z0-9_-]+/config below the prefix.
    assert_eq!(super::device().config_topic(), CONFIG);
}

#[test]
fn every_component_is_as_its_platform_wants_it() {
    let all = announcement(&controls());
    let mut ids = std::collections::HashSet::new();
    for (key, component) in all["components"].as_object().unwrap() {
        let platform = component["platform"].as_str().unwrap();
        let (must, may) = keys(platform);
        for name in must {
            assert!(component.get(name).is_some(), "{key}: {name}");
        }
        for name in names(component) {
            let known = COMMON.contains(&name) || must.contains(&name) || may.contains(&name);
            assert!(known, "{key}: {name} is unknown to {platform}");
        }
        if platform == "device_automation" {
            assert_eq!(component["automation_type"], "trigger");
            continue; // it is no entity
        }
        assert!(ids.insert(component["unique_id"].as_str().unwrap()));
        let id = component["default_entity_id"].as_str().unwrap();
        let (domain, rest) = id.split_once('.').unwrap();
        assert_eq!(domain, platform);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(rest.chars().all(plain), "{id}");
        check_topics(key, component.as_object().unwrap());
        // `entity_category_without_config`: what only reports cannot be configured.
        if platform.ends_with("sensor") || platform == "update" {
            assert_ne!(component["entity_category"], "config", "{key}");
        }
    }
}

fn check_topics(key: &str, component: &Map<String, Value>) {
    for (name, value) in component
        .iter()
        .filter(|(name, _)| name.ends_with("_topic"))
    {
        let topic = value.as_str().unwrap();
        assert!(!topic.is_empty() && topic.len() < 1_000, "{key}: {name}");
        assert!(!topic.contains(['+', '#', '\0']), "{key}: {name}");
    }
}

#[test]
fn sensors_have_classes_options_and_units_that_go_together() {
    let all = announcement(&controls());
    for (key, c) in all["components"].as_object().unwrap() {
        let class = c["device_class"].as_str().unwrap_or_default();
        let is_sensor = c["platform"] == "sensor";
        if is_sensor && c.get("options").is_some() {
            assert_eq!(class, "enum", "{key}: only enum sensors have options");
            assert!(c.get("unit_of_measurement").is_none() && c.get("state_class").is_none());
        }
        match class {
            "enum" => assert!(!c["options"].as_array().unwrap().is_empty()),
            "temperature" => assert_eq!(c["unit_of_measurement"], "°C"),
            "timestamp" => {
                assert!(c.get("unit_of_measurement").is_none() && c.get("state_class").is_none())
            }
            "" | "occupancy" | "restart" => {}
            other => panic!("{key}: {other}"),
        }
    }
    let number = &all["components"]["brightness"];
    assert!(number["min"].as_f64() < number["max"].as_f64() && number["step"] == 1);
    let moods = all["components"]["mood"]["options"].as_array().unwrap();
    assert_eq!(moods.len(), 9);
    assert_eq!(
        all["components"]["event"]["event_types"],
        serde_json::json!(EVENT_KINDS)
    );
}

#[test]
fn an_update_is_told_by_this_device_or_by_somebody_or_not_at_all() {
    let of = |tells_updates, release_topic: &str| {
        let device = Device {
            tells_updates,
            release_topic: release_topic.into(),
            ..device()
        };
        payload(&device, &controls(), true, &Components::new())["components"]["update"].clone()
    };
    assert_eq!(of(false, ""), Value::Null);
    assert_eq!(of(false, "release")["latest_version_topic"], "release");
    let own = of(true, "release");
    assert_eq!(own["state_topic"], "moodring/hall/update");
    assert_eq!(own["latest_version_topic"], Value::Null);
    // The keys of the template are keys of the message.
    let message = serde_json::to_value(moodring_base::message::Release::default()).unwrap();
    for key in ["installed_version", "latest_version"] {
        assert!(
            own["value_template"]
                .as_str()
                .unwrap()
                .contains(&format!("value_json.{key}"))
        );
        assert!(message.get(key).is_some());
    }
}

#[test]
fn only_what_there_is_can_be_set() {
    let keys = |controls: &Controls| {
        let all = announcement(controls);
        all["components"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let all = keys(&controls());
    for key in [
        "camera",
        "source",
        "picture",
        "display",
        "brightness",
        "theme",
        "sensitivity",
        "calibrate",
        "calibrate_erase",
        "resting_face",
        "restart",
    ] {
        assert!(all.iter().any(|k| k == key), "{key}");
    }
    let bare = keys(&Controls {
        cameras: vec!["rpicam".into()],
        ..Controls::default()
    });
    for key in ["source", "picture", "display", "brightness", "theme"] {
        assert!(bare.iter().all(|k| k != key), "{key}");
    }
}
