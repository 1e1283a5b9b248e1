//! The published schema, the types that it is made of, and the reader agree.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use carepath_engine::document::{Workflow, schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::document_samples::{World, appointment, errors, workflow};

/// Documents that between them use every word of the language.
fn good() -> Vec<Value> {
    let entry = |entry: Value| {
        let mut document = workflow(&json!({ "a": { "exit": { "reason": "done" } } }));
        document["entry"] = entry;
        document
    };
    let steps = json!({
        "a": { "wait": { "for": "P3D" }, "next": "b" },
        "b": {
            "wait": {
                "until": { "attribute": "visit.at" }, "offset": "-1d", "at": "10:00", "days": ["mon", "sun"], "else": "c",
                "late_limit": "2h"
            },
            "next": "c"
        },
        "c": { "wait": { "until": { "at": "2027-01-01T09:00" } }, "next": "d" },
        "d": { "send": { "template": "welcome", "on_failure": "f", "on_unknown": "resend" }, "next": "e" },
        "e": { "wait_for": {
            "paths": [
                { "when": { "any": [
                    { "opened": "d", "within": "3d" },
                    { "clicked": "any", "link": "confirm", "machines": true },
                    { "all": [{ "delivered": "d" }, { "not": { "bounced": "d" } }, { "complained": "any" }] }
                ] }, "next": "f" },
                { "event": "replied", "where": { "event": "about", "contains": "visit" }, "next": "f" }
            ],
            "timeout": "4h 30m", "next": "f", "already_true": "wait"
        } },
        "f": { "branch": {
            "cases": [
                { "when": { "age": "birth_date", "gte": 50 }, "next": "g" },
                { "when": { "age": "birth_date", "in": [1, 2] }, "next": "g" },
                { "when": { "entry": "place", "in": ["north", "south"] }, "next": "g" },
                { "when": { "attribute": "last_visit", "within": "90d" }, "next": "g" },
                { "when": { "attribute": "next_visit", "within_next": "90d" }, "next": "g" },
                { "when": { "attribute": "next_visit", "on": "1d" }, "next": "g" },
                { "when": { "attribute": "last_visit", "before": "now" }, "next": "g" },
                { "when": { "attribute": "last_visit", "after": "2027-01-01" }, "next": "g" },
                { "when": { "attribute": "place", "eq_entry": "place" }, "next": "g" },
                { "when": { "attribute": "name", "starts_with": "a" }, "next": "g" },
                { "when": { "attribute": "name", "ends_with": "z" }, "next": "g" },
                { "when": { "attribute": "name", "not_in": ["x"] }, "next": "g" },
                { "when": { "attribute": "score", "gt": 1.5 }, "next": "g" },
                { "when": { "attribute": "name", "lte": "m" }, "next": "g" },
                { "when": { "subscribed": "news" }, "next": "g" },
                { "when": { "visited": "b" }, "next": "g" }
            ],
            "next": "g"
        } },
        "g": { "split": { "shares": [{ "weight": 90, "next": "h" }, { "weight": 10, "next": "end" }] } },
        "h": {
            "update": {
                "set": { "a.b": "{{ contact.id }}", "c": { "d": [1, null] } }, "unset": ["x", "y"], "increment": { "n": -1.5 },
                "append": { "list": 1 }, "remove": { "list": "x" }
            },
            "next": "i"
        },
        "i": { "update": { "unset": "z" }, "next": "j" },
        "j": { "segment": { "add": ["vip", "deceased"], "remove": "needs-a-call" }, "next": "k" },
        "k": { "jump": { "workflow": "w", "step": "m", "payload": { "x": "{{ entry.x }}" }, "stay": true }, "next": "l" },
        "l": { "emit": { "event": "tried", "properties": { "x": ["{{ entry.x }}"] } }, "next": "l1" },
        "l1": { "emit": { "event": "tried" }, "next": "l2" },
        "l2": { "webhook": { "url": "https://x.example/y" }, "next": "l3" },
        "l3": { "webhook": {
            "url": "https://x.example/y", "body": { "id": "{{ contact.id }}" }, "save_as": "said", "on_failure": "l4"
        }, "next": "l4" },
        "l4": { "branch": { "cases": [{ "when": { "saved": "said.ok", "eq": true }, "next": "l5" }], "next": "l5" } },
        "l5": { "jump": { "step": "m" } },
        "m": { "exit": { "reason": "done" } }
    });
    vec![
        appointment(),
        workflow(&steps),
        entry(json!({ "attribute": "risk", "from": "low", "to": null, "key": "k", "reentry": "after_exit" })),
        entry(json!({ "segment": "vip", "on": "leave", "reentry": { "mode": "never" } })),
        entry(json!({ "event": "x", "filter": { "attribute": "a", "exists": true } })),
    ]
}

/// Changes that each make a good document bad.
fn bad() -> Vec<Value> {
    [
        ("/class", json!("spam")),
        ("/id", json!(7)),
        ("/entry", json!({})),
        ("/entry", json!({ "event": "x", "api": true })),
        ("/entry", json!({ "event": "x", "on": "enter" })),
        ("/entry/reentry", json!({ "mode": "sometimes" })),
        ("/exit/0", json!({ "event": "x", "when": { "segment": "vip" } })),
        ("/goal", json!({ "within": "3d" })),
        ("/send_policy/days", json!(["monday"])),
        ("/send_policy/cap", json!({ "max": 1 })),
        ("/steps/thank", json!({ "update": { "sett": {} } })),
        ("/steps/thank", json!({ "update": { "increment": { "x": "1" } } })),
        ("/steps/thank", json!({ "exit": { "reason": "x" }, "next": "end" })),
        ("/steps/thank", json!({ "emit": { "name": "x" }, "next": "end" })),
        ("/steps/thank", json!({ "emit": { "event": "x", "properties": [1] }, "next": "end" })),
        ("/steps/thank", json!({ "webhook": { "body": {} }, "next": "end" })),
        ("/steps/thank", json!({ "webhook": { "url": "https://x.example", "headers": {} }, "next": "end" })),
        ("/steps/thank", json!({ "branch": { "cases": [] , "nxt": "end" } })),
        ("/steps/confirmed/wait_for", json!({ "paths": [], "next": "end" })),
        ("/steps/day_before/wait", json!({ "for": "3d", "until": { "entry": "x" } })),
        ("/entry/filter", json!({ "attribute": "x", "eqq": 1 })),
        ("/entry/filter", json!({ "age": "x", "contains": 1 })),
        ("/entry/filter", json!({ "all": { "segment": "vip" } })),
    ]
    .into_iter()
    .map(|(pointer, value)| {
        let mut document = appointment();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    })
    .collect()
}

#[test]
fn what_the_reader_takes_the_types_take_too() {
    for document in good() {
        let report = World::new().check(&document);
        let shape: Vec<_> = errors(&report).into_iter().filter(|rule| rule.starts_with('D')).collect();
        assert!(shape.is_empty(), "{report:?}");
        Workflow::deserialize(&document).unwrap();
    }
}

#[test]
fn what_the_types_refuse_the_reader_refuses_too() {
    for document in bad() {
        assert!(Workflow::deserialize(&document).is_err(), "{document}");
        assert!(!World::new().check(&document).ok, "{document}");
    }
}

/// The schema is published: a change of it is reviewed as a change of this file. `UPDATE_SNAPSHOTS=1` writes it anew.
#[expect(clippy::disallowed_methods, reason = "a test that compares a file, and writes it where it is asked to")]
#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflow.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "docs/workflow.schema.json is out of date");
}
