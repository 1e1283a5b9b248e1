//! Reports in SARIF 2.1.0, the form that code review tools read.

use std::collections::BTreeMap;

use carepath_engine::compile::RULES;
use carepath_engine::document::{FAULTS, Rule, Severity};
use carepath_engine::render;
use serde_json::{Value, json};

use crate::check::Located;

/// What is wrong with a file that is no document at all.
const UNREADABLE: Rule = Rule {
    id: "D000",
    severity: Severity::Error,
    title: "A file that cannot be read",
    explanation: "The file is not YAML or JSON, or says something twice. The message names the place.",
};

/// The log of one run. Every rule is listed, so that its number among them is the same in every log of a version.
pub(crate) fn log(findings: &[Located]) -> Value {
    let known = || std::iter::once(&UNREADABLE).chain(FAULTS).chain(render::FAULTS).chain(RULES);
    let rules: Vec<Value> = known().map(rule).collect();
    let place = |id: &str| known().position(|rule| rule.id == id);
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = findings
        .iter()
        .map(|located| {
            let mut result = result(located, &mut seen);
            if let Some(index) = place(&located.finding.rule) {
                result["ruleIndex"] = index.into();
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "carepath",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": format!("{}.", rule.title) },
        "fullDescription": { "text": rule.explanation },
        "help": { "text": rule.explanation },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result<'f>(located: &'f Located, seen: &mut BTreeMap<[&'f str; 3], usize>) -> Value {
    let finding = &located.finding;
    // The same rule may find several things in one place.
    let again = seen.entry([&located.file, &finding.rule, &finding.pointer]).or_default();
    *again += 1;
    let identity = [&located.file, &*finding.rule, &finding.pointer, &again.to_string()].join("\n");
    json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": physical(located), "logicalLocations": [logical(&finding.pointer)] }],
        "partialFingerprints": { "carepathPlace/v1": fingerprint(&identity) },
    })
}

fn physical(located: &Located) -> Value {
    let uri = uri(&located.file);
    let mut artifact = json!({ "uri": uri });
    if !uri.starts_with("file:") {
        artifact["uriBaseId"] = "%SRCROOT%".into();
    }
    let mut place = json!({ "artifactLocation": artifact });
    if let Some(line) = located.line {
        let mut region = json!({ "startLine": line });
        if let Some(column) = located.column {
            region["startColumn"] = column.into();
        }
        if let Some(end) = located.end {
            region["endColumn"] = end.into();
        }
        place["region"] = region;
    }
    place
}

/// A place in the document itself, whatever its file looks like.
fn logical(pointer: &str) -> Value {
    let name = pointer.rsplit_once('/').map(|(_, name)| name.replace("~1", "/").replace("~0", "~"));
    match name {
        Some(name) => json!({ "name": name, "fullyQualifiedName": pointer, "kind": "property" }),
        None => json!({ "fullyQualifiedName": pointer, "kind": "object" }),
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A short name for a text, the same for ever (64-bit FNV-1a): lines may move, what a finding is about stays.
fn fingerprint(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A path as the URI that SARIF asks for: relative paths stay so.
fn uri(file: &str) -> String {
    let path: Vec<String> = file.split('/').map(crate::client::segment).collect();
    let path = path.join("/");
    if path.starts_with('/') { format!("file://{path}") } else { path }
}
