//! One mood out of readings: how long a change has to last, thresholds, who counts.

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
    hysteresis: MoodHysteresis,
    settings: MoodSettings,
    changes: usize,
}

impl Scene {
    fn at(&mut self, time: u64, people: &[Candidate]) -> Mood {
        let before = self.hysteresis.state().mood;
        let event = self
            .hysteresis
            .update(people, (640, 480), Millis(time), &self.settings);
        let now = self.hysteresis.state().mood;
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
    let mut hysteresis = MoodHysteresis::new();
    let settings = MoodSettings::default();
    let happy = [person(4, 50.0, Expression::Happy, 0.75)];
    hysteresis.update(&[], (640, 480), Millis(100), &settings);
    let event = hysteresis.update(&happy, (640, 480), Millis(700), &settings);
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
    let state = hysteresis.state();
    assert_eq!((state.since, state.confidence), (Millis(700), 0.75));
    let gone = hysteresis.update(&[], (640, 480), Millis(800), &settings);
    assert_eq!(gone.map(|event| event.track), Some(None));
    assert_eq!(hysteresis.state().confidence, 0.0);
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
    let of =
        |who, before| who_counts(&people, before, who, (640, 480), Millis(1000)).map(|p| p.track.0);
    assert_eq!(of(WhoCounts::Largest, None), Some(1));
    assert_eq!(of(WhoCounts::Central, None), Some(2));
    assert_eq!(of(WhoCounts::Longest, None), Some(3));
    assert_eq!(of(WhoCounts::Largest, Some(TrackId(9))), Some(1));
    assert_eq!(
        who_counts(&[], None, WhoCounts::Largest, (1, 1), Millis(0)),
        None
    );
}
