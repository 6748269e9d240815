//! `POST /api/v1/analyze`: a photo in, a line of `analyze --json` out. Nothing is stored.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        FromRequest, Multipart, Query, Request, State,
        multipart::{MultipartError, MultipartRejection},
        rejection::{BytesRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    reader::{Job, QUEUE, Trouble},
    refusal::Refusal,
    site::Site,
};
use crate::photo::PhotoError;

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
pub(super) struct Wishes {
    /// What the answer calls the photo; else the upload's file name, else `photo`.
    name: String,
    /// The crops as the classifier sees them, too.
    crops: bool,
}

/// Places for photos that are uploaded, wait or are read: so many bodies are in memory at most.
pub(super) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(QUEUE))
}

/// Reads one photo.
pub(super) async fn analyze(
    State(site): State<Arc<Site>>,
    wishes: Result<Query<Wishes>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(wishes) = wishes.map_err(|e| bad(e.body_text()))?;
    if announced(&request) > room(&site) as u64 {
        return Err(large(&site));
    }
    let seat = Arc::clone(&site.places)
        .try_acquire_owned()
        .map_err(|_| busy())?;
    let upload = timeout(UPLOAD_WITHIN, upload(&site, request)).await;
    let (bytes, file) = upload.map_err(|_| {
        let text = "the photo took over 30 s to arrive";
        Refusal::new(StatusCode::REQUEST_TIMEOUT, text)
    })??;
    let name = [wishes.name, file.unwrap_or_default(), "photo".into()];
    let name = name.into_iter().find(|name| !name.is_empty());
    let (answer, line) = oneshot::channel();
    let asked = site.reader.ask(Job {
        bytes,
        name: name
            .unwrap_or_default()
            .chars()
            .take(LONGEST_NAME)
            .collect(),
        crops: wishes.crops,
        answer,
        seat,
    });
    if !asked {
        return Err(busy());
    }
    let line = timeout(READ_WITHIN, line).await;
    let line = line.map_err(|_| {
        let text = "the photo could not be read within 30 s; scale it down, or try again";
        Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 5, text)
    })?;
    let line = line.map_err(|_| Refusal::ours("the thread that reads photos is gone"))?;
    let line = line.map_err(refused)?;
    site.counts.photos.add();
    Ok(([(header::CONTENT_TYPE, "application/json")], line + "\n").into_response())
}

/// The largest body in bytes: a photo, and what a form adds around it.
pub(super) fn room(site: &Site) -> usize {
    site.settings.web.upload_mb as usize * 1_000_000 + FORM
}

/// How long the request says that it is, in bytes.
fn announced(request: &Request) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

/// The photo's bytes, and its file's name if the upload says one.
async fn upload(site: &Site, request: Request) -> Result<(Bytes, Option<String>), Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if !kind.starts_with("multipart/form-data") {
        let bytes = Bytes::from_request(request, &()).await;
        return Ok((bytes.map_err(|e| unread(site, &e))?, None));
    }
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|e: MultipartRejection| bad(e.body_text()))?;
    let failed = |e: MultipartError| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(site),
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

fn unread(site: &Site, error: &BytesRejection) -> Refusal {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => large(site),
        _ => bad(error.body_text()),
    }
}

fn large(site: &Site) -> Refusal {
    let text = format!(
        "the photo has over {} MB (web.upload_mb); scale it down",
        site.settings.web.upload_mb
    );
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn busy() -> Refusal {
    let text = "others' photos are being read; try again in a second";
    Refusal::later(StatusCode::TOO_MANY_REQUESTS, 1, text)
}

fn bad(text: impl ToString) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

fn refused(trouble: Trouble) -> Refusal {
    let Trouble::Photo(error) = trouble else {
        return Refusal::ours(trouble);
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
    Refusal::new(status, error)
}
