//! The one way to stop: begun once, seen by all. Threads wait for it in sleeps, tasks await it, loops ask for it.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// A request to end for everyone with a clone. Cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    begun: AtomicBool,
    sleepers: Mutex<()>,
    wake: Condvar,
    tasks: Notify,
}

impl Shutdown {
    /// Asks everyone with a clone to end, and wakes those who sleep.
    pub fn begin(&self) {
        self.0.begun.store(true, Ordering::Release);
        // With the lock: nobody is between looking and falling asleep.
        drop(
            self.0
                .sleepers
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.0.wake.notify_all();
        self.0.tasks.notify_waiters();
    }

    /// Whether [`Shutdown::begin`] was called.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Acquire)
    }

    /// Sleeps; `false` if it was woken to end.
    pub fn sleep(&self, time: Duration) -> bool {
        let asleep = self
            .0
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waiting = |(): &mut ()| !self.has_begun();
        let woken = self.0.wake.wait_timeout_while(asleep, time, waiting);
        drop(woken.unwrap_or_else(PoisonError::into_inner));
        !self.has_begun()
    }

    /// Sleeps until `due`; `false` if it was woken to end.
    pub fn sleep_until(&self, due: Instant) -> bool {
        self.sleep(due.saturating_duration_since(Instant::now()))
    }

    /// Resolves once it was begun.
    pub async fn wait(&self) {
        loop {
            let woken = self.0.tasks.notified();
            tokio::pin!(woken);
            // Registered before looking, so that no call is missed.
            woken.as_mut().enable();
            if self.has_begun() {
                return;
            }
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_is_woken_at_once() {
        let shutdown = Shutdown::default();
        assert!(shutdown.sleep(Duration::from_millis(1)));
        let other = shutdown.clone();
        let begin = Instant::now();
        let sleeper = std::thread::spawn(move || other.sleep(Duration::from_secs(60)));
        shutdown.begin();
        assert!(!sleeper.join().unwrap() && begin.elapsed() < Duration::from_secs(50));
        assert!(shutdown.has_begun() && !shutdown.sleep(Duration::from_secs(60)));
    }

    #[tokio::test]
    async fn a_task_is_woken_before_and_after_it_asks() {
        let shutdown = Shutdown::default();
        let other = shutdown.clone();
        let task = tokio::spawn(async move { other.wait().await });
        tokio::task::yield_now().await;
        shutdown.begin();
        task.await.unwrap();
        shutdown.wait().await;
    }
}
