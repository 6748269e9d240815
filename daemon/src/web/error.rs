//! Why a request is refused: a status, and JSON that says why and what would work.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// Seconds after which another try makes sense.
    pub(super) retry_s: Option<u32>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, text: impl ToString) -> Self {
        Self {
            status,
            text: text.to_string(),
            retry_s: None,
        }
    }

    /// It may work later.
    pub(super) fn later(status: StatusCode, seconds: u32, text: impl ToString) -> Self {
        Self {
            retry_s: Some(seconds),
            ..Self::new(status, text)
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing at this path; /api/v1/openapi.json lists what there is",
        )
    }

    /// Something of ours failed.
    pub(super) fn ours(text: impl ToString) -> Self {
        let text = text.to_string();
        tracing::error!("the page: {text}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.text }).to_string();
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/json")],
            body,
        )
            .into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer realm=\"moodring\"");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}
