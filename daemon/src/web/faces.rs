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
use moodring_face::{look::Look, theme::Theme};
use serde::Deserialize;

use super::{app_state::AppState, error::ApiError};
use crate::{
    clock::Clock,
    display::{FaceImage, View, sticker},
};

/// Sides of a picture in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 16..=512;

/// How it is to look.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EmojiQuery {
    size: u32,
    theme: String,
}

impl Default for EmojiQuery {
    fn default() -> Self {
        Self {
            size: 240,
            theme: "classic".into(),
        }
    }
}

type QueryResult = Result<Query<EmojiQuery>, QueryRejection>;

fn query(asked: QueryResult) -> Result<(u32, Theme), ApiError> {
    let Query(query) = asked.map_err(|e| bad(e.body_text()))?;
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
    State(app_state): State<Arc<AppState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (size, _) = query(asked)?;
    let snapshot = app_state.snapshots.borrow().clone();
    let view = View {
        snapshot: &snapshot,
        broker: *app_state.broker.borrow(),
        source: &app_state.source,
        device: app_state.identity.device.as_str(),
        preview: app_state.preview.until().is_some(),
    };
    // A clock of its own: the face is asked to be what it is to become, not on its way there.
    let now = Clock::start().now();
    let mut portrait = FaceImage::new(&app_state.settings.display, size, now);
    portrait.set_theme(app_state.controls.borrow().theme);
    let settle = moodring_core::frame::Millis(now.0 + 1_000);
    portrait.draw(&view, now).map_err(ApiError::ours)?;
    let png = portrait.draw(&view, settle).map_err(ApiError::ours)?;
    Ok(picture(png.unwrap_or_default(), "no-store"))
}

/// `GET /api/v1/emoji/{look}.png`: a look at rest, without a ground.
pub(super) async fn emoji(
    name: Result<Path<String>, PathRejection>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let Path(file) = name.map_err(|e| bad(e.body_text()))?;
    let look = file.strip_suffix(".png").and_then(Look::from_name);
    let look = look.ok_or_else(|| {
        let names = Look::ALL.map(Look::name).join(", ");
        let text = format!("there is no such face; with .png behind the name there are {names}");
        ApiError::new(StatusCode::NOT_FOUND, text)
    })?;
    let (size, theme) = query(asked)?;
    let png = sticker(look, size, &theme).map_err(ApiError::ours)?;
    Ok(picture(png, "private, max-age=86400"))
}

fn picture(png: Vec<u8>, cache: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, cache),
    ];
    (headers, png).into_response()
}

fn bad(text: impl ToString) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, text)
}
