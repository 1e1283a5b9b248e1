//! Conditions as types, for the schema.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::shape::Duration;

/// A pure test on a contact, an event and a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) enum Condition {
    /// All hold.
    All { all: Vec<Condition> },
    /// One holds.
    Any { any: Vec<Condition> },
    /// It does not hold.
    Not { not: Box<Condition> },
    /// An attribute of the contact.
    Attribute(AttributeTest),
    /// A property of the event at hand.
    Event(EventTest),
    /// What started the run.
    Entry(EntryTest),
    /// What a webhook answered.
    Saved(SavedTest),
    /// Whole years since a date of the contact.
    Age(AgeTest),
    /// Something happened to the contact before.
    Did { did: String, r#where: Option<Box<Condition>>, within: Option<Duration>, at_least: Option<AtLeast> },
    /// A mail was opened.
    Opened { opened: String, within: Option<Duration>, machines: Option<bool> },
    /// A link of a mail was clicked.
    Clicked { clicked: String, link: Option<String>, within: Option<Duration>, machines: Option<bool> },
    /// A mail reached the mailbox.
    Delivered { delivered: String, within: Option<Duration>, machines: Option<bool> },
    /// A mail bounced.
    Bounced { bounced: String, within: Option<Duration>, machines: Option<bool> },
    /// A mail was called spam.
    Complained { complained: String, within: Option<Duration>, machines: Option<bool> },
    /// The contact is in a segment.
    Segment { segment: String },
    /// The contact is subscribed to a topic.
    Subscribed { subscribed: String },
    /// The run has been in a step.
    Visited { visited: String },
}

/// A test of a value: what it is called, and exactly one comparison. A derived struct says all of them with one list.
macro_rules! value_test {
    ($(#[$doc:meta])* $name:ident, $subject:ident) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(extend("minProperties" = 2, "maxProperties" = 2))]
        #[expect(dead_code, reason = "the fields are read by the schema only")]
        pub(super) struct $name {
            /// The dotted path of the value.
            $subject: String,
            eq: Option<Value>,
            ne: Option<Value>,
            gt: Option<Ordered>,
            gte: Option<Ordered>,
            lt: Option<Ordered>,
            lte: Option<Ordered>,
            r#in: Option<Vec<Value>>,
            not_in: Option<Vec<Value>>,
            contains: Option<Value>,
            starts_with: Option<String>,
            ends_with: Option<String>,
            exists: Option<bool>,
            /// A date, `now`, or a signed duration from now.
            before: Option<String>,
            /// A date, `now`, or a signed duration from now.
            after: Option<String>,
            /// A date, `now`, or a signed duration from now.
            on: Option<String>,
            /// In the last so long.
            within: Option<Duration>,
            /// In the next so long.
            within_next: Option<Duration>,
            /// The path of a value that the run started with.
            eq_entry: Option<String>,
        }
    };
}

value_test!(
    /// A test of an attribute.
    AttributeTest,
    attribute
);
value_test!(
    /// A test of a property of an event.
    EventTest,
    event
);
value_test!(
    /// A test of what started the run.
    EntryTest,
    entry
);
value_test!(
    /// A test of what a webhook answered: the name under which it was saved, and the path in it.
    SavedTest,
    saved
);

/// How often at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minimum" = 1, "maximum" = 50))]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct AtLeast(u8);

/// What has an order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
enum Ordered {
    Number(serde_json::Number),
    Text(String),
}

/// A test of an age, with exactly one comparison.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2, "maxProperties" = 2))]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct AgeTest {
    /// The path of a date of the contact.
    age: String,
    eq: Option<u8>,
    ne: Option<u8>,
    gt: Option<u8>,
    gte: Option<u8>,
    lt: Option<u8>,
    lte: Option<u8>,
    r#in: Option<Vec<u8>>,
    not_in: Option<Vec<u8>>,
}
