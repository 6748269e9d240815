//! Decides whether to search for faces while nobody is in view: at a slow rate, and at once when something moves. Sees
//! a thumbnail only; knows no net and no faces.

use crate::{
    frame::{Frame, Millis},
    smooth::smoothing_factor,
};

/// Cells of the thumbnail across and down.
const COLUMNS: usize = 32;
const ROWS: usize = 24;
const CELLS: usize = COLUMNS * ROWS;
/// Pixels read for a cell, across and down: the mean of 16 has a quarter of the sensor's noise.
const SAMPLES: usize = 4;

/// A cell has changed if it is off by this many grey levels ...
const LEAST_CHANGE: i32 = 10;
/// ... and by so many times its usual change (leaves, a fan, a noisy dark corner).
const USUAL_CHANGES: i32 = 3;
/// This many changed cells are a motion: where a face can be read, it is at least two cells wide and high.
const MOVED_CELLS: usize = 4;
/// Time constants of what a cell usually shows, and of how much it usually changes.
const SCENE_TAU_MS: u64 = 2_000;
const CHANGE_TAU_MS: u64 = 4_000;

/// After a motion, every frame is searched for this long.
const AWAKE_MS: u64 = 1_000;
/// Searching without finding anybody is paid from a budget of at most this many milliseconds ...
const BUDGET_MS: u64 = 4_000;
/// ... which grows by one millisecond in this many: so a restless scene is searched in full a fifth of the time.
const SAVED: u64 = 4;

/// Settings of the motion detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MotionSettings {
    /// While nobody is in view and nothing moves, milliseconds between two searches; 0: every frame is searched.
    pub period_ms: u64,
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self { period_ms: 500 }
    }
}

/// What the empty scene looks like, and the budget for searches.
#[derive(Clone, Debug)]
pub struct MotionWatch {
    /// The usual value of each cell and its usual change, in 1/16 grey levels.
    scene: [i32; CELLS],
    change: [i32; CELLS],
    /// The last frame that was given.
    frame: Option<Millis>,
    /// The last search.
    look: Option<Millis>,
    awake_until: Option<Millis>,
    budget_ms: u64,
    /// The part of the budget below a whole millisecond, less than [`SAVED`].
    spare_ms: u64,
}

impl Default for MotionWatch {
    fn default() -> Self {
        Self::new()
    }
}

impl MotionWatch {
    /// A state without knowledge; it searches the first frame.
    pub const fn new() -> Self {
        Self {
            scene: [0; CELLS],
            change: [0; CELLS],
            frame: None,
            look: None,
            awake_until: None,
            budget_ms: BUDGET_MS,
            spare_ms: 0,
        }
    }

    /// Whether to search this frame, in which nobody is known to be. `time` never runs backwards.
    ///
    /// A frame is searched at most [`MotionSettings::period_ms`] after the last one, as long as frames come evenly.
    pub fn needs_detection(
        &mut self,
        frame: &Frame<'_>,
        time: Millis,
        settings: &MotionSettings,
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
        // The next frame will come as much later as this one did.
        let due = time.since(look) + passed_ms > settings.period_ms;
        if awake || due {
            self.look = Some(time);
        }
        awake || due
    }

    /// Call this for a frame with somebody in view, which is searched anyway.
    pub const fn note_person(&mut self, time: Millis) {
        self.look = Some(time);
    }

    /// Whether many cells differ from their usual value, apart from a change of light that all have in common.
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
            self.budget_ms = self.budget_ms.saturating_sub(passed_ms);
        } else {
            let saved = self.spare_ms + passed_ms;
            self.spare_ms = saved % SAVED;
            self.budget_ms = (self.budget_ms + saved / SAVED).min(BUDGET_MS);
        }
        // When the budget runs out, it must first grow enough for some frames.
        let least = if was_awake { 1 } else { AWAKE_MS / 2 };
        if self.budget_ms < least {
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
    (smoothing_factor(passed_ms, tau_ms) * 256.0) as i32
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
mod tests;
