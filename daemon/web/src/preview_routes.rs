//! The camera's picture, where the settings allow it and while it is on: a stream of JPEGs, and single ones to keep.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use moodring_base::snapshot::CameraState;
use serde::Deserialize;
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    device_state::DeviceState,
    error::ApiError,
    live::{EventStreamBody, UNBUFFERED},
    live_state::LiveState,
};
use crate::preview::{Jpeg, Mode, PreviewError, Viewer};

/// Between two pictures; never inside a JPEG's head, and browsers look at nothing else.
const KIND: &str = "multipart/x-mixed-replace; boundary=moodring-frame";
const BOUNDARY: &str = "--moodring-frame\r\n";
/// The last picture is sent again after so long without a new one, so that a dead connection is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How long a single picture may take to come: from a camera that runs (some send one every few seconds, and the machine may be
/// busy), and while none does.
const STILL_TIMEOUT: Duration = Duration::from_secs(15);
const STILL_TIMEOUT_WITHOUT_CAMERA: Duration = Duration::from_secs(3);

/// What is to be drawn over the picture.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PreviewQuery {
    mode: String,
}

impl Default for PreviewQuery {
    fn default() -> Self {
        Self {
            mode: Mode::Emoji.name().into(),
        }
    }
}

/// `GET /api/v1/preview.mjpeg`: pictures until the preview is off.
pub(super) async fn stream(
    State(device): State<Arc<DeviceState>>,
    State(live): State<Arc<LiveState>>,
    query: Result<Query<PreviewQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let bad = |text: String| ApiError::new(StatusCode::BAD_REQUEST, text);
    let Query(query) = query.map_err(|e| ApiError::query(&e))?;
    let mode = Mode::from_name(&query.mode).ok_or_else(|| {
        let names = Mode::ALL.map(Mode::name).join(", ");
        bad(format!("mode must be one of {names}"))
    })?;
    let viewer = device.preview.watch(mode).map_err(refused)?;
    let (out, lines) = mpsc::channel(1);
    let feed = PreviewStream {
        out,
        viewer,
        stopped: live.stopped.clone(),
    };
    tokio::spawn(feed.run());
    let headers = [
        (header::CONTENT_TYPE, KIND),
        (header::CACHE_CONTROL, "no-store"),
        UNBUFFERED,
    ];
    Ok((headers, Body::from_stream(EventStreamBody(lines))).into_response())
}

/// `POST /api/v1/picture`: the next frame, for the browser to keep. Nothing is written here.
pub(super) async fn picture(State(device): State<Arc<DeviceState>>) -> Result<Response, ApiError> {
    let still = device.preview.still().map_err(refused)?;
    let runs = device.snapshots.borrow().camera == CameraState::Running;
    let still = timeout(
        if runs {
            STILL_TIMEOUT
        } else {
            STILL_TIMEOUT_WITHOUT_CAMERA
        },
        still,
    )
    .await;
    let still = still.ok().and_then(Result::ok).ok_or_else(|| {
        let text = "no picture came from the camera; is it on?";
        ApiError::later(StatusCode::SERVICE_UNAVAILABLE, 5, text)
    })?;
    tracing::info!("a picture was given to a browser");
    let name =
        jiff::Zoned::now().strftime("attachment; filename=\"moodring-%Y-%m-%dT%H-%M-%S.jpg\"");
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::CONTENT_DISPOSITION, name.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Bytes::from_owner(still)).into_response())
}

fn refused(error: PreviewError) -> ApiError {
    match error {
        PreviewError::Forbidden | PreviewError::Off | PreviewError::NoPictures => {
            ApiError::new(StatusCode::NOT_FOUND, error)
        }
        PreviewError::Full(_) => ApiError::later(StatusCode::TOO_MANY_REQUESTS, 10, error),
    }
}

/// One stream.
struct PreviewStream {
    out: mpsc::Sender<Bytes>,
    viewer: Viewer,
    stopped: watch::Receiver<bool>,
}

impl PreviewStream {
    /// Waiting for a slow reader here, newer pictures replace each other.
    async fn run(mut self) {
        let mut last = None;
        let mut first = Some(Bytes::from_static(BOUNDARY.as_bytes()));
        loop {
            let next = tokio::select! {
                biased;
                () = self.out.closed() => return,
                _ = self.stopped.wait_for(|stop| *stop) => return,
                next = self.viewer.next() => next,
                () = sleep(SIGN_OF_LIFE), if last.is_some() => last.clone(),
            };
            let Some(jpeg) = next else { return };
            for part in first.take().into_iter().chain(part(&jpeg)) {
                if self.out.send(part).await.is_err() {
                    return;
                }
            }
            last = Some(jpeg);
        }
    }
}

/// A picture with its head, and the boundary behind it: browsers show it when they see that.
fn part(jpeg: &Jpeg) -> [Bytes; 3] {
    let head = format!(
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        jpeg.len()
    );
    let end = Bytes::from_static(b"\r\n--moodring-frame\r\n");
    [head.into(), Bytes::from_owner(Jpeg::clone(jpeg)), end]
}
