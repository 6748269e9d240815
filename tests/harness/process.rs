//! Runs a program: its lines as they come, its end, deadlines instead of sleeps. Killed when dropped.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Which pipe a line came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A program that runs.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Receiver<(Pipe, String)>,
    seen: Vec<(Pipe, String)>,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl Process {
    /// Starts a program with nothing on its standard input.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, lines) = channel();
        let pass = |pipe, from: Option<Box<dyn Read + Send>>, sender: Sender<_>| {
            let from = BufReader::new(from.expect("the pipe was asked for"));
            thread::spawn(move || pass_on(pipe, from, &sender));
        };
        pass(
            Pipe::Out,
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            sender.clone(),
        );
        pass(
            Pipe::Err,
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
            sender,
        );
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for the next line that `pick` takes; lines before it are passed over for good.
    ///
    /// # Panics
    /// If no such line comes in time or the program ends; the text has the lines that came instead.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut pick: impl FnMut(Pipe, &str) -> Option<T>,
    ) -> T {
        let end = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok((pipe, line)) => {
                    let picked = pick(pipe, &line);
                    self.seen.push((pipe, line));
                    if let Some(picked) = picked {
                        return picked;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {what} within {limit:?}; so far:\n{}", self.story())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {what}:\n{}", self.story())
                }
            }
        }
    }

    /// Waits for a line that contains a text.
    ///
    /// # Panics
    /// As [`Process::wait_for`].
    pub fn wait_for_text(&mut self, text: &str, limit: Duration) -> String {
        self.wait_for(&format!("line with {text:?}"), limit, |_, line| {
            line.contains(text).then(|| line.to_owned())
        })
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        assert!(signal(self.id(), name), "could not send {name}");
    }

    /// Sends SIGTERM as soon as the program can handle it, and waits for the end. Before that the same signal would
    /// kill a program that is still being loaded, which proves nothing about how it stops.
    ///
    /// # Panics
    /// If it does not catch the signal in time, and as [`Process::finish`].
    pub fn stop(mut self, limit: Duration) -> Finished {
        let end = Instant::now() + limit;
        while !self.catches_term() {
            let story = self.story();
            assert!(self.is_running(), "ended before it was stopped:\n{story}");
            assert!(Instant::now() < end, "no SIGTERM caught:\n{story}");
            thread::sleep(Duration::from_millis(2));
        }
        self.signal("TERM");
        self.finish(limit)
    }

    /// Whether it has a handler for SIGTERM: bit 14 of `SigCgt` (proc_pid_status(5), signal(7)).
    fn catches_term(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask >> 14 & 1 == 1)
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If it has not ended in time, if it panicked, or if it sent colours into a pipe.
    pub fn finish(mut self, limit: Duration) -> Finished {
        let end = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still running after {limit:?}:\n{}", self.story())
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Both pipes are closed, so the end is near; only a program that closed them early is waited for.
        while self.is_running() {
            assert!(
                Instant::now() < end,
                "still running after {limit:?}:\n{}",
                self.story()
            );
            thread::sleep(Duration::from_millis(2));
        }
        let code = self.child.wait().expect("it has ended").code();
        let text = |wanted| {
            let lines = self.seen.iter().filter(|(pipe, _)| *pipe == wanted);
            lines
                .map(|(_, line)| format!("{line}\n"))
                .collect::<String>()
        };
        let finished = Finished {
            code,
            stdout: text(Pipe::Out),
            stderr: text(Pipe::Err),
        };
        assert!(
            !finished.stderr.contains("panicked"),
            "it panicked:\n{}",
            finished.stderr
        );
        let coloured = [&finished.stdout, &finished.stderr]
            .iter()
            .any(|text| text.contains('\x1b'));
        assert!(
            !coloured,
            "colours in a pipe:\n{}{}",
            finished.stdout, finished.stderr
        );
        finished
    }

    fn story(&self) -> String {
        self.seen
            .iter()
            .map(|(pipe, line)| format!("{pipe:?}: {line}\n"))
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Asserts the exit code, and shows everything if it is another.
    ///
    /// # Panics
    /// If it is another.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error names all of these.
    ///
    /// # Panics
    /// If one is missing.
    pub fn expect_stderr(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in:\n{}",
                self.stderr
            );
        }
        self
    }

    /// Standard output as JSON, an object a line.
    ///
    /// # Panics
    /// If a line is not JSON.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

fn pass_on(pipe: Pipe, mut from: impl BufRead, to: &Sender<(Pipe, String)>) {
    let mut bytes = Vec::new();
    while from
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|count| count > 0)
    {
        let line = String::from_utf8_lossy(&bytes)
            .trim_end_matches(['\n', '\r'])
            .to_owned();
        bytes.clear();
        if to.send((pipe, line)).is_err() {
            return; // Nobody listens any more.
        }
    }
}

/// Sends a signal such as `TERM` to any process; false if there is none. By the shell: Debian's `kill` is in a package that a small
/// system lacks.
pub fn signal(pid: u32, name: &str) -> bool {
    let sent = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -{name} {pid} 2>/dev/null"))
        .status();
    sent.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").arg("-c").arg(script))
    }

    #[test]
    fn a_program_that_is_stopped_at_once_ends_as_it_wants_to() {
        // As a daemon's start may: the handler comes late.
        let late = shell("sleep 0.2; trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done");
        assert_eq!(late.stop(LIMIT).expect_code(0).stdout, "bye\n");
    }

    #[test]
    fn lines_codes_and_signals_come_through() {
        let mut process = shell("echo a; echo b >&2; read x; sleep 60");
        process.wait_for_text("a", LIMIT);
        process.signal("KILL");
        assert_eq!(
            shell("echo out; echo err >&2; exit 3")
                .finish(LIMIT)
                .expect_code(3)
                .expect_stderr(&["err"])
                .stdout,
            "out\n"
        );
    }

    #[test]
    #[should_panic(expected = "no line with \"never\" within")]
    fn a_deadline_ends_a_wait() {
        shell("echo a; exec sleep 60").wait_for_text("never", Duration::from_millis(50));
    }

    #[test]
    #[should_panic(expected = "it panicked")]
    fn a_panic_is_noticed() {
        shell("echo \"thread 'main' panicked at a.rs\" >&2").finish(LIMIT);
    }
}
