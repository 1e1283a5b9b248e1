//! The steps that do not wait.

use minijinja::Environment;
use serde_json::Value;

use super::cursor::{At, Fields};
use super::scalar::is_shallow;
use super::steps::Reading;
use crate::condition::parse::{self, MAX_DEPTH, Scope};
use crate::ids::{SegmentId, StepId, WorkflowId};
use crate::version::{AttributeChange, Case, OnUnknown, Share, StepIndex, StepKind, Target, TemplateRef, ValueChange};

pub(crate) fn send(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object with `template`")?;
    let template = fields
        .need(reading.faults, "template", "the id of the template to send")
        .and_then(|template| template.id(reading.faults, "the id of a template"));
    let on_failure = fields.take("on_failure").map(|edge| reading.edge(&edge));
    let on_unknown = fields.take("on_unknown").map_or(Some(OnUnknown::TreatAsSent), |choice| {
        choice.choice(reading.faults, &[("treat_as_sent", OnUnknown::TreatAsSent), ("resend", OnUnknown::Resend)])
    });
    fields.finish_with(reading.faults, |key| (key == "next").then_some("Write it beside `send`."));
    // The version is pinned when the workflow is compiled.
    let template = TemplateRef { id: template?, version: 0 };
    Some(StepKind::Send { template, next, on_failure, on_unknown: on_unknown? })
}

pub(crate) fn branch(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "an object with `cases` and `next`")?;
    let next = reading.need_next(&mut fields, "where the run goes when no case holds, or `next: end`");
    let cases = fields.need(reading.faults, "cases", "a list of cases");
    let items = cases.as_ref().and_then(|cases| {
        let items = cases.items(reading.faults, "a list of cases")?;
        reading.count(cases, items.len()).then_some(items)
    });
    let cases = items.and_then(|items| {
        let count = items.len();
        let read: Vec<Case> = items.iter().filter_map(|item| case(item, reading)).collect();
        (read.len() == count).then_some(read)
    });
    fields.finish(reading.faults);
    Some(StepKind::Branch { cases: cases?, next })
}

fn case(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Case> {
    let mut fields = at.fields(reading.faults, "a case, such as `{ when: { segment: vip }, next: thank }`")?;
    let next = reading.need_next(&mut fields, "where this case leads");
    let scope = Scope::run(reading.steps);
    let when = fields
        .need(reading.faults, "when", "the condition of this case")
        .and_then(|when| parse::read(&when, scope, reading.faults));
    fields.finish(reading.faults);
    Some(Case { when: when?, next })
}

pub(crate) fn split(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "an object with `shares`")?;
    let shares = fields.need(reading.faults, "shares", "a list of shares");
    let items = shares.as_ref().and_then(|shares| {
        let items = shares.items(reading.faults, "a list of shares")?;
        reading.count(shares, items.len()).then_some(items)
    });
    let read = items.and_then(|items| {
        let count = items.len();
        let read: Vec<Share> = items.iter().filter_map(|item| share(item, reading)).collect();
        (read.len() == count).then_some(read)
    });
    if let (Some(at), Some(read)) = (&shares, &read)
        && read.iter().all(|share| share.weight == 0)
    {
        at.bad(reading.faults, "All shares have weight 0, so nobody could go anywhere; give one of them a weight.");
    }
    fields.finish(reading.faults);
    Some(StepKind::Split { shares: read? })
}

fn share(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Share> {
    let mut fields = at.fields(reading.faults, "a share, such as `{ weight: 50, next: reminder }`")?;
    let next = reading.need_next(&mut fields, "where this share goes; a holdout has `next: end`");
    let weight = fields
        .need(reading.faults, "weight", "its weight, in proportion to the sum of all")
        .and_then(|weight| weight.whole(reading.faults, 0, 1_000_000));
    fields.finish(reading.faults);
    Some(Share { weight: weight?, next })
}

pub(crate) fn update(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object such as `{ set: { confirmed: true } }`")?;
    let mut changes = Vec::new();
    let mut whole = true;
    if let Some(set) = fields.take("set") {
        whole &= by_path(&set, reading, &mut changes, |value| Some(ValueChange::Set(value.clone())));
    }
    if let Some(unset) = fields.take("unset") {
        whole &= paths(&unset, reading, &mut changes);
    }
    if let Some(increment) = fields.take("increment") {
        whole &=
            by_path(&increment, reading, &mut changes, |value| value.as_number().cloned().map(ValueChange::Increment));
    }
    if let Some(append) = fields.take("append") {
        whole &= by_path(&append, reading, &mut changes, |value| Some(ValueChange::Append(value.clone())));
    }
    if let Some(remove) = fields.take("remove") {
        whole &= by_path(&remove, reading, &mut changes, |value| Some(ValueChange::Remove(value.clone())));
    }
    if whole && changes.is_empty() {
        at.bad(reading.faults, "This changes nothing; give it `set`, `unset`, `increment`, `append` or `remove`.");
        whole = false;
    }
    fields.finish_with(reading.faults, |key| (key == "next").then_some("Write it beside `update`."));
    whole.then_some(StepKind::Update { changes, next })
}

fn by_path(
    at: &At<'_>,
    reading: &mut Reading<'_, '_>,
    changes: &mut Vec<AttributeChange>,
    change: impl Fn(&Value) -> Option<ValueChange>,
) -> bool {
    let Some(entries) = at.entries(reading.faults, "an object of values by attribute") else { return false };
    let mut whole = true;
    for (path, value) in entries {
        if !super::scalar::is_path(path) {
            value.bad(reading.faults, "The name of an attribute is a path: names with dots between them.");
            whole = false;
        }
        whole &= templates(&value, reading);
        if let Some(change) = change(value.value) {
            changes.push(AttributeChange { path: path.to_owned(), change });
        } else {
            value.wrong(reading.faults, "a number");
            whole = false;
        }
    }
    whole
}

fn paths(at: &At<'_>, reading: &mut Reading<'_, '_>, changes: &mut Vec<AttributeChange>) -> bool {
    const WANTED: &str = "the path of an attribute";
    let items = if at.value.is_string() { Some(vec![at.clone()]) } else { at.items(reading.faults, WANTED) };
    let Some(items) = items else { return false };
    let mut whole = true;
    for item in items {
        match item.path(reading.faults, WANTED) {
            Some(path) => changes.push(AttributeChange { path, change: ValueChange::Unset }),
            None => whole = false,
        }
    }
    whole
}

/// Checks that the templates inside a value can be read.
pub(super) fn templates(at: &At<'_>, reading: &mut Reading<'_, '_>) -> bool {
    if !is_shallow(at.value, MAX_DEPTH) {
        let message = format!("Values may be nested {MAX_DEPTH} deep; use a simpler one.");
        reading.faults.error("D006", &*at.pointer, message);
        return false;
    }
    let mut open = vec![at.value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.contains("{{") || text.contains("{%") => {
                if let Err(problem) = Environment::new().template_from_str(text) {
                    let detail = problem.detail().unwrap_or("it cannot be read").to_owned();
                    at.bad(reading.faults, format!("The template in this value has a fault: {detail}."));
                    return false;
                }
            }
            Value::Array(list) => open.extend(list),
            Value::Object(map) => open.extend(map.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    true
}

pub(crate) fn segment(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object with `add` or `remove`")?;
    let add = fields.take("add").map_or(Some(Vec::new()), |at| segments(&at, reading));
    let remove = fields.take("remove").map_or(Some(Vec::new()), |at| segments(&at, reading));
    if !fields.has("add") && !fields.has("remove") {
        at.bad(reading.faults, "This changes nothing; give it `add` or `remove` with the id of a segment.");
    }
    fields.finish_with(reading.faults, |key| (key == "next").then_some("Write it beside `segment`."));
    let (add, remove) = (add?, remove?);
    if let Some(both) = add.iter().find(|id| remove.contains(id)) {
        at.bad(reading.faults, format!("Segment `{both}` is under `add` and under `remove`; decide for one."));
    }
    Some(StepKind::Segment { add, remove, next })
}

fn segments(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Vec<SegmentId>> {
    const WANTED: &str = "the id of a segment";
    let items = if at.value.is_string() { vec![at.clone()] } else { at.items(reading.faults, WANTED)? };
    let count = items.len();
    let read: Vec<SegmentId> = items.iter().filter_map(|item| item.id(reading.faults, WANTED)).collect();
    (read.len() == count).then_some(read)
}

pub(crate) fn jump(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "an object with `step` or `workflow`")?;
    if !fields.has("workflow") {
        let to =
            fields.need(reading.faults, "step", "the step to jump to, or `workflow`").map(|to| inside(&to, reading));
        fields.finish_with(reading.faults, |key| match key {
            "stay" | "payload" => Some("It goes with `workflow`: inside a workflow a run is at one step only."),
            _ => None,
        });
        return Some(StepKind::Jump { to: to?? });
    }
    let workflow: Option<WorkflowId> =
        fields.take("workflow").and_then(|workflow| workflow.id(reading.faults, "the id of a workflow"));
    let target: Option<Option<StepId>> =
        fields.take("step").map_or(Some(None), |step| step.id(reading.faults, "the id of a step").map(Some));
    let payload = fields.take("payload").map_or(Some(None), |payload| {
        if !payload.value.is_object() {
            payload.wrong(reading.faults, "an object, which becomes the entry of the new run");
            return None;
        }
        templates(&payload, reading).then(|| Some(payload.value.clone()))
    });
    let stays = fields.take("stay").map_or(Some(false), |stay| stay.flag(reading.faults));
    let stay: Option<Target> = if stays == Some(true) { Some(reading.next(step)) } else { None };
    fields.finish(reading.faults);
    stays?;
    Some(StepKind::JumpOut { workflow: workflow?, step: target?, payload: payload?, stay })
}

/// A jump to a step of the same workflow. `end` is no step: a run that is to end has `exit`.
fn inside(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepIndex> {
    if at.value.as_str() == Some("end") {
        at.bad(reading.faults, "A jump leads to a step; to end the run here, use `exit` or `next: end`.");
        return None;
    }
    let before = reading.edges.len();
    match reading.edge(at) {
        Target::Step(index) => Some(index),
        Target::End => {
            reading.edges.truncate(before);
            None
        }
    }
}

pub(crate) fn exit(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "an object with `reason`")?;
    let reason = fields.need(reading.faults, "reason", "why the run ends, in a few words").and_then(|reason| {
        let text = reason.text(reading.faults, "text")?;
        if text.trim().is_empty() || text.chars().count() > 200 {
            reason.bad(reading.faults, "The reason has to be 1 to 200 characters of text.");
            return None;
        }
        Some(text.to_owned())
    });
    fields.finish(reading.faults);
    Some(StepKind::Exit { reason: reason? })
}
