//! Checks passwords on one thread, in 19 MB that are taken at the first check and used again.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::{Semaphore, oneshot};

use super::credentials::{Credentials, Guest};

/// The thread's end, and who may ask it: one stranger at a time, and one who was in before.
pub(super) struct PasswordWorker {
    jobs: mpsc::Sender<Job>,
    turns: [Semaphore; 2],
}

struct Job {
    given: String,
    answer: oneshot::Sender<bool>,
}

impl PasswordWorker {
    /// Starts the thread; it ends with this.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(keys: Arc<Credentials>) -> io::Result<Self> {
        let (jobs, asked) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("passwords".into())
            .spawn(move || {
                let mut memory = Vec::new();
                for job in asked {
                    // Whoever asked may have gone.
                    if !job.answer.is_closed() {
                        let _ = job.answer.send(keys.matches(&job.given, &mut memory));
                    }
                }
            })?;
        Ok(Self {
            jobs,
            turns: [Semaphore::new(1), Semaphore::new(1)],
        })
    }

    /// Whether this opens the page; `None` if the thread is gone. Strangers wait for strangers alone.
    pub(super) async fn check(&self, given: String, guest: Guest) -> Option<bool> {
        let turn = self.turns[usize::from(guest == Guest::Known)].acquire();
        let _turn = turn.await.ok()?;
        let (answer, opens) = oneshot::channel();
        self.jobs.send(Job { given, answer }).ok()?;
        opens.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash_password;

    #[tokio::test]
    async fn right_and_wrong_ones_are_distinguished_side_by_side() {
        let hash = hash_password("correct horse").unwrap();
        let worker = PasswordWorker::start(Arc::new(Credentials::new(&hash, ""))).unwrap();
        let (right, wrong) = tokio::join!(
            worker.check("correct horse".into(), Guest::Known),
            worker.check("wrong horse".into(), Guest::Stranger),
        );
        assert_eq!((right, wrong), (Some(true), Some(false)));
    }

    /// On threads that come and go this takes 19 MB more with each of them.
    #[tokio::test]
    #[ignore = "reads the memory of the whole process: tests/run runs it alone"]
    async fn many_checks_take_the_memory_of_a_few() {
        let hash = hash_password("correct horse").unwrap();
        let worker = PasswordWorker::start(Arc::new(Credentials::new(&hash, ""))).unwrap();
        let resident_kb = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
            let number = line.split_whitespace().nth(1).unwrap();
            number.parse::<u64>().unwrap()
        };
        worker.check("wrong".into(), Guest::Stranger).await;
        let before = resident_kb();
        for _ in 0..12 {
            worker.check("wrong".into(), Guest::Stranger).await;
        }
        let after = resident_kb();
        assert!(after < before + 40_000, "{before} kB, then {after} kB");
    }
}
