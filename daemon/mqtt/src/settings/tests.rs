//! Brokers' addresses and settings: which are accepted, which are refused, and with which text.

use moodring_base::message::{DeviceName, RunId};

use super::*;

fn plan(change: impl FnOnce(&mut MqttSettings)) -> Result<CheckedSettings, MqttError> {
    let mut settings = MqttSettings {
        url: "mqtt://127.0.0.1".into(),
        ..MqttSettings::default()
    };
    change(&mut settings);
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
    CheckedSettings::new(&settings, &identity)
}

#[test]
fn a_broker_by_its_address() {
    let plan = plan(|_| {}).unwrap();
    assert!(plan.embedded.is_none());
    assert_eq!(plan.brokers[0].broker.to_string(), "127.0.0.1:1883");
    assert_eq!(plan.brokers[0].client_id, "moodring-hall");
    let will = plan.brokers[0].will.as_ref().unwrap();
    assert_eq!(
        (will.topic.as_str(), &will.payload[..]),
        ("moodring/hall/status", &b"offline"[..])
    );
}

#[test]
fn settings_out_of_range_name_their_key() {
    for (change, key) in [
        (
            (|s| s.interval_s = 0.1) as fn(&mut MqttSettings),
            "interval_s",
        ),
        (|s| s.interval_s = f32::NAN, "interval_s"),
        (|s| s.keep_alive_s = 4, "keep_alive_s"),
        (
            |s| (s.url, s.version) = (String::new(), MqttVersion::V5),
            "version",
        ),
        (|s| s.prefix = "a/#".into(), "prefix"),
        (|s| s.url = "http://x".into(), "url"),
        (|s| s.ca_file = "/gone".into(), "ca_file"),
        (|s| s.key_file = "/gone".into(), "cert_file"),
        (|s| s.password_file = "x".into(), "password_file"),
    ] {
        let error = plan(change).err().unwrap().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn the_password_is_the_first_line_and_never_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    let with = |text: &str| {
        fs::write(&file, text).unwrap();
        plan(|s| {
            s.user = "me".into();
            s.password_file = file.to_str().unwrap().into();
        })
    };
    let connect_options = with("s3cret\r\nmore\n").unwrap().brokers.swap_remove(0);
    assert_eq!(connect_options.login, Some(("me".into(), "s3cret".into())));
    for empty in ["", "\nlater\n"] {
        let error = with(empty).err().unwrap().to_string();
        assert!(
            error.contains("first line is empty") && !error.contains("later"),
            "{error}"
        );
    }
    fs::remove_file(&file).unwrap();
    let path = file.to_str().unwrap().to_owned();
    let missing = plan(|s| {
        s.user = "me".into();
        s.password_file = path.clone();
    });
    assert!(missing.err().unwrap().to_string().contains(&path));
}

#[test]
fn without_a_file_the_password_is_the_services_credential() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CREDENTIAL), "s3cret\n").unwrap();
    let settings = MqttSettings {
        user: "me".into(),
        ..MqttSettings::default()
    };
    let found = |folder: Option<&Path>| {
        let folder = folder.map(Path::to_path_buf);
        login_with(&settings, folder).unwrap().unwrap().1
    };
    assert_eq!(found(Some(dir.path())), "s3cret");
    assert_eq!(found(Some(Path::new("/gone"))), "");
    assert_eq!(found(None), "");
}
