//! Keeps the resting face of the one person before this device over restarts: seven numbers in a note beside the store.

use moodring_base::control::{CalibrationProgress, CalibrationState};
use moodring_core::calibration::CalibrationStep;
use moodring_store::notes::Notes;

/// The note, and what is known.
#[derive(Debug)]
pub(super) struct CalibrationFile {
    notes: Notes,
    state: CalibrationState,
    runs: u32,
}

impl CalibrationFile {
    /// What was kept when the daemon ended. A note that cannot be read counts as none, with a warning.
    pub(super) fn open(notes: Notes) -> Self {
        let kept = notes.calibration().unwrap_or_else(|error| {
            tracing::warn!("the kept resting face: {error}; going on without it. Calibrate again");
            None
        });
        if kept.is_some() {
            tracing::info!(
                "a kept resting face is taken off; the page, MQTT and Home Assistant show and erase it"
            );
        }
        let state = CalibrationState {
            kept,
            ..CalibrationState::default()
        };
        Self {
            notes,
            state,
            runs: 0,
        }
    }

    /// What is known now.
    pub(super) const fn state(&self) -> CalibrationState {
        self.state
    }

    /// Somebody wants to be learned; the number of this run.
    pub(super) fn start(&mut self) -> u32 {
        tracing::info!("calibrating: one person looks at the camera calmly for five seconds");
        self.runs = self.runs.wrapping_add(1);
        self.state.progress = CalibrationProgress::Running(0, None);
        self.runs
    }

    /// Forgets what is kept, on the disk too, and stops.
    pub(super) fn erase(&mut self) {
        self.state = CalibrationState::default();
        match self.notes.set_calibration(None) {
            Ok(()) => tracing::info!("the kept resting face is erased"),
            Err(error) => tracing::error!(
                "the kept resting face is not taken off any more, but its note stays: {error}"
            ),
        }
    }

    /// Takes in how far it is. What was learned is kept on the disk.
    pub(super) fn take(&mut self, step: CalibrationStep) {
        self.state = self.state.after(step);
        match step {
            CalibrationStep::Running(..) => {}
            CalibrationStep::GivenUp(wait) => {
                tracing::warn!("nothing was calibrated: {}", wait.text());
            }
            CalibrationStep::Done(kept) => match self.notes.set_calibration(Some(&kept)) {
                Ok(()) if self.notes.store().is_some() => {
                    tracing::info!("calibrated: the resting face is kept, as seven numbers");
                }
                Ok(()) => tracing::info!("calibrated, until the daemon ends: there is no store"),
                Err(error) => {
                    tracing::warn!("calibrated, but only until the daemon ends: {error}");
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::{calibration::CalibrationWait, expression::Scores, resting::Calibration};

    use super::*;
    use moodring_base::config::StoreSettings;

    #[test]
    fn it_is_kept_over_a_restart_and_erased_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings {
            path: folder.path().join("m.db").display().to_string(),
            ..StoreSettings::default()
        };
        let open = || CalibrationFile::open(Notes::open(&settings, "desk"));
        let face = Calibration::new(Scores([0.51, 0.02, 0.03, 0.1, 0.1, 0.04, 0.2])).unwrap();
        let mut file = open();
        assert_eq!((file.start(), file.state().name()), (1, "running"));
        file.take(CalibrationStep::Done(face));
        drop(file);
        let mut file = open();
        let kept = file.state().kept.expect("kept");
        for (a, b) in kept.scores().0.iter().zip(face.scores().0) {
            assert!((a - b).abs() < 1e-4, "{kept:?}");
        }
        file.start();
        file.take(CalibrationStep::GivenUp(CalibrationWait::Several));
        assert_eq!(
            (file.state().name(), file.state().kept),
            ("failed", Some(kept))
        );
        file.erase();
        assert_eq!(file.state(), CalibrationState::default());
        drop(file);
        assert_eq!(open().state(), CalibrationState::default());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "the lock: {left:?}");
    }

    #[test]
    fn a_broken_note_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings {
            path: folder.path().join("m.db").display().to_string(),
            ..StoreSettings::default()
        };
        for text in [
            "",
            "{}",
            "[1,2]",
            r#"{"angry":9,"disgust":0,"fear":0,"happy":0,"sad":0,"surprise":0,"neutral":0}"#,
            r#"{"angry":0.5,"neutral":0.5}"#,
        ] {
            let path = Notes::open(&settings, "desk")
                .path(".resting.json")
                .unwrap();
            std::fs::write(path, text).unwrap();
            let file = CalibrationFile::open(Notes::open(&settings, "desk"));
            assert_eq!(file.state(), CalibrationState::default(), "{text}");
        }
    }
}
