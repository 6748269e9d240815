//! The last events and the last day's moods, in memory. The store keeps what must last longer.

use std::{collections::VecDeque, time::SystemTime};

use axum::body::Bytes;
use moodring_base::message::RunId;
use serde::Deserialize;

/// Events that are kept for browsers that come (back).
const EVENTS: usize = 200;
/// Changes of mood that are kept, and for how long.
const CHANGES: usize = 20_000;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// What is read of an event's JSON.
#[derive(Deserialize)]
struct EventHead {
    seq: u64,
}

/// What happened lately.
#[derive(Debug)]
pub(super) struct RecentEvents {
    run: RunId,
    seq: u64,
    events: VecDeque<(u64, Bytes)>,
    /// From when on (milliseconds since 1970) which mood was there.
    moods: VecDeque<(u64, &'static str)>,
}

impl RecentEvents {
    pub(super) fn new(run: RunId) -> Self {
        Self {
            run,
            seq: 0,
            events: VecDeque::new(),
            moods: VecDeque::new(),
        }
    }

    /// Adds an event as one line of JSON; what goes to browsers is returned.
    pub(super) fn add(&mut self, json: &str) -> Bytes {
        // Its own number; a line without one would be a mistake of ours, and goes behind the last.
        let seq = serde_json::from_str(json).map(|EventHead { seq }| seq);
        self.seq = seq.unwrap_or(self.seq + 1);
        let text = format!(
            "event: event\nid: {}-{}\ndata: {json}\n\n",
            self.run, self.seq
        );
        let bytes = Bytes::from(text);
        self.events.push_back((self.seq, bytes.clone()));
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
        bytes
    }

    /// Somebody deleted the history.
    pub(super) fn forget(&mut self) {
        self.events.clear();
        self.moods.clear();
    }

    /// The events after this id, as many as are kept. An id of another run is before all of this one.
    pub(super) fn after(&self, id: &str) -> Vec<Bytes> {
        let (run, seq) = id.split_once('-').unwrap_or_default();
        let seq = match run == self.run.to_string() {
            true => seq.parse().unwrap_or(0),
            false => 0,
        };
        let newer = self.events.iter().filter(|(number, _)| *number > seq);
        newer.map(|(_, bytes)| bytes.clone()).collect()
    }

    /// The last so many events.
    pub(super) fn last(&self, count: usize) -> Vec<Bytes> {
        let skip = self.events.len().saturating_sub(count);
        let last = self.events.iter().skip(skip);
        last.map(|(_, bytes)| bytes.clone()).collect()
    }

    /// What is there now, and since when. Called often; only changes are kept.
    pub(super) fn mood(&mut self, name: &'static str, since: SystemTime, now: SystemTime) {
        if self.moods.back().is_some_and(|(_, last)| *last == name) {
            return;
        }
        // The wall clock may have been set back: the order stays.
        let since = unix_ms(since).max(self.moods.back().map_or(0, |(at, _)| *at));
        self.moods.push_back((since, name));
        let begin = unix_ms(now).saturating_sub(DAY_MS);
        let over = |moods: &VecDeque<(u64, &str)>| {
            moods.len() > CHANGES || moods.get(1).is_some_and(|(at, _)| *at <= begin)
        };
        while over(&self.moods) {
            self.moods.pop_front();
        }
    }

    /// The moods from `begin` on (milliseconds since 1970): from when on which.
    pub(super) fn moods_from(&self, begin: u64) -> Vec<(u64, &'static str)> {
        let first = self.moods.iter().rposition(|(at, _)| *at <= begin);
        let from = self.moods.iter().skip(first.unwrap_or(0));
        from.map(|(at, name)| ((*at).max(begin), *name)).collect()
    }
}

/// Milliseconds since 1970.
pub(super) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    // 2^64 ms are 600 million years.
    since.unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn who_comes_back_gets_what_was_missed_and_a_new_run_begins_anew() {
        let mut recent_events = RecentEvents::new(RunId::new(7));
        for seq in 1..=EVENTS + 3 {
            recent_events.add(&format!("{{\"seq\":{seq}}}"));
        }
        let missed = recent_events.after("0000000000000007-201");
        assert_eq!(missed.len(), 2);
        assert_eq!(
            missed[0],
            "event: event\nid: 0000000000000007-202\ndata: {\"seq\":202}\n\n"
        );
        for other in ["0000000000000008-201", "", "x", "0000000000000007-", "-5"] {
            assert_eq!(recent_events.after(other).len(), EVENTS, "{other}");
        }
        assert_eq!(recent_events.last(3)[2], missed[1]);
    }

    #[test]
    fn moods_are_kept_as_changes_for_a_day() {
        let mut recent_events = RecentEvents::new(RunId::new(7));
        recent_events.mood("nobody", at(1_000), at(1_000));
        recent_events.mood("nobody", at(1_000), at(2_000));
        recent_events.mood("happy", at(5_000), at(5_100));
        recent_events.mood("sad", at(4_000), at(5_200));
        let all = [(1_000, "nobody"), (5_000, "happy"), (5_000, "sad")];
        assert_eq!(recent_events.moods_from(0), all);
        assert_eq!(recent_events.moods_from(6_000), [(6_000, "sad")]);
        let tomorrow = 5_000 + DAY_MS;
        recent_events.mood("happy", at(tomorrow), at(tomorrow));
        assert_eq!(
            recent_events.moods_from(0),
            [(5_000, "sad"), (tomorrow, "happy")]
        );
    }
}
