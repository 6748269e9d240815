//! Hooks as programs that really run: what they get, what they may cost, and how each failure reads in the log.

use std::{fs, os::unix::fs::PermissionsExt};

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
    call(settings, line, &Running::default()).map_err(|error| error.to_string())
}

/// Of a flood of errors the end is logged, in one line without escape codes; the hook is not held up by it.
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
        failure.note("hook", Err(HookError::NoFile));
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
