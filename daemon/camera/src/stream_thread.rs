//! A thread that reads a byte stream, cuts it into frames and hands them over, so that the camera thread need not wait
//! for a read that hangs.

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use moodring_base::{contain::catch_panic, shutdown::Shutdown};

use super::{frame_pacer::STOP_CHECK_INTERVAL, pump::Raw};

/// What happens to a frame that nobody fetched when the next is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// It is replaced: whoever sends does not wait for us.
    Newest,
    /// The stream waits: whoever writes is slowed down.
    Every,
}

/// How the bytes of a fed frame hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StreamFormat {
    /// A whole JPEG.
    Jpeg,
    /// Raw planes.
    Raw(Raw),
}

/// Why a feed gives no frame now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoFrame {
    /// One was broken.
    Bad(String),
    /// None came in time.
    Silent,
    /// None will come any more; the cause.
    Over(String),
    /// The waiting was called off.
    Stopped,
}

#[derive(Debug, Default)]
enum StreamItem {
    #[default]
    None,
    Frame(StreamFormat),
    Bad(String),
}

#[derive(Debug, Default)]
struct StreamSlot {
    item: StreamItem,
    bytes: Vec<u8>,
    started: bool,
    over: Option<String>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<StreamSlot>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, StreamSlot> {
        // A slot is whole at every moment, also when a thread died holding it.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits in slices until `ready`.
    fn wait(
        &self,
        timeout: Duration,
        stop: &Shutdown,
        ready: impl Fn(&StreamSlot) -> bool,
    ) -> Result<MutexGuard<'_, StreamSlot>, NoFrame> {
        let due = Instant::now() + timeout;
        let mut slot = self.lock();
        loop {
            if stop.has_begun() {
                return Err(NoFrame::Stopped);
            }
            if ready(&slot) {
                return Ok(slot);
            }
            if let Some(cause) = &slot.over {
                return Err(NoFrame::Over(cause.clone()));
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NoFrame::Silent);
            }
            slot = self
                .changed
                .wait_timeout(slot, left.min(STOP_CHECK_INTERVAL))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The thread's side.
pub(super) struct Producer {
    shared: Arc<Shared>,
    keep: Overflow,
}

impl Producer {
    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Hands over a frame; `false` if nobody listens any more.
    pub(super) fn put(&self, wire: StreamFormat, bytes: &[u8]) -> bool {
        let mut slot = self.wait_for_space();
        slot.bytes.clear();
        slot.bytes.extend_from_slice(bytes);
        slot.item = StreamItem::Frame(wire);
        slot.started = true;
        self.shared.changed.notify_all();
        !slot.closed
    }

    /// Hands over the reason of a broken frame; `false` if the camera's side is dropped.
    pub(super) fn put_bad(&self, reason: &str) -> bool {
        let mut slot = self.wait_for_space();
        slot.item = StreamItem::Bad(reason.into());
        self.shared.changed.notify_all();
        !slot.closed
    }

    fn wait_for_space(&self) -> MutexGuard<'_, StreamSlot> {
        let mut slot = self.shared.lock();
        while self.keep == Overflow::Every && !matches!(slot.item, StreamItem::None) && !slot.closed
        {
            slot = self
                .shared
                .changed
                .wait(slot)
                .unwrap_or_else(PoisonError::into_inner);
        }
        slot
    }
}

/// The camera's side. Dropping it asks the thread to end and does not wait for it: it may hang in a read.
pub(super) struct FrameStream {
    shared: Arc<Shared>,
    bytes: Vec<u8>,
}

impl FrameStream {
    /// Runs `work` on a thread of its own; what it returns is the cause of the stream's end.
    ///
    /// # Errors
    /// If no thread can be made.
    pub(super) fn spawn(
        name: &str,
        keep: Overflow,
        work: impl FnOnce(&Producer) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let producer = Producer {
            shared: Arc::clone(&shared),
            keep,
        };
        std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let who = "the thread that reads it";
                let cause = catch_panic(who, || work(&producer)).unwrap_or_else(|panic| panic);
                producer.shared.lock().over = Some(cause);
                producer.shared.changed.notify_all();
            })?;
        Ok(Self {
            shared,
            bytes: Vec::new(),
        })
    }

    /// Waits until the first frame came.
    ///
    /// # Errors
    /// Never [`NoFrame::Bad`].
    pub(super) fn wait_started(&self, timeout: Duration, stop: &Shutdown) -> Result<(), NoFrame> {
        self.shared
            .wait(timeout, stop, |slot| slot.started)
            .map(drop)
    }

    /// Waits for a frame; [`FrameStream::bytes`] then has it.
    ///
    /// # Errors
    /// [`NoFrame`]. What was handed over before the end still comes.
    pub(super) fn next(
        &mut self,
        timeout: Duration,
        stop: &Shutdown,
    ) -> Result<StreamFormat, NoFrame> {
        let ready = |slot: &StreamSlot| !matches!(slot.item, StreamItem::None);
        let mut slot = self.shared.wait(timeout, stop, ready)?;
        let item = mem::take(&mut slot.item);
        mem::swap(&mut slot.bytes, &mut self.bytes);
        drop(slot);
        self.shared.changed.notify_all();
        match item {
            StreamItem::Frame(wire) => Ok(wire),
            StreamItem::Bad(reason) => Err(NoFrame::Bad(reason)),
            StreamItem::None => Err(NoFrame::Silent),
        }
    }

    /// The bytes of the last frame.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for FrameStream {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn silence_and_stop_end_the_waiting() {
        let stop = Shutdown::default();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let mut stream = FrameStream::spawn("test", Overflow::Newest, move |_| {
            // Returns when the test ends and drops its side.
            let _ = held.recv();
            String::new()
        })
        .unwrap();
        let short = Duration::from_millis(1);
        assert_eq!(stream.next(short, &stop), Err(NoFrame::Silent));
        stop.begin();
        assert_eq!(stream.next(LONG, &stop), Err(NoFrame::Stopped));
        drop(hold);
    }

    #[test]
    fn a_reader_that_panics_is_the_end_of_its_stream() {
        let mut stream =
            FrameStream::spawn("test", Overflow::Newest, |_| panic!("no such luck")).unwrap();
        let over = stream.next(LONG, &Shutdown::default());
        assert!(matches!(over, Err(NoFrame::Over(cause)) if cause.contains("no such luck")));
    }

    #[test]
    fn the_newest_replaces_what_nobody_fetched() {
        let stop = Shutdown::default();
        let (all, sent) = std::sync::mpsc::channel();
        let mut stream = FrameStream::spawn("test", Overflow::Newest, move |producer| {
            for i in 0..5 {
                producer.put(StreamFormat::Jpeg, &[i]);
            }
            all.send(()).unwrap();
            String::new()
        })
        .unwrap();
        stream.wait_started(LONG, &stop).unwrap();
        sent.recv().unwrap();
        stream.next(LONG, &stop).unwrap();
        assert_eq!(stream.bytes(), [4]);
    }
}
