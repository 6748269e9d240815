//! `[hooks]`: starts a program of the user's at each change and writes the change to its standard input. Uses no shell.
//! Both the number of hooks at once and their time are limited, so that a slow one delays nothing.

use std::{
    io::{ErrorKind, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    process::{Pid, Signal, kill_process_group},
};
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::{changes::Changes, config::HookSettings};

/// How often a hook is looked after.
const POLL: Duration = Duration::from_millis(20);
/// What of the environment is not for hooks: where secrets lie, and systemd's socket.
const PRIVATE: [&str; 2] = ["CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];

/// Starts a program at each change, until there are no more; `None` if the settings name none. Inside a runtime.
pub fn spawn(settings: &HookSettings, changes: Changes) -> Option<JoinHandle<()>> {
    let settings = settings.clone();
    (!settings.on_change.is_empty()).then(|| tokio::spawn(run(settings, changes)))
}

async fn run(settings: HookSettings, mut changes: Changes) {
    let places = Arc::new(Semaphore::new(settings.at_once));
    let mut left_out = 0_u64;
    while let Some(line) = changes.next().await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            left_out += 1;
            // The first, and then ever fewer, so that a flood does not fill the log.
            if left_out.is_power_of_two() {
                tracing::warn!(
                    "{left_out} changes were left out: {} hooks run already (hooks.at_once)",
                    settings.at_once
                );
            }
            continue;
        };
        let settings = settings.clone();
        let started = thread::Builder::new().name("hook".into()).spawn(move || {
            if let Err(reason) = call(&settings, &line) {
                tracing::warn!("the hook {}: {reason}", settings.on_change[0]);
            }
            drop(place);
        });
        if let Err(error) = started {
            tracing::warn!("no hook: {error}");
        }
    }
}

/// Runs it once, for at most its time.
fn call(settings: &HookSettings, line: &str) -> Result<(), String> {
    let [program, arguments @ ..] = settings.on_change.as_slice() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // A group of its own, so that what it starts ends with it.
        .process_group(0);
    for name in PRIVATE {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let end = Instant::now() + Duration::from_secs(settings.timeout_s.into());
    if let Some(input) = child.stdin.take() {
        feed(input, format!("{line}\n").as_bytes(), end);
    }
    match wait(&mut child, end) {
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => Err(format!("it ended with {status}")),
        Some(Err(error)) => Err(error.to_string()),
        None => {
            kill_all(&mut child);
            let seconds = settings.timeout_s;
            Err(format!("no end within {seconds} s (hooks.timeout_s)"))
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
fn feed(mut input: ChildStdin, mut bytes: &[u8], end: Instant) {
    if fcntl_setfl(&input, OFlags::NONBLOCK).is_err() {
        return;
    }
    while !bytes.is_empty() && Instant::now() < end {
        match input.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(POLL),
            Err(_) => return,
        }
    }
}

/// How it ended; `None` if it did not in time.
fn wait(child: &mut Child, end: Instant) -> Option<std::io::Result<std::process::ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Err(error) => return Some(Err(error)),
            Ok(None) if Instant::now() >= end => return None,
            Ok(None) => thread::sleep(POLL),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

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

    #[test]
    fn it_gets_the_line_and_its_arguments_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let settings = hook(
            folder.path(),
            &format!("echo \"$1\" > {0}; cat >> {0}", out.display()),
        );
        assert_eq!(call(&settings, "{\"kind\":\"state\"}"), Ok(()));
        let text = fs::read_to_string(&out).unwrap();
        assert_eq!(text, "a b; $(touch no)\n{\"kind\":\"state\"}\n");
    }

    #[test]
    fn one_that_fails_hangs_or_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failed = call(&hook(folder.path(), "exit 3"), "{}");
        assert!(failed.unwrap_err().contains('3'));
        // It reads nothing and does not end; the line is larger than a pipe holds.
        let hung = call(&hook(folder.path(), "exec sleep 60"), &"x".repeat(1 << 20));
        assert!(hung.unwrap_err().contains("timeout_s"));
        let settings = HookSettings {
            on_change: vec!["/nonexistent/hook".into()],
            ..HookSettings::default()
        };
        assert!(call(&settings, "{}").is_err());
    }

    #[test]
    fn what_a_hook_started_ends_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!(
            "trap '' TERM; (trap '' TERM; exec sleep 60) & echo $! > {}; sleep 60 & wait",
            pids.display()
        );
        assert!(call(&hook(folder.path(), &script), "{}").is_err());
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
