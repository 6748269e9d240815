//! The payload that tells Home Assistant what there is: one for the whole device. A pure function.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Device, entities::entities};
use crate::control::Controls;

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
        "identifiers": [format!("moodring_{}", device.slug)],
        "name": device.name,
        "manufacturer": "moodring",
        "model": device.model,
        "sw_version": device.version,
    });
    if let Some(page) = &device.page {
        about["configuration_url"] = page.as_str().into();
    }
    json!({
        "device": about,
        "origin": { "name": "moodring", "sw_version": device.version },
        "availability_topic": device.topics.status(),
        // Three words: online, stopped and offline; Home Assistant knows two, and ignores others.
        "availability_template": "{{ 'online' if value == 'online' else 'offline' }}",
        "qos": 1,
        "components": components,
    })
}

/// The components that an announcement of ours tells of, without those that it removes; `None` if it is none of ours.
pub(super) fn components(payload: &[u8]) -> Option<Components> {
    let announced: Value = serde_json::from_slice(payload).ok()?;
    if announced["origin"]["name"] != "moodring" {
        return None;
    }
    let listed = announced["components"].as_object()?;
    let living = listed.iter().filter(|(_, c)| c.get("unique_id").is_some());
    let named = living.filter_map(|(key, component)| {
        let platform = component["platform"].as_str()?;
        Some((key.clone(), platform.to_owned()))
    });
    Some(named.collect())
}
