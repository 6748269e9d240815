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
use moodring_face::{look::Look, theme::Theme};
use serde::Deserialize;

use super::{refusal::Refusal, site::Site};
use crate::{
    clock::Clock,
    display::{Portrait, VectorPortrait, View, sticker, vector_sticker},
};

/// Sides of a picture in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 16..=512;

const PNG: &str = "image/png";
const SVG: &str = "image/svg+xml";

/// How it is to look.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wishes {
    size: u32,
    theme: String,
    /// Looked at by the gate.
    #[serde(rename = "token")]
    _token: String,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            size: 240,
            theme: "classic".into(),
            _token: String::new(),
        }
    }
}

type Asked = Result<Query<Wishes>, QueryRejection>;

fn wishes(asked: Asked) -> Result<(u32, Theme), Refusal> {
    let Query(wishes) = asked.map_err(|e| bad(e.body_text()))?;
    if !SIZES.contains(&wishes.size) {
        return Err(bad("size must be 16 to 512 pixels"));
    }
    let theme = Theme::from_name(&wishes.theme);
    let theme = theme.ok_or_else(|| {
        let names = Theme::ALL.map(|(name, _)| name).join(", ");
        bad(format!("there is no such theme; there are {names}"))
    })?;
    Ok((wishes.size, *theme))
}

/// `GET /api/v1/face.png`: as on the display now. The theme is the display's.
pub(super) async fn now(State(site): State<Arc<Site>>, asked: Asked) -> Result<Response, Refusal> {
    let (size, _) = wishes(asked)?;
    let (begin, settled) = settling();
    let mut portrait = Portrait::new(&site.settings.display, size, begin);
    portrait.set_theme(site.controls.borrow().theme);
    let png = with_view(&site, |view| {
        portrait.draw(view, begin)?;
        portrait.draw(view, settled)
    });
    let png = png.map_err(Refusal::ours)?;
    Ok(picture(png.unwrap_or_default(), PNG, "no-store"))
}

/// `GET /face.svg`: the face of now alone, sharp at every size.
pub(super) async fn now_as_svg(
    State(site): State<Arc<Site>>,
    asked: Asked,
) -> Result<Response, Refusal> {
    wishes(asked)?;
    let (begin, settled) = settling();
    let mut portrait = VectorPortrait::new(&site.settings.display, begin);
    portrait.set_theme(site.controls.borrow().theme);
    let svg = with_view(&site, |view| {
        let first = portrait.draw(view, begin);
        portrait.draw(view, settled).or(first)
    });
    Ok(picture(
        svg.unwrap_or_default().into_bytes(),
        SVG,
        "no-store",
    ))
}

/// A clock of its own: the face is asked to be what it is to become, not on its way there.
fn settling() -> (Millis, Millis) {
    let begin = Clock::start().now();
    (begin, Millis(begin.0 + 1_000))
}

fn with_view<T>(site: &Site, draw: impl FnOnce(&View<'_>) -> T) -> T {
    let snapshot = site.snapshots.borrow().clone();
    draw(&View {
        snapshot: &snapshot,
        broker: *site.broker.borrow(),
        source: &site.source,
        device: site.who.device.as_str(),
        preview: site.preview.until().is_some(),
    })
}

/// `GET /api/v1/emoji/{look}.png` and `.svg`: a look at rest, without a ground.
pub(super) async fn emoji(
    name: Result<Path<String>, PathRejection>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let Path(file) = name.map_err(|e| bad(e.body_text()))?;
    let named = file.rsplit_once('.').and_then(|(name, kind)| {
        let look = Look::from_name(name)?;
        ["png", "svg"].contains(&kind).then_some((look, kind))
    });
    let (look, kind) = named.ok_or_else(|| {
        let names = Look::ALL.map(Look::name).join(", ");
        let text =
            format!("there is no such face; with .png or .svg behind the name there are {names}");
        Refusal::new(StatusCode::NOT_FOUND, text)
    })?;
    let (size, theme) = wishes(asked)?;
    let cache = "private, max-age=86400";
    if kind == "svg" {
        return Ok(picture(
            vector_sticker(look, &theme).into_bytes(),
            SVG,
            cache,
        ));
    }
    let png = sticker(look, size, &theme).map_err(Refusal::ours)?;
    Ok(picture(png, PNG, cache))
}

fn picture(bytes: Vec<u8>, kind: &'static str, cache: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, bytes).into_response()
}

fn bad(text: impl ToString) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}
