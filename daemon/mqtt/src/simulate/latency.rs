//! Measures how long events took: samples in, percentiles out.

use std::time::SystemTime;

use serde::Serialize;

/// Milliseconds from an event's time to its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them took at most this.
    pub p50: u64,
    /// 99 of 100 took at most this.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// All samples, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct LatencySamples(Vec<u32>);

impl LatencySamples {
    /// An event of `time` arrived at `now`. Both are from one machine's clock, or from two that agree.
    pub(super) fn add(&mut self, now: SystemTime, time: SystemTime) {
        let took = now.duration_since(time).unwrap_or_default().as_millis();
        self.0.push(u32::try_from(took).unwrap_or(u32::MAX));
    }

    /// `None` without samples.
    pub(super) fn percentiles(mut self) -> Option<Latency> {
        self.0.sort_unstable();
        let at = |percent: usize| {
            let rank = (self.0.len() * percent).div_ceil(100).max(1);
            self.0.get(rank - 1).copied().map(u64::from)
        };
        Some(Latency {
            p50: at(50)?,
            p99: at(99)?,
            max: at(100)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let mut samples = LatencySamples::default();
        let zero = SystemTime::UNIX_EPOCH;
        for ms in (1..=200).rev() {
            samples.add(zero + Duration::from_millis(ms), zero);
        }
        let expected = Latency {
            p50: 100,
            p99: 198,
            max: 200,
        };
        assert_eq!(samples.percentiles(), Some(expected));
        assert_eq!(LatencySamples::default().percentiles(), None);
        let mut skewed = LatencySamples::default();
        skewed.add(zero, zero + Duration::from_secs(1));
        assert_eq!(skewed.percentiles().map(|l| l.max), Some(0));
    }
}
