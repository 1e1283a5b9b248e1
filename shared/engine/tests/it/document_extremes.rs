//! Documents at the limits of what is taken, and beyond: each gets its answer, and none takes long.

#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "how long a check takes is what these tests are about"
)]

use std::time::{Duration, Instant};

use carepath_engine::document::Report;
use serde_json::{Map, Value, json};

use crate::document_samples::{World, found, workflow};

/// Far more than any of these takes without optimization, and far less than what grows with the square of its size would.
const LONG: Duration = Duration::from_secs(20);

fn check(what: &str, document: &Value) -> Report {
    let world = World::new();
    let started = Instant::now();
    let report = world.check(document);
    let took = started.elapsed();
    println!("{what}: {took:?}");
    assert!(took < LONG, "{what} took {took:?}");
    report
}

fn steps(count: usize, step: impl Fn(usize) -> Value) -> Value {
    Value::Object((0..count).map(|n| (format!("s{n}"), step(n))).collect::<Map<_, _>>())
}

fn name(n: usize, count: usize) -> String {
    if n < count { format!("s{n}") } else { "end".to_owned() }
}

/// The condition inside of `depth` others.
fn nested(depth: usize, kind: &str) -> Value {
    (0..depth).fold(json!({ "attribute": "n", "gt": 1 }), |inner, _| match kind {
        "not" => json!({ "not": inner }),
        _ => json!({ (kind): [inner] }),
    })
}

#[test]
fn conditions_are_nested_32_deep_and_no_deeper() {
    let asked = |depth: usize, kind: &str| {
        let steps =
            json!({ "a": { "branch": { "cases": [{ "when": nested(depth, kind), "next": "end" }], "next": "end" } } });
        check("a deep condition", &workflow(&steps))
    };
    for kind in ["all", "any", "not"] {
        assert!(asked(31, kind).ok);
        let report = asked(100, kind);
        let pointers = found(&report, "D006");
        assert_eq!(pointers.len(), 1, "{report:?}");
        assert!(pointers[0].0.starts_with("/steps/a/branch/cases/0/when/"));
    }
}

#[test]
fn a_thousand_cases_of_one_branch_are_compared_with_each_other() {
    let branch = |case: &dyn Fn(usize) -> Value| {
        let cases: Vec<Value> = (0..1_000).map(|n| json!({ "when": case(n), "next": "end" })).collect();
        workflow(&json!({ "a": { "branch": { "cases": cases, "next": "end" } } }))
    };
    let report = check("1,000 cases, each other than the rest", &branch(&|n| json!({ "attribute": "n", "eq": n })));
    assert!(report.ok, "{report:?}");
    let report = check("1,000 cases, all covered", &branch(&|n| json!({ "attribute": "n", "gte": n })));
    assert_eq!(found(&report, "W007").len(), 999);
    let list: Vec<usize> = (0..200).collect();
    let report = check("1,000 cases of lists", &branch(&|n| json!({ "attribute": format!("n{n}"), "in": list })));
    assert!(report.ok);
    check("1,000 cases of lists of one value", &branch(&|_| json!({ "attribute": "n", "not_in": list })));
    let report = check("1,001 cases", &{
        let mut document = branch(&|n| json!({ "attribute": "n", "eq": n }));
        let one = json!({ "when": { "segment": "vip" }, "next": "end" });
        document["steps"]["a"]["branch"]["cases"].as_array_mut().into_iter().for_each(|cases| cases.push(one.clone()));
        document
    });
    assert_eq!(found(&report, "D006"), [("/steps/a/branch/cases", Some("a"))]);
}

#[test]
fn lists_of_a_hundred_thousand_values_are_not_compared_value_by_value() {
    let list = |from: usize| (from..from + 100_000).map(Value::from).collect::<Vec<_>>();
    let cases = json!([
        { "when": { "attribute": "n", "in": list(0) }, "next": "end" },
        { "when": { "attribute": "n", "in": list(50_000) }, "next": "end" }
    ]);
    let mut document = workflow(&json!({ "a": { "branch": { "cases": cases, "next": "end" } } }));
    document["entry"]["filter"] = json!({ "attribute": "n", "not_in": list(99_999) });
    assert!(check("lists of 100,000", &document).ok);
}

#[test]
fn five_hundred_steps_however_they_lead_are_checked_at_once() {
    const MOST: usize = 500;
    let chain = steps(MOST, |n| json!({ "send": { "template": "welcome" }, "next": name(n + 1, MOST) }));
    let mut document = workflow(&chain);
    document["send_policy"] = json!({ "cap": { "max": 499, "per": "7d" } });
    let report = check("500 mails and a cap of 499", &document);
    assert_eq!(found(&report, "W014"), [("/send_policy/cap", None)]);
    let dense = steps(MOST, |n| match n % 3 {
        0 => json!({ "send": { "template": "welcome", "on_failure": name(n + 2, MOST) }, "next": name(n + 1, MOST) }),
        1 => json!({ "branch": {
            "cases": [{ "when": { "clicked": "any" }, "next": name(n + 2, MOST) }, { "when": { "opened": "s0" }, "next": name(n + 5, MOST) }],
            "next": name(n + 1, MOST)
        } }),
        _ => json!({ "wait_for": {
            "paths": [{ "when": { "clicked": "s0" }, "next": name(n + 7, MOST) }], "timeout": "1h", "next": name(n + 1, MOST)
        } }),
    });
    let mut document = workflow(&dense);
    document["send_policy"] = json!({ "cap": { "max": 150, "per": "30d" } });
    check("500 steps with many ways", &document);
    let round = steps(
        MOST,
        |n| json!({ "send": { "template": "welcome", "on_failure": "s0" }, "next": name((n + 1) % MOST, MOST) }),
    );
    assert_eq!(found(&check("500 steps in a ring", &workflow(&round)), "W002").len(), 1);
    let jumps = steps(
        MOST,
        |n| json!({ "jump": { "workflow": "w", "step": format!("s{}", (n * 7 + 1) % MOST), "stay": true }, "next": name(n + 1, MOST) }),
    );
    check("500 jumps into this very workflow", &workflow(&jumps));
    let many = steps(10_000, |_| json!({ "exit": { "reason": "x" } }));
    assert_eq!(found(&check("10,000 steps", &workflow(&many)), "D006"), [("/steps", None)]);
}

#[test]
fn spans_offsets_zones_and_times_that_are_absurd_are_refused_where_they_stand() {
    let waits = |field: &str, value: &str| {
        let wait = match field {
            "for" => json!({ "for": value }),
            "at" => json!({ "until": { "entry": "at" }, "at": value }),
            "until" => json!({ "until": { "at": value } }),
            _ => json!({ "until": { "entry": "at" }, "offset": value }),
        };
        let report = check(value, &workflow(&json!({ "a": { "wait": wait, "next": "end" } })));
        found(&report, "D004").into_iter().map(|(pointer, _)| pointer.to_owned()).collect::<Vec<_>>()
    };
    for (field, value, pointer) in [
        ("for", "0s", "/steps/a/wait/for"),
        ("for", "-1d", "/steps/a/wait/for"),
        ("for", "11y", "/steps/a/wait/for"),
        ("for", "P999999999999999Y", "/steps/a/wait/for"),
        ("for", "9223372036854775807d", "/steps/a/wait/for"),
        ("for", "soon", "/steps/a/wait/for"),
        ("offset", "-4000d", "/steps/a/wait/offset"),
        ("offset", "1d -1d 1d", "/steps/a/wait/offset"),
        ("at", "24:00", "/steps/a/wait/at"),
        ("at", "9:00", "/steps/a/wait/at"),
        ("until", "2026-02-30", "/steps/a/wait/until/at"),
        ("until", "+999999-01-01T00:00:00Z", "/steps/a/wait/until/at"),
    ] {
        assert_eq!(waits(field, value), [pointer], "{value}");
    }
    for zone in ["Mars/Olympus", "+02:00", "EST5EDT4", "US/Pacific-New", "", "../../etc/passwd", "america/nowhere"] {
        let mut document = workflow(&json!({ "a": { "exit": { "reason": "x" } } }));
        document["send_policy"] = json!({ "window": "08:00-20:00", "zone": zone });
        assert_eq!(found(&check(zone, &document), "D004"), [("/send_policy/zone", None)], "{zone}");
    }
}

#[test]
fn long_texts_are_cut_where_they_are_shown() {
    let long = "x".repeat(2_000_000);
    let mut document =
        workflow(&json!({ "a": { "send": { "template": long }, "next": long }, "b": { "exit": { "reason": long } } }));
    document["entry"] = json!({ "event": long, "key": long });
    let report = check("long texts", &document);
    assert!(report.findings.len() >= 4);
    for finding in &report.findings {
        assert!(finding.message.len() < 1_000, "{}", finding.rule);
    }
}

#[test]
fn a_hundred_thousand_unknown_fields_are_told_of_a_thousand_times() {
    let mut document = workflow(&json!({ "a": { "exit": { "reason": "x" } } }));
    for n in 0..100_000 {
        document[format!("field{n}")] = json!(n);
    }
    assert_eq!(check("100,000 unknown fields", &document).findings.len(), 1_000);
}
