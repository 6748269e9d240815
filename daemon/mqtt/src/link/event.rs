//! What happens on a connection: as the wire reports it, and as the client sees it.

use std::collections::HashMap;

use crate::{Incoming, protocol::ReceiptToken};

/// A publication without a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) token: ReceiptToken,
    pub(crate) topic: String,
    pub(crate) bytes: usize,
}

/// Topics with the smallest payload on which the broker hung up.
pub(crate) type Barred = HashMap<String, usize>;

/// What happens on a link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// The broker accepted the connection.
    Up,
    /// The broker has what was subscribed to.
    Subscribed,
    /// A publication is done, see [`Delivery`].
    Done(ReceiptToken),
    /// The same, by the broker's receipt.
    Confirmed(Pending),
    /// The broker has a publication, and no subscriber gets it.
    NoSubscriber(Pending),
    /// The broker does not take a publication, and why. The connection goes on.
    Refused(Pending, String),
    /// It would not pass, so it was not sent, and why.
    HeldBack(Pending, String),
    /// A message of a topic that was subscribed to.
    Received(Incoming),
    /// The goodbye is on the network.
    Closed,
    /// There is no connection any more, or none came about.
    Lost(Disconnect),
}

/// Why a connection ended or did not come about.
#[derive(Debug)]
pub(crate) struct Disconnect {
    /// For people, with the way out where there is one.
    pub(crate) reason: String,
    pub(crate) hint: VersionHint,
}

/// What such an end means for the version that was spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionHint {
    /// Nothing: the network, a certificate, silence.
    Nothing,
    /// It hung up. As the only answer, that is what brokers do that do not know the version, and others in trouble.
    HungUp,
    /// It hung up on a connection that had come about, or sent what nobody can read: something that we sent may be the cause.
    Broke,
    /// It confirmed what was not sent, or twice.
    Confused,
    /// It does not speak this version.
    Foreign,
    /// It speaks this version, and refuses.
    Spoken,
}

impl Disconnect {
    /// The same of a connection that had come about: the version was understood, so it is something else.
    pub(super) fn after_all(self) -> Self {
        match self.hint {
            VersionHint::HungUp => Self {
                hint: VersionHint::Broke,
                ..self
            },
            VersionHint::Foreign => {
                tracing::debug!("{}", self.reason);
                Self {
                    reason: "it sent what nobody can read, such as a receipt with a reason that MQTT does not have".to_owned(),
                    hint: VersionHint::Broke,
                }
            }
            _ => self,
        }
    }
}

/// More was handed to a connection than it can hold: it is stuck, so it is of no use any more.
#[derive(Debug, thiserror::Error)]
#[error("the connection takes no more messages")]
pub(crate) struct LinkFull;

impl From<LinkFull> for Disconnect {
    fn from(full: LinkFull) -> Self {
        full.to_string().into()
    }
}

impl From<String> for Disconnect {
    fn from(reason: String) -> Self {
        Self {
            reason,
            hint: VersionHint::Nothing,
        }
    }
}

/// The broker's answer to a publication.
pub(super) enum Receipt {
    Taken,
    /// Taken, but no subscriber gets it; only MQTT 5 reports this.
    NoSubscriber,
    Refused(String),
}

/// What happens on the wire, the same for both versions of MQTT.
pub(super) enum WireEvent {
    Accepted {
        largest: Option<usize>,
    },
    /// A publication is on the network under this number; 0: no receipt will come.
    Sent(u16),
    /// The receipt for this number.
    Receipt(u16, Receipt),
    Subscribed,
    Received(Incoming),
    /// The broker refused a subscription.
    SubscribeRefused(String),
    Closed,
    Ended(Disconnect),
}
