//! `/event`: one change, sent once.

use moodring_core::{
    event::{Event, EventKind},
    expression::Expression,
    frame::Millis,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Identity, Moment, Ratio, SCHEMA, Summary, Tenths, rfc3339};
use crate::snapshot::CameraState;

/// A change worth a message. Receivers know duplicates by device, run and seq.
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
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EventBody {
    /// A face came into view.
    Appeared {
        /// Whose face.
        #[serde(skip_serializing_if = "Option::is_none")]
        track: Option<u32>,
    },
    /// A face went out of view.
    Left {
        /// Whose face.
        #[serde(skip_serializing_if = "Option::is_none")]
        track: Option<u32>,
        /// How long it was in view.
        stayed_ms: u64,
    },
    /// The mood changed.
    Changed {
        /// Whose mood it is now.
        #[serde(skip_serializing_if = "Option::is_none")]
        track: Option<u32>,
        /// The mood before.
        from: &'static str,
        /// The mood now.
        to: &'static str,
        /// The smoothed probability of the new mood's expression, 0 to 1.
        confidence: Ratio,
        /// How long the mood before lasted.
        lasted_ms: u64,
    },
    /// Somebody turned to the camera or away from it.
    Facing {
        /// Whose face.
        #[serde(skip_serializing_if = "Option::is_none")]
        track: Option<u32>,
        /// Whether the person looks toward the camera now.
        facing: bool,
    },
    /// The number of people in view changed.
    Crowd {
        /// How many are in view.
        count: u64,
        /// What most of them show.
        #[serde(skip_serializing_if = "Option::is_none")]
        dominant: Option<&'static str>,
    },
    /// The camera went from one state to another, as it was asked to.
    Camera(CameraChange),
    /// Something failed.
    Fault(Fault),
    /// What failed works again.
    Recovery(Recovery),
    /// What the last while was like.
    Summary(SummaryRecord),
    /// Events were given up because the broker was away for too long.
    Dropped {
        /// How many.
        count: u64,
    },
}

/// The camera's states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraChange {
    /// `camera`, in a fault and a recovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<&'static str>,
    /// Before.
    pub from: &'static str,
    /// Now.
    pub to: &'static str,
    /// How long the one before lasted.
    pub lasted_ms: u64,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Fault {
    /// The camera was lost.
    Camera(CameraChange),
    /// Something else.
    Other {
        /// `store`: its disk cannot be used, or its file was gone. `broker`: a message cannot pass to it. Or a worker that
        /// panicked, one of [`crate::worker::WORKERS`].
        what: &'static str,
        /// Why.
        reason: String,
    },
}

/// What works again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Recovery {
    /// The camera is back.
    Camera(CameraChange),
    /// Something else.
    Other {
        /// `store`, or a worker.
        what: &'static str,
    },
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
    /// One of [`super::EVENT_KINDS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Appeared { .. } => "appeared",
            Self::Left { .. } => "left",
            Self::Changed { .. } => "changed",
            Self::Facing { .. } => "facing",
            Self::Crowd { .. } => "crowd",
            Self::Camera(_) => "camera",
            Self::Fault(_) => "fault",
            Self::Recovery(_) => "recovery",
            Self::Summary(_) => "summary",
            Self::Dropped { .. } => "dropped",
        }
    }

    /// An event of the pipeline.
    pub fn of(event: &Event) -> Self {
        let track = event.track.map(|t| t.0);
        match event.kind {
            EventKind::Appeared => Self::Appeared { track },
            EventKind::Left { stayed_ms } => Self::Left { track, stayed_ms },
            EventKind::Facing { facing } => Self::Facing { track, facing },
            EventKind::Changed {
                from,
                to,
                confidence,
                lasted_ms,
            } => Self::Changed {
                track,
                from: from.name(),
                to: to.name(),
                confidence: Ratio::new(confidence),
                lasted_ms,
            },
        }
    }

    /// The camera went from one state to another after `lasted_ms`: a fault if it was lost, a recovery if it came back.
    pub fn camera(from: CameraState, to: CameraState, lasted_ms: u64) -> Self {
        let change = |what| CameraChange {
            what,
            from: from.name(),
            to: to.name(),
            lasted_ms,
        };
        match (from, to) {
            (_, CameraState::Lost) => Self::Fault(Fault::Camera(change(Some("camera")))),
            (CameraState::Lost, CameraState::Running) => {
                Self::Recovery(Recovery::Camera(change(Some("camera"))))
            }
            _ => Self::Camera(change(None)),
        }
    }

    /// The store's disk cannot be used, or its file was gone.
    pub fn store_fails(reason: &str) -> Self {
        Self::fault("store", reason)
    }

    /// The store's disk works again.
    pub fn store_works() -> Self {
        Self::Recovery(Recovery::Other { what: "store" })
    }

    /// A message cannot pass to the broker.
    pub fn broker_fails(reason: &str) -> Self {
        Self::fault("broker", reason)
    }

    /// A worker panicked and is started again.
    pub fn worker_fails(worker: &'static str, reason: &str) -> Self {
        Self::fault(worker, reason)
    }

    /// A worker works again.
    pub fn worker_works(worker: &'static str) -> Self {
        Self::Recovery(Recovery::Other { what: worker })
    }

    fn fault(what: &'static str, reason: &str) -> Self {
        let reason = reason.to_owned();
        Self::Fault(Fault::Other { what, reason })
    }

    /// So many people are in view now.
    pub fn crowd(count: usize, dominant: Option<Expression>) -> Self {
        Self::Crowd {
            count: count as u64,
            dominant: dominant.map(Expression::name),
        }
    }

    /// So many events were given up because the broker was away for too long.
    pub fn dropped(count: u64) -> Self {
        Self::Dropped { count }
    }

    /// What the last while was like.
    pub fn summary(summary: Summary) -> Self {
        let seconds = |ms: u64| ms as f32 / 1_000.0;
        let moods = summary.moods.iter();
        let moods = moods.map(|(mood, ms)| (mood.name(), seconds(*ms)));
        Self::Summary(SummaryRecord {
            interval_s: Tenths::new(seconds(summary.interval_ms)),
            moods_s: MoodSeconds(moods.collect()),
            people_max: summary.people_max,
            appeared: summary.appeared,
            changed: summary.changed,
        })
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
