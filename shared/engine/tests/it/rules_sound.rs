//! W007 and W008 stand in the way of publishing, so they have to be right: what they call covered or impossible is held
//! against the evaluator.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::LazyLock;

use carepath_engine::Contact;
use carepath_engine::condition::Condition;
use carepath_engine::condition::parse::contact_condition;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::condition_rules::{contact, evaluate, now};
use super::document_samples::{World, found, workflow};

/// Few values, so that they meet, and of several types.
fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(1),
        json!(2),
        json!(2.0),
        json!(3),
        json!("a"),
        json!("ab"),
        json!("b"),
        json!(true),
    ])
}

fn ordered() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(1), json!(2), json!(2.5), json!(3), json!("a"), json!("b")])
}

fn test() -> impl Strategy<Value = Value> {
    let path = || prop::sample::select(vec!["x", "x", "y"]);
    let list = || prop::collection::vec(value(), 1..4);
    let text = || prop::sample::select(vec!["", "a", "ab", "b"]);
    prop_oneof![
        (path(), prop::sample::select(vec!["eq", "ne", "contains"]), value())
            .prop_map(|(path, op, value)| json!({ "attribute": path, op: value })),
        (path(), prop::sample::select(vec!["gt", "gte", "lt", "lte"]), ordered())
            .prop_map(|(path, op, value)| json!({ "attribute": path, op: value })),
        (path(), prop::sample::select(vec!["in", "not_in"]), list())
            .prop_map(|(path, op, list)| json!({ "attribute": path, op: list })),
        (path(), prop::sample::select(vec!["starts_with", "ends_with"]), text())
            .prop_map(|(path, op, text)| json!({ "attribute": path, op: text })),
        (path(), any::<bool>()).prop_map(|(path, there)| json!({ "attribute": path, "exists": there })),
        prop::sample::select(vec!["vip", "deceased"]).prop_map(|id| json!({ "segment": id })),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    test().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({ "all": list })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({ "any": list })),
            inner.prop_map(|inner| json!({ "not": inner })),
        ]
    })
}

fn read(condition: &Value) -> Condition {
    contact_condition(condition).unwrap()
}

fn holds(condition: &Condition, contact: &Contact) -> bool {
    evaluate(condition, contact, |_| ()).0
}

/// Every contact that these conditions can tell apart.
fn everybody() -> Vec<Contact> {
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!(2.7),
        json!(3),
        json!(4),
        json!("a"),
        json!("ab"),
        json!("b"),
        json!("c"),
        json!(""),
        json!(true),
        json!(["a"]),
        json!([2, true]),
    ];
    let mut everybody = Vec::new();
    for x in &values {
        for y in &values {
            for segments in [vec![], vec!["vip"], vec!["deceased"], vec!["vip", "deceased"]] {
                let mut one = contact(&json!({ "x": x, "y": y }));
                one.segments = segments.iter().map(|id| (id.parse().unwrap(), now())).collect();
                everybody.push(one);
            }
        }
    }
    everybody
}

static EVERYBODY: LazyLock<Vec<Contact>> = LazyLock::new(everybody);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_case_that_is_called_covered_never_comes_up(first in condition(), second in condition()) {
        let cases = json!([{ "when": first, "next": "end" }, { "when": second, "next": "end" }]);
        let report = World::new().check(&workflow(&json!({ "a": { "branch": { "cases": cases, "next": "end" } } })));
        if !found(&report, "W007").is_empty() {
            let (early, late) = (read(&first), read(&second));
            for one in EVERYBODY.iter() {
                prop_assert!(!holds(&late, one) || holds(&early, one), "{} {} {:?}", first, second, one.attributes.expose());
            }
        }
    }

    #[test]
    fn a_condition_that_is_called_impossible_holds_for_nobody_who_is_let_in(filter in condition(), asked in condition()) {
        let mut document = workflow(&json!({ "a": { "branch": { "cases": [{ "when": asked, "next": "end" }], "next": "end" } } }));
        document["entry"]["filter"] = filter.clone();
        let report = World::new().check(&document);
        let (entry, case) = (read(&filter), read(&asked));
        for (pointer, _) in found(&report, "W008") {
            for one in EVERYBODY.iter() {
                let both = holds(&entry, one) && (pointer == "/entry/filter" || holds(&case, one));
                prop_assert!(!both, "{} {} {:?}", filter, asked, one.attributes.expose());
            }
        }
    }
}

/// The generator makes enough that is found for the laws above to say something.
#[test]
fn the_rules_find_something_among_random_conditions() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [0, 0];
    for _ in 0..500 {
        let (first, second) = (condition(), condition()).new_tree(&mut runner).unwrap().current();
        let cases = json!([{ "when": first, "next": "end" }, { "when": second, "next": "end" }]);
        let mut document = workflow(&json!({ "a": { "branch": { "cases": cases, "next": "end" } } }));
        document["entry"]["filter"] = second;
        let report = World::new().check(&document);
        counts[0] += found(&report, "W007").len();
        counts[1] += found(&report, "W008").len();
    }
    assert!(counts[0] > 10 && counts[1] > 10, "{counts:?}");
}
