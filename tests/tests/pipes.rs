//! Standard output and input from outside: pipes that are closed, a password that is set, changes line by line.

use std::time::Duration;

use moodring_tests::bench::Bench;

#[test]
fn every_command_ends_quietly_when_its_pipe_is_closed() {
    let bench = Bench::new();
    bench.write("m.toml", "");
    for command in [
        "doctor",
        "config",
        "config --check m.toml",
        "devices",
        "show --tour",
        "bench --frames 3",
        "--help",
        "model list",
        "watch --source synthetic",
    ] {
        // Also a reader that takes nothing at all.
        for reader in ["head -c 1", "true"] {
            let script = format!("timeout 60 $MOODRING {command} | {reader} > /dev/null");
            let finished = bench.start_shell(&script).finish(Duration::from_secs(90));
            assert!(
                !finished.stderr.contains("panicked"),
                "{command} | {reader}: {}",
                finished.stderr
            );
        }
    }
}

#[test]
fn a_password_is_set_in_the_file_that_config_printed() {
    let bench = Bench::new();
    let script = "$MOODRING config > m.toml && echo 'correct horse' | $MOODRING config --password m.toml \
                  && $MOODRING config --check m.toml";
    let finished = bench
        .start_shell(script)
        .finish(Duration::from_secs(90))
        .expect_code(0);
    assert!(
        finished.stdout.contains("password = \"$argon2id$"),
        "{}",
        finished.stdout
    );
    let text = std::fs::read_to_string(bench.folder().join("m.toml")).expect("it is there");
    assert!(text.contains("# moodring's settings"), "its comments stay");
    let printed = "echo 'correct horse' | $MOODRING config --password";
    let printed = bench
        .start_shell(printed)
        .finish(Duration::from_secs(60))
        .expect_code(0);
    assert!(
        printed.stdout.starts_with("[web]\npassword = "),
        "{}",
        printed.stdout
    );
}

#[test]
fn watch_prints_each_change_as_a_line_of_json() {
    let bench = Bench::new();
    let script = "timeout 60 $MOODRING watch --source synthetic | head -n 4";
    let finished = bench.start_shell(script).finish(Duration::from_secs(90));
    let lines = finished.json_lines();
    assert_eq!(lines.len(), 4, "{}", finished.stdout);
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["kind"].as_str().unwrap_or("none"))
        .collect();
    assert!(kinds.contains(&"state"), "{kinds:?}");
    let state = lines
        .iter()
        .find(|line| line["kind"] == "state")
        .expect("one is there");
    for key in ["mood", "emoji", "confidence", "people", "camera", "time"] {
        assert!(!state[key].is_null(), "{key}: {state}");
    }
}

#[test]
fn a_hook_gets_each_change() {
    let bench = Bench::new();
    let out = bench.folder().join("received");
    let script = format!("#!/bin/sh\ncat >> {}\n", out.display());
    let hook = bench.write("hook", script);
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    bench.write(
        "m.toml",
        format!("[hooks]\non_change = [\"{}\"]\n", hook.display()),
    );
    let daemon =
        bench.start("run --config m.toml --source synthetic --display none --no-mqtt --no-web");
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        if text.contains("\"kind\":\"state\"") && text.contains("\"camera\":\"running\"") {
            break;
        }
        assert!(std::time::Instant::now() < end, "the hook received: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
    daemon.stop(Duration::from_secs(30)).expect_code(0);
}
