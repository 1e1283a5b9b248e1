//! W009 and W019: workflows that come back to themselves.

use std::collections::BTreeSet;

use super::{Subject, at};
use crate::compile::graph::edges;
use crate::document::Faults;
use crate::ids::WorkflowId;
use crate::version::{StepKind, Target, Trigger, ValueChange, Version};

/// W009: a jump into another workflow from which jumps lead back to it.
pub(crate) fn across_workflows(subject: &Subject<'_>, faults: &mut Faults) {
    let reached = subject.graph.reached();
    for (n, step) in subject.steps().filter(|(n, _)| reached[*n]) {
        let StepKind::JumpOut { workflow, .. } = &step.kind else { continue };
        if comes_back(subject, n) {
            let message = format!(
                "Step {} jumps into workflow `{workflow}`, and jumps lead from there back to it. No step is visited twice, so the \
                 last run would end there. Take one of the jumps out.",
                subject.name(n)
            );
            faults.rule("W009", subject, n, "/jump", message);
        }
    }
}

/// Whether following the jump at `from` leads to it again.
fn comes_back(subject: &Subject<'_>, from: usize) -> bool {
    let own = subject.version;
    let mut seen: BTreeSet<(&WorkflowId, usize)> = BTreeSet::new();
    let mut open: Vec<(&Version, usize)> = vec![];
    open.extend(landing(subject, own, from));
    while let Some((version, step)) = open.pop() {
        if version.workflow == own.workflow && step == from {
            return true;
        }
        if !seen.insert((&version.workflow, step)) {
            continue;
        }
        let Some(found) = version.steps.get(step) else { continue };
        for edge in edges(&found.kind) {
            if let Target::Step(next) = edge.to {
                open.push((version, at(next)));
            }
        }
        open.extend(landing(subject, version, step));
    }
    false
}

/// Where a step of a workflow jumps out to, where it does and where that is published.
fn landing<'s>(subject: &Subject<'s>, version: &'s Version, step: usize) -> Option<(&'s Version, usize)> {
    let StepKind::JumpOut { workflow, step, .. } = &version.steps.get(step)?.kind else { return None };
    let target = if *workflow == subject.version.workflow {
        subject.version
    } else {
        subject.context.workflows.get(workflow).map(AsRef::as_ref)?
    };
    let index = step.as_ref().map_or(Some(target.start), |step| target.index_of(step))?;
    Some((target, at(index)))
}

/// W019: a step that makes the change that starts the workflow, itself or by starting others that do.
pub(crate) fn own_trigger(subject: &Subject<'_>, faults: &mut Faults) {
    for (n, step) in subject.steps() {
        let message = if feeds(&step.kind, subject.version) {
            format!(
                "Step {} makes the very change that starts this workflow, so contacts may go round in it. Change something \
                 else, or see that `reentry` stops them.",
                subject.name(n)
            )
        } else if let Some(other) = comes_round(subject, &step.kind) {
            format!(
                "Step {} starts workflow `{other}`, which leads on to the change that starts this one, so contacts may go round \
                 between them. Change something else, or see that `reentry` stops them.",
                subject.name(n)
            )
        } else {
            continue;
        };
        faults.rule("W019", subject, n, place(&step.kind), message);
    }
}

fn place(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Update { .. } => "/update",
        StepKind::Segment { .. } => "/segment",
        StepKind::JumpOut { .. } => "/jump",
        StepKind::Send { .. }
        | StepKind::Wait { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Jump { .. }
        | StepKind::Exit { .. } => "",
    }
}

/// The workflow that a step starts and from which others are started until one makes the change that starts this one.
/// Jumps that lead back are W009.
fn comes_round<'s>(subject: &'s Subject<'_>, kind: &StepKind) -> Option<&'s WorkflowId> {
    let published = || subject.context.workflows.values().filter(|other| other.workflow != subject.version.workflow);
    let starts = |kind: &StepKind, other: &Version| {
        let jumps = matches!(kind, StepKind::JumpOut { workflow, .. } if *workflow == other.workflow);
        jumps || feeds(kind, other)
    };
    published().filter(|other| starts(kind, other)).map(|other| &other.workflow).find(|first| {
        let mut seen = BTreeSet::new();
        let mut open = vec![*first];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(version) = subject.context.workflows.get(id) else { continue };
            for step in &version.steps {
                if feeds(&step.kind, subject.version) {
                    return true;
                }
                open.extend(published().filter(|next| starts(&step.kind, next)).map(|next| &next.workflow));
            }
        }
        false
    })
}

/// Whether a step makes a change that starts a workflow.
fn feeds(kind: &StepKind, version: &Version) -> bool {
    match (&version.entry.trigger, kind) {
        (Trigger::Attribute { name, to, .. }, StepKind::Update { changes, .. }) => {
            changes.iter().any(|change| touches(&change.path, name.as_str()) && leads_to(&change.change, to.as_ref()))
        }
        (Trigger::Segment { segment, entered: true }, StepKind::Segment { add, .. }) => add.contains(segment),
        (Trigger::Segment { segment, entered: false }, StepKind::Segment { remove, .. }) => remove.contains(segment),
        (_, _) => false,
    }
}

/// Whether changing the attribute at `path` changes the one called `name`.
pub(super) fn touches(path: &str, name: &str) -> bool {
    path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a change can bring about the value that a trigger waits for.
fn leads_to(change: &ValueChange, to: Option<&serde_json::Value>) -> bool {
    match (change, to) {
        (_, None) => true,
        (ValueChange::Set(serde_json::Value::String(text)), Some(_)) if text.contains("{{") || text.contains("{%") => {
            true
        }
        (ValueChange::Set(value), Some(to)) => value == to || value.is_object(),
        (ValueChange::Unset, Some(to)) => to.is_null(),
        (ValueChange::Increment(_), Some(to)) => to.is_number(),
        (ValueChange::Append(_) | ValueChange::Remove(_), Some(to)) => to.is_array(),
    }
}
