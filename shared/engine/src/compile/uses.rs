//! Where documents use an attribute.

use super::placed::{self, Placed};
use super::rules::touches;
use crate::condition::{Condition, Subject, TestKind};
use crate::ids::Name;
use crate::render;
use crate::version::{Anchor, Step, StepKind, Trigger, ValueChange, Version, WaitUntil};

/// The JSON Pointers into a version's document at which an attribute of the contact is used; what its templates show
/// is not among them.
pub fn attribute_in_workflow(version: &Version, name: &Name) -> Vec<String> {
    let mut found = Vec::new();
    match &version.entry.trigger {
        Trigger::Attribute { name: own, .. } if own == name => found.push("/entry/attribute".to_owned()),
        Trigger::Milestone(milestone) if is_of(&milestone.attribute, name) => {
            found.push("/entry/milestone/attribute".to_owned());
        }
        Trigger::Attribute { .. }
        | Trigger::Milestone(_)
        | Trigger::Event { .. }
        | Trigger::Segment { .. }
        | Trigger::Inactivity(_)
        | Trigger::Schedule(_)
        | Trigger::Api => {}
    }
    for placed in placed::all(version) {
        found.extend(in_tests(&placed, name));
    }
    found.extend(version.steps.iter().filter_map(|step| in_step(step, name)));
    found
}

/// The JSON Pointers into a segment's document at which an attribute of the contact is used.
pub fn attribute_in_segment(condition: &Condition, name: &Name) -> Vec<String> {
    in_tests(&Placed { condition, pointer: "/when".to_owned() }, name)
}

/// Whether a value that a template shows is of an attribute of the contact.
pub fn shows_attribute(shown: &str, name: &Name) -> bool {
    shown.strip_prefix("contact.attributes.").is_some_and(|path| is_of(path, name))
}

/// Whether a path is that of an attribute, of a part of it, or of what it is a part of.
fn is_of(path: &str, name: &Name) -> bool {
    touches(path, name.as_str()) || touches(name.as_str(), path)
}

fn in_tests(placed: &Placed<'_>, name: &Name) -> Vec<String> {
    let uses = placed.tests().into_iter().filter_map(|(test, pointer)| match &test.kind {
        TestKind::Value { subject: Subject::Attribute(path), .. } if is_of(path, name) => {
            Some(format!("{pointer}/attribute"))
        }
        TestKind::Age { attribute, .. } if is_of(attribute, name) => Some(format!("{pointer}/age")),
        TestKind::Value { .. }
        | TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => None,
    });
    uses.collect()
}

fn in_step(step: &Step, name: &Name) -> Option<String> {
    let shows = |value: &serde_json::Value| render::used(value).iter().any(|path| shows_attribute(path, name));
    let (uses, place) = match &step.kind {
        StepKind::Wait { until: WaitUntil::Date { anchor: Anchor::Attribute(path), .. }, .. } => {
            (is_of(path, name), "wait/until/attribute")
        }
        StepKind::Update { changes, .. } => {
            let uses = changes.iter().any(|change| {
                is_of(&change.path, name)
                    || match &change.change {
                        ValueChange::Set(value) | ValueChange::Append(value) | ValueChange::Remove(value) => {
                            shows(value)
                        }
                        ValueChange::Unset | ValueChange::Increment(_) => false,
                    }
            });
            (uses, "update")
        }
        StepKind::Emit { properties, .. } => (properties.values().any(shows), "emit/properties"),
        StepKind::Webhook { body, .. } => (body.as_ref().is_some_and(shows), "webhook/body"),
        StepKind::JumpOut { payload, .. } => (payload.as_ref().is_some_and(shows), "jump/payload"),
        StepKind::Wait { .. }
        | StepKind::Send { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Segment { .. }
        | StepKind::Jump { .. }
        | StepKind::Exit { .. } => return None,
    };
    uses.then(|| format!("/steps/{}/{place}", step.id))
}
