//! Holds the database that is in use: the file's, or one in memory while the file cannot be used; and moves rows
//! between them.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
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
pub(super) struct FileOrMemory {
    pub(super) database: Database,
    kind: StorageKind,
}

enum StorageKind {
    /// In this file.
    Disk(OpenFile),
    /// In memory, as configured or for want of a folder.
    Memory,
    /// In memory in place of a file that failed.
    Fallback(MemoryFallback),
}

/// Which file is open, to notice when another stands in its place.
struct OpenFile {
    path: PathBuf,
    /// Device, number and length at the last look.
    seen: Option<(u64, u64, u64)>,
}

impl OpenFile {
    fn new(path: PathBuf) -> Self {
        Self {
            seen: look_at(&path),
            path,
        }
    }

    /// Why it is not what was opened any more, if it is not.
    fn is_gone(&mut self) -> Option<&'static str> {
        let before = self.seen?;
        let Some(now) = look_at(&self.path) else {
            return Some("it was deleted");
        };
        if (now.0, now.1) != (before.0, before.1) {
            return Some("another file stands in its place");
        }
        if now.2 < before.2 {
            return Some("it was cut short");
        }
        self.seen = Some(now);
        None
    }
}

fn look_at(path: &Path) -> Option<(u64, u64, u64)> {
    let about = fs::metadata(path).ok()?;
    Some((about.dev(), about.ino(), about.len()))
}

struct MemoryFallback {
    path: PathBuf,
    reason: String,
    /// Whether all that waited in the file is in memory, too.
    whole: bool,
    since: Instant,
    /// Whether the history in the file is to be deleted when it can be used again.
    forget: bool,
}

impl FileOrMemory {
    /// Opens what is configured; what cannot be used is logged.
    ///
    /// # Errors
    /// SQLite's, if not even memory can be had.
    pub(super) fn open(location: StoreLocation) -> Result<Self, rusqlite::Error> {
        match location {
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
            kind: StorageKind::Disk(OpenFile::new(path)),
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
            kind: StorageKind::Fallback(MemoryFallback {
                path,
                reason,
                whole,
                since,
                forget: false,
            }),
        })
    }

    /// The place failed: a new file if this one is damaged, else memory.
    ///
    /// # Errors
    /// As [`FileOrMemory::open`]; everything is as it was then.
    pub(super) fn fail(&mut self, trouble: FileProblem) -> Result<(), rusqlite::Error> {
        // The file must be closed before it is set aside; so the store is in memory in between.
        let failed = std::mem::replace(self, Self::memory()?);
        *self = match (failed.kind, trouble) {
            (StorageKind::Disk(OpenFile { path, .. }), FileProblem::Gone(reason)) => {
                Self::begin_after(path, &reason, failed.database)?
            }
            (StorageKind::Disk(OpenFile { path, .. }), FileProblem::Damaged(reason)) => {
                drop(failed.database);
                match file::begin_anew(&path, &reason) {
                    Ok(database) => Self::disk(path, database),
                    Err(trouble) => Self::fallback(path, &trouble.to_string(), None)?,
                }
            }
            (StorageKind::Disk(OpenFile { path, .. }), FileProblem::Unusable(reason)) => {
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

    /// A new file in the place of one that vanished, with what waits and can still be read.
    fn begin_after(path: PathBuf, reason: &str, gone: Database) -> Result<Self, rusqlite::Error> {
        let mut waiting = file::memory()?;
        gone.salvage_into(&mut waiting);
        // Its log of changes goes with it.
        drop(gone);
        let begun = file::open_or_begin_anew(&path).and_then(|mut disk| {
            disk.take_back(&waiting, false)?;
            Ok(disk)
        });
        match begun {
            Ok(database) => {
                let (saved, path_shown) = (database.counts.waiting, path.display());
                tracing::warn!(
                    "the store {path_shown} vanished ({reason}): a new one begins, with {saved} waiting events"
                );
                Ok(Self::disk(path, database))
            }
            Err(trouble) => {
                let reason = format!("{reason}, and no new one can be made: {trouble}");
                let mut fallback = Self::fallback(path, &reason, None)?;
                fallback.database = waiting;
                Ok(fallback)
            }
        }
    }

    /// Whether the file is not what was opened any more.
    pub(super) fn gone(&mut self) -> Option<FileProblem> {
        match &mut self.kind {
            StorageKind::Disk(file) => file
                .is_gone()
                .map(|reason| FileProblem::Gone(reason.into())),
            StorageKind::Memory | StorageKind::Fallback(_) => None,
        }
    }

    /// The file became shorter by our own doing.
    pub(super) fn was_shortened(&mut self) {
        if let StorageKind::Disk(file) = &mut self.kind {
            file.seen = look_at(&file.path);
        }
    }

    /// The file, whether it can be used now or not.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.kind {
            StorageKind::Disk(file) => Some(&file.path),
            StorageKind::Fallback(fallback) => Some(&fallback.path),
            StorageKind::Memory => None,
        }
    }

    /// The history of a file that cannot be used now is deleted when it can.
    pub(super) fn forget_later(&mut self) {
        if let StorageKind::Fallback(fallback) = &mut self.kind {
            fallback.forget = true;
        }
    }

    /// Back from memory to the file, if it is time (or `now`) and that works again. True if so.
    pub(super) fn go_back(&mut self, now: bool) -> bool {
        let StorageKind::Fallback(fallback) = &mut self.kind else {
            return false;
        };
        if !now && fallback.since.elapsed() < RETRY {
            return false;
        }
        fallback.since = Instant::now();
        let (memory, forget) = (&self.database, fallback.forget);
        let back = file::open_or_begin_anew(&fallback.path).and_then(|mut disk| {
            let deleted = if forget { disk.forget()? } else { 0 };
            disk.take_back(memory, fallback.whole)?;
            if !fallback.whole {
                // Memory never had them, so nobody counted them there.
                disk.add_unreported(deleted)?;
            }
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
            StorageKind::Fallback(fallback) => Some(&fallback.reason),
            StorageKind::Disk(_) | StorageKind::Memory => None,
        }
    }

    /// What fits there.
    pub(super) fn limits(&self, wanted: StoreLimits) -> StoreLimits {
        match self.kind {
            StorageKind::Disk(_) => wanted,
            StorageKind::Memory | StorageKind::Fallback(_) => wanted.in_memory(),
        }
    }
}
