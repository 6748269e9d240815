//! Keeps a copy of a store whose file lies in RAM: restored at the start, renewed now and then and at the end. This
//! spares an SD card, and the rest of the system can be read-only. A power cut loses what came after the last copy;
//! events that were confirmed after it may be sent twice.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use moodring_base::{config::StoreSettings, files};
use rusqlite::Connection;

/// Where the copy is kept, and how often it is renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyPlan {
    /// The copy's file; its folder is made if it is not there.
    pub path: PathBuf,
    /// Time from one copy to the next.
    pub every: Duration,
}

impl CopyPlan {
    /// The plan of the settings; `None` for no copies.
    pub fn of(settings: &StoreSettings) -> Option<Self> {
        (!settings.copy.is_empty()).then(|| Self {
            path: settings.copy.clone().into(),
            every: Duration::from_secs(settings.copy_minutes * 60),
        })
    }
}

/// Renews the copy.
#[derive(Debug)]
pub(super) struct Copier {
    plan: CopyPlan,
    made: Instant,
    failing: bool,
}

impl Copier {
    /// Brings the copy back if the store's own file is gone, as after a restart of the machine.
    pub(super) fn begin(plan: CopyPlan, file: &Path) -> Self {
        if !file.exists() && plan.path.exists() {
            match bring(&plan.path, file) {
                Ok(()) => tracing::info!("the store was brought back from {}", plan.path.display()),
                Err(error) => tracing::warn!(
                    "the store cannot be brought back from {}: {error}; it begins anew",
                    plan.path.display()
                ),
            }
        }
        Self {
            plan,
            made: Instant::now(),
            failing: false,
        }
    }

    /// Whether it is time, if anything was committed since the last copy.
    pub(super) fn is_due(&self, committed: Option<Instant>) -> bool {
        self.is_behind(committed) && self.made.elapsed() >= self.plan.every
    }

    /// Whether anything was committed since the last copy.
    pub(super) fn is_behind(&self, committed: Option<Instant>) -> bool {
        committed.is_some_and(|committed| committed > self.made)
    }

    /// Replaces the copy in one step. A disk that does not take it is logged once, and tried again.
    pub(super) fn renew(&mut self, connection: &Connection) {
        self.made = Instant::now();
        match write(connection, &self.plan.path) {
            Ok(()) => self.failing = false,
            Err(error) => {
                if !self.failing {
                    let path = self.plan.path.display();
                    tracing::warn!(
                        "the store's copy {path} cannot be written: {error}; trying again"
                    );
                }
                self.failing = true;
            }
        }
    }
}

fn bring(copy: &Path, file: &Path) -> io::Result<()> {
    files::replace(file, &fs::read(copy)?, files::PRIVATE)
}

fn write(connection: &Connection, copy: &Path) -> io::Result<()> {
    moodring_base::regular_file::check_if_there(copy)?;
    files::create_folder(files::folder_of(copy))?;
    let draft = files::beside(copy, ".new");
    files::remove(&draft)?;
    // SQLite's own way to write a whole and consistent file while the other is in use; it takes an empty one, with its rights.
    let file = files::create_new(&draft, files::PRIVATE)?;
    let name = draft.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(io::Error::other)?;
    file.sync_all()?;
    fs::rename(&draft, copy)?;
    files::sync_folder(files::folder_of(copy))
}
