//! What of a contact a version looks at while a run is under way: a change of anything else concerns no run.

use std::collections::BTreeSet;

use carepath_engine::condition::{Condition, Subject, TestKind};
use carepath_engine::contact::Change;
use carepath_engine::version::{Anchor, ExitRule, PathWhen, StepKind, Trigger, Version, WaitUntil};
use serde::{Deserialize, Serialize};

/// Names of attributes (the first part of their path) and segments, and whether anything of a contact at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    attributes: BTreeSet<String>,
    segments: BTreeSet<String>,
}

impl Watched {
    /// Adds what others look at.
    pub fn extend(&mut self, others: &Self) {
        self.attributes.extend(others.attributes.iter().cloned());
        self.segments.extend(others.segments.iter().cloned());
    }

    /// Adds what a version looks at.
    pub fn add(&mut self, version: &Version) {
        match &version.entry.trigger {
            Trigger::Attribute { name, .. } => self.attribute(name.as_str()),
            Trigger::Segment { segment, .. } => {
                self.segments.insert(segment.to_string());
            }
            Trigger::Event { .. } | Trigger::Api => {}
        }
        for rule in version.exit.iter().chain(version.goal.as_ref().map(|goal| &goal.rule)) {
            if let ExitRule::When(condition) = rule {
                self.condition(condition);
            }
        }
        for step in &version.steps {
            match &step.kind {
                StepKind::Wait { until: WaitUntil::Date { anchor: Anchor::Attribute(path), .. }, .. } => {
                    self.attribute(path);
                }
                StepKind::WaitFor { paths, .. } => {
                    for path in paths {
                        if let PathWhen::Condition(condition) = &path.when {
                            self.condition(condition);
                        }
                    }
                }
                StepKind::Wait { .. }
                | StepKind::Send { .. }
                | StepKind::Branch { .. }
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

    /// Whether anybody looks at what changed.
    pub fn concerns(&self, change: &Change) -> bool {
        match change {
            Change::Attribute { name, .. } => {
                self.attributes.contains(name.as_str()) || self.attributes.contains(first(name.as_str()))
            }
            Change::Segment { segment, .. } => self.segments.contains(segment.as_str()),
        }
    }

    fn attribute(&mut self, path: &str) {
        // A name may itself have dots, so the path as a whole and its first part are both looked for.
        self.attributes.insert(path.to_owned());
        self.attributes.insert(first(path).to_owned());
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(all) | Condition::Any(all) => all.iter().for_each(|condition| self.condition(condition)),
            Condition::Not(inner) => self.condition(inner),
            Condition::Test(test) => match &test.kind {
                TestKind::Value { subject: Subject::Attribute(path), .. } | TestKind::Age { attribute: path, .. } => {
                    self.attribute(path);
                }
                TestKind::Segment(id) => {
                    self.segments.insert(id.to_string());
                }
                TestKind::Value { subject: Subject::Event(_) | Subject::Entry(_) | Subject::Saved(_), .. }
                | TestKind::Engaged { .. }
                | TestKind::Subscribed(_)
                | TestKind::Visited(_) => {}
            },
        }
    }
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}
