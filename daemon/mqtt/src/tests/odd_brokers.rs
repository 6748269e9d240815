//! Brokers that misbehave: they hang up on a message, confirm it twice or with a reason that MQTT 5 does not have, or
//! have no subscriber for it. Each is a few lines that speak MQTT 5 and answer every publication as the test wants.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use moodring_base::{config::MqttSettings, snapshot::BrokerState::Online};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::sleep,
};

use super::harness::{TestDaemon, within};
use crate::passthrough;

/// What the broker does with a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Confirms it with this reason; 0 is success.
    Receipt(u8),
    Twice,
    HangUp,
}

/// A publication as the broker sees it.
#[derive(Clone, Debug)]
struct Published {
    topic: String,
    payload: Vec<u8>,
}

type Rule = Arc<dyn Fn(&Published) -> Answer + Send + Sync>;

/// A broker, what it confirmed for the first time, and how often somebody connected.
struct OddBroker {
    port: u16,
    confirmed: Arc<Mutex<Vec<Published>>>,
    connections: Arc<AtomicUsize>,
}

impl OddBroker {
    async fn start(rule: impl Fn(&Published) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = Self {
            port: listener.local_addr().unwrap().port(),
            confirmed: Arc::default(),
            connections: Arc::default(),
        };
        let (rule, confirmed, connections): (Rule, _, _) = (
            Arc::new(rule),
            Arc::clone(&broker.confirmed),
            Arc::clone(&broker.connections),
        );
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(client, Arc::clone(&rule), Arc::clone(&confirmed)));
            }
        });
        broker
    }

    fn daemon(&self) -> TestDaemon {
        TestDaemon::start(&format!("mqtt://127.0.0.1:{}", self.port))
    }

    /// The numbers of the events that it confirmed, each once.
    fn events(&self) -> Vec<u64> {
        let confirmed = self.confirmed.lock().unwrap();
        let events = confirmed
            .iter()
            .filter(|published| published.topic.ends_with("/event"));
        let mut seqs: Vec<u64> = events.map(seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    async fn has_events(&self, wanted: &[u64]) {
        let all = async {
            while self.events() != wanted {
                sleep(Duration::from_millis(20)).await;
            }
        };
        within(&format!("the events {wanted:?}"), all).await;
    }
}

fn seq(published: &Published) -> u64 {
    let event: serde_json::Value = serde_json::from_slice(&published.payload).unwrap();
    event["seq"].as_u64().unwrap()
}

async fn serve(
    mut client: TcpStream,
    rule: Rule,
    confirmed: Arc<Mutex<Vec<Published>>>,
) -> Option<()> {
    loop {
        let (head, body) = packet(&mut client).await?;
        let answer = match head >> 4 {
            1 => vec![0x20, 3, 0, 0, 0],
            8 => vec![0x90, 4, body[0], body[1], 0, 1],
            12 => vec![0xD0, 0],
            3 => {
                let (published, number) = publication(head, &body);
                let Some(number) = number else { continue };
                let receipt = |reason| [0x40, 3, number[0], number[1], reason];
                let answer = rule(&published);
                if answer == Answer::HangUp {
                    return None;
                }
                if matches!(answer, Answer::Receipt(0) | Answer::Twice) {
                    confirmed.lock().unwrap().push(published);
                }
                match answer {
                    Answer::Receipt(reason) => receipt(reason).to_vec(),
                    _ => receipt(0).repeat(2),
                }
            }
            _ => return None,
        };
        client.write_all(&answer).await.ok()?;
    }
}

async fn packet(client: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let head = client.read_u8().await.ok()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = client.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// A PUBLISH of MQTT 5, and its number if it wants a receipt. Its properties fit one byte of length here.
fn publication(head: u8, body: &[u8]) -> (Published, Option<[u8; 2]>) {
    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
    let mut rest = &body[2 + length..];
    let number = (head & 0b0110 != 0).then(|| {
        let number = [rest[0], rest[1]];
        rest = &rest[2..];
        number
    });
    let payload = rest[1 + usize::from(rest[0])..].to_vec();
    (Published { topic, payload }, number)
}

fn is_event(published: &Published, number: u64) -> bool {
    published.topic.ends_with("/event") && seq(published) == number
}

#[tokio::test]
async fn a_message_that_ends_the_connection_is_held_back_and_the_others_go_on() {
    for answer in [Answer::HangUp, Answer::Receipt(0x95), Answer::Receipt(0x7F)] {
        let broker = OddBroker::start(move |published| match is_event(published, 2) {
            true => answer,
            false => Answer::Receipt(0),
        })
        .await;
        let (faults, mut fault_rx) = mpsc::unbounded_channel();
        let settings = MqttSettings {
            url: format!("mqtt://127.0.0.1:{}", broker.port),
            ..MqttSettings::default()
        };
        let daemon = TestDaemon::start_with_faults(settings, faults);
        daemon.wait_until(Online).await;
        // The second is longer than the others.
        for track in [1, 4_000_000_000, 3] {
            daemon.tell_appeared(track);
        }
        broker.has_events(&[1, 3]).await;
        let fault = within("a fault", fault_rx.recv()).await.unwrap();
        assert!(
            fault.contains("moodring/hall/event") && fault.contains("bytes"),
            "{fault}"
        );
        daemon.tell_appeared(5);
        broker.has_events(&[1, 3, 4]).await;
        assert!(broker.connections.load(Ordering::SeqCst) <= 8, "{answer:?}");
        daemon.handle.kill().await;
    }
}

#[tokio::test]
async fn receipts_that_come_twice_lose_nothing() {
    let broker = OddBroker::start(|published| match published.topic.ends_with("/event") {
        true => Answer::Twice,
        false => Answer::Receipt(0),
    })
    .await;
    let daemon = broker.daemon();
    (1..=3).for_each(|track| daemon.tell_appeared(track));
    broker.has_events(&[1, 2, 3]).await;
    assert!(broker.connections.load(Ordering::SeqCst) <= 8);
    daemon.handle.kill().await;
}

#[tokio::test]
async fn every_other_reason_leaves_the_connection_and_the_others() {
    // All that MQTT 5 has for a receipt, but success and "no matching subscribers".
    for reason in [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] {
        let broker = OddBroker::start(move |published| match is_event(published, 1) {
            true => Answer::Receipt(reason),
            false => Answer::Receipt(0),
        })
        .await;
        let daemon = broker.daemon();
        (1..=3).for_each(|track| daemon.tell_appeared(track));
        broker.has_events(&[2, 3]).await;
        assert_eq!(broker.connections.load(Ordering::SeqCst), 1, "{reason:#x}");
        daemon.handle.kill().await;
    }
}

#[tokio::test]
async fn events_wait_for_a_subscriber_that_comes_later() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let broker = OddBroker::start(move |published| {
        // Nobody is there for the first three tries.
        let is_event = published.topic.ends_with("/event");
        let nobody = is_event && counted.fetch_add(1, Ordering::SeqCst) < 3;
        Answer::Receipt(if nobody { 0x10 } else { 0 })
    })
    .await;
    let daemon = broker.daemon();
    (1..=5).for_each(|track| daemon.tell_appeared(track));
    broker.has_events(&[1, 2, 3, 4, 5]).await;
    assert_eq!(broker.connections.load(Ordering::SeqCst), 1);
    daemon.handle.kill().await;
}

#[tokio::test]
async fn the_state_is_known_before_online_and_events_come_after_it() {
    let broker = OddBroker::start(|_| Answer::Receipt(0)).await;
    let (beside, publish, mut received) = passthrough(vec!["a/set".into()]);
    let settings = MqttSettings {
        url: format!("mqtt://127.0.0.1:{}", broker.port),
        ..MqttSettings::default()
    };
    let daemon = TestDaemon::start_beside(settings, Some(beside));
    daemon.tell_appeared(1);
    within("a connection", received.recv()).await;
    sleep(Duration::from_millis(300)).await;
    assert!(
        broker.confirmed.lock().unwrap().is_empty(),
        "neither online nor events"
    );
    publish.introduced();
    broker.has_events(&[1]).await;
    let first = broker.confirmed.lock().unwrap()[0].clone();
    assert_eq!(
        (first.topic.as_str(), &first.payload[..]),
        ("moodring/hall/status", &b"online"[..])
    );
    daemon.handle.kill().await;
}
