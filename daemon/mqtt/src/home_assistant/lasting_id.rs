//! Makes the id by which Home Assistant knows a device for ever, and notices another board: a card may be copied.

use std::{fs, path::Path};

use moodring_base::message::RunId;

/// Where boards with a device tree (Raspberry Pi, Jetson) have their serial number.
const SERIAL: &str = "/proc/device-tree/serial-number";

/// What is known of the machine that this runs on.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    /// `/etc/machine-id`, 32 hexadecimal digits; anything else if there is none. Copies of a card share it.
    id: String,
    /// The board's serial number, where everybody may read it; no two share it.
    serial: Option<String>,
    in_container: bool,
}

impl Machine {
    pub(super) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let serial = read(SERIAL).trim_matches(['\0', ' ', '\n']).to_owned();
        // Some boards give zeros.
        let is_number =
            serial.len() >= 8 && serial.chars().any(|c| c.is_alphanumeric() && c != '0');
        Self {
            id: read("/etc/machine-id").trim().to_owned(),
            serial: is_number.then_some(serial),
            in_container: ["/.dockerenv", "/run/.containerenv"]
                .iter()
                .any(|file| Path::new(file).exists()),
        }
    }

    /// An id that no other device has. Machine and board make it the same again should the note be lost; containers of one
    /// image may share the machine's id, so there it is chance.
    pub(super) fn new_id(&self, store: &Path) -> String {
        let number = if self.id.len() == 32 && !self.in_container {
            let place = std::path::absolute(store).unwrap_or_else(|_| store.to_owned());
            let board = self.board().unwrap_or_default();
            let text = format!("moodring {} {}{board}", self.id, place.display());
            digest(&text)
        } else {
            RunId::random().number()
        };
        format!("moodring_{number:016x}")
    }

    /// The board, by a number that does not reveal its serial number; `None` where it has none to read.
    pub(super) fn board(&self) -> Option<String> {
        let serial = self.serial.as_ref()?;
        Some(format!(
            "{:016x}",
            digest(&format!("moodring board {serial}"))
        ))
    }
}

fn digest(text: &str) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref()[..8]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
impl Machine {
    pub(super) fn of(id: &str, serial: Option<&str>) -> Self {
        Self {
            id: id.into(),
            serial: serial.map(str::to_owned),
            in_container: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn copies_of_a_card_get_ids_of_their_own_and_a_lost_note_the_same_again() {
        let store = Path::new("/var/lib/moodring/moodring.db");
        let new = |serial: Option<&str>| Machine::of(ID, serial).new_id(store);
        assert_eq!(new(Some("10000000a1b2c3d4")), new(Some("10000000a1b2c3d4")));
        assert_ne!(new(Some("10000000a1b2c3d4")), new(Some("10000000a1b2c3d5")));
        assert_ne!(new(None), new(Some("10000000a1b2c3d4")));
        // Without a serial number as it always was: the id of a machine whose note is lost stays.
        assert_eq!(new(None), "moodring_070be0f6db57bc62");
        let other = Machine::of(ID, None).new_id(Path::new("/var/lib/moodring/other.db"));
        assert_ne!(other, new(None));
        let chance = Machine::of("", Some("10000000a1b2c3d4"));
        assert_ne!(chance.new_id(store), chance.new_id(store));
    }

    #[test]
    fn a_board_is_known_by_a_number_that_is_not_its_own() {
        let board = Machine::of(ID, Some("10000000a1b2c3d4")).board().unwrap();
        assert!(board.len() == 16 && !board.contains("a1b2c3d4"), "{board}");
        assert_eq!(Machine::of(ID, None).board(), None);
    }
}
