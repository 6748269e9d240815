//! The JSON that leaves this machine. One struct per message; field names are the interface.
//!
//! No clock and no I/O: wall-clock times come in as data. A change that a receiver could notice raises [`SCHEMA`].

mod event;
mod identity;
mod moment;
mod number;
mod photo;
mod received;
mod release;
mod state;
mod store_state;
mod summary;

pub use event::{
    CameraChange, EventBody, EventMessage, Fault, MoodSeconds, Recovery, SummaryRecord,
};
pub use identity::check_level;
pub use identity::{DeviceName, Identity, NameError, RunId};
pub use moment::{Moment, rfc3339};
pub use number::{Hundredths, Ratio, Rounded, Tenths};
pub use photo::{
    CropLine, ErrorLine, ExpressionRecord, FaceRecord, PhotoLine, ReadingRecord, ScoresRecord,
};
pub use received::{ReceivedError, read_state, read_status, run_of_state};
pub use release::{NetRelease, Release};
pub use state::{PersonRecord, StagesRecord, StateMessage};
pub use store_state::StoreState;
pub use summary::Summary;

use serde::Serialize;

/// The version of [`StateMessage`] and [`EventMessage`]; raised when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// The kinds of events, as [`EventMessage`] and the store name them.
pub const EVENT_KINDS: [&str; 10] = [
    "appeared", "left", "changed", "facing", "crowd", "camera", "fault", "recovery", "summary",
    "dropped",
];

/// The connection of a device, as `/status` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It runs and is connected.
    Online,
    /// It was stopped on purpose.
    Stopped,
    /// Its connection broke; the broker publishes this in its stead, by the will.
    Offline,
}

impl Status {
    /// The payload.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Stopped => "stopped",
            Self::Offline => "offline",
        }
    }
}

/// A message as one line of JSON, without the line's end.
pub fn json(message: &impl Serialize) -> String {
    // serde_json fails only for maps whose keys are no strings; every key here is a field's or an expression's name.
    serde_json::to_string(message).expect("messages have only strings as keys")
}

/// A line of JSON as CBOR (RFC 8949), with the same fields; `None` if it is no JSON.
pub fn cbor(json: &[u8]) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    let mut bytes = Vec::with_capacity(json.len());
    ciborium::into_writer(&value, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cbor_holds_the_same_in_fewer_bytes() {
        let line = r#"{"schema":1,"mood":"happy","confidence":0.5,"people":[null,true,-3]}"#;
        let bytes = cbor(line.as_bytes()).unwrap();
        assert!(bytes.len() < line.len() * 8 / 10, "{}", bytes.len());
        let back: serde_json::Value = ciborium::from_reader(&bytes[..]).unwrap();
        assert_eq!(
            back,
            serde_json::from_str::<serde_json::Value>(line).unwrap()
        );
        assert_eq!(cbor(b"{"), None);
    }
}
