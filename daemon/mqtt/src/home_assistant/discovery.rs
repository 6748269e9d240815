//! The message by which Home Assistant learns of the device and its entities: one for all of them. A pure function.

use std::collections::BTreeMap;

use moodring_base::control::Controls;
use serde_json::{Map, Value, json};

use super::{Device, entities::entities};

/// The components of an announcement: keys and platforms.
pub type Components = BTreeMap<String, String>;

/// The announcement of this device as it is now; with `commands`, also what can be set. `before` are the components
/// of the announcement that this one replaces: those that vanished are named with nothing but their platform, so that
/// Home Assistant removes them.
pub fn payload(device: &Device, controls: &Controls, commands: bool, before: &Components) -> Value {
    let mut components = Map::new();
    for (key, entity) in entities(device, controls, commands) {
        components.insert(key, entity);
    }
    for (key, platform) in before {
        if !components.contains_key(key) {
            components.insert(key.clone(), json!({ "platform": platform }));
        }
    }
    let mut about = json!({
        "identifiers": [device.unique_id],
        "name": device.name,
        "manufacturer": "moodring",
        "model": device.model,
        "sw_version": device.version,
    });
    if !device.area.is_empty() {
        about["suggested_area"] = device.area.as_str().into();
    }
    if let Some(page) = &device.page {
        about["configuration_url"] = page.as_str().into();
    }
    json!({
        "device": about,
        "origin": { "name": "moodring", "sw_version": device.version },
        "availability_topic": device.topics.status(),
        // Three states: online, stopped and offline; Home Assistant knows two, and ignores others.
        "availability_template": "{{ 'online' if value == 'online' else 'offline' }}",
        "qos": 1,
        "components": components,
    })
}

/// An announcement of a moodring, as a broker kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The lasting id of the device that announced it.
    pub(super) unique_id: String,
    /// The components that it announces, without those that it removes.
    pub(super) components: Components,
}

/// Reads an announcement; `None` if it is none of ours.
pub(super) fn read(payload: &[u8]) -> Option<Kept> {
    let announced: Value = serde_json::from_slice(payload).ok()?;
    if announced["origin"]["name"] != "moodring" {
        return None;
    }
    let listed = announced["components"].as_object()?;
    // What is removed is named with its platform alone.
    let is_there = |component: &Value| component.as_object().is_some_and(|keys| keys.len() > 1);
    let there = listed.iter().filter(|(_, component)| is_there(component));
    let named = there.filter_map(|(key, component)| {
        let platform = component["platform"].as_str()?;
        Some((key.clone(), platform.to_owned()))
    });
    Some(Kept {
        unique_id: announced["device"]["identifiers"][0].as_str()?.to_owned(),
        components: named.collect(),
    })
}
