//! First steps in the browser: what there is to choose from, a trial of each part, and the settings written.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Json,
    body::Bytes,
    extract::{Path as Part, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{notice, refusal::Refusal, site::Site};
use crate::{
    camera::devices,
    config::{DisplayKind, Place, board::BOARDS},
    setup::{self, Answers, NO_DISPLAY, SAME_DISPLAY, SetupError, trial::Trial},
    snapshot::CameraState,
};

/// Sources that need no device of their own name.
const SOURCES: [&str; 4] = ["auto", "rpicam", "argus", "synthetic"];

/// Something to choose.
#[derive(Serialize)]
struct Choice {
    name: String,
    about: String,
}

/// How it is set, and what there is to choose from.
#[derive(Serialize)]
struct Now<'a> {
    /// Whether nobody has said yet that people are told.
    needed: bool,
    /// Where it is written to.
    file: &'a Path,
    place: Place,
    responsible: &'a str,
    way_out: &'a str,
    device: &'a str,
    camera: &'a str,
    cameras: Vec<Choice>,
    display: &'a str,
    displays: Vec<Choice>,
    broker: serde_json::Value,
    /// Where others reach this page; null: nowhere.
    url: Option<String>,
}

/// `GET /api/v1/setup`.
pub(super) async fn now(State(site): State<Arc<Site>>) -> Response {
    let settings = &site.settings;
    let mqtt = &settings.mqtt;
    let display = match settings.display.kind {
        DisplayKind::Spi => settings.display.board.as_str(),
        DisplayKind::None => NO_DISPLAY,
        _ => SAME_DISPLAY,
    };
    let about = |name: &str, about: &str| Choice {
        name: name.into(),
        about: about.into(),
    };
    let mut displays = vec![
        about(SAME_DISPLAY, "as it is set now"),
        about(NO_DISPLAY, "none: the face is on this page"),
    ];
    displays.extend(BOARDS.iter().map(|board| about(board.name, board.about)));
    let now = Now {
        needed: !settings.notice.acknowledged,
        file: &file(&site),
        place: settings.place,
        responsible: &settings.notice.responsible,
        way_out: &settings.notice.way_out,
        device: &settings.device.id,
        camera: &settings.camera.source,
        cameras: cameras(&site),
        display,
        displays,
        broker: json!({ "enabled": mqtt.enabled, "url": mqtt.url, "user": mqtt.user }),
        url: notice::page_url(&settings.web),
    };
    Json(&now).into_response()
}

/// The settings' file: the one that was read, or the one that will be.
fn file(site: &Site) -> PathBuf {
    let usual = || PathBuf::from("moodring.toml");
    site.file.clone().unwrap_or_else(usual)
}

/// What may be chosen: what is set, what needs no name, and every device that is found.
fn cameras(site: &Site) -> Vec<Choice> {
    let about = |name: &str| match name {
        "auto" => "the first camera that is found",
        "rpicam" => "a Raspberry Pi's ribbon camera",
        "argus" => "a Jetson's ribbon camera",
        "synthetic" => "a drawn face, to try things out",
        _ => "as it is set now",
    };
    let mut all: Vec<Choice> = Vec::new();
    let mut add = |name: String, about: String| {
        if !all.iter().any(|known| known.name == name) {
            all.push(Choice { name, about });
        }
    };
    for name in SOURCES {
        add(name.into(), about(name).into());
    }
    for device in devices::devices() {
        add(device.best_path().display().to_string(), device.name);
    }
    let mut known = site.controls.borrow().cameras.clone();
    known.push(site.settings.camera.source.clone());
    for name in known {
        let about = about(&name).to_owned();
        add(name, about);
    }
    all
}

/// `POST /api/v1/setup`.
pub(super) async fn save(State(site): State<Arc<Site>>, body: Bytes) -> Result<Response, Refusal> {
    let answers = answers(&body)?;
    let (path, offered) = (file(&site), names(&site));
    let running = site.settings.mqtt.clone();
    let save = move || setup::save(&path, &answers, &offered, &running);
    let saved = tokio::task::spawn_blocking(save).await;
    match saved.map_err(Refusal::ours)? {
        Ok(saved) => {
            tracing::info!("the set-up wrote {}", saved.file.display());
            Ok(
                Json(json!({ "saved": true, "file": saved.file, "before": saved.before }))
                    .into_response(),
            )
        }
        // Not the visitor's fault, and not ours: the text is there to be written by hand.
        Err(ref error @ SetupError::Write { ref text, .. }) => Ok(Json(
            json!({ "saved": false, "error": error.to_string(), "text": text }),
        )
        .into_response()),
        Err(error) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error)),
    }
}

fn answers(body: &Bytes) -> Result<Answers, Refusal> {
    let bad = |e: serde_json::Error| Refusal::new(StatusCode::BAD_REQUEST, e);
    serde_json::from_slice(body).map_err(bad)
}

fn names(site: &Site) -> Vec<String> {
    cameras(site)
        .into_iter()
        .map(|camera| camera.name)
        .collect()
}

/// `POST /api/v1/setup/try/{part}`: `camera`, `display` or `broker` as the answers have it; one trial at a time.
pub(super) async fn attempt(
    State(site): State<Arc<Site>>,
    part: Result<Part<String>, PathRejection>,
    body: Bytes,
) -> Result<Json<Trial>, Refusal> {
    let Part(part) = part.map_err(|e| Refusal::new(StatusCode::BAD_REQUEST, e.body_text()))?;
    if !["camera", "display", "broker"].contains(&part.as_str()) {
        let text = "camera, display and broker can be tried";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    }
    let answers = answers(&body)?;
    let _turn = site.trials.try_acquire().map_err(|_| {
        let text = "something else is being tried; try again in a second";
        Refusal::later(StatusCode::TOO_MANY_REQUESTS, 2, text)
    })?;
    let settings = site.settings.clone();
    let trial = match part.as_str() {
        "camera" => return camera(&site, answers.camera).await.map(Json),
        "display" => {
            let known = [NO_DISPLAY, SAME_DISPLAY].contains(&answers.display.as_str())
                || BOARDS.iter().any(|board| board.name == answers.display);
            if !known {
                Trial::bad("there is no display of that name", "take one of the list")
            } else {
                let shown = move || setup::trial::display(&answers.display, &settings);
                tokio::task::spawn_blocking(shown)
                    .await
                    .map_err(Refusal::ours)?
            }
        }
        _ => {
            let state = *site.broker.borrow();
            setup::trial::broker(&answers.broker, &settings, state).await
        }
    };
    Ok(Json(trial))
}

/// The camera that runs now is not opened a second time: it is asked how it does.
async fn camera(site: &Site, name: String) -> Result<Trial, Refusal> {
    if !names(site).contains(&name) {
        return Ok(Trial::bad(
            "there is no camera of that name",
            "take one of the list",
        ));
    }
    let running = site.controls.borrow().camera == name || site.settings.camera.source == name;
    let (state, frame_px) = {
        let snapshot = site.snapshots.borrow();
        (snapshot.camera, snapshot.frame_px)
    };
    if running && state == CameraState::Running {
        let opened = site
            .camera
            .borrow()
            .info
            .as_ref()
            .map(|info| info.name.clone());
        let (width, height) = frame_px;
        return Ok(Trial::good(format!(
            "{} runs now, with pictures of {width}x{height} pixels",
            opened.unwrap_or(name)
        )));
    }
    let mut settings = site.settings.camera.clone();
    // Nobody waits longer for an answer in a browser.
    settings.timeout_ms = settings.timeout_ms.min(10_000);
    let tried = move || setup::trial::camera(&name, &settings);
    tokio::task::spawn_blocking(tried)
        .await
        .map_err(Refusal::ours)
}
