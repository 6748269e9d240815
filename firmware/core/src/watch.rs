//! When to look for faces while nobody is in view: at a slow rate, and at once when something moves. Sees a thumbnail
//! only; knows no net and no faces.

use crate::{
    frame::{Frame, Millis},
    smooth::pull,
};

/// Cells of the thumbnail across and down.
const COLUMNS: usize = 32;
const ROWS: usize = 24;
const CELLS: usize = COLUMNS * ROWS;
/// Pixels read for a cell, across and down: the mean of 16 has a quarter of the sensor's noise.
const SAMPLES: usize = 4;

/// A cell has changed if it is off by this many grey levels ...
const LEAST_CHANGE: i32 = 10;
/// ... and by so many times what is usual for it (leaves, a fan, a noisy dark corner).
const USUAL_CHANGES: i32 = 3;
/// So many changed cells are a motion: a face is at least two cells wide and high where it can be read.
const MOVED_CELLS: usize = 4;
/// Time constants of what a cell usually shows, and of how much it usually changes.
const SCENE_TAU_MS: u64 = 2_000;
const CHANGE_TAU_MS: u64 = 4_000;

/// After a motion every frame is looked at for so long.
const AWAKE_MS: u64 = 1_000;
/// Time awake that found nobody is paid from a purse of at most so many milliseconds ...
const PURSE_MS: u64 = 4_000;
/// ... into which one millisecond in so many is saved: so restless scenes are looked at in full a fifth of the time.
const SAVED: u64 = 4;

/// How the watch is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// While nobody is in view and nothing moves, milliseconds from look to look; 0: every frame is looked at.
    pub period_ms: u64,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { period_ms: 500 }
    }
}

/// The state of the watch: what the empty scene looks like.
#[derive(Clone, Debug)]
pub struct Watch {
    /// What each cell usually shows, and by how much it usually changes, in 1/16 grey levels.
    scene: [i32; CELLS],
    change: [i32; CELLS],
    /// The last frame that came here.
    frame: Option<Millis>,
    /// The last look.
    look: Option<Millis>,
    awake_until: Option<Millis>,
    purse_ms: u64,
    /// Less than [`SAVED`]: what was not enough for a whole millisecond yet.
    spare_ms: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// A watch that knows nothing; it wants to look at the first frame.
    pub const fn new() -> Self {
        Self {
            scene: [0; CELLS],
            change: [0; CELLS],
            frame: None,
            look: None,
            awake_until: None,
            purse_ms: PURSE_MS,
            spare_ms: 0,
        }
    }

    /// Whether to look for faces in this frame, in which nobody is known to be. `time` never runs backwards.
    ///
    /// No frame is more than [`WatchSettings::period_ms`] after a look without one, as long as frames come evenly.
    pub fn wants_look(
        &mut self,
        frame: &Frame<'_>,
        time: Millis,
        settings: &WatchSettings,
    ) -> bool {
        if settings.period_ms == 0 {
            return true;
        }
        let (Some(before), Some(look)) = (self.frame.replace(time), self.look) else {
            self.scene = thumbnail(frame).map(|luma| luma << 4);
            self.look = Some(time);
            return true;
        };
        let passed_ms = time.since(before);
        let moved = self.moves(&thumbnail(frame), passed_ms);
        let awake = self.is_awake(moved, time, passed_ms);
        // The next frame will be as much later as this one was.
        let due = time.since(look) + passed_ms > settings.period_ms;
        if awake || due {
            self.look = Some(time);
        }
        awake || due
    }

    /// Somebody is in view, and this frame was looked at without a question.
    pub const fn saw_someone(&mut self, time: Millis) {
        self.look = Some(time);
    }

    /// Whether many cells show what they usually do not, apart from a change of light that all have in common.
    fn moves(&mut self, now: &[i32; CELLS], passed_ms: u64) -> bool {
        let mut off = [0; CELLS];
        for ((off, now), scene) in off.iter_mut().zip(now).zip(&self.scene) {
            *off = (now << 4) - scene;
        }
        let light = median(&off);
        let (follow, learn) = (
            share(passed_ms, SCENE_TAU_MS),
            share(passed_ms, CHANGE_TAU_MS),
        );
        let mut moved = 0;
        for ((off, scene), change) in off.iter().zip(&mut self.scene).zip(&mut self.change) {
            let size = (off - light).abs();
            moved += usize::from(size > (LEAST_CHANGE << 4) + USUAL_CHANGES * *change);
            *scene += part(*off, follow);
            *change += part(size - *change, learn);
        }
        moved >= MOVED_CELLS
    }

    fn is_awake(&mut self, moved: bool, time: Millis, passed_ms: u64) -> bool {
        let is_before = |end: Option<Millis>| end.is_some_and(|end| time <= end);
        let was_awake = is_before(self.awake_until);
        if was_awake {
            self.purse_ms = self.purse_ms.saturating_sub(passed_ms);
        } else {
            let saved = self.spare_ms + passed_ms;
            self.spare_ms = saved % SAVED;
            self.purse_ms = (self.purse_ms + saved / SAVED).min(PURSE_MS);
        }
        // Who has just run out of it sleeps until there is enough for some frames.
        let least = if was_awake { 1 } else { AWAKE_MS / 2 };
        if self.purse_ms < least {
            self.awake_until = None;
            return false;
        }
        if moved {
            self.awake_until = Some(Millis(time.0.saturating_add(AWAKE_MS)));
        }
        is_before(self.awake_until)
    }
}

/// The share of a difference that is taken over in this time, in 1/256.
fn share(passed_ms: u64, tau_ms: u64) -> i32 {
    (pull(passed_ms, tau_ms) * 256.0) as i32
}

/// A share of a value, rounded away from 0, so that small differences are not kept for ever.
const fn part(value: i32, share: i32) -> i32 {
    let product = value * share;
    (product + if product > 0 { 255 } else { -255 }) / 256
}

/// The middle one of all differences; each is within 256 grey levels.
fn median(off: &[i32; CELLS]) -> i32 {
    let mut sorted = *off;
    let (_, &mut middle, _) = sorted.select_nth_unstable(CELLS / 2);
    middle
}

/// The frame's luma in few cells, 0 to 255 each, in the frame's own range.
fn thumbnail(frame: &Frame<'_>) -> [i32; CELLS] {
    let mut cells = [0; CELLS];
    let (width, height) = (frame.width_px() as usize, frame.height_px() as usize);
    // In the middles of a grid; in tiny frames the same pixel serves twice.
    let place = |i: usize, count: usize, side: usize| (2 * i + 1) * side / (2 * count);
    let columns: [usize; COLUMNS * SAMPLES] =
        core::array::from_fn(|i| place(i, COLUMNS * SAMPLES, width));
    for line in 0..ROWS * SAMPLES {
        let y = place(line, ROWS * SAMPLES, height) as u32;
        let row = &mut cells[line / SAMPLES * COLUMNS..][..COLUMNS];
        let (columns, _) = columns.as_chunks::<SAMPLES>();
        for (cell, columns) in row.iter_mut().zip(columns) {
            *cell += match frame.luma_row(y) {
                Some((luma, step)) => columns.iter().map(|x| i32::from(luma[x * step])).sum(),
                None => columns
                    .iter()
                    .map(|&x| i32::from(frame.luma(x as u32, y)))
                    .sum::<i32>(),
            };
        }
    }
    cells.map(|sum| sum / (SAMPLES * SAMPLES) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PixelFormat;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    const W: usize = 160;
    const H: usize = 120;
    const FRAME_MS: u64 = 66;
    const SETTINGS: WatchSettings = WatchSettings { period_ms: 500 };

    /// A watch and the clock of its frames.
    struct Bench {
        watch: Watch,
        time: u64,
        noise: u32,
    }

    /// A room: a ramp with a dark half.
    fn room(x: usize, y: usize) -> i32 {
        (60 + x / 2 + y / 2) as i32 / (1 + (x > W / 2) as i32)
    }

    impl Bench {
        fn new() -> Self {
            Self {
                watch: Watch::new(),
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
                if self.watch.wants_look(&frame, Millis(self.time), &SETTINGS) {
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
            let mut bench = Bench::new();
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
            let mut bench = Bench::settled();
            let before = bench.time;
            let looks = bench.looks(10, 3, |_, x, y| with_face(x, y, left));
            let all: Vec<u64> = (1..=10).map(|i| before + i * FRAME_MS).collect();
            assert_eq!(looks, all, "and it stays awake");
        }
    }

    #[test]
    fn light_that_changes_slowly_or_for_all_at_once_does_not_wake_it() {
        let mut bench = Bench::settled();
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
        let mut bench = Bench::settled();
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
        let mut bench = Bench::settled();
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
        let mut bench = Bench::settled();
        for _ in 0..100 {
            bench.time += FRAME_MS;
            bench.watch.saw_someone(Millis(bench.time));
        }
        let looks = bench.looks(60, 3, |_, x, y| room(x, y));
        assert!(looks.len() <= 12, "{}", looks.len());
    }

    #[test]
    fn without_a_period_every_frame_is_looked_at() {
        let mut watch = Watch::new();
        let frame = Frame::packed(&[0; 6], PixelFormat::Rgb, (2, 1), Millis(0)).unwrap();
        let always = WatchSettings { period_ms: 0 };
        assert!((0..5).all(|time| watch.wants_look(&frame, Millis(time), &always)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn no_frame_is_missed_for_longer_than_the_period(
            noise in 0..60_u32, steps in prop::collection::vec((1..120_i32, 0..160_usize), 1..30), period_ms in 70..3000_u64,
        ) {
            let mut watch = Watch::new();
            let settings = WatchSettings { period_ms };
            let (mut time, mut look) = (0, 0);
            for (light, left) in steps {
                let bytes: Vec<u8> = (0..W * H)
                    .map(|i| (with_face(i % W, i / W, left) + light + (i as i32 * 7 % (noise as i32 + 1))) as u8)
                    .collect();
                for _ in 0..10 {
                    time += 33;
                    let frame = Frame::packed(&bytes, PixelFormat::Grey, (W as u32, H as u32), Millis(time)).unwrap();
                    if watch.wants_look(&frame, Millis(time), &settings) {
                        look = time;
                    }
                    prop_assert!(time - look < period_ms);
                }
            }
        }
    }
}
