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
    let examples = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).expect("the examples");
    for example in examples {
        let example = format!("examples/{}", example.expect("a folder").file_name().display());
        let said = carepath(&["check", &example, "--json"]);
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

#[test]
fn a_workflow_alone_knows_the_schema_the_templates_and_the_segments_beside_it() {
    let alone = carepath(&["check", "examples/appointment-reminder/workflow.yaml"]);
    assert_eq!(alone.code, Some(0), "{}", alone.stdout);
    assert!(alone.stdout.ends_with("1 document checked: 0 errors, 0 warnings\n"), "{}", alone.stdout);
}

/// S25: what the schema beside a workflow does not declare harmless stays out of subjects, offline too.
#[test]
fn s25_the_schema_beside_a_workflow_decides_what_its_mails_may_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    std::fs::create_dir(folder.path().join("templates")).expect("a folder");
    put(
        "workflow.yaml",
        "id: w\nclass: care\nentry: { api: true }\nsteps:\n  a:\n    send: { template: t }\n    next: end\n",
    );
    let subject = "{{ contact.attributes.x | default('you') }}";
    put("templates/t.yaml", &format!("id: t\nclass: care\nsubject: \"{subject}\"\nhtml: <p>Hello</p>\n"));
    let workflow = folder.path().join("workflow.yaml");
    let check = || carepath(&["check", workflow.to_str().expect("a path"), "--json"]);
    let exposed = || findings(&check().json()).iter().any(|(rule, _)| rule == "W011");
    assert!(exposed(), "what nobody declared is health information");
    for (class, expected) in [("public", false), ("identifier", false), ("phi", true), ("sensitive", true)] {
        put("schema.yaml", &format!("attributes:\n  x: {{ type: string, class: {class} }}\n"));
        assert_eq!(exposed(), expected, "{class}");
        assert_eq!(check().code, Some(i32::from(expected)));
    }
}
