//! Remembers what this device announced, in a note beside the store: its lasting id, its topics now, and former topics
//! that the broker may still keep.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use moodring_base::{files, message::RunId};
use moodring_store::notes::Notes;
use serde::{Deserialize, Serialize};

use super::{Device, lasting_id::Machine};

/// The note's ending.
const NOTE: &str = ".device.json";
/// The note by its old name, which all stores of a folder shared.
const OLD_NOTE: &str = "announced.json";
/// The longest file that is read.
const MAX_BYTES: u64 = 64 * 1024;
/// So many former announcements may wait for a broker; older ones are given up.
const MAX_FORMER: usize = 16;

/// The topics of a device under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The topic of the discovery message; empty: none any more.
    pub config_topic: String,
    /// Its retained topics.
    pub retained: Vec<String>,
    /// The topic of its state.
    #[serde(default)]
    pub state_topic: String,
    /// The topic of its availability.
    #[serde(default)]
    pub status_topic: String,
    /// The run that announced it last, 16 hexadecimal digits; empty in notes of older versions.
    #[serde(default)]
    pub run: String,
}

impl Announcement {
    /// What this run of the device announces.
    pub fn of(device: &Device, run: RunId) -> Self {
        let (state, status) = (device.topics.state(), device.topics.status());
        Self {
            config_topic: device.config_topic(),
            retained: device.retained_topics(),
            state_topic: state,
            status_topic: status,
            run: run.to_string(),
        }
    }

    /// All topics that are left.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        let config = Some(&self.config_topic).filter(|topic| !topic.is_empty());
        config.into_iter().chain(&self.retained)
    }

    /// Without what is announced now.
    fn without(mut self, now: &Self) -> Self {
        self.retained.retain(|topic| !now.retained.contains(topic));
        if self.config_topic == now.config_topic {
            self.config_topic.clear();
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.topics().next().is_none()
    }
}

/// What is in the note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// The device's lasting id, see [`AnnouncedTopics::unique_id`].
    unique_id: String,
    announced: Option<Announcement>,
    #[serde(default)]
    former: Vec<Announcement>,
    /// The board that wrote it last, see [`Machine::board`]; `None` in older notes, and where boards have no number to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    board: Option<String>,
}

/// The note, and where it is.
#[derive(Clone, Debug)]
pub struct AnnouncedTopics {
    path: Option<PathBuf>,
    note: Note,
}

impl AnnouncedTopics {
    /// What is known of the device. `by_name` is the id that a device without a memory has, and that older versions gave to
    /// every device.
    pub fn open(notes: &Notes, by_name: &str) -> Self {
        Self::open_on(&Machine::this(), notes, by_name)
    }

    fn open_on(machine: &Machine, notes: &Notes, by_name: &str) -> Self {
        let path = notes.path(NOTE);
        let mut note = match &path {
            Some(path) => read(path).unwrap_or_else(|| begin(machine, notes, by_name)),
            None => Note {
                unique_id: by_name.to_owned(),
                announced: None,
                former: Vec::new(),
                board: None,
            },
        };
        if let (Some(warning), Some(path)) = (moved(&note, machine), &path) {
            tracing::warn!("{warning} ({})", path.display());
        }
        note.board = machine.board().or(note.board);
        Self { path, note }
    }

    /// What Home Assistant knows the device and its entities by: the same for ever, whatever the device is called.
    pub fn unique_id(&self) -> &str {
        &self.note.unique_id
    }

    /// From now on this is announced. What was before and is no more has to be taken back.
    pub fn announce(&mut self, now: Announcement) {
        let before = self.note.announced.take();
        let former = std::mem::take(&mut self.note.former)
            .into_iter()
            .chain(before);
        let left = former
            .map(|former| former.without(&now))
            .filter(|left| !left.is_empty());
        self.note.former = left.collect();
        let surplus = self.note.former.len().saturating_sub(MAX_FORMER);
        self.note.former.drain(..surplus);
        self.note.announced = Some(now);
        self.save();
    }

    /// What has to be taken back.
    pub fn former(&self) -> &[Announcement] {
        &self.note.former
    }

    /// The broker forgot these topics, or they are somebody else's now.
    pub fn forget(&mut self, topics: &[String]) {
        for former in &mut self.note.former {
            former.retained.retain(|topic| !topics.contains(topic));
            if topics.contains(&former.config_topic) {
                former.config_topic.clear();
            }
        }
        self.note.former.retain(|former| !former.is_empty());
        self.save();
    }

    fn save(&self) {
        let Some(path) = &self.path else { return };
        let written = serde_json::to_vec(&self.note)
            .map_err(io::Error::other)
            .and_then(|text| files::replace(path, &text, files::PRIVATE));
        if let Err(error) = written {
            tracing::warn!(
                "cannot note the announcement in {}: {error}; after a renaming, remove the old device by hand",
                path.display()
            );
        }
    }
}

/// The warning about a note that another board wrote. Logged once: from then on the note is this board's.
fn moved(note: &Note, machine: &Machine) -> Option<&'static str> {
    let (before, now) = (note.board.as_ref()?, machine.board()?);
    (*before != now).then_some(
        "the note of this device was written on another board. If only the card moved, all is well. If a copy of it still runs there, \
         both are one device to Home Assistant: stop this one, delete the note and the store beside it, and start again",
    )
}

/// The first note of a store: with the id by which an older version is known to Home Assistant already, else a new one.
fn begin(machine: &Machine, notes: &Notes, by_name: &str) -> Note {
    let store = notes.store().unwrap_or(Path::new("")).to_owned();
    let old = read_old(&files::folder_of(&store).join(OLD_NOTE));
    let known = match &old {
        // With several stores in the folder the old note may be another's: the name is what Home Assistant knows.
        Some(_) if !notes.is_alone() => store.exists().then(|| by_name.to_owned()),
        Some(old) => id_of_topic(&old.config_topic),
        None => None,
    };
    Note {
        unique_id: known.unwrap_or_else(|| machine.new_id(&store)),
        announced: old.filter(|_| notes.is_alone()),
        former: Vec::new(),
        board: None,
    }
}

fn read(path: &Path) -> Option<Note> {
    let note: Note = serde_json::from_slice(&bytes(path)?).ok()?;
    is_id(&note.unique_id).then_some(note)
}

fn read_old(path: &Path) -> Option<Announcement> {
    let mut old: Announcement = serde_json::from_slice(&bytes(path)?).ok()?;
    let ending = |ending: &str| {
        old.retained
            .iter()
            .find(|topic| topic.ends_with(ending))
            .cloned()
    };
    let (status, state) = (ending("/status"), old.retained.get(1).cloned());
    old.status_topic = status.unwrap_or_default();
    // `/camera/state` and others end so, too; the state itself was always the second.
    old.state_topic = state.unwrap_or_default();
    Some(old)
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let size = fs::metadata(path).ok()?.len();
    (size <= MAX_BYTES).then(|| fs::read(path).ok())?
}

/// `PREFIX/device/moodring_hall/config` was announced with the id `moodring_hall`.
fn id_of_topic(topic: &str) -> Option<String> {
    let id = topic.strip_suffix("/config")?.rsplit('/').next()?;
    is_id(id).then(|| id.to_owned())
}

fn is_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.starts_with("moodring_") && id.len() <= 128 && id.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_base::config::StoreSettings;

    fn notes(folder: &Path, store: &str) -> Notes {
        let path = folder.join(store);
        let settings = StoreSettings {
            path: path.to_str().unwrap().to_owned(),
            ..StoreSettings::default()
        };
        Notes::open(&settings, "desk")
    }

    fn announcement(name: &str, prefix: &str) -> Announcement {
        Announcement {
            config_topic: format!("{prefix}/device/moodring_{name}/config"),
            retained: ["status", "state", "health"]
                .map(|leaf| format!("moodring/{name}/{leaf}"))
                .into(),
            state_topic: format!("moodring/{name}/state"),
            status_topic: format!("moodring/{name}/status"),
            run: "01".into(),
        }
    }

    fn left(memory: &AnnouncedTopics) -> Vec<String> {
        memory
            .former()
            .iter()
            .flat_map(|former| former.topics().cloned())
            .collect()
    }

    #[test]
    fn the_id_lasts_and_each_store_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let memory =
            |store: &str| AnnouncedTopics::open(&notes(folder.path(), store), "moodring_hall");
        let mut one = memory("one.db");
        one.announce(announcement("hall", "homeassistant"));
        assert_eq!(memory("one.db").unique_id(), one.unique_id());
        assert_ne!(memory("other.db").unique_id(), one.unique_id());
        assert!(is_id(one.unique_id()), "{}", one.unique_id());
        assert_eq!(
            AnnouncedTopics::open(&Notes::none(), "moodring_hall").unique_id(),
            "moodring_hall"
        );
    }

    #[test]
    fn only_what_is_not_announced_now_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = AnnouncedTopics::open(&notes(folder.path(), "m.db"), "");
        let hall = announcement("hall", "homeassistant");
        memory.announce(hall.clone());
        let mut more = hall.clone();
        more.retained.push("moodring/hall/new/state".into());
        memory.announce(more);
        assert!(left(&memory).is_empty(), "one more control");
        memory.announce(announcement("hall", "ha"));
        assert_eq!(
            left(&memory),
            [hall.config_topic.as_str(), "moodring/hall/new/state"],
            "another prefix"
        );
        memory.announce(hall.clone());
        assert!(!left(&memory).contains(&hall.config_topic), "and back");
    }

    #[test]
    fn what_the_broker_has_not_forgotten_is_kept_in_mind_over_renamings() {
        let folder = tempfile::tempdir().unwrap();
        let open = || AnnouncedTopics::open(&notes(folder.path(), "m.db"), "");
        for name in ["hall", "attic", "attic", "cellar"] {
            open().announce(announcement(name, "homeassistant"));
        }
        let mut memory = open();
        assert_eq!(memory.former().len(), 2, "the broker was away all the time");
        let hall: Vec<_> = memory.former()[0].topics().cloned().collect();
        memory.forget(&hall[..2]);
        assert_eq!(open().former()[0].topics().count(), hall.len() - 2);
        memory.forget(&hall);
        assert_eq!(open().former().len(), 1);
        open().announce(announcement("attic", "homeassistant"));
        assert!(
            left(&open()).iter().all(|topic| topic.contains("cellar")),
            "attic is announced again"
        );
    }

    #[test]
    fn an_older_version_is_known_by_its_name_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"{"config_topic":"homeassistant/device/moodring_hall/config",
            "retained":["moodring/hall/status","moodring/hall/state","moodring/hall/camera/state"]}"#;
        fs::write(folder.path().join(OLD_NOTE), old).unwrap();
        let mut memory = AnnouncedTopics::open(&notes(folder.path(), "m.db"), "");
        assert_eq!(memory.unique_id(), "moodring_hall");
        memory.announce(announcement("attic", "homeassistant"));
        assert_eq!(memory.former()[0].state_topic, "moodring/hall/state");
        assert_eq!(memory.former()[0].status_topic, "moodring/hall/status");
    }

    #[test]
    fn a_copied_card_is_told_once_and_what_the_documents_say_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let id = "0123456789abcdef0123456789abcdef";
        let on = |serial: Option<&str>| {
            let machine = Machine::of(id, serial);
            let note = notes(folder.path(), "m.db");
            let was = note.path(NOTE).and_then(|path| read(&path));
            let is_moved = was.is_some_and(|was| moved(&was, &machine).is_some());
            let mut memory = AnnouncedTopics::open_on(&machine, &note, "moodring_hall");
            memory.announce(announcement("hall", "homeassistant"));
            (is_moved, memory.unique_id().to_owned())
        };
        let (is_moved, original) = on(Some("10000000a1b2c3d4"));
        assert!(!is_moved);
        assert_eq!(on(Some("10000000a1b2c3d4")), (false, original.clone()));
        // Where the board cannot be read nothing is logged, and nothing is forgotten.
        assert_eq!(on(None), (false, original.clone()));
        assert_eq!(on(Some("10000000ffffffff")), (true, original.clone()));
        assert_eq!(
            on(Some("10000000ffffffff")),
            (false, original.clone()),
            "once"
        );
        fs::remove_file(folder.path().join(format!("m.db{NOTE}"))).unwrap();
        let (is_moved, copy) = on(Some("10000000ffffffff"));
        assert!(!is_moved);
        assert_ne!(copy, original, "the copy is another device now");
    }

    #[test]
    fn nonsense_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        for nonsense in [
            "",
            "{}",
            "[1]",
            "\u{0}",
            r#"{"unique_id":"moodring_/#"}"#,
            &" ".repeat(70_000),
        ] {
            let path = folder.path().join(format!("m.db{NOTE}"));
            fs::write(&path, nonsense).unwrap();
            assert!(is_id(
                AnnouncedTopics::open(&notes(folder.path(), "m.db"), "").unique_id()
            ));
        }
    }
}
