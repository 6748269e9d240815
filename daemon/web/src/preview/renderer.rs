//! The renderer thread: requests a frame when somebody watches, draws each mode that is watched, encodes JPEG.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use moodring_base::{
    config::Settings,
    snapshot::{Person, Snapshot},
};
use moodring_camera::jpeg::FrameDecoder;
use moodring_core::frame::Frame;
use moodring_vision::{self as vision, VisionError};

use super::{
    Jpeg, Mode, Shared, handoff::SeenFrame, jpeg_frame::JpegFrame, lingering::LingeringFaces,
    nets::PreviewNets, overlays,
};

/// How long to wait for a frame before checking whether anybody still wants one.
const FRAME_WAIT: Duration = Duration::from_millis(500);
/// How much lower this thread's priority is than the pipeline's (nice).
const NICE: i32 = 10;
/// How long a mark stays on a face that is not found: a frame or two, so that it does not blink; after a cut in a film it would
/// hang in empty air.
const HELD_MS: u64 = 150;

pub(super) struct Renderer {
    shared: Arc<Shared>,
    nets: PreviewNets,
    stickers: overlays::Stickers,
    lingering: LingeringFaces,
    period: Duration,
}

/// Why a picture was not drawn. Then none is sent, least of all one with faces that should be blurred.
#[derive(Debug, thiserror::Error)]
enum RenderError {
    #[error(transparent)]
    Vision(#[from] VisionError),
    #[error(transparent)]
    Image(#[from] image::ImageError),
}

impl Renderer {
    pub(super) fn new(shared: Arc<Shared>, settings: &Settings) -> Self {
        Self {
            period: Duration::from_secs_f32(1.0 / shared.settings.rate),
            shared,
            nets: PreviewNets::new(settings),
            stickers: overlays::Stickers::default(),
            lingering: LingeringFaces::default(),
        }
    }

    /// Until the vision thread is gone.
    pub(super) fn work(&mut self) {
        // Where the system refuses, it is as important as the others.
        let _ = rustix::process::nice(NICE);
        let (mut seen_frame, mut decoder) = (SeenFrame::default(), FrameDecoder::new(true));
        let shared = Arc::clone(&self.shared);
        while shared.handoff.wait_for(|| shared.is_wanted()) {
            let start = Instant::now();
            if !shared.handoff.take(&mut seen_frame, FRAME_WAIT) {
                continue;
            }
            let Some(frame) = seen_frame.whole(&mut decoder) else {
                continue;
            };
            if let Err(error) = self.serve(&frame, &seen_frame.snapshot) {
                tracing::warn!("no preview: {error}");
            }
            // At most half of a core, however slow the machine is.
            let took = start.elapsed();
            thread::sleep(self.period.saturating_sub(took).max(took.min(self.period)));
        }
    }

    fn serve(&mut self, frame: &Frame<'_>, snapshot: &Snapshot) -> Result<(), RenderError> {
        let stills = std::mem::take(&mut *self.shared.stills());
        if !stills.is_empty() {
            let jpeg = JpegFrame::still(frame).encode_still()?;
            for asked in stills {
                // The requester may be gone.
                let _ = asked.send(Jpeg::clone(&jpeg));
            }
        }
        let shared = Arc::clone(&self.shared);
        let mut modes = Mode::ALL
            .into_iter()
            .filter(|mode| shared.is_watched(*mode));
        let Some(first) = modes.next() else {
            return Ok(());
        };
        let plain = JpegFrame::preview(frame);
        for mode in std::iter::once(first).chain(modes) {
            let jpeg = self.draw(mode, plain.clone(), frame, snapshot)?;
            self.shared.pictures[mode as usize].send_if_modified(|newest| {
                // It may have been switched off meanwhile.
                let on = self.shared.until.borrow().is_some();
                if on {
                    *newest = Some(jpeg);
                }
                on
            });
        }
        Ok(())
    }

    /// One picture of a frame.
    #[cfg(test)]
    pub(super) fn draw_alone(&mut self, mode: Mode, frame: &Frame<'_>, people: &Snapshot) -> Jpeg {
        let plain = JpegFrame::preview(frame);
        self.draw(mode, plain, frame, people).expect("it is drawn")
    }

    fn draw(
        &mut self,
        mode: Mode,
        mut jpeg_frame: JpegFrame,
        frame: &Frame<'_>,
        snapshot: &Snapshot,
    ) -> Result<Jpeg, RenderError> {
        // The person who counts is first in the list and drawn last, over the others.
        let people = snapshot.people.iter().rev();
        let seen = people
            .clone()
            .filter(|person| snapshot.time.since(person.last_seen) <= HELD_MS);
        match mode {
            Mode::Emoji => {
                for person in seen {
                    let face = jpeg_frame.place(&person.face);
                    let sticker = self.stickers.of(person.mood.mood(), &face);
                    overlays::emoji(&mut jpeg_frame.rgb, &face, person.roll_deg, sticker);
                }
            }
            Mode::Boxes => {
                for person in seen {
                    let face = jpeg_frame.place(&person.face);
                    overlays::boxes(&mut jpeg_frame.rgb, &face, &label(person));
                }
            }
            Mode::Blur => {
                let found = self.nets.faces(frame)?;
                let known = self.lingering.update(people, snapshot.time);
                for face in known.chain(found) {
                    let face = jpeg_frame.place(&face);
                    overlays::blur(&mut jpeg_frame.rgb, &face);
                }
            }
            Mode::Heat => {
                for person in seen {
                    let read = self.nets.read(frame, person.face)?;
                    let from_crop = jpeg_frame.place_crop(&read.from_crop);
                    if let Some(map) = &read.map {
                        vision::overlay(&mut jpeg_frame.rgb, &from_crop, map);
                        let face = jpeg_frame.place(&person.face);
                        // The expression whose heat is drawn, whatever mood is shown.
                        let likeliest = read.reading.scores.top().0;
                        overlays::label(&mut jpeg_frame.rgb, &face, likeliest.name());
                    }
                }
            }
        }
        Ok(jpeg_frame.encode_preview()?)
    }
}

/// What the person shows, as on every other output.
fn label(person: &Person) -> String {
    let mood = person.mood;
    format!("{} {:.0}%", mood.mood().name(), mood.confidence() * 100.0)
}
