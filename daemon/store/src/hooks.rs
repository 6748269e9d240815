//! `[hooks]`: starts a program of the user's at each change and writes the change to its standard input. Uses no shell.
//! Both the number of hooks at once and their time are limited, so that a slow one delays nothing.

mod program;

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use moodring_base::config::HookSettings;
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::changes::Changes;
pub use program::{HookError, check};
use program::{POLL, Running, call};

/// Changes that may wait for a hook to end.
const MOST_WAITING: usize = 64;
/// How long running hooks may go on when the daemon ends.
const GRACE: Duration = Duration::from_millis(500);

/// The task that starts hooks, and those that run.
#[derive(Debug)]
pub struct Hooks {
    task: JoinHandle<()>,
    running: Running,
}

impl Hooks {
    /// Starts no more, and ends those that do not end by themselves in half a second, with what they started.
    pub async fn close(self) {
        self.task.abort();
        let end = Instant::now() + GRACE;
        while !self.running.lock().is_empty() && Instant::now() < end {
            tokio::time::sleep(POLL).await;
        }
        self.running.kill_all();
    }
}

/// Starts a program at each change, until there are no more; `None` if the settings name none. Inside a runtime.
pub fn spawn(settings: &HookSettings, changes: Changes) -> Option<Hooks> {
    let program = settings.on_change.first()?;
    if let Err(problem) = check(Path::new(program)) {
        tracing::warn!("the hook {program}: {problem}");
    }
    let running = Running::default();
    let task = tokio::spawn(run(settings.clone(), changes, running.clone()));
    Some(Hooks { task, running })
}

/// Changes that wait for a place, in order.
#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Arc<str>>,
    left_out: u64,
}

impl Waiting {
    /// One more. Of states only the newest is worth a wait; of too many others the oldest go, never the last.
    fn push(&mut self, line: Arc<str>, settings: &HookSettings) {
        if is_state(&line) {
            self.lines.retain(|other| !is_state(other));
        }
        self.lines.push_back(line);
        if self.lines.len() <= MOST_WAITING {
            return;
        }
        self.lines.pop_front();
        self.left_out += 1;
        // The first, and then ever fewer, so that a flood does not fill the log.
        if self.left_out.is_power_of_two() {
            tracing::warn!(
                "{} changes were left out: {} hooks run and {MOST_WAITING} changes wait already (hooks.at_once)",
                self.left_out,
                settings.at_once
            );
        }
    }
}

/// Whether it is a state, which the next one outdates.
fn is_state(line: &str) -> bool {
    line.starts_with(r#"{"kind":"state""#)
}

async fn run(settings: HookSettings, mut changes: Changes, running: Running) {
    let places = Arc::new(Semaphore::new(settings.at_once));
    let failure = Arc::new(Mutex::new(RepeatedFailure::default()));
    let mut waiting = Waiting::default();
    loop {
        let place = tokio::select! {
            biased;
            change = changes.next() => match change {
                Some(line) => {
                    waiting.push(line, &settings);
                    continue;
                }
                None => return,
            },
            Ok(place) = Arc::clone(&places).acquire_owned(), if !waiting.lines.is_empty() => place,
        };
        let Some(line) = waiting.lines.pop_front() else {
            continue;
        };
        let (settings, running, failure) = (settings.clone(), running.clone(), failure.clone());
        let started = thread::Builder::new().name("hook".into()).spawn(move || {
            let ended = call(&settings, &line, &running);
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.note(&settings.on_change[0], ended);
            drop(place);
        });
        if let Err(error) = started {
            tracing::warn!("no hook: {error}");
        }
    }
}

/// The failures in a row, so that the same one is not logged at every change.
#[derive(Debug, Default)]
struct RepeatedFailure {
    reason: String,
    count: u64,
}

impl RepeatedFailure {
    fn note(&mut self, program: &str, ended: Result<(), HookError>) {
        match ended.map_err(|error| error.to_string()) {
            Ok(()) => *self = Self::default(),
            Err(reason) if reason == self.reason => {
                self.count += 1;
                if self.count.is_power_of_two() {
                    tracing::warn!("the hook {program}: {} times: {reason}", self.count);
                }
            }
            Err(reason) => {
                tracing::warn!("the hook {program}: {reason}");
                *self = Self { reason, count: 1 };
            }
        }
    }
}

#[cfg(test)]
mod tests;
