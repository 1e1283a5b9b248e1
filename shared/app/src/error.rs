//! What a use case answers when it cannot do what it was asked.

use carepath_engine::document::Report;
use serde::Serialize;

use crate::ports::{Retry, StoreError};

/// One fault of a request: where, which rule, and how to mend it. Never a value of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON Pointer into the body; for parameters of the address, their name.
    pub pointer: String,
    /// A stable name of the rule that was broken, such as `unknown_field`.
    pub rule: &'static str,
    /// What would be right.
    pub message: String,
}

impl FieldError {
    /// A fault at a place.
    pub fn new(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), rule, message: message.into() }
    }
}

/// A state of things that something does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// A published workflow refers to it.
    InUse,
    /// It was never published.
    NotPublished,
    /// It is published.
    Published,
    /// The run has no send of which nobody knows.
    NothingUnknown,
    /// The run is over.
    RunEnded,
    /// A condition decides who is in the segment.
    SegmentByCondition,
}

/// Why a use case did not do what it was asked. Nothing in it comes from a contact (S24).
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// There is no such thing.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing: `contact`, `workflow`.
        what: &'static str,
    },
    /// What was sent is not right; every fault at once.
    #[error("{} field(s) of the request are not right", .0.len())]
    Invalid(Vec<FieldError>),
    /// A document that has errors cannot be published.
    #[error("the document has errors, so it cannot be published")]
    Refused(Box<Report>),
    /// It does not fit the state that things are in.
    #[error("{detail}")]
    Conflict {
        /// Which state.
        code: Conflict,
        /// What stands in the way, and what to do first.
        detail: String,
        /// Where in the request that is, as far as that says more.
        errors: Vec<FieldError>,
    },
    /// It is not the revision that the caller has seen.
    #[error("it has changed since it was read")]
    Stale,
    /// Others changed it at the same time, again and again.
    #[error("it is being changed by others at this moment")]
    Busy,
    /// A document of our own making that cannot be read back.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// The kind of document.
        what: &'static str,
    },
    /// A run contradicts its version: a fault of ours.
    #[error("a run and its version contradict each other")]
    Fault(#[from] carepath_engine::Fault),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl UseError {
    /// Whether to try again.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Store(error) => error.retry,
            Self::Busy => Retry::After(None),
            Self::NotFound { .. }
            | Self::Invalid(_)
            | Self::Refused(_)
            | Self::Conflict { .. }
            | Self::Stale
            | Self::Corrupt { .. }
            | Self::Fault(_) => Retry::Never,
        }
    }

    /// A stable name of what is wrong, for lists and counts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Refused(_) => "refused",
            Self::Conflict { .. } => "conflict",
            Self::Stale => "stale",
            Self::Busy => "busy",
            Self::Corrupt { .. } => "unreadable",
            Self::Fault(_) => "contradiction",
            Self::Store(_) => "store",
        }
    }

    /// A single fault of the request.
    pub fn invalid(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, rule, message)])
    }

    /// Something that does not fit the state that things are in.
    pub fn conflict(code: Conflict, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into(), errors: Vec::new() }
    }
}
