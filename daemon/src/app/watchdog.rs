//! Reports to systemd's watchdog only while every thread makes progress: each thread beats once a turn of its loop.
//!
//! An unplugged camera or a missing broker is no standstill: those threads still turn. A thread that hangs in a driver
//! or a net stops beating, and systemd restarts the service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moodring_base::service;
use moodring_core::frame::Millis;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// A thread's heartbeat; cheap enough for every turn of a loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A thread that must make progress.
#[derive(Debug)]
struct Monitored {
    name: &'static str,
    heartbeat: Heartbeat,
    seen: u64,
    moved: Millis,
    patience_ms: u64,
}

/// Monitors all threads, and feeds systemd's watchdog if there is one.
#[derive(Debug)]
pub(super) struct Watchdog {
    monitored: Vec<Monitored>,
    ticks: Option<Interval>,
    /// Half of the watchdog's time: a thread without a beat for this long counts as hanging.
    patience_ms: u64,
}

impl Watchdog {
    /// For the watchdog of this service. Call it inside a runtime.
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

    /// For a watchdog with this timeout.
    fn waiting(waits: Duration) -> Self {
        Self {
            monitored: Vec::new(),
            ticks: None,
            patience_ms: waits.as_millis() as u64 / 2,
        }
    }

    /// Adds a thread; it may pause for `rest` if that is longer than the watchdog's own patience.
    pub(super) fn register(
        &mut self,
        name: &'static str,
        rest: Duration,
        now: Millis,
    ) -> Heartbeat {
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

    /// Completes when it is time to check; never without a watchdog.
    pub(super) async fn due(&mut self) {
        match &mut self.ticks {
            Some(ticks) => _ = ticks.tick().await,
            None => std::future::pending().await,
        }
    }

    /// Feeds the watchdog if all threads made progress.
    pub(super) fn feed(&mut self, now: Millis) {
        match self.hanging(now) {
            None => service::alive(),
            Some(name) => {
                tracing::error!("the {name} thread stands still: not feeding the watchdog");
                service::status(&format!("the {name} thread stands still"));
            }
        }
    }

    /// The first thread that made no progress.
    fn hanging(&mut self, now: Millis) -> Option<&'static str> {
        let mut hanging = None;
        for thread in &mut self.monitored {
            let beats = thread.heartbeat.0.load(Ordering::Relaxed);
            if beats != thread.seen {
                thread.seen = beats;
                thread.moved = now;
            } else if now.0.saturating_sub(thread.moved.0) > thread.patience_ms {
                hanging = hanging.or(Some(thread.name));
            }
        }
        hanging
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_stands_still_too_long_is_named() {
        let mut watchdog = Watchdog::waiting(Duration::from_secs(30));
        let vision = watchdog.register("vision", Duration::ZERO, Millis(0));
        let camera = watchdog.register("camera", Duration::from_secs(60), Millis(0));
        assert_eq!(watchdog.hanging(Millis(15_000)), None, "half of the wait");
        assert_eq!(watchdog.hanging(Millis(15_001)), Some("vision"));
        vision.beat();
        assert_eq!(watchdog.hanging(Millis(15_002)), None);
        assert_eq!(watchdog.hanging(Millis(30_002)), None);
        assert_eq!(watchdog.hanging(Millis(30_003)), Some("vision"));
        vision.beat();
        assert_eq!(
            watchdog.hanging(Millis(60_000)),
            None,
            "the camera may rest"
        );
        vision.beat();
        assert_eq!(watchdog.hanging(Millis(60_001)), Some("camera"));
        camera.beat();
        assert_eq!(watchdog.hanging(Millis(60_002)), None);
    }

    #[tokio::test]
    async fn without_a_watchdog_it_is_never_time() {
        let mut watchdog = Watchdog::waiting(Duration::ZERO);
        let waited = tokio::time::timeout(Duration::from_millis(5), watchdog.due()).await;
        assert!(waited.is_err());
    }
}
