//! Decides which broker is tried next, by which version of MQTT, and when. Everything here that connects uses it.

use std::time::Duration;

use moodring_base::config::MqttVersion;
use tokio::time::Instant;

use super::{
    backoff::Backoff,
    connect_options::{ConnectOptions, SessionKind, Version},
    link::{Disconnect, Link, VersionHint},
    reachable::ReachableAddress,
    url::BrokerAddress,
};

/// After this many failures of MQTT 5, followed by a success of 3.1.1, a broker counts as one of 3.1.1. One may be an accident.
const V5_FAILURES: u8 = 2;
/// A connection that lasted this long resets the back-off.
const STABLE_AFTER: Duration = Duration::from_secs(60);
/// After this many short connections in a row one warning says that the broker is flapping.
const FLAPS_BEFORE_WARNING: u32 = 2;

/// The brokers in the order in which they are tried, and what was learned about them.
pub(super) struct Failover {
    candidates: Vec<BrokerEntry>,
    /// Which one is tried or used now.
    at: usize,
    /// Since when the newest connection is there; `None` if it did not come about.
    up_since: Option<Instant>,
    /// How many connections ended early, one after the other.
    flaps: u32,
    /// How often a broker hung up without an answer, since one lasted.
    hang_ups: u32,
    /// What the broker may have hung up on.
    suspect: Option<String>,
    backoff: Backoff,
    /// How a warning ends; without it nothing is logged at warning level.
    advice: Option<&'static str>,
    /// Whether this outage was logged at warning level.
    complained: bool,
}

impl Failover {
    /// At least one candidate; nothing is tried yet. `advice` follows the reason in a warning; `None` for who leaves that to
    /// others.
    pub(super) fn new(
        candidates: Vec<ConnectOptions>,
        backoff: Backoff,
        advice: Option<&'static str>,
    ) -> Self {
        Self {
            candidates: candidates.into_iter().map(BrokerEntry::new).collect(),
            at: 0,
            up_since: None,
            flaps: 0,
            hang_ups: 0,
            suspect: None,
            backoff,
            advice,
            complained: false,
        }
    }

    /// Which broker is tried or used now.
    pub(super) fn broker(&self) -> &BrokerAddress {
        &self.candidates[self.at].connect_options.broker
    }

    /// Begins the next attempt.
    pub(super) fn open(&mut self) -> Link {
        self.up_since = None;
        self.candidates[self.at].open(Instant::now())
    }

    /// It came about.
    pub(super) fn up(&mut self) {
        self.up_since = Some(Instant::now());
        let quiet = self.flaps >= FLAPS_BEFORE_WARNING;
        self.complained &= quiet;
        let candidate = &mut self.candidates[self.at];
        let is_new = candidate.answered();
        if self.advice.is_some() {
            let (broker, version) = (&candidate.connect_options.broker, candidate.version);
            if is_new {
                tracing::info!("the broker {broker} does not speak MQTT 5, so it is 3.1.1");
            }
            if quiet {
                tracing::debug!("connected to the broker {broker} ({version})");
            } else {
                tracing::info!("connected to the broker {broker} ({version})");
            }
        }
    }

    /// A message went through.
    pub(super) fn works(&mut self) {
        if self.flaps > 0 && self.lasts() {
            if self.flaps >= FLAPS_BEFORE_WARNING && self.advice.is_some() {
                tracing::info!("the connection to the broker {} lasts again", self.broker());
            }
            self.begin_anew();
        }
    }

    /// The newest connection may have ended because of this message.
    pub(super) fn suspect(&mut self, message: String) {
        self.suspect = Some(message);
    }

    /// Whether the newest connection held for long.
    pub(super) fn lasts(&self) -> bool {
        self.up_since
            .is_some_and(|since| since.elapsed() >= STABLE_AFTER)
    }

    fn begin_anew(&mut self) {
        self.backoff.reset();
        (self.flaps, self.hang_ups, self.complained) = (0, 0, false);
    }

    /// It ended. How long to wait before the next attempt: not at all for another version or the next broker; after the
    /// last broker, and after one that had been there, a rest and then the first.
    pub(super) fn lost(&mut self, lost: &Disconnect) -> Option<Duration> {
        let was_up = self.up_since.is_some();
        if self.lasts() {
            self.begin_anew();
        } else if was_up {
            self.flaps += 1;
        }
        let cap_ms = match lost.hint {
            VersionHint::Nothing => Backoff::CAP_MS,
            _ => Backoff::REFUSED_CAP_MS,
        };
        if self.candidates[self.at].lost(lost.hint, was_up, Instant::now()) {
            tracing::debug!(
                "{} by MQTT 5: {}. Trying MQTT 3.1.1",
                self.broker(),
                lost.reason
            );
            self.hang_ups += 1;
            // One that hangs up on every version is not asked twice as often.
            return (self.hang_ups > 1).then(|| Duration::from_millis(self.backoff.wait(cap_ms).0));
        }
        self.complain(lost);
        self.at = if was_up {
            0
        } else {
            (self.at + 1) % self.candidates.len()
        };
        (self.at == 0).then(|| Duration::from_millis(self.backoff.wait(cap_ms).0))
    }

    /// Once per outage for everybody, each further attempt for who looks closely.
    fn complain(&mut self, lost: &Disconnect) {
        let suspect = self.suspect.take();
        let (broker, reason) = (self.broker(), &lost.reason);
        match self.advice {
            Some(advice) if self.flaps == FLAPS_BEFORE_WARNING => {
                let cause = self.cause(lost.hint, suspect.as_deref());
                tracing::warn!(
                    "the broker {broker} lets us in and soon hangs up: {reason}. {cause}. {advice}, ever more slowly"
                );
                self.complained = true;
            }
            Some(advice) if !self.complained => {
                tracing::warn!("no connection to the broker {broker}: {reason}. {advice}");
                self.complained = true;
            }
            _ => tracing::debug!("still no connection to the broker {broker}: {reason}"),
        }
    }

    /// Why a broker may hang up again and again.
    fn cause(&self, hint: VersionHint, suspect: Option<&str>) -> String {
        let id = &self.candidates[self.at].connect_options.client_id;
        match hint {
            VersionHint::Confused => {
                "That is a fault of the broker; another version of it may do better".to_owned()
            }
            VersionHint::Nothing => "The network between may drop connections".to_owned(),
            _ => {
                let message = suspect.map_or(String::new(), |message| {
                    format!("; the message on its way was {message}")
                });
                format!(
                    "Another client may have the name {id} (give each device its own [device] id), or the broker limits the size \
                     of messages or what this user may write (message_size_limit, max_packet_size, access rules){message}"
                )
            }
        }
    }
}

/// A broker, and what was learned about it.
struct BrokerEntry {
    connect_options: ConnectOptions,
    /// Which version is tried or used now.
    version: Version,
    /// Whether that is settled, by the user or by what the broker did.
    is_settled: bool,
    /// The broker refused MQTT 5 as a version that it does not speak.
    said_no: bool,
    /// How often it hung up on MQTT 5 and then spoke 3.1.1.
    doubts: u8,
    /// When the newest connection that began a session ended.
    left: Option<Instant>,
    /// Whether it was logged that this one speaks 3.1.1.
    is_told: bool,
    /// Another of its addresses, where the first gave no answer.
    reachable: ReachableAddress,
}

impl BrokerEntry {
    fn new(connect_options: ConnectOptions) -> Self {
        Self {
            version: match connect_options.version {
                MqttVersion::Auto | MqttVersion::V5 => Version::V5,
                MqttVersion::V3 => Version::V3,
            },
            is_settled: connect_options.version != MqttVersion::Auto,
            said_no: false,
            doubts: 0,
            left: None,
            is_told: false,
            reachable: ReachableAddress::default(),
            connect_options,
        }
    }

    fn open(&self, now: Instant) -> Link {
        let connect_options = self.connect_options.at(self.reachable.take());
        Link::open(&connect_options, self.version, self.resumes(now))
    }

    /// Whether to go on with the session that the broker has. One of an earlier run is none of ours; and whatever the
    /// broker says about its end, we know how old it is.
    fn resumes(&self, now: Instant) -> bool {
        match self.connect_options.session {
            SessionKind::Clean => false,
            SessionKind::Brief(time) => self.left.is_some_and(|left| now - left <= time),
            SessionKind::Lasting => true,
        }
    }

    /// The broker speaks the version that was tried. True the first time.
    fn answered(&mut self) -> bool {
        if self.is_settled {
            return false;
        }
        if self.version == Version::V5 {
            self.is_settled = true;
            return false;
        }
        self.doubts += 1;
        self.is_settled = self.said_no || self.doubts >= V5_FAILURES;
        !std::mem::replace(&mut self.is_told, true)
    }

    /// An attempt or connection ended. True: try the same broker again at once, by another version.
    fn lost(&mut self, hint: VersionHint, was_up: bool, now: Instant) -> bool {
        if was_up && self.version == Version::V5 {
            self.left = Some(now);
        }
        if !was_up && hint == VersionHint::Nothing {
            let broker = &self.connect_options.broker;
            self.reachable.look_for(&broker.host, broker.port);
        }
        if self.connect_options.version != MqttVersion::Auto {
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

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::settings;
    use moodring_base::config::MqttSettings;

    /// Attempts in five minutes of a broker that ends every connection with this sign, at once or after it let us in; and the
    /// lines that the log has of it.
    fn attempts(version: MqttVersion, hint: VersionHint, accepts_login: bool) -> (u32, usize) {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone());
        let attempts = tracing::subscriber::with_default(log.finish(), || {
            attempts_in_silence(version, hint, accepts_login)
        });
        (attempts, lines.0.load(Ordering::Relaxed))
    }

    /// Counts what is written.
    #[derive(Clone, Default)]
    struct Lines(Arc<AtomicUsize>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            self.0.fetch_add(lines, Ordering::Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn attempts_in_silence(version: MqttVersion, hint: VersionHint, accepts_login: bool) -> u32 {
        let wanted = MqttSettings {
            url: "mqtt://broker".into(),
            version,
            ..MqttSettings::default()
        };
        let candidates =
            settings::subscriber_options(&wanted, "moodring-hall", SessionKind::Clean).unwrap();
        let mut failover = Failover::new(candidates, Backoff::new(7), Some("Trying again"));
        let (mut passed, mut attempts) = (Duration::ZERO, 0);
        while passed < Duration::from_secs(300) {
            attempts += 1;
            failover.up_since = None;
            if accepts_login {
                failover.up();
                // A receipt or two come through.
                failover.works();
            }
            let reason = "it closed the connection".to_owned();
            passed += failover
                .lost(&Disconnect { reason, hint })
                .unwrap_or_default();
        }
        attempts
    }

    #[test]
    fn a_broker_that_hangs_up_is_left_alone() {
        for version in [MqttVersion::Auto, MqttVersion::V5, MqttVersion::V3] {
            for (hint, accepts_login) in [
                (VersionHint::Broke, true),
                (VersionHint::Confused, true),
                (VersionHint::Spoken, true),
                (VersionHint::HungUp, false),
                (VersionHint::Foreign, false),
                (VersionHint::Spoken, false),
            ] {
                let (attempts, lines) = attempts(version, hint, accepts_login);
                assert!(
                    (5..=20).contains(&attempts) && (1..=10).contains(&lines),
                    "{version:?} {hint:?} {accepts_login}: {attempts} attempts, {lines} lines"
                );
            }
        }
    }

    #[test]
    fn a_broker_that_is_away_is_found_within_seconds() {
        let (attempts, lines) = attempts(MqttVersion::Auto, VersionHint::Nothing, false);
        assert!((20..40).contains(&attempts), "{attempts}");
        assert_eq!(lines, 1, "one outage is told once");
    }
}
