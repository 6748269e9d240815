//! Which broker is tried next, by which version of MQTT, and when. The same turn for everything here that connects.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    backoff::Backoff,
    connect_options::{ConnectOptions, SessionKind, Version},
    link::{Disconnect, Link, VersionHint},
    url::BrokerAddress,
};
use crate::config::MqttVersion;

/// A broker that hung up on MQTT 5 so often and then spoke 3.1.1 is taken at its word. Once may have been trouble.
const DOUBTS: u8 = 2;

/// The brokers in the order in which they are tried, and what was learned about them.
pub(super) struct Failover {
    candidates: Vec<Candidate>,
    /// Which one is tried or used now.
    at: usize,
    /// Whether the newest connection came about.
    was_up: bool,
    backoff: Backoff,
    /// How a warning ends; without it nothing is said at warning level.
    comfort: Option<&'static str>,
    /// Whether this outage was told at warning level.
    complained: bool,
}

impl Failover {
    /// At least one way; nothing is tried yet. `comfort` follows the reason in a warning; `None` for who leaves that to
    /// others.
    pub(super) fn new(
        ways: Vec<ConnectOptions>,
        backoff: Backoff,
        comfort: Option<&'static str>,
    ) -> Self {
        Self {
            candidates: ways.into_iter().map(Candidate::new).collect(),
            at: 0,
            was_up: false,
            backoff,
            comfort,
            complained: false,
        }
    }

    /// Which broker is tried or used now.
    pub(super) fn broker(&self) -> &BrokerAddress {
        &self.candidates[self.at].way.broker
    }

    /// Begins the next attempt.
    pub(super) fn open(&mut self) -> Link {
        self.was_up = false;
        self.candidates[self.at].open(Instant::now())
    }

    /// It came about.
    pub(super) fn up(&mut self) {
        (self.was_up, self.complained) = (true, false);
        let candidate = &mut self.candidates[self.at];
        let is_new = candidate.answered();
        if self.comfort.is_some() {
            let (broker, version) = (&candidate.way.broker, candidate.version);
            if is_new {
                tracing::info!("the broker {broker} does not speak MQTT 5, so it is 3.1.1");
            }
            tracing::info!("connected to the broker {broker} ({version})");
        }
    }

    /// It works: a broker that accepts and hangs up at once is not hammered, one that takes a message is welcome again.
    pub(super) fn works(&mut self) {
        self.backoff.reset();
    }

    /// It ended. How long to wait before the next attempt: not at all for another version or the next broker; after the
    /// last broker, and after one that had been there, a rest and then the first.
    pub(super) fn lost(&mut self, lost: &Disconnect) -> Option<Duration> {
        if self.candidates[self.at].lost(lost.hint, self.was_up, Instant::now()) {
            tracing::debug!(
                "{} by MQTT 5: {}. Trying MQTT 3.1.1",
                self.broker(),
                lost.reason
            );
            return None;
        }
        self.complain(&lost.reason);
        self.at = if self.was_up {
            0
        } else {
            (self.at + 1) % self.candidates.len()
        };
        (self.at == 0).then(|| Duration::from_millis(self.backoff.wait().0))
    }

    /// Once per outage for everybody, each further attempt for who looks closely.
    fn complain(&mut self, reason: &str) {
        let broker = self.broker();
        match self.comfort {
            Some(comfort) if !self.complained => {
                tracing::warn!("no connection to the broker {broker}: {reason}. {comfort}");
                self.complained = true;
            }
            _ => tracing::debug!("still no connection to the broker {broker}: {reason}"),
        }
    }
}

/// A broker, and what was learned about it.
struct Candidate {
    way: ConnectOptions,
    /// Which version is tried or used now.
    version: Version,
    /// Whether that is settled, by the user or by what the broker did.
    is_settled: bool,
    /// The broker said that it does not speak MQTT 5.
    said_no: bool,
    /// How often it hung up on MQTT 5 and then spoke 3.1.1.
    doubts: u8,
    /// When the newest connection that began a session ended.
    left: Option<Instant>,
    /// Whether it was said that this one speaks 3.1.1.
    is_told: bool,
}

impl Candidate {
    fn new(way: ConnectOptions) -> Self {
        Self {
            version: match way.version {
                MqttVersion::Auto | MqttVersion::V5 => Version::V5,
                MqttVersion::V3 => Version::V3,
            },
            is_settled: way.version != MqttVersion::Auto,
            said_no: false,
            doubts: 0,
            left: None,
            is_told: false,
            way,
        }
    }

    fn open(&self, now: Instant) -> Link {
        Link::open(&self.way, self.version, self.resumes(now))
    }

    /// Whether to go on with the session that the broker has. One of an earlier run is none of ours; and whatever the
    /// broker says about its end, we know how old it is.
    fn resumes(&self, now: Instant) -> bool {
        match self.way.session {
            SessionKind::Clean => false,
            SessionKind::Brief(time) => self.left.is_some_and(|left| now - left <= time),
            SessionKind::Lasting => true,
        }
    }

    /// The broker speaks the version that was tried. True the first time that this is news.
    fn answered(&mut self) -> bool {
        if self.is_settled {
            return false;
        }
        if self.version == Version::V5 {
            self.is_settled = true;
            return false;
        }
        self.doubts += 1;
        self.is_settled = self.said_no || self.doubts >= DOUBTS;
        !std::mem::replace(&mut self.is_told, true)
    }

    /// An attempt or connection ended. True: try the same broker again at once, by another version.
    fn lost(&mut self, hint: VersionHint, was_up: bool, now: Instant) -> bool {
        if was_up && self.version == Version::V5 {
            self.left = Some(now);
        }
        if self.way.version != MqttVersion::Auto {
            return false;
        }
        match (self.version, hint) {
            (_, VersionHint::Spoken) if !was_up => drop(self.answered()),
            (Version::V5, VersionHint::Foreign) if !was_up => {
                (self.version, self.is_settled, self.said_no) = (Version::V3, false, true);
                return true;
            }
            (Version::V5, VersionHint::HungUp) if !was_up && !self.is_settled => {
                self.version = Version::V3;
                return true;
            }
            (Version::V3, VersionHint::Foreign) => self.is_settled = false,
            _ => {}
        }
        if !self.is_settled {
            // It was trouble, or may have been: MQTT 5 has the next turn.
            (self.version, self.said_no) = (Version::V5, false);
        }
        false
    }
}
