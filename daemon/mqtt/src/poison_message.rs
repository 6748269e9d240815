//! Finds the message at which a broker hangs up. After a connection broke with messages on their way, the next
//! connections send one at a time; a message that was alone on its way at several breaks is held back for some hours. A
//! receipt for a message of that topic and size clears it: then the broker itself had ended, at a restart for example. No
//! I/O, no clock.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::link::{Barred, Pending, VersionHint};

/// So often it must have been alone on its way.
const STRIKES: u8 = 3;
/// More topics than anybody has; beyond them the broker is at fault with everything.
const MOST: usize = 64;
/// So long it is held back at first, and at most; then it is tried again, since brokers are mended and suspicions may be wrong.
const HELD: (Duration, Duration) = (Duration::from_secs(3_600), Duration::from_secs(24 * 3_600));

/// What was found out about a broker.
#[derive(Debug, Default)]
pub(super) struct PoisonMessages {
    careful: bool,
    strikes: HashMap<String, Strikes>,
    barred: Barred,
    /// When what is held back has its next try.
    lift_at: Option<Instant>,
    /// How long the newest wait for that is.
    held: Option<Duration>,
}

/// How often the broker hung up on a topic's messages, and on how many bytes at least.
#[derive(Clone, Copy, Debug)]
struct Strikes {
    count: u8,
    bytes: usize,
}

/// What follows from a connection's end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What it may have been.
    pub(super) suspect: Option<Pending>,
    /// Whether that is held back from now on.
    pub(super) is_barred: bool,
}

impl PoisonMessages {
    /// Whether one message at a time is to be sent.
    pub(super) fn is_careful(&self) -> bool {
        self.careful
    }

    /// What is held back.
    pub(super) fn barred(&self) -> Barred {
        self.barred.clone()
    }

    /// When [`PoisonMessages::lift`] has something to do.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.lift_at
    }

    /// Lets go what was held back for long enough. True if there is any.
    pub(super) fn lift(&mut self, now: Instant) -> bool {
        if self.lift_at.is_none_or(|at| at > now) {
            return false;
        }
        self.lift_at = None;
        self.barred.clear();
        true
    }

    /// The broker confirmed a message: none of that topic and size is the cause of anything.
    pub(super) fn confirmed(&mut self, pending: &Pending) {
        if self.strikes.is_empty() {
            return;
        }
        let cleared = |strikes: &Strikes| pending.bytes >= strikes.bytes;
        if self.strikes.get(&pending.topic).is_some_and(cleared) {
            self.strikes.remove(&pending.topic);
        }
    }

    /// A connection that had come about ended with these messages on their way. `lasted`: it had worked for long.
    pub(super) fn ended(
        &mut self,
        hint: VersionHint,
        lasted: bool,
        outstanding: Vec<Pending>,
        now: Instant,
    ) -> Verdict {
        if lasted {
            self.careful = false;
            self.strikes.clear();
        }
        let alone = outstanding.len() == 1;
        let largest = outstanding.into_iter().max_by_key(|pending| pending.bytes);
        let (VersionHint::Broke, Some(suspect)) = (hint, largest) else {
            return Verdict::default();
        };
        let was_careful = std::mem::replace(&mut self.careful, true);
        let is_barred = was_careful && alone && self.strike(&suspect, now);
        Verdict {
            suspect: Some(suspect),
            is_barred,
        }
    }

    fn strike(&mut self, suspect: &Pending, now: Instant) -> bool {
        if self.strikes.len() >= MOST {
            self.strikes.clear();
        }
        let none = Strikes {
            count: 0,
            bytes: usize::MAX,
        };
        let strikes = self.strikes.entry(suspect.topic.clone()).or_insert(none);
        strikes.count += 1;
        strikes.bytes = strikes.bytes.min(suspect.bytes);
        if strikes.count < STRIKES || self.barred.len() >= MOST {
            return false;
        }
        self.strikes.remove(&suspect.topic);
        let bytes = self
            .barred
            .entry(suspect.topic.clone())
            .or_insert(usize::MAX);
        *bytes = suspect.bytes.min(*bytes);
        if self.lift_at.is_none() {
            let held = self.held.map_or(HELD.0, |held| (held * 2).min(HELD.1));
            (self.held, self.lift_at) = (Some(held), Some(now + held));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ReceiptToken;

    fn pending(topic: &str, bytes: usize) -> Pending {
        Pending {
            token: ReceiptToken::State,
            topic: topic.to_owned(),
            bytes,
        }
    }

    #[test]
    fn only_what_is_alone_on_its_way_again_and_again_is_held_back() {
        let (mut poison, now) = (PoisonMessages::default(), Instant::now());
        let both = vec![pending("a", 10), pending("b", 900)];
        let first = poison.ended(VersionHint::Broke, false, both.clone(), now);
        assert_eq!(first.suspect.unwrap().topic, "b", "the largest is named");
        assert!(poison.is_careful() && !first.is_barred);
        for round in 1..=3 {
            assert!(
                !poison
                    .ended(VersionHint::Broke, false, both.clone(), now)
                    .is_barred
            );
            let alone = poison.ended(VersionHint::Broke, false, vec![pending("b", 900)], now);
            assert_eq!(alone.is_barred, round == 3, "{round}");
        }
        assert_eq!(poison.barred(), Barred::from([("b".into(), 900)]));
    }

    #[test]
    fn other_ends_blame_nobody() {
        let (mut poison, now) = (PoisonMessages::default(), Instant::now());
        for hint in [
            VersionHint::Nothing,
            VersionHint::Spoken,
            VersionHint::Confused,
        ] {
            for _ in 0..5 {
                let verdict = poison.ended(hint, false, vec![pending("a", 1)], now);
                assert_eq!(verdict, Verdict::default());
            }
        }
        assert!(!poison.is_careful());
        poison.ended(VersionHint::Broke, false, vec![pending("a", 1)], now);
        poison.ended(VersionHint::Nothing, true, Vec::new(), now);
        assert!(!poison.is_careful(), "it works again");
    }

    /// A broker that is restarted again and again, each time with an event on its way.
    #[test]
    fn restarts_hold_nothing_back_that_was_confirmed_in_between() {
        let (mut poison, now) = (PoisonMessages::default(), Instant::now());
        for _ in 0..20 {
            poison.confirmed(&pending("a", 100));
            let ended = poison.ended(VersionHint::Broke, false, vec![pending("a", 100)], now);
            assert!(!ended.is_barred);
        }
        // That smaller ones pass does not clear the large ones.
        poison.confirmed(&pending("a", 100));
        for round in 1..=3 {
            poison.confirmed(&pending("a", 99));
            let ended = poison.ended(VersionHint::Broke, false, vec![pending("a", 900)], now);
            assert_eq!(ended.is_barred, round == 3, "{round}");
        }
    }

    #[test]
    fn what_is_held_back_is_tried_again_ever_more_seldom() {
        let (mut poison, mut now) = (PoisonMessages::default(), Instant::now());
        for hours in [1, 2, 4, 8, 16, 24, 24] {
            while !poison
                .ended(VersionHint::Broke, false, vec![pending("a", 9)], now)
                .is_barred
            {}
            let at = now + Duration::from_secs(hours * 3_600);
            assert_eq!(poison.wake(), Some(at));
            assert!(!poison.lift(at - Duration::from_secs(1)));
            assert!(poison.lift(at) && poison.barred().is_empty() && poison.wake().is_none());
            now = at;
        }
    }
}
