//! The client against real brokers: Debian's mosquitto where it is installed, and the embedded one.
//!
//! Without mosquitto the tests that need it print that and pass, except in CI (environment variable `CI`), where they fail.

mod flaps;
mod harness;
mod homie;
mod odd_brokers;
mod sessions;
mod tls;
mod version_proxy;
mod versions;

use harness::{Listener, Mosquitto, TestDaemon, free_port, is_installed, within};
use moodring_base::{
    config::MqttSettings,
    snapshot::BrokerState::{Connecting, Off, Online},
};

use super::{
    Delivery, Incoming, Outgoing,
    connect_options::{ConnectOptions, SessionKind, Version},
    link::{Link, LinkEvent},
    passthrough, settings,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A broker of this machine.
fn to(port: u16) -> MqttSettings {
    MqttSettings {
        url: format!("mqtt://127.0.0.1:{port}"),
        ..MqttSettings::default()
    }
}

/// To a broker of this machine, without a session.
fn connect_options(port: u16, login: Option<(&str, &str)>) -> ConnectOptions {
    let mut candidates = settings::subscriber_options(&to(port), "x", SessionKind::Clean).unwrap();
    let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
    ConnectOptions {
        login,
        ..candidates.swap_remove(0)
    }
}

async fn speaks_and_stops(port: u16) {
    speaks_and_stops_to(to(port), port).await;
}

/// By these settings to the broker on this port.
async fn speaks_and_stops_to(settings: MqttSettings, port: u16) {
    let listener = Listener::start(port).await;
    let daemon = TestDaemon::start_with(settings);
    listener.wait_for("moodring/hall/status online").await;
    daemon.show_happy();
    daemon.tell_appeared(1);
    listener
        .wait_for(r#"moodring/hall/state {"schema":1,"device":"hall""#)
        .await;
    listener
        .wait_for(r#""mood":"happy","emoji":"😄","confidence":0.9,"#)
        .await;
    let event = listener.wait_for("moodring/hall/event {").await;
    assert!(event.contains(r#""seq":1,"#), "{event}");
    assert!(
        event.ends_with(r#""kind":"appeared","track":1}"#),
        "{event}"
    );
    daemon.tell_appeared(2);
    within("a stop", daemon.stop()).await;
    listener.wait_for("moodring/hall/status stopped").await;
    assert_eq!(
        listener.first_seqs(),
        [1, 2],
        "a stop tells all that was sent before it"
    );
    let late = Listener::start(port).await;
    late.wait_for("moodring/hall/state {").await;
    late.wait_for("moodring/hall/status stopped").await;
    assert_eq!(late.count("/event"), 0, "events are not retained");
    assert_eq!(
        listener.count("offline"),
        0,
        "a clean stop discards the will"
    );
}

/// At once, whatever session the broker keeps: it would end after a minute.
async fn killed_is_offline(settings: MqttSettings, port: u16) {
    let listener = Listener::start(port).await;
    let daemon = TestDaemon::start_with(settings);
    listener.wait_for("moodring/hall/status online").await;
    daemon.handle.kill().await;
    listener.wait_for("moodring/hall/status offline").await;
    let late = Listener::start(port).await;
    late.wait_for("moodring/hall/status offline").await;
}

#[tokio::test]
async fn mosquitto_gets_status_state_and_events() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mosquitto = Mosquitto::start(&dir, free_port()).await;
    speaks_and_stops(mosquitto.port).await;
}

#[tokio::test]
async fn mosquitto_calls_a_killed_daemon_offline() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mosquitto = Mosquitto::start(&dir, free_port()).await;
    killed_is_offline(to(mosquitto.port), mosquitto.port).await;
}

#[tokio::test]
async fn events_of_an_outage_arrive_after_it_in_order() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mosquitto = Mosquitto::start(&dir, free_port()).await;
    let port = mosquitto.port;
    let listener = Listener::start(port).await;
    let daemon = TestDaemon::start(&mosquitto.url());
    daemon.tell_appeared(1);
    listener.wait_for_event(1).await;
    mosquitto.kill();
    daemon.wait_until(Connecting).await;
    (2..=50).for_each(|track| daemon.tell_appeared(track));
    let _again = Mosquitto::start(&dir, port).await;
    listener.wait_for_event(50).await;
    assert_eq!(listener.first_seqs(), (1..=50).collect::<Vec<u64>>());
    daemon.wait_until(Online).await;
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn no_event_is_lost_over_many_restarts_under_load() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mut mosquitto = Mosquitto::start(&dir, free_port()).await;
    let port = mosquitto.port;
    let listener = Listener::start(port).await;
    let daemon = TestDaemon::start(&mosquitto.url());
    for round in 0..4 {
        daemon.wait_until(Online).await;
        // The broker goes while some of these are on their way, without receipt.
        (0..100).for_each(|i| daemon.tell_appeared(round * 100 + i));
        listener.wait_for_event(u64::from(round) * 100 + 1).await;
        mosquitto.terminate();
        daemon.wait_until(Connecting).await;
        mosquitto = Mosquitto::start(&dir, port).await;
    }
    listener.wait_for_event(400).await;
    assert_eq!(listener.first_seqs(), (1..=400).collect::<Vec<u64>>());
    within("a stop", daemon.stop()).await;
}

/// What Home Assistant's part needs: its topics go out and come in, after a restart of the broker too.
#[tokio::test]
async fn topics_of_others_share_the_connection() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mut mosquitto = Mosquitto::start(&dir, free_port()).await;
    let port = mosquitto.port;
    let (beside, publish, mut receive) = passthrough(vec!["moodring/hall/camera/set".into()]);
    let settings = MqttSettings {
        url: mosquitto.url(),
        ..MqttSettings::default()
    };
    let daemon = TestDaemon::start_beside(settings, Some(beside));
    for round in ["first", "second"] {
        assert_eq!(
            within("a connection", receive.recv()).await,
            Some(Incoming::Connected)
        );
        assert_eq!(
            within("a subscription", receive.recv()).await,
            Some(Incoming::Subscribed)
        );
        let outgoing = Outgoing {
            topic: "moodring/hall/camera/state".into(),
            payload: round.into(),
            delivery: Delivery::Lasting,
        };
        publish.publish_confirmed(outgoing, 7);
        assert_eq!(
            within("a receipt", receive.recv()).await,
            Some(Incoming::Confirmed(7))
        );
        let listener = Listener::start(port).await;
        listener
            .wait_for(&format!("moodring/hall/camera/state {round}"))
            .await;
        let mut command = std::process::Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"]);
        command.args(["-t", "moodring/hall/camera/set", "-m", round]);
        assert!(command.status().unwrap().success());
        let received = within("a message", receive.recv()).await;
        assert_eq!(
            received,
            Some(Incoming::Message {
                topic: "moodring/hall/camera/set".into(),
                payload: round.into(),
                retained: false,
            })
        );
        mosquitto.terminate();
        daemon.wait_until(Connecting).await;
        mosquitto = Mosquitto::start(&dir, port).await;
    }
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn the_first_broker_that_can_be_reached_is_used() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mosquitto = Mosquitto::start(&dir, free_port()).await;
    let nobody = free_port();
    let daemon = TestDaemon::start(&format!("mqtt://127.0.0.1:{nobody}, {}", mosquitto.url()));
    daemon.wait_until(Online).await;
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn a_wrong_password_is_named_and_a_right_one_works() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let passwords = dir.path().join("passwords");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["me", "s3cret"])
        .status();
    assert!(made.unwrap().success());
    let access = format!(
        "allow_anonymous false\npassword_file {}",
        passwords.display()
    );
    let mosquitto = Mosquitto::start_with(&dir, free_port(), &access).await;
    for version in [Version::V5, Version::V3] {
        let connect_options = connect_options(mosquitto.port, Some(("me", "guess")));
        let mut link = Link::open(&connect_options, version, false);
        let LinkEvent::Lost(lost) = within("a refusal", link.next()).await else {
            panic!("it must be refused");
        };
        let reason = lost.reason;
        assert!(
            reason.contains("password_file") && !reason.contains("guess"),
            "{version}: {reason}"
        );
    }
    let file = dir.path().join("mine");
    std::fs::write(&file, "s3cret\n").unwrap();
    let daemon = TestDaemon::start_with(MqttSettings {
        url: mosquitto.url(),
        user: "me".into(),
        password_file: file.to_str().unwrap().into(),
        ..MqttSettings::default()
    });
    daemon.wait_until(Online).await;
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn a_stop_without_a_broker_does_not_hang() {
    let daemon = TestDaemon::start(&format!("mqtt://127.0.0.1:{}", free_port()));
    daemon.tell_appeared(1);
    daemon.wait_until(Connecting).await;
    let mut state = daemon.handle.state();
    let begin = std::time::Instant::now();
    daemon.stop().await;
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(*state.borrow_and_update(), Off);
}

#[tokio::test]
async fn a_stop_with_a_frozen_broker_takes_two_seconds_at_most() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let mosquitto = Mosquitto::start(&dir, free_port()).await;
    let daemon = TestDaemon::start(&mosquitto.url());
    daemon.wait_until(Online).await;
    mosquitto.freeze();
    daemon.tell_appeared(1);
    let begin = std::time::Instant::now();
    within("a stop", daemon.stop()).await;
    let took = begin.elapsed().as_millis();
    assert!((1_900..5_000).contains(&took), "{took} ms");
}

#[tokio::test]
async fn switched_off_nothing_starts() {
    let daemon = TestDaemon::start_with(MqttSettings {
        enabled: false,
        prefix: "not/#/checked".into(),
        ..MqttSettings::default()
    });
    assert_eq!(*daemon.handle.state().borrow(), Off);
    assert_eq!(daemon.handle.address(), "");
    daemon.stop().await;
}

#[cfg(feature = "broker")]
mod embedded {
    use super::super::{MqttError, broker};
    use super::*;

    #[tokio::test]
    async fn without_a_url_the_daemon_talks_to_its_own() {
        let daemon = TestDaemon::start_with(MqttSettings {
            listen: "127.0.0.1:0".into(),
            ..MqttSettings::default()
        });
        daemon.wait_until(Online).await;
        assert!(daemon.handle.address().starts_with("127.0.0.1:"));
        let address = daemon.handle.address().to_owned();
        daemon.stop().await;
        let free = async {
            while std::net::TcpListener::bind(&address).is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        within("the port to be free again", free).await;
    }

    #[tokio::test]
    async fn it_gets_status_state_and_events() {
        if !is_installed() {
            return;
        }
        let broker = broker::Broker::start("127.0.0.1:0".parse().unwrap(), None).unwrap();
        speaks_and_stops(broker.address().port()).await;
    }

    #[tokio::test]
    async fn it_calls_a_killed_daemon_offline() {
        if !is_installed() {
            return;
        }
        let broker = broker::Broker::start("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let port = broker.address().port();
        killed_is_offline(to(port), port).await;
    }

    #[test]
    fn a_port_in_use_names_the_port_and_the_way_out() {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();
        let error = broker::Broker::start(address.parse().unwrap(), None)
            .err()
            .unwrap();
        assert!(matches!(error, MqttError::PortInUse { .. }));
        let text = error.to_string();
        for part in [
            address.as_str(),
            "url = \"mqtt://127.0.0.1:",
            "[mqtt] listen",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(error.exit(), moodring_base::exit::Exit::Output);
    }

    #[tokio::test]
    async fn with_a_password_other_machines_may_come_in_and_nobody_without_it() {
        let login = ("me".to_owned(), "s3cret".to_owned());
        let broker = broker::Broker::start(
            broker::address("0.0.0.0:0", Some(&login)).unwrap(),
            Some(login),
        )
        .unwrap();
        let port = broker.address().port();
        for (login, welcome) in [
            (Some(("me", "s3cret")), true),
            (Some(("me", "guess")), false),
            (None, false),
        ] {
            let mut link = Link::open(&connect_options(port, login), Version::V3, false);
            let event = within("an answer", link.next()).await;
            assert_eq!(
                matches!(event, LinkEvent::Up),
                welcome,
                "{login:?}: {event:?}"
            );
        }
        assert!(broker::address("0.0.0.0:0", Some(&("me".into(), String::new()))).is_err());
    }

    #[test]
    fn other_machines_are_kept_out() {
        let error = broker::address("0.0.0.0:1883", None).unwrap_err();
        assert_eq!(error.exit(), moodring_base::exit::Exit::Config);
        assert!(error.to_string().contains("mosquitto"), "{error}");
    }
}
