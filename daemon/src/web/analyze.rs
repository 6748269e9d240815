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
    reader::{Job, QUEUE, Trouble},
    refusal::Refusal,
    shares::{Share, Shares},
    site::{Peer, Site},
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
pub(super) struct Wishes {
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
fn place(site: &Site, from: IpAddr, announced: Option<u64>) -> Option<Place> {
    let bytes = announced.unwrap_or(room(site) as u64);
    let room = Arc::clone(&site.upload_room).try_acquire_many_owned(kilobytes(bytes));
    Some(Place {
        _share: site.uploads.take(from)?,
        _room: room.ok()?,
    })
}

/// Reads one photo.
pub(super) async fn analyze(
    State(site): State<Arc<Site>>,
    wishes: Result<Query<Wishes>, QueryRejection>,
    ConnectInfo(Peer(from)): ConnectInfo<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let Query(wishes) = wishes.map_err(|e| bad(e.body_text()))?;
    let announced = announced(&request);
    if announced.is_some_and(|bytes| bytes > room(&site) as u64) {
        return Err(large(&site));
    }
    let place = place(&site, from.ip(), announced).ok_or_else(busy)?;
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
        place,
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
fn announced(request: &Request) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
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
