//! Refusals, as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was not done, and what would be right.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
}

impl Problem {
    /// A problem with a stable code.
    pub(super) const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail }
    }

    /// A request that is not right.
    pub(super) const fn bad(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// The mailbox file failed.
    pub(super) fn mailbox(error: &rusqlite::Error) -> Self {
        tracing::error!(%error, "the mailbox cannot be used");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "mailbox_failed", "the mailbox file cannot be used; see the log")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({ "type": "about:blank", "title": title, "status": self.status.as_u16(), "code": self.code,
            "detail": self.detail });
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
