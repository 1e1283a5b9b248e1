//! What steps bring about, and which workflows that starts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Subject;
use super::implication::{self, FUEL};
use super::logic::fact;
use super::loops::touches;
use crate::compile::placed::Placed;
use crate::condition::{Condition, Subject as Tested, TestKind, ValueOp};
use crate::ids::{Name, SegmentId, WorkflowId};
use crate::segment::Membership;
use crate::version::{AttributeChange, StepKind, Trigger, ValueChange, Version};

/// Something that steps bring about and triggers hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Event(&'a Name),
    /// An attribute, by the first part of its path.
    Attribute(&'a str),
    Segment(&'a SegmentId),
    Workflow(&'a WorkflowId),
}

fn attribute(path: &str) -> Key<'_> {
    Key::Attribute(path.split('.').next().unwrap_or(path))
}

/// What a step brings about.
pub(super) struct Brought<'a> {
    /// Where in the step that is written.
    pub(super) place: &'static str,
    /// The workflow that it starts.
    pub(super) workflow: &'a WorkflowId,
    /// The segment with a condition that does, where it is one.
    pub(super) segment: Option<&'a SegmentId>,
}

/// The checked workflow and all published ones, by what may start them.
pub(super) struct Starts<'s> {
    subject: &'s Subject<'s>,
    index: BTreeMap<Key<'s>, Vec<&'s Version>>,
    fuel: u32,
}

impl<'s> Starts<'s> {
    pub(super) fn of(subject: &'s Subject<'s>) -> Self {
        let mut starts = Self { subject, index: BTreeMap::new(), fuel: FUEL };
        for version in starts.all() {
            for key in starts.keys_of(version) {
                starts.index.entry(key).or_default().push(version);
            }
        }
        starts
    }

    fn all(&self) -> impl Iterator<Item = &'s Version> + use<'s> {
        let own = self.subject.version;
        let others = self.subject.context.workflows.values().map(AsRef::as_ref);
        std::iter::once(own).chain(others.filter(|other| other.workflow != own.workflow))
    }

    /// What a workflow's trigger hangs on.
    fn keys_of(&self, version: &'s Version) -> BTreeSet<Key<'s>> {
        let mut keys = BTreeSet::from([Key::Workflow(&version.workflow)]);
        match &version.entry.trigger {
            Trigger::Event { name, .. } => drop(keys.insert(Key::Event(name))),
            Trigger::Attribute { name, .. } => drop(keys.insert(attribute(name.as_str()))),
            Trigger::Segment { segment, .. } => self.of_segment(segment, &mut keys),
            Trigger::Milestone(_) | Trigger::Inactivity(_) | Trigger::Schedule(_) | Trigger::Api => {}
        }
        keys
    }

    /// What it hangs on whether somebody is in a segment, over the segments that its condition names.
    fn of_segment(&self, segment: &'s SegmentId, keys: &mut BTreeSet<Key<'s>>) {
        let mut open = vec![segment];
        while let Some(id) = open.pop() {
            if !keys.insert(Key::Segment(id)) {
                continue;
            }
            let Some(Membership::When(condition)) = self.subject.context.segments.get(id) else { continue };
            for (test, _) in (Placed { condition, pointer: String::new() }).tests() {
                match &test.kind {
                    TestKind::Value { subject: Tested::Attribute(path), .. } => drop(keys.insert(attribute(path))),
                    TestKind::Age { attribute: path, .. } => drop(keys.insert(attribute(path))),
                    TestKind::Did { event, .. } => drop(keys.insert(Key::Event(event))),
                    TestKind::Segment(id) => open.push(id),
                    TestKind::Value { .. }
                    | TestKind::Engaged { .. }
                    | TestKind::Subscribed(_)
                    | TestKind::Visited(_) => {}
                }
            }
        }
    }

    /// The workflows that a step starts, each once, in the order of their ids.
    pub(super) fn by(&mut self, kind: &StepKind) -> Vec<Brought<'s>> {
        let keys: BTreeSet<Key<'_>> = match kind {
            StepKind::Emit { event, .. } => [Key::Event(event)].into(),
            StepKind::Update { changes, .. } => changes.iter().map(|change| attribute(&change.path)).collect(),
            StepKind::Segment { add, remove, .. } => add.iter().chain(remove).map(Key::Segment).collect(),
            StepKind::JumpOut { workflow, .. } => [Key::Workflow(workflow)].into(),
            StepKind::Send { .. }
            | StepKind::Wait { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Branch { .. }
            | StepKind::Split { .. }
            | StepKind::Webhook { .. }
            | StepKind::Jump { .. }
            | StepKind::Exit { .. } => return Vec::new(),
        };
        let mut found: BTreeMap<&WorkflowId, Brought<'s>> = BTreeMap::new();
        for key in keys {
            for version in self.index.get(&key).cloned().unwrap_or_default() {
                if !found.contains_key(&version.workflow)
                    && let Some(brought) = self.starts(kind, version)
                {
                    found.insert(&version.workflow, brought);
                }
            }
        }
        found.into_values().collect()
    }

    fn starts(&mut self, kind: &StepKind, version: &'s Version) -> Option<Brought<'s>> {
        let workflow = &version.workflow;
        if matches!(kind, StepKind::JumpOut { .. }) {
            return Some(Brought { place: "/jump", workflow, segment: None });
        }
        if let Trigger::Segment { segment, entered } = &version.entry.trigger
            && let Some(Membership::When(condition)) = self.subject.context.segments.get(segment)
        {
            let place = self.flips(kind, condition, *entered)?;
            return Some(Brought { place, workflow, segment: Some(segment) });
        }
        Some(Brought { place: feeds(kind, &version.entry.trigger)?, workflow, segment: None })
    }

    /// Where a step may bring a contact into a segment of this condition, or out of it.
    fn flips(&mut self, kind: &StepKind, condition: &Condition, into: bool) -> Option<&'static str> {
        let (place, known) = match kind {
            StepKind::Update { changes, .. } => ("/update", facts(changes)),
            StepKind::Segment { add, remove, .. } => {
                let inside = |id: &SegmentId| fact(TestKind::Segment(id.clone()));
                let outside = |id: &SegmentId| Condition::Not(Box::new(inside(id)));
                let place = if add.is_empty() { "/segment/remove" } else { "/segment/add" };
                (place, add.iter().map(inside).chain(remove.iter().map(outside)).collect())
            }
            StepKind::Emit { .. } => ("/emit/event", Vec::new()),
            StepKind::Send { .. }
            | StepKind::Wait { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Branch { .. }
            | StepKind::Split { .. }
            | StepKind::Webhook { .. }
            | StepKind::Jump { .. }
            | StepKind::JumpOut { .. }
            | StepKind::Exit { .. } => return None,
        };
        let known = Condition::All(known);
        // After the step the condition certainly does not hold, or certainly does.
        let never = if into {
            implication::excludes(&known, condition, &mut self.fuel)
        } else {
            implication::implies(&known, condition, &mut self.fuel)
        };
        (!never).then_some(place)
    }

    /// The other workflows from which steps lead on to what starts the checked one, over any number of others. Jumps that
    /// lead back to it are W009.
    pub(super) fn leading_back(&mut self) -> BTreeSet<&'s WorkflowId> {
        let own = &self.subject.version.workflow;
        let mut before: BTreeMap<&WorkflowId, Vec<&'s WorkflowId>> = BTreeMap::new();
        for version in self.all().skip(1) {
            for step in &version.steps {
                for brought in self.by(&step.kind) {
                    if brought.workflow != own || !matches!(step.kind, StepKind::JumpOut { .. }) {
                        before.entry(brought.workflow).or_default().push(&version.workflow);
                    }
                }
            }
        }
        let mut leading = BTreeSet::new();
        let mut open = vec![own];
        while let Some(id) = open.pop() {
            for from in before.get(id).into_iter().flatten() {
                if leading.insert(*from) {
                    open.push(from);
                }
            }
        }
        leading
    }
}

/// Where a step brings about what a trigger waits for. Segments that conditions keep are another matter.
fn feeds(kind: &StepKind, trigger: &Trigger) -> Option<&'static str> {
    match (trigger, kind) {
        (Trigger::Event { name, .. }, StepKind::Emit { event, .. }) => (name == event).then_some("/emit/event"),
        (Trigger::Attribute { name, to, .. }, StepKind::Update { changes, .. }) => changes
            .iter()
            .any(|change| touches(&change.path, name.as_str()) && leads_to(&change.change, to.as_ref()))
            .then_some("/update"),
        (Trigger::Segment { segment, entered: true }, StepKind::Segment { add, .. }) => {
            add.contains(segment).then_some("/segment/add")
        }
        (Trigger::Segment { segment, entered: false }, StepKind::Segment { remove, .. }) => {
            remove.contains(segment).then_some("/segment/remove")
        }
        (_, _) => None,
    }
}

/// What is certain of a contact after these changes.
fn facts(changes: &[AttributeChange]) -> Vec<Condition> {
    let alone = |change: &&AttributeChange| {
        let others =
            changes.iter().filter(|other| touches(&other.path, &change.path) || touches(&change.path, &other.path));
        others.count() == 1
    };
    let certain = changes.iter().filter(alone).filter_map(|change| {
        let op = match &change.change {
            ValueChange::Set(value) if !is_filled(value) && !value.is_null() => ValueOp::Eq(value.clone()),
            ValueChange::Unset => ValueOp::Exists(false),
            ValueChange::Set(_) | ValueChange::Increment(_) | ValueChange::Append(_) | ValueChange::Remove(_) => {
                return None;
            }
        };
        Some(fact(TestKind::Value { subject: Tested::Attribute(change.path.clone()), op }))
    });
    certain.collect()
}

/// Whether a value has a template in it, which says nothing beforehand.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%"),
        Value::Array(items) => items.iter().any(is_filled),
        Value::Object(fields) => fields.values().any(is_filled),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a change can bring about the value that a trigger waits for.
fn leads_to(change: &ValueChange, to: Option<&Value>) -> bool {
    match (change, to) {
        (_, None) => true,
        (ValueChange::Set(value), Some(_)) if is_filled(value) => true,
        (ValueChange::Set(value), Some(to)) => value == to || value.is_object(),
        (ValueChange::Unset, Some(to)) => to.is_null(),
        (ValueChange::Increment(_), Some(to)) => to.is_number(),
        (ValueChange::Append(_) | ValueChange::Remove(_), Some(to)) => to.is_array(),
    }
}
