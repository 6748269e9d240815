//! One message for the broker: where it goes, how surely, and how its receipt is recognized.

use moodring_base::{
    config::PayloadFormat,
    message::{Status, cbor},
};

use super::outbox::EntryId;

/// One message for the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// To be given back by [`Protocol::done`](super::protocol::Protocol::done).
    pub token: ReceiptToken,
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// In which form.
    pub content: Content,
    /// How surely.
    pub delivery: Delivery,
}

/// How a payload is written, for receivers that go by it (MQTT 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Without a content type.
    Plain,
    /// JSON.
    Json,
    /// CBOR.
    Cbor,
}

impl Content {
    /// Its media type.
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Json => Some("application/json"),
            Self::Cbor => Some("application/cbor"),
        }
    }
}

/// Which message, for its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptToken {
    /// Availability.
    Status(Status),
    /// The state.
    State,
    /// An event.
    Event(EntryId),
    /// Somebody else's; see [`super::Passthrough`]. With a number, its receipt is wanted.
    Extra(Option<u32>),
}

/// MQTT's quality of service and retain flag, in the three ways used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0, retained: the next state replaces a lost one. Done when it is handed to the network.
    Newest,
    /// QoS 1, retained. Done with the receipt.
    Lasting,
    /// QoS 1, not retained. Done with the receipt.
    Once,
}

/// A message, which is JSON inside this program, as it goes out.
pub(super) fn write(format: PayloadFormat, json: Vec<u8>) -> (Vec<u8>, Content) {
    match format {
        PayloadFormat::Json => (json, Content::Json),
        PayloadFormat::Cbor => match cbor(&json) {
            Some(cbor) => (cbor, Content::Cbor),
            // What is no JSON could only come out of a damaged store; receivers see that for themselves.
            None => (json, Content::Plain),
        },
    }
}
