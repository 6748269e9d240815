//! `POST /api/v1/analyze`: a photo in, a line of `analyze --json` out. Nothing is stored.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        ConnectInfo, FromRequest, Multipart, Query, Request, State,
        multipart::{MultipartError, MultipartRejection},
        rejection::{BytesRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use super::{
    app_state::{AppState, Peer},
    error::ApiError,
    photo_worker::{PhotoJob, PhotoJobError, QUEUE},
    shares::{Share, Shares},
};
use crate::{config::Settings, photo::PhotoError};

/// How long an upload may take, and how long the reading.
const UPLOAD_WITHIN: Duration = Duration::from_secs(30);
const READ_WITHIN: Duration = Duration::from_secs(30);
/// What a form adds around a photo, in bytes.
const FORM: usize = 16 * 1024;
/// The longest name that is repeated in the answer, in characters.
const LONGEST_NAME: usize = 200;

/// What the answer is to hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AnalyzeQuery {
    /// What the answer calls the photo; else the upload's file name, else `photo`.
    name: String,
    /// The crops as the classifier sees them, too.
    crops: bool,
}

/// Megabytes of all photos together that are uploaded, wait or are read, if one alone may not have more.
const ALL_MB: u32 = 24;

/// A photo's place, from its first byte to its answer.
#[derive(Debug)]
pub(super) struct Place {
    _share: Share,
    _room: OwnedSemaphorePermit,
}

/// Places for photos that are uploaded, wait or are read.
pub(super) fn places() -> Arc<Shares> {
    Shares::new(QUEUE)
}

/// Room for the bytes of all of them, in kilobytes.
pub(super) fn all_uploads(settings: &Settings) -> Arc<Semaphore> {
    let most = u64::from(settings.web.upload_mb.max(ALL_MB)) * 1_000_000 + FORM as u64;
    Arc::new(Semaphore::new(kilobytes(most) as usize))
}

fn kilobytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// Takes a place for what the request announces; one that announces nothing may be as large as any.
fn place(app_state: &AppState, from: IpAddr, announced: Option<u64>) -> Option<Place> {
    let bytes = announced.unwrap_or(room(app_state) as u64);
    let room = Arc::clone(&app_state.upload_room).try_acquire_many_owned(kilobytes(bytes));
    Some(Place {
        _share: app_state.uploads.take(from)?,
        _room: room.ok()?,
    })
}

/// Reads one photo.
pub(super) async fn analyze(
    State(app_state): State<Arc<AppState>>,
    query: Result<Query<AnalyzeQuery>, QueryRejection>,
    ConnectInfo(Peer(from)): ConnectInfo<Peer>,
    request: Request,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| bad(e.body_text()))?;
    let announced = announced(&request);
    if announced.is_some_and(|bytes| bytes > room(&app_state) as u64) {
        return Err(large(&app_state));
    }
    let place = place(&app_state, from.ip(), announced).ok_or_else(busy)?;
    let upload = timeout(UPLOAD_WITHIN, upload(&app_state, request)).await;
    let (bytes, file) = upload.map_err(|_| {
        let text = "the photo took over 30 s to arrive";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, text)
    })??;
    let name = [query.name, file.unwrap_or_default(), "photo".into()];
    let name = name.into_iter().find(|name| !name.is_empty());
    let (answer, line) = oneshot::channel();
    let asked = app_state.reader.ask(PhotoJob {
        bytes,
        name: name
            .unwrap_or_default()
            .chars()
            .take(LONGEST_NAME)
            .collect(),
        crops: query.crops,
        answer,
        place,
    });
    if !asked {
        return Err(busy());
    }
    let line = timeout(READ_WITHIN, line).await;
    let line = line.map_err(|_| {
        let text = "the photo could not be read within 30 s; scale it down, or try again";
        ApiError::later(StatusCode::SERVICE_UNAVAILABLE, 5, text)
    })?;
    let line = line.map_err(|_| ApiError::ours("the thread that reads photos is gone"))?;
    let line = line.map_err(refused)?;
    app_state.counts.photos.add();
    Ok(([(header::CONTENT_TYPE, "application/json")], line + "\n").into_response())
}

/// The largest body in bytes: a photo, and what a form adds around it.
pub(super) fn room(app_state: &AppState) -> usize {
    app_state.settings.web.upload_mb as usize * 1_000_000 + FORM
}

/// How long the request says that it is, in bytes.
fn announced(request: &Request) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The photo's bytes, and its file's name if the upload says one.
async fn upload(
    app_state: &AppState,
    request: Request,
) -> Result<(Bytes, Option<String>), ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if !kind.starts_with("multipart/form-data") {
        let bytes = Bytes::from_request(request, &()).await;
        return Ok((bytes.map_err(|e| unread(app_state, &e))?, None));
    }
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|e: MultipartRejection| bad(e.body_text()))?;
    let failed = |e: MultipartError| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(app_state),
        _ => bad(format!("the form is broken: {}", e.body_text())),
    };
    while let Some(field) = form.next_field().await.map_err(failed)? {
        let Some(file) = field.file_name().map(str::to_owned) else {
            continue;
        };
        return Ok((field.bytes().await.map_err(failed)?, Some(file)));
    }
    Err(bad("the form has no file"))
}

fn unread(app_state: &AppState, error: &BytesRejection) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(app_state),
        _ => bad(error.body_text()),
    }
}

fn large(app_state: &AppState) -> ApiError {
    let text = format!(
        "the photo has over {} MB (web.upload_mb); scale it down",
        app_state.settings.web.upload_mb
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn busy() -> ApiError {
    let text = "others' photos are being read; try again in a second";
    ApiError::later(StatusCode::TOO_MANY_REQUESTS, 1, text)
}

fn bad(text: impl ToString) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, text)
}

fn refused(trouble: PhotoJobError) -> ApiError {
    let PhotoJobError::Photo(error) = trouble else {
        return ApiError::ours(trouble);
    };
    let status = match &error {
        PhotoError::Empty => StatusCode::BAD_REQUEST,
        PhotoError::Format => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        PhotoError::FileSize => StatusCode::PAYLOAD_TOO_LARGE,
        PhotoError::Size(..)
        | PhotoError::Large(..)
        | PhotoError::Damaged(_)
        | PhotoError::Io(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ApiError::new(status, error)
}
