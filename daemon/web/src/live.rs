//! `GET /api/v1/events`: events, states and faces as server-sent events. A slow reader misses states and faces, and
//! slows nobody.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use serde::Deserialize;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::sleep,
};

use super::{
    broadcast::sse, device_state::DeviceState, error::ApiError, live_state::LiveState,
    proxies::Visitor, shares::Share, state, sync::lock,
};

/// A comment after so long a silence, so that a dead connection is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// Milliseconds after which a browser comes back.
const RETRY: &str = "retry: 2000\n\n";

/// What a client subscribes to besides events and states.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LiveQuery {
    /// The face, as PNG in base64.
    face: bool,
    /// The face, as SVG; instead of the PNG.
    svg: bool,
    /// So many of the last events first.
    recent: u8,
    /// Only `access` reads it.
    #[serde(rename = "token")]
    _token: String,
}

/// Opens a live view, if there is a place for one.
pub(super) async fn events(
    State(live): State<Arc<LiveState>>,
    State(device): State<Arc<DeviceState>>,
    query: Result<Query<LiveQuery>, axum::extract::rejection::QueryRejection>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::query(&e))?;
    let share = live.views.take(visitor.address).ok_or_else(|| {
        let text = format!(
            "{} live views are open, and more are not allowed (web.streams)",
            live.views.taken()
        );
        ApiError::later(StatusCode::TOO_MANY_REQUESTS, 10, text)
    })?;
    let (recent_events, last_id) = (lock(&live.recent_events), headers.get("last-event-id"));
    let mut first = vec![Bytes::from_static(RETRY.as_bytes())];
    first.extend(match last_id.and_then(|id| id.to_str().ok()) {
        Some(id) => recent_events.after(id),
        None => recent_events.last(query.recent.into()),
    });
    let events = live.events.subscribe();
    drop(recent_events);
    first.push(sse("state", &state::line(&device)));
    let mut states = live.states.subscribe();
    states.mark_unchanged();
    let faces = match (query.svg, query.face) {
        (true, _) => Some(live.svgs.subscribe()),
        (_, true) => Some(live.faces.subscribe()),
        _ => None,
    };
    let (out, lines) = mpsc::channel(1);
    let feed = LiveStream {
        out,
        events,
        states,
        faces,
        stopped: live.stopped.clone(),
        _share: share,
    };
    tokio::spawn(feed.run(first));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        UNBUFFERED,
    ];
    Ok((headers, Body::from_stream(EventStreamBody(lines))).into_response())
}

/// nginx keeps what a page sends until it has a page full of it; a stream would stand still behind it.
pub(super) const UNBUFFERED: (header::HeaderName, &str) =
    (header::HeaderName::from_static("x-accel-buffering"), "no");

/// One live view.
struct LiveStream {
    out: mpsc::Sender<Bytes>,
    events: broadcast::Receiver<Bytes>,
    states: watch::Receiver<Bytes>,
    faces: Option<watch::Receiver<Bytes>>,
    stopped: watch::Receiver<bool>,
    _share: Share,
}

impl LiveStream {
    async fn run(mut self, first: Vec<Bytes>) {
        for bytes in first {
            if self.out.send(bytes).await.is_err() {
                return;
            }
        }
        if let Some(faces) = &mut self.faces {
            // Somebody else may be looking already: then the face of now is there.
            let now = faces.borrow_and_update().clone();
            if !now.is_empty() && self.out.send(now).await.is_err() {
                return;
            }
        }
        // Waiting for a slow reader here, newer states and faces replace each other, and too many events end it.
        while let Some(bytes) = self.next().await {
            if self.out.send(bytes).await.is_err() {
                return;
            }
        }
    }

    /// The next line; `None` when the view is over.
    async fn next(&mut self) -> Option<Bytes> {
        let faces = async {
            match &mut self.faces {
                Some(faces) => faces
                    .changed()
                    .await
                    .ok()
                    .map(|()| faces.borrow_and_update().clone()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.out.closed() => None,
            _ = self.stopped.wait_for(|stop| *stop) => None,
            event = self.events.recv() => event.ok(),
            changed = self.states.changed() => {
                changed.ok().map(|()| self.states.borrow_and_update().clone())
            }
            face = faces => face,
            () = sleep(SIGN_OF_LIFE) => Some(Bytes::from_static(b": still here\n\n")),
        }
    }
}

/// The other end, as a body.
pub(super) struct EventStreamBody(pub(super) mpsc::Receiver<Bytes>);

impl Stream for EventStreamBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|line| line.map(Ok))
    }
}
