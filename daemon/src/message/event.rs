//! `/event`: one change, told once.

use moodring_core::{
    event::{Event, EventKind},
    expression::Expression,
    frame::Millis,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Identity, Moment, Ratio, SCHEMA, Tenths, rfc3339};
use crate::{event_log::Summary, snapshot::CameraState};

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
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened, without who, when and what number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventBody {
    /// One of [`super::EVENT_KINDS`].
    pub kind: &'static str,
    /// Whose face, if one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// `fault` and `recovery`: of what, `camera`, `store` or another of [`crate::worker::WORKERS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<&'static str>,
    /// `changed`: the mood before. With the camera: its state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// `changed`: the mood now. With the camera: its state now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'static str>,
    /// `changed`: the smoothed probability of the new mood's expression, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Ratio>,
    /// How long the mood or the camera's state before lasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<u64>,
    /// `left`: how long the face was in view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stayed_ms: Option<u64>,
    /// `facing`: whether the person looks toward the camera now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facing: Option<bool>,
    /// `crowd`: how many people are in view. `dropped`: how many events were given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// `crowd`: what most of them show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominant: Option<&'static str>,
    /// `fault`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `summary`: its figures.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummaryRecord>,
}

/// The figures of a `summary`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryRecord {
    /// How long it covers, in seconds.
    pub interval_s: Tenths,
    /// For how many seconds each mood was shown; those that were.
    pub moods_s: MoodSeconds,
    /// The most people in view at once.
    pub people_max: usize,
    /// How many faces appeared.
    pub appeared: u64,
    /// How often the mood changed.
    pub changed: u64,
}

/// An object with moods as keys and seconds as values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MoodSeconds(pub Vec<(&'static str, f32)>);

impl Serialize for MoodSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (mood, seconds) in &self.0 {
            map.serialize_entry(mood, &Tenths::new(*seconds))?;
        }
        map.end()
    }
}

impl EventBody {
    /// An event of the pipeline.
    pub fn of(event: &Event) -> Self {
        let track = event.track.map(|t| t.0);
        match event.kind {
            EventKind::Appeared => Self {
                kind: "appeared",
                track,
                ..Self::default()
            },
            EventKind::Left { stayed_ms } => Self {
                kind: "left",
                track,
                stayed_ms: Some(stayed_ms),
                ..Self::default()
            },
            EventKind::Facing { facing } => Self {
                kind: "facing",
                track,
                facing: Some(facing),
                ..Self::default()
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
                ..Self::default()
            },
        }
    }

    /// The camera went from one state to another after `lasted_ms`: a fault if it was lost, a recovery if it came back.
    pub fn camera(from: CameraState, to: CameraState, lasted_ms: u64) -> Self {
        let (kind, what) = match (from, to) {
            (_, CameraState::Lost) => ("fault", Some("camera")),
            (CameraState::Lost, CameraState::Running) => ("recovery", Some("camera")),
            _ => ("camera", None),
        };
        Self {
            kind,
            what,
            from: Some(from.name()),
            to: Some(to.name()),
            lasted_ms: Some(lasted_ms),
            ..Self::default()
        }
    }

    /// The store's disk cannot be used.
    pub fn store_fails(reason: &str) -> Self {
        Self {
            kind: "fault",
            what: Some("store"),
            reason: Some(reason.to_owned()),
            ..Self::default()
        }
    }

    /// The store's disk works again.
    pub fn store_works() -> Self {
        Self {
            kind: "recovery",
            what: Some("store"),
            ..Self::default()
        }
    }

    /// A worker panicked and is started again.
    pub fn worker_fails(worker: &'static str, reason: &str) -> Self {
        Self {
            kind: "fault",
            what: Some(worker),
            reason: Some(reason.to_owned()),
            ..Self::default()
        }
    }

    /// A worker works again.
    pub fn worker_works(worker: &'static str) -> Self {
        Self {
            kind: "recovery",
            what: Some(worker),
            ..Self::default()
        }
    }

    /// So many people are in view now.
    pub fn crowd(count: usize, dominant: Option<Expression>) -> Self {
        Self {
            kind: "crowd",
            count: Some(count as u64),
            dominant: dominant.map(Expression::name),
            ..Self::default()
        }
    }

    /// So many events were given up because the broker was away for too long.
    pub fn dropped(count: u64) -> Self {
        Self {
            kind: "dropped",
            count: Some(count),
            ..Self::default()
        }
    }

    /// What the last while was like.
    pub fn summary(summary: Summary) -> Self {
        let seconds = |ms: u64| ms as f32 / 1_000.0;
        let moods = summary.moods.iter();
        Self {
            kind: "summary",
            summary: Some(SummaryRecord {
                interval_s: Tenths::new(seconds(summary.interval_ms)),
                moods_s: MoodSeconds(
                    moods
                        .map(|(mood, ms)| (mood.name(), seconds(*ms)))
                        .collect(),
                ),
                people_max: summary.people_max,
                appeared: summary.appeared,
                changed: summary.changed,
            }),
            ..Self::default()
        }
    }
}

impl<'a> EventMessage<'a> {
    /// What happened at `time`. `now` dates it: any moment of the same run.
    pub fn new(
        identity: &'a Identity,
        seq: u64,
        now: Moment,
        time: Millis,
        body: EventBody,
    ) -> Self {
        Self {
            schema: SCHEMA,
            device: identity.device.as_str(),
            run: identity.run.to_string(),
            seq,
            time: rfc3339(now.wall_at(time)),
            monotonic_ms: time.0,
            body,
        }
    }
}

#[cfg(test)]
mod tests;
