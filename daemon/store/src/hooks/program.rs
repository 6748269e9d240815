//! One run of a hook's program: started without a shell, fed one line, watched for its time, and ended with what it started.

use std::{
    fmt, fs,
    io::{self, ErrorKind, Read, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
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

/// How often a running hook is looked after.
pub(super) const POLL: Duration = Duration::from_millis(20);
/// Bytes of its stderr that are read between two looks at a hook: what a pipe holds.
const READ_AT_ONCE: u64 = 64 * 1024;
/// Variables of the environment that hooks do not get: where secrets lie, and systemd's socket.
const PRIVATE: [&str; 2] = ["CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];

/// Why a hook did not do its work, with the way out.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// There is no such program.
    #[error("{0}: hooks.on_change begins with its whole path")]
    NotFound(io::Error),
    /// It is a folder or a device.
    #[error("it is no file that can be started")]
    NoFile,
    /// Nobody may execute it.
    #[error("it is not executable: chmod +x {}", .0.display())]
    NotExecutable(PathBuf),
    /// The interpreter of its first line is missing.
    #[error("{0}: what its first line (#!) names is not there")]
    NoInterpreter(io::Error),
    /// A script without a first line that names its interpreter.
    #[error("{0}: its first line must name who runs it, such as #!/bin/sh")]
    NoFirstLine(io::Error),
    /// It ended with another status than 0.
    #[error("it ended with {status}{}", Stderr(.stderr))]
    Failed {
        /// As the system reports it.
        status: ExitStatus,
        /// The end of what it wrote to its stderr, in one line; may be empty.
        stderr: String,
    },
    /// It was ended when its time was over.
    #[error("no end within {seconds} s (hooks.timeout_s){}", Stderr(.stderr))]
    TimedOut {
        /// Its time.
        seconds: u32,
        /// As above.
        stderr: String,
    },
    /// The system did not start it, or not wait for it.
    #[error(transparent)]
    System(io::Error),
}

/// The end of an error's text: what the hook itself wrote, if anything.
struct Stderr<'a>(&'a str);

impl fmt::Display for Stderr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "; it said: {}", self.0)
    }
}

/// The hooks that run now, by the number of their process group.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<Vec<Pid>>>);

impl Running {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, pid: Pid) {
        self.lock().push(pid);
    }

    pub(super) fn remove(&self, pid: Pid) {
        self.lock().retain(|other| *other != pid);
    }

    pub(super) fn kill_all(&self) {
        for pid in self.lock().drain(..) {
            // The group may be gone already.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Whether a hook's program can be started, as far as can be seen without starting it.
///
/// # Errors
/// [`HookError::NotFound`], [`HookError::NoFile`] or [`HookError::NotExecutable`].
pub fn check(program: &Path) -> Result<(), HookError> {
    let found = fs::metadata(program).map_err(HookError::NotFound)?;
    if !found.is_file() {
        return Err(HookError::NoFile);
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(HookError::NotExecutable(program.to_owned()));
    }
    Ok(())
}

/// Why it did not start: the system's error is about the interpreter as often as about the program.
fn not_started(program: &str, error: io::Error) -> HookError {
    if let Err(problem) = check(Path::new(program)) {
        return problem;
    }
    match error.kind() {
        ErrorKind::NotFound => HookError::NoInterpreter(error),
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            HookError::NoFirstLine(error)
        }
        _ => HookError::System(error),
    }
}

/// Runs it once, for at most its time.
pub(super) fn call(
    settings: &HookSettings,
    line: &str,
    running: &Running,
) -> Result<(), HookError> {
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
    let mut child = command.spawn().map_err(|e| not_started(program, e))?;
    let group = Pid::from_child(&child);
    running.add(group);
    let end = Instant::now() + Duration::from_secs(settings.timeout_s.into());
    let mut errors = Errors::of(&mut child);
    if let Some(input) = child.stdin.take() {
        feed(input, format!("{line}\n").as_bytes(), end, &mut errors);
    }
    let ended = wait(&mut child, end, &mut errors);
    running.remove(group);
    let stderr = errors.tail.text();
    match ended {
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => Err(HookError::Failed { status, stderr }),
        Some(Err(error)) => Err(HookError::System(error)),
        None => {
            kill_all(&mut child);
            let seconds = settings.timeout_s;
            Err(HookError::TimedOut { seconds, stderr })
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
        // The last of its output is there by now.
        errors.read();
        match ended {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if Instant::now() >= end => return None,
            Ok(None) => thread::sleep(POLL),
        }
    }
}
