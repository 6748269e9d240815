//! When to look for faces while nobody is in view: at a slow rate, and at once when something moves. Sees a thumbnail
//! only; knows no net and no faces.

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
pub struct MotionSettings {
    /// While nobody is in view and nothing moves, milliseconds from look to look; 0: every frame is looked at.
    pub period_ms: u64,
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self { period_ms: 500 }
    }
}

/// The state of the watch: what the empty scene looks like.
#[derive(Clone, Debug)]
pub struct MotionWatch {
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

impl Default for MotionWatch {
    fn default() -> Self {
        Self::new()
    }
}

impl MotionWatch {
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
    /// No frame is more than [`MotionSettings::period_ms`] after a look without one, as long as frames come evenly.
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
        // The next frame will be as much later as this one was.
        let due = time.since(look) + passed_ms > settings.period_ms;
        if awake || due {
            self.look = Some(time);
        }
        awake || due
    }

    /// Somebody is in view, and this frame was looked at without a question.
    pub const fn note_person(&mut self, time: Millis) {
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
