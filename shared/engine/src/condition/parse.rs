//! Conditions as documents write them.

mod happened;

use std::sync::Arc;

use jiff::Span;
use serde_json::Value;

use super::{Condition, DateRef, EngagedKind, Subject, Test, TestKind, ValueOp};
use crate::document::scalar::{Sign, did_you_mean, is_moment, is_shallow, read_span};
use crate::document::{At, Faults, Fields, Report, Steps, quote};
use crate::ids::{SegmentId, TopicId};
use crate::version::StepIndex;

/// How deep conditions may be nested.
pub const MAX_DEPTH: usize = 32;

/// What a condition can see from where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// There is an event at hand: the condition is a `where`.
    pub(crate) event: bool,
    /// There is a run: its steps, its mails and what started it.
    pub(crate) run: Option<&'s Steps>,
}

impl<'s> Scope<'s> {
    /// Only the contact: entry filters and segments.
    pub(crate) const CONTACT: Self = Self { event: false, run: None };
    /// The contact and the event that may start a run.
    pub(crate) const TRIGGER: Self = Self { event: true, run: None };

    /// The contact and its run.
    pub(crate) const fn run(steps: &'s Steps) -> Self {
        Self { event: false, run: Some(steps) }
    }

    /// The contact, its run and an event.
    pub(crate) const fn event(steps: &'s Steps) -> Self {
        Self { event: true, run: Some(steps) }
    }
}

/// Reads a condition on a contact, such as a segment's.
///
/// # Errors
/// All faults of it, with pointers that start at `document`.
pub fn contact_condition(document: &Value) -> Result<Condition, Report> {
    let mut faults = Faults::default();
    let condition = read(&At::root(document), Scope::CONTACT, &mut faults);
    match condition {
        Some(condition) if faults.is_clean() => Ok(condition),
        Some(_) | None => Err(Report::new(faults.into_findings())),
    }
}

/// Reads a condition. What has faults is `None`, and they are noted.
pub(crate) fn read(at: &At<'_>, scope: Scope<'_>, faults: &mut Faults) -> Option<Condition> {
    Reader { scope, faults }.condition(at, 0)
}

const KINDS: [&str; 17] = [
    "all",
    "any",
    "not",
    "attribute",
    "event",
    "entry",
    "saved",
    "age",
    "did",
    "opened",
    "clicked",
    "delivered",
    "bounced",
    "complained",
    "segment",
    "subscribed",
    "visited",
];

struct Reader<'s, 'f> {
    scope: Scope<'s>,
    faults: &'f mut Faults,
}

impl Reader<'_, '_> {
    fn condition(&mut self, at: &At<'_>, depth: usize) -> Option<Condition> {
        if depth >= MAX_DEPTH {
            let message = format!("Conditions may be nested {MAX_DEPTH} deep; move a part of this one into a segment.");
            self.faults.error("D006", &*at.pointer, message);
            return None;
        }
        let mut fields = at.fields(self.faults, "a condition, such as `{ attribute: risk, eq: high }`")?;
        let kind = fields.exactly_one(self.faults, &KINDS, "A condition")?;
        let value = fields.take(kind)?;
        let read = match kind {
            "all" => self.list(&value, depth).map(Condition::All),
            "any" => self.list(&value, depth).map(Condition::Any),
            "not" => self.condition(&value, depth + 1).map(|inner| Condition::Not(Box::new(inner))),
            _ => self.test(kind, &value, &mut fields).map(Condition::Test),
        };
        fields.finish(self.faults);
        read
    }

    fn list(&mut self, at: &At<'_>, depth: usize) -> Option<Vec<Condition>> {
        let items = at.items(self.faults, "a list of conditions")?;
        let count = items.len();
        let read: Vec<Condition> = items.iter().filter_map(|item| self.condition(item, depth + 1)).collect();
        (read.len() == count).then_some(read)
    }

    fn test(&mut self, kind: &'static str, at: &At<'_>, fields: &mut Fields<'_>) -> Option<Test> {
        match kind {
            "attribute" | "event" | "entry" | "saved" => self.value(kind, at, fields),
            "age" => self.age(at, fields),
            "did" => self.did(at, fields),
            "opened" | "clicked" if self.scope.run.is_none() && at.value.as_str() == Some("any") => {
                self.engaged_ever(kind, fields)
            }
            "opened" => self.engaged(EngagedKind::Opened, kind, at, fields),
            "clicked" => self.engaged(EngagedKind::Clicked, kind, at, fields),
            "delivered" => self.engaged(EngagedKind::Delivered, kind, at, fields),
            "bounced" => self.engaged(EngagedKind::Bounced, kind, at, fields),
            "complained" => self.engaged(EngagedKind::Complained, kind, at, fields),
            "segment" => {
                let id: SegmentId = at.id(self.faults, "the id of a segment")?;
                Some(test(&format!("segment {id}"), Value::Bool(true), TestKind::Segment(id)))
            }
            "subscribed" => {
                let topic: TopicId = at.id(self.faults, "a subscription topic")?;
                Some(test(&format!("subscribed {topic}"), Value::Bool(true), TestKind::Subscribed(topic)))
            }
            "visited" => {
                let (name, step) = self.step(kind, at)?;
                Some(test(&format!("visited {name}"), Value::Bool(true), TestKind::Visited(step)))
            }
            _ => {
                let message = format!("`{kind}` is not supported by this version of Carepath. Take this test out.");
                self.faults.error("D010", &*at.pointer, message);
                None
            }
        }
    }

    fn value(&mut self, kind: &'static str, at: &At<'_>, fields: &mut Fields<'_>) -> Option<Test> {
        if kind == "event" && !self.scope.event {
            at.bad(self.faults, "There is no event here to look at; `event` tests belong into a `where`.");
        }
        if kind == "entry" && self.scope.run.is_none() {
            at.bad(self.faults, "There is no run here yet; test the event that starts it with `where`.");
        }
        if kind == "saved" && self.scope.run.is_none() {
            at.bad(self.faults, "There is no run here, and so no answer that a webhook could have saved. Take it out.");
        }
        let path = at.path(self.faults, "a path such as `address.city`");
        let op = self.op(fields, true);
        let (path, (name, expected, op)) = (path?, op?);
        let label = format!("{kind} {path} {name}");
        let subject = match kind {
            "attribute" => Subject::Attribute(path),
            "event" => Subject::Event(path),
            "entry" => Subject::Entry(path),
            _ => Subject::Saved(path),
        };
        Some(test(&label, expected, TestKind::Value { subject, op }))
    }

    fn age(&mut self, at: &At<'_>, fields: &mut Fields<'_>) -> Option<Test> {
        let attribute = at.path(self.faults, "the path of a date attribute");
        let op = self.op(fields, false);
        let (attribute, (name, expected, op)) = (attribute?, op?);
        Some(test(&format!("age {attribute} {name}"), expected, TestKind::Age { attribute, op }))
    }

    fn op(&mut self, fields: &mut Fields<'_>, all: bool) -> Option<(&'static str, Value, ValueOp)> {
        let names: &[&'static str] = if all { &OPS } else { &AGE_OPS };
        let name = fields.exactly_one(self.faults, names, "This test")?;
        let at = fields.take(name)?;
        let op = if all { self.value_op(name, &at)? } else { self.age_op(name, &at)? };
        Some((name, at.value.clone(), op))
    }

    fn age_op(&mut self, name: &str, at: &At<'_>) -> Option<ValueOp> {
        let numbers = if matches!(name, "in" | "not_in") {
            at.items(self.faults, "a list of whole years")?
        } else {
            vec![at.clone()]
        };
        for number in numbers {
            number.whole(self.faults, 0, 150)?;
        }
        self.value_op(name, at)
    }

    fn value_op(&mut self, name: &str, at: &At<'_>) -> Option<ValueOp> {
        match name {
            "eq" => self.operand(at).map(ValueOp::Eq),
            "ne" => self.operand(at).map(ValueOp::Ne),
            "gt" => self.ordered(at).map(ValueOp::Gt),
            "gte" => self.ordered(at).map(ValueOp::Gte),
            "lt" => self.ordered(at).map(ValueOp::Lt),
            "lte" => self.ordered(at).map(ValueOp::Lte),
            "in" => self.operands(at).map(ValueOp::In),
            "not_in" => self.operands(at).map(ValueOp::NotIn),
            "contains" => self.operand(at).map(ValueOp::Contains),
            "starts_with" => at.text(self.faults, "text").map(|text| ValueOp::StartsWith(text.to_owned())),
            "ends_with" => at.text(self.faults, "text").map(|text| ValueOp::EndsWith(text.to_owned())),
            "exists" => at.flag(self.faults).map(ValueOp::Exists),
            "before" => self.date(at).map(ValueOp::Before),
            "after" => self.date(at).map(ValueOp::After),
            "on" => self.date(at).map(ValueOp::On),
            "within" => at.span(self.faults, Sign::Positive).map(ValueOp::Within),
            "within_next" => at.span(self.faults, Sign::Positive).map(ValueOp::WithinNext),
            _ => {
                if self.scope.run.is_none() {
                    at.bad(self.faults, "There is no run here yet, so nothing that it started with to compare with.");
                    return None;
                }
                at.path(self.faults, "the path of a value that the run started with").map(ValueOp::EqEntry)
            }
        }
    }

    fn operand(&mut self, at: &At<'_>) -> Option<Value> {
        if at.value.is_null() {
            at.bad(self.faults, "Nothing equals null; to test whether there is a value, use `exists`.");
            return None;
        }
        if !is_shallow(at.value, MAX_DEPTH) {
            self.faults.error(
                "D006",
                &*at.pointer,
                format!("Values may be nested {MAX_DEPTH} deep; use a simpler one."),
            );
            return None;
        }
        Some(at.value.clone())
    }

    fn operands(&mut self, at: &At<'_>) -> Option<Vec<Value>> {
        let items = at.items(self.faults, "a list of values")?;
        let count = items.len();
        let read: Vec<Value> = items.iter().filter_map(|item| self.operand(item)).collect();
        (read.len() == count).then_some(read)
    }

    fn ordered(&mut self, at: &At<'_>) -> Option<Value> {
        if !(at.value.is_number() || at.value.is_string()) {
            at.wrong(self.faults, "a number or text, which have an order");
            return None;
        }
        Some(at.value.clone())
    }

    fn date(&mut self, at: &At<'_>) -> Option<DateRef> {
        const WANTED: &str = "a date, `now`, or a duration from now such as `-3d`";
        let text = at.text(self.faults, WANTED)?;
        if text == "now" {
            return Some(DateRef::FromNow(Span::new()));
        }
        if is_moment(text) {
            return Some(DateRef::At(text.to_owned()));
        }
        let span = read_span(text).map(|(span, _)| DateRef::FromNow(span));
        if span.is_none() {
            at.bad(self.faults, format!("{} is not {WANTED}.", quote(text)));
        }
        span
    }

    fn engaged(&mut self, kind: EngagedKind, name: &'static str, at: &At<'_>, fields: &mut Fields<'_>) -> Option<Test> {
        let any = at.value.as_str() == Some("any") && !self.has_step_any();
        let target = if any && self.scope.run.is_some() {
            Some(("any", None))
        } else {
            self.step(name, at).map(|(step, index)| (step, Some(index)))
        };
        let link = if kind == EngagedKind::Clicked {
            match fields.take("link") {
                Some(link) => Some(link.text(self.faults, "the name of a link")?.to_owned()),
                None => None,
            }
        } else {
            None
        };
        let within = self.within(fields);
        let machines = fields.take("machines").map(|flag| flag.flag(self.faults));
        let (step_name, step) = target?;
        let mut label = format!("{name} {step_name}");
        if let Some(link) = &link {
            label.push(' ');
            label.push_str(link);
        }
        let (within, said) = within.ok()?;
        label.push_str(&said);
        let machines = machines.map_or(Some(false), |flag| flag)?;
        Some(test(&label, Value::Bool(true), TestKind::Engaged { kind, step, link, within, machines }))
    }

    /// A step that is itself called `any` is meant before all steps are.
    fn has_step_any(&self) -> bool {
        self.scope.run.is_some_and(|steps| steps.index("any").is_some())
    }

    fn step<'d>(&mut self, kind: &str, at: &At<'d>) -> Option<(&'d str, StepIndex)> {
        let Some(steps) = self.scope.run else {
            at.bad(
                self.faults,
                format!("There is no run here, and so no step that `{kind}` could look at. Take it out."),
            );
            return None;
        };
        let name = at.text(self.faults, "the id of a step")?;
        let index = steps.index(name);
        if index.is_none() {
            let hint = did_you_mean(name, steps.names());
            let message = format!("There is no step {}; name one of this workflow's steps.{hint}", quote(name));
            self.faults.error("W012", &*at.pointer, message);
        }
        Some((name, index?))
    }
}

fn test(label: &str, expected: Value, kind: TestKind) -> Test {
    Test { label: Arc::from(label), expected, kind }
}

const OPS: [&str; 18] = [
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "not_in",
    "contains",
    "starts_with",
    "ends_with",
    "exists",
    "before",
    "after",
    "on",
    "within",
    "within_next",
    "eq_entry",
];
const AGE_OPS: [&str; 8] = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in"];
