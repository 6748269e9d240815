//! Live views: what they receive, how many there may be, how they end.

use std::io::Read;

use super::*;

#[test]
fn a_live_view_sends_states_events_and_faces() {
    let page = TestPage::new(|_| {});
    let mut stream = live(&page, "?face=true", "");
    let head = read_until(&mut stream, "event: state\ndata: {\"schema\"");
    // Behind nginx it would stand still without this.
    assert!(head.contains("x-accel-buffering: no\r\n"), "{head}");
    appeared(&page, 41);
    let text = read_until(&mut stream, "\"track\":41");
    assert!(text.contains("id: 0000000000000007-41\n"), "{text}");
    read_until(&mut stream, "event: face\ndata: iVBOR");
}

#[test]
fn who_comes_back_misses_nothing() {
    let page = TestPage::new(|_| {});
    let mut first = live(&page, "", "");
    read_until(&mut first, "event: state");
    for track in 1..=3 {
        appeared(&page, track);
        read_until(&mut first, &format!("\"track\":{track}"));
    }
    drop(first);
    let mut back = live(&page, "", "Last-Event-ID: 0000000000000007-1\r\n");
    let text = read_until(&mut back, "event: state");
    assert!(!text.contains("\"track\":1}"), "{text}");
    assert!(
        text.contains("\"track\":2}") && text.contains("\"track\":3}"),
        "{text}"
    );
    let mut fresh = live(&page, "?recent=1", "");
    let text = read_until(&mut fresh, "event: state");
    assert!(
        text.contains("\"track\":3}") && !text.contains("\"track\":2}"),
        "{text}"
    );
}

#[test]
fn live_views_are_counted_and_their_permits_come_free() {
    let page = TestPage::new(|s| s.web.streams = 2);
    let mut views: Vec<_> = (0..2).map(|_| live(&page, "", "")).collect();
    for view in &mut views {
        read_until(view, "event: state");
    }
    let refused = page.get("/api/v1/events");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "10");
    drop(views.pop());
    let end = std::time::Instant::now() + LIMIT;
    loop {
        let mut again = live(&page, "", "");
        let mut first = [0; 12];
        again.read_exact(&mut first).unwrap();
        if &first == b"HTTP/1.1 200" {
            break;
        }
        assert!(std::time::Instant::now() < end, "the seat stays taken");
    }
}

#[test]
fn a_stop_ends_live_views_too() {
    let mut page = TestPage::new(|_| {});
    let mut view = live(&page, "", "");
    read_until(&mut view, "event: state");
    page.web.take().unwrap().stop();
    let mut rest = Vec::new();
    let _ = view.read_to_end(&mut rest);
    assert!(TcpStream::connect(page.at).is_err());
}
