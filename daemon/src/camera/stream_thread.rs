//! A thread that reads a byte stream, cuts it into frames and hands them over, so that a reader can be given up on.

use std::{
    io::{self, Read},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    jpeg_splitter::{JpegSplitter, SplitResult},
    stop_signal::{SLICE, StopSignal},
};

/// What happens to a frame that nobody fetched when the next is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// It is replaced: whoever sends does not wait for us.
    Newest,
    /// The stream waits: whoever writes is slowed down.
    Every,
}

/// How the bytes of a fed frame hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamFormat {
    /// A whole JPEG.
    Jpeg,
    /// Raw planes of the size that was asked for.
    I420,
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
        stop: &StopSignal,
        ready: impl Fn(&StreamSlot) -> bool,
    ) -> Result<MutexGuard<'_, StreamSlot>, NoFrame> {
        let due = Instant::now() + timeout;
        let mut slot = self.lock();
        loop {
            if stop.is_set() {
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
                .wait_timeout(slot, left.min(SLICE))
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
    /// Says that the other end answered; frames may follow.
    pub(super) fn set_started(&self) {
        self.shared.lock().started = true;
        self.shared.changed.notify_all();
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Hands over a frame; `false` if nobody listens any more.
    pub(super) fn put(&self, wire: StreamFormat, bytes: &[u8]) -> bool {
        let mut slot = self.room();
        slot.bytes.clear();
        slot.bytes.extend_from_slice(bytes);
        slot.item = StreamItem::Frame(wire);
        self.shared.changed.notify_all();
        !slot.closed
    }

    /// Tells of a broken frame; `false` if nobody listens any more.
    pub(super) fn put_bad(&self, reason: &str) -> bool {
        let mut slot = self.room();
        slot.item = StreamItem::Bad(reason.into());
        self.shared.changed.notify_all();
        !slot.closed
    }

    fn room(&self) -> MutexGuard<'_, StreamSlot> {
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

/// The camera's side. Dropping it tells the thread to end; it is not waited for, because it may sit in a read.
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
                let cause = work(&producer);
                producer.shared.lock().over = Some(cause);
                producer.shared.changed.notify_all();
            })?;
        Ok(Self {
            shared,
            bytes: Vec::new(),
        })
    }

    /// Waits until the other end answered.
    ///
    /// # Errors
    /// Never [`NoFrame::Bad`].
    pub(super) fn wait_started(&self, timeout: Duration, stop: &StopSignal) -> Result<(), NoFrame> {
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
        stop: &StopSignal,
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

/// Reads to the end and hands over every frame. JPEG if the stream begins as one, else raw frames of `raw_bytes`,
/// if given. `Ok` at the end of the stream or when nobody listens.
///
/// # Errors
/// Those of the reader.
pub(super) fn pump(
    reader: &mut dyn Read,
    raw_bytes: Option<usize>,
    producer: &Producer,
) -> io::Result<()> {
    let mut head = [0_u8; 3];
    let mut filled = 0;
    while filled < head.len() {
        match read_some(reader, &mut head[filled..])? {
            0 => return Ok(()),
            n => filled += n,
        }
    }
    match raw_bytes {
        Some(bytes) if head != [0xFF, 0xD8, 0xFF] => pump_raw(reader, &head, bytes, producer),
        _ => pump_jpeg(reader, &head, producer),
    }
}

fn pump_jpeg(reader: &mut dyn Read, head: &[u8], producer: &Producer) -> io::Result<()> {
    let mut splitter = JpegSplitter::default();
    splitter.push(head);
    let mut listening = true;
    while listening {
        match splitter.next_piece() {
            SplitResult::Jpeg(range) => {
                listening = producer.put(StreamFormat::Jpeg, splitter.bytes(range))
            }
            SplitResult::Bad(reason) => listening = producer.put_bad(reason),
            SplitResult::More => match splitter.read_from(reader) {
                Ok(0) => break,
                Ok(_) => listening = !producer.is_closed(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            },
        }
    }
    if listening && splitter.is_inside() {
        producer.put_bad("the stream ended inside a picture");
    }
    Ok(())
}

fn pump_raw(
    reader: &mut dyn Read,
    head: &[u8],
    bytes: usize,
    producer: &Producer,
) -> io::Result<()> {
    let mut frame = vec![0_u8; bytes.max(head.len())];
    frame[..head.len()].copy_from_slice(head);
    let mut filled = head.len();
    loop {
        while filled < frame.len() {
            match read_some(reader, &mut frame[filled..])? {
                0 if filled == 0 => return Ok(()),
                0 => {
                    producer.put_bad("the stream ended inside a raw frame");
                    return Ok(());
                }
                n => filled += n,
            }
        }
        filled = 0;
        if !producer.put(StreamFormat::I420, &frame) {
            return Ok(());
        }
    }
}

fn read_some(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::jpeg::tests::ramp, *};

    const LONG: Duration = Duration::from_secs(20);

    fn stream(bytes: Vec<u8>, raw: Option<usize>) -> FrameStream {
        FrameStream::spawn("test", Overflow::Every, move |producer| {
            match pump(&mut &bytes[..], raw, producer) {
                Ok(()) => "end".into(),
                Err(e) => e.to_string(),
            }
        })
        .unwrap()
    }

    #[test]
    fn every_jpeg_comes_and_then_the_end() {
        let stop = StopSignal::default();
        let (a, b) = (ramp(16, 16, 0), ramp(24, 8, 50));
        let mut stream = stream([&a[..], b"junk", &b, &a[..40]].concat(), Some(100));
        assert_eq!(stream.next(LONG, &stop), Ok(StreamFormat::Jpeg));
        assert_eq!(stream.bytes(), a);
        assert_eq!(stream.next(LONG, &stop), Ok(StreamFormat::Jpeg));
        assert_eq!(stream.bytes(), b);
        assert!(matches!(stream.next(LONG, &stop), Err(NoFrame::Bad(_))));
        assert_eq!(stream.next(LONG, &stop), Err(NoFrame::Over("end".into())));
    }

    #[test]
    fn raw_frames_are_cut_by_size() {
        let stop = StopSignal::default();
        let mut stream = stream((0..25).collect(), Some(10));
        assert_eq!(stream.next(LONG, &stop), Ok(StreamFormat::I420));
        assert_eq!(stream.bytes(), (0..10).collect::<Vec<u8>>());
        assert_eq!(stream.next(LONG, &stop), Ok(StreamFormat::I420));
        assert!(matches!(stream.next(LONG, &stop), Err(NoFrame::Bad(_))));
        assert!(matches!(stream.next(LONG, &stop), Err(NoFrame::Over(_))));
    }

    #[test]
    fn silence_and_stop_end_the_waiting() {
        let stop = StopSignal::default();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let mut stream = FrameStream::spawn("test", Overflow::Newest, move |_| {
            // Returns when the test ends and drops its side.
            let _ = held.recv();
            String::new()
        })
        .unwrap();
        let short = Duration::from_millis(1);
        assert_eq!(stream.next(short, &stop), Err(NoFrame::Silent));
        stop.set();
        assert_eq!(stream.next(LONG, &stop), Err(NoFrame::Stopped));
        drop(hold);
    }

    #[test]
    fn the_newest_replaces_what_nobody_fetched() {
        let stop = StopSignal::default();
        let mut stream = FrameStream::spawn("test", Overflow::Newest, |producer| {
            for i in 0..5 {
                producer.put(StreamFormat::Jpeg, &[i]);
            }
            producer.set_started();
            String::new()
        })
        .unwrap();
        stream.wait_started(LONG, &stop).unwrap();
        stream.next(LONG, &stop).unwrap();
        assert_eq!(stream.bytes(), [4]);
    }
}
