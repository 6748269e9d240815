//! A subscriber with a session misses nothing while it is away, and leaves nothing behind. Of several brokers one is
//! enough.

use std::{process::Command, time::Duration};

use moodring_base::config::MqttSettings;
use tokio::time::timeout;

use super::{
    folder,
    harness::{Mosquitto, free_port, is_installed, within},
};
use crate::{Subscriber, SubscriberEvent, SubscriberOptions};

fn listening() -> SubscriberOptions {
    SubscriberOptions {
        topics: vec!["news".into()],
        seed: 7,
        keeps_session: true,
    }
}

fn tell(port: u16, text: &str) {
    let port = port.to_string();
    let mut command = Command::new("mosquitto_pub");
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-q",
        "1",
        "-t",
        "news",
        "-m",
        text,
    ]);
    assert!(command.status().unwrap().success());
}

/// The next message; outages before it are passed over.
async fn receive(reader: &mut Subscriber) -> String {
    let next = async {
        loop {
            match reader.next().await.unwrap() {
                SubscriberEvent::Message { payload, .. } => {
                    return String::from_utf8(payload).unwrap();
                }
                SubscriberEvent::Online | SubscriberEvent::Away => {}
            }
        }
    };
    within("a message", next).await
}

/// Says something until something is heard, since nothing tells when a broker has a subscription; what that is.
async fn say_until_heard(reader: &mut Subscriber, port: u16, text: &str) -> String {
    let first = async {
        loop {
            tell(port, text);
            let soon = Duration::from_millis(200);
            if let Ok(heard) = timeout(soon, receive(reader)).await {
                return heard;
            }
        }
    };
    within("the subscription", first).await
}

#[tokio::test]
async fn a_session_keeps_what_comes_meanwhile_until_it_is_forgotten() {
    if !is_installed() {
        return;
    }
    let dir = folder();
    let broker = Mosquitto::start(&dir, free_port()).await;
    // The first of these brokers is away.
    let settings = MqttSettings {
        url: format!("mqtt://127.0.0.1:{}, {}", free_port(), broker.url()),
        ..MqttSettings::default()
    };
    let start = || Subscriber::spawn(&settings, listening()).unwrap();
    let mut reader = start();
    let heard = say_until_heard(&mut reader, broker.port, "first").await;
    assert_eq!(heard, "first");
    drop(reader);
    tell(broker.port, "meanwhile");
    let mut reader = start();
    let mut heard = receive(&mut reader).await;
    while heard == "first" {
        // It was said more than once, or had no receipt yet.
        heard = receive(&mut reader).await;
    }
    assert_eq!(heard, "meanwhile");
    within("a goodbye", reader.forget(&settings, &listening()))
        .await
        .unwrap();
    tell(broker.port, "to nobody");
    let heard = say_until_heard(&mut start(), broker.port, "anew").await;
    assert_eq!(heard, "anew");
}
