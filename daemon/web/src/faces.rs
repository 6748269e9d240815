//! The emoji as PNG: the one of now, and any look to lay over a photo. Drawn by the display's own renderer.

use std::sync::Arc;

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use moodring_core::frame::Millis;
use moodring_display::{FaceImage, FaceSvg, View, sticker, vector_sticker};
use moodring_face::{look::Look, theme::Theme};
use serde::Deserialize;

use super::{device_state::DeviceState, error::ApiError};

/// Sides of a picture in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 16..=512;

const PNG: &str = "image/png";
const SVG: &str = "image/svg+xml";

/// How it is to look.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EmojiQuery {
    size: u32,
    theme: String,
    /// Only `access` reads it.
    #[serde(rename = "token")]
    _token: String,
}

impl Default for EmojiQuery {
    fn default() -> Self {
        Self {
            size: 240,
            theme: "classic".into(),
            _token: String::new(),
        }
    }
}

type QueryResult = Result<Query<EmojiQuery>, QueryRejection>;

fn query(asked: QueryResult) -> Result<(u32, Theme), ApiError> {
    let Query(query) = asked.map_err(|e| ApiError::query(&e))?;
    if !SIZES.contains(&query.size) {
        return Err(bad("size must be 16 to 512 pixels"));
    }
    let theme = Theme::from_name(&query.theme);
    let theme = theme.ok_or_else(|| {
        let names = Theme::ALL.map(|(name, _)| name).join(", ");
        bad(format!("there is no such theme; there are {names}"))
    })?;
    Ok((query.size, *theme))
}

/// `GET /api/v1/face.png`: as on the display now. The theme is the display's.
pub(super) async fn now(
    State(device): State<Arc<DeviceState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (size, _) = query(asked)?;
    let mut portrait = FaceImage::new(&device.settings.display, size, BEGIN);
    portrait.set_theme(device.controls.borrow().theme);
    let png = with_view(&device, |view| {
        portrait.draw(view)?;
        portrait.draw(&view.at(SETTLED))
    });
    let png = png.map_err(ApiError::ours)?;
    Ok(picture(png.unwrap_or_default(), PNG, "no-store"))
}

/// `GET /face.svg`: the face of now alone, sharp at every size.
pub(super) async fn now_as_svg(
    State(device): State<Arc<DeviceState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    query(asked)?;
    let mut portrait = FaceSvg::new(&device.settings.display, BEGIN);
    portrait.set_theme(device.controls.borrow().theme);
    let svg = with_view(&device, |view| {
        let first = portrait.draw(view);
        portrait.draw(&view.at(SETTLED)).or(first)
    });
    Ok(picture(
        svg.unwrap_or_default().into_bytes(),
        SVG,
        "no-store",
    ))
}

/// Times of its own: the face is to be what it will become, not on its way there.
const BEGIN: Millis = Millis(0);
const SETTLED: Millis = Millis(1_000);

fn with_view<T>(device: &DeviceState, draw: impl FnOnce(&View<'_>) -> T) -> T {
    let snapshot = device.snapshots.borrow().clone();
    draw(&View {
        snapshot: &snapshot,
        broker: *device.broker.borrow(),
        source: &device.source,
        device: device.identity.device.as_str(),
        preview: device.preview.until().is_some(),
        now: BEGIN,
        minute: 0,
    })
}

/// `GET /api/v1/emoji/{look}.png` and `.svg`: a look at rest, without a ground.
pub(super) async fn emoji(
    name: Result<Path<String>, PathRejection>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let Path(file) = name.map_err(|e| bad(e.body_text()))?;
    let named = file.rsplit_once('.').and_then(|(name, kind)| {
        let look = Look::from_name(name)?;
        ["png", "svg"].contains(&kind).then_some((look, kind))
    });
    let (look, kind) = named.ok_or_else(|| {
        let names = Look::ALL.map(Look::name).join(", ");
        let text =
            format!("there is no such face; with .png or .svg behind the name there are {names}");
        ApiError::new(StatusCode::NOT_FOUND, text)
    })?;
    let (size, theme) = query(asked)?;
    let cache = "private, max-age=86400";
    if kind == "svg" {
        return Ok(picture(
            vector_sticker(look, &theme).into_bytes(),
            SVG,
            cache,
        ));
    }
    let png = sticker(look, size, &theme).map_err(ApiError::ours)?;
    Ok(picture(png, PNG, cache))
}

fn picture(bytes: Vec<u8>, kind: &'static str, cache: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, bytes).into_response()
}

fn bad(text: impl ToString) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, text)
}
