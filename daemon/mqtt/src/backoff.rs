//! How long to wait before the next try. No clock, no randomness: the spread comes from a seed.

use moodring_core::frame::Millis;

/// Doubling waits with a cap, each shortened by up to a quarter so that many devices do not return at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    next_ms: u64,
    seed: u64,
}

impl Backoff {
    /// The first wait.
    pub const FIRST_MS: u64 = 200;
    /// The longest wait for a network or a broker that is not there.
    pub const CAP_MS: u64 = 15_000;
    /// The longest wait for a broker that is there but hangs up or refuses.
    pub const REFUSED_CAP_MS: u64 = 60_000;

    /// Waits from the beginning, spread by `seed` (the run's number).
    pub const fn new(seed: u64) -> Self {
        Self {
            next_ms: Self::FIRST_MS,
            seed,
        }
    }

    /// The next wait, at most so long.
    pub fn wait(&mut self, cap_ms: u64) -> Millis {
        let wait = self.next_ms.min(cap_ms);
        self.next_ms = (wait * 2).min(cap_ms);
        // Knuth's MMIX generator (TAOCP 3.3.4): its high bits are good enough to spread devices.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let shorter = (self.seed >> 32) % (wait / 4 + 1);
        Millis(wait - shorter)
    }

    /// It worked: the next outage begins with the first wait.
    pub fn reset(&mut self) {
        self.next_ms = Self::FIRST_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_and_starts_over() {
        let mut backoff = Backoff::new(1);
        let mut full = Backoff::FIRST_MS;
        for _ in 0..12 {
            let wait = backoff.wait(Backoff::CAP_MS).0;
            assert!((full - full / 4..=full).contains(&wait), "{wait} of {full}");
            full = (full * 2).min(Backoff::CAP_MS);
        }
        backoff.reset();
        assert!(backoff.wait(Backoff::CAP_MS).0 <= Backoff::FIRST_MS);
    }

    #[test]
    fn devices_spread() {
        let waits: std::collections::HashSet<u64> = (0..32_u64)
            .map(|run| {
                let mut backoff = Backoff::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(run));
                (0..7).map(|_| backoff.wait(Backoff::CAP_MS).0).sum()
            })
            .collect();
        assert!(waits.len() > 28, "{} different of 32", waits.len());
    }
}
