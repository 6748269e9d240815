//! Topics: `<prefix>/<device>/...`. They are checked once, here, so that nothing can publish on an invalid one.

use moodring_base::message::{DeviceName, NameError, check_level};

use super::MqttError;

/// The topics of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
    root: String,
}

impl Topics {
    /// The longest prefix, in bytes. With the device's name and a leaf it stays far below MQTT's 65,535.
    pub const MAX_PREFIX_BYTES: usize = 256;

    /// The topics below `prefix`, which may have several levels (`home/moodring`).
    ///
    /// # Errors
    /// [`MqttError::Prefix`] if a level is empty or has a character that topics cannot have.
    pub fn new(prefix: &str, device: &DeviceName) -> Result<Self, MqttError> {
        check_prefix(prefix).map_err(|reason| MqttError::Prefix {
            prefix: prefix.to_owned(),
            reason,
        })?;
        Ok(Self {
            prefix: prefix.to_owned(),
            root: format!("{prefix}/{}", device.as_str()),
        })
    }

    /// Availability: retained, also the will.
    pub fn status(&self) -> String {
        self.leaf("status")
    }

    /// What the world looks like now: retained.
    pub fn state(&self) -> String {
        self.leaf("state")
    }

    /// Changes: QoS 1, never retained.
    pub fn event(&self) -> String {
        self.leaf("event")
    }

    /// The same for another device, or for this one when it had another name.
    pub fn event_of(&self, device: &str) -> String {
        format!("{}/{device}/event", self.prefix)
    }

    /// A topic of this device; `name` may have several levels.
    pub(super) fn leaf(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }
}

fn check_prefix(prefix: &str) -> Result<(), NameError> {
    let max = Topics::MAX_PREFIX_BYTES;
    if prefix.len() > max {
        return Err(NameError::Long {
            bytes: prefix.len(),
            max,
        });
    }
    prefix
        .split('/')
        .try_for_each(|level| check_level(level, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(prefix: &str) -> Result<Topics, MqttError> {
        Topics::new(prefix, &DeviceName::new("hall").unwrap())
    }

    #[test]
    fn the_topics_of_the_design() {
        let topics = topics("moodring").unwrap();
        assert_eq!(topics.status(), "moodring/hall/status");
        assert_eq!(topics.state(), "moodring/hall/state");
        assert_eq!(topics.event(), "moodring/hall/event");
        assert_eq!(topics.event_of("attic"), "moodring/attic/event");
    }

    #[test]
    fn a_prefix_may_have_levels_but_no_empty_one() {
        assert_eq!(topics("home/ring").unwrap().state(), "home/ring/hall/state");
        for bad in [
            "",
            "/home",
            "home/",
            "home//ring",
            "a+",
            "#",
            "$SYS",
            "a\0b",
            "a b",
        ] {
            let error = topics(bad).unwrap_err().to_string();
            assert!(error.contains("[mqtt] prefix"), "{error}");
        }
        assert!(topics(&"x".repeat(257)).is_err());
        assert!(topics(&"x/".repeat(200)).is_err());
    }
}
