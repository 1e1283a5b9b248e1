//! W012: what the document names has to be there.

use super::{Subject, at};
use crate::compile::placed;
use crate::condition::{Subject as Tested, TestKind};
use crate::document::{Faults, scalar::did_you_mean};
use crate::ids::{Name, SegmentId, StepId, WorkflowId};
use crate::segment::Membership;
use crate::version::{StepIndex, StepKind, Trigger};

/// W012: a reference to what is missing, unpublished or of another kind.
pub(crate) fn missing(subject: &Subject<'_>, faults: &mut Faults) {
    let named = match &subject.version.entry.trigger {
        Trigger::Segment { segment, .. } => Some((segment, "/entry/segment")),
        Trigger::Schedule(schedule) => Some((&schedule.segment, "/entry/schedule/segment")),
        Trigger::Event { .. }
        | Trigger::Attribute { .. }
        | Trigger::Milestone(_)
        | Trigger::Inactivity(_)
        | Trigger::Api => None,
    };
    if let Some((segment, pointer)) = named
        && let Some(message) = no_segment(subject, segment)
    {
        faults.rule_at("W012", pointer, message);
    }
    for placed in placed::around(subject.version) {
        tests(subject, &placed, None, faults);
    }
    for (n, step) in subject.steps() {
        for placed in placed::of_step(step) {
            tests(subject, &placed, Some(&step.id), faults);
        }
        named_by(subject, n, &step.kind, faults);
    }
}

fn named_by(subject: &Subject<'_>, n: usize, kind: &StepKind, faults: &mut Faults) {
    match kind {
        StepKind::Send { template, .. } => {
            if !subject.context.templates.contains_key(&template.id) {
                let message = format!(
                    "Step {} sends template `{}`, which does not exist. Save it first, or name another one.",
                    subject.name(n),
                    template.id
                );
                faults.rule("W012", subject, n, "/send/template", message);
            }
        }
        StepKind::Segment { add, remove, .. } => {
            for (field, ids) in [("add", add), ("remove", remove)] {
                if let Some(message) = ids.iter().find_map(|id| not_manual(subject, id)) {
                    faults.rule("W012", subject, n, &format!("/segment/{field}"), message);
                }
            }
        }
        StepKind::JumpOut { workflow, step, .. } => jump(subject, n, workflow, step.as_ref(), faults),
        StepKind::Wait { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::Exit { .. } => {}
    }
}

fn no_segment(subject: &Subject<'_>, id: &SegmentId) -> Option<String> {
    (!subject.context.segments.contains_key(id))
        .then(|| format!("There is no segment `{id}`. Save it first, or name another one."))
}

fn not_manual(subject: &Subject<'_>, id: &SegmentId) -> Option<String> {
    match subject.context.segments.get(id) {
        None => no_segment(subject, id),
        Some(Membership::Manual) => None,
        Some(Membership::When(_)) => Some(format!(
            "Segment `{id}` has a condition that says who is in it, so a step cannot change that. Name a manual segment."
        )),
    }
}

fn jump(subject: &Subject<'_>, n: usize, workflow: &WorkflowId, step: Option<&StepId>, faults: &mut Faults) {
    let target = if *workflow == subject.version.workflow {
        Some(subject.version)
    } else {
        subject.context.workflows.get(workflow).map(AsRef::as_ref)
    };
    let Some(target) = target else {
        let message = format!(
            "Step {} jumps into workflow `{workflow}`, which is not published. Publish it first, or name another one.",
            subject.name(n)
        );
        faults.rule("W012", subject, n, "/jump/workflow", message);
        return;
    };
    if let Some(step) = step
        && target.index_of(step).is_none()
    {
        let message =
            format!("Workflow `{workflow}` has no step `{step}`. Name one of its steps, or leave `step` out.");
        faults.rule("W012", subject, n, "/jump/step", message);
    }
}

fn tests(subject: &Subject<'_>, placed: &placed::Placed<'_>, step: Option<&StepId>, faults: &mut Faults) {
    for (test, pointer) in placed.tests() {
        let found = match &test.kind {
            TestKind::Segment(id) => no_segment(subject, id).map(|message| ("segment", message)),
            TestKind::Engaged { kind, step, link, .. } => {
                let field = match kind {
                    crate::condition::EngagedKind::Opened => "opened",
                    crate::condition::EngagedKind::Clicked => "clicked",
                    crate::condition::EngagedKind::Delivered => "delivered",
                    crate::condition::EngagedKind::Bounced => "bounced",
                    crate::condition::EngagedKind::Complained => "complained",
                };
                step.and_then(|step| no_mail(subject, step))
                    .map(|message| (field, message))
                    .or_else(|| no_link(subject, *step, link.as_deref()?).map(|message| ("link", message)))
            }
            TestKind::Value { subject: Tested::Saved(path), .. } => {
                no_answer(subject, path).map(|message| ("saved", message))
            }
            TestKind::Value { .. }
            | TestKind::Age { .. }
            | TestKind::Did { .. }
            | TestKind::Subscribed(_)
            | TestKind::Visited(_) => None,
        };
        if let Some((field, message)) = found {
            faults.note("W012", super::severity("W012"), format!("{pointer}/{field}"), message, step.cloned());
        }
    }
}

/// Why there is no answer of this name; `None` where there may be one.
fn no_answer(subject: &Subject<'_>, path: &str) -> Option<String> {
    if !subject.draft.broken.is_empty() {
        return None;
    }
    let names = || {
        subject.steps().filter_map(|(_, step)| {
            if let StepKind::Webhook { save_as, .. } = &step.kind { save_as.as_ref().map(Name::as_str) } else { None }
        })
    };
    let name = path.split('.').next().unwrap_or(path);
    (!names().any(|known| known == name)).then(|| {
        let hint = did_you_mean(name, names());
        format!("No webhook saves its answer as {}. Give one of them `save_as`.{hint}", crate::document::quote(name))
    })
}

fn no_mail(subject: &Subject<'_>, step: StepIndex) -> Option<String> {
    let known = !subject.draft.broken.contains_key(&step);
    let kind = &subject.version.step(step)?.kind;
    (known && !matches!(kind, StepKind::Send { .. })).then(|| {
        let name = subject.name(at(step));
        format!("Step {name} sends no mail: it is a `{}`. Name a `send` step.", kind.name())
    })
}

/// Why nobody can click a link of this name; `None` where somebody can, or where nobody knows.
fn no_link(subject: &Subject<'_>, step: Option<StepIndex>, link: &str) -> Option<String> {
    let mut names = Vec::new();
    for (n, found) in subject.steps() {
        if step.is_some_and(|step| at(step) != n) {
            continue;
        }
        if let StepKind::Send { template, .. } = &found.kind {
            names.extend(&subject.context.templates.get(&template.id)?.link_names);
        } else if step.is_some() {
            return None;
        }
    }
    let broken = step.is_some_and(|step| subject.draft.broken.contains_key(&step));
    if broken || names.iter().any(|name| *name == link) {
        return None;
    }
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mend = if list.is_empty() {
        "Give the link a `name` in the template.".to_owned()
    } else {
        format!("The links there are {list}.")
    };
    Some(format!("No link in that mail is named {}. {mend}", crate::document::quote(link)))
}
