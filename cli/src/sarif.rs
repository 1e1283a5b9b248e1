//! Reports in SARIF 2.1.0, the form that code review tools read.

use std::collections::BTreeSet;

use carepath_engine::compile::RULES;
use carepath_engine::document::{FAULTS, Rule, Severity};
use serde_json::{Value, json};

use crate::check::Located;

/// The log of one run.
pub(crate) fn log(findings: &[Located]) -> Value {
    let used: BTreeSet<&str> = findings.iter().map(|located| located.finding.rule.as_ref()).collect();
    let rules: Vec<Value> = used.into_iter().map(rule).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "carepath", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": results,
        }],
    })
}

fn rule(id: &str) -> Value {
    let known: Option<&Rule> = RULES.iter().chain(FAULTS).find(|rule| rule.id == id);
    known.map_or_else(
        || json!({ "id": id }),
        |rule| {
            json!({
                "id": id,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.explanation },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        },
    )
}

fn result(located: &Located) -> Value {
    let finding = &located.finding;
    let mut place = json!({ "artifactLocation": { "uri": uri(&located.file) } });
    if let Some(line) = located.line {
        place["region"] = json!({ "startLine": line });
    }
    json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": place,
            "logicalLocations": [{ "fullyQualifiedName": finding.pointer }],
        }],
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path as the URI that SARIF asks for: relative paths stay so.
fn uri(file: &str) -> String {
    let path: Vec<String> = file.split('/').map(crate::client::segment).collect();
    let path = path.join("/");
    if path.starts_with('/') { format!("file://{path}") } else { path }
}
