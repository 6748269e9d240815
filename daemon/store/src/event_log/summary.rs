//! Sums up a period: how long each mood was shown, how many people came. For `summary` events and for the history.

use std::time::SystemTime;

use moodring_base::{
    message::{Moment, Summary},
    snapshot::{CameraState, Snapshot},
};
use moodring_core::{event::EventKind, expression::Expression, frame::Millis, mood::Mood};

use crate::history::MoodSpan;

/// Sums since the last summary, and of the minute that runs.
#[derive(Debug, Default)]
pub(super) struct SummaryBuilder {
    since: Millis,
    summary: Summary,
    minute: i64,
    of_minute: Vec<(Mood, u64)>,
    spans: Vec<MoodSpan>,
    /// The last look: when, and the mood that shows since then; `None` while there is no picture.
    last: Option<(Millis, Mood)>,
}

/// A longer silence than this counts as no picture: a machine that slept, for example.
const SILENCE_MS: u64 = 5_000;

impl SummaryBuilder {
    pub(super) fn event(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Appeared => self.summary.appeared += 1,
            EventKind::Changed { .. } => self.summary.changed += 1,
            EventKind::Left { .. } | EventKind::Facing { .. } => {}
        }
    }

    pub(super) fn snapshot(&mut self, now: Moment, snapshot: &Snapshot) {
        let since = now.wall.duration_since(SystemTime::UNIX_EPOCH);
        let minute = (since.unwrap_or_default().as_secs() / 60) as i64;
        if minute != self.minute {
            self.close();
            self.minute = minute;
        }
        if let Some((at, mood)) = self.last {
            let ms = now.run.since(at);
            if ms <= SILENCE_MS {
                add(&mut self.of_minute, mood, ms);
                add(&mut self.summary.moods, mood, ms);
            }
        }
        self.summary.people_max = self.summary.people_max.max(snapshot.people_count);
        let sees = snapshot.camera == CameraState::Running;
        self.last = sees.then_some((now.run, snapshot.mood.mood()));
    }

    /// The minute is over.
    pub(super) fn close(&mut self) {
        for (mood, ms) in self.of_minute.drain(..) {
            self.spans.push(MoodSpan {
                minute: self.minute,
                mood,
                // A minute that a clock was set back in may be longer.
                ms: u32::try_from(ms).unwrap_or(u32::MAX),
            });
        }
    }

    pub(super) fn spans(&mut self) -> Vec<MoodSpan> {
        std::mem::take(&mut self.spans)
    }

    /// The summary, if so much time went by since the last; nothing if nothing was seen.
    pub(super) fn due(&mut self, now: Millis, every_ms: u64) -> Option<Summary> {
        let interval_ms = now.since(self.since);
        if interval_ms < every_ms {
            return None;
        }
        self.since = now;
        let mut summary = std::mem::take(&mut self.summary);
        summary.interval_ms = interval_ms;
        summary.moods.sort_by_key(|(mood, _)| order(*mood));
        (!summary.moods.is_empty()).then_some(summary)
    }
}

fn add(sums: &mut Vec<(Mood, u64)>, mood: Mood, ms: u64) {
    match sums.iter_mut().find(|(other, _)| *other == mood) {
        Some((_, sum)) => *sum += ms,
        None => sums.push((mood, ms)),
    }
}

/// Expressions in their own order, then uncertain, then nobody.
fn order(mood: Mood) -> usize {
    match mood {
        Mood::Showing(expression) => expression.index(),
        Mood::Uncertain => Expression::COUNT,
        Mood::Nobody => Expression::COUNT + 1,
    }
}
