//! What is wrong with a document, as data.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StepId;

/// One thing that is wrong with a document, or worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule that found it: see [`crate::document::FAULTS`] and [`crate::compile::RULES`].
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// Where: an RFC 6901 JSON Pointer. What is missing is found where it should have been.
    pub pointer: String,
    /// What is wrong, and how to mend it.
    pub message: String,
    /// The step that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It stands in the way of publishing.
    Error,
    /// It is probably not meant.
    Warning,
    /// It is good to know.
    Info,
}

/// All findings on a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Whether there are no errors.
    pub ok: bool,
    /// In the order in which they were found: faults of shape first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report of these findings.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self { ok: findings.iter().all(|finding| finding.severity != Severity::Error), findings }
    }
}
