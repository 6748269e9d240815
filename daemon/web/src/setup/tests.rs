//! Turns answers into a file, and refuses bad ones before anything is written.

use std::{fs, io::Write, net::TcpListener, os::unix::fs::PermissionsExt};

use moodring_base::{
    config::{CameraSettings, DisplayKind, MqttSettings},
    snapshot::BrokerState,
};

use super::*;
use crate::setup::probe::ProbeResult;

fn answers() -> Answers {
    Answers {
        acknowledged: true,
        responsible: "Ada \"the\" Lovelace".into(),
        device: "hall".into(),
        camera: "synthetic".into(),
        display: "display-hat-mini".into(),
        broker: Broker {
            url: "mqtt://192.168.1.10".into(),
            ..Broker::default()
        },
        ..Answers::default()
    }
}

fn cameras() -> Vec<String> {
    vec!["auto".into(), "synthetic".into()]
}

/// What is in the file after these answers.
fn saved(before: Option<&str>, answers: &Answers) -> (Result<Saved, SetupError>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    if let Some(text) = before {
        fs::write(&path, text).unwrap();
    }
    let done = save(&path, answers, &cameras(), &MqttSettings::default());
    (done, fs::read_to_string(&path).ok())
}

#[test]
fn answers_become_settings_and_comments_stay() {
    let before = "# mine\nplace = \"home\"\n\n[camera] # eyes\n# which\nsource = \"auto\"\nwidth = 320\n\n[log]\nlevel = \"warn\"\n";
    let (done, text) = saved(Some(before), &answers());
    done.unwrap();
    let text = text.unwrap();
    for line in [
        "# mine",
        "[camera] # eyes",
        "# which",
        "width = 320",
        "level = \"warn\"",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let settings: Settings = toml::from_str(&text).unwrap();
    assert_eq!(settings.camera.source, "synthetic");
    assert_eq!(settings.device.id, "hall");
    assert_eq!(settings.notice.responsible, "Ada \"the\" Lovelace");
    assert!(settings.notice.acknowledged);
    assert_eq!(
        (settings.display.kind, settings.display.board.as_str()),
        (DisplayKind::Spi, "display-hat-mini")
    );
    assert_eq!(settings.mqtt.url, "mqtt://192.168.1.10");
    assert!(
        !text.contains("enabled"),
        "what is as it was is not written: {text}"
    );
}

#[test]
fn texts_that_lines_cannot_change_are_written_anew() {
    for before in [
        "camera = { source = \"auto\", width = 320 }\n",
        "camera.source = \"auto\"\ncamera.width = 320\n",
    ] {
        let (done, text) = saved(Some(before), &answers());
        done.unwrap();
        let settings: Settings = toml::from_str(&text.unwrap()).unwrap();
        assert_eq!(
            (settings.camera.source.as_str(), settings.camera.width),
            ("synthetic", 320)
        );
    }
}

#[test]
fn the_old_file_is_kept_with_its_rights_and_a_first_one_has_none_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    let first = save(&path, &answers(), &cameras(), &MqttSettings::default()).unwrap();
    assert_eq!(
        first,
        Saved {
            file: path.clone(),
            before: None
        }
    );
    let old = fs::read_to_string(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let again = Answers {
        device: "door".into(),
        ..answers()
    };
    let kept = save(&path, &again, &cameras(), &MqttSettings::default())
        .unwrap()
        .before
        .unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), old);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing else lies about"
    );
}

#[test]
fn a_password_lies_beside_it_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    let mut answers = answers();
    (answers.broker.user, answers.broker.password) = ("ada".into(), "hunter2".into());
    save(&path, &answers, &cameras(), &MqttSettings::default()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let mqtt: Settings = toml::from_str(&text).unwrap();
    let secret = fs::metadata(&mqtt.mqtt.password_file).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_to_string(&mqtt.mqtt.password_file).unwrap(),
        "hunter2\n"
    );
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    type Change = fn(&mut Answers);
    let wrong: [(&str, Change); 9] = [
        ("Art. 5", |a| a.place = Location::Workplace),
        ("Art. 5", |a| a.place = Location::Education),
        ("notice", |a| a.acknowledged = false),
        ("name", |a| a.device = "a/b".into()),
        ("camera", |a| a.camera = "cmd:reboot".into()),
        ("camera", |a| a.camera = "ftp://cam.example/x".into()),
        ("display", |a| a.display = "hologram".into()),
        ("broker", |a| a.broker.url = "ftp://x".into()),
        ("user", |a| a.broker.password = "x".into()),
    ];
    for (reason, change) in wrong {
        let mut answers = answers();
        change(&mut answers);
        let (done, text) = saved(Some("# as it was\n"), &answers);
        let error = done.unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
        assert_eq!(text.as_deref(), Some("# as it was\n"), "{reason}");
    }
    let (done, text) = saved(Some("[camera\n"), &answers());
    assert!(matches!(done, Err(SetupError::Read { .. })) && text.as_deref() == Some("[camera\n"));
}

#[test]
fn an_address_is_a_camera_and_its_login_is_not_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    let readable = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    for (camera, after) in [
        ("http://cam.lan/video", 0o644),
        ("https://cam.lan:8443/shot.jpg?a=1", 0o644),
        ("rtsp://ada:secret@192.168.1.9/stream1", 0o640),
    ] {
        fs::write(&path, "# mine\n").unwrap();
        readable(0o644);
        let answers = Answers {
            camera: camera.into(),
            ..answers()
        };
        save(&path, &answers, &cameras(), &MqttSettings::default()).unwrap();
        let settings: Settings = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!((settings.camera.source.as_str(), mode()), (camera, after));
    }
    for wrong in [
        "cmd:reboot",
        "v4l2:/etc/passwd",
        "/etc/passwd",
        "http://",
        "ftp://cam.lan/",
    ] {
        assert!(address(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_trial_of_an_address_reveals_nothing_of_what_answers_there() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let other_service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other_service.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in other_service.incoming() {
            let _ = stream.unwrap().write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        }
    });
    let settings = CameraSettings {
        timeout_ms: 300,
        ..CameraSettings::default()
    };
    let tried =
        |address: std::net::SocketAddr| probe::camera(&format!("http://{address}/"), &settings);
    let all = [closed, silent.local_addr().unwrap(), port].map(tried);
    assert!(
        !all[0].ok && all.iter().all(|one| *one == all[0]),
        "{all:?}"
    );
}

#[test]
fn a_folder_that_is_not_there_leaves_the_text_to_be_written_by_hand() {
    let path = Path::new("/nonexistent/m.toml");
    let Err(SetupError::Write { text, .. }) =
        save(path, &answers(), &cameras(), &MqttSettings::default())
    else {
        panic!("written?");
    };
    assert!(
        toml::from_str::<Settings>(&text)
            .unwrap()
            .notice
            .acknowledged
    );
}

#[test]
fn trials_open_what_is_there_and_name_what_mends_the_rest() {
    let settings = Settings::default();
    assert!(probe::camera("synthetic", &settings.camera).ok);
    let gone = probe::camera("/dev/video_none", &settings.camera);
    assert!(
        !gone.ok && gone.finding.text.contains("/dev/video_none") && !gone.mend.text.is_empty()
    );
    let wired: Settings = toml::from_str("[panel]\nbus = \"/dev/absent0.0\"").unwrap();
    let dark = probe::display("st7789-240x240", &wired);
    assert!(!dark.ok && !dark.mend.text.is_empty(), "{dark:?}");
    assert!(probe::display(NO_DISPLAY, &settings).ok);
}

#[test]
fn a_broker_is_really_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ask = |url: &str, settings: &Settings| -> ProbeResult {
        let answer = Broker {
            url: url.into(),
            ..Broker::default()
        };
        runtime.block_on(probe::broker(&answer, settings, BrokerState::Online))
    };
    let settings = Settings::default();
    assert!(ask("", &settings).ok, "our own runs");
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = ask(&format!("mqtt://{closed}"), &settings);
    assert!(!nobody.ok, "{nobody:?}");
    let off = Settings {
        mqtt: MqttSettings {
            enabled: false,
            listen: "127.0.0.1:0".into(),
            ..MqttSettings::default()
        },
        ..settings
    };
    assert!(ask("", &off).ok, "a port is free");
}

/// Takes one connection, answers this to its first bytes, and returns what came until it was hung up.
fn listener(answer: &'static [u8]) -> (String, std::thread::JoinHandle<Vec<u8>>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    let received = std::thread::spawn(move || {
        let mut all = Vec::new();
        // One connection for each version that is tried.
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 1024];
            let count = stream.read(&mut bytes).unwrap_or(0);
            all.extend(&bytes[..count]);
            let _ = stream.write_all(answer);
        }
        all
    });
    (url, received)
}

fn tried(answer: &Broker, settings: &Settings) -> ProbeResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(probe::broker(answer, settings, BrokerState::Online))
}

#[test]
fn a_stored_password_goes_only_where_it_was_stored_for() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "hunter2\n").unwrap();
    let mut settings = Settings::default();
    settings.mqtt.user = "ada".into();
    settings.mqtt.password_file = secret.to_str().unwrap().into();
    settings.mqtt.url = "mqtt://192.0.2.1".into();
    let holds = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"hunter2");
    let (url, received) = listener(b"");
    let mut answer = Broker {
        url: url.clone(),
        user: "ada".into(),
        ..Broker::default()
    };
    let stranger = tried(&answer, &settings);
    assert!(!stranger.ok);
    let received = received.join().unwrap();
    assert!(
        received.starts_with(&[0x10]) && !holds(&received),
        "{received:?}"
    );
    // The same user, and the address it was stored for; the broker refuses (MQTT 5: 0x86).
    let (url, received) = listener(&[0x20, 3, 0, 0x86, 0]);
    settings.mqtt.url.clone_from(&url);
    settings.mqtt.version = moodring_base::config::MqttVersion::V5;
    answer.url = url.clone();
    let refused = tried(&answer, &settings);
    assert!(
        !refused.ok && refused.finding.text.contains("password"),
        "{refused:?}"
    );
    let _ = std::net::TcpStream::connect(url.trim_start_matches("mqtt://"));
    assert!(holds(&received.join().unwrap()));
}

#[test]
fn a_trial_gives_the_same_result_for_an_open_port_and_a_closed_one() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("mqtt://{}", closed.local_addr().unwrap());
    let (ssh, _received) = listener(b"SSH-2.0-OpenSSH_9.9\r\n");
    let (silent, _received) = listener(b"");
    let found = [closed, ssh, silent].map(|url| {
        let begun = std::time::Instant::now();
        let trial = tried(
            &Broker {
                url,
                ..Broker::default()
            },
            &Settings::default(),
        );
        (trial, begun.elapsed().as_secs())
    });
    for (trial, seconds) in &found {
        assert_eq!((trial, seconds), (&found[0].0, &6));
    }
}

#[test]
fn another_broker_drops_the_password_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (
        folder.path().join("m.toml"),
        folder.path().join("mqtt-password"),
    );
    let put =
        |answers: &Answers| save(&path, answers, &cameras(), &MqttSettings::default()).unwrap();
    let read = || {
        toml::from_str::<Settings>(&fs::read_to_string(&path).unwrap())
            .unwrap()
            .mqtt
    };
    let mut answers = answers();
    (answers.broker.user, answers.broker.password) = ("ada".into(), "hunter2".into());
    put(&answers);
    answers.broker.password.clear();
    put(&answers);
    assert_eq!(
        read().password_file,
        secret.to_str().unwrap(),
        "the same broker keeps it"
    );
    answers.broker.url = "mqtt://evil.example".into();
    put(&answers);
    assert_eq!(
        (read().password_file.as_str(), secret.exists()),
        ("", false)
    );
}

#[test]
fn a_password_is_one_line() {
    for password in ["two\nlines", "back\rhome", "nul\0"] {
        let mut answers = answers();
        (answers.broker.user, answers.broker.password) = ("ada".into(), password.into());
        let (done, text) = saved(None, &answers);
        assert!(done.unwrap_err().to_string().contains("one line"));
        assert_eq!(text, None);
    }
}

#[test]
fn links_are_replaced_and_never_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("m.toml"), folder.path().join("victim"));
    fs::write(&path, "# mine\n").unwrap();
    fs::write(&victim, "precious").unwrap();
    for name in ["m.toml.bak", "mqtt-password"] {
        std::os::unix::fs::symlink(&victim, folder.path().join(name)).unwrap();
    }
    let mut answers = answers();
    (answers.broker.user, answers.broker.password) = ("ada".into(), "hunter2".into());
    save(&path, &answers, &cameras(), &MqttSettings::default()).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let kept = folder.path().join("m.toml.bak");
    assert!(!kept.is_symlink() && fs::read_to_string(kept).unwrap() == "# mine\n");
}

#[test]
fn one_key_is_set_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    // What `moodring config > m.toml` writes: the section is there already.
    fs::write(&path, moodring_base::config::DEFAULT_TOML).unwrap();
    let hash = crate::hash_password("correct horse").unwrap();
    set_key(&path, "web", "password", &hash).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        toml::from_str::<Settings>(&text).unwrap().web.password,
        hash
    );
    assert_eq!(
        text.lines().count(),
        moodring_base::config::DEFAULT_TOML.lines().count()
    );
    assert!(set_key(&path, "web", "password", "bare").is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
