//! What brokers and their clients send, for the fuzz targets.

use moodring_base::control::Controls;

use super::homie;

/// A client's bytes at the embedded broker.
pub fn broker(bytes: &[u8]) {
    #[cfg(feature = "broker")]
    crate::broker::read(bytes);
    #[cfg(not(feature = "broker"))]
    let _ = bytes;
}

/// The first line is a topic, the rest its payload.
pub fn homie(bytes: &[u8]) {
    let at = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (topic, payload) = bytes.split_at(at);
    let payload = payload.get(1..).unwrap_or_default();
    homie::receive(
        &String::from_utf8_lossy(topic),
        payload,
        &Controls::default(),
    );
}

/// MQTT 3.1.1: connect, subscribe, publish, ping, goodbye.
pub fn packets() -> Vec<Vec<u8>> {
    let connect = b"\x10\x1E\0\x04MQTT\x04\x06\0\x3C\0\x04hall\0\x06status\0\x04gone".to_vec();
    let subscribe = b"\x82\x0A\0\x01\0\x05a/+/#\x01".to_vec();
    let publish = b"\x33\x0A\0\x03a/b\0\x02yes".to_vec();
    let others = b"\x40\x02\0\x01\xA2\x07\0\x03\0\x03a/b\xC0\0\xE0\0".to_vec();
    let all = [
        connect.clone(),
        subscribe.clone(),
        publish.clone(),
        others.clone(),
    ]
    .concat();
    vec![connect, subscribe, publish, others, all]
}
