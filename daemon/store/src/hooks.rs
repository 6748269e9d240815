//! `[hooks]`: starts a program of the user's at each change and writes the change to its standard input. Uses no shell.
//! Both the number of hooks at once and their time are limited, so that a slow one delays nothing.

use std::{
    collections::VecDeque,
    fs,
    io::{self, ErrorKind, Read, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use moodring_base::{config::HookSettings, stderr_tail::StderrTail};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    process::{Pid, Signal, kill_process_group},
};
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::changes::Changes;

/// Bytes of its stderr that are read between two looks at a hook: what a pipe holds.
const READ_AT_ONCE: u64 = 64 * 1024;
/// Changes that may wait for a hook to end.
const MOST_WAITING: usize = 64;
/// How often a hook is looked after.
const POLL: Duration = Duration::from_millis(20);
/// What of the environment is not for hooks: where secrets lie, and systemd's socket.
const PRIVATE: [&str; 2] = ["CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];

/// How long running hooks may go on when the daemon ends.
const GRACE: Duration = Duration::from_millis(500);

/// The task that starts hooks, and those that run.
#[derive(Debug)]
pub struct Hooks {
    task: JoinHandle<()>,
    running: Running,
}

/// The hooks that run now, by the number of their process group.
#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<Vec<Pid>>>);

impl Running {
    fn lock(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, pid: Pid) {
        self.lock().push(pid);
    }

    fn remove(&self, pid: Pid) {
        self.lock().retain(|other| *other != pid);
    }

    fn kill_all(&self) {
        for pid in self.lock().drain(..) {
            // The group may be gone already.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
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

/// Whether a hook's program can be started, as far as can be told without starting it.
///
/// # Errors
/// Why not, and how to mend it.
pub fn check(program: &Path) -> Result<(), String> {
    let found = fs::metadata(program)
        .map_err(|error| format!("{error}: hooks.on_change begins with its whole path"))?;
    if !found.is_file() {
        return Err("it is no file that can be started".into());
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(format!(
            "it is not executable: chmod +x {}",
            program.display()
        ));
    }
    Ok(())
}

/// Why it did not start, in words: the system's are of the interpreter as often as of the program.
fn unstarted(program: &str, error: &io::Error) -> String {
    if let Err(problem) = check(Path::new(program)) {
        return problem;
    }
    match error.kind() {
        ErrorKind::NotFound => {
            format!("{error}: what its first line (#!) names is not there")
        }
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            format!("{error}: its first line must name who runs it, such as #!/bin/sh")
        }
        _ => error.to_string(),
    }
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

/// The failures in a row, so that the same one is not said at every change.
#[derive(Debug, Default)]
struct RepeatedFailure {
    reason: String,
    count: u64,
}

impl RepeatedFailure {
    fn note(&mut self, program: &str, ended: Result<(), String>) {
        match ended {
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

/// Runs it once, for at most its time.
fn call(settings: &HookSettings, line: &str, running: &Running) -> Result<(), String> {
    let [program, arguments @ ..] = settings.on_change.as_slice() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts ends with it.
        .process_group(0);
    for name in PRIVATE {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|e| unstarted(program, &e))?;
    let group = Pid::from_child(&child);
    running.add(group);
    let end = Instant::now() + Duration::from_secs(settings.timeout_s.into());
    let mut errors = Errors::of(&mut child);
    if let Some(input) = child.stdin.take() {
        feed(input, format!("{line}\n").as_bytes(), end, &mut errors);
    }
    let ended = wait(&mut child, end, &mut errors);
    running.remove(group);
    let said = |fate: String| match errors.tail.text() {
        words if words.is_empty() => Err(fate),
        words => Err(format!("{fate}; it said: {words}")),
    };
    match ended {
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => said(format!("it ended with {status}")),
        Some(Err(error)) => Err(error.to_string()),
        None => {
            kill_all(&mut child);
            let seconds = settings.timeout_s;
            said(format!("no end within {seconds} s (hooks.timeout_s)"))
        }
    }
}

/// What a hook writes to its stderr: read so that it is not held up, and only its end is kept.
struct Errors {
    pipe: Option<ChildStderr>,
    tail: StderrTail,
}

impl Errors {
    fn of(child: &mut Child) -> Self {
        let pipe = child.stderr.take();
        Self {
            // Without this a silent hook would be waited for here.
            pipe: pipe.filter(|pipe| fcntl_setfl(pipe, OFlags::NONBLOCK).is_ok()),
            tail: StderrTail::new(Vec::new()),
        }
    }

    /// Reads what is there now.
    fn read(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            self.tail.read(&mut pipe.take(READ_AT_ONCE));
        }
    }
}

/// The child and what it started; waited for, so that no dead child is left.
fn kill_all(child: &mut Child) {
    // The group may be gone already.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.kill().and_then(|()| child.wait());
}

/// Writes what it takes until its time is over; a hook need not read what it gets.
fn feed(mut input: ChildStdin, mut bytes: &[u8], end: Instant, errors: &mut Errors) {
    if fcntl_setfl(&input, OFlags::NONBLOCK).is_err() {
        return;
    }
    while !bytes.is_empty() && Instant::now() < end {
        match input.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                errors.read();
                thread::sleep(POLL);
            }
            Err(_) => return,
        }
    }
}

/// How it ended; `None` if it did not in time.
fn wait(child: &mut Child, end: Instant, errors: &mut Errors) -> Option<io::Result<ExitStatus>> {
    loop {
        let ended = child.try_wait();
        // What it said at last is there by now.
        errors.read();
        match ended {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if Instant::now() >= end => return None,
            Ok(None) => thread::sleep(POLL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(folder: &Path, script: &str) -> HookSettings {
        let path = folder.join("hook");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        HookSettings {
            on_change: vec![path.to_str().unwrap().into(), "a b; $(touch no)".into()],
            timeout_s: 1,
            ..HookSettings::default()
        }
    }

    fn called(settings: &HookSettings, line: &str) -> Result<(), String> {
        call(settings, line, &Running::default())
    }

    /// Of a flood of errors the end is said, in one line without escape codes; the hook is not held up by it.
    #[test]
    fn what_it_says_is_bounded_and_printable() {
        let folder = tempfile::tempdir().unwrap();
        let script = "i=0; while [ $i -lt 30000 ]; do echo 'a warning of forty letters, or nearly so'; i=$((i+1)); done >&2; \
            printf '\\033[31mno light\\n' >&2; exit 7";
        let settings = HookSettings {
            timeout_s: 30,
            ..hook(folder.path(), script)
        };
        let failed = called(&settings, "{}").unwrap_err();
        assert!(
            failed.contains("exit status: 7") && failed.ends_with("no light"),
            "{failed}"
        );
        assert!(
            failed.len() < 1_000 && !failed.contains(char::is_control),
            "{failed}"
        );
    }

    #[test]
    fn why_it_cannot_be_started_is_said_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook");
        let refused = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let settings = HookSettings {
                on_change: vec![path.to_str().unwrap().into()],
                ..HookSettings::default()
            };
            called(&settings, "{}").unwrap_err()
        };
        assert!(refused("#!/nonexistent/sh\n", 0o755).contains("(#!)"));
        assert!(refused("echo hi\n", 0o755).contains("#!/bin/sh"));
        assert!(refused("#!/bin/sh\n", 0o644).contains("chmod +x"));
        assert!(check(folder.path()).is_err() && check(Path::new("/nonexistent")).is_err());
    }

    /// A hook that takes a while gets each event, in order, and of the states the newest.
    #[test]
    fn what_waits_keeps_the_newest() {
        let settings = HookSettings::default();
        let mut waiting = Waiting::default();
        let state = |n| Arc::from(format!(r#"{{"kind":"state","n":{n}}}"#));
        for n in 0..40 {
            waiting.push(state(n), &settings);
            waiting.push(Arc::from(format!("event {n}")), &settings);
        }
        let events: Vec<_> = waiting
            .lines
            .iter()
            .filter(|line| !is_state(line))
            .collect();
        assert_eq!(
            (waiting.lines.len(), events.len(), waiting.left_out),
            (41, 40, 0)
        );
        assert_eq!(waiting.lines[39], state(39));
        for n in 40..90 {
            waiting.push(Arc::from(format!("event {n}")), &settings);
        }
        assert_eq!(waiting.lines.len(), MOST_WAITING);
        assert_eq!(waiting.lines.back().unwrap().as_ref(), "event 89");
        assert_eq!(waiting.left_out, 91 - MOST_WAITING as u64);
    }

    #[test]
    fn the_same_failure_is_said_ever_more_seldom() {
        let mut failure = RepeatedFailure::default();
        for count in 1..=9 {
            failure.note("hook", Err("no light".into()));
            assert_eq!(failure.count, count);
        }
        failure.note("hook", Ok(()));
        assert_eq!(failure.count, 0);
    }

    #[tokio::test]
    async fn none_outlives_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!(
            "trap '' TERM; sleep 60 & echo $! > {0}.tmp; mv {0}.tmp {0}; wait",
            pids.display()
        );
        let settings = HookSettings {
            timeout_s: 60,
            ..hook(folder.path(), &script)
        };
        let running = Running::default();
        let theirs = running.clone();
        let thread = thread::spawn(move || call(&settings, "{}", &theirs));
        let end = Instant::now() + Duration::from_secs(20);
        while !pids.exists() {
            assert!(Instant::now() < end, "it has not begun");
            thread::sleep(POLL);
        }
        let task = tokio::spawn(std::future::pending());
        Hooks { task, running }.close().await;
        assert!(thread.join().unwrap().is_err());
        let pid = fs::read_to_string(&pids).unwrap();
        // The kernel ends a killed process in its own time.
        let end = Instant::now() + Duration::from_secs(10);
        let lives = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while lives() {
            assert!(Instant::now() < end, "it outlives the daemon");
            thread::sleep(POLL);
        }
    }

    #[test]
    fn it_gets_the_line_and_its_arguments_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let settings = hook(
            folder.path(),
            &format!("echo \"$1\" > {0}; cat >> {0}", out.display()),
        );
        assert_eq!(called(&settings, "{\"kind\":\"state\"}"), Ok(()));
        let text = fs::read_to_string(&out).unwrap();
        assert_eq!(text, "a b; $(touch no)\n{\"kind\":\"state\"}\n");
    }

    #[test]
    fn one_that_fails_hangs_or_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failed = called(&hook(folder.path(), "exit 3"), "{}");
        assert!(failed.unwrap_err().contains('3'));
        // It reads nothing and does not end; the line is larger than a pipe holds.
        let hung = called(&hook(folder.path(), "exec sleep 60"), &"x".repeat(1 << 20));
        assert!(hung.unwrap_err().contains("timeout_s"));
        let settings = HookSettings {
            on_change: vec!["/nonexistent/hook".into()],
            ..HookSettings::default()
        };
        assert!(called(&settings, "{}").is_err());
    }

    #[test]
    fn what_a_hook_started_ends_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!(
            "trap '' TERM; (trap '' TERM; exec sleep 60) & echo $! > {}; sleep 60 & wait",
            pids.display()
        );
        assert!(called(&hook(folder.path(), &script), "{}").is_err());
        let pid = fs::read_to_string(&pids).unwrap();
        let runs = || {
            let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            state.is_ok_and(|stat| !stat.contains(") Z "))
        };
        let end = Instant::now() + Duration::from_secs(10);
        while runs() {
            assert!(Instant::now() < end, "its child goes on");
            thread::sleep(POLL);
        }
    }
}
