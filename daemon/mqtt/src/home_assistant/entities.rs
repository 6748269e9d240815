//! The entities in Home Assistant, each described as its MQTT integration requires.

use moodring_base::{
    command::ControlName, control::Controls, message::EVENT_KINDS, snapshot::StageTimes,
};
use moodring_core::{expression::Expression, mood::Mood};
use serde_json::{Value, json};

use super::Device;

/// States of a camera as `/state` has them.
const CAMERA_STATES: [&str; 5] = ["starting", "running", "lost", "off", "ended"];

/// Every entity by its key, in the order of the page.
pub(super) fn entities(
    device: &Device,
    controls: &Controls,
    commands: bool,
) -> Vec<(String, Value)> {
    let state = device.topics.state();
    let mut all = shown(&state, &device.topics.event());
    all.extend(pictures(device));
    all.extend(diagnostics(device));
    if commands {
        all.extend(settings(device, controls));
    }
    if device.tells_updates || !device.release_topic.is_empty() {
        all.push(("update", update(device)));
    }
    let named = |(key, mut entity): (&str, Value)| {
        name(device, key, &mut entity);
        (key.to_owned(), entity)
    };
    let mut all: Vec<_> = all.into_iter().map(named).collect();
    all.extend(stages(device));
    all.extend(triggers(&device.topics.event()));
    all
}

/// The lasting id, and what people see first; the second only counts until somebody names it otherwise.
fn name(device: &Device, key: &str, entity: &mut Value) {
    let platform = entity["platform"].as_str().unwrap_or_default();
    let shown = format!("{platform}.moodring_{}_{key}", device.slug);
    entity["default_entity_id"] = shown.replace('-', "_").into();
    entity["unique_id"] = format!("{}_{key}", device.unique_id).into();
}

/// A template's value while the camera runs; `unknown` otherwise, since nobody knows who is there then.
fn while_seeing(expression: &str) -> String {
    format!("{{{{ ({expression}) if value_json.camera == 'running' else 'None' }}}}")
}

/// What the daemon sees.
fn shown(state: &str, event: &str) -> Vec<(&'static str, Value)> {
    let moods = moods();
    vec![
        (
            "mood",
            json!({
                "platform": "sensor", "name": "Expression", "icon": "mdi:emoticon-outline",
                "device_class": "enum", "options": moods,
                "state_topic": state, "value_template": while_seeing("value_json.mood"),
                "json_attributes_topic": state,
                // Only what changes with the mood: a recorder keeps a row for each change.
                "json_attributes_template": "{{ {'emoji': value_json.emoji, 'since': value_json.since, \
                    'track': value_json.track} | tojson }}",
            }),
        ),
        (
            "scores",
            json!({
                "platform": "sensor", "name": "Scores", "icon": "mdi:chart-bar", "enabled_by_default": false,
                "entity_category": "diagnostic",
                "state_topic": state,
                "value_template": while_seeing("value_json.people[0].expression if value_json.people else 'nobody'"),
                "json_attributes_topic": state,
                "json_attributes_template":
                    "{{ (value_json.people[0].scores if value_json.people else {}) | tojson }}",
            }),
        ),
        (
            "confidence",
            json!({
                "platform": "sensor", "name": "Confidence", "icon": "mdi:percent-outline",
                "unit_of_measurement": "%", "state_class": "measurement", "suggested_display_precision": 0,
                "state_topic": state, // In steps of five: finer ones are noise, and a row each for a recorder.
                "value_template": while_seeing("(value_json.confidence * 20) | round(0) | int * 5"),
            }),
        ),
        (
            "people",
            json!({
                "platform": "sensor", "name": "People", "icon": "mdi:account-group", "state_class": "measurement",
                "state_topic": state, "value_template": while_seeing("value_json.people_count"),
            }),
        ),
        (
            "presence",
            json!({
                "platform": "binary_sensor", "name": "Presence", "device_class": "occupancy",
                "state_topic": state,
                "value_template": while_seeing("'ON' if value_json.people_count > 0 else 'OFF'"),
            }),
        ),
        (
            "event",
            json!({
                "platform": "event", "name": "Event", "icon": "mdi:emoticon-happy-outline",
                "event_types": EVENT_KINDS, "state_topic": event,
                "value_template": "{{ dict(value_json, event_type=value_json.kind) | tojson }}",
            }),
        ),
        (
            "facing",
            json!({
                "platform": "binary_sensor", "name": "Facing", "icon": "mdi:face-recognition",
                "state_topic": state,
                // A payload of None is "unknown": somebody is there, but the classifier is not sure.
                "value_template": "{{ 'None' if value_json.facing is none and value_json.people_count > 0 \
                    else 'ON' if value_json.facing else 'OFF' }}",
            }),
        ),
    ]
}

/// What can be looked at.
fn pictures(device: &Device) -> Vec<(&'static str, Value)> {
    let image = |name: &str, icon: &str, topic: String, kind: &str| {
        json!({
            "platform": "image", "name": name, "icon": icon, "image_topic": topic, "content_type": kind,
        })
    };
    let emoji = image(
        "Emoji",
        "mdi:emoticon-outline",
        device.emoji_topic(),
        "image/png",
    );
    let mut all = vec![("emoji", emoji)];
    if device.sends_pictures {
        let topic = device.picture_topic();
        let taken = image("Last picture", "mdi:image-outline", topic, "image/jpeg");
        all.push(("last_picture", taken));
    }
    all
}

/// What can be set.
fn settings(device: &Device, controls: &Controls) -> Vec<(&'static str, Value)> {
    let set = |thing, mut entity: Value| {
        entity["command_topic"] = device.thing_topic(thing, "set").into();
        if thing.value(controls).is_some() {
            entity["state_topic"] = device.thing_topic(thing, "state").into();
        }
        (thing.name(), entity)
    };
    let switch = |name: &str, icon: &str| {
        json!({
            "platform": "switch", "name": name, "icon": icon, "payload_on": "on", "payload_off": "off",
        })
    };
    let percent = |name: &str, icon: &str| {
        json!({
            "platform": "number", "name": name, "icon": icon, "unit_of_measurement": "%",
            "min": 0, "max": 100, "step": 1, "entity_category": "config",
        })
    };
    let choice = |name: &str, icon: &str, options: Vec<&str>| {
        json!({
            "platform": "select", "name": name, "icon": icon, "options": options, "entity_category": "config",
        })
    };
    let mut all = vec![set(ControlName::Camera, switch("Camera", "mdi:camera"))];
    if controls.cameras.len() > 1 {
        let cameras = controls.cameras.iter().map(String::as_str).collect();
        let choice = choice("Camera source", "mdi:camera-switch", cameras);
        all.push(set(ControlName::Source, choice));
    }
    if controls.has_display {
        let themes = controls.themes().iter().map(|theme| theme.name()).collect();
        all.push(set(
            ControlName::Display,
            switch("Display", "mdi:monitor-small"),
        ));
        all.push(set(
            ControlName::Brightness,
            percent("Brightness", "mdi:brightness-6"),
        ));
        all.push(set(
            ControlName::Theme,
            choice("Theme", "mdi:palette", themes),
        ));
    }
    all.push(set(
        ControlName::Sensitivity,
        percent("Sensitivity", "mdi:speedometer"),
    ));
    if controls.may_take_picture {
        let button = json!({
            "platform": "button", "name": "Take a picture", "icon": "mdi:camera-iris", "payload_press": "take",
        });
        all.push(set(ControlName::Picture, button));
    }
    if controls.preview_allowed {
        all.push(set(
            ControlName::Preview,
            switch("Preview on the page", "mdi:cctv"),
        ));
    }
    all.extend(resting_face(device));
    let restart = json!({
        "platform": "button", "name": "Restart", "device_class": "restart", "payload_press": "restart",
        "entity_category": "config",
    });
    all.push(set(ControlName::Restart, restart));
    all
}

/// The resting face of the one person before the device: learned, erased, and what is known of it.
fn resting_face(device: &Device) -> [(&'static str, Value); 3] {
    let topic = |what| device.thing_topic(ControlName::Calibrate, what);
    let button = |name: &str, icon: &str, press: &str| {
        json!({
            "platform": "button", "name": name, "icon": icon, "payload_press": press,
            "entity_category": "config", "command_topic": topic("set"),
        })
    };
    let known = json!({
        "platform": "sensor", "name": "Resting face", "icon": "mdi:face-man-outline", "entity_category": "diagnostic",
        "device_class": "enum", "options": ["none", "running", "failed", "kept"],
        "state_topic": topic("state"), "value_template": "{{ value_json.state }}",
        "json_attributes_topic": topic("state"),
        "json_attributes_template":
            "{{ dict(value_json.scores or {}, waits_for=value_json.waits_for) | tojson }}",
    });
    [
        (
            "calibrate",
            button("Learn the resting face", "mdi:face-recognition", "start"),
        ),
        (
            "calibrate_erase",
            button(
                "Forget the resting face",
                "mdi:account-off-outline",
                "erase",
            ),
        ),
        ("resting_face", known),
    ]
}

/// How it does.
fn diagnostics(device: &Device) -> Vec<(&'static str, Value)> {
    let (figures, health) = (device.diagnostics_topic(), device.health_topic());
    let figure = |name: &str, icon: &str, unit: &str, key: &str| {
        json!({
            "platform": "sensor", "name": name, "icon": icon, "entity_category": "diagnostic",
            "unit_of_measurement": unit, "state_class": "measurement",
            "state_topic": figures, "value_template": format!("{{{{ value_json.{key} }}}}"),
        })
    };
    vec![
        (
            "camera_state",
            json!({
                "platform": "sensor", "name": "Camera state", "icon": "mdi:camera-enhance",
                "entity_category": "diagnostic", "device_class": "enum", "options": CAMERA_STATES,
                "state_topic": device.topics.state(), "value_template": "{{ value_json.camera }}",
            }),
        ),
        (
            "frame_rate",
            figure("Frame rate", "mdi:filmstrip", "fps", "frames_per_second"),
        ),
        (
            "vision_time",
            figure("Time per frame", "mdi:timer-outline", "ms", "vision_ms"),
        ),
        (
            "events_waiting",
            figure(
                "Events waiting",
                "mdi:tray-full",
                "events",
                "events_waiting",
            ),
        ),
        (
            "events_dropped",
            figure(
                "Events given up",
                "mdi:tray-remove",
                "events",
                "events_dropped",
            ),
        ),
        (
            "temperature",
            json!({
                "platform": "sensor", "name": "Temperature", "device_class": "temperature",
                "entity_category": "diagnostic", "unit_of_measurement": "°C", "state_class": "measurement",
                "state_topic": health,
                "value_template": "{{ 'None' if value_json.temperature_c is none else value_json.temperature_c | round(0) }}",
            }),
        ),
        (
            "uptime",
            json!({
                "platform": "sensor", "name": "Running since", "device_class": "timestamp",
                "entity_category": "diagnostic",
                "state_topic": health, "value_template": "{{ value_json.started }}",
            }),
        ),
    ]
}

/// What automations may begin with: each change of the mood, by the mood that it is now.
fn triggers(event: &str) -> Vec<(String, Value)> {
    let trigger = |mood: &str| {
        let trigger = json!({
            "platform": "device_automation", "automation_type": "trigger",
            "type": "mood_changed", "subtype": mood, "topic": event, "payload": mood,
            "value_template": "{{ value_json.to if value_json.kind == 'changed' else '' }}",
        });
        (format!("mood_{mood}"), trigger)
    };
    moods().into_iter().map(trigger).collect()
}

fn moods() -> Vec<&'static str> {
    let expressions = Expression::ALL.iter().map(|e| e.name());
    expressions
        .chain([Mood::Uncertain.name(), Mood::Nobody.name()])
        .collect()
}

/// A sensor for each stage of the pipeline; few people want them, so they are off until switched on.
fn stages(device: &Device) -> Vec<(String, Value)> {
    let sensor = |stage: &str| {
        let key = format!("stage_{stage}");
        let mut entity = json!({
            "platform": "sensor", "name": format!("Time of {stage}"), "icon": "mdi:timer-outline",
            "entity_category": "diagnostic", "enabled_by_default": false,
            "unit_of_measurement": "ms", "state_class": "measurement",
            "state_topic": device.diagnostics_topic(),
            "value_template": format!("{{{{ value_json.stages_ms.{stage} if value_json.stages_ms else 'None' }}}}"),
        });
        name(device, &key, &mut entity);
        (key, entity)
    };
    let named = StageTimes::default().named();
    named.iter().map(|(stage, _)| sensor(stage)).collect()
}

/// Whether there is a newer version, as this device or another one found out.
fn update(device: &Device) -> Value {
    let mut entity = json!({
        "platform": "update", "name": "Update", "title": "moodring", "entity_category": "diagnostic",
    });
    if device.tells_updates {
        entity["state_topic"] = device.update_topic().into();
        // Its JSON has more than Home Assistant's update entity takes.
        entity["value_template"] = "{{ {'installed_version': value_json.installed_version, \
            'latest_version': value_json.latest_version} | tojson }}"
            .into();
    } else {
        entity["state_topic"] = device.health_topic().into();
        entity["value_template"] =
            "{{ {'installed_version': value_json.version} | tojson }}".into();
        entity["latest_version_topic"] = device.release_topic.as_str().into();
    }
    entity
}
