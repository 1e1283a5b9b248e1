//! Which values are certainly there when a run comes to a step.

use std::collections::BTreeMap;

use super::Subject;
use super::loops::touches;
use crate::compile::graph::edges;
use crate::compile::jumps::Jump;
use crate::condition::{Condition, Subject as Tested, TestKind, ValueOp};
use crate::contact::lookup;
use crate::version::{Anchor, Step, StepKind, Target, Trigger, ValueChange, Version, WaitUntil};

/// A value that a run may need.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'p> {
    /// An attribute of the contact.
    Attribute(&'p str),
    /// A value that the run started with.
    Entry(&'p str),
    /// A value of what a webhook answered.
    Saved(&'p str),
}

/// The kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SourceKind {
    Attribute,
    Entry,
    Saved,
}

impl<'p> Source<'p> {
    /// What tells values apart.
    pub(super) const fn key(self) -> (SourceKind, &'p str) {
        match self {
            Self::Attribute(path) => (SourceKind::Attribute, path),
            Self::Entry(path) => (SourceKind::Entry, path),
            Self::Saved(path) => (SourceKind::Saved, path),
        }
    }

    /// Whether a value at `path` of this kind brings the asked one with it.
    fn is_shown_by(self, kind: SourceKind, path: &str) -> bool {
        let (wanted, name) = self.key();
        wanted == kind && touches(path, name)
    }
}

/// For each step, whether the value is certainly there: every way to the step leads over an edge that makes it so, those
/// over jumps from other workflows too.
pub(super) fn is_guaranteed(subject: &Subject<'_>, source: Source<'_>) -> Vec<bool> {
    let versions = &subject.ways_in.versions;
    let reached = subject.graph.reached();
    // What is not certain where a run begins, and becomes uncertain behind a step that takes the value away.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (place, version) in versions.iter().enumerate() {
        if !at_entry(subject, version, source) {
            open.push((place, super::at(version.start)));
        }
        for (n, step) in version.steps.iter().enumerate() {
            if takes_away(step, source) && (place > 0 || reached[n]) {
                open.extend(ways_on(subject, (place, n)).map(|(_, next)| (place, next)));
            }
        }
    }
    let mut jumps: BTreeMap<(usize, usize), Vec<&Jump<'_>>> = BTreeMap::new();
    for jump in &subject.ways_in.jumps {
        match brought(jump, source) {
            Some(true) => {}
            Some(false) => open.push(jump.to),
            None => jumps.entry(jump.from).or_default().push(jump),
        }
    }
    let mut uncertain: Vec<Vec<bool>> = versions.iter().map(|version| vec![false; version.steps.len()]).collect();
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut uncertain[at.0][at.1], true) {
            continue;
        }
        let step = &versions[at.0].steps[at.1];
        let on = ways_on(subject, at).filter(|(number, _)| number.is_none_or(|number| !gives(step, number, source)));
        open.extend(on.map(|(_, next)| (at.0, next)));
        open.extend(jumps.get(&at).into_iter().flatten().map(|jump| jump.to));
    }
    uncertain.swap_remove(0).into_iter().map(|uncertain| !uncertain).collect()
}

/// The steps right after a step, each with the number of the edge that leads there, where the step could be read.
fn ways_on(subject: &Subject<'_>, (place, n): (usize, usize)) -> impl Iterator<Item = (Option<usize>, usize)> {
    let broken = if place == 0 { subject.draft.broken.get(&crate::compile::graph::index(n)) } else { None };
    let targets: Vec<(Option<usize>, Target)> = if let Some(targets) = broken {
        targets.iter().map(|target| (None, *target)).collect()
    } else {
        let edges = edges(&subject.ways_in.versions[place].steps[n].kind).into_iter().enumerate();
        edges.map(|(number, edge)| (Some(number), edge.to)).collect()
    };
    targets.into_iter().filter_map(|(number, target)| match target {
        Target::Step(next) => Some((number, super::at(next))),
        Target::End => None,
    })
}

/// Whether a run that a jump begins has the value; `None` where that is as with the run that jumps.
fn brought(jump: &Jump<'_>, source: Source<'_>) -> Option<bool> {
    match (source, jump.payload) {
        // A contact stays who it is, and an entry that nobody replaces is handed on.
        (Source::Attribute(_), _) | (Source::Entry(_), None) => None,
        (Source::Entry(path), Some(payload)) => {
            let found = payload.as_object().and_then(|payload| lookup(payload, path));
            Some(found.is_some_and(|value| !value.is_null()))
        }
        (Source::Saved(_), _) => Some(false),
    }
}

/// Whether whoever the entry of a version lets in has the value.
fn at_entry(subject: &Subject<'_>, version: &Version, source: Source<'_>) -> bool {
    let entry = &version.entry;
    let filtered = entry.filter.as_ref().is_some_and(|filter| shows(filter, source));
    let triggered = match (&entry.trigger, source) {
        // What the event has is what the run starts with.
        (Trigger::Event { filter: Some(filter), .. }, Source::Entry(path)) => shows_event(filter, path),
        (Trigger::Event { filter: Some(filter), .. }, Source::Attribute(_)) => shows(filter, source),
        (Trigger::Attribute { name, to: Some(to), .. }, Source::Attribute(path)) => {
            name.as_str() == path && !to.is_null()
        }
        (Trigger::Milestone(milestone), Source::Attribute(path)) => milestone.attribute == path,
        // What time starts a run with.
        (Trigger::Milestone(_), Source::Entry(path)) => matches!(path, "date" | "years"),
        (Trigger::Inactivity(_), Source::Entry(path)) => path == "since",
        (Trigger::Schedule(_), Source::Entry(path)) => path == "at",
        (_, _) => false,
    };
    let known = match source {
        Source::Attribute(path) => {
            path.parse().ok().and_then(|name| subject.context.schema.get(&name)).is_some_and(|facts| facts.required)
        }
        // An event without its key starts no run.
        Source::Entry(path) => entry.key.as_deref().is_some_and(|key| touches(key, path)),
        Source::Saved(_) => false,
    };
    filtered || triggered || known
}

/// Whether a run that leaves a step over its edge of this number has the value.
fn gives(step: &Step, number: usize, source: Source<'_>) -> bool {
    match &step.kind {
        StepKind::Wait { until: WaitUntil::Date { anchor, .. }, .. } => {
            number == 0
                && match anchor {
                    Anchor::Attribute(path) => source.is_shown_by(SourceKind::Attribute, path),
                    Anchor::Entry(path) => source.is_shown_by(SourceKind::Entry, path),
                    Anchor::At(_) => false,
                }
        }
        // The answer as a whole; what is in it, nobody knows beforehand.
        StepKind::Webhook { save_as: Some(name), .. } => {
            number == 0 && matches!(source, Source::Saved(path) if path == name.as_str())
        }
        StepKind::Branch { cases, .. } => cases.get(number).is_some_and(|case| shows(&case.when, source)),
        StepKind::Update { changes, .. } => {
            let last = changes.iter().rev().find(|change| source.is_shown_by(SourceKind::Attribute, &change.path));
            last.is_some_and(|change| match &change.change {
                ValueChange::Set(value) => !value.is_null(),
                ValueChange::Increment(_) | ValueChange::Append(_) => true,
                ValueChange::Unset | ValueChange::Remove(_) => false,
            })
        }
        StepKind::Send { .. }
        | StepKind::Wait { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Split { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => false,
    }
}

/// Whether a step may take the value away.
fn takes_away(step: &Step, source: Source<'_>) -> bool {
    let (StepKind::Update { changes, .. }, Source::Attribute(name)) = (&step.kind, source) else { return false };
    let goes = |change: &ValueChange| match change {
        ValueChange::Unset => true,
        ValueChange::Set(value) => value.is_null(),
        ValueChange::Increment(_) | ValueChange::Append(_) | ValueChange::Remove(_) => false,
    };
    // Taking `address` away takes `address.city` with it; setting it to something else may.
    changes.iter().any(|change| {
        (change.path == name && goes(&change.change)) || (change.path != name && touches(name, &change.path))
    })
}

/// Whether a condition holds only for those who have the value.
fn shows(condition: &Condition, source: Source<'_>) -> bool {
    needs(condition, &|kind| match kind {
        TestKind::Value { subject: Tested::Attribute(path), op } => {
            source.is_shown_by(SourceKind::Attribute, path) && is_positive(op)
        }
        TestKind::Value { subject: Tested::Entry(path), op } => {
            source.is_shown_by(SourceKind::Entry, path) && is_positive(op)
        }
        TestKind::Age { attribute, op } => source.is_shown_by(SourceKind::Attribute, attribute) && is_positive(op),
        TestKind::Value { subject: Tested::Saved(path), op } => {
            source.is_shown_by(SourceKind::Saved, path) && is_positive(op)
        }
        TestKind::Value { subject: Tested::Event(_), .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => false,
    })
}

fn shows_event(condition: &Condition, name: &str) -> bool {
    needs(condition, &|kind| match kind {
        TestKind::Value { subject: Tested::Event(path), op } => touches(path, name) && is_positive(op),
        TestKind::Value { .. }
        | TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => false,
    })
}

/// Whether a condition cannot hold unless some test of that kind does. As deep as conditions are nested.
fn needs(condition: &Condition, wanted: &impl Fn(&TestKind) -> bool) -> bool {
    match condition {
        Condition::All(list) => list.iter().any(|item| needs(item, wanted)),
        Condition::Any(list) => !list.is_empty() && list.iter().all(|item| needs(item, wanted)),
        Condition::Not(inner) => match &**inner {
            Condition::Test(test) => is_absence(&test.kind) && wanted(&presence(&test.kind)),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => false,
        },
        Condition::Test(test) => wanted(&test.kind),
    }
}

const fn is_absence(kind: &TestKind) -> bool {
    matches!(kind, TestKind::Value { op: ValueOp::Exists(false), .. })
}

/// The test that holds when "it is not there" does not.
fn presence(kind: &TestKind) -> TestKind {
    match kind {
        TestKind::Value { subject, .. } => TestKind::Value { subject: subject.clone(), op: ValueOp::Exists(true) },
        TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => kind.clone(),
    }
}

/// Whether a comparison is false of what is missing.
pub(super) const fn is_positive(op: &ValueOp) -> bool {
    match op {
        ValueOp::Ne(_) | ValueOp::NotIn(_) | ValueOp::Exists(false) => false,
        ValueOp::Eq(_)
        | ValueOp::Gt(_)
        | ValueOp::Gte(_)
        | ValueOp::Lt(_)
        | ValueOp::Lte(_)
        | ValueOp::In(_)
        | ValueOp::Contains(_)
        | ValueOp::StartsWith(_)
        | ValueOp::EndsWith(_)
        | ValueOp::Exists(true)
        | ValueOp::Before(_)
        | ValueOp::After(_)
        | ValueOp::On(_)
        | ValueOp::Within(_)
        | ValueOp::WithinNext(_)
        | ValueOp::EqEntry(_) => true,
    }
}
