//! Checks that every event arrived: numbers without gaps for each device and run, each once, in order. No I/O.

use std::{
    collections::{BTreeSet, HashMap},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

/// The part of an event message that is read.
#[derive(Debug, Deserialize)]
struct EventHeader {
    device: String,
    run: String,
    seq: u64,
    time: String,
}

/// An event that arrived for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstDelivery {
    /// The message's own time.
    pub time: SystemTime,
}

/// Sums over all devices and runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Messages that are our events.
    pub received: u64,
    /// Duplicates: a receiver knows them by device, run and number.
    pub duplicates: u64,
    /// Arrived after one with a higher number.
    pub late: u64,
    /// Numbers that are missing below the highest one received.
    pub missing: u64,
    /// Messages that are not our events.
    pub unreadable: u64,
    /// Runs of devices.
    pub runs: u64,
}

impl DeliveryCounts {
    /// Different events that arrived.
    pub const fn first_time(&self) -> u64 {
        self.received - self.duplicates
    }
}

/// Remembers the numbers received of each run.
#[derive(Debug, Default)]
pub struct GapCheck {
    runs: HashMap<(String, String), Run>,
    tally: DeliveryCounts,
    from_one: bool,
}

#[derive(Debug)]
struct Run {
    next: u64,
    missing: BTreeSet<u64>,
}

impl GapCheck {
    /// Nothing received yet. `from_one`: every run was received from its start, so it must begin with 1.
    pub fn new(from_one: bool) -> Self {
        Self {
            from_one,
            ..Self::default()
        }
    }

    /// Takes a message; returns its event if it is new.
    pub fn receive(&mut self, payload: &[u8]) -> Option<FirstDelivery> {
        let Some((head, time)) = read(payload) else {
            self.tally.unreadable += 1;
            return None;
        };
        self.tally.received += 1;
        let first = if self.from_one { 1 } else { head.seq };
        let run = self.runs.entry((head.device, head.run));
        let run = run.or_insert_with(|| Run {
            next: first,
            missing: BTreeSet::new(),
        });
        if head.seq >= run.next {
            run.missing.extend(run.next..head.seq);
            run.next = head.seq + 1;
        } else if run.missing.remove(&head.seq) {
            self.tally.late += 1;
        } else {
            self.tally.duplicates += 1;
            return None;
        }
        Some(FirstDelivery { time: time.into() })
    }

    /// The sums so far.
    pub fn tally(&self) -> DeliveryCounts {
        DeliveryCounts {
            missing: self.runs.values().map(|run| run.missing.len() as u64).sum(),
            runs: self.runs.len() as u64,
            ..self.tally
        }
    }
}

/// An event's header and time, if the message is an event.
fn read(payload: &[u8]) -> Option<(EventHeader, jiff::Timestamp)> {
    let head: EventHeader = serde_json::from_slice(payload).ok()?;
    let time = head.time.parse().ok()?;
    Some((head, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(check: &mut GapCheck, device: &str, seq: u64) -> bool {
        let text = format!(
            r#"{{"device":"{device}","run":"r","seq":{seq},"time":"2026-11-22T03:52:03.123Z","kind":"left"}}"#
        );
        check.receive(text.as_bytes()).is_some()
    }

    #[test]
    fn gaps_duplicates_and_late_ones_are_told_apart() {
        let mut check = GapCheck::new(true);
        let first: Vec<_> = [2, 3, 3, 6, 1, 5]
            .map(|seq| receive(&mut check, "a", seq))
            .to_vec();
        assert_eq!(first, [true, true, false, true, true, true]);
        assert!(receive(&mut check, "b", 1));
        assert!(check.receive(b"{}").is_none());
        let expected = DeliveryCounts {
            received: 7,
            duplicates: 1,
            late: 2,
            missing: 1, // 4
            unreadable: 1,
            runs: 2,
        };
        assert_eq!(check.tally(), expected);
        assert_eq!(check.tally().first_time(), 6);
    }

    #[test]
    fn who_comes_late_begins_where_it_begins() {
        let mut check = GapCheck::new(false);
        assert!(receive(&mut check, "a", 40) && receive(&mut check, "a", 42));
        assert_eq!(check.tally().missing, 1);
    }
}
