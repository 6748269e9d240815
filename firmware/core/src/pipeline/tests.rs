//! The whole pipeline on scenes of bright squares, with nets that find and read them.

use super::*;
use crate::{
    event::{Event, EventKind},
    expression::Expression,
    fake::{BrightSquares, Brightness, Compass, brightness},
    frame::{Frame, PixelFormat},
    geometry::{Point, Rect},
    mood::Mood,
    pose::CropPose,
};
use std::{boxed::Box, vec, vec::Vec as StdVec};

const W: usize = 256;
const H: usize = 192;

/// A square: left, top, side and what it shows.
type Square = (usize, usize, usize, Expression);

const HAPPY: Square = (40, 40, 64, Expression::Happy);
const SAD: Square = (40, 40, 64, Expression::Sad);

struct Scene {
    pipeline: Box<Pipeline<BrightSquares, Brightness>>,
    events: StdVec<Event>,
}

/// A report that outlives the next step.
struct Seen {
    people: StdVec<Person>,
    faces: usize,
    mood: Mood,
    time: Millis,
}

fn picture(squares: &[Square]) -> StdVec<u8> {
    let mut bytes = vec![0; W * H];
    for &(x, y, side, expression) in squares {
        for row in bytes.chunks_exact_mut(W).skip(y).take(side) {
            row[x..x + side].fill(brightness(expression));
        }
    }
    bytes
}

impl Scene {
    fn new(settings: Settings) -> Self {
        let nets = (BrightSquares::new(128, 96), Brightness::default());
        let pipeline = Pipeline::new(nets.0, nets.1, settings).unwrap();
        Self {
            pipeline: Box::new(pipeline),
            events: StdVec::new(),
        }
    }

    fn try_at(&mut self, time: u64, squares: &[Square]) -> Result<Seen, NetError> {
        let bytes = picture(squares);
        let size = (W as u32, H as u32);
        let frame = Frame::packed(&bytes, PixelFormat::Grey, size, Millis(time)).unwrap();
        let report = self.pipeline.step(&frame, &mut |_| {})?;
        self.events.extend(report.events);
        Ok(Seen {
            people: report.people.to_vec(),
            faces: report.faces.len(),
            mood: report.mood.mood(),
            time: report.time,
        })
    }

    fn at(&mut self, time: u64, squares: &[Square]) -> Seen {
        self.try_at(time, squares).unwrap()
    }

    /// Frames every 40 ms in `times`; the last one's report.
    fn during(&mut self, times: core::ops::Range<u64>, squares: &[Square]) -> Seen {
        let mut seen = None;
        for time in times.step_by(40) {
            seen = Some(self.at(time, squares));
        }
        seen.unwrap()
    }

    /// `appeared 1`, `left 1`, `happy`: what happened, in short.
    fn story(&self) -> StdVec<std::string::String> {
        let emit = |event: &Event| match event.kind {
            EventKind::Appeared => std::format!("appeared {}", event.track.unwrap().0),
            EventKind::Left { .. } => std::format!("left {}", event.track.unwrap().0),
            EventKind::Facing { facing } => std::format!("facing {facing}"),
            EventKind::Changed { to, .. } => to.name().into(),
        };
        self.events.iter().map(emit).collect()
    }
}

#[test]
fn someone_appears_is_hidden_for_half_a_second_returns_and_leaves() {
    let mut scene = Scene::new(Settings::default());
    assert_eq!(scene.at(0, &[]).mood, Mood::Nobody);
    let seen = scene.during(40..400, &[HAPPY]);
    assert_eq!(seen.people.len(), 1);
    let person = seen.people[0];
    assert_eq!(
        (person.track.0, person.mood.mood()),
        (1, Mood::Showing(Expression::Happy))
    );
    assert_eq!(person.since, Millis(40));
    let Rect { x, y, w, h } = person.face.rect;
    for (value, expected) in [(x, 40.0), (y, 40.0), (w, 64.0), (h, 64.0)] {
        assert!((value - expected).abs() < 0.1, "{:?}", person.face.rect);
    }
    let hidden = scene.during(400..900, &[]);
    assert_eq!(hidden.mood, Mood::Showing(Expression::Happy));
    assert!(!hidden.people[0].visible);
    let back = scene.during(900..1200, &[HAPPY]);
    assert_eq!((back.people.len(), back.people[0].track.0), (1, 1));
    assert_eq!(scene.during(1200..2600, &[]).mood, Mood::Nobody);
    assert_eq!(scene.story(), ["appeared 1", "happy", "left 1", "nobody"]);
    let stayed = EventKind::Left { stayed_ms: 1140 };
    assert_eq!(scene.events[2].kind, stayed);
}

#[test]
fn the_mood_follows_the_larger_of_two_people() {
    let small = (180, 100, 40, Expression::Sad);
    let mut scene = Scene::new(Settings::default());
    let seen = scene.during(0..400, &[HAPPY, small]);
    assert_eq!(seen.people.len(), 2);
    assert_eq!(seen.people[1].mood.mood(), Mood::Showing(Expression::Sad));
    assert_eq!(seen.mood, Mood::Showing(Expression::Happy));
    let seen = scene.during(400..2400, &[small]);
    assert_eq!(seen.mood, Mood::Showing(Expression::Sad));
    let story = ["appeared 1", "appeared 2", "happy", "left 1", "sad"];
    assert_eq!(scene.story(), story);
}

#[test]
fn a_twitch_changes_nothing_and_a_change_of_expression_does() {
    let mut scene = Scene::new(Settings::default());
    scene.during(0..1000, &[HAPPY]);
    scene.during(1000..1120, &[SAD]);
    scene.during(1120..3000, &[HAPPY]);
    assert_eq!(scene.story(), ["appeared 1", "happy"]);
    let seen = scene.during(3000..5000, &[SAD]);
    assert_eq!(seen.mood, Mood::Showing(Expression::Sad));
    assert_eq!(scene.story().last().unwrap(), "sad");
    let changed = scene.events.last().unwrap();
    assert!(changed.time > Millis(3150), "{changed:?}");
}

#[test]
fn the_frame_rate_does_not_change_the_scores() {
    let regular: StdVec<u64> = (1..=30).map(|i| i * 33).collect();
    let rare = vec![200, 990];
    let irregular = vec![7, 8, 300, 301, 302, 650, 700, 980, 990];
    let scores = [regular, rare, irregular].map(|times| {
        let mut scene = Scene::new(Settings::default());
        scene.during(0..1001, &[HAPPY]);
        let mut last = scene.at(1000, &[HAPPY]);
        for time in times {
            last = scene.at(1000 + time, &[SAD]);
        }
        last.people[0].scores
    });
    for other in &scores[1..] {
        for (a, b) in scores[0].0.iter().zip(other.0) {
            assert!((a - b).abs() < 1e-3, "{scores:?}");
        }
    }
    assert!(scores[0].of(Expression::Sad) > scores[0].of(Expression::Happy));
}

#[test]
fn a_crowd_takes_turns() {
    let settings = Settings {
        max_faces: 4,
        ..Settings::default()
    };
    let squares: StdVec<Square> = (0..10)
        .map(|i| (i % 5 * 50, i / 5 * 80, 24 + 2 * (i / 5), Expression::Happy))
        .collect();
    let mut scene = Scene::new(settings);
    for frame in 1..=5 {
        scene.at(frame * 40, &squares);
        assert_eq!(scene.pipeline.classifier.runs, 4 * frame as usize);
    }
    let people = scene.at(240, &squares).people;
    assert_eq!(people.len(), 10);
    let happy = |person: &&Person| person.mood.mood() == Mood::Showing(Expression::Happy);
    assert_eq!(people.iter().filter(happy).count(), 10, "all had a turn");
}

/// What is no face is looked at with another side up now and then; that look is a turn, too.
#[test]
fn what_is_no_face_takes_no_more_turns_than_faces() {
    let settings = Settings {
        max_faces: 1,
        face_threshold: 0.5,
        ..Settings::default()
    };
    let mut scene = Scene::new(settings);
    scene.pipeline.classifier.face = Some(4.0);
    scene.pipeline.classifier.no_face = Some(Expression::Sad);
    scene.during(0..4000, &[HAPPY, (160, 40, 64, Expression::Sad)]);
    let reads = scene.pipeline.classifier.reads;
    assert_eq!(
        [
            reads[Expression::Happy.index()],
            reads[Expression::Sad.index()]
        ],
        [50, 50]
    );
}

#[test]
fn every_stage_is_marked_in_order() {
    let mut scene = Scene::new(Settings::default());
    let bytes = picture(&[HAPPY]);
    let size = (W as u32, H as u32);
    let frame = Frame::packed(&bytes, PixelFormat::Grey, size, Millis(0)).unwrap();
    let mut marks = StdVec::new();
    scene
        .pipeline
        .step(&frame, &mut |stage| marks.push(stage.name()))
        .unwrap();
    assert_eq!(
        marks,
        [
            "letterbox",
            "detect",
            "decode",
            "track",
            "align",
            "classify",
            "track"
        ]
    );
}

#[test]
fn a_net_that_fails_once_loses_no_event() {
    let mut scene = Scene::new(Settings::default());
    scene.during(0..400, &[HAPPY]);
    scene.pipeline.detector.fails = true;
    assert_eq!(scene.try_at(400, &[HAPPY]).err(), Some(NetError::Engine));
    scene.pipeline.detector.fails = false;
    scene.during(440..600, &[HAPPY]);
    assert_eq!(scene.story(), ["appeared 1", "happy"]);
}

#[test]
fn a_source_that_starts_over_neither_freezes_nor_jumps() {
    let mut scene = Scene::new(Settings::default());
    scene.during(100_000..101_000, &[HAPPY]);
    assert_eq!(scene.at(0, &[HAPPY]).time, Millis(100_960));
    assert_eq!(scene.at(500, &[]).time, Millis(101_460));
    scene.at(1600, &[]);
    assert_eq!(scene.story(), ["appeared 1", "happy", "left 1", "nobody"]);
}

#[test]
fn single_pictures_have_faces_but_no_tracks() {
    let mut scene = Scene::new(Settings::default());
    let bytes = picture(&[HAPPY, (180, 100, 20, Expression::Sad)]);
    let size = (W as u32, H as u32);
    let frame = Frame::packed(&bytes, PixelFormat::Grey, size, Millis(0)).unwrap();
    let mut count = |min_face_px| {
        let settings = Settings {
            min_face_px,
            ..Settings::default()
        };
        let mut found = Candidates::new();
        find(
            &mut scene.pipeline.detector,
            &frame,
            &settings,
            &mut found,
            &mut |_| {},
        )
        .unwrap();
        found.len()
    };
    assert_eq!((count(0.0), count(30.0)), (2, 1));
    let seen = scene.at(0, &[]);
    assert_eq!((seen.faces, seen.people.len()), (0, 0));
    assert_eq!(scene.events, []);
}

#[test]
fn a_lost_camera_sees_nobody_after_a_while() {
    let mut scene = Scene::new(Settings::default());
    assert_eq!(
        scene.during(0..1000, &[HAPPY]).mood,
        Mood::Showing(Expression::Happy)
    );
    for time in (1000..3000).step_by(100) {
        let report = scene.pipeline.advance_without_frame(Millis(time));
        scene.events.extend(report.events);
    }
    assert_eq!(scene.story(), ["appeared 1", "happy", "left 1", "nobody"]);
    assert_eq!(scene.at(3000, &[]).mood, Mood::Nobody);
}

const FRONTAL: CropPose = CropPose {
    roll_deg: 0.0,
    offset_px: Point::new(0.0, 0.0),
    log_size: 0.0,
    frontal: 1.0,
    profile: 0.0,
    lowered: 0.0,
};

/// The roll that the pipeline reports of a head that is tilted so in each frame, 40 ms apart, however its landmarks lie.
fn rolls(heads_deg: impl Iterator<Item = f32>) -> StdVec<f32> {
    let detector = BrightSquares::new(128, 96);
    let settings = Settings {
        face_threshold: 0.5,
        ..Settings::default()
    };
    let pipeline = Pipeline::new(detector, Compass, settings).unwrap();
    let mut pipeline = Box::new(pipeline);
    let mut rolls = StdVec::new();
    for (i, head_deg) in heads_deg.enumerate() {
        let mut bytes = vec![0; W * H];
        for (y, x) in (40..104).flat_map(|y| (40..104).map(move |x| (y, x))) {
            bytes[y * W + x] = Compass::ink(head_deg, x as f32 - 72.0, y as f32 - 72.0);
        }
        let (size, time) = ((W as u32, H as u32), Millis(i as u64 * 40));
        let frame = Frame::packed(&bytes, PixelFormat::Grey, size, time).unwrap();
        let report = pipeline.step(&frame, &mut |_| {}).unwrap();
        if let Some(person) = report.people.first() {
            assert_eq!(person.mood.mood(), Mood::Showing(Expression::Happy));
            rolls.push(person.roll_deg);
        }
    }
    rolls
}

#[test]
fn a_tilted_head_is_found_upright_by_the_second_crop_and_followed() {
    for head_deg in [-60.0, -35.0, 10.0, 45.0, 60.0] {
        let rolls = rolls(core::iter::repeat_n(head_deg, 10));
        assert!(!rolls.is_empty());
        for roll in rolls {
            assert!((roll - head_deg).abs() < 4.0, "{roll} of {head_deg}");
        }
    }
    // A head that nods to its side by 5 degrees a frame, there and back.
    let head = |i: i32| 60.0 - 5.0 * (12 - i % 24).abs() as f32;
    let rolls = rolls((0..48).map(head));
    let first = 48 - rolls.len() as i32;
    for (i, roll) in (first..).zip(rolls) {
        assert!(
            (roll - head(i)).abs() < 10.0,
            "frame {i}: {roll} of {}",
            head(i)
        );
    }
}

/// The detector's landmarks are upright, and the net takes a crop that is turned so far for no face.
#[test]
fn a_head_on_its_top_or_side_is_seen_and_not_taken_for_an_upright_one() {
    for head_deg in [180.0, -165.0, 170.0, 100.0, -110.0] {
        let rolls = rolls(core::iter::repeat_n(head_deg, 40));
        assert!(rolls.len() > 20, "{} of 40 frames", rolls.len());
        for roll in rolls {
            assert!(
                wrap_deg(roll - head_deg).abs() < 4.0,
                "{roll} of {head_deg}"
            );
        }
    }
}

#[test]
fn a_dog_has_no_mood_and_a_person_keeps_theirs_behind_a_hand() {
    let settings = Settings {
        face_threshold: 0.5,
        ..Settings::default()
    };
    let mut scene = Scene::new(settings);
    scene.pipeline.classifier.face = Some(-2.0);
    let seen = scene.during(0..1000, &[HAPPY]);
    assert_eq!(
        (seen.faces, seen.people.len()),
        (1, 0),
        "the detector finds one"
    );
    assert_eq!((seen.mood, scene.events.len()), (Mood::Nobody, 0));
    let mut scene = Scene::new(settings);
    scene.pipeline.classifier.face = Some(4.0);
    scene.during(0..1000, &[HAPPY]);
    scene.pipeline.classifier.face = Some(-3.0);
    assert_eq!(scene.during(1000..1800, &[HAPPY]).people.len(), 1);
    scene.during(1800..6000, &[HAPPY]);
    assert_eq!(scene.story(), ["appeared 1", "happy", "left 1", "nobody"]);
}

#[test]
fn a_profile_is_uncertain_and_a_turn_toward_the_camera_is_an_event() {
    let mut scene = Scene::new(Settings::default());
    scene.pipeline.classifier.pose = Some(FRONTAL);
    let seen = scene.during(0..1000, &[HAPPY]);
    assert_eq!(seen.people[0].facing, Some(true));
    scene.pipeline.classifier.pose = Some(CropPose {
        frontal: 0.0,
        profile: 1.0,
        ..FRONTAL
    });
    let seen = scene.during(1000..2000, &[HAPPY]);
    assert_eq!(seen.mood, Mood::Uncertain);
    assert_eq!(seen.people[0].scores.top().0, Expression::Happy);
    let story = scene.story();
    assert_eq!(story[..3], ["appeared 1", "facing true", "happy"]);
    let mut rest: StdVec<_> = story[3..].to_vec();
    rest.sort();
    assert_eq!(rest, ["facing false", "uncertain"]);
}

#[test]
fn a_serious_face_is_neutral_after_a_while_if_so_set() {
    for (resting, expected) in [(false, Expression::Angry), (true, Expression::Neutral)] {
        let mut scene = Scene::new(Settings {
            resting,
            ..Settings::default()
        });
        scene.pipeline.classifier.serious = true;
        let square = (40, 40, 64, Expression::Angry);
        let seen = scene.during(0..5000, &[square]);
        assert_eq!(seen.mood, Mood::Showing(Expression::Angry));
        let seen = scene.during(5000..60_000, &[square]);
        assert_eq!(seen.mood, Mood::Showing(expected), "resting {resting}");
    }
}

#[test]
fn the_buffers_have_the_promised_size() {
    let bytes = size_of::<Pipeline<(), ()>>();
    assert!((140_000..170_000).contains(&bytes), "{bytes}");
}
