//! What of a contact a version looks at while a run is under way: a change of anything else concerns no run.

use std::collections::BTreeSet;

use carepath_engine::condition::{Condition, Subject, TestKind};
use carepath_engine::contact::Change;
use carepath_engine::history::Tracked;
use carepath_engine::ids::{Name, TopicId};
use carepath_engine::version::{Anchor, Class, ExitRule, PathWhen, StepKind, Trigger, Version, WaitUntil};
use serde::{Deserialize, Serialize};

/// Names of attributes (the first part of their path), of segments, topics and events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    attributes: BTreeSet<String>,
    segments: BTreeSet<String>,
    #[serde(default)]
    topics: BTreeSet<TopicId>,
    #[serde(default)]
    facts: BTreeSet<Name>,
    /// What is remembered of a contact for conditions and triggers.
    #[serde(default)]
    pub tracked: Tracked,
}

impl Watched {
    /// Adds what others look at.
    pub fn extend(&mut self, others: &Self) {
        self.attributes.extend(others.attributes.iter().cloned());
        self.segments.extend(others.segments.iter().cloned());
        self.topics.extend(others.topics.iter().cloned());
        self.facts.extend(others.facts.iter().cloned());
        self.tracked.extend(&others.tracked);
    }

    /// Adds what a version looks at.
    pub fn add(&mut self, version: &Version) {
        self.tracked.add_version(version);
        match &version.entry.trigger {
            Trigger::Attribute { name, .. } => self.attribute(name.as_str()),
            Trigger::Segment { segment, .. } => {
                self.segments.insert(segment.to_string());
            }
            Trigger::Event { .. }
            | Trigger::Milestone(_)
            | Trigger::Inactivity(_)
            | Trigger::Schedule(_)
            | Trigger::Api => {}
        }
        // Whoever unsubscribes is done with it at once (S11).
        self.topics.extend(version.topic.clone().filter(|_| version.class == Class::Marketing));
        for rule in version.rules() {
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
            Change::Topic { topic } => self.topics.contains(topic),
            Change::Fact { event } => self.facts.contains(event),
        }
    }

    /// What is looked at, as the marks that [`marks`] gives to changes.
    pub(crate) fn looked_at(&self) -> impl Iterator<Item = String> {
        let attributes = self.attributes.iter().map(|name| format!("a {name}"));
        let segments = self.segments.iter().map(|id| format!("s {id}"));
        let topics = self.topics.iter().map(|topic| format!("t {topic}"));
        attributes.chain(segments).chain(topics).chain(self.facts.iter().map(|event| format!("f {event}")))
    }

    fn attribute(&mut self, path: &str) {
        // A name may itself have dots, so the path as a whole and its first part are both looked for.
        self.attributes.insert(path.to_owned());
        self.attributes.insert(first(path).to_owned());
    }

    /// Adds what a condition looks at.
    pub fn condition(&mut self, condition: &Condition) {
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
                TestKind::Subscribed(topic) => drop(self.topics.insert(topic.clone())),
                TestKind::Did { event, .. } => drop(self.facts.insert(event.clone())),
                TestKind::Value { subject: Subject::Event(_) | Subject::Entry(_) | Subject::Saved(_), .. }
                | TestKind::Engaged { .. }
                | TestKind::Visited(_) => {}
            },
        }
    }
}

/// What a change is called where it is looked up who looks at it.
pub(crate) fn marks(change: &Change) -> Vec<String> {
    match change {
        Change::Attribute { name, .. } => {
            let (name, first) = (name.as_str(), first(name.as_str()));
            let whole = (name != first).then(|| format!("a {name}"));
            whole.into_iter().chain([format!("a {first}")]).collect()
        }
        Change::Segment { segment, .. } => vec![format!("s {segment}")],
        Change::Topic { topic } => vec![format!("t {topic}")],
        Change::Fact { event } => vec![format!("f {event}")],
    }
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}
