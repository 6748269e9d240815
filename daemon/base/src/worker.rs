//! Workers: threads whose panic ends one frame, photo or line, and not the daemon. Each is started again with back-off, its
//! fault is published, and readiness reports it; one that panics again and again ends the process, so that systemd starts
//! it anew.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use crate::{
    contain::{self, catch_panic},
    shutdown::Shutdown,
};

/// The first and the longest wait before a worker is started again; doubled in between.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// A worker that ran for so long without a panic is healthy again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// After so many panics, none of them a [`HEALTHY_AFTER`] time after the one before, a worker is given up.
const MOST_PANICS: u32 = 8;
/// Panics that were contained in a call are published at most this often for each thread.
const PUBLISH_EVERY: Duration = Duration::from_secs(10);

/// A worker panicked, or works again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerFault {
    /// The worker's name: `camera`, `vision`, `photos`, `display`, `satellites`, `buttons` or `preview`.
    pub worker: &'static str,
    /// Why; `None`: it works again.
    pub reason: Option<String>,
}

/// The names that faults are published under.
pub const WORKERS: [&str; 7] = [
    "camera",
    "vision",
    "photos",
    "display",
    "satellites",
    "buttons",
    "preview",
];

/// Watches over all workers of a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Supervisor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    faults: mpsc::UnboundedSender<WorkerFault>,
    health: watch::Sender<Health>,
    published: Mutex<Vec<(&'static str, Instant)>>,
    backoff: (Duration, Duration),
}

/// How the workers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Those that wait to be started again.
    pub down: Vec<&'static str>,
    /// One that was given up, and why.
    pub given_up: Option<(&'static str, String)>,
}

impl Supervisor {
    /// Nobody works yet; faults come out at the other end.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<WorkerFault>) {
        Self::with_backoff(BACKOFF)
    }

    fn with_backoff(backoff: (Duration, Duration)) -> (Self, mpsc::UnboundedReceiver<WorkerFault>) {
        let (faults, published) = mpsc::unbounded_channel();
        let shared = Shared {
            faults,
            health: watch::Sender::default(),
            published: Mutex::default(),
            backoff,
        };
        (Self(Arc::new(shared)), published)
    }

    /// Publishes the panics that are contained in calls anywhere in this process, such as in a decoder.
    pub fn observe_contained(&self) {
        let observer = self.clone();
        contain::set_observer(move |thread, panic| observer.contained(thread, panic));
    }

    /// Runs `work` on a thread of its own until it returns; after a panic again, with back-off, until `shutdown`. `work`
    /// must bear to be called again after it was left anywhere.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn(
        &self,
        name: &'static str,
        shutdown: Shutdown,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let supervisor = self.clone();
        thread::Builder::new()
            .name(name.into())
            .spawn(move || supervisor.run(name, &shutdown, &mut work))
    }

    /// How they are.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.0.health.subscribe()
    }

    fn run(&self, name: &'static str, shutdown: &Shutdown, work: &mut dyn FnMut()) {
        let (first, longest) = self.0.backoff;
        let (mut wait, mut panics) = (first, 0);
        loop {
            let began = Instant::now();
            let Err(panic) = contain::catch_unobserved(name, &mut *work) else {
                return;
            };
            if began.elapsed() >= HEALTHY_AFTER {
                (wait, panics) = (first, 0);
            }
            panics += 1;
            self.publish(name, Some(panic.clone()));
            self.0.health.send_modify(|health| health.down.push(name));
            if panics >= MOST_PANICS {
                tracing::error!("{panic}; it was started {panics} times and is given up");
                self.0
                    .health
                    .send_modify(|health| health.given_up = Some((name, panic)));
                return;
            }
            tracing::error!("{panic}; starting it again in {} ms", wait.as_millis());
            if !shutdown.sleep(wait) {
                return;
            }
            wait = (wait * 2).min(longest);
            self.0
                .health
                .send_modify(|health| health.down.retain(|down| *down != name));
            self.publish(name, None);
        }
    }

    /// A panic that cost one frame, photo or line: a fault that is over at once.
    fn contained(&self, thread: &str, panic: &str) {
        tracing::error!("{panic}; going on without what it was at");
        let name = WORKERS
            .into_iter()
            .find(|name| thread.starts_with(name))
            .unwrap_or("camera");
        let now = Instant::now();
        let mut published = lock(&self.0.published);
        let known = published.iter().position(|(known, _)| *known == name);
        match known.map(|at| &mut published[at].1) {
            Some(at) if now.duration_since(*at) < PUBLISH_EVERY => return,
            Some(at) => *at = now,
            // At most one for each of WORKERS.
            None => published.push((name, now)),
        }
        drop(published);
        self.publish(name, Some(panic.to_owned()));
        self.publish(name, None);
    }

    fn publish(&self, worker: &'static str, reason: Option<String>) {
        // Nobody listening means that the daemon ends.
        let _ = self.0.faults.send(WorkerFault { worker, reason });
    }
}

/// Waits until a worker is given up; its name and why. For ever, if none ever is.
pub async fn given_up(health: &mut watch::Receiver<Health>) -> (&'static str, String) {
    let found = health.wait_for(|health| health.given_up.is_some()).await;
    match found.map(|health| health.given_up.clone()) {
        Ok(Some(worker)) => worker,
        _ => std::future::pending().await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one job of a worker that serves others: a panic is an error of that job.
///
/// # Errors
/// The panic, as a text.
pub fn one_job<T>(who: &str, job: impl FnOnce() -> T) -> Result<T, String> {
    catch_panic(who, job)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SHORT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(4));

    #[test]
    fn a_worker_that_panics_is_started_again_and_that_is_published() {
        let (supervisor, mut faults) = Supervisor::with_backoff(SHORT);
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let worker = supervisor.spawn("vision", Shutdown::default(), move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            assert!(run >= 2, "run {run} goes wrong");
        });
        worker.unwrap().join().unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 3);
        let mut seen = Vec::new();
        while let Ok(fault) = faults.try_recv() {
            assert_eq!(fault.worker, "vision");
            seen.push(fault.reason.map(|reason| reason.contains("goes wrong")));
        }
        assert_eq!(seen, [Some(true), None, Some(true), None]);
        assert_eq!(*supervisor.health().borrow(), Health::default());
    }

    #[tokio::test]
    async fn one_that_always_panics_is_given_up() {
        let (supervisor, _faults) = Supervisor::with_backoff(SHORT);
        let mut health = supervisor.health();
        let worker = supervisor.spawn("display", Shutdown::default(), || panic!("again"));
        let (name, reason) = given_up(&mut health).await;
        assert_eq!(name, "display");
        assert!(reason.contains("again"), "{reason}");
        assert_eq!(health.borrow().down, ["display"]);
        worker.unwrap().join().unwrap();
    }

    #[test]
    fn a_shutdown_ends_the_wait() {
        let long = Duration::from_secs(600);
        let (supervisor, _faults) = Supervisor::with_backoff((long, long));
        let shutdown = Shutdown::default();
        let worker = supervisor.spawn("buttons", shutdown.clone(), || panic!("once"));
        shutdown.begin();
        worker.unwrap().join().unwrap();
    }

    #[test]
    fn contained_panics_are_published_once_in_a_while() {
        let (supervisor, mut faults) = Supervisor::with_backoff(SHORT);
        for _ in 0..5 {
            supervisor.contained("camera-http", "the decoder failed");
        }
        supervisor.contained("photos", "the decoder failed");
        let mut seen = Vec::new();
        while let Ok(fault) = faults.try_recv() {
            seen.push((fault.worker, fault.reason.is_some()));
        }
        assert_eq!(
            seen,
            [
                ("camera", true),
                ("camera", false),
                ("photos", true),
                ("photos", false)
            ]
        );
    }
}
