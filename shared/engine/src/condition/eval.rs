//! The evaluator: does a condition hold, and what was compared with what.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::compare::{self, Found};
use super::did::Did;
use super::engaged;
use super::{Condition, Subject, Test, TestKind};
use crate::calendar;
use crate::contact::{Attributes, Contact, Subscription, lookup};
use crate::event::Event;
use crate::explain::Explanation;
use crate::phi::Phi;
use crate::run::Run;

/// What a condition may look at.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The contact as it stands.
    pub contact: &'a Contact,
    /// The event at hand, where there is one.
    pub event: Option<&'a Event>,
    /// What started the run. Where it is `None` and there is a run, the run's own is taken.
    pub entry: Option<&'a Attributes>,
    /// The run, where there is one.
    pub run: Option<&'a Run>,
    /// Now.
    pub now: Timestamp,
    /// The zone in which days are counted.
    pub tz: &'a TimeZone,
    /// Engagement after this does not count (S16).
    pub cutoff: Option<Timestamp>,
    /// Engagement before this does not count: a `wait_for` that passes only on what happens from then on.
    pub since: Option<Timestamp>,
}

impl<'a> Scope<'a> {
    pub(super) fn entry(&self) -> Option<&'a Attributes> {
        self.entry.or_else(|| self.run.map(|run| run.entry.payload.expose()))
    }
}

/// Whether a condition holds. Stops as soon as that is certain; each test that was looked at leaves an explanation.
pub fn eval(condition: &Condition, scope: &Scope<'_>, why: &mut Vec<Explanation>) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| eval(part, scope, why)),
        Condition::Any(parts) => parts.iter().any(|part| eval(part, scope, why)),
        Condition::Not(part) => !eval(part, scope, why),
        Condition::Test(test) => {
            let found = look(test, scope);
            let result = found.result;
            why.push(Explanation {
                test: test.label.clone(),
                observed: Phi(found.observed),
                expected: Phi(test.expected.clone()),
                result,
                source: found.source,
            });
            result
        }
    }
}

/// When a condition that holds came true, as far as engagement says it: the latest of the engagements that must all
/// have happened, the earliest of those of which one is enough. `None` where no engagement plays a part.
pub fn happened_at(condition: &Condition, scope: &Scope<'_>) -> Option<Timestamp> {
    match condition {
        Condition::All(parts) => parts.iter().filter_map(|part| happened_at(part, scope)).max(),
        Condition::Any(parts) => parts
            .iter()
            .filter(|part| eval(part, scope, &mut Vec::new()))
            .filter_map(|part| happened_at(part, scope))
            .min(),
        Condition::Not(_) => None,
        Condition::Test(test) => engaged::time(&test.kind, scope),
    }
}

/// How one test comes out.
pub(super) fn look(test: &Test, scope: &Scope<'_>) -> Found {
    match &test.kind {
        TestKind::Value { subject, op } => {
            let (value, source) = match subject {
                Subject::Attribute(path) => (scope.contact.attribute(path), "contact"),
                Subject::Event(path) => {
                    (scope.event.and_then(|event| lookup(event.properties.expose(), path)), "event")
                }
                Subject::Entry(path) => (scope.entry().and_then(|entry| lookup(entry, path)), "entry"),
                Subject::Saved(path) => (scope.run.and_then(|run| lookup(run.saved.expose(), path)), "saved"),
            };
            compare::value(value, op, source, scope)
        }
        TestKind::Age { attribute, op } => {
            let today = scope.tz.to_datetime(scope.now).date();
            let value = scope.contact.attribute(attribute);
            compare::age(value, |birth| calendar::age(birth, today), op, scope)
        }
        TestKind::Did { event, filter, within, at_least } => {
            let did = Did { event, filter: filter.as_deref(), within: within.as_ref(), at_least: *at_least };
            did.found(scope)
        }
        TestKind::Engaged { .. } => engaged::found(&test.kind, scope),
        TestKind::Segment(id) => Found::flag(scope.contact.segments.contains_key(id), "contact"),
        TestKind::Subscribed(topic) => match scope.contact.topics.get(topic) {
            Some(Subscription::Subscribed) => Found::new("subscribed", true, "contact"),
            Some(Subscription::Unsubscribed) => Found::new("unsubscribed", false, "contact"),
            None => Found::missing(false, "contact"),
        },
        TestKind::Visited(step) => Found::flag(scope.run.is_some_and(|run| run.has_visited(*step)), "run"),
    }
}
