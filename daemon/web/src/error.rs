//! Why a request is refused: a status, and JSON with the reason and what would work.

use axum::{
    extract::rejection::QueryRejection,
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

    /// What follows the `?` of an address cannot be read, explained to people who write addresses.
    pub(super) fn query(refused: &QueryRejection) -> Self {
        let text = refused.body_text();
        let text = text.rsplit("query string: ").next().unwrap_or_default();
        let mut text = text.to_owned();
        for (rusts, ours) in [
            (
                "invalid digit found in string",
                "it must be a whole number from 0 on",
            ),
            (
                "cannot parse integer from empty string",
                "it must be a whole number from 0 on",
            ),
            ("number too large to fit in target type", "it is too large"),
            ("invalid float literal", "it must be a number"),
            (
                "provided string was not `true` or `false`",
                "it must be true or false",
            ),
        ] {
            text = text.replace(rusts, ours);
        }
        Self::new(StatusCode::BAD_REQUEST, text)
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
