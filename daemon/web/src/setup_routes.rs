//! First steps in the browser: lists what there is to choose from, tries each part, and writes the settings.

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
use moodring_base::{
    config::{DisplayKind, Location, board::BOARDS},
    redact::Redacted,
    snapshot::CameraState,
};
use moodring_camera::{Source, devices};
use moodring_display::screen;
use serde::Serialize;
use serde_json::json;

use super::{device_state::DeviceState, error::ApiError, notice};
use crate::setup::{
    self, Answers, NO_DISPLAY, SAME_DISPLAY, SCREEN, SetupError, probe::ProbeResult,
    sentence::TranslationKey,
};

/// Sources that need no device of their own name.
const SOURCES: [&str; 4] = ["auto", "rpicam", "argus", "synthetic"];

/// Something to choose.
#[derive(Serialize)]
struct SetupChoice {
    name: String,
    about: String,
}

/// How it is set, and what there is to choose from.
#[derive(Serialize)]
struct CurrentSettings<'a> {
    /// Whether nobody has confirmed yet that people are informed.
    needed: bool,
    /// Where it is written to.
    file: &'a Path,
    place: Location,
    responsible: &'a str,
    way_out: &'a str,
    device: &'a str,
    camera: &'a str,
    cameras: Vec<SetupChoice>,
    display: &'a str,
    displays: Vec<SetupChoice>,
    broker: serde_json::Value,
    /// Where others reach this page; null: nowhere.
    url: Option<String>,
}

/// `GET /api/v1/setup`.
pub(super) async fn now(State(device): State<Arc<DeviceState>>) -> Response {
    let settings = &device.settings;
    let mqtt = &settings.mqtt;
    let display = match settings.display.kind {
        DisplayKind::Spi => settings.display.board.as_str(),
        DisplayKind::Screen => SCREEN,
        DisplayKind::None => NO_DISPLAY,
        _ => SAME_DISPLAY,
    };
    let about = |name: &str, about: &str| SetupChoice {
        name: name.into(),
        about: about.into(),
    };
    let mut displays = vec![
        about(SAME_DISPLAY, "as it is set now"),
        about(NO_DISPLAY, "none: the face is on this page"),
    ];
    let screen = screen::check(&settings.display).found;
    if let Some(found) = screen.ok().or((display == SCREEN).then(String::new)) {
        displays.push(about(
            SCREEN,
            &format!("full screen, without a desktop: {found}"),
        ));
    }
    displays.extend(BOARDS.iter().map(|board| about(board.name, board.about)));
    let now = CurrentSettings {
        needed: !settings.notice.acknowledged,
        file: &file(&device),
        place: settings.place,
        responsible: &settings.notice.responsible,
        way_out: &settings.notice.way_out,
        device: &settings.device.id,
        camera: &shown(&settings.camera.source),
        cameras: cameras(&device),
        display,
        displays,
        broker: json!({ "enabled": mqtt.enabled, "url": mqtt.url, "user": mqtt.user }),
        url: notice::page_url(&settings.web),
    };
    Json(&now).into_response()
}

/// The settings' file: the one that was read, or the one that will be.
fn file(device: &DeviceState) -> PathBuf {
    let usual = || PathBuf::from("moodring.toml");
    device.file.clone().unwrap_or_else(usual)
}

/// What may be chosen: what is set, what needs no name, and every device that is found.
fn cameras(device: &DeviceState) -> Vec<SetupChoice> {
    let about = |name: &str| match name {
        "auto" => "the first camera that is found",
        "rpicam" => "a Raspberry Pi's ribbon camera",
        "argus" => "a Jetson's ribbon camera",
        "synthetic" => "a drawn face, to try things out",
        _ => "as it is set now",
    };
    let mut all: Vec<SetupChoice> = Vec::new();
    let mut add = |name: String, about: String| {
        if !all.iter().any(|known| known.name == name) {
            all.push(SetupChoice { name, about });
        }
    };
    for name in SOURCES {
        add(name.into(), about(name).into());
    }
    for device in devices::devices() {
        add(device.best_path().display().to_string(), device.name);
    }
    let mut known = device.controls.borrow().cameras.clone();
    known.push(shown(&device.settings.camera.source));
    for name in known {
        let about = about(&name).to_owned();
        add(name, about);
    }
    all
}

/// A source as it may be shown: without its login, of a command only the program.
fn shown(source: &str) -> String {
    let parsed = source.parse::<Source>();
    parsed.map_or_else(
        |_| Redacted::address(source).to_string(),
        |source| source.to_string(),
    )
}

/// What an answer means: the source that is set is shown without its secrets, and comes back so.
fn meant(device: &DeviceState, answers: &mut Answers) {
    let set = &device.settings.camera.source;
    if answers.camera == shown(set) {
        answers.camera.clone_from(set);
    }
}

/// `POST /api/v1/setup`.
pub(super) async fn save(
    State(device): State<Arc<DeviceState>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let mut answers = answers(&body)?;
    let (path, mut offered) = (file(&device), names(&device));
    meant(&device, &mut answers);
    offered.push(device.settings.camera.source.clone());
    let running = device.settings.mqtt.clone();
    let save = move || setup::save(&path, &answers, &offered, &running);
    let saved = tokio::task::spawn_blocking(save).await;
    match saved.map_err(ApiError::ours)? {
        Ok(saved) => {
            tracing::info!("the set-up wrote {}", saved.file.display());
            Ok(
                Json(json!({ "saved": true, "file": saved.file, "before": saved.before }))
                    .into_response(),
            )
        }
        // Not the visitor's fault, and not ours: the text is there to be written by hand.
        Err(ref error @ SetupError::Write { ref text, .. }) => Ok(Json(json!({
            "saved": false,
            "error": format!("{error}. As an administrator, write the text below into that file"),
            "text": text,
        }))
        .into_response()),
        Err(error) => Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error)),
    }
}

fn answers(body: &Bytes) -> Result<Answers, ApiError> {
    let bad = |e: serde_json::Error| ApiError::new(StatusCode::BAD_REQUEST, e);
    serde_json::from_slice(body).map_err(bad)
}

fn names(device: &DeviceState) -> Vec<String> {
    cameras(device)
        .into_iter()
        .map(|camera| camera.name)
        .collect()
}

/// `POST /api/v1/setup/try/{part}`: `camera`, `display` or `broker` as the answers have it; one trial at a time.
pub(super) async fn attempt(
    State(device): State<Arc<DeviceState>>,
    part: Result<Part<String>, PathRejection>,
    body: Bytes,
) -> Result<Json<TrialResult>, ApiError> {
    let Part(part) = part.map_err(|e| ApiError::new(StatusCode::BAD_REQUEST, e.body_text()))?;
    if !["camera", "display", "broker"].contains(&part.as_str()) {
        let text = "camera, display and broker can be tried";
        return Err(ApiError::new(StatusCode::NOT_FOUND, text));
    }
    let answers = answers(&body)?;
    let _turn = device.trials.try_acquire().map_err(|_| {
        let text = "something else is being tried; try again in a second";
        ApiError::later(StatusCode::TOO_MANY_REQUESTS, 2, text)
    })?;
    let settings = device.settings.clone();
    let trial = match part.as_str() {
        "camera" => camera(&device, answers.camera).await?,
        "display" => {
            let known = [NO_DISPLAY, SAME_DISPLAY, SCREEN].contains(&answers.display.as_str())
                || BOARDS.iter().any(|board| board.name == answers.display);
            if !known {
                ProbeResult::bad("trial.nodisplay", "trial.list")
            } else {
                let shown = move || setup::probe::display(&answers.display, &settings);
                tokio::task::spawn_blocking(shown)
                    .await
                    .map_err(ApiError::ours)?
            }
        }
        _ => {
            let state = *device.broker.borrow();
            setup::probe::broker(&answers.broker, &settings, state).await
        }
    };
    Ok(Json(trial.into()))
}

/// A trial's result as the page reads it: sentences in English, and by their keys of the table of texts.
#[derive(Serialize)]
pub(super) struct TrialResult {
    ok: bool,
    says: String,
    mend: String,
    says_word: Option<TranslationKey>,
    mend_word: Option<TranslationKey>,
}

impl From<ProbeResult> for TrialResult {
    fn from(ProbeResult { ok, finding, mend }: ProbeResult) -> Self {
        Self {
            ok,
            says: finding.text,
            mend: mend.text,
            says_word: finding.translation,
            mend_word: mend.translation,
        }
    }
}

/// The camera that runs now is not opened a second time: it is asked how it does.
async fn camera(device: &DeviceState, name: String) -> Result<ProbeResult, ApiError> {
    if !names(device).contains(&name) && setup::address(&name).is_none() {
        return Ok(ProbeResult::bad("trial.nocamera", "trial.nocamera.mend"));
    }
    let running =
        device.controls.borrow().camera == name || shown(&device.settings.camera.source) == name;
    let (state, frame_px) = {
        let snapshot = device.snapshots.borrow();
        (snapshot.camera, snapshot.frame_px)
    };
    if running && state == CameraState::Running {
        let opened = device
            .camera
            .borrow()
            .info
            .as_ref()
            .map(|info| info.name.clone());
        let name = opened.unwrap_or(name);
        let runs = setup::probe::pictures("trial.running", &name, frame_px);
        return Ok(ProbeResult::good(runs));
    }
    let mut settings = device.settings.camera.clone();
    // Nobody waits longer for an answer in a browser.
    settings.timeout_ms = settings.timeout_ms.min(10_000);
    let tried = move || setup::probe::camera(&name, &settings);
    tokio::task::spawn_blocking(tried)
        .await
        .map_err(ApiError::ours)
}
