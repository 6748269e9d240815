//! The watchdog's food is progress: threads beat at every turn of their loops, and systemd hears only when all did.
//!
//! A camera that is unplugged or a broker that is away is no standstill: the threads still go round. One that hangs in a
//! driver or a net does not, and systemd starts the service again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moodring_core::frame::Millis;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::service;

/// A thread's beat; cheap enough for every turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One that must go round.
#[derive(Debug)]
struct Monitored {
    name: &'static str,
    heartbeat: Heartbeat,
    seen: u64,
    moved: Millis,
    patience_ms: u64,
}

/// Watches all hearts, and feeds the watchdog, if there is one.
#[derive(Debug)]
pub(super) struct Watchdog {
    monitored: Vec<Monitored>,
    ticks: Option<Interval>,
    /// Half of what the watchdog waits: who stands still so long is not spoken for any more.
    patience_ms: u64,
}

impl Watchdog {
    /// For the watchdog of this service. Inside a runtime.
    pub(super) fn from_environment() -> Self {
        let watchdog = service::watchdog();
        let ticks = watchdog.map(|waits| {
            let mut ticks = interval((waits / 4).max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self {
            ticks,
            ..Self::waiting(watchdog.unwrap_or_default())
        }
    }

    /// For a watchdog that waits so long.
    fn waiting(waits: Duration) -> Self {
        Self {
            monitored: Vec::new(),
            ticks: None,
            patience_ms: waits.as_millis() as u64 / 2,
        }
    }

    /// One more that must go round; it may rest for `rest` if that is longer than the watchdog's own patience.
    pub(super) fn watch(&mut self, name: &'static str, rest: Duration, now: Millis) -> Heartbeat {
        let heartbeat = Heartbeat::default();
        self.monitored.push(Monitored {
            name,
            heartbeat: heartbeat.clone(),
            seen: 0,
            moved: now,
            patience_ms: self.patience_ms.max(rest.as_millis() as u64),
        });
        heartbeat
    }

    /// When it is time to look; never without a watchdog.
    pub(super) async fn due(&mut self) {
        match &mut self.ticks {
            Some(ticks) => _ = ticks.tick().await,
            None => std::future::pending().await,
        }
    }

    /// Speaks for all if all went round.
    pub(super) fn feed(&mut self, now: Millis) {
        match self.still(now) {
            None => service::alive(),
            Some(name) => {
                tracing::error!("the {name} thread stands still: not feeding the watchdog");
                service::status(&format!("the {name} thread stands still"));
            }
        }
    }

    /// The first who stands still.
    fn still(&mut self, now: Millis) -> Option<&'static str> {
        let mut still = None;
        for heart in &mut self.monitored {
            let beats = heart.heartbeat.0.load(Ordering::Relaxed);
            if beats != heart.seen {
                heart.seen = beats;
                heart.moved = now;
            } else if now.0.saturating_sub(heart.moved.0) > heart.patience_ms {
                still = still.or(Some(heart.name));
            }
        }
        still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_stands_still_too_long_is_named() {
        let mut watchdog = Watchdog::waiting(Duration::from_secs(30));
        let vision = watchdog.watch("vision", Duration::ZERO, Millis(0));
        let camera = watchdog.watch("camera", Duration::from_secs(60), Millis(0));
        assert_eq!(watchdog.still(Millis(15_000)), None, "half of the wait");
        assert_eq!(watchdog.still(Millis(15_001)), Some("vision"));
        vision.beat();
        assert_eq!(watchdog.still(Millis(15_002)), None);
        assert_eq!(watchdog.still(Millis(30_002)), None);
        assert_eq!(watchdog.still(Millis(30_003)), Some("vision"));
        vision.beat();
        assert_eq!(watchdog.still(Millis(60_000)), None, "the camera may rest");
        vision.beat();
        assert_eq!(watchdog.still(Millis(60_001)), Some("camera"));
        camera.beat();
        assert_eq!(watchdog.still(Millis(60_002)), None);
    }

    #[tokio::test]
    async fn without_a_watchdog_it_is_never_time() {
        let mut watchdog = Watchdog::waiting(Duration::ZERO);
        let waited = tokio::time::timeout(Duration::from_millis(5), watchdog.due()).await;
        assert!(waited.is_err());
    }
}
