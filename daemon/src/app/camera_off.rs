//! Keeps the camera switched off over a restart of the daemon or the machine, by a note beside the store. Other things
//! that were switched at run time are as in the settings again after a restart.

use std::time::{Duration, Instant};

use moodring_base::command::Switch;
use moodring_camera::CameraControl;
use moodring_store::notes::Notes;

/// A note that was just written is left alone for so long, so that frequent toggling does not wear the SD card.
const MIN_WRITE_INTERVAL: Duration = Duration::from_secs(2);

/// What is wanted of the camera at the start: off, if it was off when the daemon ended.
pub(super) fn control(notes: &Notes) -> CameraControl {
    let control = CameraControl::default();
    if notes.camera_is_off() {
        control.switch(Switch::Off);
        tracing::info!(
            "the camera stays off, as it was switched; the page, MQTT or a button switches it on"
        );
    }
    control
}

/// The note, written when a change lasts.
#[derive(Debug)]
pub(super) struct CameraOffFile {
    notes: Notes,
    noted: bool,
    wanted: bool,
    changed: Option<Instant>,
    written: Option<Instant>,
    /// Whether the warning that nothing can be noted was logged.
    warned: bool,
}

impl CameraOffFile {
    pub(super) fn new(notes: Notes) -> Self {
        let noted = notes.camera_is_off();
        Self {
            notes,
            noted,
            wanted: noted,
            changed: None,
            written: None,
            warned: false,
        }
    }

    /// The camera is wanted on or off. The first change is noted at once, those that follow it closely when they last.
    pub(super) fn set(&mut self, off: bool, now: Instant) {
        (self.wanted, self.changed) = (off, Some(now));
        if self.due().is_some_and(|due| due <= now) {
            self.write(now);
        }
    }

    /// When there is something to write; `None`: there is nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let changed = self.changed.filter(|_| self.wanted != self.noted)?;
        Some(
            self.written
                .map_or(changed, |written| changed.max(written + MIN_WRITE_INTERVAL)),
        )
    }

    /// Writes what is wanted now. A failed write is a warning: after a restart the camera would be as it was.
    pub(super) fn write(&mut self, now: Instant) {
        if self.wanted == self.noted {
            return;
        }
        if self.wanted && self.notes.store().is_none() && !self.warned {
            self.warned = true;
            tracing::warn!(
                "the camera is off, but only until moodring ends: without a file for [store] path nothing notes it, so after a \
                 restart it is on again"
            );
        }
        if let Err(error) = self.notes.set_camera_off(self.wanted) {
            let state = if self.wanted { "on" } else { "off" };
            tracing::warn!(
                "the note on the camera: {error}; after a restart it will be {state} again"
            );
        }
        (self.noted, self.written) = (self.wanted, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_base::config::StoreSettings;

    #[test]
    fn one_note_for_each_change_that_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings {
            path: folder.path().join("m.db").to_str().unwrap().to_owned(),
            ..StoreSettings::default()
        };
        let notes = Notes::open(&settings, "desk");
        let mut note = CameraOffFile::new(notes.clone());
        let begin = Instant::now() + Duration::from_secs(1);
        note.set(true, begin);
        assert!(notes.camera_is_off(), "the first at once");
        for step in 0..1_000 {
            note.set(step % 2 == 0, begin + Duration::from_millis(step));
            assert!(notes.camera_is_off(), "and then none for a while");
        }
        let due = note.due().unwrap();
        assert_eq!(due, begin + MIN_WRITE_INTERVAL);
        note.write(due);
        assert!(!notes.camera_is_off() && note.due().is_none());
        assert!(control(&notes).is_on());
        note.set(true, due + MIN_WRITE_INTERVAL);
        assert!(!control(&notes).is_on());
    }
}
