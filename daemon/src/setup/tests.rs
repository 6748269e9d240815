//! Answers become a file, and what cannot be is refused before anything is written.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::{
    config::{DisplayKind, MqttSettings},
    setup::probe::ProbeResult,
    snapshot::BrokerState,
};

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
    let done = save(&path, answers, &cameras());
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
    let first = save(&path, &answers(), &cameras()).unwrap();
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
    let kept = save(&path, &again, &cameras()).unwrap().before.unwrap();
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
    save(&path, &answers, &cameras()).unwrap();
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
        ("camera", |a| a.camera = "http://evil.example/x".into()),
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
fn a_folder_that_is_not_there_leaves_the_text_to_be_written_by_hand() {
    let path = Path::new("/nonexistent/m.toml");
    let Err(SetupError::Write { text, .. }) = save(path, &answers(), &cameras()) else {
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
fn trials_open_what_is_there_and_say_what_mends_the_rest() {
    let settings = Settings::default();
    assert!(probe::camera("synthetic", &settings.camera).ok);
    let gone = probe::camera("/dev/video_none", &settings.camera);
    assert!(!gone.ok && gone.says.contains("/dev/video_none") && !gone.mend.is_empty());
    let wired: Settings = toml::from_str("[panel]\nbus = \"/dev/absent0.0\"").unwrap();
    let dark = probe::display("st7789-240x240", &wired);
    assert!(!dark.ok && !dark.mend.is_empty(), "{dark:?}");
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
    assert!(
        !nobody.ok && nobody.says.contains(&closed.to_string()),
        "{nobody:?}"
    );
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
