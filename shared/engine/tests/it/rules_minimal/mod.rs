//! Each rule with the least document that breaks it and one that just does not.

#![expect(clippy::needless_pass_by_value, reason = "helpers of tests, called with literals")]

mod conditions;
mod limits;
mod mails;
mod ways;

use carepath_engine::compile::RULES;
use carepath_engine::document::Severity::{self, Error, Info, Warning};
use serde_json::{Value, json};

use crate::document_samples::{World, errors, found, workflow};

/// A rule, a document that breaks it at a pointer, and one that just does not.
pub(super) struct Row {
    rule: &'static str,
    pointer: &'static str,
    step: Option<&'static str>,
    broken: Value,
    fine: Value,
    world: World,
}

/// A row about documents that refer to nothing special.
fn row(rule: &'static str, pointer: &'static str, step: &'static str, broken: Value, fine: Value) -> Row {
    Row { rule, pointer, step: Some(step), broken, fine, world: World::new() }
}

impl Row {
    fn of_no_step(self) -> Self {
        Self { step: None, ..self }
    }

    fn among(self, world: World) -> Self {
        Self { world, ..self }
    }
}

/// The rules and how bad what they find is, as the workflow document has them.
const CONTRACT: [(&str, Severity); 18] = [
    ("W001", Error),
    ("W002", Error),
    ("W003", Warning),
    ("W004", Error),
    ("W005", Error),
    ("W006", Error),
    ("W007", Error),
    ("W008", Error),
    ("W009", Error),
    ("W010", Error),
    ("W011", Error),
    ("W012", Error),
    ("W013", Warning),
    ("W014", Warning),
    ("W016", Warning),
    ("W017", Error),
    ("W019", Warning),
    ("W020", Info),
];

fn rows() -> Vec<Row> {
    [ways::rows(), mails::rows(), conditions::rows(), limits::rows()].into_iter().flatten().collect()
}

#[test]
fn the_rules_are_those_of_the_workflow_document_and_each_has_a_row() {
    let rules: Vec<_> = RULES.iter().map(|rule| (rule.id, rule.severity)).collect();
    assert_eq!(rules, CONTRACT);
    let rows = rows();
    for (rule, _) in CONTRACT.iter().filter(|(rule, _)| *rule != "W020") {
        assert!(rows.iter().any(|row| row.rule == *rule), "{rule} has no row");
    }
}

#[test]
fn a_document_that_breaks_a_rule_has_a_finding_of_it_there_and_one_that_just_does_not_has_none() {
    for row in rows() {
        let severity = CONTRACT.iter().find(|(rule, _)| *rule == row.rule).map(|(_, severity)| *severity);
        let report = row.world.check(&row.broken);
        assert_eq!(found(&report, row.rule), [(row.pointer, row.step)], "{} {report:#?}", row.rule);
        for finding in report.findings.iter().filter(|finding| finding.rule == row.rule) {
            assert_eq!(Some(finding.severity), severity, "{finding:?}");
            // What is wrong, and how to mend it.
            let sentences = finding.message.matches(['.', '?', ';', ':']).count();
            assert!(finding.message.ends_with(['.', '?']) && sentences >= 2, "{finding:?}");
        }
        let expected: &[&str] = if severity == Some(Error) { &[row.rule] } else { &[] };
        assert_eq!(errors(&report), expected, "nothing else is wrong with it: {report:#?}");
        let report = row.world.check(&row.fine);
        assert!(found(&report, row.rule).is_empty() && report.ok, "{} {report:#?}", row.rule);
    }
}

#[test]
fn w020_comes_with_every_document_whose_ways_are_known() {
    let whole = json!({ "a": { "wait": { "for": "1h" }, "next": "b" }, "b": { "exit": { "reason": "x" } } });
    let report = World::new().check(&workflow(&whole));
    assert_eq!(found(&report, "W020"), [("", None)]);
    assert_eq!(report.findings[0].severity, Info);
    let open = json!({ "a": { "wait": { "for": "1h" } }, "b": { "exit": { "reason": "x" } } });
    assert!(found(&World::new().check(&workflow(&open)), "W020").is_empty());
}

/// A workflow of these steps.
fn steps(steps: Value) -> Value {
    workflow(&steps)
}

/// A step that sends a mail and goes on.
fn send(next: &str) -> Value {
    json!({ "send": { "template": "welcome" }, "next": next })
}

/// A step that takes a day.
fn day(next: &str) -> Value {
    json!({ "wait": { "for": "1d" }, "next": next })
}

/// A branch of one case.
fn branch(when: Value) -> Value {
    json!({ "branch": { "cases": [{ "when": when, "next": "end" }], "next": "end" } })
}

/// A split in halves.
fn halves(one: &str, other: &str) -> Value {
    json!({ "split": { "shares": [{ "weight": 1, "next": one }, { "weight": 1, "next": other }] } })
}
