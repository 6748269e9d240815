//! `POST /api/v1/analyze`: a photo in, a line of `analyze --json` out. Nothing is stored.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        FromRequest, Multipart, Query, Request, State,
        multipart::{MultipartError, MultipartRejection},
        rejection::{BytesRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use moodring_camera::photo::PhotoError;
use serde::Deserialize;
use tokio::{sync::oneshot, time::timeout};

use super::{
    error::ApiError,
    photo_state::PhotoState,
    photo_worker::{PhotoJob, PhotoJobError},
    proxies::Visitor,
};

/// How long an upload may take, and how long the reading.
const UPLOAD_WITHIN: Duration = Duration::from_secs(30);
const READ_WITHIN: Duration = Duration::from_secs(30);
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

/// Reads one photo.
pub(super) async fn analyze(
    State(photos): State<Arc<PhotoState>>,
    query: Result<Query<AnalyzeQuery>, QueryRejection>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::query(&e))?;
    let announced = announced(&request);
    if announced.is_some_and(|bytes| bytes > photos.most_bytes() as u64) {
        return Err(large(&photos));
    }
    let permit = photos.permit(visitor.address, announced).ok_or_else(busy)?;
    let upload = timeout(UPLOAD_WITHIN, upload(&photos, request)).await;
    let (bytes, file) = upload.map_err(|_| {
        let text = "the photo took over 30 s to arrive";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, text)
    })??;
    let name = [query.name, file.unwrap_or_default(), "photo".into()];
    let name = name.into_iter().find(|name| !name.is_empty());
    let (answer, line) = oneshot::channel();
    let asked = photos.worker.ask(PhotoJob {
        bytes,
        name: name
            .unwrap_or_default()
            .chars()
            .take(LONGEST_NAME)
            .collect(),
        crops: query.crops,
        answer,
        permit,
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
    photos.read.add();
    Ok(([(header::CONTENT_TYPE, "application/json")], line + "\n").into_response())
}

/// The length that the request declares, in bytes.
fn announced(request: &Request) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The photo's bytes, and its file's name if the upload has one.
async fn upload(
    photos: &PhotoState,
    request: Request,
) -> Result<(Bytes, Option<String>), ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if !kind.starts_with("multipart/form-data") {
        let bytes = Bytes::from_request(request, &()).await;
        return Ok((bytes.map_err(|e| unread(photos, &e))?, None));
    }
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|e: MultipartRejection| bad(e.body_text()))?;
    let failed = |e: MultipartError| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(photos),
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

fn unread(photos: &PhotoState, error: &BytesRejection) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(photos),
        _ => bad(error.body_text()),
    }
}

fn large(photos: &PhotoState) -> ApiError {
    let text = format!(
        "the photo has over {} MB (web.upload_mb); scale it down",
        photos.upload_mb
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
        PhotoError::Format | PhotoError::OtherFormat(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        PhotoError::FileSize | PhotoError::Large(..) | PhotoError::Memory(..) => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        PhotoError::Small(..)
        | PhotoError::Side(..)
        | PhotoError::Unsupported(_)
        | PhotoError::Damaged(_)
        | PhotoError::Io(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ApiError::new(status, error)
}
