//! Counters since the start, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// One counter.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Answers by the first digit of their status, 1 to 5.
#[derive(Debug, Default)]
pub(super) struct AnswerCounters([Counter; 6]);

impl AnswerCounters {
    pub(super) fn add(&self, status: u16) {
        if let Some(counter) = self.0.get(usize::from(status / 100)) {
            counter.add();
        }
    }

    /// Class (2 for 2xx) and how many.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().map(Counter::get).enumerate().skip(2)
    }
}
