//! Milliseconds per stage and frames per second, from times that come in as data.

use std::time::{Duration, Instant};

use moodring_base::snapshot::StageTimes;
use moodring_core::{frame::Millis, pipeline::Stage};

/// The weight of each new frame in the shown times, an exponentially weighted mean.
const EWMA_WEIGHT: f32 = 0.1;
/// The time over which frames are counted.
const WINDOW_MS: u64 = 2_000;
/// How many frame times are kept; enough for 120 frames a second.
const REMEMBERED: usize = 256;

/// Times one stream.
#[derive(Debug, Default)]
pub struct StageTimer {
    frame: StageTimes,
    smooth: Option<StageTimes>,
    times: heapless::Deque<Millis, REMEMBERED>,
}

impl StageTimer {
    /// Begins a frame.
    pub fn begin(&mut self) {
        self.frame = StageTimes::default();
    }

    /// Adds a stage's time.
    pub fn stage(&mut self, stage: Stage, took: Duration) {
        *slot(&mut self.frame, stage) += took.as_secs_f32() * 1000.0;
    }

    /// Ends the frame of this time. Frames without a search for faces do not count for the stages.
    pub fn end(&mut self, time: Millis, looked: bool) {
        if looked {
            self.follow();
        }
        if self.times.is_full() {
            self.times.pop_front();
        }
        // There is room: the oldest was just removed.
        let _ = self.times.push_back(time);
        while self
            .times
            .front()
            .is_some_and(|first| time.since(*first) > WINDOW_MS)
        {
            self.times.pop_front();
        }
    }

    fn follow(&mut self) {
        let frame = self.frame;
        let smooth = self.smooth.get_or_insert(frame);
        for stage in Stage::ALL {
            let mut last = frame;
            let target = *slot(&mut last, stage);
            let shown = slot(smooth, stage);
            *shown += EWMA_WEIGHT * (target - *shown);
        }
    }

    /// Milliseconds per stage of the last frame.
    pub fn last(&self) -> StageTimes {
        self.frame
    }

    /// Milliseconds per stage, smoothed.
    pub fn stages(&self) -> StageTimes {
        self.smooth.unwrap_or_default()
    }

    /// Frames per second over the last two seconds.
    pub fn frames_per_second(&self) -> f32 {
        match (self.times.front(), self.times.back()) {
            (Some(first), Some(last)) if last > first => {
                (self.times.len() - 1) as f32 * 1000.0 / last.since(*first) as f32
            }
            _ => 0.0,
        }
    }
}

fn slot(times: &mut StageTimes, stage: Stage) -> &mut f32 {
    match stage {
        Stage::Letterbox => &mut times.letterbox,
        Stage::Detect => &mut times.detect,
        Stage::Decode => &mut times.decode,
        Stage::Align => &mut times.align,
        Stage::Classify => &mut times.classify,
        Stage::Track => &mut times.track,
    }
}

/// A stopwatch that returns the time since the last call.
#[derive(Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the last call.
    pub(super) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.0;
        self.0 = now;
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_frames_over_a_window_and_smooths_stages() {
        let mut timer = StageTimer::default();
        for i in 0..100 {
            timer.begin();
            timer.stage(Stage::Detect, Duration::from_millis(4));
            timer.stage(Stage::Track, Duration::from_millis(1));
            timer.stage(Stage::Track, Duration::from_millis(1));
            timer.end(Millis(i * 40), true);
        }
        assert!((timer.frames_per_second() - 25.0).abs() < 0.1);
        assert!((timer.stages().detect - 4.0).abs() < 1e-3);
        assert!((timer.stages().track - 2.0).abs() < 1e-3);
        assert!((timer.last().total() - 6.0).abs() < 1e-3);
    }

    #[test]
    fn frames_that_nobody_looked_at_are_counted_but_not_timed() {
        let mut timer = StageTimer::default();
        for i in 0..50 {
            let looked = i % 5 == 0;
            timer.begin();
            timer.stage(
                Stage::Letterbox,
                Duration::from_millis(if looked { 3 } else { 1 }),
            );
            timer.end(Millis(i * 40), looked);
        }
        assert!((timer.frames_per_second() - 25.0).abs() < 0.1);
        assert!((timer.stages().letterbox - 3.0).abs() < 1e-3);
    }

    #[test]
    fn knows_nothing_before_the_second_frame() {
        let mut timer = StageTimer::default();
        assert_eq!(timer.frames_per_second(), 0.0);
        timer.end(Millis(5), true);
        assert_eq!(timer.frames_per_second(), 0.0);
    }
}
