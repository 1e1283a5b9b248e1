//! The conditions of a version, wherever they stand.

use super::{ExitRule, PathWhen, StepKind, Trigger, Version};
use crate::condition::Condition;

impl Version {
    /// Every condition of the version: of its entry, its rules, and its steps.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let entry = match &self.entry.trigger {
            Trigger::Event { filter, .. } => filter.as_ref(),
            Trigger::Attribute { .. }
            | Trigger::Segment { .. }
            | Trigger::Milestone(_)
            | Trigger::Inactivity(_)
            | Trigger::Schedule(_)
            | Trigger::Api => None,
        };
        let steps = self.steps.iter().flat_map(|step| of_step(&step.kind));
        entry.into_iter().chain(&self.entry.filter).chain(self.rules().filter_map(of_rule)).chain(steps)
    }

    /// What ends its runs early.
    pub fn rules(&self) -> impl Iterator<Item = &ExitRule> {
        self.exit.iter().chain(self.goal.as_ref().map(|goal| &goal.rule))
    }
}

const fn of_rule(rule: &ExitRule) -> Option<&Condition> {
    match rule {
        ExitRule::Event { filter, .. } => filter.as_ref(),
        ExitRule::When(condition) => Some(condition),
    }
}

fn of_step(kind: &StepKind) -> Vec<&Condition> {
    match kind {
        StepKind::Branch { cases, .. } => cases.iter().map(|case| &case.when).collect(),
        StepKind::WaitFor { paths, .. } => paths
            .iter()
            .filter_map(|path| match &path.when {
                PathWhen::Condition(condition) => Some(condition),
                PathWhen::Event { filter, .. } => filter.as_ref(),
            })
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
