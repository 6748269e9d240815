//! `run` from outside: a real broker receives its state and events; no trouble around it ends it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use image::ImageFormat::{Jpeg, Png};
use moodring_tests::{
    bench::{Bench, LIMIT, free_port},
    broker::{Broker, Message, Subscriber, wait_until_open},
    pictures,
    process::{Process, signal},
    repo,
};

/// How long a stop may take.
const STOP: Duration = Duration::from_secs(2);

/// A workbench whose daemons are named `desk` and publish their state twice a second.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench
        .set("MOODRING_DEVICE__ID", "desk")
        .set("MOODRING_MQTT__INTERVAL_S", 0.5);
    bench
}

fn start(bench: &Bench, source: &str, broker: &Broker) -> Process {
    bench.start(&format!("run --source {source} --mqtt {}", broker.url()))
}

/// A folder that shows a smiling face for two seconds and an empty wall for two, at four pictures a second.
fn album(bench: &Bench) -> bool {
    let Some(photo) = repo::photo("astronaut.png") else {
        return false;
    };
    let face = std::fs::read(photo).expect("the photo is there");
    let wall = pictures::scene(Png, 512, 512);
    for n in 0..8 {
        bench.write(&format!("album/a{n}.png"), &face);
        bench.write(&format!("album/b{n}.png"), &wall);
    }
    true
}

const ALBUM: &str = "album --loop --rate 4";

#[test]
fn events_of_a_face_that_comes_and_goes_reach_a_real_broker() {
    let bench = bench();
    if !album(&bench) {
        return;
    }
    let broker = Broker::start();
    let mut subscriber = Subscriber::to(broker.port);
    let daemon = start(&bench, ALBUM, &broker);
    assert_eq!(
        subscriber.wait_for_topic("moodring/desk/status").payload,
        "online"
    );

    let mut seq = 0;
    let mut next = |kind: &str, to: Option<&str>| {
        let message = subscriber.wait_for(&format!("{kind} {to:?}"), |message| {
            if message.topic != "moodring/desk/event" {
                return false;
            }
            let event = message.json();
            seq += 1;
            assert_eq!(event["seq"], seq, "a gap: {event}");
            assert!((message.qos, message.retained) == (1, false), "{message:?}");
            event["kind"] == kind && to.is_none_or(|to| event["to"] == to)
        });
        message.json()
    };
    let came = next("appeared", None);
    let smiled = next("changed", Some("happy"));
    assert!(
        smiled["confidence"].as_f64().is_some_and(|sure| sure > 0.4),
        "{smiled}"
    );
    let left = next("left", None);
    assert_eq!(left["track"], came["track"]);
    next("changed", Some("nobody"));
    let again = next("appeared", None);
    assert_ne!(again["track"], came["track"], "a number was used twice");

    let state = subscriber.wait_for("state of a smile", |message| {
        message.topic == "moodring/desk/state" && message.json()["mood"] == "happy"
    });
    let state = state.json();
    assert_eq!(
        (state["people_count"].as_u64(), state["emoji"].as_str()),
        (Some(1), Some("😄")),
        "{state}"
    );
    assert_eq!(state["people"][0]["expression"], "happy", "{state}");
    stop(daemon, "TERM");
    subscriber.wait_for("stopped", |message| {
        message.topic == "moodring/desk/status" && message.payload == "stopped"
    });
    let kept = Subscriber::to(broker.port).wait_for_topic("/status");
    assert!(kept.retained && kept.payload == "stopped", "{kept:?}");
}

/// On a machine without a camera this is what a newcomer sees first.
#[test]
fn the_drawn_scene_shows_expressions() {
    let (bench, broker) = (bench(), Broker::start());
    let mut subscriber = Subscriber::to(broker.port);
    let _daemon = start(&bench, "synthetic", &broker);
    let is_event = |message: &Message, kind: &str| {
        message.topic.ends_with("/event") && message.json()["kind"] == kind
    };
    subscriber.wait_for("appeared", |message| is_event(message, "appeared"));
    subscriber.wait_for("expression", |message| {
        is_event(message, "changed")
            && !["nobody", "uncertain"].contains(&message.json()["to"].as_str().unwrap_or_default())
    });
}

/// Who switches a camera off must not find it on after a power cut.
#[test]
fn a_camera_that_was_switched_off_stays_off() {
    let (bench, broker) = (bench(), Broker::start());
    let mut subscriber = Subscriber::to(broker.port);
    let camera_is = |message: &Message, state: &str| {
        message.is_of_device("/state") && message.json()["camera"] == state
    };
    let daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for("running camera", |message| camera_is(message, "running"));
    broker.publish("moodring/desk/camera/set", "OFF");
    subscriber.wait_for("closed camera", |message| camera_is(message, "off"));
    stop(daemon, "TERM");

    subscriber.wait_for("stopped", |message| message.payload == "stopped");
    let daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for("online", |message| message.payload == "online");
    subscriber.wait_for("camera that stays off", |message| {
        assert!(!camera_is(message, "running"), "{message:?}");
        camera_is(message, "off")
    });
    broker.publish("moodring/desk/camera/set", "ON");
    subscriber.wait_for("running camera", |message| camera_is(message, "running"));
    stop(daemon, "TERM");

    let _daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for("online", |message| message.payload == "online");
    subscriber.wait_for("camera that is on", |message| camera_is(message, "running"));
}

#[test]
fn a_broker_that_goes_and_comes_stops_nothing() {
    let bench = bench();
    let mut broker = Broker::start();
    let source = if album(&bench) { ALBUM } else { "synthetic" };
    let mut subscriber = Subscriber::to(broker.port);
    let mut daemon = start(&bench, source, &broker);
    let before = subscriber.wait_for_topic("/event").json();
    broker.stop();
    broker.resume();
    let mut subscriber = Subscriber::to(broker.port);
    // What was not confirmed before the broker went comes once more.
    let mut later = |than: &serde_json::Value| {
        loop {
            let event = subscriber.wait_for_topic("/event").json();
            assert_eq!(event["run"], than["run"], "the daemon was started anew");
            if event["seq"].as_u64() > than["seq"].as_u64() {
                return event;
            }
        }
    };
    let event = later(&before);
    let next = later(&event);
    assert_eq!(
        next["seq"].as_u64(),
        event["seq"].as_u64().map(|seq| seq + 1),
        "a gap: {next} after {event}"
    );
    subscriber.wait_for("state", |message| message.is_of_device("/state"));
    assert!(daemon.is_running());
    stop(daemon, "TERM");
}

#[test]
fn the_daemon_may_start_before_its_broker() {
    let (bench, mut broker) = (bench(), Broker::start());
    broker.stop();
    let mut daemon = start(&bench, "synthetic", &broker);
    daemon.wait_for("a line on the broker", LIMIT, |_, line| {
        line.contains(&broker.port.to_string()).then_some(())
    });
    broker.resume();
    // The first state may be older than the first frame.
    Subscriber::to(broker.port).wait_for("the state of a running camera", |message| {
        // Not `camera/state` and its like, which are plain texts.
        message.is_of_device("/state") && message.json()["camera"] == "running"
    });
}

#[test]
fn a_killed_daemon_is_reported_offline() {
    let (bench, broker) = (bench(), Broker::start());
    let mut subscriber = Subscriber::to(broker.port);
    let daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for("online", |message| {
        message.topic.ends_with("/status") && message.payload == "online"
    });
    daemon.signal("KILL");
    subscriber.wait_for("offline", |message| {
        message.topic.ends_with("/status") && message.payload == "offline"
    });
}

#[test]
fn a_stop_that_comes_during_the_start_is_graceful() {
    let (bench, broker) = (bench(), Broker::start());
    for _ in 0..5 {
        start(&bench, "synthetic", &broker)
            .stop(LIMIT)
            .expect_code(0);
    }
}

#[test]
fn signals_end_it_within_two_seconds() {
    for signal in ["TERM", "INT"] {
        let (bench, broker) = (bench(), Broker::start());
        let mut subscriber = Subscriber::to(broker.port);
        let daemon = start(&bench, "synthetic", &broker);
        subscriber.wait_for_topic("/state");
        stop(daemon, signal);
        subscriber.wait_for("stopped", |message| {
            message.topic.ends_with("/status") && message.payload == "stopped"
        });
    }
}

#[test]
fn sighup_takes_over_what_can_change_and_other_signals_end_nothing() {
    let bench = bench();
    let settings = |sensitivity: u32, timeout_ms: u32| {
        format!("[mood]\nsensitivity = {sensitivity}\n[camera]\ntimeout_ms = {timeout_ms}\n")
    };
    let file = bench.write("m.toml", settings(50, 5_000));
    let mut daemon = bench.start_all(&[
        "run",
        "--config",
        file.to_str().expect("a plain path"),
        "--source",
        "synthetic",
        "--no-mqtt",
    ]);
    daemon.wait_for_text("camera", LIMIT);
    for name in ["USR1", "USR2"] {
        daemon.signal(name);
    }
    bench.write("m.toml", settings(70, 6_000));
    daemon.signal("HUP");
    let line = daemon.wait_for_text("SIGHUP", LIMIT);
    let taken = "took over mood.sensitivity; after a restart: camera.timeout_ms";
    assert!(line.contains(taken), "{line}");
    bench.write("m.toml", "[mood\n");
    daemon.signal("HUP");
    daemon.wait_for_text("the settings stay as they were", LIMIT);
    assert!(daemon.is_running());
    stop(daemon, "TERM");
}

#[test]
fn a_stop_does_not_wait_for_a_broker_that_is_away() {
    let (bench, mut broker) = (bench(), Broker::start());
    let mut subscriber = Subscriber::to(broker.port);
    let daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for_topic("/state");
    broker.stop();
    stop(daemon, "TERM");
}

/// Connections to a port of the loopback that a program has accepted and keeps. One that waits for that has no inode yet.
fn accepted_connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel lists connections");
    let local = format!(":{port:04X}");
    let is_kept = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 9 && fields[1].ends_with(&local) && fields[3] != "0A" && fields[9] != "0"
    };
    table.lines().filter(is_kept).count()
}

/// Connections to the embedded broker that send nothing must not take the descriptors of cameras and store.
#[test]
fn a_flood_of_silent_connections_to_the_embedded_broker_is_bounded() {
    let (mut bench, port) = (bench(), free_port());
    bench.set("MOODRING_MQTT__LISTEN", format!("127.0.0.1:{port}"));
    let daemon = bench.start("run --source synthetic");
    wait_until_open(port);
    Subscriber::to(port).wait_for_topic("/state");
    // As `/proc` shows them to anybody: the daemon's own list is hidden from all but root.
    let descriptors = || accepted_connections(port);
    let before = descriptors();
    let mut silent = Vec::new();
    let began = Instant::now();
    for _ in 0..600 {
        silent.extend(std::net::TcpStream::connect(("127.0.0.1", port)));
    }
    let mut most = 0;
    // As long as the first of them may be silent.
    while began.elapsed() < Duration::from_secs(6) {
        most = most.max(descriptors());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(silent.len() == 600, "{} connected", silent.len());
    assert!(most < before + 100, "{before} descriptors became {most}");
    drop(silent);
    Subscriber::to(port).wait_for_topic("/state");
    stop(daemon, "TERM");
}

/// A start, a restart of the broker, and the end.
#[test]
fn an_ordinary_day_takes_a_few_lines_of_the_log() {
    let (mut bench, mut broker) = (bench(), Broker::start());
    bench.set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{}", free_port()));
    let mut subscriber = Subscriber::to(broker.port);
    let daemon = start(&bench, "synthetic", &broker);
    subscriber.wait_for("the state of a running camera", |message| {
        message.is_of_device("/state") && message.json()["camera"] == "running"
    });
    broker.kill();
    std::thread::sleep(Duration::from_secs(2));
    broker.resume();
    subscriber.wait_for("the device again", |message| {
        message.topic.ends_with("/status") && message.payload == "online"
    });
    daemon.signal("TERM");
    let finished = daemon.finish(LIMIT).expect_code(0);
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert!((4..=10).contains(&lines.len()), "{lines:#?}");
}

/// The astronaut for eight seconds: upright, on her head, and on her head with the setting that mends it.
#[test]
fn a_camera_that_hangs_upside_down_is_reported_once() {
    const WARNING: &str = "is the camera mounted upside down? [camera] rotate = 180";
    let Some(photo) = repo::photo("astronaut.png") else {
        return;
    };
    let upright = image::open(photo).expect("the photo is a picture");
    let mut bench = Bench::new();
    let path = |name: &str| bench.folder().join(name);
    upright.save(path("upright.png")).expect("it is ours");
    let inverted = upright.rotate180();
    inverted.save(path("inverted.png")).expect("it is ours");
    bench.set("MOODRING_CAMERA__PICTURE_S", 8);
    let run = |source: &str, bench: &Bench| {
        bench.start(&format!(
            "run --no-mqtt --no-web --display none --rate 10 --source {source}"
        ))
    };
    let quiet = run("upright.png", &bench);
    let warned = run("inverted.png", &bench);
    bench.set("MOODRING_CAMERA__ROTATE", 180);
    let mended = run("inverted.png", &bench);
    for (daemon, times) in [(quiet, 0), (warned, 1), (mended, 0)] {
        let finished = daemon.finish(LIMIT).expect_code(0);
        let count = finished.stderr.matches(WARNING).count();
        assert_eq!(count, times, "{}", finished.stderr);
    }
}

#[test]
fn alone_it_brings_its_own_broker() {
    let mut bench = bench();
    let port = free_port();
    bench.set("MOODRING_MQTT__LISTEN", format!("127.0.0.1:{port}"));
    // A test does not switch on somebody's camera.
    let has_camera = Path::new("/dev/video0").exists();
    let mut daemon = bench.start(if has_camera {
        "run --source synthetic"
    } else {
        "run"
    });
    if !has_camera {
        daemon.wait_for_text("synthetic", LIMIT);
    }
    wait_until_open(port);
    let mut subscriber = Subscriber::to(port);
    let state = subscriber.wait_for("running camera", |message| {
        message.topic == "moodring/desk/state" && message.json()["camera"] == "running"
    });
    assert!(state.json()["frame_px"][0].as_u64() > Some(0), "{state:?}");

    // A second one uses the broker that is there, whoever started it.
    let mut second = Bench::new();
    second.set("MOODRING_MQTT__LISTEN", format!("127.0.0.1:{port}"));
    second.set("MOODRING_DEVICE__ID", "attic");
    let other = second.start("run --source synthetic");
    subscriber.wait_for("the second daemon", |message| {
        message.topic == "moodring/attic/status" && message.payload == "online"
    });
    stop(other, "TERM");
    assert!(
        daemon.is_running(),
        "the second daemon took the first one down"
    );
    stop(daemon, "TERM");
}

#[test]
fn sources_that_cannot_be_are_named() {
    let bench = Bench::new();
    std::fs::create_dir(bench.folder().join("nothing")).expect("the folder is ours");
    bench.write("text.jpg", "I am text");
    bench.write("half.jpg", pictures::half(pictures::scene(Jpeg, 300, 200)));
    bench.write("empty.mjpeg", "");
    bench.write("text.y4m", "I am text");
    let wrong = [
        "webcam",
        "gone.jpg",
        "nothing",
        "text.jpg",
        "half.jpg",
        "empty.mjpeg",
        "text.y4m",
        "cmd:",
        "ftp://",
    ];
    for source in wrong {
        bench
            .run(&format!("run --no-mqtt --source {source}"))
            .expect_code(4)
            .expect_stderr(&[source]);
    }
}

#[test]
fn a_file_comes_to_its_end_and_so_does_the_daemon() {
    let bench = Bench::new();
    bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(5));
    bench.write("album/a.png", pictures::scene(Png, 64, 48));
    bench.write("album/b.png", "broken");
    bench.write("album/c.png", pictures::scene(Png, 64, 48));
    for source in ["film.mjpeg", "album", "album/a.png"] {
        bench
            .run(&format!("run --no-mqtt --rate 30 --source {source}"))
            .expect_code(0);
    }
}

#[test]
fn a_child_that_ends_is_started_again() {
    let (bench, broker) = (bench(), Broker::start());
    bench.write("film.mjpeg", pictures::scene(Jpeg, 64, 48).repeat(3));
    let mut subscriber = Subscriber::to(broker.port);
    let url = broker.url();
    let daemon = bench.start_all(&["run", "--source", "cmd:cat film.mjpeg", "--mqtt", &url]);
    for (from, to) in [("running", "lost"), ("lost", "running")] {
        subscriber.wait_for(&format!("camera from {from} to {to}"), |message| {
            let event = || message.json();
            message.topic.ends_with("/event") && event()["from"] == from && event()["to"] == to
        });
    }
    stop(daemon, "TERM");
}

#[test]
fn the_png_display_writes_whole_pictures() {
    let bench = Bench::new();
    let daemon =
        bench.start("run --no-mqtt --source synthetic --display png --display-path mood.png");
    let path = bench.folder().join("mood.png");
    let end = std::time::Instant::now() + LIMIT;
    while !path.exists() {
        assert!(std::time::Instant::now() < end, "no mood.png");
        std::thread::sleep(Duration::from_millis(10));
    }
    let picture = image::open(path)
        .expect("half a picture is never seen")
        .into_rgb8();
    assert_eq!(picture.dimensions(), (240, 240));
    assert!(
        picture
            .pixels()
            .any(|pixel| pixel != picture.get_pixel(0, 0)),
        "an empty picture"
    );
    stop(daemon, "TERM");
}

/// Stops a daemon by signal: within two seconds, exit code 0, no panic.
fn stop(daemon: Process, signal: &str) {
    daemon.signal(signal);
    daemon.finish(STOP).expect_code(0);
}

/// Seven numbers, learned by a request from outside; they outlive a restart, and erasing them leaves no file.
#[test]
fn a_resting_face_is_calibrated_kept_and_erased() {
    let (bench, broker) = (bench(), Broker::start());
    let mut subscriber = Subscriber::to(broker.port);
    let mut wait = |wanted: &str| {
        let is = |message: &Message| {
            message.topic.ends_with("/calibrate/state") && message.json()["state"] == wanted
        };
        subscriber.wait_for(wanted, is).json()
    };
    let ask = |what| broker.publish("moodring/desk/calibrate/set", what);
    let daemon = start(&bench, "synthetic", &broker);
    assert!(wait("none")["scores"].is_null());
    ask("start");
    wait("running");
    let learned = wait("kept");
    let sum: f64 = learned["scores"]
        .as_object()
        .expect("seven numbers")
        .values()
        .filter_map(|score| score.as_f64())
        .sum();
    assert!((sum - 1.0).abs() < 0.01, "{learned}");
    stop(daemon, "TERM");
    let daemon = start(&bench, "synthetic", &broker);
    assert_eq!(wait("kept")["scores"], learned["scores"]);
    ask("erase");
    wait("none");
    let left = std::fs::read_dir(bench.folder())
        .expect("the bench's folder")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("plain names"))
        .filter(|name| name.contains("resting"))
        .collect::<Vec<_>>();
    assert!(left.is_empty(), "{left:?}");
    stop(daemon, "TERM");
}

/// Two of one id would throw each other off the broker again and again.
#[test]
fn a_second_one_of_the_same_id_only_shows() {
    let (mut bench, port) = (bench(), free_port());
    bench.set("MOODRING_MQTT__LISTEN", format!("127.0.0.1:{port}"));
    let first = bench.start("run --source synthetic");
    wait_until_open(port);
    let mut subscriber = Subscriber::to(port);
    subscriber.wait_for_topic("/state");
    let mut second = bench.start("run --source synthetic");
    second.wait_for_text("publishes nothing", LIMIT);
    second.wait_for_text("camera opened", LIMIT);
    // As long as a fight would need to begin.
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let status = subscriber.wait_for("a status or a state", |message| {
            message.is_of_device("/status") || message.is_of_device("/state")
        });
        assert_ne!(status.payload, "offline");
    }
    stop(second, "TERM");
    stop(first, "TERM");
}

/// Ends a process that nobody waits for, also where a check fails.
struct KillAtEnd(u32);

impl Drop for KillAtEnd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = signal(self.0, "KILL");
    }
}

/// Nobody knows that a camera looks whose live view was closed with its window; `nohup` is another matter.
#[test]
fn it_ends_with_its_terminal() {
    let mut bench = bench();
    bench.set("MOODRING_MQTT__ENABLED", false);
    bench.set("MOODRING_WEB__ENABLED", false);
    for (nohup, display, outlives) in [
        ("", "auto", false),
        ("", "none", false),
        ("nohup", "none", true),
    ] {
        let run = format!(
            "stty rows 24 cols 80; echo $$ > pid; exec {nohup} $MOODRING run --source synthetic --display {display}"
        );
        bench.write("run.sh", run);
        // Not the number of the round before.
        let pid_file = bench.folder().join("pid");
        let _ = std::fs::remove_file(&pid_file);
        let mut terminal =
            bench.start_shell("exec script -qfec 'TERM=xterm exec sh run.sh' typescript");
        let seen = |what: &str| {
            std::fs::read_to_string(bench.folder().join("typescript"))
                .is_ok_and(|text| text.contains(what))
        };
        let until = |what: &str, is: &dyn Fn() -> bool| {
            let end = Instant::now() + LIMIT;
            while !is() {
                assert!(Instant::now() < end, "{what} ({nohup} {display})");
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        let started = || -> Option<u32> {
            let pid = std::fs::read_to_string(&pid_file).ok()?;
            pid.trim().parse().ok()
        };
        until("it began", &|| started().is_some());
        let pid = started().expect("it began");
        if nohup.is_empty() {
            until("it runs", &|| seen("synthetic"));
        } else {
            std::thread::sleep(Duration::from_secs(2));
        }
        let runs = || {
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        assert!(runs() && terminal.is_running());
        let _end = KillAtEnd(pid);
        terminal.signal("KILL");
        if outlives {
            std::thread::sleep(Duration::from_secs(2));
            assert!(runs(), "nohup");
            assert!(signal(pid, "TERM"), "nohup");
        }
        until("it ends", &|| !runs());
        let _ = std::fs::remove_file(bench.folder().join("typescript"));
    }
}
