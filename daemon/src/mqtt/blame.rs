//! Finds the message at which a broker hangs up. After a connection broke with messages on their way, the next
//! connections send one at a time; a message that was alone on its way at several breaks is held back from then on. No
//! I/O, no clock.

use std::collections::HashMap;

use super::link::{Barred, Pending, VersionHint};

/// So often it must have been alone on its way.
const STRIKES: u8 = 3;
/// More topics than anybody has; beyond them the broker is at fault with everything.
const MOST: usize = 64;

/// What was found out about a broker.
#[derive(Debug, Default)]
pub(super) struct Blame {
    careful: bool,
    strikes: HashMap<String, u8>,
    barred: Barred,
}

/// What follows from a connection's end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What it may have been.
    pub(super) suspect: Option<Pending>,
    /// Whether that is held back from now on.
    pub(super) is_barred: bool,
}

impl Blame {
    /// Whether one message at a time is to be sent.
    pub(super) fn is_careful(&self) -> bool {
        self.careful
    }

    /// What is held back.
    pub(super) fn barred(&self) -> Barred {
        self.barred.clone()
    }

    /// A connection that had come about ended with these messages on their way. `lasted`: it had worked for long.
    pub(super) fn ended(
        &mut self,
        hint: VersionHint,
        lasted: bool,
        outstanding: Vec<Pending>,
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
        let is_barred = was_careful && alone && self.strike(&suspect);
        Verdict {
            suspect: Some(suspect),
            is_barred,
        }
    }

    fn strike(&mut self, suspect: &Pending) -> bool {
        if self.strikes.len() >= MOST {
            self.strikes.clear();
        }
        let strikes = self.strikes.entry(suspect.topic.clone()).or_default();
        *strikes += 1;
        if *strikes < STRIKES || self.barred.len() >= MOST {
            return false;
        }
        self.strikes.remove(&suspect.topic);
        let bytes = self
            .barred
            .entry(suspect.topic.clone())
            .or_insert(usize::MAX);
        *bytes = suspect.bytes.min(*bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::protocol::ReceiptToken;

    fn pending(topic: &str, bytes: usize) -> Pending {
        Pending {
            token: ReceiptToken::State,
            topic: topic.to_owned(),
            bytes,
        }
    }

    #[test]
    fn only_what_is_alone_on_its_way_again_and_again_is_held_back() {
        let mut blame = Blame::default();
        let both = vec![pending("a", 10), pending("b", 900)];
        let first = blame.ended(VersionHint::Broke, false, both.clone());
        assert_eq!(first.suspect.unwrap().topic, "b", "the largest is named");
        assert!(blame.is_careful() && !first.is_barred);
        for round in 1..=3 {
            assert!(
                !blame
                    .ended(VersionHint::Broke, false, both.clone())
                    .is_barred
            );
            let alone = blame.ended(VersionHint::Broke, false, vec![pending("b", 900)]);
            assert_eq!(alone.is_barred, round == 3, "{round}");
        }
        assert_eq!(blame.barred(), Barred::from([("b".into(), 900)]));
    }

    #[test]
    fn other_ends_blame_nobody() {
        let mut blame = Blame::default();
        for hint in [
            VersionHint::Nothing,
            VersionHint::Spoken,
            VersionHint::Confused,
        ] {
            for _ in 0..5 {
                let verdict = blame.ended(hint, false, vec![pending("a", 1)]);
                assert_eq!(verdict, Verdict::default());
            }
        }
        assert!(!blame.is_careful());
        blame.ended(VersionHint::Broke, false, vec![pending("a", 1)]);
        blame.ended(VersionHint::Nothing, true, Vec::new());
        assert!(!blame.is_careful(), "it works again");
    }
}
