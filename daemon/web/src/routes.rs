//! The handler of each path. Every request passes `access` first.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    access, analyze, app_state::AppState, assets, control, error::ApiError, faces, history, live,
    login, metrics, notice, preview_routes, setup_routes, state,
};

/// The largest body of anything but a photo, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// How long a request may take that is no upload and no live view.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// All routes.
pub(super) fn router(app_state: AppState) -> Router {
    let photo = DefaultBodyLimit::max(app_state.photos.most_bytes());
    let analyze = post(analyze::analyze).layer(photo);
    Router::new()
        .route("/", get(assets::index))
        .route("/login", get(assets::login).post(login::enter))
        .route("/setup", get(assets::setup))
        .route("/face", get(assets::face))
        .route("/face.svg", get(faces::now_as_svg))
        .route("/notice", get(notice::sheet))
        .route(
            "/api/v1/setup",
            get(setup_routes::now).post(setup_routes::save),
        )
        .route("/api/v1/setup/try/{part}", post(setup_routes::attempt))
        .route("/logout", post(login::leave))
        .route("/assets/{file}", get(assets::asset))
        .route("/healthz", get(metrics::healthz))
        .route("/readyz", get(metrics::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/api/v1/openapi.json", get(assets::openapi))
        .route("/api/v1/door", get(login::door))
        .route("/api/v1/state", get(state::state))
        .route("/api/v1/timeline", get(state::timeline))
        .route("/api/v1/events", get(live::events))
        .route("/api/v1/face.png", get(faces::now))
        .route("/api/v1/face.svg", get(faces::now_as_svg))
        .route("/api/v1/emoji/{file}", get(faces::emoji))
        .route("/api/v1/preview.mjpeg", get(preview_routes::stream))
        .route("/api/v1/picture", post(preview_routes::picture))
        .route("/api/v1/control/{thing}", post(control::set))
        .route(
            "/api/v1/history",
            get(history::history).delete(history::forget),
        )
        .route("/api/v1/history.csv", get(history::csv))
        .route("/api/v1/history/events", get(history::events))
        .route("/api/v1/analyze", analyze)
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(within))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app_state.access),
            access::authorize,
        ))
        .with_state(app_state)
}

async fn wrong_method(method: Method) -> ApiError {
    let text = format!("{method} is not for this path; /api/v1/openapi.json lists what is");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text)
}

/// Nobody keeps a handler waiting for a body for ever. Uploads have their own, longer time.
async fn within(request: Request, next: Next) -> Response {
    if request.uri().path() == "/api/v1/analyze" {
        return next.run(request).await;
    }
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let text = "the request took too long to arrive";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, text).into_response()
    })
}
