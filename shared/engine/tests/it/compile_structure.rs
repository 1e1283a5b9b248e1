//! Rules on ways through workflows: each with a document that breaks it and one that just does not.

use std::sync::Arc;

use carepath_engine::compile;
use carepath_engine::document::Severity;
use serde_json::{Value, json};

use crate::document_samples::{World, appointment, errors, found, workflow};

fn finds(steps: &Value, rule: &str) -> Vec<String> {
    let report = World::new().check(&workflow(steps));
    found(&report, rule).into_iter().map(|(pointer, _)| pointer.to_owned()).collect()
}

const SEND: &str = "welcome";

#[test]
fn w001_a_step_that_nothing_leads_to() {
    let steps = json!({ "a": { "segment": { "add": "vip" }, "next": "end" }, "b": { "exit": { "reason": "x" } } });
    assert_eq!(finds(&steps, "W001"), ["/steps/b"]);
    let steps = json!({ "a": { "segment": { "add": "vip" }, "next": "b" }, "b": { "exit": { "reason": "x" } } });
    assert!(finds(&steps, "W001").is_empty());
}

#[test]
fn w001_an_edge_to_nowhere() {
    let steps = json!({ "a": { "segment": { "add": "vip" }, "next": "bb" }, "b": { "jump": { "step": "c" } } });
    assert_eq!(finds(&steps, "W001"), ["/steps/a/next", "/steps/b/jump/step"]);
}

#[test]
fn w001_no_way_to_an_end() {
    let round = |next: &str| {
        json!({
            "a": { "wait": { "for": "1d" }, "next": "b" },
            "b": { "split": { "shares": [{ "weight": 1, "next": "a" }, { "weight": 1, "next": next }] } }
        })
    };
    assert_eq!(finds(&round("a"), "W001"), ["/steps/a"]);
    assert!(finds(&round("end"), "W001").is_empty());
}

/// S2: what comes back to itself at once is refused, what does so over a wait is only pointed out.
#[test]
fn w002_and_w003_cycles_without_and_with_a_wait() {
    let round = |second: Value| {
        json!({
            "a": { "branch": { "cases": [{ "when": { "segment": "vip" }, "next": "end" }], "next": "b" } },
            "b": second
        })
    };
    let hasty = round(json!({ "segment": { "add": "vip" }, "next": "a" }));
    assert_eq!(finds(&hasty, "W002"), ["/steps/b/next"]);
    assert!(finds(&hasty, "W003").is_empty());
    let slow = round(json!({ "wait": { "for": "1d" }, "next": "a" }));
    assert!(finds(&slow, "W002").is_empty());
    assert_eq!(finds(&slow, "W003"), ["/steps/b/next"]);
    let none = round(json!({ "wait": { "for": "1d" }, "next": "end" }));
    assert!(finds(&none, "W002").is_empty() && finds(&none, "W003").is_empty());
    assert!(World::new().check(&workflow(&slow)).ok);
}

#[test]
fn w002_a_step_that_leads_to_itself() {
    assert_eq!(finds(&json!({ "a": { "jump": { "step": "a" } } }), "W002"), ["/steps/a/jump/step"]);
}

#[test]
fn w004_a_mail_that_was_not_sent_on_every_way() {
    let asked = |other: &str| {
        json!({
            "a": { "split": { "shares": [{ "weight": 1, "next": "b" }, { "weight": 1, "next": other }] } },
            "b": { "send": { "template": SEND }, "next": "c" },
            "c": { "wait": { "for": "1d" }, "next": "d" },
            "d": { "branch": { "cases": [{ "when": { "not": { "clicked": "b" } }, "next": "end" }], "next": "end" } }
        })
    };
    assert_eq!(finds(&asked("c"), "W004"), ["/steps/d/branch/cases/0/when/not"]);
    assert!(finds(&asked("end"), "W004").is_empty());
}

#[test]
fn w005_a_branch_right_after_the_mail_that_it_asks_about() {
    let asked = |between: Value| {
        json!({
            "a": { "send": { "template": SEND }, "next": "b" },
            "b": between,
            "c": { "branch": { "cases": [{ "when": { "clicked": "a" }, "next": "end" }], "next": "end" } }
        })
    };
    let hasty = asked(json!({ "segment": { "add": "vip" }, "next": "c" }));
    assert_eq!(finds(&hasty, "W005"), ["/steps/c/branch/cases/0/when"]);
    assert!(finds(&asked(json!({ "wait": { "for": "1h" }, "next": "c" })), "W005").is_empty());
}

#[test]
fn w006_a_wait_for_without_a_timeout() {
    let mut document = appointment();
    document["steps"]["confirmed"]["wait_for"].as_object_mut().unwrap().remove("timeout");
    let report = World::new().check(&document);
    assert_eq!(found(&report, "W006"), [("/steps/confirmed/wait_for", Some("confirmed"))]);
    assert_eq!(errors(&report), ["W006"]);
}

#[test]
fn w009_jumps_that_come_back_across_workflows() {
    let mut world = World::new();
    let other = |step: &str| {
        let mut other = workflow(&json!({
            "x": { "wait": { "for": "1d" }, "next": "y" },
            "y": { "jump": { "workflow": "w", "step": step } }
        }));
        other["id"] = json!("other");
        other
    };
    let own = workflow(&json!({
        "a": { "segment": { "add": "vip" }, "next": "b" },
        "b": { "jump": { "workflow": "other", "stay": true }, "next": "c" },
        "c": { "exit": { "reason": "done" } }
    }));
    assert_eq!(errors(&world.check(&own)), ["W012"]);
    for (step, expected) in [("a", vec![("/steps/b/jump", Some("b"))]), ("c", vec![])] {
        let version = compile::reload(&other(step), 1, &std::collections::BTreeMap::new()).unwrap();
        world.workflows.insert("other".parse().unwrap(), Arc::new(version));
        assert_eq!(found(&world.check(&own), "W009"), expected);
    }
}

#[test]
fn w012_references_to_what_is_not_there() {
    let steps = json!({
        "a": { "send": { "template": "nothing" }, "next": "b" },
        "b": { "segment": { "add": "overdue", "remove": "nobody" }, "next": "c" },
        "c": { "wait_for": {
            "paths": [{ "when": { "any": [{ "segment": "nobody" }, { "clicked": "b" }] }, "next": "end" }],
            "timeout": "1d", "next": "d"
        } },
        "d": { "jump": { "workflow": "nowhere" } }
    });
    assert_eq!(
        finds(&steps, "W012"),
        [
            "/steps/a/send/template",
            "/steps/b/segment/add",
            "/steps/b/segment/remove",
            "/steps/c/wait_for/paths/0/when/any/0/segment",
            "/steps/c/wait_for/paths/0/when/any/1/clicked",
            "/steps/d/jump/workflow"
        ]
    );
}

#[test]
fn w012_a_link_that_is_not_in_the_mail() {
    let asked = |link: &str| {
        json!({
            "a": { "send": { "template": SEND }, "next": "b" },
            "b": { "wait_for": {
                "paths": [{ "when": { "clicked": "a", "link": link }, "next": "end" }], "timeout": "1d", "next": "end"
            } }
        })
    };
    assert_eq!(finds(&asked("cancel"), "W012"), ["/steps/b/wait_for/paths/0/when/link"]);
    assert!(finds(&asked("confirm"), "W012").is_empty());
}

#[test]
fn w013_opens_as_the_only_signal() {
    let asked = |when: Value| {
        json!({
            "a": { "send": { "template": SEND }, "next": "b" },
            "b": { "wait": { "for": "1d" }, "next": "c" },
            "c": { "branch": { "cases": [{ "when": when, "next": "end" }], "next": "end" } }
        })
    };
    assert_eq!(finds(&asked(json!({ "opened": "a" })), "W013"), ["/steps/c/branch/cases"]);
    assert!(finds(&asked(json!({ "any": [{ "opened": "a" }, { "clicked": "a" }] })), "W013").is_empty());
}

#[test]
fn w014_more_mails_in_a_week_than_the_cap_lets_through() {
    let mails = |wait: &str, max: u32| {
        let mut document = workflow(&json!({
            "a": { "send": { "template": SEND }, "next": "w" },
            "w": { "wait": { "for": wait }, "next": "b" },
            "b": { "send": { "template": SEND }, "next": "end" }
        }));
        document["send_policy"] = json!({ "cap": { "max": max, "per": "7d" } });
        found(&World::new().check(&document), "W014").len()
    };
    assert_eq!(mails("6d", 1), 1);
    assert_eq!(mails("7d", 1), 0);
    assert_eq!(mails("6d", 2), 0);
}

#[test]
fn w016_windows_that_are_hardly_open() {
    let window = |window: &str| {
        let mut document = appointment();
        document["send_policy"]["window"] = json!(window);
        found(&World::new().check(&document), "W016").len()
    };
    for narrow in ["09:00-10:59", "02:00-03:00", "01:30-04:00", "23:30-01:29", "22:30-00:30"] {
        assert_eq!(window(narrow), 1, "{narrow}");
    }
    for wide in ["09:00-11:00", "04:00-06:00", "23:00-02:00", "08:00-08:00"] {
        assert_eq!(window(wide), 0, "{wide}");
    }
}

#[test]
fn w019_a_workflow_that_feeds_its_own_trigger() {
    let fed = |entry: Value, step: Value| {
        let mut document = workflow(&json!({ "a": step }));
        document["entry"] = entry;
        found(&World::new().check(&document), "W019").len()
    };
    let set = |value: &str| json!({ "update": { "set": { "risk": value } } });
    assert_eq!(fed(json!({ "attribute": "risk" }), set("high")), 1);
    assert_eq!(fed(json!({ "attribute": "risk", "to": "high" }), set("high")), 1);
    assert_eq!(fed(json!({ "attribute": "risk", "to": "high" }), set("{{ entry.risk }}")), 1);
    assert_eq!(fed(json!({ "attribute": "risk", "to": "high" }), set("low")), 0);
    assert_eq!(fed(json!({ "attribute": "risks" }), set("low")), 0);
    assert_eq!(fed(json!({ "segment": "vip", "on": "enter" }), json!({ "segment": { "add": "vip" } })), 1);
    assert_eq!(fed(json!({ "segment": "vip", "on": "leave" }), json!({ "segment": { "add": "vip" } })), 0);
    assert_eq!(fed(json!({ "segment": "vip", "on": "leave" }), json!({ "segment": { "remove": "vip" } })), 1);
}

#[test]
fn w020_says_how_long_a_run_takes_and_what_it_sends() {
    let report = World::new().check(&workflow(&json!({
        "a": { "send": { "template": SEND }, "next": "b" },
        "b": { "wait": { "for": "2d" }, "next": "c" },
        "c": { "split": { "shares": [{ "weight": 1, "next": "d" }, { "weight": 3, "next": "end" }] } },
        "d": { "send": { "template": SEND }, "next": "end" }
    })));
    let info: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Info).collect();
    assert_eq!(info.len(), 1);
    assert_eq!((info[0].rule.as_ref(), info[0].pointer.as_str()), ("W020", ""));
    for part in ["at most 2 d,", "at most 2 mails", "1.25 on average", "about 1250 mails", "$0.12"] {
        assert!(info[0].message.contains(part), "{part}: {}", info[0].message);
    }
}

#[test]
fn the_example_has_no_errors_and_no_warnings() {
    let report = World::new().check(&appointment());
    let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.as_ref()).collect();
    assert_eq!(rules, ["W020"]);
}
