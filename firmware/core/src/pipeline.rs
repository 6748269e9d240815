//! All rooms in order: a frame goes in, people, a mood and events come out. Runs the nets behind their traits.
//!
//! All buffers are fields (about 170 kB): nothing is allocated, and a pipeline is best kept in a box or a static.

mod settings;
#[cfg(test)]
mod tests;
mod turn;

pub use settings::{Settings, SettingsError};

use crate::{
    align::align,
    classify::{CROP_PX, ClassifyNet, Crop, classify},
    detect::{DetectNet, Face, NetError, decode},
    event::{Event, Events},
    expression::{Expression, Scores},
    frame::{Frame, Millis},
    letterbox::Letterbox,
    mood::{Candidate, MoodGuard, MoodState},
    nms::suppress,
    smooth::Smoother,
    track::{MAX_FACES, Track, TrackId, Tracker},
};
use heapless::Vec;

/// Boxes kept before suppression; of more, the best.
pub const MAX_CANDIDATES: usize = 1024;
/// Faces of one photo that are classified; of more, the best detected.
pub const MAX_PHOTO_FACES: usize = 256;
/// Faces of one frame that can be classified.
pub const MAX_CROPS: usize = MAX_FACES;

/// A part of the work, in the order of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The frame shrunk into the detector's input.
    Letterbox,
    /// The detector's forward pass.
    Detect,
    /// Its output decoded and suppressed.
    Decode,
    /// Upright crops.
    Align,
    /// The classifier's forward passes.
    Classify,
    /// Tracks, smoothing and mood.
    Track,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Letterbox,
        Self::Detect,
        Self::Decode,
        Self::Align,
        Self::Classify,
        Self::Track,
    ];

    /// The name in tables and metrics: lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Letterbox => "letterbox",
            Self::Detect => "detect",
            Self::Decode => "decode",
            Self::Align => "align",
            Self::Classify => "classify",
            Self::Track => "track",
        }
    }
}

/// A confirmed face and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Its number.
    pub track: TrackId,
    /// As last seen, in frame pixels.
    pub face: Face,
    /// Whether it is in this frame; else it is occluded.
    pub visible: bool,
    /// The smoothed scores.
    pub scores: Scores,
    /// The last scores as the net gave them.
    pub raw: Scores,
    /// The likeliest expression by the smoothed scores.
    pub expression: Expression,
    /// Its smoothed probability, 0 to 1.
    pub confidence: f32,
    /// When it was first seen.
    pub since: Millis,
}

/// What a step found. Lent by the pipeline until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The pipeline's time: the frame's, unless frames ran backwards before; it never does.
    pub time: Millis,
    /// The faces found in this frame, the best first, in frame pixels; not all of them count yet.
    pub faces: &'a [Face],
    /// All confirmed people, the oldest track first.
    pub people: &'a [Person],
    /// The mood.
    pub mood: MoodState,
    /// What happened since the last report.
    pub events: &'a [Event],
}

/// A face of a single photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoFace {
    /// Where it is, in frame pixels; [`Face::roll_deg`] tells its tilt.
    pub face: Face,
    /// What it shows.
    pub scores: Scores,
}

/// What the tracker remembers for us.
#[derive(Clone, Copy, Debug, Default)]
struct Note {
    smoother: Smoother,
    raw: Option<Scores>,
}

/// From frames to a mood.
///
/// ```
/// use moodring_core::{
///     classify::{ClassifyNet, Crop},
///     detect::{Channels, DetectNet, Head, InputShape, NetError},
///     frame::{Frame, Millis, PixelFormat},
///     mood::Mood,
///     pipeline::{Pipeline, Settings},
/// };
///
/// /// An engine that never finds a face.
/// struct Blind([u8; 64 * 64]);
///
/// impl DetectNet for Blind {
///     fn shape(&self) -> InputShape {
///         InputShape { width_px: 64, height_px: 64, channels: Channels::Grey, padding: 128 }
///     }
///     fn input(&mut self) -> &mut [u8] {
///         &mut self.0
///     }
///     fn run(&mut self) -> Result<[Head<'_>; 3], NetError> {
///         Ok([8, 16, 32].map(|stride_px| Head { stride_px, cols: 0, rows: 0, cells: &[] }))
///     }
/// }
///
/// impl ClassifyNet for Blind {
///     fn run(&mut self, _: &Crop) -> Result<[f32; 7], NetError> {
///         Ok([0.0; 7])
///     }
/// }
///
/// let (detector, classifier) = (Blind([0; 64 * 64]), Blind([0; 64 * 64]));
/// let mut pipeline = Pipeline::new(detector, classifier, Settings::default())?;
/// let picture = [0; 160 * 120];
/// let frame = Frame::packed(&picture, PixelFormat::Grey, (160, 120), Millis(33))?;
/// let report = pipeline.step(&frame, &mut |_stage| {})?;
/// assert_eq!(report.mood.mood, Mood::Nobody);
/// assert!(report.people.is_empty());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<D, C> {
    detector: D,
    classifier: C,
    settings: Settings,
    clock: Clock,
    faces: Vec<Face, MAX_CANDIDATES>,
    crops: Vec<Crop, MAX_CROPS>,
    photo: Vec<PhotoFace, MAX_PHOTO_FACES>,
    tracker: Tracker<Note>,
    people: Vec<Person, MAX_FACES>,
    guard: MoodGuard,
    events: Events,
    told: bool,
}

impl<D: DetectNet, C: ClassifyNet> Pipeline<D, C> {
    /// A pipeline that has seen nothing.
    ///
    /// # Errors
    /// [`SettingsError`] if a setting is out of range.
    pub fn new(detector: D, classifier: C, settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            detector,
            classifier,
            settings,
            clock: Clock::default(),
            faces: Vec::new(),
            crops: Vec::new(),
            photo: Vec::new(),
            tracker: Tracker::new(),
            people: Vec::new(),
            guard: MoodGuard::new(),
            events: Events::new(),
            told: false,
        })
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings from the next frame on; people stay known.
    ///
    /// # Errors
    /// [`SettingsError`] if one is out of range; then the old ones stay.
    pub fn set(&mut self, settings: Settings) -> Result<(), SettingsError> {
        settings.validate()?;
        self.settings = settings;
        Ok(())
    }

    /// The detector's net.
    pub const fn detector_mut(&mut self) -> &mut D {
        &mut self.detector
    }

    /// The classifier's net.
    pub const fn classifier_mut(&mut self) -> &mut C {
        &mut self.classifier
    }

    /// Takes in the next frame of a stream.
    ///
    /// `mark` is called when a stage is done: the time since the last call, or since the step began, belongs to it.
    /// [`Stage::Track`] comes twice, before and after the crops are read; the others once.
    ///
    /// # Errors
    /// [`NetError`] from a net. The next step goes on as if this frame had not been sent; no event is lost.
    pub fn step(
        &mut self,
        frame: &Frame<'_>,
        mark: &mut impl FnMut(Stage),
    ) -> Result<Report<'_>, NetError> {
        let time = self.clock.advance(frame.time());
        if core::mem::take(&mut self.told) {
            self.events.clear();
        }
        self.find(frame, self.settings.min_face_px, mark)?;
        self.tracker
            .update(&self.faces, time, &self.settings.track, &mut self.events);
        mark(Stage::Track);
        self.read(frame, time, mark)?;
        self.collect();
        self.judge((frame.width_px(), frame.height_px()), time);
        mark(Stage::Track);
        self.told = true;
        Ok(Report {
            time,
            faces: &self.faces,
            people: &self.people,
            mood: self.guard.state(),
            events: &self.events,
        })
    }

    /// All faces of a single photo that are at least `min_face_px` high, the best first, in frame pixels. Leaves the
    /// stream's people and mood alone.
    ///
    /// # Errors
    /// [`NetError`] from the detector.
    pub fn detect(&mut self, frame: &Frame<'_>, min_face_px: f32) -> Result<&[Face], NetError> {
        self.find(frame, min_face_px, &mut |_| {})?;
        Ok(&self.faces)
    }

    /// The same with what each face shows; of more than [`MAX_PHOTO_FACES`] faces, the best.
    ///
    /// # Errors
    /// [`NetError`] from a net.
    pub fn analyze(
        &mut self,
        frame: &Frame<'_>,
        min_face_px: f32,
    ) -> Result<&[PhotoFace], NetError> {
        self.find(frame, min_face_px, &mut |_| {})?;
        self.photo.clear();
        let mut crop = [0; CROP_PX * CROP_PX];
        for face in self.faces.iter().take(MAX_PHOTO_FACES) {
            align(frame, face, &mut crop);
            let scores = classify(&mut self.classifier, &crop)?;
            // The loop takes no more than fit.
            let _ = self.photo.push(PhotoFace {
                face: *face,
                scores,
            });
        }
        Ok(&self.photo)
    }

    /// Fills `faces` with those in the frame, the best first.
    fn find(
        &mut self,
        frame: &Frame<'_>,
        min_face_px: f32,
        mark: &mut impl FnMut(Stage),
    ) -> Result<(), NetError> {
        self.faces.clear();
        let size = (frame.width_px(), frame.height_px());
        let letterbox = Letterbox::new(size, self.detector.shape());
        letterbox.fill(frame, self.detector.input())?;
        mark(Stage::Letterbox);
        let heads = self.detector.run()?;
        mark(Stage::Detect);
        decode(&heads, self.settings.score_threshold, &mut self.faces)?;
        let kept = suppress(&mut self.faces, self.settings.nms_iou);
        self.faces.truncate(kept);
        for face in &mut self.faces {
            *face = letterbox.face_to_frame(face);
        }
        self.faces.retain(|face| face.rect.h >= min_face_px);
        mark(Stage::Decode);
        Ok(())
    }

    /// Classifies the faces whose turn it is and smooths their scores.
    fn read(
        &mut self,
        frame: &Frame<'_>,
        time: Millis,
        mark: &mut impl FnMut(Stage),
    ) -> Result<(), NetError> {
        let max_faces = self.settings.max_faces;
        let chosen = turn::choose(self.tracker.tracks(), max_faces, |note: &Note| {
            &note.smoother
        });
        // As many as are chosen, and those are no more than fit.
        let _ = self.crops.resize(chosen.len(), [0; CROP_PX * CROP_PX]);
        let tracks = self.tracker.tracks_mut();
        for (&i, crop) in chosen.iter().zip(&mut self.crops) {
            align(frame, &tracks[i].face, crop);
        }
        mark(Stage::Align);
        for (&i, crop) in chosen.iter().zip(&self.crops) {
            let raw = classify(&mut self.classifier, crop)?;
            let note = &mut tracks[i].note;
            note.raw = Some(raw);
            note.smoother.update(&raw, time, self.settings.smooth_ms);
        }
        mark(Stage::Classify);
        Ok(())
    }

    fn collect(&mut self) {
        let confirmed = self.tracker.tracks().iter().filter(|t| t.confirmed);
        self.people = confirmed.map(person).collect();
    }

    fn judge(&mut self, frame_px: (u32, u32), time: Millis) {
        let candidates = self.people.iter().map(|person| Candidate {
            track: person.track,
            rect: person.face.rect,
            since: person.since,
            scores: person.scores,
        });
        let candidates: Vec<Candidate, MAX_FACES> = candidates.collect();
        let settings = &self.settings.mood;
        if let Some(change) = self.guard.update(&candidates, frame_px, time, settings) {
            // Fits by `MAX_EVENTS`; the tracker says more.
            let _ = self.events.push(change);
        }
    }
}

fn person(track: &Track<Note>) -> Person {
    let scores = track.note.smoother.scores().unwrap_or(Scores::UNKNOWN);
    let (expression, confidence) = scores.top();
    Person {
        track: track.id,
        face: track.face,
        visible: track.visible,
        scores,
        raw: track.note.raw.unwrap_or(Scores::UNKNOWN),
        expression,
        confidence,
        since: track.first_seen,
    }
}

/// Frame times made monotonic: a step backwards counts as no time, and what follows goes on from there.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    now: Millis,
    last: Option<Millis>,
}

impl Clock {
    fn advance(&mut self, time: Millis) -> Millis {
        self.now = match self.last {
            Some(last) => Millis(self.now.0.saturating_add(time.since(last))),
            None => time,
        };
        self.last = Some(time);
        self.now
    }
}
