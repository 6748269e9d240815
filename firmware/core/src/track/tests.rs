//! Faces that move, cross, hide and come back, by hand and at random.

use super::*;
use proptest::prelude::*;
use std::{collections::BTreeSet, vec};

fn face(x: f32, y: f32, side: f32) -> Face {
    Face {
        rect: Rect::new(x, y, side, side),
        score: 0.9,
        ..Face::default()
    }
}

/// A tracker with its settings and the events of all its frames.
#[derive(Default)]
struct Scene {
    tracker: Tracker<()>,
    settings: TrackSettings,
    log: vec::Vec<Event>,
}

impl Scene {
    fn at(&mut self, time: u64, faces: &[Face]) -> vec::Vec<(u32, bool, bool)> {
        self.at_if(time, faces, |()| true)
    }

    fn at_if(
        &mut self,
        time: u64,
        faces: &[Face],
        is_person: impl Fn(&()) -> bool,
    ) -> vec::Vec<(u32, bool, bool)> {
        let is_person = |data: &(), _| is_person(data);
        let mut events = Events::new();
        self.tracker
            .update(faces, Millis(time), &self.settings, is_person, &mut events);
        self.log.extend(events);
        let tracks = self.tracker.tracks().iter();
        tracks.map(|t| (t.id.0, t.confirmed, t.visible)).collect()
    }
}

#[test]
fn a_camera_that_changes_its_size_shows_the_same_people() {
    let mut scene = Scene::default();
    for time in 0..10 {
        scene.at(time * 33, &[face(100.0 + 4.0 * time as f32, 60.0, 40.0)]);
    }
    scene.tracker.rescale(3.0, 3.0);
    let far = face(3.0 * 140.0, 180.0, 120.0);
    assert_eq!(scene.at(330, &[far]), [(1, true, true)]);
    let predicted = scene.tracker.tracks()[0].predicted(Millis(363));
    assert!((predicted.x - 432.0).abs() < 2.0, "{predicted:?}");
}

#[test]
fn what_is_no_person_is_followed_but_neither_counted_nor_reported() {
    let mut scene = Scene::default();
    let dog = [face(10.0, 10.0, 40.0)];
    for time in 0..10 {
        assert_eq!(
            scene.at_if(time * 100, &dog, |()| false),
            [(1, false, true)]
        );
    }
    assert_eq!(scene.log, []);
    assert_eq!(scene.at(1000, &dog), [(1, true, true)]);
    assert_eq!(scene.at_if(1100, &dog, |()| false), [(1, false, true)]);
    let kinds: vec::Vec<_> = scene.log.iter().map(|event| event.kind).collect();
    let left = EventKind::Left { stayed_ms: 1100 };
    assert_eq!(kinds, [EventKind::Appeared, left]);
    scene.at(5000, &[]);
    assert_eq!(scene.log.len(), 2, "it left once");
}

#[test]
fn a_face_counts_after_150_ms_and_two_sights() {
    let mut scene = Scene::default();
    let here = [face(10.0, 10.0, 40.0)];
    assert_eq!(scene.at(0, &here), [(1, false, true)]);
    assert_eq!(scene.at(100, &here), [(1, false, true)]);
    assert_eq!(scene.at(150, &here), [(1, true, true)]);
    assert_eq!(scene.log.len(), 1);
    assert_eq!(scene.log[0].kind, EventKind::Appeared);
    assert_eq!(scene.log[0].time, Millis(150));
}

#[test]
fn a_flash_never_counts() {
    let mut scene = Scene::default();
    scene.at(0, &[face(10.0, 10.0, 40.0)]);
    assert_eq!(scene.at(151, &[]), []);
    assert_eq!(scene.log, []);
}

#[test]
fn occluded_for_half_a_second_and_then_gone() {
    let mut scene = Scene::default();
    let here = [face(10.0, 10.0, 40.0)];
    scene.at(0, &here);
    scene.at(200, &here);
    assert_eq!(scene.at(450, &[]), [(1, true, false)]);
    assert_eq!(scene.at(700, &here), [(1, true, true)]);
    assert_eq!(scene.at(1700, &[]), [(1, true, false)]);
    assert_eq!(scene.at(1701, &[]), []);
    let left = EventKind::Left { stayed_ms: 700 };
    assert_eq!(scene.log.last().map(|e| e.kind), Some(left));
    assert_eq!(scene.at(1800, &here), [(2, false, true)], "a new number");
}

#[test]
fn a_slow_source_keeps_its_faces_but_not_over_a_long_gap() {
    let mut scene = Scene::default();
    let here = [face(10.0, 10.0, 40.0)];
    scene.at(0, &here);
    assert_eq!(scene.at(2_000, &here), [(1, true, true)]);
    assert_eq!(scene.at(4_000, &here), [(1, true, true)]);
    assert_eq!(scene.at(14_001, &here), [(2, false, true)]);
}

#[test]
fn a_fast_face_is_followed_where_boxes_do_not_meet() {
    let mut scene = Scene::default();
    for i in 0..10 {
        // 30 pixels a frame with a box of 40: hardly any overlap.
        let tracks = scene.at(i * 33, &[face(30.0 * i as f32, 10.0, 40.0)]);
        assert_eq!(tracks.len(), 1);
        assert_eq!(tracks[0].0, 1);
    }
}

#[test]
fn who_walks_behind_a_post_comes_out_on_the_other_side() {
    let mut scene = Scene::default();
    let walker = |time: u64| [face(0.3 * time as f32, 10.0, 40.0)];
    for time in (0..=800).step_by(40) {
        scene.at(time, &walker(time));
    }
    // 120 pixels farther: found by the speed alone.
    assert_eq!(scene.at(1000, &[]), [(1, true, false)]);
    assert_eq!(scene.at(1200, &walker(1200)), [(1, true, true)]);
}

#[test]
fn a_face_of_another_size_is_another_face() {
    let mut scene = Scene::default();
    scene.at(0, &[face(100.0, 100.0, 30.0)]);
    let ids = scene.at(40, &[face(80.0, 80.0, 75.0)]);
    assert_eq!(ids, [(1, false, false), (2, false, true)]);
}

#[test]
fn two_faces_that_cross_keep_their_numbers() {
    let mut scene = Scene::default();
    for i in 0..40 {
        let way = 5.0 * i as f32;
        let a = face(way, 0.0, 40.0);
        let b = face(200.0 - way, 20.0, 40.0);
        let both = if i % 2 == 0 { [a, b] } else { [b, a] };
        scene.at(i * 33, &both);
        let tracks = scene.tracker.tracks();
        assert_eq!(tracks.len(), 2);
        assert_eq!((tracks[0].id.0, tracks[0].face.rect.y), (1, 0.0), "{i}");
    }
}

#[test]
fn time_that_runs_backwards_is_no_time() {
    let mut scene = Scene::default();
    let here = [face(10.0, 10.0, 40.0)];
    scene.at(1000, &here);
    assert_eq!(scene.at(200, &here), [(1, false, true)]);
    assert_eq!(scene.at(0, &[]), [(1, false, false)]);
    assert_eq!(scene.at(1150, &here), [(1, true, true)]);
}

#[test]
fn a_full_house_takes_nobody_in_until_one_has_left() {
    let crowd: vec::Vec<Face> = (0..40).map(|i| face(60.0 * i as f32, 0.0, 40.0)).collect();
    let mut scene = Scene::default();
    assert_eq!(scene.at(0, &crowd).len(), MAX_FACES);
    scene.at(200, &crowd);
    scene.at(600, &crowd[1..]);
    let ids = scene.at(1300, &crowd[1..=MAX_FACES]);
    assert_eq!(ids.last().map(|t| t.0), Some(MAX_FACES as u32 + 1));
}

prop_compose! {
    fn faces()(x in 0.0..300.0_f32, y in 0.0..300.0_f32, side in 10.0..80.0_f32) -> Face { face(x, y, side) }
}

proptest! {
    #[test]
    fn ids_only_grow_and_are_never_shared(
        frames in prop::collection::vec((0..3000_u64, prop::collection::vec(faces(), 0..50)), 1..20),
    ) {
        let mut scene = Scene::default();
        let mut retired = BTreeSet::new();
        let mut alive = BTreeSet::new();
        for (time, faces) in frames {
            let ids: vec::Vec<u32> = scene.at(time, &faces).iter().map(|t| t.0).collect();
            prop_assert!(ids.len() <= MAX_FACES);
            prop_assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
            let now: BTreeSet<u32> = ids.into_iter().collect();
            retired.extend(alive.difference(&now));
            prop_assert!(now.is_disjoint(&retired), "a number came back");
            prop_assert!(scene.tracker.tracks().iter().filter(|t| t.visible).count() <= faces.len());
            alive = now;
        }
        let appeared = scene.log.iter().filter(|e| e.kind == EventKind::Appeared).count();
        let confirmed = scene.tracker.tracks().iter().filter(|t| t.confirmed).count();
        let left = scene.log.iter().filter(|e| matches!(e.kind, EventKind::Left { .. })).count();
        prop_assert_eq!(appeared, confirmed + left);
    }
}
