//! `/event`: one change, told once.

use moodring_core::event::{Event, EventKind};
use moodring_core::frame::Millis;
use serde::Serialize;

use super::{Identity, Moment, Ratio, SCHEMA, rfc3339};
use crate::snapshot::CameraState;

/// A change worth telling. Receivers know duplicates by device, run and seq.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventMessage<'a> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The device's name.
    pub device: &'a str,
    /// The run's number, 16 hexadecimal digits.
    pub run: String,
    /// The event's number: 1, 2, 3, ... in each run, without gaps.
    pub seq: u64,
    /// When it happened, RFC 3339 in UTC.
    pub time: String,
    /// When it happened, in milliseconds since the run began; never jumps.
    pub monotonic_ms: u64,
    /// `appeared`, `left`, `changed` or `camera`.
    pub kind: &'static str,
    /// Whose face, if one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// `changed`: the mood before. `camera`: the state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// `changed`: the mood now. `camera`: the state now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'static str>,
    /// `changed`: the smoothed probability of the new mood's expression, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Ratio>,
    /// `changed`: how long the mood before lasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<u64>,
    /// `left`: how long the face was in view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stayed_ms: Option<u64>,
}

impl<'a> EventMessage<'a> {
    /// An event of the pipeline. `now` dates it: any moment of the same run.
    pub fn new(who: &'a Identity, seq: u64, now: Moment, event: &Event) -> Self {
        let track = event.track.map(|t| t.0);
        let bare = Self::bare(who, seq, now, event.time);
        match event.kind {
            EventKind::Appeared => Self {
                kind: "appeared",
                track,
                ..bare
            },
            EventKind::Left { stayed_ms } => Self {
                kind: "left",
                track,
                stayed_ms: Some(stayed_ms),
                ..bare
            },
            EventKind::Changed {
                from,
                to,
                confidence,
                lasted_ms,
            } => Self {
                kind: "changed",
                track,
                from: Some(from.name()),
                to: Some(to.name()),
                confidence: Some(Ratio::new(confidence)),
                lasted_ms: Some(lasted_ms),
                ..bare
            },
        }
    }

    /// The camera went from one state to another at `time`.
    pub fn camera(
        who: &'a Identity,
        seq: u64,
        now: Moment,
        time: Millis,
        (from, to): (CameraState, CameraState),
    ) -> Self {
        Self {
            kind: "camera",
            from: Some(from.name()),
            to: Some(to.name()),
            ..Self::bare(who, seq, now, time)
        }
    }

    fn bare(who: &'a Identity, seq: u64, now: Moment, time: Millis) -> Self {
        Self {
            schema: SCHEMA,
            device: who.device.as_str(),
            run: who.run.to_string(),
            seq,
            time: rfc3339(now.wall_at(time)),
            monotonic_ms: time.0,
            kind: "",
            track: None,
            from: None,
            to: None,
            confidence: None,
            lasted_ms: None,
            stayed_ms: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use moodring_core::{expression::Expression, mood::Mood, track::TrackId};

    use super::*;
    use crate::message::{DeviceName, RunId, json};

    fn who() -> Identity {
        Identity {
            device: DeviceName::new("kitchen").unwrap(),
            run: RunId::new(0xabc),
        }
    }

    const HEAD: &str = r#"{"schema":1,"device":"kitchen","run":"0000000000000abc","#;

    fn now() -> Moment {
        Moment {
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            run: Millis(10_000),
        }
    }

    fn told(kind: EventKind, track: Option<u32>) -> String {
        let event = Event {
            time: Millis(9_500),
            track: track.map(TrackId),
            kind,
        };
        json(&EventMessage::new(&who(), 7, now(), &event))
    }

    #[test]
    fn every_kind_has_its_fields_and_no_others() {
        let head =
            format!(r#"{HEAD}"seq":7,"time":"1970-01-01T00:16:39.500Z","monotonic_ms":9500,"#);
        assert_eq!(
            told(EventKind::Appeared, Some(3)),
            format!(r#"{head}"kind":"appeared","track":3}}"#)
        );
        assert_eq!(
            told(EventKind::Left { stayed_ms: 4_200 }, Some(3)),
            format!(r#"{head}"kind":"left","track":3,"stayed_ms":4200}}"#)
        );
        let changed = EventKind::Changed {
            from: Mood::Nobody,
            to: Mood::Showing(Expression::Happy),
            confidence: 0.876_54,
            lasted_ms: 800,
        };
        assert_eq!(
            told(changed, None),
            format!(
                r#"{head}"kind":"changed","from":"nobody","to":"happy","confidence":0.8765,"lasted_ms":800}}"#
            )
        );
    }

    #[test]
    fn the_camera_has_states_instead_of_moods() {
        let states = (CameraState::Running, CameraState::Lost);
        let line = json(&EventMessage::camera(
            &who(),
            1,
            now(),
            Millis(10_001),
            states,
        ));
        let rest = r#""seq":1,"time":"1970-01-01T00:16:40.001Z","monotonic_ms":10001,"kind":"camera","from":"running","to":"lost"}"#;
        assert_eq!(line, format!("{HEAD}{rest}"));
    }
}
