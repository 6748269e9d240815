//! Decides the mood: the expression of the person who counts, or *uncertain*, or *nobody*. [`FaceMoodHysteresis`]
//! decides what one person shows, [`SceneMood`] who counts.

mod settings;
mod state;

pub use settings::{LEAST_HOLD_MS, MOST_SUNK, MoodSettings, WhoCounts};
pub use state::{FaceMood, Mood, MoodState};

use crate::{
    event::{Event, EventKind},
    expression::{Expression, Scores},
    frame::Millis,
    geometry::{Point, Rect},
    track::TrackId,
};

/// From where a face is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// So that an expression can be read.
    Readable,
    /// From the side: whatever the scores are, no expression is named.
    Profile,
}

/// One person's mood over time: hysteresis on the scores, and changes that have to last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaceMoodHysteresis {
    shown: Option<Mood>,
    pending: Pending<Mood>,
    /// The expression that is likeliest instead of the shown one, and since when without a break.
    rival: Option<(Expression, Millis)>,
    /// Since when the shown expression has been too unlikely to name.
    sunk: Option<Millis>,
}

impl FaceMoodHysteresis {
    /// Takes in the person's smoothed scores at `time` and returns what the person shows. The first call decides at
    /// once; later ones change the mood when another has been wanted for [`MoodSettings::hold_ms`].
    pub fn update(
        &mut self,
        scores: &Scores,
        view: View,
        time: Millis,
        settings: &MoodSettings,
    ) -> FaceMood {
        let wanted = match view {
            View::Readable => self.wanted(scores, time, settings),
            View::Profile => {
                (self.rival, self.sunk) = (None, None);
                Mood::Uncertain
            }
        };
        let hold_ms = match view {
            View::Readable => settings.hold_ms,
            // A glance aside changes nothing.
            View::Profile => settings.person_hold_ms(),
        };
        let shown = self.shown.unwrap_or(wanted);
        let shown = self.pending.settle(shown, wanted, time, hold_ms);
        self.shown = Some(shown);
        match shown {
            Mood::Showing(expression) => FaceMood::showing(expression, scores.of(expression)),
            Mood::Uncertain | Mood::Nobody => FaceMood::uncertain(scores.top().1),
        }
    }

    /// What the scores call for at `time`. Leaving an expression takes more than staying with it.
    fn wanted(&mut self, scores: &Scores, time: Millis, settings: &MoodSettings) -> Mood {
        let fresh = FaceMood::of_scores(scores, settings.threshold).mood();
        let Some(Mood::Showing(shown)) = self.shown else {
            (self.rival, self.sunk) = (None, None);
            return fresh;
        };
        let (likely, still) = (scores.top().1, scores.of(shown));
        self.rival = match (fresh, self.rival) {
            (Mood::Showing(other), _) if other == shown => None,
            (Mood::Showing(other), Some((before, since))) if other == before => {
                Some((other, since))
            }
            (Mood::Showing(other), _) => Some((other, time)),
            (Mood::Uncertain | Mood::Nobody, _) => None,
        };
        self.sunk = settings.is_sunk(still).then(|| self.sunk.unwrap_or(time));
        if let Some((_, since)) = self.rival
            && likely > still
            && likely >= still + settings.lead(time.since(since))
        {
            return fresh;
        }
        match self.sunk {
            Some(since) if time.since(since) >= settings.settle_ms => Mood::Uncertain,
            _ => Mood::Showing(shown),
        }
    }
}

/// A change that waits until it has been wanted for long enough without a break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pending<T> {
    wanted: Option<(T, Millis)>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self { wanted: None }
    }
}

impl<T: Copy + PartialEq> Pending<T> {
    /// `wanted` once it has been wanted for `hold_ms`, until then `shown`.
    pub(crate) fn settle(&mut self, shown: T, wanted: T, time: Millis, hold_ms: u64) -> T {
        if wanted == shown {
            self.wanted = None;
            return shown;
        }
        let since = match self.wanted {
            Some((before, since)) if before == wanted => since,
            _ => time,
        };
        if time.since(since) >= hold_ms {
            self.wanted = None;
            wanted
        } else {
            self.wanted = Some((wanted, since));
            shown
        }
    }
}

/// A confirmed person, as far as the scene's mood is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The track's number.
    pub track: TrackId,
    /// The face's box, in frame pixels.
    pub rect: Rect,
    /// When the face was first seen.
    pub since: Millis,
    /// What the person shows now.
    pub mood: FaceMood,
    /// Whether the person looks toward the camera; `None` if the net has no pose output.
    pub facing: Option<bool>,
}

/// Turns the people in view into one mood: that of the person who counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SceneMood {
    state: MoodState,
    lead: Pending<TrackId>,
    begun: bool,
}

impl SceneMood {
    /// Nobody in view yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mood now.
    pub const fn state(&self) -> MoodState {
        self.state
    }

    /// Takes in all confirmed people at `time`, visible or occluded, in a frame of `frame_px` (width, height). Returns
    /// the change of mood, if there is one.
    pub fn update(
        &mut self,
        people: &[Candidate],
        frame_px: (u32, u32),
        time: Millis,
        settings: &MoodSettings,
    ) -> Option<Event> {
        if !self.begun {
            (self.begun, self.state.since) = (true, time);
        }
        let from = self.state;
        let person = self.lead(people, frame_px, time, settings);
        let to = person.map_or(Mood::Nobody, |p| p.mood.mood());
        let since = if to == from.mood() { from.since } else { time };
        self.state = match person {
            Some(person) => MoodState::of(person.track, person.mood, since),
            None => MoodState::nobody(since),
        };
        (to != from.mood()).then(|| changed(&from, &self.state))
    }

    /// Who counts: the same person as before until another has clearly outdone them for long enough.
    fn lead<'p>(
        &mut self,
        people: &'p [Candidate],
        frame_px: (u32, u32),
        time: Millis,
        settings: &MoodSettings,
    ) -> Option<&'p Candidate> {
        let before = self.state.track();
        let counts = |person: &&Candidate| !settings.only_facing || person.facing != Some(false);
        let best = who_counts(
            people.iter().filter(counts),
            before,
            settings.who,
            frame_px,
            time,
        )?;
        let mut old = people.iter().filter(counts);
        let old = old.find(|person| Some(person.track) == before);
        let lead = match old {
            Some(old) => {
                let hold_ms = settings.person_hold_ms();
                self.lead.settle(old.track, best.track, time, hold_ms)
            }
            None => best.track,
        };
        people.iter().find(|person| person.track == lead)
    }
}

fn changed(from: &MoodState, to: &MoodState) -> Event {
    Event {
        time: to.since,
        track: to.track(),
        kind: EventKind::Changed {
            from: from.mood(),
            to: to.mood(),
            confidence: to.confidence(),
            lasted_ms: to.since.since(from.since),
        },
    }
}

/// How many times another face has to outdo the one that counts to take its place.
const STICKINESS: f32 = 1.3;

/// The person who should count. The one who counted before goes on to count until clearly outdone; of equals, the older
/// track counts.
fn who_counts<'p>(
    people: impl Iterator<Item = &'p Candidate> + Clone,
    before: Option<TrackId>,
    who: WhoCounts,
    frame_px: (u32, u32),
    time: Millis,
) -> Option<&'p Candidate> {
    let middle = Point::new(frame_px.0 as f32, frame_px.1 as f32) * 0.5;
    // Near the centre all are equally central; this also keeps the quotient finite.
    let close = 0.05 * (middle.x + middle.y);
    let weight = |person: &Candidate| match who {
        WhoCounts::Largest => person.rect.area(),
        WhoCounts::Central => 1.0 / (person.rect.center().distance(middle) + close),
        WhoCounts::Longest => time.since(person.since) as f32,
    };
    let best = people.clone().max_by(|a, b| {
        let by_weight = weight(a).total_cmp(&weight(b));
        by_weight.then(b.track.cmp(&a.track))
    })?;
    let old = people.clone().find(|person| Some(person.track) == before);
    match old {
        Some(old) if weight(best) <= weight(old) * STICKINESS => Some(old),
        _ => Some(best),
    }
}

#[cfg(test)]
mod tests;
