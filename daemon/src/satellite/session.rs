//! What the host sends to one satellite and when, without I/O: scenes, received bytes and times come in, frames go out.

use moodring_core::frame::Millis;
use moodring_link::{
    decoder::{DecodeError, Decoder},
    frame::{Frame, VERSION, encode},
    message::{Capabilities, Refusal, ToHost, ToSatellite, Versions, label},
};

/// The least time between two scenes: more than a display shows, and less than a UART at 115,200 baud can take.
const GAP_MS: u64 = 33;
/// How often hello and scene are repeated, in case the satellite restarted. It also keeps the satellite awake, which
/// falls asleep after 10 s.
const REPEAT_MS: u64 = 3_000;
/// After this time without an answer the silence is logged.
const SILENCE_MS: u64 = 10_000;

/// One satellite, from the port's opening to its closing.
#[derive(Debug)]
pub(super) struct SatelliteSession {
    label: String,
    decoder: Decoder<ToHost>,
    wanted: ToSatellite,
    /// What was sent last, and when.
    sent: Option<(ToSatellite, Millis)>,
    /// When the last hello went out.
    greeted: Option<Millis>,
    /// When something was received, or the port was opened.
    last_received: Millis,
    capabilities: Option<Capabilities>,
    /// What was logged already: each kind once.
    logged: LoggedKinds,
}

#[derive(Debug, Default)]
struct LoggedKinds {
    silence: bool,
    refusal: Option<Refusal>,
    fault: Option<u16>,
}

/// What is worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SessionEvent {
    /// The satellite sent its capabilities, for the first time or changed.
    Met(Capabilities),
    /// The satellite does not understand a message.
    Refused(Refusal),
    /// The satellite uses an unknown version of the protocol.
    Foreign(u8),
    /// Its board reports a fault.
    Fault(u16),
    /// It has not answered for a while.
    Silent,
}

impl SatelliteSession {
    /// A session for a port that was just opened.
    pub(super) fn new(label: &str, wanted: ToSatellite, now: Millis) -> Self {
        Self {
            label: label.into(),
            decoder: Decoder::new(),
            wanted,
            sent: None,
            greeted: None,
            last_received: now,
            capabilities: None,
            logged: LoggedKinds::default(),
        }
    }

    /// Sets the scene to show from now on.
    pub(super) fn show(&mut self, wanted: ToSatellite) {
        self.wanted = wanted;
    }

    /// The next frame to send now.
    pub(super) fn next(&mut self, now: Millis) -> Option<Frame> {
        if self.greeted.is_none_or(|time| now.since(time) >= REPEAT_MS) {
            self.greeted = Some(now);
            self.sent = None;
            return Some(self.hello());
        }
        let due = match &self.sent {
            None => true,
            Some((sent, time)) => *sent != self.wanted && now.since(*time) >= GAP_MS,
        };
        due.then(|| {
            self.sent = Some((self.wanted.clone(), now));
            encode(&self.wanted)
        })
    }

    fn hello(&self) -> Frame {
        encode(&ToSatellite::Hello {
            versions: Versions {
                oldest: VERSION,
                newest: VERSION,
            },
            label: label(&self.label),
        })
    }

    /// Takes received bytes, in any pieces.
    pub(super) fn receive(&mut self, bytes: &[u8], now: Millis, mut log: impl FnMut(SessionEvent)) {
        for byte in bytes {
            let message = match self.decoder.push(*byte) {
                None | Some(Err(DecodeError::Broken | DecodeError::Echo)) => continue,
                Some(message) => message,
            };
            self.last_received = now;
            self.logged.silence = false;
            if let Some(event) = self.event(message) {
                log(event);
            }
        }
    }

    fn event(&mut self, message: Result<ToHost, DecodeError>) -> Option<SessionEvent> {
        match message {
            Ok(ToHost::Hello(me)) => {
                let new = self.capabilities.replace(me) != Some(me);
                new.then_some(SessionEvent::Met(me))
            }
            Ok(ToHost::Pong { .. }) => None,
            Ok(ToHost::Refused(refusal)) => {
                let new = self.logged.refusal.replace(refusal) != Some(refusal);
                new.then_some(SessionEvent::Refused(refusal))
            }
            Ok(ToHost::Fault { code }) => {
                let new = self.logged.fault.replace(code) != Some(code);
                new.then_some(SessionEvent::Fault(code))
            }
            Err(DecodeError::Refused(Refusal::Version(version))) => {
                let refusal = Refusal::Version(version);
                let new = self.logged.refusal.replace(refusal) != Some(refusal);
                new.then_some(SessionEvent::Foreign(version))
            }
            // A satellite of our version that sends more than we know: nothing to mend, nothing lost.
            Err(_) => None,
        }
    }

    /// Reports each silence once.
    pub(super) fn silence(&mut self, now: Millis) -> Option<SessionEvent> {
        let silent = now.since(self.last_received) >= SILENCE_MS && !self.logged.silence;
        self.logged.silence |= silent;
        silent.then_some(SessionEvent::Silent)
    }
}

#[cfg(test)]
mod tests {
    use moodring_link::message::{ShownFace, ShownLook};
    use moodring_satellite::{panel::Panel, satellite::Satellite};

    use super::*;

    fn face(shown: ShownLook) -> ToSatellite {
        ToSatellite::Show(ShownFace::plain(shown))
    }

    fn sent(session: &mut SatelliteSession, now: u64) -> Vec<ToSatellite> {
        let mut decoder = Decoder::new();
        std::iter::from_fn(|| session.next(Millis(now)))
            .flatten()
            .filter_map(|byte| decoder.push(byte))
            .map(|message| message.expect("a host sends whole messages"))
            .collect()
    }

    fn is_hello(message: &ToSatellite) -> bool {
        matches!(message, ToSatellite::Hello { label, .. } if label == "hall")
    }

    #[test]
    fn greets_and_shows_then_sends_only_what_is_new() {
        let mut session = SatelliteSession::new("hall", face(ShownLook::Happy), Millis(0));
        let first = sent(&mut session, 0);
        assert!(is_hello(&first[0]) && first[1] == face(ShownLook::Happy) && first.len() == 2);
        assert_eq!(sent(&mut session, 500), []);
        session.show(face(ShownLook::Sad));
        assert_eq!(sent(&mut session, 501), [face(ShownLook::Sad)]);
        session.show(face(ShownLook::Fear));
        session.show(face(ShownLook::Angry));
        assert_eq!(sent(&mut session, 510), [], "too soon");
        assert_eq!(
            sent(&mut session, 534),
            [face(ShownLook::Angry)],
            "the newest wins"
        );
    }

    #[test]
    fn sends_all_of_it_again_for_a_satellite_that_restarted() {
        let mut session = SatelliteSession::new("hall", face(ShownLook::Happy), Millis(0));
        assert_eq!(sent(&mut session, 0).len(), 2);
        assert_eq!(sent(&mut session, REPEAT_MS - 1), []);
        let again = sent(&mut session, REPEAT_MS);
        assert!(is_hello(&again[0]) && again[1] == face(ShownLook::Happy));
    }

    #[test]
    fn a_real_satellite_is_met_once_and_shows() {
        let mut session = SatelliteSession::new("hall", face(ShownLook::Happy), Millis(0));
        let mut satellite = Satellite::new(Panel::ST7789_SQUARE, Millis(0));
        let mut events = Vec::new();
        for now in (0..20_000).step_by(100).map(Millis) {
            while let Some(frame) = session.next(now) {
                satellite.receive(&frame, now);
            }
            while let Some(reply) = satellite.reply() {
                session.receive(&reply, now, |event| events.push(event));
            }
            events.extend(session.silence(now));
            satellite.picture(now);
            assert_eq!(satellite.light_percent(now), 100, "awake at {now:?}");
        }
        assert_eq!(
            events,
            [SessionEvent::Met(Panel::ST7789_SQUARE.capabilities())]
        );
    }

    #[test]
    fn troubles_are_logged_once() {
        let mut session = SatelliteSession::new("hall", face(ShownLook::Happy), Millis(0));
        let mut events = Vec::new();
        for now in [1, 2].map(Millis) {
            for message in [
                ToHost::Refused(Refusal::Unknown(9)),
                ToHost::Fault { code: 3 },
            ] {
                session.receive(&encode(&message), now, |event| events.push(event));
            }
            session.receive(b"\0login: \r\n\0", now, |event| events.push(event));
        }
        let expected = [
            SessionEvent::Refused(Refusal::Unknown(9)),
            SessionEvent::Fault(3),
        ];
        assert_eq!(events, expected);
        assert_eq!(session.silence(Millis(10_001)), None);
        assert_eq!(session.silence(Millis(10_002)), Some(SessionEvent::Silent));
        assert_eq!(session.silence(Millis(10_003)), None);
    }
}
