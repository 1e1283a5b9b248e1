//! Jumps of other published workflows: ways into the middle of the one that is checked.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::compile::{self, FieldClass, Place};
use serde_json::{Value, json};

use crate::document_samples::{World, found, workflow};

/// A world in which workflows of these ids and steps are published.
fn beside(others: &[(&str, Value)]) -> World {
    let mut world = World::new();
    for (id, steps) in others {
        let mut document = workflow(steps);
        document["id"] = json!(id);
        let version = compile::reload(&document, 1, &BTreeMap::new()).unwrap();
        world.workflows.insert(version.workflow.clone(), Arc::new(version));
    }
    world
}

fn jump(into: &str, step: &str, payload: Value) -> Value {
    let mut jump = json!({ "jump": { "workflow": into, "step": step } });
    if !payload.is_null() {
        jump["jump"]["payload"] = payload;
    }
    jump
}

fn send(next: &str) -> Value {
    json!({ "send": { "template": "welcome" }, "next": next })
}

fn day(next: &str) -> Value {
    json!({ "wait": { "for": "1d" }, "next": next })
}

fn asks() -> Value {
    json!({ "branch": { "cases": [{ "when": { "clicked": "a" }, "next": "end" }], "next": "end" } })
}

#[test]
fn w001_a_step_that_others_jump_to_is_reached() {
    let document = workflow(&json!({ "a": day("end"), "b": day("c"), "c": send("end") }));
    let caught = [("/steps/b", Some("b")), ("/steps/c", Some("c"))];
    assert_eq!(found(&World::new().check(&document), "W001"), caught);
    assert!(beside(&[("other", json!({ "x": jump("w", "b", Value::Null) }))]).check(&document).ok);
    // A jump to the beginning leads no further than the beginning does.
    let first = beside(&[("other", json!({ "x": { "jump": { "workflow": "w" } } }))]);
    assert_eq!(found(&first.check(&document), "W001"), caught);
    // Its own jumps lead on as well, where runs come to them.
    let own = |reached: bool| {
        let to = if reached { "j" } else { "end" };
        workflow(
            &json!({ "a": day(to), "j": jump("w", "k", Value::Null), "k": jump("w", "b", Value::Null), "b": send("end") }),
        )
    };
    assert!(found(&World::new().check(&own(true)), "W001").is_empty());
    assert_eq!(found(&World::new().check(&own(false)), "W001").len(), 3);
}

#[test]
fn w004_who_comes_by_a_jump_has_not_been_sent_the_mail_before() {
    let document = workflow(&json!({ "a": send("b"), "b": day("c"), "c": asks() }));
    assert!(World::new().check(&document).ok);
    let at =
        |step: &str| found_in(&beside(&[("other", json!({ "x": jump("w", step, Value::Null) }))]), &document, "W004");
    assert_eq!(at("b"), ["/steps/c/branch/cases/0/when"]);
    assert!(at("a").is_empty(), "the jump leads to the mail as well");
}

#[test]
fn w008_the_filter_says_nothing_of_who_comes_by_a_jump() {
    let case = json!({ "when": { "attribute": "plan", "eq": "basic" }, "next": "end" });
    let mut document = workflow(&json!({ "a": { "branch": { "cases": [case], "next": "end" } } }));
    document["entry"]["filter"] = json!({ "attribute": "plan", "eq": "premium" });
    assert_eq!(found_in(&World::new(), &document, "W008").len(), 1);
    assert!(found_in(&beside(&[("other", json!({ "x": jump("w", "a", Value::Null) }))]), &document, "W008").is_empty());
}

#[test]
fn w010_a_jump_brings_an_entry_of_its_own() {
    let mut document = workflow(&json!({ "a": day("b"), "b": send("end") }));
    document["entry"] = json!({ "event": "booked", "where": { "event": "at", "exists": true } });
    let uncertain = |others: &[(&str, Value)]| {
        let mut world = beside(others);
        world.show("welcome", "entry.at", Place::Body, false);
        !found(&world.check(&document), "W010").is_empty()
    };
    assert!(!uncertain(&[]));
    let paying = |payload: Value| [("other", json!({ "x": jump("w", "b", payload) }))];
    assert!(uncertain(&paying(json!({}))));
    assert!(uncertain(&paying(json!({ "at": null }))));
    assert!(!uncertain(&paying(json!({ "at": "{{ now }}" }))));
    // Without a payload the entry is handed on, and the other workflow has none.
    assert!(uncertain(&paying(Value::Null)));
    // Over a third workflow, which is given one and hands it on.
    let third = |payload: Value| {
        let handing = json!({ "x": jump("w", "b", Value::Null) });
        [("first", json!({ "x": jump("second", "x", payload) })), ("second", handing)]
    };
    assert!(uncertain(&third(json!({ "at": "2026-03-02" }))), "who enters the second one has none");
}

#[test]
fn w010_a_contact_that_jumps_has_what_the_way_there_asked_for() {
    let mut document = workflow(&json!({ "a": day("b"), "b": send("end") }));
    document["entry"]["filter"] = json!({ "attribute": "maybe", "exists": true });
    let uncertain = |steps: Value| {
        let mut world = beside(&[("other", steps)]);
        world.declare("maybe", FieldClass::Public, false);
        world.show("welcome", "contact.attributes.maybe", Place::Body, false);
        found_in(&world, &document, "W010") == ["/steps/b/send/template"]
    };
    assert!(uncertain(json!({ "x": jump("w", "b", Value::Null) })));
    let asked = json!({ "branch": { "cases": [{ "when": { "attribute": "maybe", "exists": true }, "next": "y" }], "next": "end" } });
    assert!(!uncertain(json!({ "x": asked, "y": jump("w", "b", Value::Null) })));
    let set = json!({ "update": { "set": { "maybe": "so" } }, "next": "y" });
    assert!(!uncertain(json!({ "x": set, "y": jump("w", "b", Value::Null) })));
    // The jump leads into the first step, which is as good as any other.
    assert!(uncertain(json!({ "x": { "jump": { "workflow": "w" } } })));
}

fn found_in(world: &World, document: &Value, rule: &str) -> Vec<String> {
    let report = world.check(document);
    found(&report, rule).into_iter().map(|(pointer, _)| pointer.to_owned()).collect()
}
