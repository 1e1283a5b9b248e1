//! W001, W002, W003, W006, W009, W012 and W019: ways through workflows and between them.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::compile;
use serde_json::{Value, json};

use super::{Row, branch, day, halves, row, send, steps};
use crate::document_samples::World;

/// A world in which another workflow is published.
fn beside(document: &Value) -> World {
    let mut world = World::new();
    let version = compile::reload(document, 1, &BTreeMap::new()).unwrap();
    world.workflows.insert(version.workflow.clone(), Arc::new(version));
    world
}

fn started(entry: Value, body: Value) -> Value {
    let mut document = steps(body);
    document["entry"] = entry;
    document
}

fn other(entry: Value, body: Value) -> World {
    let mut document = started(entry, body);
    document["id"] = json!("other");
    beside(&document)
}

pub(super) fn rows() -> Vec<Row> {
    [within(), between(), through_conditions(), references()].into_iter().flatten().collect()
}

fn within() -> Vec<Row> {
    let exit = || json!({ "exit": { "reason": "done" } });
    vec![
        row(
            "W001",
            "/steps/b",
            "b",
            steps(json!({ "a": day("end"), "b": exit() })),
            steps(json!({ "a": day("b"), "b": exit() })),
        ),
        row("W001", "/steps/a/next", "a", steps(json!({ "a": day("c") })), steps(json!({ "a": day("end") }))),
        row("W001", "/start", "", with_start("b"), with_start("a")).of_no_step(),
        // A share of weight 0 is no way.
        row(
            "W001",
            "/steps/b",
            "b",
            steps(json!({ "a": weighted(0), "b": exit() })),
            steps(json!({ "a": weighted(1), "b": exit() })),
        ),
        row("W001", "/steps/a", "a", round("a"), round("end")),
        row(
            "W002",
            "/steps/b/split/shares/0/next",
            "b",
            steps(json!({ "a": send("b"), "b": halves("a", "end") })),
            steps(json!({ "a": day("b"), "b": halves("a", "end") })),
        ),
        row(
            "W003",
            "/steps/b/split/shares/0/next",
            "b",
            steps(json!({ "a": day("b"), "b": halves("a", "end") })),
            steps(json!({ "a": day("b"), "b": halves("c", "end"), "c": send("end") })),
        ),
        row(
            "W006",
            "/steps/a/wait_for",
            "a",
            steps(json!({ "a": waits(None) })),
            steps(json!({ "a": waits(Some("1d")) })),
        ),
    ]
}

fn with_start(start: &str) -> Value {
    let mut document = steps(json!({ "a": day("end") }));
    document["start"] = json!(start);
    document
}

fn weighted(weight: u32) -> Value {
    json!({ "split": { "shares": [{ "weight": weight, "next": "b" }, { "weight": 1, "next": "end" }] } })
}

fn round(last: &str) -> Value {
    steps(json!({ "a": day("b"), "b": halves("a", last) }))
}

fn waits(timeout: Option<&str>) -> Value {
    let mut step = json!({ "wait_for": { "paths": [{ "event": "replied", "next": "end" }], "next": "end" } });
    if let Some(timeout) = timeout {
        step["wait_for"]["timeout"] = json!(timeout);
    }
    step
}

fn between() -> Vec<Row> {
    let set = |value: &str| json!({ "update": { "set": { "risk": value } }, "next": "end" });
    let add = |id: &str| json!({ "segment": { "add": id }, "next": "end" });
    let jump = |step: &str| json!({ "jump": { "workflow": "w", "step": step } });
    let api = || json!({ "api": true });
    let jumping = |to: &str| steps(json!({ "a": day("b"), "b": { "jump": { "workflow": to } } }));
    let risk = json!({ "attribute": "risk", "to": "high" });
    let vip = json!({ "segment": "vip", "on": "enter" });
    vec![
        row("W009", "/steps/b/jump", "b", jumping("other"), steps(json!({ "a": day("b"), "b": send("end") })))
            .among(other(api(), json!({ "x": day("y"), "y": jump("a") }))),
        row("W009", "/steps/a/jump", "a", staying("b"), staying("end")).among(other(api(), json!({ "x": jump("c") }))),
        row(
            "W019",
            "/steps/a/update",
            "a",
            started(risk.clone(), json!({ "a": set("high") })),
            started(risk.clone(), json!({ "a": set("low") })),
        ),
        row(
            "W019",
            "/steps/a/segment/add",
            "a",
            started(vip.clone(), json!({ "a": add("vip") })),
            started(vip.clone(), json!({ "a": add("deceased") })),
        ),
        // The other workflow answers the segment with the attribute that starts this one.
        row(
            "W019",
            "/steps/a/segment/add",
            "a",
            started(risk.clone(), json!({ "a": add("vip") })),
            started(risk, json!({ "a": add("deceased") })),
        )
        .among(other(vip, json!({ "x": set("high") }))),
    ]
}

/// Loops through segments that a condition keeps: `overdue` is for more than 30 days.
fn through_conditions() -> Vec<Row> {
    let days = |days: u32| json!({ "update": { "set": { "days_overdue": days } }, "next": "end" });
    let overdue = |on: &str| json!({ "segment": "overdue", "on": on });
    let enters = |body: Value| started(overdue("enter"), json!({ "a": body }));
    let leaves = |body: Value| started(overdue("leave"), json!({ "a": body }));
    let more = |change: Value| json!({ "update": change, "next": "end" });
    let place = "/steps/a/update";
    let mut nested = World::new();
    nested.keep("late", &json!({ "all": [{ "segment": "overdue" }, { "segment": "vip" }, { "did": "visited" }] }));
    let mut between = other(overdue("enter"), json!({ "x": { "segment": { "add": "vip" }, "next": "end" } }));
    between.keep("known", &json!({ "segment": "vip" }));
    let late = |body: Value| started(json!({ "segment": "late", "on": "enter" }), json!({ "a": body }));
    let known = |body: Value| started(json!({ "segment": "known", "on": "enter" }), json!({ "a": body }));
    let tells = |event: &str| json!({ "emit": { "event": event }, "next": "end" });
    let adds = |id: &str| json!({ "segment": { "add": id }, "next": "end" });
    let removes = json!({ "segment": { "remove": "vip" }, "next": "end" });
    vec![
        row("W019", place, "a", enters(days(40)), enters(days(10))),
        row("W019", place, "a", leaves(days(10)), leaves(days(40))),
        row(
            "W019",
            place,
            "a",
            enters(more(json!({ "increment": { "days_overdue": 1 } }))),
            enters(more(json!({ "unset": ["days_overdue"] }))),
        ),
        row(
            "W019",
            place,
            "a",
            enters(more(json!({ "set": { "days_overdue": "{{ 31 }}" } }))),
            enters(more(json!({ "set": { "days": 40 } }))),
        ),
        row("W019", place, "a", late(days(40)), late(adds("deceased"))).among(nested.clone()),
        row("W019", "/steps/a/emit/event", "a", late(tells("visited")), late(tells("called"))).among(nested.clone()),
        row("W019", "/steps/a/segment/add", "a", late(adds("vip")), late(removes)).among(nested),
        row("W019", place, "a", known(days(40)), known(days(10))).among(between),
    ]
}

/// A run that jumps out and goes on, to a step that the other workflow jumps into.
fn staying(then: &str) -> Value {
    let next = if then == "end" { "end" } else { "a" };
    steps(json!({
        "a": { "jump": { "workflow": "other", "stay": true }, "next": "c" },
        "c": { "wait": { "for": "1d" }, "next": "d" },
        "d": halves(next, "end")
    }))
}

fn references() -> Vec<Row> {
    let asked = |when: Value| steps(json!({ "s": send("w"), "w": day("a"), "a": branch(when) }));
    let adds = |id: &str| steps(json!({ "a": { "segment": { "add": id }, "next": "end" } }));
    let sends = |id: &str| steps(json!({ "a": { "send": { "template": id }, "next": "end" } }));
    let jumps = |id: &str| steps(json!({ "a": { "jump": { "workflow": id } } }));
    let into = |step: &str| steps(json!({ "a": { "jump": { "workflow": "other", "step": step } } }));
    let enters = |id: &str| started(json!({ "segment": id, "on": "enter" }), json!({ "a": day("end") }));
    let there = || other(json!({ "api": true }), json!({ "x": day("end") }));
    vec![
        row("W012", "/steps/a/send/template", "a", sends("nothing"), sends("welcome")),
        row("W012", "/steps/a/segment/add", "a", adds("nobody"), adds("vip")),
        row("W012", "/steps/a/segment/add", "a", adds("overdue"), adds("vip")),
        row("W012", "/entry/segment", "", enters("nobody"), enters("overdue")).of_no_step(),
        row("W012", "/steps/a/jump/workflow", "a", jumps("nowhere"), jumps("other")).among(there()),
        row("W012", "/steps/a/jump/step", "a", into("y"), into("x")).among(there()),
        row(
            "W012",
            "/steps/a/branch/cases/0/when/clicked",
            "a",
            asked(json!({ "clicked": "w" })),
            asked(json!({ "clicked": "s" })),
        ),
        row(
            "W012",
            "/steps/a/branch/cases/0/when/link",
            "a",
            asked(json!({ "clicked": "s", "link": "cancel" })),
            asked(json!({ "clicked": "s", "link": "confirm" })),
        ),
        row(
            "W012",
            "/steps/a/branch/cases/0/when/visited",
            "a",
            asked(json!({ "visited": "x" })),
            asked(json!({ "visited": "s" })),
        ),
        row(
            "W012",
            "/steps/a/branch/cases/0/when/segment",
            "a",
            asked(json!({ "segment": "nobody" })),
            asked(json!({ "segment": "vip" })),
        ),
    ]
}
