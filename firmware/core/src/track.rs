//! Tracks faces from frame to frame, by overlap with their predicted place, then by nearness, and confirms them. Knows
//! no picture.

use crate::{
    detect::Face,
    event::{Event, EventKind, Events},
    frame::Millis,
    geometry::{Point, Rect},
    presence::Before,
    smooth::smoothing_factor,
};
use heapless::Vec;

/// A face's number, never reused in a run. It does not identify a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u32);

/// Faces followed at a time; more are not looked at until one has left.
pub const MAX_FACES: usize = 32;

/// How long it takes to believe that a face is there, and that it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSettings {
    /// A face counts once it has been seen for this long and at least twice, in milliseconds.
    pub confirm_ms: u64,
    /// A face is gone once it has not been seen for longer than this, in milliseconds.
    pub lost_ms: u64,
}

impl Default for TrackSettings {
    fn default() -> Self {
        Self {
            confirm_ms: 150,
            lost_ms: 1000,
        }
    }
}

/// Overlap from which a face is surely the same.
const SAME_IOU: f32 = 0.2;
/// Farthest centre of the same face right after it was seen, in sides of its box ...
const NEAR_SIDES: f32 = 0.75;
/// ... and how much farther for each second out of view.
const NEAR_SIDES_PER_S: f32 = 1.0;
/// A face of the same person does not grow or shrink by more than this from one sight to the next.
const SIZE_LIMIT: f32 = 2.0;
/// Time constant of the speed's smoothing.
const SPEED_TAU_MS: u64 = 150;
/// Nobody's speed is known for longer than this ahead.
const AHEAD_MS: u64 = 500;
/// After this gap, even in a slow source (a slide show), nothing shows that a face is the same one.
const SLOW_GAP_MS: u64 = 10_000;

/// One followed face, and the data that the owner keeps about it.
#[derive(Clone, Debug)]
pub struct Track<T> {
    /// Its number.
    pub id: TrackId,
    /// As last seen, in frame pixels.
    pub face: Face,
    /// When it was first seen.
    pub first_seen: Millis,
    /// When it was last seen.
    pub last_seen: Millis,
    /// Whether it is in the newest frame.
    pub visible: bool,
    /// Whether it has been seen long enough to count.
    pub confirmed: bool,
    /// What the owner wants to remember.
    pub data: T,
    sights: u32,
    /// Frame pixels per millisecond.
    speed: Point,
}

impl<T: Default> Track<T> {
    fn new(id: TrackId, face: &Face, time: Millis) -> Self {
        Self {
            id,
            face: *face,
            first_seen: time,
            last_seen: time,
            visible: true,
            confirmed: false,
            data: T::default(),
            sights: 1,
            speed: Point::default(),
        }
    }
}

impl<T> Track<T> {
    /// Where the box should be at `time` if the face keeps its speed.
    pub fn predicted(&self, time: Millis) -> Rect {
        let ahead = time.since(self.last_seen).min(AHEAD_MS);
        self.face.rect.moved(self.speed * ahead as f32)
    }

    fn see(&mut self, face: &Face, time: Millis) {
        let dt = time.since(self.last_seen);
        if dt > 0 {
            let way = face.rect.center() - self.face.rect.center();
            let change = way * (1.0 / dt as f32) - self.speed;
            self.speed = self.speed + change * smoothing_factor(dt, SPEED_TAU_MS);
        }
        self.face = *face;
        self.last_seen = self.last_seen.max(time);
        self.visible = true;
        self.sights = self.sights.saturating_add(1);
    }

    /// Whether it may still be the same face when one is found at `time`.
    fn is_alive(&self, time: Millis, settings: &TrackSettings) -> bool {
        let gap = time.since(self.last_seen);
        let patience = match (self.visible, self.confirmed) {
            (true, _) => SLOW_GAP_MS.max(settings.lost_ms),
            (false, true) => settings.lost_ms,
            (false, false) => settings.confirm_ms,
        };
        gap <= patience
    }
}

/// All followed faces.
///
/// ```
/// use moodring_core::{
///     detect::Face,
///     event::{EventKind, Events},
///     frame::Millis,
///     geometry::{Point, Rect},
///     track::{TrackSettings, Tracker},
/// };
///
/// let mut tracker = Tracker::<()>::new();
/// let mut events = Events::new();
/// for frame in 0..8 {
///     // A face that moves to the right.
///     let x = 100.0 + 4.0 * frame as f32;
///     let face = Face {
///         rect: Rect::new(x, 50.0, 80.0, 80.0),
///         landmarks: [Point::new(x, 50.0); 5],
///         score: 0.9,
///     };
///     let (now, settings) = (Millis(33 * frame), TrackSettings::default());
///     tracker.update(&[face], now, &settings, |(), _| true, &mut events);
/// }
/// assert_eq!(tracker.tracks().len(), 1);
/// assert_eq!(events[0].kind, EventKind::Appeared);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tracker<T> {
    tracks: Vec<Track<T>, MAX_FACES>,
    last_id: u32,
}

impl<T: Default> Tracker<T> {
    /// Nobody yet. The first track will have number 1.
    pub const fn new() -> Self {
        Self {
            tracks: Vec::new(),
            last_id: 0,
        }
    }

    /// All tracks, the oldest first: confirmed or not, visible or not.
    pub fn tracks(&self) -> &[Track<T>] {
        &self.tracks
    }

    /// The same, to write notes.
    pub fn tracks_mut(&mut self) -> &mut [Track<T>] {
        &mut self.tracks
    }

    /// The frames have other sides from now on, so many times as long across and down: a camera that changes its size shows the
    /// same people.
    pub fn rescale(&mut self, across: f32, down: f32) {
        let scaled = |p: Point| Point::new(p.x * across, p.y * down);
        for track in &mut self.tracks {
            let Rect { x, y, w, h } = track.face.rect;
            track.face.rect = Rect::new(x * across, y * down, w * across, h * down);
            track.face.landmarks = track.face.landmarks.map(scaled);
            track.speed = scaled(track.speed);
        }
    }

    /// Takes in the faces of the frame at `time`, the best first; those after the first [`MAX_FACES`] are not looked
    /// at. Adds who appeared and who left to `events`.
    ///
    /// `is_person` decides from a track's data whether its face counts, given whether it counted before. One that does not is
    /// tracked, but never confirmed or reported.
    pub fn update(
        &mut self,
        faces: &[Face],
        time: Millis,
        settings: &TrackSettings,
        is_person: impl Fn(&T, Before) -> bool,
        events: &mut Events,
    ) {
        self.forget(time, settings, events);
        let faces = &faces[..faces.len().min(MAX_FACES)];
        let mut pairs = Pairs::default();
        pairs.join(&self.tracks, faces, |track, face| {
            let iou = track.predicted(time).iou(&face.rect);
            (iou >= SAME_IOU).then_some(iou)
        });
        pairs.join(&self.tracks, faces, |track, face| {
            nearness(track, face, time)
        });
        for (i, track) in self.tracks.iter_mut().enumerate() {
            match pairs.face_of(i) {
                Some(face) => track.see(&faces[face], time),
                None => track.visible = false,
            }
        }
        self.forget(time, settings, events);
        for (i, face) in faces.iter().enumerate() {
            if !pairs.has_face(i) {
                self.begin(face, time);
            }
        }
        self.confirm(time, settings, is_person, events);
    }

    /// Removes the tracks that are gone.
    fn forget(&mut self, time: Millis, settings: &TrackSettings, events: &mut Events) {
        self.tracks.retain(|track| {
            let alive = track.is_alive(time, settings);
            if track.confirmed && !alive {
                let stayed_ms = track.last_seen.since(track.first_seen);
                emit(events, time, track.id, EventKind::Left { stayed_ms });
            }
            alive
        });
    }

    fn begin(&mut self, face: &Face, time: Millis) {
        // After four thousand million faces no number is left, and none may be used twice.
        if let Some(id) = self.last_id.checked_add(1)
            && self
                .tracks
                .push(Track::new(TrackId(id), face, time))
                .is_ok()
        {
            self.last_id = id;
        }
    }

    fn confirm(
        &mut self,
        time: Millis,
        settings: &TrackSettings,
        is_person: impl Fn(&T, Before) -> bool,
        events: &mut Events,
    ) {
        for track in &mut self.tracks {
            let seen_ms = track.last_seen.since(track.first_seen);
            let is_old = track.sights >= 2 && seen_ms >= settings.confirm_ms;
            if !track.confirmed && is_old && is_person(&track.data, Before::Unknown) {
                track.confirmed = true;
                emit(events, time, track.id, EventKind::Appeared);
            } else if track.confirmed && !is_person(&track.data, Before::Person) {
                track.confirmed = false;
                let stayed_ms = seen_ms;
                emit(events, time, track.id, EventKind::Left { stayed_ms });
            }
        }
    }
}

fn emit(events: &mut Events, time: Millis, id: TrackId, kind: EventKind) {
    // Fits by `MAX_EVENTS`, unless the owner left old events in the list; then the newest are lost.
    let _ = events.push(Event {
        time,
        track: Some(id),
        kind,
    });
}

/// How near a face is to where a track should be: 1 at the same place, `None` if too far or of another size.
fn nearness<T>(track: &Track<T>, face: &Face, time: Millis) -> Option<f32> {
    let expected = track.predicted(time);
    let gap_s = time.since(track.last_seen).min(AHEAD_MS) as f32 / 1000.0;
    let (a, b) = (expected.side(), face.rect.side());
    let limit = a.min(b) * (NEAR_SIDES + NEAR_SIDES_PER_S * gap_s);
    let distance = expected.center().distance(face.rect.center());
    let alike = a.max(b) <= a.min(b) * SIZE_LIMIT;
    (alike && distance < limit).then(|| 1.0 - distance / limit)
}

/// Which track has which face. At most one of each other.
#[derive(Default)]
struct Pairs {
    pairs: Vec<(usize, usize), MAX_FACES>,
}

impl Pairs {
    fn face_of(&self, track: usize) -> Option<usize> {
        let pair = self.pairs.iter().find(|pair| pair.0 == track);
        pair.map(|pair| pair.1)
    }

    fn has_face(&self, face: usize) -> bool {
        self.pairs.iter().any(|pair| pair.1 == face)
    }

    /// Joins the likest free track and face, then the next, until none are alike.
    fn join<T>(
        &mut self,
        tracks: &[Track<T>],
        faces: &[Face],
        likeness: impl Fn(&Track<T>, &Face) -> Option<f32>,
    ) {
        loop {
            let mut best: Option<(f32, (usize, usize))> = None;
            for (t, track) in tracks.iter().enumerate() {
                if self.face_of(t).is_some() {
                    continue;
                }
                for (f, face) in faces.iter().enumerate() {
                    if self.has_face(f) {
                        continue;
                    }
                    if let Some(like) = likeness(track, face)
                        && best.is_none_or(|best| like > best.0)
                    {
                        best = Some((like, (t, f)));
                    }
                }
            }
            let Some((_, pair)) = best else { return };
            if self.pairs.push(pair).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
