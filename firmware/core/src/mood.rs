//! Decides the mood: the expression of the person who counts, with hysteresis, or *uncertain*, or *nobody*.

use crate::{
    event::{Event, EventKind},
    expression::{Expression, Scores},
    frame::Millis,
    geometry::{Point, Rect},
    track::TrackId,
};

/// What a scene shows. Not what a person feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mood {
    /// No face in view.
    #[default]
    Nobody,
    /// A face, but no expression is clear enough to name.
    Uncertain,
    /// The face that counts shows this.
    Showing(Expression),
}

impl Mood {
    /// The name in messages: an expression's name, `uncertain` or `nobody`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Uncertain => "uncertain",
            Self::Showing(expression) => expression.name(),
        }
    }

    /// The Unicode emoji that stands for it.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Nobody => "😴",
            Self::Uncertain => "🤔",
            Self::Showing(expression) => expression.emoji(),
        }
    }
}

/// A mood, how sure it is, whose it is and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MoodState {
    /// The mood.
    pub mood: Mood,
    /// The smoothed probability of the shown expression, 0 to 1; while uncertain, of the likeliest; 0 for nobody.
    pub confidence: f32,
    /// Whose mood it is; `None` for nobody.
    pub track: Option<TrackId>,
    /// When this mood began.
    pub since: Millis,
}

/// Whose expression is the mood when several people are in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhoCounts {
    /// The largest box: usually the nearest person.
    #[default]
    Largest,
    /// The face nearest the picture's centre.
    Central,
    /// The face that has been in view longest.
    Longest,
}

/// How sure and how steady a mood has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoodSettings {
    /// Whose expression counts.
    pub who: WhoCounts,
    /// The smoothed probability from which an expression is named, 0 to 1.
    pub threshold: f32,
    /// How much likelier than the shown expression another has to be, and how far below the threshold the shown one
    /// may sink, 0 to 1.
    pub margin: f32,
    /// How long another mood has to be wanted before it is shown, in milliseconds. Faces that come and go are not
    /// held up; the tracks see to those.
    pub hold_ms: u64,
}

impl Default for MoodSettings {
    fn default() -> Self {
        Self {
            who: WhoCounts::Largest,
            threshold: 0.45,
            margin: 0.1,
            hold_ms: 300,
        }
    }
}

/// A confirmed face, as far as the mood is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub track: TrackId,
    /// Its box, in frame pixels.
    pub rect: Rect,
    /// When it was first seen.
    pub since: Millis,
    /// Its smoothed scores.
    pub scores: Scores,
}

/// Turns the faces in view into one mood that does not flicker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MoodHysteresis {
    state: MoodState,
    /// What is wanted instead of the shown mood, and since when without a break.
    wanted: Option<(Mood, Millis)>,
    begun: bool,
}

impl MoodHysteresis {
    /// Nobody in view yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mood now.
    pub const fn state(&self) -> MoodState {
        self.state
    }

    /// Takes in all confirmed faces at `time`, seen or occluded, in a frame of `frame_px` (width, height). Returns the
    /// change of mood, if there is one.
    ///
    /// Until a change is made, the track and the confidence are already those of the face that counts now.
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
        let person = who_counts(people, self.state.track, settings.who, frame_px, time);
        let wanted = person.map_or(Mood::Nobody, |p| self.wanted(&p.scores, settings));
        self.state.track = person.map(|p| p.track);
        let from = self.state.mood;
        let due = self.is_due(wanted, time, settings.hold_ms);
        if due {
            self.state.mood = wanted;
        }
        self.state.confidence = person.map_or(0.0, |p| confidence(self.state.mood, &p.scores));
        due.then(|| self.changed(from, time))
    }

    /// What the face that counts calls for. Leaving an expression takes more than staying with it.
    fn wanted(&self, scores: &Scores, settings: &MoodSettings) -> Mood {
        let (top, likely) = scores.top();
        let named = likely >= settings.threshold;
        match self.state.mood {
            Mood::Showing(shown) => {
                let still = scores.of(shown);
                if named && likely > still && likely >= still + settings.margin {
                    Mood::Showing(top)
                } else if still >= settings.threshold - settings.margin {
                    self.state.mood
                } else {
                    Mood::Uncertain
                }
            }
            Mood::Nobody | Mood::Uncertain if named => Mood::Showing(top),
            Mood::Nobody | Mood::Uncertain => Mood::Uncertain,
        }
    }

    /// Whether `wanted` is another mood than the shown one and has been wanted for long enough.
    fn is_due(&mut self, wanted: Mood, time: Millis, hold_ms: u64) -> bool {
        if wanted == self.state.mood {
            self.wanted = None;
            return false;
        }
        let since = match self.wanted {
            Some((mood, since)) if mood == wanted => since,
            _ => time,
        };
        self.wanted = Some((wanted, since));
        wanted == Mood::Nobody || self.state.mood == Mood::Nobody || time.since(since) >= hold_ms
    }

    fn changed(&mut self, from: Mood, time: Millis) -> Event {
        let lasted_ms = time.since(self.state.since);
        self.state.since = time;
        self.wanted = None;
        Event {
            time,
            track: self.state.track,
            kind: EventKind::Changed {
                from,
                to: self.state.mood,
                confidence: self.state.confidence,
                lasted_ms,
            },
        }
    }
}

/// The probability of what is shown; where nothing is named, of the likeliest.
fn confidence(mood: Mood, scores: &Scores) -> f32 {
    match mood {
        Mood::Showing(expression) => scores.of(expression),
        Mood::Uncertain => scores.top().1,
        Mood::Nobody => 0.0,
    }
}

/// How many times another face has to outdo the one that counts to take its place.
const STICKINESS: f32 = 1.3;

/// Whose mood it is. Who counted before goes on to count until clearly outdone; of equals, the older track counts.
fn who_counts(
    people: &[Candidate],
    before: Option<TrackId>,
    who: WhoCounts,
    frame_px: (u32, u32),
    time: Millis,
) -> Option<&Candidate> {
    let middle = Point::new(frame_px.0 as f32, frame_px.1 as f32) * 0.5;
    // Near the centre all are equally central; this also keeps the quotient finite.
    let close = 0.05 * (middle.x + middle.y);
    let weight = |person: &Candidate| match who {
        WhoCounts::Largest => person.rect.area(),
        WhoCounts::Central => 1.0 / (person.rect.center().distance(middle) + close),
        WhoCounts::Longest => time.since(person.since) as f32,
    };
    let best = people.iter().max_by(|a, b| {
        let by_weight = weight(a).total_cmp(&weight(b));
        by_weight.then(b.track.cmp(&a.track))
    })?;
    let old = people.iter().find(|person| Some(person.track) == before);
    match old {
        Some(old) if weight(best) <= weight(old) * STICKINESS => Some(old),
        _ => Some(best),
    }
}

#[cfg(test)]
mod tests;
