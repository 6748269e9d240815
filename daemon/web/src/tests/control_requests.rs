//! What the page can change: the controls, and the history, which it can delete.

use super::*;

#[test]
fn the_history_is_answered_downloaded_and_deleted() {
    let page = TestPage::new(|_| {});
    appeared(&page, 1);
    let minute = (recent_events::unix_ms(std::time::SystemTime::now()) / 60_000) as i64;
    page.store
        .add_moods(vec![moodring_store::history::MoodSpan {
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
fn controls_send_the_commands_that_mqtt_sends() {
    use moodring_base::command::{Command, Switch};
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

#[test]
fn a_long_history_comes_in_parts_in_order_and_unread_ones_cost_nothing() {
    let page = TestPage::new(|_| {});
    const EVENTS: u32 = 1_234;
    for track in 1..=EVENTS {
        appeared(&page, track);
    }
    let all = page.get("/api/v1/history/events?days=1").text();
    let tracks: Vec<u64> = all
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["track"]
                .as_u64()
                .unwrap()
        })
        .collect();
    let newest_first: Vec<u64> = (1..=EVENTS.into()).rev().collect();
    assert_eq!(tracks, newest_first);
    // Who asks and reads nothing has a place, and there are only so many.
    let unread: Vec<_> = (0..6)
        .map(|_| {
            let mut stream = page.connect();
            let head = format!(
                "GET /api/v1/history/events HTTP/1.1\r\nHost: {}\r\n\r\n",
                page.at
            );
            stream.write_all(head.as_bytes()).unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            (first, stream)
        })
        .collect();
    let refused = unread.iter().filter(|(first, _)| first == b"HTTP/1.1 429");
    // A short history may be sent as a whole before it is read.
    assert!(refused.count() <= 2);
    drop(unread);
    // Their places are free as soon as the server has noticed.
    let is_free = || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        page.get("/api/v1/history/events?days=1").status == 200
    };
    assert!((0..100).any(|_| is_free()));
}
