//! What the page changes: knobs, and the history that is deleted.

use super::*;

#[test]
fn the_history_is_told_taken_away_and_deleted() {
    let page = TestPage::new(|_| {});
    appeared(&page, 1);
    let minute = (recent_events::unix_ms(std::time::SystemTime::now()) / 60_000) as i64;
    page.store.add_moods(vec![crate::store::history::MoodSpan {
        minute,
        mood: moodring_core::mood::Mood::Uncertain,
        ms: 1_500,
    }]);
    let history = page.get("/api/v1/history?days=2").json();
    let buckets = history["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 1, "{history}");
    assert_eq!(
        (&buckets[0][1], &buckets[0][2]),
        (&"uncertain".into(), &1.5.into())
    );
    let start = buckets[0][0].as_i64().unwrap();
    assert_eq!(
        start,
        minute * 60 / 3_600 * 3_600,
        "whole hours of the clock"
    );
    let csv = page.get("/api/v1/history.csv").text();
    assert!(
        csv.starts_with("hour,mood,seconds\n20") && csv.ends_with(",uncertain,1.5\n"),
        "{csv}"
    );
    let events = page.get("/api/v1/history/events");
    assert_eq!(
        events.text(),
        "{\"seq\":1,\"kind\":\"appeared\",\"track\":1}\n"
    );
    for wrong in ["0", "4000", "x", "-1"] {
        assert_eq!(
            page.get(&format!("/api/v1/history?days={wrong}")).status,
            400
        );
    }
    assert_eq!(page.ask("DELETE /api/v1/history", "", b"").status, 204);
    assert_eq!(
        page.get("/api/v1/history").json()["buckets"],
        serde_json::json!([])
    );
    assert_eq!(page.get("/api/v1/history/events").text(), "");
}

#[test]
fn knobs_give_the_commands_that_mqtt_gives() {
    use crate::command::{Command, Switch};
    let mut page = TestPage::new(|_| {});
    let set = |thing: &str, text: &str| {
        let line = format!("POST /api/v1/control/{thing}");
        page.ask(&line, "", text.as_bytes()).status
    };
    assert_eq!(set("camera", "off"), 202);
    assert_eq!(set("sensitivity", "70"), 202);
    for (thing, text, status) in [
        ("camera", "perhaps", 400),
        ("camera", "", 400),
        ("sensitivity", "101", 400),
        ("brightness", "50", 400), // there is no display
        ("picture", "take", 400),  // the settings allow none
        ("volume", "50", 404),
    ] {
        assert_eq!(set(thing, text), status, "{thing} {text}");
    }
    assert_eq!(set("camera", &"x".repeat(100_000)), 413);
    let mut asked = page.asked.take().unwrap();
    assert_eq!(asked.try_recv(), Some(Command::Camera(Switch::Off)));
    assert_eq!(asked.try_recv(), Some(Command::Sensitivity(70)));
    assert!(asked.try_recv().is_none());
    page.controls.send_modify(|c| c.sensitivity = 70);
    let state = page.get("/api/v1/state").json();
    assert_eq!(state["controls"]["sensitivity"], 70);
    assert_eq!(state["controls"]["camera"], "off");
}
