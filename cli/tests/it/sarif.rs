//! `carepath check --sarif`: the form of SARIF 2.1.0, field by field.

#![expect(clippy::expect_used, reason = "helpers fail their test")]

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::carepath;

const FAULTY: &str = "cli/tests/fixtures/faulty";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let text = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    assert!(!text.is_empty(), "{pointer} in {value}");
    text
}

fn log(path: &str, code: i32) -> Value {
    let said = carepath(&["check", path, "--sarif"]);
    assert_eq!(said.code, Some(code), "{}", said.stderr);
    said.json()
}

#[test]
fn a_log_has_one_run_of_one_tool_that_explains_each_of_its_rules() {
    let log = log(FAULTY, 1);
    assert_eq!(keys(&log), ["$schema", "version", "runs"]);
    assert_eq!((text(&log, "/version"), log["runs"].as_array().expect("runs").len()), ("2.1.0", 1));
    let run = &log["runs"][0];
    assert_eq!(keys(run), ["tool", "columnKind", "results"]);
    assert_eq!(keys(&run["tool"]), ["driver"]);
    assert_eq!(text(run, "/columnKind"), "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!((text(driver, "/name"), text(driver, "/version")), ("carepath", env!("CARGO_PKG_VERSION")));
    assert!(text(driver, "/informationUri").starts_with("https://"));
    let rules = driver["rules"].as_array().expect("rules");
    let ids: BTreeSet<&str> = rules.iter().map(|rule| text(rule, "/id")).collect();
    assert_eq!(ids.len(), rules.len(), "each once");
    for id in ["D000", "D001", "D010", "T001", "T007", "W001", "W020"] {
        assert!(ids.contains(id), "{id}");
    }
    for rule in rules {
        let fields = ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"];
        assert_eq!(keys(rule), fields);
        assert!(
            text(rule, "/shortDescription/text").ends_with('.') && text(rule, "/help/text").ends_with('.'),
            "{rule}"
        );
        assert!(["error", "warning", "note"].contains(&text(rule, "/defaultConfiguration/level")));
    }
}

#[test]
fn each_result_names_its_rule_by_id_and_number_and_says_where_it_is() {
    let log = log(FAULTY, 1);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let mut prints = BTreeSet::new();
    for result in results {
        let fields = ["ruleId", "level", "message", "locations", "partialFingerprints", "ruleIndex"];
        assert_eq!(keys(result), fields);
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("a place");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&text(result, "/level")));
        text(result, "/message/text");
        let locations = result["locations"].as_array().expect("locations");
        assert_eq!((locations.len(), keys(&locations[0])), (1, vec!["physicalLocation", "logicalLocations"]));
        let place = &locations[0]["physicalLocation"];
        let uri = text(place, "/artifactLocation/uri");
        assert!(uri.starts_with(FAULTY) && !uri.contains('\\'), "{uri}");
        assert_eq!(text(place, "/artifactLocation/uriBaseId"), "%SRCROOT%");
        let region = &place["region"];
        let number = |name: &str| region[name].as_u64().expect("a number");
        assert!(number("startLine") > 0 && number("startColumn") > 0, "{result}");
        if region.get("endColumn").is_some() {
            assert!(number("endColumn") > number("startColumn"), "{result}");
        }
        let logical = &locations[0]["logicalLocations"][0];
        assert!(logical["fullyQualifiedName"].as_str().is_some_and(|at| at.is_empty() || at.starts_with('/')));
        assert!(["property", "object"].contains(&text(logical, "/kind")));
        let print = text(result, "/partialFingerprints/carepathPlace~1v1");
        assert!(print.len() == 16 && prints.insert(print.to_owned()), "{print} is of one result only");
    }
    let nowhere = results.iter().find(|result| result["ruleId"] == "W001").expect("W001");
    let region = &nowhere["locations"][0]["physicalLocation"]["region"];
    assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64()), (Some(9), Some(5)));
    assert_eq!(region["endColumn"].as_u64(), Some(9));
    assert_eq!(nowhere["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/steps/first/next");
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("workflow.yaml");
    let text = "id: w\nclass: care\nentry: { api: true }\nsteps:\n  a: { wait: { for: 1d }, next: nowhere }\n";
    let prints = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        let log = log(path.to_str().expect("a path"), 1);
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        let line = results[0]["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64();
        let prints: Vec<Value> = results.iter().map(|result| result["partialFingerprints"].clone()).collect();
        (line, prints)
    };
    let (before, first) = prints(text);
    let (after, second) = prints(&format!("# One more line.\n\n{text}"));
    assert_eq!((before, after), (Some(5), Some(7)));
    assert_eq!(first, second);
}

#[test]
fn what_is_fine_has_results_of_level_note_at_most() {
    let log = log("examples/appointment-reminder", 0);
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert!(!results.is_empty() && results.iter().all(|result| result["level"] == "note"), "{results:?}");
}
