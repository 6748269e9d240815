//! An empty room, changing light, a tree in the window, a disco: how often the pipeline searches for faces.

use super::*;
use crate::frame::PixelFormat;
use proptest::prelude::*;
use std::{vec, vec::Vec};

const W: usize = 160;
const H: usize = 120;
const FRAME_MS: u64 = 66;
const SETTINGS: MotionSettings = MotionSettings { period_ms: 500 };

/// A watch and the clock of its frames.
struct Fixture {
    motion: MotionWatch,
    time: u64,
    noise: u32,
}

/// A room: a ramp with a dark half.
fn room(x: usize, y: usize) -> i32 {
    (60 + x / 2 + y / 2) as i32 / (1 + (x > W / 2) as i32)
}

impl Fixture {
    fn new() -> Self {
        Self {
            motion: MotionWatch::new(),
            time: 0,
            noise: 1,
        }
    }

    /// The looks in so many frames of `paint`, which gets the time, with noise of `noise` levels each way.
    fn looks(
        &mut self,
        frames: u64,
        noise: u32,
        paint: impl Fn(u64, usize, usize) -> i32,
    ) -> Vec<u64> {
        let mut looks = vec![];
        for _ in 0..frames {
            self.time += FRAME_MS;
            let mut bytes = vec![0; W * H];
            for (i, byte) in bytes.iter_mut().enumerate() {
                self.noise = self
                    .noise
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223);
                let off = ((self.noise >> 8) % (2 * noise + 1)) as i32 - noise as i32;
                *byte = (paint(self.time, i % W, i / W) + off).clamp(0, 255) as u8;
            }
            let frame = Frame::packed(
                &bytes,
                PixelFormat::Grey,
                (W as u32, H as u32),
                Millis(self.time),
            )
            .unwrap();
            if self
                .motion
                .needs_detection(&frame, Millis(self.time), &SETTINGS)
            {
                looks.push(self.time);
            }
        }
        looks
    }

    fn settled() -> Self {
        let mut bench = Self::new();
        bench.looks(60, 3, |_, x, y| room(x, y));
        bench
    }
}

/// The longest time from look to look, and to the end.
fn longest_gap(looks: &[u64], start: u64, end: u64) -> u64 {
    let all: Vec<u64> = [&[start], looks, &[end]].concat();
    all.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

/// A face's square of 25 pixels at a place.
fn with_face(x: usize, y: usize, left: usize) -> i32 {
    let inside = (left..left + 25).contains(&x) && (50..75).contains(&y);
    if inside { 170 } else { room(x, y) }
}

#[test]
fn an_empty_noisy_room_is_looked_at_twice_a_second() {
    for (noise, known) in [(0, 0), (3, 0), (12, 0), (40, 100)] {
        let mut bench = Fixture::new();
        // A sensor as bad as the last one has to be learned first.
        let first = bench.looks(known, noise, |_, x, y| room(x, y));
        let start = bench.time;
        let looks = bench.looks(300, noise, |_, x, y| room(x, y));
        let seconds = 300 * FRAME_MS / 1000;
        assert!(
            looks.len() as u64 <= 3 * seconds,
            "noise {noise}: {}",
            looks.len()
        );
        let start = first.last().copied().unwrap_or(start);
        assert!(longest_gap(&looks, start, bench.time) <= 500);
    }
}

#[test]
fn a_face_wakes_it_in_the_frame_in_which_it_appears() {
    for left in [10, 70, 130] {
        let mut bench = Fixture::settled();
        let before = bench.time;
        let looks = bench.looks(10, 3, |_, x, y| with_face(x, y, left));
        let all: Vec<u64> = (1..=10).map(|i| before + i * FRAME_MS).collect();
        assert_eq!(looks, all, "and it stays awake");
    }
}

#[test]
fn light_that_changes_slowly_or_for_all_at_once_does_not_wake_it() {
    let mut bench = Fixture::settled();
    let start = bench.time;
    // Dusk: a third of the light goes in a minute.
    let dusk = |time: u64, x, y| room(x, y) * (180_000 - (time - start)) as i32 / 180_000;
    let looks = bench.looks(900, 3, dusk);
    assert!(looks.len() < 900 * 66 * 3 / 1000, "{}", looks.len());
    // The camera sets its exposure anew.
    let looks = bench.looks(15, 3, |_, x, y| room(x, y) * 2 / 3 + 12);
    assert!(looks.len() <= 3, "{looks:?}");
}

#[test]
fn a_tree_in_the_window_is_learned_and_a_face_beside_it_still_wakes_it() {
    let tree = |time: u64, x: usize, y: usize| {
        let sways = (100..150).contains(&x) && y < 50;
        room(x, y)
            + if sways {
                (time / 66 % 5 * 17) as i32
            } else {
                0
            }
    };
    let mut bench = Fixture::settled();
    bench.looks(150, 3, tree);
    let looks = bench.looks(150, 3, tree);
    assert!(looks.len() <= 30, "it sleeps again: {}", looks.len());
    let appears = bench.time + FRAME_MS;
    let looks = bench.looks(5, 3, |time, x, y| {
        if with_face(x, y, 30) == 170 {
            170
        } else {
            tree(time, x, y)
        }
    });
    assert_eq!(looks[0], appears);
}

#[test]
fn a_disco_keeps_it_awake_a_fifth_of_the_time_and_no_face_waits_longer_than_the_period() {
    // Every part of the picture jumps in every frame: nothing can be learned.
    let disco = |time: u64, x: usize, y: usize| {
        let cell = (x / 20 + y / 20 * 8) as u64;
        ((time / 66 + cell).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57) as i32 * 2
    };
    let mut bench = Fixture::settled();
    bench.looks(300, 0, disco);
    let (start, frames) = (bench.time, 1500);
    let looks = bench.looks(frames, 0, disco);
    let share = looks.len() as f32 / frames as f32;
    assert!(
        share < 0.4,
        "{share}: a fifth awake, and two looks a second"
    );
    assert!(longest_gap(&looks, start, bench.time) <= 500);
}

#[test]
fn who_left_is_no_reason_to_stay_awake() {
    let mut bench = Fixture::settled();
    for _ in 0..100 {
        bench.time += FRAME_MS;
        bench.motion.note_person(Millis(bench.time));
    }
    let looks = bench.looks(60, 3, |_, x, y| room(x, y));
    assert!(looks.len() <= 12, "{}", looks.len());
}

#[test]
fn without_a_period_every_frame_is_looked_at() {
    let mut motion = MotionWatch::new();
    let frame = Frame::packed(&[0; 6], PixelFormat::Rgb, (2, 1), Millis(0)).unwrap();
    let always = MotionSettings { period_ms: 0 };
    assert!((0..5).all(|time| motion.needs_detection(&frame, Millis(time), &always)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_frame_is_missed_for_longer_than_the_period(
        noise in 0..60_u32, steps in prop::collection::vec((1..120_i32, 0..160_usize), 1..30), period_ms in 70..3000_u64,
    ) {
        let mut motion = MotionWatch::new();
        let settings = MotionSettings { period_ms };
        let (mut time, mut look) = (0, 0);
        for (light, left) in steps {
            let bytes: Vec<u8> = (0..W * H)
                .map(|i| (with_face(i % W, i / W, left) + light + (i as i32 * 7 % (noise as i32 + 1))) as u8)
                .collect();
            for _ in 0..10 {
                time += 33;
                let frame = Frame::packed(&bytes, PixelFormat::Grey, (W as u32, H as u32), Millis(time)).unwrap();
                if motion.needs_detection(&frame, Millis(time), &settings) {
                    look = time;
                }
                prop_assert!(time - look < period_ms);
            }
        }
    }
}
