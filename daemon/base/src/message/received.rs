//! `/state` and `/status` as another device sends them: untrusted bytes, so everything is checked here.

use moodring_core::{
    detect::Face,
    expression::{Expression, Scores},
    frame::Millis,
    mood::{FaceMood, Mood, MoodSettings, MoodState},
    track::TrackId,
};
use serde::Deserialize;

use super::{SCHEMA, Status};
use crate::snapshot::{CameraState, MAX_PEOPLE, Person, Snapshot};

/// Why a message cannot be used. The text names the cause.
#[derive(Debug, thiserror::Error)]
pub enum ReceivedError {
    /// It is no JSON, or a field is missing or of another kind.
    #[error("it is no state of moodring: {0}")]
    Json(#[from] serde_json::Error),
    /// Another moodring, of another time.
    #[error("it has schema {0}, this program knows {SCHEMA}; update the older of the two")]
    Schema(u32),
    /// A mood that nobody knows.
    #[error("its mood `{0}` does not exist")]
    Mood(String),
}

/// What a follower needs of a state; fields that a newer device adds do no harm.
#[derive(Deserialize)]
struct ReceivedState {
    schema: u32,
    mood: String,
    confidence: Option<f32>,
    track: Option<u32>,
    #[serde(default)]
    people_count: usize,
    #[serde(default)]
    people: Vec<ReceivedPerson>,
    #[serde(default)]
    camera: String,
}

#[derive(Deserialize)]
struct ReceivedPerson {
    track: u32,
    roll_deg: Option<f32>,
    mood: Option<String>,
    expression: String,
    confidence: Option<f32>,
    facing: Option<bool>,
}

/// Reads a state message.
///
/// # Errors
/// [`ReceivedError`] if it is none, or of another schema.
pub fn read_state(payload: &[u8]) -> Result<Snapshot, ReceivedError> {
    let received: ReceivedState = serde_json::from_slice(payload)?;
    if received.schema != SCHEMA {
        return Err(ReceivedError::Schema(received.schema));
    }
    let mood = mood(&received.mood).ok_or(ReceivedError::Mood(received.mood))?;
    Ok(Snapshot {
        mood: MoodState::new(
            mood,
            ratio(received.confidence),
            TrackId(received.track.unwrap_or_default()),
            Millis(0),
        ),
        people: received
            .people
            .iter()
            .filter_map(person)
            .take(MAX_PEOPLE)
            .collect(),
        people_count: received.people_count,
        camera: camera(&received.camera),
        ..Snapshot::default()
    })
}

/// The run that sent a state, as JSON or CBOR; `None` if it is no state.
pub fn run_of_state(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Run {
        run: String,
    }
    let json = serde_json::from_slice::<Run>(payload).ok();
    let run = json.or_else(|| ciborium::from_reader::<Run, _>(payload).ok());
    run.map(|state| state.run)
}

/// Reads a status message; `None` if it is none of ours.
pub fn read_status(payload: &[u8]) -> Option<Status> {
    [Status::Online, Status::Stopped, Status::Offline]
        .into_iter()
        .find(|status| status.name().as_bytes() == payload)
}

fn mood(name: &str) -> Option<Mood> {
    let named = Expression::from_name(name).map(Mood::Showing);
    named.or_else(|| {
        [Mood::Uncertain, Mood::Nobody]
            .into_iter()
            .find(|mood| mood.name() == name)
    })
}

/// A device's camera, seen from here; a state that only newer ones know counts as running.
fn camera(name: &str) -> CameraState {
    let known = [
        CameraState::Starting,
        CameraState::Lost,
        CameraState::Off,
        CameraState::Ended,
    ];
    let found = known.into_iter().find(|state| state.name() == name);
    found.unwrap_or(CameraState::Elsewhere)
}

/// Takes the highest score only; the face's position is not used.
fn person(received: &ReceivedPerson) -> Option<Person> {
    let expression = Expression::from_name(&received.expression)?;
    let likely = ratio(received.confidence);
    let mut scores = [(1.0 - likely) / 6.0; Expression::COUNT];
    scores[expression.index()] = likely;
    let scores = Scores(scores);
    let shown = match received.mood.as_deref().and_then(mood) {
        Some(Mood::Showing(expression)) => FaceMood::showing(expression, likely),
        Some(Mood::Uncertain | Mood::Nobody) => FaceMood::uncertain(likely),
        // A device of an older version does not send it.
        None => FaceMood::of_scores(&scores, MoodSettings::default().threshold),
    };
    let roll_deg = received.roll_deg.filter(|roll| roll.is_finite());
    Some(Person {
        roll_deg: roll_deg.unwrap_or(0.0).clamp(-180.0, 180.0),
        facing: received.facing,
        ..Person::new(TrackId(received.track), Face::default(), scores, shown)
    })
}

/// 0 to 1; what is missing or no number counts as 0.
fn ratio(number: Option<f32>) -> f32 {
    number
        .filter(|n| n.is_finite())
        .unwrap_or(0.0)
        .clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{DeviceName, Identity, Moment, RunId, StateMessage, json};

    #[test]
    fn what_one_device_publishes_another_reads() {
        let mut scores = [0.05; 7];
        scores[Expression::Sad.index()] = 0.7;
        let published = Snapshot {
            mood: MoodState::new(Mood::Showing(Expression::Sad), 0.7, TrackId(3), Millis(0)),
            people: std::iter::once(Person {
                roll_deg: -12.5,
                ..Person::new(
                    TrackId(3),
                    Face::default(),
                    Scores(scores),
                    FaceMood::showing(Expression::Sad, 0.7),
                )
            })
            .collect(),
            people_count: 1,
            camera: CameraState::Lost,
            ..Snapshot::default()
        };
        let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
        let now = Moment {
            wall: std::time::SystemTime::UNIX_EPOCH,
            run: moodring_core::frame::Millis(0),
        };
        let received = read_state(
            json(&StateMessage::new(
                &identity,
                now,
                &published,
                &Default::default(),
            ))
            .as_bytes(),
        )
        .unwrap();
        assert_eq!(received.mood, published.mood);
        assert_eq!(
            (received.camera, received.people_count),
            (published.camera, 1)
        );
        let (expression, likely) = received.people[0].scores.top();
        assert_eq!(
            (expression, received.people[0].roll_deg),
            (Expression::Sad, -12.5)
        );
        assert!((likely - 0.7).abs() < 1e-4);
        assert_eq!(received.people[0].mood, published.people[0].mood);
    }

    #[test]
    fn only_what_is_needed_has_to_be_there() {
        let received = read_state(br#"{"schema":1,"mood":"happy","new":[1]}"#).unwrap();
        assert_eq!(received.mood.mood(), Mood::Showing(Expression::Happy));
        assert_eq!(received.camera, CameraState::Elsewhere);
    }

    #[test]
    fn nonsense_is_named() {
        let error = |text: &str| read_state(text.as_bytes()).unwrap_err().to_string();
        assert!(error("hello").contains("no state"));
        assert!(error(r#"{"schema":1}"#).contains("mood"));
        assert!(error(r#"{"schema":9,"mood":"happy"}"#).contains("schema 9"));
        assert!(error(r#"{"schema":1,"mood":"joy"}"#).contains("joy"));
        let wild = r#"{"schema":1,"mood":"happy","confidence":9e9,"people":[
            {"track":1,"roll_deg":-1e30,"expression":"sad"},{"track":2,"expression":"joy"}]}"#;
        let received = read_state(wild.as_bytes()).unwrap();
        assert_eq!(
            (received.mood.confidence(), received.people.len()),
            (1.0, 1)
        );
        assert_eq!(received.people[0].roll_deg, -180.0);
        assert_eq!(read_status(b"online"), Some(Status::Online));
        assert_eq!(read_status(b"on"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_state(&bytes);
            let _ = read_status(&bytes);
        }
    }
}
