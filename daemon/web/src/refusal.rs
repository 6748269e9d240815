//! Why a request may not pass, as a program or a person reads it.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use moodring_base::translations::text;

use super::{
    error::ApiError,
    notice::{escaped, language},
};

/// What people open in a browser; the rest is for programs.
const PAGES: [&str; 5] = ["/", "/face", "/login", "/notice", "/setup"];
/// A dark sheet with one sentence, that tries again each minute.
const SHEET: &str = include_str!("page/refused.html");

/// Why a request may not pass.
pub(super) enum Refusal {
    /// The reason.
    Error(ApiError),
    /// A page that one sees after logging in.
    Login,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl Refusal {
    /// JSON for a program; for a page a sheet with a sentence, because it may hang on a wall.
    pub(super) fn answer(self, request: &Request) -> Response {
        let error = match self {
            Self::Login => return Redirect::to("login").into_response(),
            Self::Error(error) => error,
        };
        let path = request.uri().path();
        if !PAGES.contains(&path) {
            return error.into_response();
        }
        let language = language(request.uri(), request.headers());
        let locked = error.status == StatusCode::UNAUTHORIZED && path == "/face";
        let sentence = if locked {
            text(language, "face.locked")
        } else {
            &error.text
        };
        let sheet = SHEET
            .replace("lang=\"en\"", &format!("lang=\"{}\"", language.tag()))
            .replace("{{text}}", &escaped(sentence));
        let (status, mut answer) = (error.status, error.into_response());
        *answer.body_mut() = sheet.into();
        *answer.status_mut() = status;
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        answer.headers_mut().insert(header::CONTENT_TYPE, html);
        answer
    }
}
