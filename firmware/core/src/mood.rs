//! The expression of who counts, guarded by hysteresis, with honest states for "not sure" and "nobody".

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
pub struct MoodGuard {
    state: MoodState,
    /// What is wanted instead of the shown mood, and since when without a break.
    wanted: Option<(Mood, Millis)>,
    begun: bool,
}

impl MoodGuard {
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
mod tests {
    use super::*;

    fn person(track: u32, side: f32, expression: Expression, likely: f32) -> Candidate {
        let rest = (1.0 - likely) / 6.0;
        let mut scores = [rest; Expression::COUNT];
        scores[expression.index()] = likely;
        Candidate {
            track: TrackId(track),
            rect: Rect::new(0.0, 0.0, side, side),
            since: Millis(0),
            scores: Scores(scores),
        }
    }

    #[derive(Default)]
    struct Scene {
        guard: MoodGuard,
        settings: MoodSettings,
        changes: usize,
    }

    impl Scene {
        fn at(&mut self, time: u64, people: &[Candidate]) -> Mood {
            let before = self.guard.state().mood;
            let event = self
                .guard
                .update(people, (640, 480), Millis(time), &self.settings);
            let now = self.guard.state().mood;
            assert_eq!(event.is_some(), before != now);
            self.changes += usize::from(event.is_some());
            now
        }
    }

    const HAPPY: Mood = Mood::Showing(Expression::Happy);
    const SAD: Mood = Mood::Showing(Expression::Sad);

    #[test]
    fn a_new_face_shows_at_once_and_a_change_has_to_last() {
        let mut scene = Scene::default();
        let happy = [person(1, 50.0, Expression::Happy, 0.9)];
        let sad = [person(1, 50.0, Expression::Sad, 0.9)];
        assert_eq!(scene.at(0, &[]), Mood::Nobody);
        assert_eq!(scene.at(500, &happy), HAPPY);
        assert_eq!(scene.at(600, &sad), HAPPY);
        assert_eq!(scene.at(800, &happy), HAPPY, "a short twitch");
        assert_eq!(scene.at(900, &sad), HAPPY);
        assert_eq!(scene.at(1199, &sad), HAPPY, "wanted for 299 ms only");
        assert_eq!(scene.at(1200, &sad), SAD);
        assert_eq!(scene.at(1300, &[]), Mood::Nobody);
        assert_eq!(scene.changes, 3);
    }

    #[test]
    fn the_event_tells_the_whole_change() {
        let mut guard = MoodGuard::new();
        let settings = MoodSettings::default();
        let happy = [person(4, 50.0, Expression::Happy, 0.75)];
        guard.update(&[], (640, 480), Millis(100), &settings);
        let event = guard.update(&happy, (640, 480), Millis(700), &settings);
        let expected = Event {
            time: Millis(700),
            track: Some(TrackId(4)),
            kind: EventKind::Changed {
                from: Mood::Nobody,
                to: HAPPY,
                confidence: 0.75,
                lasted_ms: 600,
            },
        };
        assert_eq!(event, Some(expected));
        let state = guard.state();
        assert_eq!((state.since, state.confidence), (Millis(700), 0.75));
        let gone = guard.update(&[], (640, 480), Millis(800), &settings);
        assert_eq!(gone.map(|event| event.track), Some(None));
        assert_eq!(guard.state().confidence, 0.0);
    }

    #[test]
    fn between_the_thresholds_nothing_changes() {
        let mut scene = Scene::default();
        let at = |likely| [person(1, 50.0, Expression::Happy, likely)];
        assert_eq!(scene.at(0, &at(0.40)), Mood::Uncertain);
        assert_eq!(scene.at(1000, &at(0.44)), Mood::Uncertain);
        scene.at(2000, &at(0.46));
        assert_eq!(scene.at(3000, &at(0.46)), HAPPY);
        assert_eq!(scene.at(4000, &at(0.36)), HAPPY, "within the margin");
        scene.at(5000, &at(0.34));
        assert_eq!(scene.at(6000, &at(0.34)), Mood::Uncertain);
    }

    #[test]
    fn a_rival_has_to_be_clearly_likelier() {
        let mut scene = Scene::default();
        scene.at(0, &[person(1, 50.0, Expression::Happy, 0.9)]);
        let mut close = person(1, 50.0, Expression::Sad, 0.48);
        close.scores.0[Expression::Happy.index()] = 0.44;
        for time in 1..20 {
            assert_eq!(scene.at(time * 100, &[close]), HAPPY);
        }
        close.scores.0[Expression::Happy.index()] = 0.36;
        scene.at(2000, &[close]);
        assert_eq!(scene.at(2300, &[close]), SAD);
    }

    #[test]
    fn two_equal_faces_do_not_take_turns() {
        let mut scene = Scene::default();
        for i in 0..50 {
            // The boxes breathe by 5 % against each other.
            let side = 100.0 + if i % 2 == 0 { 2.5 } else { -2.5 };
            let people = [
                person(1, side, Expression::Happy, 0.9),
                person(2, 200.0 - side, Expression::Sad, 0.9),
            ];
            assert_eq!(scene.at(i * 200, &people), HAPPY);
        }
        let nearer = [
            person(1, 100.0, Expression::Happy, 0.9),
            person(2, 120.0, Expression::Sad, 0.9),
        ];
        scene.at(20_000, &nearer);
        assert_eq!(scene.at(20_400, &nearer), SAD);
    }

    #[test]
    fn who_counts_by_each_rule() {
        let mut large = person(1, 100.0, Expression::Happy, 0.9);
        let mut central = person(2, 40.0, Expression::Sad, 0.9);
        let mut old = person(3, 40.0, Expression::Fear, 0.9);
        central.rect = central.rect.moved(Point::new(300.0, 220.0));
        (large.since, central.since, old.since) = (Millis(500), Millis(500), Millis(100));
        let people = [large, central, old];
        let of = |who, before| {
            who_counts(&people, before, who, (640, 480), Millis(1000)).map(|p| p.track.0)
        };
        assert_eq!(of(WhoCounts::Largest, None), Some(1));
        assert_eq!(of(WhoCounts::Central, None), Some(2));
        assert_eq!(of(WhoCounts::Longest, None), Some(3));
        assert_eq!(of(WhoCounts::Largest, Some(TrackId(9))), Some(1));
        assert_eq!(
            who_counts(&[], None, WhoCounts::Largest, (1, 1), Millis(0)),
            None
        );
    }
}
