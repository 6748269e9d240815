//! `GET /api/v1/events`: what happens, as server-sent events. A slow reader skips states and faces, and slows nobody.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use serde::Deserialize;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, mpsc, watch},
    time::sleep,
};

use super::{
    app_state::{AppState, hold},
    broadcast::sse,
    error::ApiError,
    state,
};

/// A comment after so long a silence, so that a dead connection is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// Milliseconds after which a browser comes back.
const RETRY: &str = "retry: 2000\n\n";

/// What a visitor wants to hear besides events and states.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LiveQuery {
    /// The face, as PNG in base64.
    face: bool,
    /// So many of the last events first.
    recent: u8,
}

/// Opens a live view, if there is a seat.
pub(super) async fn events(
    State(app_state): State<Arc<AppState>>,
    query: Result<Query<LiveQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::new(StatusCode::BAD_REQUEST, e.body_text()))?;
    let permit = Arc::clone(&app_state.permits)
        .try_acquire_owned()
        .map_err(|_| {
            let text = format!(
                "{} live views are open, and more are not allowed (web.streams)",
                app_state.settings.web.streams
            );
            ApiError::later(StatusCode::TOO_MANY_REQUESTS, 10, text)
        })?;
    let (recent_events, last_id) = (hold(&app_state.recent_events), headers.get("last-event-id"));
    let mut first = vec![Bytes::from_static(RETRY.as_bytes())];
    first.extend(match last_id.and_then(|id| id.to_str().ok()) {
        Some(id) => recent_events.after(id),
        None => recent_events.last(query.recent.into()),
    });
    let events = app_state.events.subscribe();
    drop(recent_events);
    first.push(sse("state", &state::line(&app_state)));
    let mut states = app_state.states.subscribe();
    states.mark_unchanged();
    let faces = query.face.then(|| app_state.faces.subscribe());
    let (out, lines) = mpsc::channel(1);
    let feed = LiveStream {
        out,
        events,
        states,
        faces,
        stopped: app_state.stopped.clone(),
        _seat: permit,
    };
    tokio::spawn(feed.run(first));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(EventStreamBody(lines))).into_response())
}

/// One live view.
struct LiveStream {
    out: mpsc::Sender<Bytes>,
    events: broadcast::Receiver<Bytes>,
    states: watch::Receiver<Bytes>,
    faces: Option<watch::Receiver<Bytes>>,
    stopped: watch::Receiver<bool>,
    _seat: OwnedSemaphorePermit,
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
