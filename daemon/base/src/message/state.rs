//! `/state`: the mood, the people and the device's state now; retained by the broker.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::photo::box_of;
use super::{
    ExpressionRecord, Hundredths, Identity, Moment, Ratio, SCHEMA, StoreState, Tenths, rfc3339,
};
use crate::snapshot::{CameraState, Person, Snapshot, StageTimes};

/// The newest snapshot, for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateMessage<'a> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The device's name.
    pub device: &'a str,
    /// The run's number, 16 hexadecimal digits.
    pub run: String,
    /// The number of the newest event; 0 before the first. A reader that takes events from here on misses none.
    pub seq: u64,
    /// When this was written, RFC 3339 in UTC.
    pub time: String,
    /// When this was written, in milliseconds since the run began; never jumps.
    pub monotonic_ms: u64,
    /// An expression's name, `uncertain` or `nobody`.
    pub mood: &'static str,
    /// The Unicode emoji that stands for the mood.
    pub emoji: &'static str,
    /// The smoothed probability of the shown expression, 0 to 1; 0 for nobody.
    pub confidence: Ratio,
    /// Since when the mood lasts, RFC 3339 in UTC.
    pub since: String,
    /// Whose mood it is; `null` for nobody.
    pub track: Option<u32>,
    /// Whether the person who counts looks toward the camera; `null` for nobody and if the net has no such output.
    pub facing: Option<bool>,
    /// How many people are in view, also those not listed.
    pub people_count: usize,
    /// The people in view, who counts first.
    pub people: Vec<PersonRecord>,
    /// `starting`, `running`, `lost`, `off` or `ended`.
    pub camera: &'static str,
    /// Width and height of a frame in pixels; zeros before the first.
    pub frame_px: [u32; 2],
    /// Frames seen per second.
    pub frames_per_second: Tenths,
    /// Frames that came while the pipeline was busy.
    pub frames_skipped: u64,
    /// Milliseconds per stage.
    pub stages_ms: StagesRecord,
    /// Events that wait for the broker's receipt, also those of earlier runs.
    pub events_waiting: u64,
    /// Events that were given up in this run because the broker was away for too long.
    pub events_dropped: u64,
}

/// One person in view.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PersonRecord {
    /// The track's number.
    pub track: u32,
    /// Left, top, width, height in frame pixels.
    #[serde(rename = "box")]
    pub rect: [Tenths; 4],
    /// How sure the detector is, 0 to 1.
    pub score: Ratio,
    /// The head's tilt in degrees, clockwise positive.
    pub roll_deg: Tenths,
    /// What the person shows: an expression's name or `uncertain`. Steadier than the likeliest expression.
    pub mood: &'static str,
    /// Whether the person looks toward the camera; `null` if the net has no such output.
    pub facing: Option<bool>,
    /// The likeliest expression by the smoothed scores.
    #[serde(flatten)]
    pub reading: ExpressionRecord,
}

impl<'a> StateMessage<'a> {
    /// The state as of `now`. It counts events only when they are on the disk.
    pub fn new(
        identity: &'a Identity,
        now: Moment,
        snapshot: &Snapshot,
        store: &StoreState,
    ) -> Self {
        let run = |&(run, _): &(u64, u64)| run == identity.run.number();
        let mood = snapshot.mood;
        // Figures of a pipeline that rests would be those of its last frame.
        let runs = snapshot.camera == CameraState::Running;
        Self {
            schema: SCHEMA,
            device: identity.device.as_str(),
            run: identity.run.to_string(),
            seq: store.written.filter(run).map_or(0, |(_, seq)| seq),
            time: rfc3339(now.wall),
            monotonic_ms: now.run.0,
            mood: mood.mood().name(),
            emoji: mood.mood().emoji(),
            confidence: Ratio::new(mood.confidence()),
            since: rfc3339(now.wall_at(mood.since())),
            track: mood.track().map(|t| t.0),
            facing: snapshot.people.first().and_then(|person| person.facing),
            people_count: snapshot.people_count,
            people: people_of(snapshot),
            camera: snapshot.camera.name(),
            frame_px: [snapshot.frame_px.0, snapshot.frame_px.1],
            frames_per_second: Tenths::new(if runs {
                snapshot.frames_per_second
            } else {
                0.0
            }),
            frames_skipped: snapshot.frames_skipped,
            stages_ms: StagesRecord(if runs {
                snapshot.stages_ms
            } else {
                StageTimes::default()
            }),
            events_waiting: store.waiting,
            events_dropped: store.dropped,
        }
    }
}

fn people_of(snapshot: &Snapshot) -> Vec<PersonRecord> {
    let record = |person| PersonRecord::new(person, snapshot.frame_px);
    snapshot.people.iter().map(record).collect()
}

impl PersonRecord {
    /// The record of one person in frames of this width and height.
    pub fn new(person: &Person, frame_px: (u32, u32)) -> Self {
        Self {
            track: person.track.0,
            rect: box_of(&person.face, frame_px),
            score: Ratio::new(person.face.score),
            roll_deg: Tenths::new(person.roll_deg),
            mood: person.mood.mood().name(),
            facing: person.facing,
            reading: ExpressionRecord::new(&person.scores),
        }
    }
}

/// Stage times as an object with the stages' names as keys, in the pipeline's order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StagesRecord(pub StageTimes);

impl Serialize for StagesRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.0.named();
        let mut map = serializer.serialize_map(Some(named.len()))?;
        for (name, ms) in named {
            map.serialize_entry(name, &Hundredths::new(ms))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use moodring_core::{
        detect::Face,
        expression::{Expression, Scores},
        frame::Millis,
        mood::{FaceMood, Mood, MoodState},
        track::TrackId,
    };

    use super::*;
    use crate::message::{DeviceName, RunId, json};
    use crate::snapshot::MAX_PEOPLE;

    fn identity() -> Identity {
        Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1))
    }

    fn now() -> Moment {
        Moment {
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(60),
            run: Millis(2_000),
        }
    }

    fn store() -> StoreState {
        StoreState {
            written: Some((1, 9)),
            waiting: 3,
            dropped: 5,
            ..StoreState::default()
        }
    }

    fn person(track: u32) -> Person {
        Person {
            track: TrackId(track),
            face: Face::default(),
            roll_deg: -0.04,
            scores: Scores([0.0, 0.0, 0.0, 0.75, 0.0, 0.0, 0.25]),
            mood: FaceMood::showing(Expression::Happy, 0.75),
            facing: None,
            last_seen: Millis(0),
        }
    }

    #[test]
    fn all_keys_in_order() {
        let snapshot = Snapshot {
            mood: MoodState::new(
                Mood::Showing(Expression::Happy),
                0.75,
                TrackId(4),
                Millis(500),
            ),
            people: std::iter::once(person(4)).collect(),
            people_count: 1,
            frame_px: (640, 480),
            camera: CameraState::Running,
            frames_per_second: 29.97,
            frames_skipped: 2,
            ..Snapshot::default()
        };
        let expected = concat!(
            r#"{"schema":1,"device":"hall","run":"0000000000000001","seq":9,"time":"1970-01-01T00:01:00.000Z","#,
            r#""monotonic_ms":2000,"mood":"happy","emoji":"😄","confidence":0.75,"since":"1970-01-01T00:00:58.500Z","#,
            r#""track":4,"facing":null,"people_count":1,"people":[{"track":4,"box":[0.0,0.0,0.0,0.0],"score":0.0,"roll_deg":0.0,"mood":"happy","facing":null,"#,
            r#""expression":"happy","confidence":0.75,"scores":{"angry":0.0,"disgust":0.0,"fear":0.0,"happy":0.75,"#,
            r#""sad":0.0,"surprise":0.0,"neutral":0.25}}],"camera":"running","frame_px":[640,480],"#,
            r#""frames_per_second":30.0,"frames_skipped":2,"stages_ms":{"letterbox":0.0,"detect":0.0,"decode":0.0,"#,
            r#""align":0.0,"classify":0.0,"track":0.0},"events_waiting":3,"events_dropped":5}"#,
        );
        assert_eq!(
            json(&StateMessage::new(&identity(), now(), &snapshot, &store())),
            expected
        );
    }

    #[test]
    fn what_is_published_fits_the_schema_and_nothing_else_does() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/schema/state.schema.json"
        );
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.enable_format_assertions();
        let index = compiler.compile(path, &mut schemas).unwrap();
        let full = Snapshot {
            people: [person(4), person(7)].into_iter().collect(),
            ..Snapshot::default()
        };
        for snapshot in [Snapshot::default(), full] {
            let text = json(&StateMessage::new(&identity(), now(), &snapshot, &store()));
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let fits = schemas.validate(&value, index);
            assert!(fits.is_ok(), "{text}\n{}", fits.unwrap_err());
            for key in value.as_object().unwrap().keys() {
                let mut less = value.clone();
                less.as_object_mut().unwrap().remove(key);
                assert!(schemas.validate(&less, index).is_err(), "without {key}");
            }
        }
    }

    #[test]
    fn a_full_room_fits_the_packet_limit_with_room_to_spare() {
        let mut snapshot = Snapshot::default();
        for track in 0..MAX_PEOPLE as u32 {
            let mut person = person(u32::MAX - track);
            person.scores = Scores([0.1429; 7]);
            person.face.rect.x = 1_234.5;
            assert!(snapshot.people.push(person).is_ok());
        }
        let bytes = json(&StateMessage::new(&identity(), now(), &snapshot, &store())).len();
        assert!(bytes < 8_192, "{bytes} bytes");
    }
}
