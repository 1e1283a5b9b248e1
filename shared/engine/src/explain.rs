//! Explanations: what a decision compared with what (S23). They are data, made where the decision is made.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::phi::Phi;

/// One comparison of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The test as an author would say it, without values of the contact: `attribute risk eq`, `window 08:00-20:00`.
    #[serde(rename = "t")]
    pub test: Arc<str>,
    /// What was found. `null` where there was nothing.
    #[serde(rename = "o", default, skip_serializing_if = "is_null")]
    pub observed: Phi<Value>,
    /// What the document asks for.
    #[serde(rename = "e", default, skip_serializing_if = "is_null")]
    pub expected: Phi<Value>,
    /// How the test came out.
    #[serde(rename = "r")]
    pub result: bool,
    /// Where the observed value was taken from: `contact`, `event`, `entry`, `engagement`, `clock`, `zone of the contact`.
    #[serde(rename = "s")]
    pub source: Cow<'static, str>,
}

fn is_null(value: &Phi<Value>) -> bool {
    value.0.is_null()
}

impl Explanation {
    /// An explanation of a test that needs no more than its name and its outcome.
    pub fn new(test: impl Into<Arc<str>>, result: bool, source: impl Into<Cow<'static, str>>) -> Self {
        Self {
            test: test.into(),
            observed: Phi(Value::Null),
            expected: Phi(Value::Null),
            result,
            source: source.into(),
        }
    }

    /// The same, saying what was found.
    #[must_use]
    pub fn observed(mut self, value: impl Into<Value>) -> Self {
        self.observed = Phi(value.into());
        self
    }

    /// The same, saying what was asked for.
    #[must_use]
    pub fn expected(mut self, value: impl Into<Value>) -> Self {
        self.expected = Phi(value.into());
        self
    }
}
