//! A satellite: receives messages, answers, shows the face, and falls asleep without a host.

use heapless::Deque;
use moodring_core::{frame::Millis, mood::Mood};
use moodring_face::look::Look;
use moodring_link::{
    decoder::{DecodeError, Decoder},
    frame::{Frame, encode},
    message::{self, Label, ToHost, ToSatellite},
};

use crate::{faces::Faces, panel::Panel, picture::BandedPicture};

/// So long without a message from the host, and the face falls asleep.
pub const SILENCE_MS: u64 = 10_000;
/// The brightest light of a face that fell asleep.
pub const ASLEEP_PERCENT: u8 = 10;
/// Answers that wait for the board to send them; if a host asks faster, the others are dropped.
const MAX_REPLIES: usize = 4;

/// A satellite: everything but pins and clock.
#[derive(Debug)]
pub struct Satellite {
    panel: Panel,
    decoder: Decoder<ToSatellite>,
    replies: Deque<ToHost, MAX_REPLIES>,
    /// Frames that came broken.
    broken: u16,
    /// When the last understood message came from the host.
    last_received: Millis,
    faces: Faces,
    label: Label,
    /// Set by the host.
    light_percent: u8,
    /// The host sent sleep.
    dark: bool,
    /// The last picture given out, and when. `None` before the first, and after darkness.
    drawn: Option<(BandedPicture, Millis)>,
}

impl Satellite {
    /// A face that waits for its host.
    pub fn new(panel: Panel, now: Millis) -> Self {
        Self {
            panel,
            decoder: Decoder::new(),
            replies: Deque::new(),
            broken: 0,
            last_received: now,
            faces: Faces::new(Look::Starting, now),
            label: Label::new(),
            light_percent: 100,
            dark: false,
            drawn: None,
        }
    }

    /// Takes what came over the line, in any pieces.
    pub fn receive(&mut self, bytes: &[u8], now: Millis) {
        for byte in bytes {
            match self.decoder.push(*byte) {
                None => {}
                Some(Ok(message)) => {
                    self.last_received = now;
                    self.obey(message, now);
                }
                Some(Err(DecodeError::Broken)) => self.broken = self.broken.saturating_add(1),
                // A host that cannot be understood does not keep a face awake that it never changes.
                Some(Err(DecodeError::Refused(refusal))) => self.answer(ToHost::Refused(refusal)),
                // An echo; answering would never end.
                Some(Err(_)) => {}
            }
        }
    }

    /// The next answer to be sent.
    pub fn reply(&mut self) -> Option<Frame> {
        self.replies.pop_front().map(|reply| encode(&reply))
    }

    /// Reports a fault of the board to the host.
    pub fn fault(&mut self, code: u16) {
        self.answer(ToHost::Fault { code });
    }

    /// The picture to draw now; `None` if the display shows it already, if it is too early for the next, or in the dark.
    pub fn picture(&mut self, now: Millis) -> Option<BandedPicture> {
        if self.dark {
            return None;
        }
        if self.is_silent(now) {
            self.faces.all(Mood::Nobody, now);
        }
        if let Some((_, time)) = &self.drawn
            && now.since(*time) < self.panel.frame_ms.into()
        {
            return None;
        }
        let picture = BandedPicture {
            panel: self.panel,
            poses: self.faces.poses(now),
            label: self.label.clone(),
        };
        if self
            .drawn
            .as_ref()
            .is_some_and(|(shown, _)| *shown == picture)
        {
            return None;
        }
        self.drawn = Some((picture.clone(), now));
        Some(picture)
    }

    /// How bright the display is to be lit, 0 to 100. Dark until there is a picture.
    pub fn light_percent(&self, now: Millis) -> u8 {
        if self.drawn.is_none() {
            0
        } else if self.is_silent(now) {
            self.light_percent.min(ASLEEP_PERCENT)
        } else {
            self.light_percent
        }
    }

    fn is_silent(&self, now: Millis) -> bool {
        now.since(self.last_received) >= SILENCE_MS
    }

    fn obey(&mut self, message: ToSatellite, now: Millis) {
        match message {
            ToSatellite::Hello { label, .. } => {
                self.label = label;
                self.answer(ToHost::Hello(self.panel.capabilities()));
            }
            ToSatellite::Show(look) => self.show(&[look], now),
            ToSatellite::Scene(looks) => self.show(&looks, now),
            ToSatellite::Dim { percent } => self.light_percent = percent.min(100),
            ToSatellite::Sleep => (self.dark, self.drawn) = (true, None),
            ToSatellite::Ping { number } => {
                let broken = self.broken;
                self.answer(ToHost::Pong { number, broken });
            }
            ToSatellite::Fault { code } => {
                self.dark = false;
                self.faces.all(Look::Fault(code), now);
            }
        }
    }

    fn show(&mut self, looks: &[message::ShownFace], now: Millis) {
        self.dark = false;
        self.faces.show(looks, now);
    }

    fn answer(&mut self, reply: ToHost) {
        // A host that does not read its answers does not miss them.
        let _full = self.replies.push_back(reply);
    }
}
