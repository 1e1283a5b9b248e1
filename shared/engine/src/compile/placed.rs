//! The tests inside conditions, each with its place in the document.

use crate::condition::{Condition, Test};
use crate::version::{ExitRule, PathWhen, Step, StepKind, Trigger, Version};

/// A condition of a document, and its pointer.
pub(crate) struct Placed<'v> {
    pub(crate) condition: &'v Condition,
    pub(crate) pointer: String,
}

impl<'v> Placed<'v> {
    /// Every test in it, with its pointer.
    pub(crate) fn tests(&self) -> Vec<(&'v Test, String)> {
        let mut tests = Vec::new();
        let mut open = vec![(self.condition, self.pointer.clone())];
        while let Some((condition, pointer)) = open.pop() {
            match condition {
                Condition::All(list) => push(&mut open, list, &format!("{pointer}/all")),
                Condition::Any(list) => push(&mut open, list, &format!("{pointer}/any")),
                Condition::Not(inner) => open.push((inner, format!("{pointer}/not"))),
                Condition::Test(test) => tests.push((test, pointer)),
            }
        }
        tests
    }
}

fn push<'v>(open: &mut Vec<(&'v Condition, String)>, list: &'v [Condition], pointer: &str) {
    open.extend(list.iter().enumerate().rev().map(|(n, item)| (item, format!("{pointer}/{n}"))));
}

/// The conditions that a run decides by in a step.
pub(crate) fn of_step(step: &Step) -> Vec<Placed<'_>> {
    let base = format!("/steps/{}", step.id);
    match &step.kind {
        StepKind::WaitFor { paths, .. } => paths
            .iter()
            .enumerate()
            .filter_map(|(n, path)| {
                let at = format!("{base}/wait_for/paths/{n}");
                match &path.when {
                    PathWhen::Condition(condition) => Some(Placed { condition, pointer: format!("{at}/when") }),
                    PathWhen::Event { filter, .. } => {
                        filter.as_ref().map(|condition| Placed { condition, pointer: format!("{at}/where") })
                    }
                }
            })
            .collect(),
        StepKind::Branch { cases, .. } => cases
            .iter()
            .enumerate()
            .map(|(n, case)| Placed { condition: &case.when, pointer: format!("{base}/branch/cases/{n}/when") })
            .collect(),
        StepKind::Send { .. }
        | StepKind::Wait { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => Vec::new(),
    }
}

/// Every condition of a version.
pub(crate) fn all(version: &Version) -> impl Iterator<Item = Placed<'_>> {
    around(version).into_iter().chain(version.steps.iter().flat_map(of_step))
}

/// The conditions that stand outside of steps.
pub(crate) fn around(version: &Version) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    if let Trigger::Event { filter: Some(condition), .. } = &version.entry.trigger {
        found.push(Placed { condition, pointer: "/entry/where".to_owned() });
    }
    if let Some(condition) = &version.entry.filter {
        found.push(Placed { condition, pointer: "/entry/filter".to_owned() });
    }
    for (n, rule) in version.exit.iter().enumerate() {
        found.extend(of_rule(rule, &format!("/exit/{n}")));
    }
    if let Some(goal) = &version.goal {
        found.extend(of_rule(&goal.rule, "/goal"));
    }
    found
}

fn of_rule<'v>(rule: &'v ExitRule, pointer: &str) -> Option<Placed<'v>> {
    match rule {
        ExitRule::Event { filter, .. } => {
            filter.as_ref().map(|condition| Placed { condition, pointer: format!("{pointer}/where") })
        }
        ExitRule::When(condition) => Some(Placed { condition, pointer: format!("{pointer}/when") }),
    }
}
