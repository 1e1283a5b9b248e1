//! Random conditions, and random contacts and runs for them to look at.

#![expect(clippy::unwrap_used, reason = "helpers of tests, called with literals, fail the test")]

use carepath_engine::condition::{Condition, DateRef, EngagedKind, Subject, TestKind, ValueOp};
use carepath_engine::contact::Fact;
use carepath_engine::run::{FirstSeen, Message};
use jiff::{Span, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::condition_rules::{ago, attribute, mail, now, object, test};

pub(crate) fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        4 => prop::sample::select(vec![
            json!(0), json!(-0.0), json!(1), json!(1.0), json!(1.5), json!(-1), json!(-1.5), json!(i64::MIN), json!(u64::MAX),
            json!(9_007_199_254_740_992.0), json!(9_007_199_254_740_993_i64), json!(18_446_744_073_709_551_616.0), json!(1e300),
            json!(-1e300),
        ]),
        4 => prop::sample::select(vec!["", "a", "ab", "b", "é", "1", "true", "\u{ffff}", "\u{1f600}"]).prop_map(Value::from),
        6 => prop::sample::select(vec![
            "2026-11-24", "2026-11-23T23:59", "2026-11-24T05:00:00Z", "2026-11-25", "1976-11-24", "1976-11-25", "2000-02-29",
            "2026-11-24T04:00:00-01:00", "2026-03-08T02:30", "2026-03-08T07:00:00Z", "2026-11-01T01:30", "2026-11-01T06:30:00Z",
        ]).prop_map(Value::from),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let object =
        prop::collection::btree_map(prop::sample::select(vec!["x", "y"]).prop_map(String::from), scalar(), 0..3);
    prop_oneof![
        8 => scalar(),
        2 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
        1 => object.prop_map(|fields| Value::Object(fields.into_iter().collect())),
    ]
}

pub(crate) fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        prop::sample::select(vec![0_i64, 1, 24, 48]).prop_map(|hours| Span::new().hours(hours)),
        prop::sample::select(vec![1_i64, 2, 15, 30]).prop_map(|days| Span::new().days(days)),
        Just(Span::new().weeks(1).hours(1)),
        Just(Span::new().months(1).days(1).minutes(30)),
    ]
}

pub(crate) fn when() -> impl Strategy<Value = DateRef> {
    prop_oneof![
        (span(), any::<bool>()).prop_map(|(span, past)| DateRef::FromNow(if past { span.negate() } else { span })),
        prop::sample::select(vec![
            "2026-11-24",
            "2026-11-24T05:00:00Z",
            "2026-03-08T02:30",
            "2026-11-01T01:30",
            "nonsense"
        ])
        .prop_map(|text| DateRef::At(text.into())),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = ValueOp> {
    let text = || prop::sample::select(vec!["", "a", "b", "2026", "é"]).prop_map(String::from);
    prop_oneof![
        value().prop_map(ValueOp::Eq),
        value().prop_map(ValueOp::Ne),
        value().prop_map(ValueOp::Gt),
        value().prop_map(ValueOp::Gte),
        value().prop_map(ValueOp::Lt),
        value().prop_map(ValueOp::Lte),
        prop::collection::vec(value(), 0..3).prop_map(ValueOp::In),
        prop::collection::vec(value(), 0..3).prop_map(ValueOp::NotIn),
        scalar().prop_map(ValueOp::Contains),
        text().prop_map(ValueOp::StartsWith),
        text().prop_map(ValueOp::EndsWith),
        any::<bool>().prop_map(ValueOp::Exists),
        when().prop_map(ValueOp::Before),
        when().prop_map(ValueOp::After),
        when().prop_map(ValueOp::On),
        span().prop_map(ValueOp::Within),
        span().prop_map(ValueOp::WithinNext),
        path().prop_map(ValueOp::EqEntry),
    ]
}

pub(crate) fn path() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["x", "y", "o.x", "gone", "x.y"]).prop_map(String::from)
}

pub(crate) fn engaged() -> impl Strategy<Value = TestKind> {
    let kind = prop::sample::select(vec![
        EngagedKind::Opened,
        EngagedKind::Clicked,
        EngagedKind::Delivered,
        EngagedKind::Bounced,
        EngagedKind::Complained,
    ]);
    let link = prop::option::of(prop::sample::select(vec!["", "go"]).prop_map(String::from));
    (kind, prop::option::of(1_u16..4), link, prop::option::of(span()), any::<bool>())
        .prop_map(|(kind, step, link, within, machines)| TestKind::Engaged { kind, step, link, within, machines })
}

pub(crate) fn did() -> impl Strategy<Value = TestKind> {
    let event = prop::sample::select(vec!["visited", "paid", "never"]).prop_map(|name| name.parse().unwrap());
    let filter = prop::option::of(prop::sample::select(vec![json!(1), json!("a"), json!(1.5)]).prop_map(|wanted| {
        let subject = Subject::Event("kind".into());
        Box::new(test(TestKind::Value { subject, op: ValueOp::Eq(wanted) }))
    }));
    (event, filter, prop::option::of(span()), 1_u32..4).prop_map(|(event, filter, within, at_least)| TestKind::Did {
        event,
        filter,
        within,
        at_least,
    })
}

pub(crate) fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let fact =
        (prop::sample::select(vec![0_i64, 60, 1_440, 3_000]), scalar(), any::<u32>()).prop_map(|(at, kind, n)| Fact {
            at: ago(at),
            event: n.to_string(),
            properties: object(&json!({ "kind": kind })).into(),
        });
    prop::collection::vec(fact, 0..5)
}

pub(crate) fn leaf() -> impl Strategy<Value = Condition> {
    let whole_years = prop_oneof![(-1_i32..60).prop_map(|age| ValueOp::Gte(json!(age))), op()];
    prop_oneof![
        6 => (path(), op()).prop_map(|(path, op)| attribute(&path, op)),
        2 => (path(), op()).prop_map(|(path, op)| test(TestKind::Value { subject: Subject::Entry(path), op })),
        1 => (path(), op()).prop_map(|(path, op)| test(TestKind::Value { subject: Subject::Event(path), op })),
        2 => (path(), whole_years).prop_map(|(attribute, op)| test(TestKind::Age { attribute, op })),
        4 => engaged().prop_map(test),
        3 => did().prop_map(test),
        1 => prop::sample::select(vec!["vip", "other"]).prop_map(|id| test(TestKind::Segment(id.parse().unwrap()))),
        1 => prop::sample::select(vec!["news", "ads", "x"]).prop_map(|id| test(TestKind::Subscribed(id.parse().unwrap()))),
        1 => (2_u16..5).prop_map(|step| test(TestKind::Visited(step))),
    ]
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

/// A moment like any other, and moments around which clocks change.
pub(crate) fn clock() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(now()),
        prop::sample::select(vec![
            "2026-03-08T07:30:00Z",
            "2026-03-09T06:30:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-02T06:30:00Z"
        ])
        .prop_map(|text| text.parse().unwrap()),
    ]
}

pub(crate) fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(prop::sample::select(vec![0_i64, 30, 60, 600, 1_440, 3_000]).prop_map(ago))
}

pub(crate) fn seen() -> impl Strategy<Value = FirstSeen> {
    (moment(), moment()).prop_map(|(human, machine)| FirstSeen { human, machine, ..FirstSeen::default() })
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let clicked =
        prop::collection::btree_map(prop::sample::select(vec!["", "go", "x"]).prop_map(String::from), seen(), 0..3);
    (moment(), moment(), moment(), seen(), clicked).prop_map(|(delivered, bounced, complained, opened, clicked)| {
        Message { delivered, bounced, complained, opened, clicked, ..mail() }
    })
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    (value(), value(), value()).prop_map(|(x, y, inner)| json!({"x": x, "y": y, "o": {"x": inner}}))
}
