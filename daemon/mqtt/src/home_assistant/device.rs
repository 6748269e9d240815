//! The announced device: names that Home Assistant keeps, and the topics that its entities read.

use std::fs;

use moodring_base::{command::ControlName, config::MqttSettings, message::Identity};

use crate::{MqttError, homie, topic::Topics};

/// A device as Home Assistant is to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name that people see; it may change.
    pub name: String,
    /// The room that Home Assistant suggests for it; empty: none.
    pub area: String,
    /// What Home Assistant knows it and its entities by, for ever: `moodring_` and letters or digits.
    pub unique_id: String,
    /// Fit for Home Assistant's topics and ids: `a-z`, `0-9`, `_` and `-`.
    pub slug: String,
    /// What it runs on.
    pub model: String,
    /// The program's version.
    pub version: String,
    /// Its web page, if others can reach it.
    pub page: Option<String>,
    /// The topic of a newer version; empty: none.
    pub release_topic: String,
    /// Whether this device itself looks for newer versions and publishes them.
    pub tells_updates: bool,
    /// Whether pictures of the camera that somebody asks for are sent.
    pub sends_pictures: bool,
    /// Topics of the Homie tree that the broker keeps; none without one.
    pub homie_topics: Vec<String>,
    /// Our topics.
    pub topics: Topics,
    /// Home Assistant's first part of topics.
    pub prefix: String,
}

impl Device {
    /// The device of this run on this machine.
    ///
    /// # Errors
    /// [`MqttError`] if our own prefix is none.
    pub fn new(settings: &MqttSettings, identity: &Identity) -> Result<Self, MqttError> {
        Ok(Self {
            name: identity.name.clone(),
            area: identity.area.clone(),
            unique_id: id_by_name(identity.device.as_str()),
            slug: slug(identity.device.as_str()),
            model: model(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            page: None,
            release_topic: settings.home_assistant.release_topic.clone(),
            tells_updates: false,
            sends_pictures: settings.sends_camera_picture(),
            homie_topics: homie::retained_topics(settings, identity)?,
            topics: Topics::new(&settings.prefix, &identity.device)?,
            prefix: settings.home_assistant.prefix.clone(),
        })
    }

    /// Where it is announced.
    pub fn config_topic(&self) -> String {
        format!("{}/device/moodring_{}/config", self.prefix, self.slug)
    }

    /// Every topic of ours that the broker retains, but the announcement.
    pub fn retained_topics(&self) -> Vec<String> {
        let own = [
            self.topics.status(),
            self.topics.state(),
            self.health_topic(),
            self.update_topic(),
            self.diagnostics_topic(),
            self.emoji_topic(),
        ];
        let things = ControlName::ALL.iter();
        let things = things.map(|thing| self.thing_topic(*thing, "state"));
        own.into_iter()
            .chain(things)
            .chain(self.homie_topics.iter().cloned())
            .collect()
    }

    /// The topic on which Home Assistant announces its start.
    pub fn birth_topic(&self) -> String {
        format!("{}/status", self.prefix)
    }

    /// The topic of health.
    pub fn health_topic(&self) -> String {
        self.topics.leaf("health")
    }

    /// Where frame rate, times and counts are published.
    pub fn diagnostics_topic(&self) -> String {
        self.topics.leaf("diagnostics")
    }

    /// Where the picture of the emoji is published.
    pub fn emoji_topic(&self) -> String {
        self.topics.leaf("emoji")
    }

    /// The topic of a camera's picture that somebody asked for; the broker does not keep it.
    pub fn picture_topic(&self) -> String {
        self.thing_topic(ControlName::Picture, "image")
    }

    /// The topic of newer versions.
    pub fn update_topic(&self) -> String {
        self.topics.leaf("update")
    }

    /// `set`, `state` or `error` of a thing.
    pub fn thing_topic(&self, thing: ControlName, leaf: &str) -> String {
        self.topics.leaf(&format!("{}/{leaf}", thing.name()))
    }
}

/// The lasting id of a device that has no memory for one.
pub(super) fn id_by_name(name: &str) -> String {
    format!("moodring_{}", slug(name))
}

/// A name in Home Assistant's alphabet. One that loses letters gets its checksum, so that two never become the same.
pub(crate) fn slug(name: &str) -> String {
    let fit = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
        _ => '_',
    };
    let slug: String = name.chars().map(fit).collect();
    if slug == name {
        return slug;
    }
    format!("{slug}_{:08x}", crc32fast::hash(name.as_bytes()))
}

/// The board's name, as the device tree or the firmware has it.
fn model() -> String {
    let files = ["/proc/device-tree/model", "/sys/class/dmi/id/product_name"];
    let read = |path: &str| {
        let text = fs::read_to_string(path).ok()?;
        let plain: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
        Some(plain.trim().to_owned()).filter(|name| !name.is_empty())
    };
    files
        .iter()
        .find_map(|path| read(path))
        .unwrap_or_else(|| "Linux".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_fit_and_differ() {
        assert_eq!(slug("kitchen-pi_5"), "kitchen-pi_5");
        for (one, other) in [("küche", "kache"), ("Hall", "hall"), ("a.b", "a_b")] {
            assert_ne!(slug(one), slug(other));
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
            assert!(slug(one).chars().all(fits), "{}", slug(one));
        }
    }
}
