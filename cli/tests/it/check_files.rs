//! `carepath check` on good and on faulty files.

#![expect(clippy::expect_used, reason = "helpers fail their test")]

use serde_json::Value;

use crate::program::carepath;

const FAULTY: &str = "cli/tests/fixtures/faulty";

fn findings(report: &Value) -> Vec<(String, String)> {
    let list = report["findings"].as_array().expect("findings");
    let text = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
    list.iter().map(|finding| (text(finding, "rule"), text(finding, "pointer"))).collect()
}

#[test]
fn the_examples_have_no_errors_and_no_warnings() {
    for example in ["examples/appointment-reminder", "examples/new-member-onboarding"] {
        let said = carepath(&["check", example, "--json"]);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        let report = said.json();
        assert_eq!(report["ok"], true);
        let loud: Vec<&Value> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|finding| finding["severity"] != "info")
            .collect();
        assert!(loud.is_empty(), "{loud:?}");
    }
}

#[test]
fn every_fault_of_every_file_is_reported_at_once_with_its_place() {
    let said = carepath(&["check", FAULTY, "--json"]);
    assert_eq!(said.code, Some(1));
    let report = said.json();
    assert_eq!(report["ok"], false);
    let found = findings(&report);
    for (rule, pointer) in [
        ("T003", "/subject"),
        ("D001", "/steps/second/colour"),
        ("W001", "/steps/first/next"),
        ("W012", "/steps/first/send/template"),
    ] {
        assert!(found.contains(&(rule.into(), pointer.into())), "{rule} at {pointer} is not among {found:?}");
    }
}

#[test]
fn a_fault_is_shown_to_people_with_file_line_rule_and_step() {
    let said = carepath(&["check", FAULTY]);
    assert_eq!(said.code, Some(1));
    let line = "cli/tests/fixtures/faulty/workflow.yaml:9: error W001 at /steps/first/next (step first)";
    assert!(said.stdout.contains(line), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}'), "no colour where nobody looks");
}

#[test]
fn sarif_names_each_rule_once_and_places_each_result() {
    let said = carepath(&["check", FAULTY, "--sarif"]);
    assert_eq!(said.code, Some(1));
    let log = said.json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "carepath");
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().expect("rules").iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().expect("results");
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(rules.iter().filter(|rule| **rule == &result["ruleId"]).count(), 1);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("level")));
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(place.as_str().expect("uri").starts_with(FAULTY));
    }
}

#[test]
fn a_folder_that_leads_back_into_itself_is_walked_once_and_nothing_reaches_the_terminal_raw() {
    let folder = tempfile::tempdir().expect("a folder");
    let faulty = "id: x\nentry: { event: a }\nsteps:\n  \"a\\e[2Jb\": { wait: { for: 1d }, next: nowhere }\n";
    std::fs::write(folder.path().join("workflow.yaml"), faulty).expect("a file");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).expect("a link");
    let said = carepath(&["check", folder.path().to_str().expect("a path")]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("1 document checked"), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}') && said.stdout.contains("\\u{1b}[2Jb"), "{}", said.stdout);
}

#[test]
fn a_file_that_is_not_there_could_not_be_checked() {
    let said = carepath(&["check", "cli/tests/fixtures/none.yaml"]);
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("could not read cli/tests/fixtures/none.yaml"), "{}", said.stderr);
}
