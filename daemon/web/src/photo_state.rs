//! What uploads share: the thread that reads photos, and the limit on photos that are uploaded, wait or are read.

use std::{io, net::IpAddr, sync::Arc};

use moodring_base::config::Settings;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    counters::Counter,
    photo_worker::{PhotoWorker, QUEUE},
    shares::{Share, Shares},
};

/// What a form adds around a photo, in bytes.
const FORM_OVERHEAD_BYTES: usize = 16 * 1024;
/// Megabytes of all photos together that are uploaded, wait or are read, if one alone may not have more.
const MAX_QUEUED_MB: u32 = 24;

/// The state of uploads.
pub(super) struct PhotoState {
    pub(super) worker: PhotoWorker,
    /// The largest photo in megabytes.
    pub(super) upload_mb: u32,
    /// Photos that were read.
    pub(super) read: Counter,
    uploads: Arc<Shares>,
    /// Kilobytes of all photos on their way together.
    memory: Arc<Semaphore>,
}

/// A photo's place, from its first byte to its answer.
#[derive(Debug)]
pub(super) struct UploadPermit {
    _share: Share,
    _memory: OwnedSemaphorePermit,
}

impl PhotoState {
    /// Starts the worker.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(settings: &Settings) -> io::Result<Self> {
        let upload_mb = settings.web.upload_mb;
        let most = u64::from(upload_mb.max(MAX_QUEUED_MB)) * 1_000_000 + FORM_OVERHEAD_BYTES as u64;
        Ok(Self {
            worker: PhotoWorker::start(settings)?,
            upload_mb,
            read: Counter::default(),
            uploads: Shares::new(QUEUE),
            memory: Arc::new(Semaphore::new(kilobytes(most) as usize)),
        })
    }

    /// The largest body in bytes: a photo, and what a form adds around it.
    pub(super) fn most_bytes(&self) -> usize {
        self.upload_mb as usize * 1_000_000 + FORM_OVERHEAD_BYTES
    }

    /// Takes a place for what a request announces; one that announces nothing may be as large as any.
    pub(super) fn permit(&self, from: IpAddr, announced: Option<u64>) -> Option<UploadPermit> {
        let bytes = announced.unwrap_or(self.most_bytes() as u64);
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(kilobytes(bytes));
        Some(UploadPermit {
            _share: self.uploads.take(from)?,
            _memory: memory.ok()?,
        })
    }
}

fn kilobytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1_000)).unwrap_or(u32::MAX)
}
