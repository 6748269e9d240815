//! Every kind of event as it is sent, byte for byte, and checked against the schema that receivers use.

use std::time::{Duration, SystemTime};

use moodring_core::{mood::Mood, track::TrackId};

use super::*;
use crate::message::{DeviceName, EVENT_KINDS, RunId, json};

const HEAD: &str = r#"{"schema":1,"device":"kitchen","run":"0000000000000abc","seq":7,"time":"1970-01-01T00:16:39.500Z","monotonic_ms":9500,"#;

fn serialized(body: EventBody) -> String {
    let identity = Identity::new(DeviceName::new("kitchen").unwrap(), RunId::new(0xabc));
    let now = Moment {
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
        run: Millis(10_000),
    };
    json(&EventMessage::new(&identity, 7, now, Millis(9_500), body))
}

fn of(kind: EventKind, track: Option<u32>) -> EventBody {
    EventBody::of(&Event {
        time: Millis(9_500),
        track: track.map(TrackId),
        kind,
    })
}

/// One of each, and what it looks like after the head.
fn all() -> Vec<(EventBody, &'static str)> {
    use CameraState as Camera;
    let changed = EventKind::Changed {
        from: Mood::Nobody,
        to: Mood::Showing(Expression::Happy),
        confidence: 0.876_54,
        lasted_ms: 800,
    };
    let summary = Summary {
        interval_ms: 900_000,
        moods: vec![
            (Mood::Showing(Expression::Happy), 12_340),
            (Mood::Nobody, 60_000),
        ],
        people_max: 2,
        appeared: 3,
        changed: 4,
    };
    vec![
        (
            of(EventKind::Appeared, Some(3)),
            r#""kind":"appeared","track":3}"#,
        ),
        (
            of(EventKind::Left { stayed_ms: 4_200 }, Some(3)),
            r#""kind":"left","track":3,"stayed_ms":4200}"#,
        ),
        (
            of(EventKind::Facing { facing: true }, Some(3)),
            r#""kind":"facing","track":3,"facing":true}"#,
        ),
        (
            of(changed, None),
            r#""kind":"changed","from":"nobody","to":"happy","confidence":0.8765,"lasted_ms":800}"#,
        ),
        (
            EventBody::camera(Camera::Running, Camera::Off, 5),
            r#""kind":"camera","from":"running","to":"off","lasted_ms":5}"#,
        ),
        (
            EventBody::camera(Camera::Running, Camera::Lost, 5),
            r#""kind":"fault","what":"camera","from":"running","to":"lost","lasted_ms":5}"#,
        ),
        (
            EventBody::camera(Camera::Lost, Camera::Running, 6),
            r#""kind":"recovery","what":"camera","from":"lost","to":"running","lasted_ms":6}"#,
        ),
        (
            EventBody::store_fails("the disk is full"),
            r#""kind":"fault","what":"store","reason":"the disk is full"}"#,
        ),
        (
            EventBody::broker_fails("it hangs up"),
            r#""kind":"fault","what":"broker","reason":"it hangs up"}"#,
        ),
        (
            EventBody::store_works(),
            r#""kind":"recovery","what":"store"}"#,
        ),
        (
            EventBody::worker_fails("vision", "it panicked"),
            r#""kind":"fault","what":"vision","reason":"it panicked"}"#,
        ),
        (
            EventBody::worker_fails("camera", "it panicked"),
            r#""kind":"fault","what":"camera","reason":"it panicked"}"#,
        ),
        (
            EventBody::worker_works("camera"),
            r#""kind":"recovery","what":"camera"}"#,
        ),
        (
            EventBody::crowd(3, Some(Expression::Happy)),
            r#""kind":"crowd","count":3,"dominant":"happy"}"#,
        ),
        (EventBody::crowd(0, None), r#""kind":"crowd","count":0}"#),
        (EventBody::dropped(12), r#""kind":"dropped","count":12}"#),
        (
            EventBody::summary(summary),
            r#""kind":"summary","interval_s":900.0,"moods_s":{"happy":12.3,"nobody":60.0},"people_max":2,"appeared":3,"changed":4}"#,
        ),
    ]
}

#[test]
fn every_kind_has_its_fields_and_no_others() {
    for (body, rest) in all() {
        assert_eq!(serialized(body), format!("{HEAD}{rest}"));
    }
}

fn schema() -> impl Fn(&serde_json::Value) -> Result<(), String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/schema/event.schema.json"
    );
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    let index = compiler.compile(path, &mut schemas).unwrap();
    move |value| schemas.validate(value, index).map_err(|e| e.to_string())
}

#[test]
fn every_kind_fits_the_schema() {
    let fits = schema();
    let mut kinds = std::collections::BTreeSet::new();
    for (body, _) in all() {
        kinds.insert(body.kind());
        let text = serialized(body);
        let value = serde_json::from_str(&text).unwrap();
        fits(&value).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
    assert_eq!(kinds, EVENT_KINDS.into(), "a kind without an example");
}

#[test]
fn the_schema_refuses_what_no_event_is() {
    let fits = schema();
    for (body, _) in all() {
        let good: serde_json::Value = serde_json::from_str(&serialized(body)).unwrap();
        for key in good.as_object().unwrap().keys() {
            // Optional in the schema: for moods and people who are not there.
            if ["track", "dominant"].contains(&key.as_str()) {
                continue;
            }
            let mut less = good.clone();
            less.as_object_mut().unwrap().remove(key);
            assert!(fits(&less).is_err(), "without {key}: {less}");
        }
        let mut more = good.clone();
        more["picture"] = "of somebody".into();
        assert!(fits(&more).is_err(), "{more}");
        let mut other = good;
        other["seq"] = 0.into();
        assert!(fits(&other).is_err(), "{other}");
    }
}
