//! Which version of MQTT is spoken: 5 where the broker speaks it, 3.1.1 where it refuses 5. A broken connection proves
//! neither.

use moodring_base::{
    config::{MqttSettings, MqttVersion, PayloadFormat},
    snapshot::BrokerState::{Connecting, Online},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    connect_options, folder,
    harness::{Listener, Mosquitto, TestDaemon, free_port, is_installed, within},
    killed_is_offline, speaks_and_stops_to,
    version_proxy::{Answer, Mode, VersionProxy},
};
use crate::{
    Delivery,
    connect_options::Version,
    link::{Link, LinkEvent, VersionHint},
    protocol::{Content, Publication, ReceiptToken},
};

fn settings(url: String, version: MqttVersion) -> MqttSettings {
    MqttSettings {
        url,
        version,
        ..MqttSettings::default()
    }
}

/// The properties of an event, as a subscriber by MQTT 5 sees them: media type and whether it is text.
async fn properties(version: MqttVersion, format: PayloadFormat) -> String {
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let listener = Listener::start_as(broker.port, "moodring/+/event", "event <%C> <%F>").await;
    let daemon = TestDaemon::start_with(MqttSettings {
        format,
        ..settings(broker.url(), version)
    });
    daemon.tell_appeared(1);
    let line = listener.wait_for("event <").await;
    within("a stop", daemon.stop()).await;
    line
}

#[tokio::test]
async fn mosquitto_is_spoken_to_by_5_and_told_what_events_are() {
    if !is_installed() {
        return;
    }
    let by = |version, format| properties(version, format);
    assert_eq!(
        by(MqttVersion::Auto, PayloadFormat::Json).await,
        "event <application/json> <1>"
    );
    assert_eq!(
        by(MqttVersion::V5, PayloadFormat::Cbor).await,
        "event <application/cbor> <>"
    );
    assert_eq!(
        by(MqttVersion::V3, PayloadFormat::Json).await,
        "event <> <>"
    );
}

#[tokio::test]
async fn by_3_1_1_all_is_the_same() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let proxy = VersionProxy::before(broker.port, Mode::Open).await;
    let only_3 = || settings(proxy.url(), MqttVersion::V3);
    speaks_and_stops_to(only_3(), broker.port).await;
    killed_is_offline(only_3(), broker.port).await;
    assert_eq!(proxy.levels(), [4, 4]);
}

#[tokio::test]
async fn a_broker_without_5_is_spoken_to_by_3_1_1_from_then_on() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    // A broker that refuses the version is believed at once; one that hangs up (the library makes that of 3.1.1's answer, too), the second time.
    for (answer, attempts) in [
        (Answer::In5, vec![5, 4, 4, 4]),
        (Answer::Foreign, vec![5, 4, 4, 4]),
        (Answer::In3, vec![5, 4, 5, 4, 4]),
        (Answer::Web, vec![5, 4, 5, 4, 4]),
        (Answer::HangUp, vec![5, 4, 5, 4, 4]),
    ] {
        let proxy = VersionProxy::before(broker.port, Mode::Without5(answer)).await;
        let daemon = TestDaemon::start(&proxy.url());
        for _ in 0..2 {
            daemon.wait_until(Online).await;
            proxy.cut();
            daemon.wait_until(Connecting).await;
        }
        daemon.wait_until(Online).await;
        daemon.tell_appeared(1);
        // It ends only when the broker has the event and the goodbye.
        within("a stop", daemon.stop()).await;
        assert_eq!(proxy.levels(), attempts, "{answer:?}");
    }
}

#[tokio::test]
async fn a_broker_that_learned_5_and_forgot_3_1_1_is_found_again() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let proxy = VersionProxy::before(broker.port, Mode::Without5(Answer::In5)).await;
    let daemon = TestDaemon::start(&proxy.url());
    daemon.wait_until(Online).await;
    proxy.set(Mode::Without3);
    proxy.cut();
    daemon.wait_until(Connecting).await;
    daemon.wait_until(Online).await;
    assert_eq!(proxy.levels(), [5, 4, 4, 5]);
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn who_wants_5_alone_gets_nothing_else() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let proxy = VersionProxy::before(broker.port, Mode::Without5(Answer::In5)).await;
    let daemon = TestDaemon::start_with(settings(proxy.url(), MqttVersion::V5));
    within("three attempts", async {
        while proxy.levels().len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(proxy.levels().iter().all(|&level| level == 5));
    proxy.set(Mode::Open);
    daemon.wait_until(Online).await;
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn trouble_teaches_nothing_about_versions() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    let attempts = async |proxy: &VersionProxy, count: usize| {
        within("attempts", async {
            while proxy.levels().len() < count {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
    };
    // In trouble from the beginning: both are tried, and once it is over 5 wins.
    let proxy = VersionProxy::before(broker.port, Mode::Shut).await;
    let daemon = TestDaemon::start(&proxy.url());
    attempts(&proxy, 4).await;
    assert_eq!(proxy.levels()[..4], [5, 4, 5, 4]);
    proxy.set(Mode::Open);
    daemon.wait_until(Online).await;
    proxy.cut();
    daemon.wait_until(Connecting).await;
    daemon.wait_until(Online).await;
    assert_eq!(proxy.levels().last(), Some(&5));
    // Once it has spoken 5, who hangs up is in trouble, however often.
    let known = proxy.levels().len();
    proxy.set(Mode::Shut);
    proxy.cut();
    attempts(&proxy, known + 3).await;
    proxy.set(Mode::Open);
    daemon.wait_until(Online).await;
    assert!(proxy.levels()[known..].iter().all(|&level| level == 5));
    within("a stop", daemon.stop()).await;
}

/// A broker that answers a CONNECT with these bytes, and everything that it received within half a second.
async fn answering(bytes: &'static [u8]) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut received = vec![0; 4096];
        assert!(client.read(&mut received).await.unwrap() > 0, "a CONNECT");
        client.write_all(bytes).await.unwrap();
        received.clear();
        let half = std::time::Duration::from_millis(500);
        let _ = tokio::time::timeout(half, client.read_to_end(&mut received)).await;
        received
    });
    (port, received)
}

async fn connected(port: u16) -> Link {
    let mut link = Link::open(&connect_options(port, None), Version::V5, false);
    let event = within("a connection", link.next()).await;
    assert!(matches!(event, LinkEvent::Up), "{event:?}");
    link
}

#[tokio::test]
async fn why_a_broker_ends_the_connection_is_told() {
    // CONNACK, then DISCONNECT: session taken over.
    let bytes = &[0x20, 3, 0, 0, 0, 0xE0, 2, 0x8E, 0];
    let (port, _) = answering(bytes).await;
    let LinkEvent::Lost(lost) = within("an end", connected(port).await.next()).await else {
        panic!("it must end");
    };
    assert!(lost.reason.contains("[device] id"), "{}", lost.reason);
    assert_eq!(lost.hint, VersionHint::Spoken);
}

#[tokio::test]
async fn a_broker_that_wants_no_pings_is_not_flooded_with_them() {
    // CONNACK with a server keep alive of 0.
    let (port, received) = answering(&[0x20, 6, 0, 0, 3, 0x13, 0, 0]).await;
    let mut link = connected(port).await;
    tokio::select! {
        received = received => assert!(received.unwrap().len() <= 4, "more than two pings"),
        event = link.next() => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn what_is_too_large_for_a_broker_is_refused_and_the_rest_goes_on() {
    // CONNACK with a maximum packet size of 256.
    let (port, received) = answering(&[0x20, 8, 0, 0, 5, 0x27, 0, 0, 1, 0]).await;
    let mut link = connected(port).await;
    let mut send = |token, bytes| {
        let publication = Publication {
            token,
            topic: "t".into(),
            payload: vec![b'x'; bytes],
            content: Content::Plain,
            delivery: Delivery::Newest,
        };
        link.send(publication).unwrap();
    };
    send(ReceiptToken::Event(1), 300);
    send(ReceiptToken::State, 100);
    let LinkEvent::HeldBack(pending, reason) = within("a refusal", link.next()).await else {
        panic!("it must be refused");
    };
    assert_eq!(pending.token, ReceiptToken::Event(1));
    assert!(reason.contains("256"), "{reason}");
    let event = within("the other", link.next()).await;
    assert!(
        matches!(event, LinkEvent::Done(ReceiptToken::State)),
        "{event:?}"
    );
    assert!(received.await.unwrap().ends_with(b"xxx"));
}

#[tokio::test]
async fn an_event_that_the_broker_refuses_waits_for_better_rules() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let rules = dir.path().join("rules");
    let write = |lines: &str| std::fs::write(&rules, lines).unwrap();
    // Without a limit mosquitto 2.0.11 also hangs up on who is refused.
    let limit = "max_queued_messages 1000";
    let access = format!(
        "allow_anonymous true\nacl_file {}\n{limit}",
        rules.display()
    );
    write("topic read #\ntopic write moodring/hall/status\ntopic write moodring/hall/state\n");
    let broker = Mosquitto::start_with(&dir, free_port(), &access).await;
    let proxy = VersionProxy::before(broker.port, Mode::Open).await;
    let listener = Listener::start(broker.port).await;
    let daemon = TestDaemon::start(&proxy.url());
    daemon.tell_appeared(1);
    listener.wait_for("moodring/hall/status online").await;
    listener.wait_for(r#""seq":1,"#).await;
    daemon.show_happy();
    listener.wait_for(r#""mood":"happy""#).await;
    assert_eq!(proxy.levels(), [5], "the connection goes on");
    assert_eq!(listener.count("/event {"), 0, "only the state tells of it");
    write("topic readwrite #\n");
    broker.reload();
    let better = async {
        while listener.count("/event {") == 0 {
            proxy.cut();
            daemon.wait_until(Connecting).await;
            daemon.wait_until(Online).await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    within("better rules", better).await;
    assert_eq!(listener.first_seqs(), [1]);
    within("a stop", daemon.stop()).await;
}
