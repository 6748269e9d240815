//! What the clients of the embedded broker may make it keep. rumqttd keeps every topic, every filter and every retained message
//! for as long as it runs, so each packet is counted here before the broker sees it. A topic at which it panics is kept from it.
//!
//! A retained message over the budget is passed on and not kept. A client that brings too many names is hung up on: MQTT 3.1.1
//! has no other answer, and to confirm what is dropped would be a lie. One client may use half of each budget.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttd::protocol::{Error, Packet, Protocol, matches, v4::V4};

/// Budgets of all clients together.
#[derive(Clone, Copy, Debug)]
pub(super) struct BrokerLimits {
    /// Topics: their names are kept.
    topics: usize,
    /// Filters, and topics that no filter matched: each has a log of its own in the broker, up to 256 kB.
    logs: usize,
    /// Retained messages,
    retained: usize,
    /// and their bytes.
    retained_bytes: usize,
    /// Bytes of one topic's or filter's name.
    name_bytes: usize,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            topics: 8_192,
            logs: 256,
            retained: 2_048,
            retained_bytes: 4 << 20,
            name_bytes: 512,
        }
    }
}

/// A client may want no pings (MQTT 3.1.1, section 3.1.2.10), which rumqttd refuses: it gets the longest time that there is, 18 hours.
/// Who vanished is found by TCP's own probes, see `entrance`.
const NO_PINGS_S: u16 = u16::MAX;
/// A warning is logged at most once in so long.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// What the broker keeps, as far as it matters here.
#[derive(Debug, Default)]
struct Kept {
    topics: HashSet<String>,
    filters: HashSet<String>,
    /// Topics with a log of their own.
    own_logs: usize,
    /// Bytes of each retained message.
    retained: HashMap<String, usize>,
    retained_bytes: usize,
    warned: Option<Instant>,
}

/// What one connection brought.
#[derive(Clone, Copy, Debug, Default)]
struct Brought {
    topics: usize,
    logs: usize,
    retained: usize,
    retained_bytes: usize,
}

/// MQTT 3.1.1 with these limits, for one connection. A clone is for the next one.
#[derive(Debug)]
pub(super) struct BoundedProtocol {
    limits: BrokerLimits,
    kept: Arc<Mutex<Kept>>,
    brought: Brought,
    client_id: String,
}

impl BoundedProtocol {
    /// Of a broker that has kept nothing yet.
    pub(super) fn new(limits: BrokerLimits) -> Self {
        Self {
            limits,
            kept: Arc::default(),
            brought: Brought::default(),
            client_id: String::new(),
        }
    }

    fn check(&mut self, packet: &mut Packet) -> Result<(), Error> {
        let checked = match packet {
            Packet::Connect(connect, _, will, _, _) => {
                if connect.keep_alive == 0 {
                    connect.keep_alive = NO_PINGS_S;
                }
                self.client_id = connect.client_id.chars().take(40).collect();
                match will {
                    Some(will) => self.publish(&will.topic, will.message.len(), &mut will.retain),
                    None => Ok(()),
                }
            }
            Packet::Publish(publish, _) => {
                self.publish(&publish.topic, publish.payload.len(), &mut publish.retain)
            }
            Packet::Subscribe(subscribe, _) => {
                let mut filters = subscribe.filters.iter();
                filters.try_for_each(|filter| self.filter(&filter.path))
            }
            _ => Ok(()),
        };
        checked.map_err(|reason| {
            self.warn(reason, "it is disconnected");
            Error::IncorrectPacketFormat
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message for a topic. `retain` is switched off if it cannot be kept.
    fn publish(
        &mut self,
        topic: &[u8],
        bytes: usize,
        retain: &mut bool,
    ) -> Result<(), &'static str> {
        // What is no text is the broker's to refuse.
        let Ok(topic) = std::str::from_utf8(topic) else {
            return Ok(());
        };
        self.topic(topic)?;
        if bytes == 0 {
            let mut kept = self.kept();
            let freed = kept.retained.remove(topic).unwrap_or_default();
            kept.retained_bytes -= freed;
        } else if *retain && !self.retain(topic, bytes) {
            *retain = false;
            self.warn(
                "has more retained messages than fit",
                "the rest is not kept",
            );
        }
        Ok(())
    }

    /// Notes a topic.
    fn topic(&mut self, topic: &str) -> Result<(), &'static str> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.topics.contains(topic) {
            return Ok(());
        }
        let limits = self.limits;
        if topic.len() > limits.name_bytes {
            return Err("uses a topic that is too long");
        }
        // rumqttd 0.20 cuts topics after their first byte, and panics.
        if topic.is_empty() || !topic.is_char_boundary(1) {
            return Err("uses a topic that begins with a letter other than ASCII's");
        }
        if kept.topics.len() >= limits.topics || self.brought.topics >= limits.topics / 2 {
            return Err("uses too many topics");
        }
        if !kept.filters.iter().any(|filter| matches(topic, filter)) {
            self.brought.add_log(&kept, limits)?;
            kept.own_logs += 1;
        }
        self.brought.topics += 1;
        kept.topics.insert(topic.to_owned());
        Ok(())
    }

    /// Notes a filter.
    fn filter(&mut self, filter: &str) -> Result<(), &'static str> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.filters.contains(filter) {
            return Ok(());
        }
        if filter.len() > self.limits.name_bytes {
            return Err("subscribes to a topic that is too long");
        }
        self.brought.add_log(&kept, self.limits)?;
        kept.filters.insert(filter.to_owned());
        Ok(())
    }

    /// Notes a retained message. False if there is no room for it.
    fn retain(&mut self, topic: &str, bytes: usize) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (limits, brought) = (self.limits, &mut self.brought);
        let before = kept.retained.get(topic).copied();
        let more = bytes.saturating_sub(before.unwrap_or_default());
        let fits = kept.retained_bytes + more <= limits.retained_bytes
            && brought.retained_bytes + more <= limits.retained_bytes / 2;
        let has_place = before.is_some()
            || kept.retained.len() < limits.retained && brought.retained < limits.retained / 2;
        if !fits || !has_place {
            return false;
        }
        brought.retained += usize::from(before.is_none());
        brought.retained_bytes += more;
        kept.retained_bytes = kept.retained_bytes + bytes - before.unwrap_or_default();
        kept.retained.insert(topic.to_owned(), bytes);
        true
    }

    fn warn(&self, what: &str, then: &str) {
        let now = Instant::now();
        let mut kept = self.kept();
        if kept.warned.is_some_and(|at| now - at < WARN_EVERY) {
            return;
        }
        kept.warned = Some(now);
        let client_id = moodring_base::redact::printable(&self.client_id);
        tracing::warn!(
            "the embedded broker's client {client_id} {what}; {then}. A larger house needs a broker of its own, such as mosquitto"
        );
    }
}

impl Brought {
    fn add_log(&mut self, kept: &Kept, limits: BrokerLimits) -> Result<(), &'static str> {
        if kept.filters.len() + kept.own_logs >= limits.logs || self.logs >= limits.logs / 2 {
            return Err("uses too many topics or filters");
        }
        self.logs += 1;
        Ok(())
    }
}

impl Clone for BoundedProtocol {
    /// For another connection, which has brought nothing yet.
    fn clone(&self) -> Self {
        Self {
            limits: self.limits,
            kept: Arc::clone(&self.kept),
            brought: Brought::default(),
            client_id: String::new(),
        }
    }
}

impl Protocol for BoundedProtocol {
    fn read_mut(&mut self, stream: &mut BytesMut, max_size: usize) -> Result<Packet, Error> {
        let mut packet = V4.read_mut(stream, max_size)?;
        self.check(&mut packet)?;
        Ok(packet)
    }

    fn write(&self, packet: Packet, write: &mut BytesMut) -> Result<usize, Error> {
        V4.write(packet, write)
    }
}

/// Reads packets until they end, as a connection does.
pub(crate) fn read(bytes: &[u8]) {
    let mut protocol = BoundedProtocol::new(BrokerLimits::default());
    let mut stream = BytesMut::from(bytes);
    while !stream.is_empty() && protocol.read_mut(&mut stream, 65_536).is_ok() {}
}

#[cfg(test)]
mod tests {
    use rumqttd::protocol::Publish;

    use super::*;

    const FEW: BrokerLimits = BrokerLimits {
        topics: 40,
        logs: 20,
        retained: 8,
        retained_bytes: 1_000,
        name_bytes: 30,
    };

    /// Whether it passes, and whether it is kept.
    fn publish(of: &mut BoundedProtocol, topic: &str, bytes: usize) -> Result<bool, Error> {
        let payload = "x".repeat(bytes);
        let mut packet = Packet::Publish(Publish::new(topic.to_owned(), payload, true), None);
        of.check(&mut packet)?;
        let Packet::Publish(publish, _) = packet else {
            unreachable!("it was one")
        };
        Ok(publish.retain)
    }

    #[test]
    fn a_flood_of_retained_messages_is_passed_on_and_not_kept() {
        let mut flood = BoundedProtocol::new(FEW);
        let kept = |of: &mut BoundedProtocol, who: &str| {
            (0..9)
                .filter(|n| publish(of, &format!("{who}/{n}"), 10).unwrap())
                .count()
        };
        assert_eq!(kept(&mut flood, "flood"), 4, "half of the places");
        let mut other = flood.clone();
        assert_eq!(kept(&mut other, "other"), 4, "the other half");
        assert!(publish(&mut other, "other/1", 20).unwrap(), "a newer value");
        assert!(
            !publish(&mut other, "other/1", 900).unwrap(),
            "too many bytes"
        );
        // Taken back, there is room for another one, of somebody else.
        assert!(publish(&mut flood, "flood/0", 0).unwrap());
        let mut third = flood.clone();
        assert!(publish(&mut third, "other/8", 10).unwrap());
        assert!(!publish(&mut third, "other/7", 10).unwrap());
    }

    #[test]
    fn a_flood_of_topics_ends_its_own_connection_only() {
        let mut flood = BoundedProtocol::new(FEW);
        let passed = (0..99).take_while(|n| publish(&mut flood, &format!("a/{n}"), 1).is_ok());
        assert_eq!(passed.count(), 10);
        let mut other = flood.clone();
        assert!(publish(&mut other, "mine", 1).is_ok());
        assert!(publish(&mut other, "a/3", 1).is_ok(), "known");
        assert!(publish(&mut other, &"x".repeat(31), 1).is_err(), "too long");
        assert!(
            publish(&mut other, "\u{f6}l", 1).is_err(),
            "rumqttd panics at it"
        );
        assert!(publish(&mut other, "", 1).is_err());
    }

    #[test]
    fn topics_under_a_filter_cost_their_names_only() {
        let mut hub = BoundedProtocol::new(FEW);
        hub.filter("zigbee/#").unwrap();
        let mut bridge = hub.clone();
        let passed =
            (0..99).take_while(|n| publish(&mut bridge, &format!("zigbee/{n}"), 1).is_ok());
        assert_eq!(passed.count(), 20, "half of all topics");
        let mut filters = (0..99).take_while(|n| hub.filter(&format!("f/{n}")).is_ok());
        assert_eq!(
            filters.by_ref().count(),
            9,
            "with the first, half of the logs"
        );
    }
}
