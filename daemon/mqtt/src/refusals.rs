//! Topics that the broker refuses: each is reported once an hour. Times come in as data.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// Refusals of one topic are reported once in so long.
const REPORT_AGAIN: Duration = Duration::from_secs(3_600);
/// So many topics are kept in mind for that.
const MOST_REFUSALS: usize = 64;

/// Topics that the broker refused, and when that was last reported.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<String, Instant>);

impl Refusals {
    /// Whether a refusal of this topic is to be reported now.
    pub(super) fn is_new(&mut self, topic: &str, now: Instant) -> bool {
        self.0.retain(|_, reported| now - *reported < REPORT_AGAIN);
        if self.0.len() >= MOST_REFUSALS || self.0.contains_key(topic) {
            return false;
        }
        self.0.insert(topic.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_that_is_refused_is_told_once_an_hour() {
        let (mut refusals, now) = (Refusals::default(), Instant::now());
        assert!(refusals.is_new("a/state", now) && refusals.is_new("a/event", now));
        assert!(!refusals.is_new("a/state", now + REPORT_AGAIN / 2));
        assert!(refusals.is_new("a/state", now + REPORT_AGAIN));
        let reported =
            (0..1_000).filter(|n| refusals.is_new(&format!("x/{n}"), now + REPORT_AGAIN));
        assert_eq!(
            reported.count(),
            MOST_REFUSALS - 1,
            "names without end cost no memory"
        );
    }
}
