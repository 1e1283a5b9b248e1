//! Faults of shape: found all at once, each with its place.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use carepath_engine::compile;
use carepath_engine::document::Report;
use carepath_engine::version::{StepKind, Target, WaitUntil};
use serde_json::{Value, json};

use crate::document_samples::{World, appointment, errors, found, workflow};

fn check(document: &Value) -> Report {
    World::new().check(document)
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = appointment();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

#[test]
fn the_example_compiles() {
    let world = World::new();
    let compiled = compile::compile(&appointment(), 7, &world.context()).unwrap();
    assert_eq!(compiled.version.number, 7);
    assert_eq!(compiled.version.steps.len(), 6);
    assert_eq!(compiled.version.start, 0);
    assert!(compiled.report.ok, "{:?}", compiled.report);
    let StepKind::Send { template, on_failure, .. } = &compiled.version.steps[2].kind else { panic!() };
    assert_eq!((template.version, *on_failure), (3, Some(Target::Step(5))));
    let StepKind::Wait { until: WaitUntil::Date { offset, .. }, otherwise, .. } = &compiled.version.steps[1].kind
    else {
        panic!()
    };
    assert_eq!((offset.get_days(), *otherwise), (-1, Target::End));
    assert_eq!(compiled.pins.len(), 2);
}

#[test]
fn a_frozen_document_loads_without_its_context() {
    let world = World::new();
    let compiled = compile::compile(&appointment(), 7, &world.context()).unwrap();
    let version = compile::reload(&appointment(), 7, &compiled.pins).unwrap();
    assert_eq!(format!("{version:?}"), format!("{:?}", compiled.version));
}

#[test]
fn every_fault_is_found_at_once() {
    let document = json!({
        "id": "Not A Slug",
        "class": "spam",
        "colour": "red",
        "entry": { "event": "a", "api": true },
        "send_policy": { "window": "8-20", "zone": "+05:00", "days": ["mon", "mon", "moon"], "cap": { "max": 0 } },
        "steps": {
            "a": { "send": { "tempalte": "welcome" }, "next": "b" },
            "b": { "wait": { "for": 3 } },
            "c": { "exit": { "reason": "done" }, "jump": { "step": "a" } }
        }
    });
    let report = check(&document);
    assert!(!report.ok);
    assert_eq!(found(&report, "D001"), [("/steps/a/send/tempalte", Some("a")), ("/colour", None)]);
    assert_eq!(
        found(&report, "D002"),
        [("/send_policy/cap", None), ("/steps/a/send", Some("a")), ("/steps/b", Some("b"))]
    );
    assert_eq!(found(&report, "D003"), [("/steps/b/wait/for", Some("b"))]);
    assert_eq!(
        found(&report, "D004"),
        [
            ("/id", None),
            ("/class", None),
            ("/send_policy/window", None),
            ("/send_policy/days/1", None),
            ("/send_policy/days/2", None),
            ("/send_policy/zone", None),
            ("/send_policy/cap/max", None)
        ]
    );
    assert_eq!(found(&report, "D005"), [("/entry", None), ("/steps/c", Some("c"))]);
}

#[test]
fn an_unknown_field_comes_with_a_suggestion() {
    let report = check(&with("/steps/confirm", json!({ "send": { "tempalte": "welcome" }, "next": "day_before" })));
    let finding = report.findings.iter().find(|finding| finding.rule == "D001").unwrap();
    assert_eq!(finding.pointer, "/steps/confirm/send/tempalte");
    assert!(finding.message.contains("Did you mean `template`?"), "{}", finding.message);
}

#[test]
fn a_name_with_slashes_and_tildes_is_escaped_in_its_pointer() {
    let mut document = appointment();
    document["a/b~c"] = json!(1);
    assert_eq!(found(&check(&document), "D001"), [("/a~1b~0c", None)]);
}

#[test]
fn only_the_last_step_may_leave_its_next_out() {
    let steps = json!({ "a": { "segment": { "add": "vip" } }, "b": { "segment": { "add": "vip" } } });
    let report = check(&workflow(&steps));
    assert_eq!(found(&report, "D002"), [("/steps/a", Some("a"))]);
    let steps = json!({ "a": { "segment": { "add": "vip" }, "next": "b" }, "b": { "segment": { "add": "vip" } } });
    assert!(check(&workflow(&steps)).ok);
}

#[test]
fn durations_are_iso_or_friendly_and_within_bounds() {
    for good in ["P3D", "PT4H", "3d", "4h 30m", "10y", "1 week"] {
        assert!(errors(&check(&with("/goal/within", json!(good)))).is_empty(), "{good}");
    }
    for bad in ["-1d", "0s", "11y", "soon", "", "99999999999999999999d", "P"] {
        assert_eq!(errors(&check(&with("/goal/within", json!(bad)))), ["D004"], "{bad}");
    }
}

/// S12: IANA zones only.
#[test]
fn zones_are_iana_names() {
    for good in ["America/Chicago", "UTC", "Asia/Kathmandu"] {
        assert!(check(&with("/send_policy/zone", json!(good))).ok, "{good}");
    }
    for bad in ["+05:00", "EST5EDT4,M3.2.0,M11.1.0", "Mars/Olympus", "", "Etc/Unknown"] {
        assert_eq!(errors(&check(&with("/send_policy/zone", json!(bad)))), ["D004"], "{bad}");
    }
}

#[test]
fn times_and_windows_are_written_in_full() {
    for bad in ["9:00", "25:00", "09:60", "09:00:00", "noon", "+9:00"] {
        assert_eq!(errors(&check(&with("/steps/day_before/wait/at", json!(bad)))), ["D004"], "{bad}");
    }
    for good in ["08:00-20:00", "22:00-06:00", "00:00-24:00"] {
        assert!(check(&with("/send_policy/window", json!(good))).ok, "{good}");
    }
}

#[test]
fn conditions_see_only_what_is_there() {
    for (pointer, condition) in [
        ("/entry/filter", json!({ "opened": "remind" })),
        ("/entry/filter", json!({ "opened": "welcome" })),
        ("/entry/filter", json!({ "visited": "remind" })),
        ("/entry/filter", json!({ "did": "paid", "where": { "segment": "vip" } })),
        ("/entry/filter", json!({ "event": "location", "eq": "x" })),
        ("/entry/filter", json!({ "entry": "location", "eq": "x" })),
        ("/entry/where", json!({ "event": "location", "eq_entry": "x" })),
        ("/exit/1/when", json!({ "event": "location", "eq": "x" })),
    ] {
        assert_eq!(errors(&check(&with(pointer, condition.clone()))), ["D004"], "{condition}");
    }
}

#[test]
fn a_reference_to_a_step_that_is_not_there_is_a_finding() {
    let report = check(&with("/steps/confirmed/wait_for/paths/0/when", json!({ "clicked": "remnd" })));
    assert_eq!(found(&report, "W012"), [("/steps/confirmed/wait_for/paths/0/when/clicked", Some("confirmed"))]);
    assert!(report.findings[0].message.contains("Did you mean `remind`?"));
}

#[test]
fn a_condition_that_is_nested_too_deep_is_refused() {
    let nested = |depth: usize| (0..depth).fold(json!({ "segment": "vip" }), |inner, _| json!({ "not": inner }));
    assert!(check(&with("/entry/filter", nested(31))).ok);
    assert_eq!(errors(&check(&with("/entry/filter", nested(32)))), ["D006"]);
}

#[test]
fn a_workflow_has_at_most_500_steps_and_1000_cases() {
    let line = |count: usize| {
        let steps = (0..count).map(|n| {
            let next = if n + 1 == count { "end".to_owned() } else { format!("s{}", n + 1) };
            (format!("s{n}"), json!({ "segment": { "add": "vip" }, "next": next }))
        });
        workflow(&Value::Object(steps.collect()))
    };
    assert!(check(&line(500)).ok);
    assert_eq!(errors(&check(&line(501))), ["D006"]);
    let split = |count: usize| {
        let shares = vec![json!({ "weight": 1, "next": "end" }); count];
        workflow(&json!({ "a": { "split": { "shares": shares } } }))
    };
    assert!(check(&split(1_000)).ok);
    assert_eq!(errors(&check(&split(1_001))), ["D006"]);
}

#[test]
fn a_template_in_a_value_has_to_be_readable() {
    let steps = json!({ "a": { "update": { "set": { "x": "{{ contact.id" } } } });
    assert_eq!(found(&check(&workflow(&steps)), "D004"), [("/steps/a/update/set/x", Some("a"))]);
}

#[test]
fn a_segment_is_manual_or_has_a_condition_on_the_contact() {
    use carepath_engine::segment::Membership;
    let manual = compile::segment(&json!({ "id": "vip" })).unwrap();
    assert!(matches!(manual.membership, Membership::Manual));
    let kept = compile::segment(&json!({ "id": "old", "when": { "age": "birth_date", "gte": 65 } })).unwrap();
    assert!(matches!(kept.membership, Membership::When(_)));
    let report = compile::segment(&json!({ "id": "x", "wen": 1, "when": { "visited": "a" } })).unwrap_err();
    assert_eq!(errors(&report), ["D001", "D004"]);
}
