//! The kinds of steps as types, for the schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::shape::{Day, Duration};
use super::shape_condition::Condition;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Send {
    /// Which template.
    template: String,
    /// Where the run goes after a definite refusal.
    on_failure: Option<String>,
    /// What is done when nobody can say whether the mail was sent.
    on_unknown: Option<OnUnknown>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnUnknown {
    TreatAsSent,
    Resend,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) enum Wait {
    /// For so long.
    For { r#for: Duration },
    /// Until a date.
    Until {
        until: Until,
        /// Added to the date; may be negative.
        offset: Option<Duration>,
        /// The time of day that it is moved to.
        #[schemars(regex(pattern = r"^\d{2}:\d{2}$"))]
        at: Option<String>,
        /// Moved on to the first of these days.
        days: Option<Vec<Day>>,
        /// Where the run goes when the date is missing or past by more than `late_limit`.
        r#else: Option<String>,
        /// How late the wait still passes; 24 hours where it is not given.
        late_limit: Option<Duration>,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) enum Until {
    /// A date of the contact, which the wait follows.
    Attribute { attribute: String },
    /// A date that the run started with.
    Entry { entry: String },
    /// A fixed date.
    At { at: String },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct WaitFor {
    /// What it waits for: the first that comes true is taken.
    paths: Vec<Path>,
    /// How long at most.
    timeout: Duration,
    /// Where the run goes when the time is up.
    next: Option<String>,
    /// Whether what was true before counts.
    already_true: Option<AlreadyTrue>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AlreadyTrue {
    Pass,
    Wait,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Path {
    /// A condition comes true.
    When { when: Condition, next: String },
    /// An event arrives.
    Event { event: String, r#where: Option<Condition>, next: String },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Branch {
    /// The first that holds is taken.
    cases: Vec<Case>,
    /// Where the run goes when none holds.
    next: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
struct Case {
    when: Condition,
    next: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Split {
    shares: Vec<Share>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
struct Share {
    /// In proportion to the sum of all.
    #[schemars(range(max = 1_000_000))]
    weight: u32,
    next: String,
}

/// Changes of attributes, in this order. Values may hold templates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Update {
    set: Option<BTreeMap<String, Value>>,
    unset: Option<OneOrMany>,
    increment: Option<BTreeMap<String, serde_json::Number>>,
    append: Option<BTreeMap<String, Value>>,
    remove: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct SegmentChange {
    add: Option<OneOrMany>,
    remove: Option<OneOrMany>,
}

/// An event of the contact, told by the workflow. What it says may hold templates, its name may not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Emit {
    event: String,
    properties: Option<BTreeMap<String, Value>>,
}

/// A signed HTTP call, as Standard Webhooks describes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Webhook {
    /// Where: `https`, without user name, password or template.
    #[schemars(regex(pattern = r"^https?://"))]
    url: String,
    /// What is told; its texts may hold templates. Where it is not given, opaque ids are told.
    body: Option<Value>,
    /// The name under which the answer is kept: `saved.NAME` in templates, `{ saved: NAME.PATH, … }` in conditions.
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]{0,62}$"))]
    save_as: Option<String>,
    /// Where the run goes after a refusal, or when nobody answered often enough.
    on_failure: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) enum Jump {
    /// To another step.
    Step { step: String },
    /// Into another workflow.
    Workflow {
        workflow: String,
        step: Option<String>,
        /// What the new run starts with; where it is not given, what this one started with.
        payload: Option<BTreeMap<String, Value>>,
        /// Whether this run goes on too.
        stay: Option<bool>,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Exit {
    /// Why, in the author's words.
    reason: String,
}
