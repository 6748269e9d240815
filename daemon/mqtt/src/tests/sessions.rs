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

fn publish(port: u16, text: &str) {
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
async fn receive(subscriber: &mut Subscriber) -> String {
    let next = async {
        loop {
            match subscriber.next().await.unwrap() {
                SubscriberEvent::Message { payload, .. } => {
                    return String::from_utf8(payload).unwrap();
                }
                SubscriberEvent::Online | SubscriberEvent::Away => {}
            }
        }
    };
    within("a message", next).await
}

/// Publishes until a message arrives, since nothing shows when a broker has a subscription. Returns that message.
async fn publish_until_received(subscriber: &mut Subscriber, port: u16, text: &str) -> String {
    let first = async {
        loop {
            publish(port, text);
            let soon = Duration::from_millis(200);
            if let Ok(received) = timeout(soon, receive(subscriber)).await {
                return received;
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
    let mut subscriber = start();
    let received = publish_until_received(&mut subscriber, broker.port, "first").await;
    assert_eq!(received, "first");
    drop(subscriber);
    publish(broker.port, "meanwhile");
    let mut subscriber = start();
    let mut received = receive(&mut subscriber).await;
    while received == "first" {
        // It was published more than once, or had no receipt yet.
        received = receive(&mut subscriber).await;
    }
    assert_eq!(received, "meanwhile");
    within("a goodbye", subscriber.forget(&settings, &listening()))
        .await
        .unwrap();
    publish(broker.port, "to nobody");
    let received = publish_until_received(&mut start(), broker.port, "anew").await;
    assert_eq!(received, "anew");
}
