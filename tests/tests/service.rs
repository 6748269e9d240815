//! As a service: what the daemon reports to systemd, and what the unit's sandbox leaves open.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use moodring_tests::{
    bench::{Bench, LIMIT},
    repo,
};

/// The highest exposure the unit may have by `systemd-analyze security`.
const EXPOSURE: f32 = 2.0;

/// Where systemd would listen.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    /// Listens for everything that `bench` starts later.
    fn of(bench: &mut Bench) -> Self {
        let path = bench.folder().join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is ours");
        bench.set("NOTIFY_SOCKET", path.display());
        Self { socket }
    }

    /// The lines reported until one is `wanted`.
    fn wait_for(&self, wanted: &str) -> Vec<String> {
        let end = Instant::now() + LIMIT;
        let mut lines = Vec::new();
        let mut bytes = [0; 4096];
        while !lines.iter().any(|line| line == wanted) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {wanted}: {lines:?}");
            self.socket.set_read_timeout(Some(left)).expect("not zero");
            let Ok(count) = self.socket.recv(&mut bytes) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes[..count]);
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }
}

#[test]
fn systemd_gets_ready_watchdog_and_stopping() {
    let mut bench = Bench::new();
    let manager = Manager::of(&mut bench);
    bench.set("WATCHDOG_USEC", Duration::from_secs(2).as_micros());
    let daemon = bench.start("run --source synthetic --no-mqtt");
    let begin = manager.wait_for("READY=1");
    assert!(
        begin.contains(&"STATUS=camera running".to_owned()),
        "{begin:?}"
    );
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    daemon.signal("TERM");
    manager.wait_for("STOPPING=1");
    daemon.finish(LIMIT).expect_code(0);
}

#[test]
fn a_camera_that_is_away_is_ready_and_alive_too() {
    let mut bench = Bench::new();
    let manager = Manager::of(&mut bench);
    bench.set("WATCHDOG_USEC", Duration::from_secs(2).as_micros());
    let _daemon = bench.start("run --source /dev/video77 --no-mqtt");
    let begin = manager.wait_for("READY=1");
    assert!(
        begin.contains(&"STATUS=camera lost".to_owned()),
        "{begin:?}"
    );
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
}

#[test]
fn wrong_settings_are_never_ready_and_end_with_the_code_that_the_unit_does_not_retry() {
    let mut bench = Bench::new();
    let manager = Manager::of(&mut bench);
    let wrong = bench.write("wrong.toml", "[camera]\nsauce = 1\n");
    let file = wrong.to_str().expect("UTF-8");
    bench
        .start_all(&["run", "--config", file])
        .finish(LIMIT)
        .expect_code(3);
    manager.socket.set_nonblocking(true).expect("a socket");
    assert!(manager.socket.recv(&mut [0; 64]).is_err());
    let unit = fs::read_to_string(units().join("moodring.service")).expect("it is there");
    assert!(unit.contains("\nRestartPreventExitStatus=2 3\n"));
}

/// An engine that makes something first asks for time before it begins; here it is one that this build lacks.
#[test]
fn an_engine_that_takes_its_time_asks_for_it() {
    let mut bench = Bench::new();
    let manager = Manager::of(&mut bench);
    bench.set("MOODRING_VISION__ENGINE", "ort");
    let daemon = bench.start("run --source synthetic --no-mqtt");
    let lines = manager.wait_for("EXTEND_TIMEOUT_USEC=20000000");
    assert!(lines.contains(&"STATUS=making the nets ready".to_owned()));
    daemon.finish(LIMIT).expect_code(3);
}

#[test]
fn the_unit_leaves_little_open_with_every_drop_in_too() {
    assert!(exposure(None) <= EXPOSURE);
    for drop_in in ["rpicam", "jetson", "pwm", "serial", "ram"] {
        assert!(exposure(Some(drop_in)) <= EXPOSURE, "{drop_in}");
    }
}

fn units() -> PathBuf {
    repo::root().join("deploy/systemd")
}

/// systemd's rating of the unit, with a drop-in or without; 0 is closed, 10 open.
fn exposure(drop_in: Option<&str>) -> f32 {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let unit = folder.path().join("moodring.service");
    fs::copy(units().join("moodring.service"), &unit).expect("the unit is there");
    if let Some(name) = drop_in {
        let beside = folder.path().join("moodring.service.d");
        fs::create_dir(&beside).expect("the folder is ours");
        let name = format!("{name}.conf");
        fs::copy(units().join(&name), beside.join(&name)).expect("the drop-in is there");
    }
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze is there; tests/run installs it");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let unknown = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !unknown.contains("Unknown"),
        "{unknown}"
    );
    let last = stdout.lines().rfind(|line| line.contains("Overall"));
    let number = last.and_then(|line| line.split(": ").nth(1)?.split(' ').next()?.parse().ok());
    let number = number.unwrap_or_else(|| panic!("no figure in {stdout}{unknown}"));
    println!("exposure with {drop_in:?}: {number}");
    number
}
