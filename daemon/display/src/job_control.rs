//! The shell's job control: the live view is stopped by Ctrl-Z or `kill -TSTP` and goes on by `fg`. Raw mode keeps the kernel from doing
//! that with the key, and the terminal must be given back before.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{
    Pid, Signal, getpgid, getpgrp, getpid, getppid, getsid, kill_process, kill_process_group,
};
use signal_hook::{
    SigId,
    consts::{SIGCONT, SIGTSTP},
    flag, low_level,
};

/// How long one looks away while it waits for the stop.
const MOMENT: Duration = Duration::from_millis(1);

/// What stops with this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopScope {
    /// The whole job, such as `cargo run` and what it started: so the key does.
    Job,
    /// It alone: so `kill -TSTP` does.
    Process,
}

/// Knows what the shell asked for. While it lives, SIGTSTP stops nothing by itself.
#[derive(Debug)]
pub(super) struct JobControl {
    stop: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl JobControl {
    /// # Errors
    /// The system's, if the signals cannot be had.
    pub(super) fn new() -> io::Result<Self> {
        let (stop, continued) = (Arc::default(), Arc::default());
        let handlers = vec![
            flag::register(SIGTSTP, Arc::clone(&stop))?,
            flag::register(SIGCONT, Arc::clone(&continued))?,
        ];
        Ok(Self {
            stop,
            continued,
            handlers,
        })
    }

    /// Whether SIGTSTP has come since this was asked last.
    pub(super) fn is_asked_to_stop(&self) -> bool {
        self.stop.swap(false, Ordering::Relaxed)
    }

    /// Whether it was stopped and goes on since this was asked last, also after a SIGSTOP that nobody sees coming.
    pub(super) fn has_continued(&self) -> bool {
        self.continued.swap(false, Ordering::Relaxed)
    }

    /// Stops here until somebody lets it go on.
    pub(super) fn stop(&self, scope: StopScope) -> io::Result<()> {
        if scope == StopScope::Job {
            kill_process_group(getpgrp(), Signal::TSTP)?;
        }
        self.continued.store(false, Ordering::Relaxed);
        kill_process(getpid(), Signal::STOP)?;
        // Another thread may take the signal first; this one then runs on for a moment, and must not take the terminal again.
        while !self.has_continued() {
            thread::sleep(MOMENT);
        }
        // Its own signal to the job came here, too.
        self.stop.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for JobControl {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
    }
}

/// Whether a shell could continue this job. Where none can (a terminal that runs nothing else), the kernel lets SIGTSTP stop nothing,
/// and neither do we: the parent of one of the job's processes must be of the same session and no part of the job.
pub(super) fn has_shell() -> bool {
    let (job, mut parent) = (getpgrp(), getppid());
    while let Some(id) = parent {
        if getpgid(Some(id)).ok() != Some(job) {
            return getsid(Some(id)).is_ok_and(|session| Some(session) == getsid(None).ok());
        }
        parent = parent_of(id);
    }
    false
}

/// The fourth field of its `stat`, the second behind the name, which may hold anything (proc_pid_stat(5)).
fn parent_of(id: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
    let (_, behind) = stat.rsplit_once(')')?;
    Pid::from_raw(behind.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent_of(getpid()), getppid());
    }

    #[test]
    fn signals_are_reported_once_and_stop_nothing() {
        let control = JobControl::new().unwrap();
        assert!(!control.is_asked_to_stop() && !control.has_continued());
        kill_process(getpid(), Signal::TSTP).unwrap();
        kill_process(getpid(), Signal::CONT).unwrap();
        while !control.is_asked_to_stop() {
            std::thread::yield_now();
        }
        while !control.has_continued() {
            std::thread::yield_now();
        }
        assert!(!control.is_asked_to_stop() && !control.has_continued());
    }
}
