//! What was announced in former runs, in a small file: a device that was renamed takes its old name back.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::Device;

/// The topics that a device leaves behind when it gets another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedTopics {
    /// Where it was announced.
    pub config_topic: String,
    /// Its retained topics.
    pub retained: Vec<String>,
}

impl AnnouncedTopics {
    /// The longest file that is read.
    const MAX_BYTES: u64 = 16 * 1024;

    /// What this device will leave behind.
    pub fn of(device: &Device) -> Self {
        let mut retained = vec![
            device.topics.status(),
            device.topics.state(),
            device.health_topic(),
            device.update_topic(),
        ];
        let things = crate::command::ControlName::ALL.iter();
        retained.extend(things.map(|thing| device.thing_topic(*thing, "state")));
        Self {
            config_topic: device.config_topic(),
            retained,
        }
    }

    /// What a former run left behind; `None` if there was none, or the file cannot be read.
    pub fn load(folder: &Path) -> Option<Self> {
        let path = file(folder);
        let size = fs::metadata(&path).ok()?.len();
        if size > Self::MAX_BYTES {
            return None;
        }
        let text = fs::read_to_string(&path).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps it for later runs. Written beside and renamed: a power cut leaves the old file or the new one.
    ///
    /// # Errors
    /// If the folder cannot be made or the file cannot be written.
    pub fn store(&self, folder: &Path) -> io::Result<()> {
        if Self::load(folder).as_ref() == Some(self) {
            return Ok(()); // SD cards wear
        }
        fs::create_dir_all(folder)?;
        let beside = folder.join("announced.json.tmp");
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        fs::write(&beside, text)?;
        fs::rename(&beside, file(folder))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("announced.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_nonsense_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new/folder");
        assert_eq!(AnnouncedTopics::load(&inner), None);
        let memory = AnnouncedTopics {
            config_topic: "homeassistant/device/moodring_hall/config".into(),
            retained: vec!["moodring/hall/state".into()],
        };
        memory.store(&inner).unwrap();
        assert_eq!(AnnouncedTopics::load(&inner), Some(memory));
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1);
        for nonsense in ["", "{}", "[1]", "\u{0}"] {
            fs::write(file(&inner), nonsense).unwrap();
            assert_eq!(AnnouncedTopics::load(&inner), None);
        }
        fs::write(file(&inner), vec![b' '; 17_000]).unwrap();
        assert_eq!(AnnouncedTopics::load(&inner), None);
    }
}
