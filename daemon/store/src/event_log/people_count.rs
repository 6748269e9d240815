//! Counts the people in view, once the number has held for a while, and finds the mood that most of them show.

use moodring_base::snapshot::Snapshot;
use moodring_core::{expression::Expression, frame::Millis, mood::Mood};

/// The number of people, debounced.
#[derive(Debug, Default)]
pub(super) struct PeopleCount {
    reported: usize,
    seen: usize,
    dominant: Option<Expression>,
    since: Millis,
}

impl PeopleCount {
    pub(super) fn see(&mut self, now: Millis, snapshot: &Snapshot) {
        self.dominant = dominant(snapshot);
        if snapshot.people_count != self.seen {
            self.seen = snapshot.people_count;
            self.since = now;
        }
    }

    /// A number of people to report: it is another than before and has held, and it is or was a crowd. One person who
    /// comes and goes has events of their own.
    pub(super) fn due(&mut self, now: Millis, hold_ms: u64) -> Option<(usize, Option<Expression>)> {
        if self.seen == self.reported || now.since(self.since) < hold_ms {
            return None;
        }
        let is_crowd = self.seen.max(self.reported) >= 2;
        self.reported = self.seen;
        is_crowd.then_some((self.seen, self.dominant))
    }

    pub(super) fn wake(&self, hold_ms: u64) -> Option<Millis> {
        (self.seen != self.reported).then(|| Millis(self.since.0.saturating_add(hold_ms)))
    }
}

/// What most people show; of equally many what the display shows, or none.
fn dominant(snapshot: &Snapshot) -> Option<Expression> {
    let mut votes = [0_usize; Expression::COUNT];
    for person in &snapshot.people {
        if let Mood::Showing(expression) = person.mood.mood() {
            votes[expression.index()] += 1;
        }
    }
    let most = votes.iter().copied().max().filter(|&most| most > 0)?;
    let has_most = |expression: &Expression| votes[expression.index()] == most;
    let mut best = Expression::ALL.into_iter().filter(has_most);
    match (best.next(), best.next(), snapshot.mood.mood()) {
        (first, None, _) => first,
        (_, Some(_), Mood::Showing(shown)) if has_most(&shown) => Some(shown),
        _ => None,
    }
}
