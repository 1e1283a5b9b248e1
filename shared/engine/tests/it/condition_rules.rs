//! The rules of conditions, by name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::LazyLock;

use carepath_engine::calendar::parse_zone;
use carepath_engine::condition::eval::{Scope, eval, happened_at};
use carepath_engine::condition::{Condition, DateRef, Subject, Test, TestKind, ValueOp};
use carepath_engine::contact::{Attributes, Contact, Subscription};
use carepath_engine::event::{Event, Source};
use carepath_engine::explain::Explanation;
use carepath_engine::run::{EntryRecord, FirstSeen, Message, MessageState, Place, Run, State, Visit};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

pub(crate) fn test(kind: TestKind) -> Condition {
    Condition::Test(Test { label: "a test".into(), expected: json!("as asked"), kind })
}

pub(crate) fn attribute(path: &str, op: ValueOp) -> Condition {
    test(TestKind::Value { subject: Subject::Attribute(path.into()), op })
}

pub(crate) fn object(value: &Value) -> Attributes {
    value.as_object().unwrap().clone()
}

pub(crate) fn contact(attributes: &Value) -> Contact {
    let mut contact = Contact::new("patient-1".parse().unwrap(), Timestamp::UNIX_EPOCH);
    contact.attributes = object(attributes).into();
    contact
}

pub(crate) fn now() -> Timestamp {
    "2026-11-24T05:00:00Z".parse().unwrap()
}

pub(crate) fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) fn run(messages: impl IntoIterator<Item = (u16, Message)>) -> Run {
    Run {
        id: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap(),
        workflow: "reminder".parse().unwrap(),
        version: 1,
        contact: "patient-1".parse().unwrap(),
        key: None,
        entry: EntryRecord { at: ago(600), number: 1, cause: "c".into(), payload: object(&json!({"visit": 7})).into() },
        state: State::Ready { step: 0, due: now() },
        visits: vec![Visit { place: Place::Step(3), at: ago(500), edge: None, explanation: Vec::new() }],
        messages: messages.into_iter().collect(),
        heard: Vec::new(),
        taken: Vec::new(),
        calls: std::collections::BTreeMap::new(),
        saved: object(&json!({"score": {"band": "high", "points": 7}})).into(),
        hops: 1,
        lineage: Vec::new(),
        past: Vec::new(),
        revision: 1,
    }
}

pub(crate) fn mail() -> Message {
    Message {
        state: MessageState::Sent,
        reason: None,
        attempt: 1,
        at: ago(400),
        ids: Vec::new(),
        to: None,
        delivered: None,
        bounced: None,
        complained: None,
        unsubscribed: None,
        opened: FirstSeen::default(),
        clicked: [].into(),
    }
}

pub(crate) fn by_person(at: Timestamp) -> FirstSeen {
    FirstSeen::by_person(at)
}

/// Evaluates in New York, with what `change` does to the scope.
pub(crate) fn evaluate<'a>(
    condition: &Condition,
    contact: &'a Contact,
    change: impl FnOnce(&mut Scope<'a>),
) -> (bool, Vec<Explanation>, Option<Timestamp>) {
    static NEW_YORK: LazyLock<TimeZone> = LazyLock::new(|| parse_zone("America/New_York").unwrap());
    let tz = &*NEW_YORK;
    let mut scope = Scope { contact, event: None, entry: None, run: None, now: now(), tz, cutoff: None, since: None };
    change(&mut scope);
    let mut why = Vec::new();
    let result = eval(condition, &scope, &mut why);
    (result, why, happened_at(condition, &scope))
}

fn holds(condition: &Condition, attributes: &Value) -> bool {
    evaluate(condition, &contact(attributes), |_| ()).0
}

fn source_of(op: ValueOp, value: &Value) -> (bool, String) {
    let (result, why, _) = evaluate(&attribute("x", op), &contact(&json!({"x": value})), |_| ());
    (result, why[0].source.to_string())
}

fn all_ops() -> Vec<ValueOp> {
    vec![
        ValueOp::Eq(json!("a")),
        ValueOp::Gt(json!("a")),
        ValueOp::Gte(json!(1)),
        ValueOp::Lt(json!(1)),
        ValueOp::Lte(json!(1)),
        ValueOp::In(vec![json!("a")]),
        ValueOp::Contains(json!("a")),
        ValueOp::StartsWith("a".into()),
        ValueOp::EndsWith("a".into()),
        ValueOp::Exists(true),
        ValueOp::Before(DateRef::FromNow(Span::new())),
        ValueOp::After(DateRef::FromNow(Span::new())),
        ValueOp::On(DateRef::FromNow(Span::new())),
        ValueOp::Within(Span::new().days(1)),
        ValueOp::WithinNext(Span::new().days(1)),
        ValueOp::EqEntry("visit".into()),
    ]
}

#[test]
fn a_missing_value_fails_every_test_but_those_that_ask_for_being_other() {
    for attributes in [json!({}), json!({"x": null}), json!({"x": {"y": 1}})] {
        let path = if attributes["x"].is_object() { "x.z" } else { "x" };
        for op in all_ops() {
            assert!(!holds(&attribute(path, op.clone()), &attributes), "{op:?}");
        }
        for op in [ValueOp::Exists(false), ValueOp::Ne(json!(1)), ValueOp::NotIn(vec![json!(1)])] {
            assert!(holds(&attribute(path, op.clone()), &attributes), "{op:?}");
        }
    }
}

/// S23
#[test]
fn s23_values_of_different_types_never_compare_and_the_explanation_says_so() {
    assert_eq!(source_of(ValueOp::Gt(json!(5)), &json!("7")), (false, "contact (a string, not a number)".into()));
    assert_eq!(
        source_of(ValueOp::Eq(json!(true)), &json!("true")),
        (false, "contact (a string, not a boolean)".into())
    );
    assert_eq!(source_of(ValueOp::Eq(json!("1")), &json!(1)), (false, "contact (a number, not a string)".into()));
    assert_eq!(source_of(ValueOp::In(vec![json!(1)]), &json!("1")), (false, "contact (a string, not a number)".into()));
    assert_eq!(
        source_of(ValueOp::StartsWith("1".into()), &json!(1)),
        (false, "contact (a number, not a string)".into())
    );
    let before = ValueOp::Before(DateRef::FromNow(Span::new()));
    assert_eq!(source_of(before.clone(), &json!("soon")), (false, "contact (a string, not a date)".into()));
    assert_eq!(source_of(before, &json!(20_200_101)), (false, "contact (a number, not a date)".into()));
    // Being other is what these ask for, and values of different types are.
    assert_eq!(source_of(ValueOp::Ne(json!(5)), &json!("5")), (true, "contact (a string, not a number)".into()));
    assert_eq!(
        source_of(ValueOp::NotIn(vec![json!(5)]), &json!("5")),
        (true, "contact (a string, not a number)".into())
    );
}

#[test]
fn numbers_compare_exactly_whatever_they_are_written_as() {
    let big = 9_007_199_254_740_993_i64;
    let holds = |value: Value, op: ValueOp| holds(&attribute("x", op), &json!({"x": value}));
    assert!(holds(json!(1), ValueOp::Eq(json!(1.0))));
    assert!(holds(json!([1, {"a": 2.0}]), ValueOp::Eq(json!([1.0, {"a": 2}]))));
    assert!(!holds(json!(big), ValueOp::Eq(json!(9_007_199_254_740_992.0))));
    assert!(holds(json!(big), ValueOp::Gt(json!(9_007_199_254_740_992.0))));
    assert!(holds(json!(u64::MAX), ValueOp::Lt(json!(18_446_744_073_709_551_616.0))));
    assert!(holds(json!(u64::MAX), ValueOp::Gt(json!(i64::MIN))));
    assert!(holds(json!(-1), ValueOp::Gt(json!(-1.5))));
    assert!(holds(json!(-2), ValueOp::Lt(json!(-1.5))));
    assert!(holds(json!(0), ValueOp::Eq(json!(-0.0))));
    assert!(holds(json!(i64::MIN), ValueOp::Gt(json!(-1e300))));
    assert!(holds(json!(1e300), ValueOp::Gte(json!(u64::MAX))));
}

#[test]
fn texts_and_lists_compare_as_documents_say() {
    let attributes = json!({"x": "Straße", "list": ["a", 2], "dotted.name": 1, "deep": {"er": "y"}});
    let cases = [
        ("x", ValueOp::Contains(json!("raß")), true),
        ("x", ValueOp::StartsWith("Str".into()), true),
        ("x", ValueOp::EndsWith("SSE".into()), false),
        ("x", ValueOp::Gt(json!("Strand")), true),
        ("list", ValueOp::Contains(json!(2.0)), true),
        ("list", ValueOp::Contains(json!("2")), false),
        ("list", ValueOp::In(vec![json!(["a", 2])]), true),
        ("dotted.name", ValueOp::Eq(json!(1)), true),
        ("deep.er", ValueOp::Eq(json!("y")), true),
    ];
    for (path, op, expected) in cases {
        assert_eq!(holds(&attribute(path, op.clone()), &attributes), expected, "{path} {op:?}");
    }
}

#[test]
fn dates_compare_in_the_zone_of_the_scope() {
    // Now is midnight in New York on November 24.
    let attributes = json!({"x": "2026-11-23T23:59", "today": "2026-11-24", "next": "2026-11-30T00:00:00Z"});
    let in_hours = |hours: i64| DateRef::FromNow(Span::new().hours(hours));
    let cases = [
        ("x", ValueOp::Before(in_hours(0)), true),
        ("x", ValueOp::After(in_hours(0)), false),
        ("x", ValueOp::On(in_hours(0)), false),
        ("x", ValueOp::On(in_hours(-1)), true),
        ("x", ValueOp::On(DateRef::At("2026-11-24T04:00:00Z".into())), true),
        ("x", ValueOp::On(DateRef::At("2026-11-23".into())), true),
        ("x", ValueOp::Before(DateRef::At("never".into())), false),
        ("x", ValueOp::Within(Span::new().minutes(1)), true),
        ("x", ValueOp::Within(Span::new().seconds(59)), false),
        ("today", ValueOp::Within(Span::new().seconds(1)), true),
        ("today", ValueOp::WithinNext(Span::new().seconds(1)), true),
        ("next", ValueOp::WithinNext(Span::new().weeks(1)), true),
        ("next", ValueOp::WithinNext(Span::new().days(5)), false),
        ("next", ValueOp::Within(Span::new().weeks(1)), false),
        ("next", ValueOp::Within(Span::new().years(9_999)), false),
    ];
    for (path, op, expected) in cases {
        assert_eq!(holds(&attribute(path, op.clone()), &attributes), expected, "{path} {op:?}");
    }
}

#[test]
fn an_age_is_in_whole_years_in_the_zone_of_the_scope() {
    let age = |op| test(TestKind::Age { attribute: "born".into(), op });
    // Four hours earlier it is still November 23 in New York.
    let (fifty, ..) = evaluate(&age(ValueOp::Gte(json!(50))), &contact(&json!({"born": "1976-11-24"})), |_| ());
    assert!(fifty);
    let condition = age(ValueOp::Gte(json!(50)));
    let (result, why, _) = evaluate(&condition, &contact(&json!({"born": "1976-11-24"})), |scope| scope.now = ago(1));
    assert_eq!((result, why[0].observed.expose()), (false, &json!(49)));
    let (result, why, _) = evaluate(&condition, &contact(&json!({"born": "long ago"})), |_| ());
    assert_eq!((result, why[0].source.as_ref()), (false, "contact (a string, not a date)"));
    assert!(!evaluate(&condition, &contact(&json!({})), |_| ()).0);
}

#[test]
fn events_and_entries_are_looked_at_where_there_are_some() {
    let event = Event {
        contact: None,
        id: "e1".parse().unwrap(),
        source: Source::Api,
        name: "moved".parse().unwrap(),
        at: now(),
        received_at: now(),
        hops: 0,
        properties: object(&json!({"visit": 7.0, "other": 8, "nothing": null})).into(),
    };
    let on = |path: &str, op| test(TestKind::Value { subject: Subject::Event(path.into()), op });
    let (run, other) = (run([]), object(&json!({"visit": 8})));
    let same = on("visit", ValueOp::EqEntry("visit".into()));
    let nobody = contact(&json!({}));
    assert!(evaluate(&same, &nobody, |scope| (scope.event, scope.run) = (Some(&event), Some(&run))).0);
    // An entry that is given wins over the run's own.
    let both = |scope: &mut Scope<'_>| assert!(scope.run.is_none());
    assert!(!evaluate(&same, &nobody, both).0);
    assert!(
        !evaluate(&same, &nobody, |scope| (scope.event, scope.run, scope.entry) =
            (Some(&event), Some(&run), Some(&other)))
        .0
    );
    let missing = on("nothing", ValueOp::EqEntry("nothing".into()));
    assert!(!evaluate(&missing, &nobody, |scope| (scope.event, scope.run) = (Some(&event), Some(&run))).0);
    let entry = test(TestKind::Value { subject: Subject::Entry("visit".into()), op: ValueOp::Eq(json!(7)) });
    assert!(evaluate(&entry, &nobody, |scope| scope.run = Some(&run)).0);
    assert!(!evaluate(&entry, &nobody, |_| ()).0);
}

#[test]
fn segments_topics_and_visits_are_looked_up() {
    let mut contact = contact(&json!({}));
    contact.segments.insert("vip".parse().unwrap(), now());
    contact.topics.insert("news".parse().unwrap(), Subscription::Subscribed);
    contact.topics.insert("ads".parse().unwrap(), Subscription::Unsubscribed);
    let run = run([]);
    let cases = [
        (TestKind::Segment("vip".parse().unwrap()), true),
        (TestKind::Segment("other".parse().unwrap()), false),
        (TestKind::Subscribed("news".parse().unwrap()), true),
        (TestKind::Subscribed("ads".parse().unwrap()), false),
        (TestKind::Subscribed("never-asked".parse().unwrap()), false),
        (TestKind::Visited(3), true),
        (TestKind::Visited(4), false),
    ];
    for (kind, expected) in cases {
        let (result, ..) = evaluate(&test(kind.clone()), &contact, |scope| scope.run = Some(&run));
        assert_eq!(result, expected, "{kind:?}");
    }
}

/// S23
#[test]
fn s23_each_test_that_was_looked_at_is_explained_and_no_other() {
    let yes = || attribute("x", ValueOp::Eq(json!(1)));
    let no = || attribute("x", ValueOp::Eq(json!(2)));
    let explained = |condition: Condition| {
        let (result, why, _) = evaluate(&condition, &contact(&json!({"x": 1})), |_| ());
        (result, why.iter().map(|one| one.result).collect::<Vec<_>>())
    };
    assert_eq!(explained(Condition::All(vec![yes(), no(), yes()])), (false, vec![true, false]));
    assert_eq!(explained(Condition::Any(vec![no(), yes(), no()])), (true, vec![false, true]));
    assert_eq!(explained(Condition::Not(Box::new(no()))), (true, vec![false]));
    assert_eq!(explained(Condition::All(vec![])), (true, vec![]));
    assert_eq!(explained(Condition::Any(vec![])), (false, vec![]));
    let (_, why, _) = evaluate(&yes(), &contact(&json!({"x": 1})), |_| ());
    let expected = Explanation::new("a test", true, "contact").observed(1).expected("as asked");
    assert_eq!(why, [expected]);
}

#[test]
fn an_explanation_keeps_long_values_in_short() {
    let long = json!({"x": "ä".repeat(5_000), "list": vec![7; 500], "object": {"a": {"b": 1}}});
    for path in ["x", "list", "object"] {
        let (_, why, _) = evaluate(&attribute(path, ValueOp::Exists(true)), &contact(&long), |_| ());
        assert!(why[0].observed.expose().to_string().len() < 300);
    }
}
