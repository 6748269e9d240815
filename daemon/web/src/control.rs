//! Control from the page: the same texts and the same command channel as MQTT's.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use moodring_base::{
    command::{ControlName, parse},
    config::ThemeName,
    control::{CalibrationState, Controls},
};
use moodring_core::frame::Millis;
use serde::Serialize;

use super::{device_state::DeviceState, error::ApiError};

/// How everything is set that can be set, each as the text that sets it.
#[derive(Serialize)]
pub(super) struct ControlsJson<'a> {
    camera: String,
    source: String,
    sources: &'a [String],
    /// Whether there is a display to be switched, dimmed and coloured.
    has_display: bool,
    display: String,
    brightness: u8,
    theme: String,
    themes: [&'static str; ThemeName::ALL.len()],
    sensitivity: u8,
    /// The kept resting face, and how far learning one is.
    calibration: CalibrationState,
    /// Whether the settings allow keeping pictures on this device.
    picture: bool,
    /// Whether they allow giving pictures to browsers.
    picture_here: bool,
    preview: &'static str,
    preview_allowed: bool,
    /// Seconds until it goes off by itself.
    preview_left_s: Option<u64>,
}

impl<'a> ControlsJson<'a> {
    /// As it is now.
    pub(super) fn new(controls: &'a Controls, now: Millis) -> Self {
        let left = |until: Millis| until.since(now).div_ceil(1_000);
        let value = |thing: ControlName| thing.value(controls).unwrap_or_default();
        Self {
            camera: value(ControlName::Camera),
            source: value(ControlName::Source),
            sources: &controls.cameras,
            has_display: controls.has_display,
            display: value(ControlName::Display),
            brightness: controls.brightness,
            theme: value(ControlName::Theme),
            themes: ThemeName::ALL.map(ThemeName::name),
            sensitivity: controls.sensitivity,
            calibration: controls.calibration,
            picture: controls.may_take_picture,
            picture_here: controls.may_give_picture,
            preview: match controls.preview_until {
                Some(_) => "on",
                None => "off",
            },
            preview_allowed: controls.preview_allowed,
            preview_left_s: controls.preview_until.map(left),
        }
    }
}

/// What was asked for. It is done by others, right after; the state then shows it.
#[derive(Serialize)]
pub(super) struct ControlAnswer {
    asked: &'static str,
}

/// `POST /api/v1/control/{thing}`: the body is the request as text, such as `off` or `60`.
pub(super) async fn set(
    State(device): State<Arc<DeviceState>>,
    thing: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<(StatusCode, Json<ControlAnswer>), ApiError> {
    let bad = |text: String| ApiError::new(StatusCode::BAD_REQUEST, text);
    let Path(name) = thing.map_err(|e| bad(e.body_text()))?;
    let thing = ControlName::from_name(&name).ok_or_else(|| {
        let names = ControlName::ALL.map(ControlName::name).join(", ");
        ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is nothing of that name to set; there are {names}"),
        )
    })?;
    let command = parse(thing, &body, &device.controls.borrow());
    let command = command.map_err(|error| bad(format!("{}: {error}", thing.name())))?;
    device
        .commands
        .send(command)
        .map_err(|error| ApiError::later(StatusCode::TOO_MANY_REQUESTS, 1, error))?;
    let asked = thing.name();
    Ok((StatusCode::ACCEPTED, Json(ControlAnswer { asked })))
}
