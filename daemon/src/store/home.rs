//! Where the rows are now: the file, or memory while the file cannot be used, and the way between the two.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    Bounds, Place,
    file::{self, Trouble},
    ledger::Ledger,
};

/// How long a disk that failed is left alone.
pub(super) const RETRY: Duration = Duration::from_secs(60);

/// Where the rows are.
pub(super) struct Home {
    pub(super) ledger: Ledger,
    kind: Kind,
}

enum Kind {
    /// In this file.
    Disk(PathBuf),
    /// In memory, as configured or for want of a folder.
    Memory,
    /// In memory in place of a file that failed.
    Refuge(Refuge),
}

struct Refuge {
    path: PathBuf,
    reason: String,
    /// Whether all that waited in the file is in memory, too.
    whole: bool,
    since: Instant,
}

impl Home {
    /// Opens what is configured; what cannot be used is said in the log.
    ///
    /// # Errors
    /// SQLite's, if not even memory can be had.
    pub(super) fn open(place: Place) -> Result<Self, rusqlite::Error> {
        match place {
            Place::Memory => Self::memory(),
            Place::Nowhere => {
                tracing::warn!(
                    "no folder for the store ($STATE_DIRECTORY, $XDG_STATE_HOME and $HOME are not set): events are kept \
                     in memory, and a restart loses those that the broker does not have yet. Set [store] path"
                );
                Self::memory()
            }
            Place::File(path) => match file::open_or_begin_anew(&path) {
                Ok(ledger) => Ok(Self::disk(path, ledger)),
                Err(trouble) => Self::refuge(path, &trouble.to_string(), None),
            },
        }
    }

    fn memory() -> Result<Self, rusqlite::Error> {
        Ok(Self {
            ledger: file::memory()?,
            kind: Kind::Memory,
        })
    }

    fn disk(path: PathBuf, ledger: Ledger) -> Self {
        Self {
            ledger,
            kind: Kind::Disk(path),
        }
    }

    /// On in memory, with what waits in the file as far as it can be read.
    fn refuge(path: PathBuf, reason: &str, disk: Option<&Ledger>) -> Result<Self, rusqlite::Error> {
        let mut ledger = file::memory()?;
        let whole = disk.is_some_and(|disk| disk.salvage_into(&mut ledger));
        tracing::warn!(
            "the store {} cannot be used: {reason}. Going on in memory, trying again every minute; \
             a restart before that loses events that the broker does not have yet",
            path.display()
        );
        let reason = reason.to_owned();
        let since = Instant::now();
        Ok(Self {
            ledger,
            kind: Kind::Refuge(Refuge {
                path,
                reason,
                whole,
                since,
            }),
        })
    }

    /// The place failed: a new file if this one is damaged, else memory.
    ///
    /// # Errors
    /// As [`Home::open`]; everything is as it was then.
    pub(super) fn fail(&mut self, trouble: Trouble) -> Result<(), rusqlite::Error> {
        // The file must be closed before it is set aside; so there is a home in between.
        let failed = std::mem::replace(self, Self::memory()?);
        *self = match (failed.kind, trouble) {
            (Kind::Disk(path), Trouble::Damaged(reason)) => {
                drop(failed.ledger);
                match file::begin_anew(&path, &reason) {
                    Ok(ledger) => Self::disk(path, ledger),
                    Err(trouble) => Self::refuge(path, &trouble.to_string(), None)?,
                }
            }
            (Kind::Disk(path), Trouble::Unusable(reason)) => {
                Self::refuge(path, &reason, Some(&failed.ledger))?
            }
            (kind, trouble) => {
                tracing::error!("the store in memory failed: {trouble}");
                Self {
                    ledger: failed.ledger,
                    kind,
                }
            }
        };
        Ok(())
    }

    /// Back from memory to the file, if it is time (or `now`) and that works again. True if so.
    pub(super) fn go_back(&mut self, now: bool) -> bool {
        let Kind::Refuge(refuge) = &mut self.kind else {
            return false;
        };
        if !now && refuge.since.elapsed() < RETRY {
            return false;
        }
        refuge.since = Instant::now();
        let memory = &self.ledger;
        let back = file::open_or_begin_anew(&refuge.path).and_then(|mut disk| {
            disk.take_back(memory, refuge.whole)?;
            Ok(disk)
        });
        match back {
            Ok(ledger) => {
                tracing::info!("the store {} works again", refuge.path.display());
                *self = Self::disk(refuge.path.clone(), ledger);
                true
            }
            Err(trouble) => {
                tracing::debug!("the store still cannot be used: {trouble}");
                false
            }
        }
    }

    /// Why it is not where it should be, if it is not.
    pub(super) fn trouble(&self) -> Option<&str> {
        match &self.kind {
            Kind::Refuge(refuge) => Some(&refuge.reason),
            Kind::Disk(_) | Kind::Memory => None,
        }
    }

    /// What fits there.
    pub(super) fn bounds(&self, wanted: Bounds) -> Bounds {
        match self.kind {
            Kind::Disk(_) => wanted,
            Kind::Memory | Kind::Refuge(_) => wanted.in_memory(),
        }
    }
}
