//! Errors as RFC 9457 problems, each with a stable code that has a page under `docs/errors/`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use carepath_app::ports::Retry;
use carepath_app::{Conflict, FieldError, UseError};
use carepath_engine::document::Report;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident;)*) => {
        /// Why something was not done. The only way to a problem leads over one of these, and a code that nothing answers
        /// does not get past the compiler, since nothing but an answer makes one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)*
        }

        /// Every code that the API answers with, as it is sent, and its status.
        pub const CODES: &[(&str, u16)] = &[$(($text, StatusCode::$status.as_u16())),*];

        impl Code {
            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }
        }
    };
}

codes! {
    Busy = "busy", SERVICE_UNAVAILABLE;
    DocumentHasErrors = "document_has_errors", CONFLICT;
    Forbidden = "forbidden", FORBIDDEN;
    InUse = "in_use", CONFLICT;
    Internal = "internal", INTERNAL_SERVER_ERROR;
    Invalid = "invalid", UNPROCESSABLE_ENTITY;
    MalformedJson = "malformed_json", BAD_REQUEST;
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED;
    NotFound = "not_found", NOT_FOUND;
    NotPublished = "not_published", CONFLICT;
    NothingUnknown = "nothing_unknown", CONFLICT;
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE;
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED;
    Published = "published", CONFLICT;
    RunEnded = "run_ended", CONFLICT;
    SegmentByCondition = "segment_by_condition", CONFLICT;
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE;
    TooManyEntries = "too_many_entries", UNPROCESSABLE_ENTITY;
    Unauthorized = "unauthorized", UNAUTHORIZED;
    UnknownRoute = "unknown_route", NOT_FOUND;
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
}

impl From<Conflict> for Code {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::InUse => Self::InUse,
            Conflict::NotPublished => Self::NotPublished,
            Conflict::NothingUnknown => Self::NothingUnknown,
            Conflict::Published => Self::Published,
            Conflict::RunEnded => Self::RunEnded,
            Conflict::SegmentByCondition => Self::SegmentByCondition,
        }
    }
}

/// What a caller is told when something was not done. Nothing in it comes from a contact (S24).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    report: Option<Box<Report>>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), report: None }
    }

    /// What was sent is not right; every fault at once.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "The request is not right: `errors` says where, and what would be.";
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong on our side; it has been logged. Trying again does no harm.";
        Self::new(Code::Internal, detail)
    }

    /// The same, of something that lies below `place` in the body.
    pub(crate) fn below(mut self, place: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, place);
        }
        self
    }

    /// The same, with other pointers where `place` has some.
    pub(crate) fn at(mut self, place: impl Fn(&str) -> Option<String>) -> Self {
        for error in &mut self.errors {
            if let Some(pointer) = place(&error.pointer) {
                error.pointer = pointer;
            }
        }
        self
    }

    /// The faults of fields.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The problem as JSON, with `prefix` before each pointer.
    pub(crate) fn to_json(&self, prefix: &str) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("https://carepath.dev/errors/{}", self.code.text())));
        body.insert("title".into(), json!(self.code.text().replace('_', " ")));
        body.insert("status".into(), json!(self.status().as_u16()));
        body.insert("code".into(), json!(self.code.text()));
        body.insert("detail".into(), json!(self.detail));
        let errors = self.errors.iter().map(|error| {
            let pointer = format!("{prefix}{}", error.pointer);
            json!({ "pointer": pointer, "rule": error.rule, "message": error.message })
        });
        let found = self
            .report
            .iter()
            .flat_map(|report| &report.findings)
            .filter(|finding| finding.severity == carepath_engine::document::Severity::Error);
        let found = found
            .map(|finding| json!({ "pointer": finding.pointer, "rule": finding.rule, "message": finding.message }));
        let errors: Vec<Value> = errors.chain(found).collect();
        if !errors.is_empty() {
            body.insert("errors".into(), Value::Array(errors));
        }
        if let Some(report) = &self.report {
            body.insert("report".into(), json!(report));
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.to_json(""))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic realm=\"carepath\""));
        }
        response
    }
}

impl From<UseError> for Problem {
    fn from(error: UseError) -> Self {
        match error {
            UseError::NotFound { what } => Self::not_found(what),
            UseError::Invalid(errors) => Self::invalid(errors),
            UseError::Refused(report) => {
                let detail = "The draft has errors: mend those that `report` lists, then publish again.";
                Self { report: Some(report), ..Self::new(Code::DocumentHasErrors, detail) }
            }
            UseError::Conflict { code, detail, errors } => Self { errors, ..Self::new(code.into(), detail) },
            UseError::Stale => {
                let detail = "It has changed since you read it: read it again, and repeat the change on that.";
                Self::new(Code::PreconditionFailed, detail)
            }
            UseError::Busy => {
                let detail = "Others are changing it at this moment: try again.";
                Self::new(Code::Busy, detail)
            }
            UseError::Corrupt { what } => {
                tracing::error!(what, "a stored document cannot be read");
                Self::internal()
            }
            UseError::Fault(fault) => {
                tracing::error!(%fault, "a run contradicts its version");
                Self::internal()
            }
            UseError::Store(error) => {
                let cause = error.source.as_deref().map(tracing::field::display);
                tracing::error!(what = error.what, retry = ?error.retry, cause, "the store failed");
                // What the store refuses now it refuses again.
                if error.retry == Retry::Never {
                    return Self::internal();
                }
                let detail = "The store did not answer: try again.";
                Self::new(Code::StoreUnavailable, detail)
            }
        }
    }
}

impl From<carepath_app::ports::StoreError> for Problem {
    fn from(error: carepath_app::ports::StoreError) -> Self {
        UseError::Store(error).into()
    }
}
