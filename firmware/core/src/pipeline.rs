//! Runs all steps in order: a frame goes in; people, a mood and events come out. The nets are behind their traits.
//!
//! All buffers are fields (about 150 kB): nothing is allocated, and a pipeline is best kept in a box or a static.

mod report;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;

pub use report::{Person, Report, Stage};
pub use settings::{Settings, SettingsError};

use crate::{
    align::{from_crop_at, landmarks_at, landmarks_roll_deg, wrap_deg},
    classify::{CROP_PX, ClassifyNet, Crop, Reading, classify},
    detect::{DetectNet, Face, NetError, decode},
    event::{Event, EventKind, Events},
    expression::Scores,
    frame::Millis,
    letterbox::Letterbox,
    mood::{Candidate, FaceMood, FaceMoodHysteresis, MoodSettings, Pending, SceneMood, View},
    motion::MotionWatch,
    nms::suppress,
    picture::Picture,
    pose::HeadPose,
    presence::{Before, Presence},
    resting::RestingFace,
    second_look::SecondLook,
    smooth::Smoother,
    track::{MAX_FACES, Track, Tracker},
};
use heapless::Vec;

/// Boxes kept before suppression; of more, the best.
pub const MAX_CANDIDATES: usize = 1024;
/// Faces of one frame that can be classified.
pub const MAX_CROPS: usize = MAX_FACES;

/// What the tracker remembers for us.
#[derive(Clone, Copy, Debug, Default)]
struct TrackData {
    smoother: Smoother,
    last_turn: Option<Millis>,
    raw: Option<Scores>,
    presence: Presence,
    second_look: SecondLook,
    head: HeadPose,
    /// Whether the last crop was too far from upright to be read; the next one is turned better.
    is_skewed: bool,
    facing: Option<bool>,
    turning: Pending<bool>,
    resting: RestingFace,
    mood_hysteresis: FaceMoodHysteresis,
    mood: Option<FaceMood>,
}

/// A crop with more tilt than this left is not read if the one before was: the next one will be upright.
const SKEWED_DEG: f32 = 15.0;

impl TrackData {
    /// How the next crop is turned: as the head was last, or as the landmarks lie, or far from that.
    fn crop_roll_deg(&self, face: &Face) -> f32 {
        if let Some(turn_deg) = self.second_look.due_deg() {
            return wrap_deg(landmarks_roll_deg(face) + turn_deg);
        }
        let known = self.head.roll_deg();
        known.unwrap_or_else(|| landmarks_roll_deg(face))
    }

    /// Takes in the net's reading of the crop that was cut by [`TrackData::crop_roll_deg`] out of a frame at `time`.
    fn take(
        &mut self,
        reading: &Reading,
        (face, is_confirmed): (&Face, bool),
        time: Millis,
        settings: &Settings,
    ) {
        let crop_roll_deg = self.crop_roll_deg(face);
        if self.second_look.due_deg().is_some() {
            if !self.second_look.judge(reading) {
                return;
            }
            // What the usual looks found is void.
            (self.presence, self.head) = (Presence::default(), HeadPose::default());
        }
        if let Some(logit) = reading.face {
            let confirm_ms = settings.track.confirm_ms;
            self.presence.update(logit, time, confirm_ms);
        }
        let threshold = settings.face_threshold;
        if !is_confirmed && !self.presence.is_face(threshold, Before::Unknown) {
            self.second_look.refuse();
        }
        if let Some(pose) = &reading.pose {
            self.head.update(pose, crop_roll_deg, time);
            let skewed = pose.roll_deg.abs() > SKEWED_DEG;
            self.is_skewed = skewed && !self.is_skewed;
            if self.is_skewed {
                return;
            }
        }
        self.raw = Some(reading.scores);
        let kept = settings.calibration.as_ref();
        let scores = if settings.resting {
            self.resting.update(&reading.scores, kept, time)
        } else {
            kept.map_or(reading.scores, |kept| kept.subtract_from(&reading.scores))
        };
        self.smoother.update(&scores, time, settings.smooth_ms);
    }

    /// Decides what the person shows; whether the person looks toward the camera if that changed.
    fn decide(&mut self, time: Millis, settings: &MoodSettings) -> Option<bool> {
        let scores = self.smoother.scores().unwrap_or(Scores::UNKNOWN);
        let view = if self.head.is_profile() {
            View::Profile
        } else {
            View::Readable
        };
        self.mood = Some(self.mood_hysteresis.update(&scores, view, time, settings));
        let wanted = self.head.is_facing()?;
        // For a new face the first direction counts at once.
        let before = self.facing.unwrap_or(wanted);
        let now = self
            .turning
            .settle(before, wanted, time, settings.person_hold_ms());
        let was_facing = self.facing.replace(now).unwrap_or(false);
        (now != was_facing).then_some(now)
    }
}

/// From frames to a mood.
///
/// ```
/// use moodring_core::{
///     classify::{Answer, ClassifyNet, Crop},
///     detect::{Cells, Channels, DetectNet, Head, InputShape, NetError},
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
///         Ok([8, 16, 32].map(|stride_px| Head { stride_px, cols: 0, rows: 0, cells: Cells::Reals(&[]) }))
///     }
/// }
///
/// impl ClassifyNet for Blind {
///     fn run(&mut self, _: &Crop) -> Result<Answer, NetError> {
///         Ok([0.0; 7].into())
///     }
/// }
///
/// let (detector, classifier) = (Blind([0; 64 * 64]), Blind([0; 64 * 64]));
/// let mut pipeline = Pipeline::new(detector, classifier, Settings::default())?;
/// let picture = [0; 160 * 120];
/// let frame = Frame::packed(&picture, PixelFormat::Grey, (160, 120), Millis(33))?;
/// let report = pipeline.step(&frame, &mut |_stage| {})?;
/// assert_eq!(report.mood.mood(), Mood::Nobody);
/// assert!(report.people.is_empty());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<D, C> {
    detector: D,
    classifier: C,
    settings: Settings,
    clock: MonotonicTime,
    motion: MotionWatch,
    looked: bool,
    faces: Candidates,
    frame_px: (u32, u32),
    crops: Vec<Crop, MAX_CROPS>,
    tracker: Tracker<TrackData>,
    people: Vec<Person, MAX_FACES>,
    scene_mood: SceneMood,
    events: Events,
    /// Whether the last report held the events: then the next step begins without them.
    events_reported: bool,
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
            clock: MonotonicTime::default(),
            motion: MotionWatch::new(),
            looked: false,
            faces: Vec::new(),
            frame_px: (0, 0),
            crops: Vec::new(),
            tracker: Tracker::new(),
            people: Vec::new(),
            scene_mood: SceneMood::new(),
            events: Events::new(),
            events_reported: false,
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

    /// Both nets.
    pub const fn nets(&self) -> (&D, &C) {
        (&self.detector, &self.classifier)
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
    /// [`Stage::Track`] comes twice, before and after the crops are read; the others once, but [`Stage::Detect`] and
    /// [`Stage::Decode`] only in frames that are looked at: see [`crate::motion`].
    ///
    /// # Errors
    /// [`NetError`] from a net. The next step goes on as if this frame had not been sent; no event is lost.
    pub fn step(
        &mut self,
        mut picture: impl Picture,
        mark: &mut impl FnMut(Stage),
    ) -> Result<Report<'_>, NetError> {
        let time = self.clock.advance(picture.time());
        if core::mem::take(&mut self.events_reported) {
            self.events.clear();
        }
        self.looked = self.is_worth_a_look(&mut picture, time);
        if self.looked {
            find(
                &mut self.detector,
                &mut picture,
                &self.settings,
                &mut self.faces,
                mark,
            )?;
        } else {
            self.faces.clear();
            mark(Stage::Letterbox);
        }
        self.fit_tracks_to(picture.size_px());
        self.follow(time);
        mark(Stage::Track);
        self.read(&mut picture, time, mark)?;
        self.conclude(time);
        mark(Stage::Track);
        Ok(self.report(time))
    }

    /// Takes in the frame's size. If the camera has another one now, the tracks move along.
    fn fit_tracks_to(&mut self, frame_px: (u32, u32)) {
        let before = core::mem::replace(&mut self.frame_px, frame_px);
        if before != frame_px && before.0 > 0 && before.1 > 0 {
            let factor = |now: u32, before: u32| now as f32 / before as f32;
            let (across, down) = (factor(frame_px.0, before.0), factor(frame_px.1, before.1));
            self.tracker.rescale(across, down);
        }
    }

    /// While somebody is in view every frame is searched; else [`MotionWatch`] decides.
    fn is_worth_a_look(&mut self, picture: &mut impl Picture, time: Millis) -> bool {
        if self.tracker.tracks().is_empty() {
            let settings = &self.settings.motion;
            return self
                .motion
                .needs_detection(&picture.thumbnail(), time, settings);
        }
        self.motion.note_person(time);
        true
    }

    /// Time passes without a frame: the camera is lost or off. People in view leave after their time.
    pub fn advance_without_frame(&mut self, time: Millis) -> Report<'_> {
        let time = self.clock.advance(time);
        if core::mem::take(&mut self.events_reported) {
            self.events.clear();
        }
        self.looked = false;
        self.faces.clear();
        self.follow(time);
        self.conclude(time);
        self.report(time)
    }

    fn follow(&mut self, time: Millis) {
        let threshold = self.settings.face_threshold;
        let is_person = |data: &TrackData, before| data.presence.is_face(threshold, before);
        let settings = &self.settings.track;
        self.tracker
            .update(&self.faces, time, settings, is_person, &mut self.events);
    }

    fn conclude(&mut self, time: Millis) {
        self.decide(time);
        self.collect();
        self.judge(self.frame_px, time);
        self.events_reported = true;
    }

    fn report(&self, time: Millis) -> Report<'_> {
        Report {
            time,
            looked: self.looked,
            faces: &self.faces,
            people: &self.people,
            mood: self.scene_mood.state(),
            events: &self.events,
        }
    }

    /// Classifies the faces whose turn it is and smooths their scores.
    fn read(
        &mut self,
        picture: &mut impl Picture,
        time: Millis,
        mark: &mut impl FnMut(Stage),
    ) -> Result<(), NetError> {
        let max_faces = self.settings.max_faces;
        let chosen = schedule::choose(self.tracker.tracks(), max_faces, |data: &TrackData| {
            data.last_turn
        });
        // As many as are chosen, and those are no more than fit.
        let _ = self.crops.resize(chosen.len(), [0; CROP_PX * CROP_PX]);
        let tracks = self.tracker.tracks_mut();
        for (&i, crop) in chosen.iter().zip(&mut self.crops) {
            let Track { face, data, .. } = &tracks[i];
            picture.cut(&from_crop_at(face, data.crop_roll_deg(face)), crop);
        }
        mark(Stage::Align);
        for (&i, crop) in chosen.iter().zip(&self.crops) {
            let reading = classify(&mut self.classifier, crop)?;
            let track = &mut tracks[i];
            track.data.last_turn = Some(time);
            let seen = (&track.face, track.confirmed);
            track.data.take(&reading, seen, time, &self.settings);
        }
        mark(Stage::Classify);
        Ok(())
    }

    /// What each person shows now, and who turned toward the camera or away.
    fn decide(&mut self, time: Millis) {
        let confirmed = self.tracker.tracks_mut().iter_mut();
        for track in confirmed.filter(|track| track.confirmed) {
            if let Some(facing) = track.data.decide(time, &self.settings.mood) {
                // Fits by `MAX_EVENTS`.
                let _ = self.events.push(Event {
                    time,
                    track: Some(track.id),
                    kind: EventKind::Facing { facing },
                });
            }
        }
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
            mood: person.mood,
            facing: person.facing,
        });
        let candidates: Vec<Candidate, MAX_FACES> = candidates.collect();
        let settings = &self.settings.mood;
        if let Some(change) = self
            .scene_mood
            .update(&candidates, frame_px, time, settings)
        {
            // Fits by `MAX_EVENTS`; see the tracker.
            let _ = self.events.push(change);
        }
    }
}

/// Faces found in one picture.
pub type Candidates = Vec<Face, MAX_CANDIDATES>;

/// Fills `faces` with those in the picture that the settings let through, the best first, in pixels of
/// the whole picture.
///
/// `mark` is called when a stage is done, as in [`Pipeline::step`].
///
/// # Errors
/// [`NetError`] from the detector.
pub fn find(
    detector: &mut impl DetectNet,
    mut picture: impl Picture,
    settings: &Settings,
    faces: &mut Candidates,
    mark: &mut impl FnMut(Stage),
) -> Result<(), NetError> {
    faces.clear();
    let letterbox = Letterbox::new(picture.size_px(), detector.shape());
    letterbox.fill(&picture.overview(), detector.input())?;
    letterbox.brighten(detector.input());
    mark(Stage::Letterbox);
    let heads = detector.run()?;
    mark(Stage::Detect);
    decode(&heads, settings.score_threshold, faces)?;
    let kept = suppress(faces, settings.nms_iou);
    faces.truncate(kept);
    for face in faces.iter_mut() {
        *face = letterbox.face_to_frame(face);
    }
    faces.retain(|face| face.rect.h >= settings.min_face_px);
    mark(Stage::Decode);
    Ok(())
}

fn person(track: &Track<TrackData>) -> Person {
    let known_deg = track.data.head.roll_deg();
    Person {
        track: track.id,
        face: Face {
            landmarks: known_deg.map_or(track.face.landmarks, |deg| landmarks_at(&track.face, deg)),
            ..track.face
        },
        visible: track.visible,
        roll_deg: known_deg.unwrap_or_else(|| track.face.roll_deg()),
        facing: track.data.facing,
        scores: track.data.smoother.scores().unwrap_or(Scores::UNKNOWN),
        raw: track.data.raw.unwrap_or(Scores::UNKNOWN),
        mood: track.data.mood.unwrap_or(FaceMood::UNKNOWN),
        since: track.first_seen,
        last_seen: track.last_seen,
    }
}

/// Frame times made monotonic: a step backwards counts as no time, and what follows goes on from there.
#[derive(Clone, Copy, Debug, Default)]
struct MonotonicTime {
    now: Millis,
    last: Option<Millis>,
}

impl MonotonicTime {
    fn advance(&mut self, time: Millis) -> Millis {
        self.now = match self.last {
            Some(last) => Millis(self.now.0.saturating_add(time.since(last))),
            None => time,
        };
        self.last = Some(time);
        self.now
    }
}
