//! The workflow document as types, from which its JSON Schema is made. Documents are read by hand, so that every fault is
//! found; a test keeps these types and the reader in agreement.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;

use super::shape_condition::Condition;
use super::shape_steps::{Branch, Emit, Exit, Jump, SegmentChange, Send, Split, Update, Wait, WaitFor, Webhook};
use super::shape_triggers::{Inactivity, Milestone, Schedule};
use crate::version::Class;

/// The JSON Schema (2020-12) of workflow documents. It says what their shape is; what [`crate::compile::check`] finds
/// beyond that, a schema cannot say.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Workflow>().to_value();
    without_null(&mut schema);
    schema
}

/// Optional fields are left out, never null: serde takes both, the reader does not.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = &types[..] {
                    let one = one.clone();
                    map.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(options)) = map.get_mut("anyOf") {
                options.retain(|option| option.get("type") != Some(&Value::from("null")));
                if let [Value::Object(one)] = &options[..] {
                    let one = one.clone();
                    map.remove("anyOf");
                    map.extend(one);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A workflow: what starts it, the steps that contacts go through, and when it ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub struct Workflow {
    /// The id of the workflow.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$"))]
    id: String,
    /// For people.
    name: Option<String>,
    /// What kind of mail it sends, which decides whether a subscription is asked for.
    class: Class,
    /// The subscription topic of its mails; marketing needs one.
    topic: Option<String>,
    /// What starts a run.
    entry: Entry,
    /// What ends a run early.
    exit: Option<Vec<Rule>>,
    /// What the workflow is for: reaching it ends a run.
    goal: Option<Goal>,
    /// When and how often its mails may go out.
    send_policy: Option<SendPolicy>,
    /// The first step; where it is not given, the first of the document.
    start: Option<String>,
    /// The steps by id, in order.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 500))]
    steps: BTreeMap<String, Step>,
}

/// What starts a run: exactly one trigger.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Entry {
    /// An event arrives.
    Event {
        event: String,
        r#where: Option<Box<Condition>>,
        filter: Option<Box<Condition>>,
        key: Option<String>,
        reentry: Option<Reentry>,
    },
    /// An attribute changes.
    Attribute {
        attribute: String,
        from: Option<Value>,
        to: Option<Value>,
        filter: Option<Box<Condition>>,
        key: Option<String>,
        reentry: Option<Reentry>,
    },
    /// The contact enters or leaves a segment.
    Segment { segment: String, on: On, filter: Option<Box<Condition>>, key: Option<String>, reentry: Option<Reentry> },
    /// A date of the contact comes round.
    Milestone { milestone: Milestone, filter: Option<Box<Condition>>, key: Option<String>, reentry: Option<Reentry> },
    /// Nothing of some kinds has happened for so long.
    Inactivity { inactivity: Inactivity, filter: Option<Box<Condition>>, key: Option<String>, reentry: Option<Reentry> },
    /// The time comes, for everybody in a segment.
    Schedule { schedule: Schedule, filter: Option<Box<Condition>>, key: Option<String>, reentry: Option<Reentry> },
    /// Only a request starts it.
    Api {
        #[schemars(extend("const" = true))]
        api: bool,
        filter: Option<Box<Condition>>,
        key: Option<String>,
        reentry: Option<Reentry>,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum On {
    Enter,
    Leave,
}

/// Whether a contact may come again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Reentry {
    /// When at all.
    Mode(Mode),
    /// When at all, and how often.
    Full { mode: Mode, min_gap: Option<Duration>, max_entries: Option<u32> },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Never,
    AfterExit,
    Always,
}

/// A length of time: ISO 8601 (`P3D`) or friendly (`3d`, `4h 30m`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Duration(String);

/// What ends a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Rule {
    /// An event arrives.
    Event { event: String, r#where: Option<Condition> },
    /// A condition comes true.
    When { when: Condition },
}

/// What the workflow is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Goal {
    /// An event arrives.
    Event { event: String, r#where: Option<Condition>, within: Option<Duration> },
    /// A condition comes true.
    When { when: Condition, within: Option<Duration> },
}

/// When and how often mails may go out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
struct SendPolicy {
    /// Local times of day; may cross midnight.
    #[schemars(regex(pattern = r"^\d{2}:\d{2}\s*-\s*\d{2}:\d{2}$"))]
    window: Option<String>,
    /// Days of the week.
    days: Option<Vec<Day>>,
    /// The IANA zone for contacts that have none.
    zone: Option<String>,
    /// What happens to a mail outside the window.
    on_closed: Option<Otherwise>,
    /// The most mails to one contact.
    cap: Option<Cap>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    Defer,
    Skip,
    Exit,
}

/// The most mails in a rolling time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
struct Cap {
    /// How many.
    #[schemars(range(min = 1, max = 1000))]
    max: u32,
    /// In how long.
    per: Duration,
    /// What happens to one more.
    on_capped: Option<Otherwise>,
}

/// A step: exactly one kind, and where it leads. `next: end` ends the run; only the last step may leave `next` out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Step {
    /// One email.
    Send { send: Send, next: Option<String> },
    /// Waits for a time.
    Wait { wait: Wait, next: Option<String> },
    /// Waits for one of several things.
    WaitFor { wait_for: WaitFor },
    /// Decides.
    Branch { branch: Branch },
    /// Deals contacts out.
    Split { split: Split },
    /// Changes attributes.
    Update { update: Update, next: Option<String> },
    /// Changes membership of manual segments.
    Segment { segment: SegmentChange, next: Option<String> },
    /// Tells an event of the contact.
    Emit { emit: Emit, next: Option<String> },
    /// Calls somebody outside.
    Webhook { webhook: Webhook, next: Option<String> },
    /// Goes on elsewhere.
    Jump { jump: Jump, next: Option<String> },
    /// Ends the run.
    Exit { exit: Exit },
}
