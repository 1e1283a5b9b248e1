//! W007 and W008: conditions that never hold when they are asked.

use super::loops::touches;
use super::{Subject, implication};
use crate::compile::graph::is_wait;
use crate::compile::placed;
use crate::condition::{Condition, Subject as Tested, Test, TestKind, ValueOp};
use crate::document::Faults;
use crate::version::{PathWhen, Step, StepKind, Trigger};

/// W007: a case that an earlier one covers.
pub(crate) fn covered(subject: &Subject<'_>, faults: &mut Faults) {
    let mut fuel = implication::FUEL;
    for (n, step) in subject.steps() {
        match &step.kind {
            StepKind::Branch { cases, .. } => {
                for (later, case) in cases.iter().enumerate() {
                    let earlier = cases[..later]
                        .iter()
                        .position(|early| implication::implies(&case.when, &early.when, &mut fuel));
                    if let Some(earlier) = earlier {
                        note(subject, n, "/branch/cases", (later, earlier), faults);
                    }
                }
            }
            StepKind::WaitFor { paths, .. } => {
                for (later, path) in paths.iter().enumerate() {
                    let earlier = paths[..later].iter().position(|early| hides(&early.when, &path.when, &mut fuel));
                    if let Some(earlier) = earlier {
                        note(subject, n, "/wait_for/paths", (later, earlier), faults);
                    }
                }
            }
            StepKind::Send { .. }
            | StepKind::Wait { .. }
            | StepKind::Split { .. }
            | StepKind::Update { .. }
            | StepKind::Segment { .. }
            | StepKind::Emit { .. }
            | StepKind::Webhook { .. }
            | StepKind::Jump { .. }
            | StepKind::JumpOut { .. }
            | StepKind::Exit { .. } => {}
        }
    }
}

fn note(subject: &Subject<'_>, n: usize, place: &str, (later, earlier): (usize, usize), faults: &mut Faults) {
    let message = format!(
        "Number {} of step {} never comes up: whenever it holds, number {} holds too and is taken. Put the narrower one first, \
         or take this one out.",
        later + 1,
        subject.name(n),
        earlier + 1
    );
    faults.rule("W007", subject, n, &format!("{place}/{later}"), message);
}

/// Whether an earlier path of a `wait_for` comes true whenever a later one does.
fn hides(early: &PathWhen, late: &PathWhen, fuel: &mut u32) -> bool {
    match (early, late) {
        (PathWhen::Condition(early), PathWhen::Condition(late)) => implication::implies(late, early, fuel),
        (PathWhen::Event { name: early, filter: broad }, PathWhen::Event { name: late, filter: narrow }) => {
            early == late
                && match (broad, narrow) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(broad), Some(narrow)) => implication::implies(narrow, broad, fuel),
                }
        }
        (PathWhen::Condition(_), PathWhen::Event { .. }) | (PathWhen::Event { .. }, PathWhen::Condition(_)) => false,
    }
}

/// W008: a condition that cannot hold: it contradicts itself, or the entry lets nobody in for whom it does.
pub(crate) fn impossible(subject: &Subject<'_>, faults: &mut Faults) {
    let mut fuel = implication::FUEL;
    contradictions(subject, &mut fuel, faults);
    let facts = facts(subject);
    if facts.is_empty() {
        return;
    }
    let later = subject.graph.after(|step| takes_time(subject, &subject.version.steps[step].kind));
    // The filter was never asked of whoever comes by a jump.
    let jumped = subject.graph.reached_by_jumps();
    for (n, step) in subject.steps().filter(|(n, step)| decides(step) && !jumped[*n]) {
        for placed in placed::of_step(step) {
            // While a run waits, its contact changes; what the run started with never does.
            let changes = later[n] || is_wait(&step.kind);
            let against = facts.iter().any(|fact| {
                (is_lasting(fact) || (!changes && !is_changed_before(subject, fact, n)))
                    && implication::excludes(fact, placed.condition, &mut fuel)
            });
            if against {
                let message = format!(
                    "This condition of step {} cannot hold: the entry lets only contacts in for whom it does not. Change one of \
                     them, or take the case out.",
                    subject.name(n)
                );
                faults.note("W008", super::severity("W008"), placed.pointer, message, Some(step.id.clone()));
            }
        }
    }
}

/// W008: conditions that ask for one thing and for its contrary.
fn contradictions(subject: &Subject<'_>, fuel: &mut u32, faults: &mut Faults) {
    let around = placed::around(subject.version).into_iter().map(|placed| (placed, None));
    let steps =
        subject.steps().flat_map(|(_, step)| placed::of_step(step).into_iter().map(move |placed| (placed, Some(step))));
    for (placed, step) in around.chain(steps) {
        if implication::excludes(placed.condition, placed.condition, fuel) {
            let message = "This condition contradicts itself, so it never holds. Take one of its parts out, or put `any` where \
                           one of them is enough.";
            let step = step.map(|step| step.id.clone());
            faults.note("W008", super::severity("W008"), placed.pointer, message.to_owned(), step);
        }
    }
}

/// Whether a run may stay in a step for so long that its contact changes: a mail may have to wait for its window.
fn takes_time(subject: &Subject<'_>, kind: &StepKind) -> bool {
    let policy = &subject.version.policy;
    is_wait(kind)
        || (kind.template().is_some() && (policy.window.is_some() || !policy.days.is_empty() || policy.cap.is_some()))
}

const fn decides(step: &Step) -> bool {
    matches!(step.kind, StepKind::Branch { .. } | StepKind::WaitFor { .. })
}

/// What holds for everybody whom the entry lets in.
fn facts(subject: &Subject<'_>) -> Vec<Condition> {
    let entry = &subject.version.entry;
    let mut facts = Vec::new();
    if let Some(filter) = &entry.filter {
        conjuncts(filter, &mut facts);
    }
    match &entry.trigger {
        Trigger::Event { filter: Some(filter), .. } => {
            let mut parts = Vec::new();
            conjuncts(filter, &mut parts);
            facts.extend(parts.into_iter().map(as_entry));
        }
        Trigger::Attribute { name, to: Some(to), .. } if !to.is_null() => {
            let subject = Tested::Attribute(name.to_string());
            facts.push(fact(TestKind::Value { subject, op: ValueOp::Eq(to.clone()) }));
        }
        Trigger::Segment { segment, entered } => {
            let inside = fact(TestKind::Segment(segment.clone()));
            facts.push(if *entered { inside } else { Condition::Not(Box::new(inside)) });
        }
        Trigger::Schedule(schedule) => facts.push(fact(TestKind::Segment(schedule.segment.clone()))),
        Trigger::Event { filter: None, .. }
        | Trigger::Attribute { .. }
        | Trigger::Milestone(_)
        | Trigger::Inactivity(_)
        | Trigger::Api => {}
    }
    facts
}

/// A test as a condition.
pub(super) fn fact(kind: TestKind) -> Condition {
    Condition::Test(Test { label: "".into(), expected: serde_json::Value::Null, kind })
}

fn conjuncts(condition: &Condition, into: &mut Vec<Condition>) {
    match condition {
        Condition::All(list) => list.iter().for_each(|item| conjuncts(item, into)),
        Condition::Any(_) | Condition::Not(_) | Condition::Test(_) => into.push(condition.clone()),
    }
}

/// What was tested of the event that started the run, as a test of what the run started with.
fn as_entry(condition: Condition) -> Condition {
    match condition {
        Condition::All(list) => Condition::All(list.into_iter().map(as_entry).collect()),
        Condition::Any(list) => Condition::Any(list.into_iter().map(as_entry).collect()),
        Condition::Not(inner) => Condition::Not(Box::new(as_entry(*inner))),
        Condition::Test(Test { label, expected, kind: TestKind::Value { subject: Tested::Event(path), op } }) => {
            Condition::Test(Test { label, expected, kind: TestKind::Value { subject: Tested::Entry(path), op } })
        }
        Condition::Test(test) => Condition::Test(test),
    }
}

fn tests(condition: &Condition) -> Vec<&Test> {
    placed::Placed { condition, pointer: String::new() }.tests().into_iter().map(|(test, _)| test).collect()
}

/// Whether a fact is only about what the run started with, and not about how long ago that was.
fn is_lasting(fact: &Condition) -> bool {
    tests(fact).iter().all(|test| match &test.kind {
        TestKind::Value { subject: Tested::Entry(_), op } => !is_timed(op),
        TestKind::Value { .. }
        | TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => false,
    })
}

const fn is_timed(op: &ValueOp) -> bool {
    matches!(op, ValueOp::Before(_) | ValueOp::After(_) | ValueOp::On(_) | ValueOp::Within(_) | ValueOp::WithinNext(_))
}

/// Whether a step that may come before `n` changes what a fact is about.
fn is_changed_before(subject: &Subject<'_>, fact: &Condition, n: usize) -> bool {
    let tests = tests(fact);
    subject.steps().any(|(at, step)| {
        let changed = match &step.kind {
            StepKind::Update { changes, .. } => changes.iter().any(|change| {
                tests.iter().any(|test| match &test.kind {
                    TestKind::Value { subject: Tested::Attribute(path), .. }
                    | TestKind::Age { attribute: path, .. } => {
                        touches(path, &change.path) || touches(&change.path, path)
                    }
                    // A segment may be kept by a condition on the attribute.
                    TestKind::Segment(_) => true,
                    TestKind::Value { .. }
                    | TestKind::Did { .. }
                    | TestKind::Engaged { .. }
                    | TestKind::Subscribed(_)
                    | TestKind::Visited(_) => false,
                })
            }),
            StepKind::Segment { add, remove, .. } => tests.iter().any(|test| match &test.kind {
                TestKind::Segment(id) => add.contains(id) || remove.contains(id),
                TestKind::Value { .. }
                | TestKind::Age { .. }
                | TestKind::Did { .. }
                | TestKind::Engaged { .. }
                | TestKind::Subscribed(_)
                | TestKind::Visited(_) => false,
            }),
            StepKind::Send { .. }
            | StepKind::Wait { .. }
            | StepKind::WaitFor { .. }
            | StepKind::Branch { .. }
            | StepKind::Split { .. }
            | StepKind::Emit { .. }
            | StepKind::Webhook { .. }
            | StepKind::Jump { .. }
            | StepKind::JumpOut { .. }
            | StepKind::Exit { .. } => false,
        };
        changed && subject.graph.reach([at], |_| false)[n]
    })
}
