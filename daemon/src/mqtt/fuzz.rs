//! What brokers and their clients send, for the fuzz targets.

use super::homie;
use crate::{control::Controls, mqtt::broker};

/// A client's bytes at the embedded broker.
pub(crate) fn broker(bytes: &[u8]) {
    #[cfg(feature = "broker")]
    broker::read(bytes);
    #[cfg(not(feature = "broker"))]
    let _ = bytes;
}

/// The first line is a topic, the rest its payload.
pub(crate) fn homie(bytes: &[u8]) {
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
