//! The workflow document as a whole.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cursor::{At, Fields};
use super::faults::{Faults, quote};
use super::scalar::did_you_mean;
use super::{entry, policy, steps};
use crate::ids::{TopicId, WorkflowId};
use crate::version::{Class, StepIndex, Target, Version};

/// A document as far as it could be read. Only when no fault was noted is its `version` what the document says.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) version: Version,
    /// Steps whose kind could not be read, with the edges that could.
    pub(crate) broken: BTreeMap<StepIndex, Vec<Target>>,
    /// Whether some edge could not be read, so that reachability says nothing.
    pub(crate) loose: bool,
}

/// Reads a workflow document. `None` where there is nothing that further checks could look at.
pub(crate) fn read(document: &Value, number: u32, faults: &mut Faults) -> Option<Draft> {
    let mut fields = At::root(document).fields(faults, "a workflow: an object with `id`, `entry` and `steps`")?;
    let workflow: Option<WorkflowId> = fields
        .need(faults, "id", "the id of the workflow, such as `id: appointment-reminder`")
        .and_then(|at| at.id(faults, "the id of a workflow"));
    let name = fields.take("name").and_then(|at| name(&at, faults));
    let class = class(&mut fields, faults);
    let topic: Option<TopicId> = fields.take("topic").and_then(|at| at.id(faults, "a subscription topic"));
    let start = fields.take("start");
    let body = fields.need(faults, "steps", "the steps, by id");
    let known = body.as_ref().and_then(|at| steps::names(at, faults));
    let names = known.unwrap_or_default();
    let entry = entry::read(&mut fields, faults);
    let exit = entry::exits(&mut fields, &names, faults);
    let goal = entry::goal(&mut fields, &names, faults);
    let policy = policy::read(&mut fields, faults);
    let read = body.map(|at| steps::read(&at, &names, faults)).unwrap_or_default();
    let first = start.map_or(Some(0), |at| first(&at, &names, faults));
    fields.finish(faults);
    if read.steps.is_empty() {
        return None;
    }
    let workflow = workflow.or_else(|| "unnamed".parse().ok())?;
    let version = Version {
        name: name.unwrap_or_else(|| workflow.to_string()),
        workflow,
        number,
        class: class.unwrap_or(Class::Care),
        topic,
        entry,
        exit,
        goal,
        policy,
        start: first.unwrap_or(0),
        steps: read.steps,
    };
    Some(Draft { version, broken: read.broken, loose: read.loose || first.is_none() })
}

/// Reads a name for people.
pub(crate) fn name(at: &At<'_>, faults: &mut Faults) -> Option<String> {
    let text = at.text(faults, "text")?;
    if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        at.bad(faults, "A name has to be 1 to 200 characters of text, in one line.");
        return None;
    }
    Some(text.to_owned())
}

fn class(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Class> {
    fields.need(faults, "class", "what kind of mail it sends: `care`, `operational` or `marketing`").and_then(|at| {
        at.choice(
            faults,
            &[("care", Class::Care), ("operational", Class::Operational), ("marketing", Class::Marketing)],
        )
    })
}

fn first(at: &At<'_>, names: &steps::Steps, faults: &mut Faults) -> Option<StepIndex> {
    let text = at.text(faults, "the id of a step")?;
    let index = names.index(text);
    if index.is_none() {
        let hint = did_you_mean(text, names.names());
        faults.error(
            "W001",
            &*at.pointer,
            format!("This starts at {}, and there is no such step. Name a step.{hint}", quote(text)),
        );
    }
    index
}
