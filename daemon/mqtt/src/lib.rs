//! State, events and availability on a broker, and the embedded broker for a machine that has none.
//!
//! Topics: `<prefix>/<id>/status` (retained, also the will), `/state` (retained), `/event` (QoS 1, never retained).
//!
//! ```text
//! snapshots, events -> protocol (what and when) -> client (a task) -> link (one connection, by MQTT 5 or 3.1.1) -> broker
//!                        | outbox                    | failover (which broker and version next)
//! ```
//!
//! In the other direction, for `follow`, which shows another device's mood: broker -> [`Subscriber`] -> `app::follow`.
//!
//! | module | what it does |
//! |---|---|
//! | `settings`, `url`, `topic`, `tls` | checks `[mqtt]`: brokers' addresses, topics, certificates; writes the will |
//! | `client`, `client_inputs` | the task that publishes: serves one link after another and stops in a bounded time |
//! | `protocol`, `publication`, `outbox`, `audience` | what is published and when; rows on their way to the broker; whether anybody subscribes |
//! | `link`, `connect_options` | one connection, by MQTT 5 or 3.1.1, and how to open it |
//! | `failover`, [`backoff`], `reachable` | which broker, version and address next, and after what wait |
//! | `refusals`, `poison_message` | topics that the broker refuses; messages at which it hangs up |
//! | `broker` | the embedded broker, its entrance and its limits |
//! | `passthrough`, `subscriber` | other modules' messages through the client's connection; a connection that only receives |
//! | [`home_assistant`], [`homie`] | what these two want beside state and events |
//! | `connection_test`, [`simulate`] | tries a broker from the set-up; many devices in one process |

mod audience;
pub mod backoff;
mod broker;
mod client;
mod client_inputs;
mod connect_options;
mod connection_test;
mod error;
mod failover;
#[doc(hidden)]
pub mod fuzz;
pub mod home_assistant;
pub mod homie;
mod link;
pub mod outbox;
mod passthrough;
mod poison_message;
pub mod protocol;
mod publication;
mod reachable;
mod refusals;
mod settings;
pub mod simulate;
mod subscriber;
mod tls;
pub mod topic;
pub mod url;

#[cfg(test)]
mod tests;

pub use client::{MqttHandle, spawn};
pub use client_inputs::Inputs;
pub use connection_test::{AttemptError, Password, test_connection};
pub use error::MqttError;
pub use passthrough::{Incoming, IncomingReceiver, Outgoing, Passthrough, Publisher, passthrough};
pub use protocol::Delivery;
pub use settings::check;
pub use subscriber::{Subscriber, SubscriberEvent, SubscriberOptions};

/// What the borrowed MQTT crates may log. They report each broken connection as an error of their own, which for this
/// program is a state that it reports itself; so they are silent unless the user asks.
pub const QUIET_LOGS: [&str; 2] = ["rumqttc=off", "rumqttd=off"];

/// Waits until then, or for ever.
async fn until(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
