//! No threads, sockets and child processes are left after every source was opened many times.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use moodring_base::{clock::Clock, config::CameraSettings, shutdown::Shutdown};

use super::{
    super::{jpeg::tests::ramp, *},
    serving::{Wire, serve},
};

/// Open descriptors and threads of this process that belong to cameras, and its children.
fn counts() -> (usize, usize) {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let threads = threads.filter(|task| {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        ["camera-http", "camera-child", "camera-stderr"].contains(&name.trim())
    });
    let children = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            parent == Some(std::process::id()) && stat.contains("(sh)")
        });
    (threads.count(), children.count())
}

fn sources(dir: &Path) -> Vec<(String, Option<Arc<std::sync::atomic::AtomicU32>>)> {
    std::fs::write(dir.join("a.mjpeg"), ramp(16, 16, 0)).unwrap();
    std::fs::write(dir.join("b.jpg"), ramp(16, 16, 0)).unwrap();
    let trickling = serve(Arc::new(|_, _: &str, wire: &mut Wire| {
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n");
        wire.trickle(&[0xFF; 200], Duration::from_millis(50));
        false
    }));
    let silent = serve(Arc::new(|_, _: &str, wire: &mut Wire| {
        wire.stall();
        false
    }));
    let stalling = serve(Arc::new(|_, _: &str, wire: &mut Wire| {
        wire.send("HTTP/1.1 200 OK\r\n\r\n");
        wire.send(ramp(16, 16, 0));
        wire.stall();
        false
    }));
    let mut all: Vec<_> = [trickling, silent, stalling]
        .into_iter()
        .map(|served| (format!("http://{}/", served.host), Some(served.open)))
        .collect();
    for text in [
        "cmd:sleep 1000",
        "cmd:cat /dev/zero",
        "cmd:yes",
        "synthetic",
    ] {
        all.push((text.into(), None));
    }
    for name in ["a.mjpeg", "b.jpg", ""] {
        all.push((dir.join(name).display().to_string(), None));
    }
    all
}

#[test]
fn fifty_openings_of_every_source_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let settings = CameraSettings {
        timeout_ms: 100,
        rate: 1000.0,
        ..CameraSettings::default()
    };
    for (text, open_sockets) in sources(dir.path()) {
        let source: Source = text.parse().unwrap();
        for i in 0..50 {
            // Slow ones are given up by a stop, as somebody does who switches to the next.
            let stop = Shutdown::default();
            let stopper = (i % 10 != 0).then(|| {
                let stop = stop.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(3));
                    stop.begin();
                })
            });
            if let Ok(mut camera) = open_until(&source, &settings, Clock::start(), stop.clone()) {
                let _ = camera.next_frame();
            }
            stopper.map(std::thread::JoinHandle::join);
        }
        let due = Instant::now() + Duration::from_secs(20);
        loop {
            let sockets = open_sockets
                .as_ref()
                .map_or(0, |open| open.load(std::sync::atomic::Ordering::Relaxed));
            let left = counts();
            // Other tests of this process run beside this one: few of theirs may be there.
            if sockets == 0 && left.0 < 30 && left.1 < 10 {
                break;
            }
            assert!(
                Instant::now() < due,
                "{text}: {sockets} sockets, {left:?} threads and children"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
