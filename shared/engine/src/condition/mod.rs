//! Conditions: pure tests on a contact, an event and a run.
//!
//! A condition is parsed from the document once ([`parse`]), with every fault found at once, and evaluated as often as
//! needed ([`eval`]), each test leaving an [`crate::explain::Explanation`].

pub(crate) mod compare;
mod did;
mod engaged;
pub mod eval;
mod flips;
pub mod parse;

use std::sync::Arc;

use jiff::Span;
use serde_json::Value;

use crate::ids::{Name, SegmentId, TopicId};
use crate::version::StepIndex;

pub use flips::{is_timed, next_flip};

/// A pure test.
#[derive(Debug, Clone)]
pub enum Condition {
    /// All hold; stops at the first that does not.
    All(Vec<Condition>),
    /// One holds; stops at the first that does.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// One comparison.
    Test(Test),
}

/// One comparison, with its name for explanations made beforehand.
#[derive(Debug, Clone)]
pub struct Test {
    /// As an author would say it: `attribute risk eq`.
    pub label: Arc<str>,
    /// What the document asks for, for explanations.
    pub expected: Value,
    /// The comparison.
    pub kind: TestKind,
}

/// What is compared.
#[derive(Debug, Clone)]
pub enum TestKind {
    /// A value of the contact, the event, the entry or a saved answer.
    Value {
        /// Where the value comes from.
        subject: Subject,
        /// What it is compared with.
        op: ValueOp,
    },
    /// Whole years since a date attribute, in the contact's zone.
    Age {
        /// The attribute (dotted path).
        attribute: String,
        /// What the age is compared with.
        op: ValueOp,
    },
    /// What happened to the contact before, as far as its facts say.
    Did {
        /// The name of the event.
        event: Name,
        /// A condition on it.
        filter: Option<Box<Condition>>,
        /// Only in so long before now.
        within: Option<Span>,
        /// How often at least.
        at_least: u32,
    },
    /// What became of a mail of this run.
    Engaged {
        /// The kind of engagement.
        kind: EngagedKind,
        /// The send step; `None` means any.
        step: Option<StepIndex>,
        /// Only this link, for clicks.
        link: Option<String>,
        /// Only if it happened in so long before now.
        within: Option<Span>,
        /// Whether machines count too (S20).
        machines: bool,
    },
    /// The contact is in a segment.
    Segment(SegmentId),
    /// The contact is subscribed to a topic.
    Subscribed(TopicId),
    /// The run has visited a step.
    Visited(StepIndex),
}

/// Where a compared value comes from. The text is a dotted path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An attribute of the contact.
    Attribute(String),
    /// A property of the event at hand.
    Event(String),
    /// What started the run.
    Entry(String),
    /// What a webhook answered.
    Saved(String),
}

/// A comparison. Types never coerce: values of different types are unequal, and in no order.
#[derive(Debug, Clone)]
pub enum ValueOp {
    /// Equal.
    Eq(Value),
    /// Not equal, or missing.
    Ne(Value),
    /// Greater: numbers, or texts by code point.
    Gt(Value),
    /// Greater or equal.
    Gte(Value),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Lte(Value),
    /// One of these.
    In(Vec<Value>),
    /// None of these, or missing.
    NotIn(Vec<Value>),
    /// A list that has it, or a text that has it inside.
    Contains(Value),
    /// A text that starts so.
    StartsWith(String),
    /// A text that ends so.
    EndsWith(String),
    /// It is there (or, with `false`, it is not). `null` is not there.
    Exists(bool),
    /// A date before this.
    Before(DateRef),
    /// A date after this.
    After(DateRef),
    /// A date on the same day as this, in the run's zone.
    On(DateRef),
    /// A date in the last so long.
    Within(Span),
    /// A date in the next so long.
    WithinNext(Span),
    /// Equal to a value of what started the run (dotted path).
    EqEntry(String),
}

/// A date that another is compared with.
#[derive(Debug, Clone)]
pub enum DateRef {
    /// As written: RFC 3339, or civil and then read in the run's zone.
    At(String),
    /// So long from now; zero for `now`.
    FromNow(Span),
}

/// What may become of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngagedKind {
    /// Somebody opened it.
    Opened,
    /// Somebody clicked a link in it.
    Clicked,
    /// It reached the mailbox.
    Delivered,
    /// It bounced.
    Bounced,
    /// The recipient called it spam.
    Complained,
}
