//! Password in, cookie out.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use serde::{Deserialize, Serialize};

use super::{
    access::{COOKIE, session},
    access_state::AccessState,
    device_state::DeviceState,
    error::ApiError,
    server::Peer,
    sync::lock,
};
use crate::config::origin::origin;

/// The longest password that is looked at, in bytes.
const LONGEST: usize = 256;
/// Seconds that a browser keeps the cookie; sessions end sooner when they are not used.
const COOKIE_S: u32 = 30 * 24 * 3600;

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
    ConnectInfo(Peer(from)): ConnectInfo<Peer>,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let entry: LoginRequest = serde_json::from_slice(&body).map_err(|error| {
        let text = format!("send {{\"password\": \"...\"}}: {error}");
        ApiError::new(StatusCode::BAD_REQUEST, text)
    })?;
    if !access.keys.locked() {
        let text = "nothing is locked here: there is neither web.password nor web.token_file";
        return Err(ApiError::new(StatusCode::NOT_FOUND, text));
    }
    let guess = lock(&access.guesses).take(from.ip(), Instant::now());
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
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "wrong password"));
    }
    lock(&access.guesses).forgive(from.ip());
    let secret = lock(&access.sessions).open(Instant::now());
    let secret = secret.map_err(ApiError::ours)?;
    Ok((StatusCode::NO_CONTENT, cookie(&secret, COOKIE_S)))
}

/// `POST /logout`.
pub(super) async fn leave(
    State(access): State<Arc<AccessState>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    if let Some(secret) = session(&headers) {
        lock(&access.sessions).close(secret);
    }
    (StatusCode::NO_CONTENT, cookie("", 0))
}

/// `GET /api/v1/door`.
pub(super) async fn door(
    State(access): State<Arc<AccessState>>,
    State(device): State<Arc<DeviceState>>,
) -> Json<LoginState> {
    let others = &device.settings.web.others;
    Json(LoginState {
        locked: access.keys.locked(),
        setup: !device.settings.notice.acknowledged,
        others: others.iter().filter_map(|page| origin(page)).collect(),
    })
}

/// Not `Secure`: the device speaks plain HTTP; behind a proxy with TLS the proxy adds it.
fn cookie(secret: &str, seconds: u32) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    let value = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    AppendHeaders([(header::SET_COOKIE, value)])
}
