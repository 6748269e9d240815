//! Where the rows are now: the file, or memory while the file cannot be used, and the way between the two.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    StoreLimits, StoreLocation,
    database::Database,
    file::{self, FileProblem},
};

/// How long a disk that failed is left alone.
pub(super) const RETRY: Duration = Duration::from_secs(60);

/// Where the rows are.
pub(super) struct Storage {
    pub(super) database: Database,
    kind: StorageKind,
}

enum StorageKind {
    /// In this file.
    Disk(PathBuf),
    /// In memory, as configured or for want of a folder.
    Memory,
    /// In memory in place of a file that failed.
    Refuge(MemoryFallback),
}

struct MemoryFallback {
    path: PathBuf,
    reason: String,
    /// Whether all that waited in the file is in memory, too.
    whole: bool,
    since: Instant,
}

impl Storage {
    /// Opens what is configured; what cannot be used is said in the log.
    ///
    /// # Errors
    /// SQLite's, if not even memory can be had.
    pub(super) fn open(place: StoreLocation) -> Result<Self, rusqlite::Error> {
        match place {
            StoreLocation::Memory => Self::memory(),
            StoreLocation::Nowhere => {
                tracing::warn!(
                    "no folder for the store ($STATE_DIRECTORY, $XDG_STATE_HOME and $HOME are not set): events are kept \
                     in memory, and a restart loses those that the broker does not have yet. Set [store] path"
                );
                Self::memory()
            }
            StoreLocation::File(path) => match file::open_or_begin_anew(&path) {
                Ok(database) => Ok(Self::disk(path, database)),
                Err(trouble) => Self::fallback(path, &trouble.to_string(), None),
            },
        }
    }

    fn memory() -> Result<Self, rusqlite::Error> {
        Ok(Self {
            database: file::memory()?,
            kind: StorageKind::Memory,
        })
    }

    fn disk(path: PathBuf, database: Database) -> Self {
        Self {
            database,
            kind: StorageKind::Disk(path),
        }
    }

    /// On in memory, with what waits in the file as far as it can be read.
    fn fallback(
        path: PathBuf,
        reason: &str,
        disk: Option<&Database>,
    ) -> Result<Self, rusqlite::Error> {
        let mut database = file::memory()?;
        let whole = disk.is_some_and(|disk| disk.salvage_into(&mut database));
        tracing::warn!(
            "the store {} cannot be used: {reason}. Going on in memory, trying again every minute; \
             a restart before that loses events that the broker does not have yet",
            path.display()
        );
        let reason = reason.to_owned();
        let since = Instant::now();
        Ok(Self {
            database,
            kind: StorageKind::Refuge(MemoryFallback {
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
    /// As [`Storage::open`]; everything is as it was then.
    pub(super) fn fail(&mut self, trouble: FileProblem) -> Result<(), rusqlite::Error> {
        // The file must be closed before it is set aside; so there is a home in between.
        let failed = std::mem::replace(self, Self::memory()?);
        *self = match (failed.kind, trouble) {
            (StorageKind::Disk(path), FileProblem::Damaged(reason)) => {
                drop(failed.database);
                match file::begin_anew(&path, &reason) {
                    Ok(database) => Self::disk(path, database),
                    Err(trouble) => Self::fallback(path, &trouble.to_string(), None)?,
                }
            }
            (StorageKind::Disk(path), FileProblem::Unusable(reason)) => {
                Self::fallback(path, &reason, Some(&failed.database))?
            }
            (kind, trouble) => {
                tracing::error!("the store in memory failed: {trouble}");
                Self {
                    database: failed.database,
                    kind,
                }
            }
        };
        Ok(())
    }

    /// Back from memory to the file, if it is time (or `now`) and that works again. True if so.
    pub(super) fn go_back(&mut self, now: bool) -> bool {
        let StorageKind::Refuge(fallback) = &mut self.kind else {
            return false;
        };
        if !now && fallback.since.elapsed() < RETRY {
            return false;
        }
        fallback.since = Instant::now();
        let memory = &self.database;
        let back = file::open_or_begin_anew(&fallback.path).and_then(|mut disk| {
            disk.take_back(memory, fallback.whole)?;
            Ok(disk)
        });
        match back {
            Ok(database) => {
                tracing::info!("the store {} works again", fallback.path.display());
                *self = Self::disk(fallback.path.clone(), database);
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
            StorageKind::Refuge(fallback) => Some(&fallback.reason),
            StorageKind::Disk(_) | StorageKind::Memory => None,
        }
    }

    /// What fits there.
    pub(super) fn bounds(&self, wanted: StoreLimits) -> StoreLimits {
        match self.kind {
            StorageKind::Disk(_) => wanted,
            StorageKind::Memory | StorageKind::Refuge(_) => wanted.in_memory(),
        }
    }
}
