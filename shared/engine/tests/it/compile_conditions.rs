//! W007 and W008: conditions that never hold when they are asked.

use serde_json::{Value, json};

use crate::document_samples::{World, found, workflow};

fn cases(first: &Value, second: &Value) -> Vec<String> {
    let report = World::new().check(&workflow(&json!({
        "a": { "branch": {
            "cases": [{ "when": first, "next": "end" }, { "when": second, "next": "end" }], "next": "end"
        } }
    })));
    found(&report, "W007").into_iter().map(|(pointer, _)| pointer.to_owned()).collect()
}

#[test]
fn w007_a_case_that_an_earlier_one_covers() {
    let age = |op: &str, value: i64| json!({ "attribute": "n", op: value });
    for (first, second) in [
        (age("gte", 50), age("gte", 60)),
        (age("gt", 50), age("gte", 51)),
        (age("lte", 5), age("lt", 5)),
        (age("gte", 50), age("eq", 50)),
        (age("ne", 1), age("eq", 2)),
        (age("eq", 1), json!({ "attribute": "n", "eq": 1.0 })),
        (json!({ "attribute": "n", "exists": true }), age("lt", 5)),
        (json!({ "attribute": "n", "in": [1, 2, 3] }), json!({ "attribute": "n", "in": [1, 3] })),
        (json!({ "attribute": "n", "starts_with": "a" }), json!({ "attribute": "n", "eq": "ab" })),
        (json!({ "segment": "vip" }), json!({ "all": [{ "segment": "vip" }, age("eq", 1)] })),
        (json!({ "any": [{ "segment": "vip" }, age("gt", 1)] }), age("gt", 2)),
        (json!({ "not": age("gt", 5) }), age("lt", 3)),
        (json!({ "attribute": "d", "within": "9d" }), json!({ "attribute": "d", "within": "3d" })),
        (json!({ "age": "birth_date", "gte": 50 }), json!({ "age": "birth_date", "gt": 65 })),
    ] {
        assert_eq!(cases(&first, &second), ["/steps/a/branch/cases/1"], "{first} {second}");
    }
}

#[test]
fn w007_a_case_that_is_only_like_an_earlier_one() {
    let age = |op: &str, value: i64| json!({ "attribute": "n", op: value });
    for (first, second) in [
        (age("gte", 60), age("gte", 50)),
        (age("gt", 50), age("gte", 50)),
        (age("gte", 50), json!({ "attribute": "n", "gte": "60" })),
        (age("gte", 50), json!({ "attribute": "m", "gte": 60 })),
        (age("lt", 5), json!({ "attribute": "n", "exists": true })),
        (age("lt", 5), age("ne", 7)),
        (json!({ "not": age("gte", 5) }), json!({ "attribute": "n", "exists": true })),
        (json!({ "all": [{ "segment": "vip" }, age("eq", 1)] }), json!({ "segment": "vip" })),
        (json!({ "attribute": "d", "within": "24h" }), json!({ "attribute": "d", "within": "1d" })),
        (json!({ "event": "x", "eq": 1 }), json!({ "segment": "vip" })),
    ] {
        assert!(cases(&first, &second).is_empty(), "{first} {second}");
    }
}

#[test]
fn w007_a_path_that_an_earlier_one_covers() {
    let paths = |first: Value, second: Value| {
        let report = World::new().check(&workflow(&json!({
            "a": { "wait_for": { "paths": [first, second], "timeout": "1d", "next": "end" } }
        })));
        found(&report, "W007").len()
    };
    let narrow = json!({ "event": "x", "where": { "event": "p", "eq": 1 }, "next": "end" });
    let broad = json!({ "event": "x", "next": "end" });
    assert_eq!(paths(broad.clone(), narrow.clone()), 1);
    assert_eq!(paths(narrow, broad), 0);
}

fn entered(entry: Value, steps: &Value) -> Vec<String> {
    let mut document = workflow(steps);
    document["entry"] = entry;
    let report = World::new().check(&document);
    found(&report, "W008").into_iter().map(|(pointer, _)| pointer.to_owned()).collect()
}

fn branch(when: &Value) -> Value {
    json!({ "branch": { "cases": [{ "when": when, "next": "end" }], "next": "end" } })
}

#[test]
fn w008_a_condition_that_the_entry_rules_out() {
    let entry = json!({ "api": true, "filter": { "all": [{ "attribute": "n", "gte": 50 }, { "segment": "vip" }] } });
    for impossible in [
        json!({ "attribute": "n", "lt": 50 }),
        json!({ "attribute": "n", "eq": 7 }),
        json!({ "attribute": "n", "exists": false }),
        json!({ "not": { "segment": "vip" } }),
        json!({ "all": [{ "segment": "deceased" }, { "attribute": "n", "in": [1, 2] }] }),
    ] {
        assert_eq!(entered(entry.clone(), &json!({ "a": branch(&impossible) })).len(), 1, "{impossible}");
    }
    for possible in [
        json!({ "attribute": "n", "lte": 50 }),
        json!({ "attribute": "n", "ne": 7 }),
        json!({ "attribute": "n", "eq": 50.0 }),
        json!({ "any": [{ "segment": "deceased" }, { "attribute": "n", "in": [1, 2] }] }),
    ] {
        assert!(entered(entry.clone(), &json!({ "a": branch(&possible) })).is_empty(), "{possible}");
    }
}

#[test]
fn w008_what_may_have_changed_since_the_entry_is_possible() {
    let entry = json!({ "api": true, "filter": { "attribute": "n", "gte": 50 } });
    let low = branch(&json!({ "attribute": "n", "lt": 50 }));
    let waited = json!({ "a": { "wait": { "for": "1d" }, "next": "b" }, "b": low });
    assert!(entered(entry.clone(), &waited).is_empty());
    let updated = json!({ "a": { "update": { "increment": { "n": -10 } }, "next": "b" }, "b": low });
    assert!(entered(entry.clone(), &updated).is_empty());
    let other = json!({ "a": { "update": { "increment": { "m": -10 } }, "next": "b" }, "b": low });
    assert_eq!(entered(entry, &other).len(), 1);
}

#[test]
fn w008_what_a_run_started_with_never_changes() {
    let entry = json!({ "event": "x", "where": { "event": "place", "eq": "north" } });
    let waited = |place: &str| {
        json!({
            "a": { "wait": { "for": "1d" }, "next": "b" },
            "b": branch(&json!({ "entry": "place", "eq": place }))
        })
    };
    assert_eq!(entered(entry.clone(), &waited("south")).len(), 1);
    assert!(entered(entry, &waited("north")).is_empty());
}
