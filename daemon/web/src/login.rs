//! `POST /login`: checks the password and sets the session's cookie; `/logout` ends the session.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use moodring_base::config::origin::origin;
use serde::{Deserialize, Serialize};

use super::{
    access::{COOKIE, session},
    access_state::AccessState,
    credentials::SESSION,
    device_state::DeviceState,
    error::ApiError,
    proxies::{Scheme, Visitor},
    sync::lock,
};

/// The longest password that is looked at, in bytes.
const LONGEST: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    password: String,
}

/// Whether one must log in, and whether one has.
#[derive(Serialize)]
pub(super) struct LoginState {
    locked: bool,
    /// Whether the set-up was never done.
    setup: bool,
    /// Pages of other cameras.
    others: Vec<String>,
}

/// `POST /login`.
pub(super) async fn enter(
    State(access): State<Arc<AccessState>>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let entry: LoginRequest = serde_json::from_slice(&body).map_err(|error| {
        let text = format!("send {{\"password\": \"...\"}}: {error}");
        ApiError::new(StatusCode::BAD_REQUEST, text)
    })?;
    if !access.keys.is_required() {
        let text = "nothing is locked here: there is neither web.password nor web.token_file";
        return Err(ApiError::new(StatusCode::NOT_FOUND, text));
    }
    let guess = lock(&access.guesses).take(visitor.address, Instant::now());
    let guest = guess.map_err(|wait| {
        let seconds = wait.as_secs() as u32 + 1;
        let text = format!("too many guesses; try again in {seconds} s");
        ApiError::later(StatusCode::TOO_MANY_REQUESTS, seconds, text)
    })?;
    // One that is longer is wrong, and costs nothing.
    let right_length = entry.password.len() <= LONGEST;
    let given = if right_length {
        entry.password
    } else {
        String::new()
    };
    let opens = access.passwords.check(given, guest).await;
    let opens = opens.ok_or_else(|| ApiError::ours("the thread that checks passwords is gone"))?;
    if !opens {
        if let Some(count) = lock(&access.guesses).wrong(Instant::now()) {
            let from = visitor.address;
            tracing::warn!(
                "wrong password at the page from {from} ({count} since this was last told)"
            );
        }
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong password"));
    }
    lock(&access.guesses).reset(visitor.address);
    let secret = lock(&access.sessions).open(Instant::now());
    let secret = secret.map_err(ApiError::ours)?;
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders(cookie(&secret, visitor.scheme)),
    ))
}

/// `POST /logout`.
pub(super) async fn leave(
    State(access): State<Arc<AccessState>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> impl IntoResponse {
    if let Some(secret) = session(&headers) {
        lock(&access.sessions).close(secret);
    }
    (
        StatusCode::NO_CONTENT,
        AppendHeaders(cookie("", visitor.scheme)),
    )
}

/// `GET /api/v1/door`.
pub(super) async fn door(
    State(access): State<Arc<AccessState>>,
    State(device): State<Arc<DeviceState>>,
) -> Json<LoginState> {
    let others = &device.settings.web.others;
    Json(LoginState {
        locked: access.keys.is_required(),
        setup: !device.settings.notice.acknowledged,
        others: others.iter().filter_map(|page| origin(page)).collect(),
    })
}

/// The cookie of a session, which the browser keeps as long as the session lasts after this answer; without a secret the one
/// that ends it. `Secure` where a believed proxy speaks TLS; the device itself speaks plain HTTP.
pub(super) fn cookie(secret: &str, scheme: Scheme) -> Option<(header::HeaderName, HeaderValue)> {
    let seconds = match secret {
        "" => 0,
        _ => SESSION.as_secs(),
    };
    let secure = match scheme {
        Scheme::Https => "; Secure",
        Scheme::Http => "",
    };
    let text =
        format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    // What a browser sends as a secret was compared with ours, so it is header text.
    let value = HeaderValue::from_str(&text).ok()?;
    Some((header::SET_COOKIE, value))
}
