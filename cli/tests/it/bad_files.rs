//! Files that are not what they seem: each is refused with its line, and none takes long.

#![expect(clippy::expect_used, reason = "helpers fail their test")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Said, carepath};

/// Long for any file, and short for one that would take for ever.
const LONG: Duration = Duration::from_secs(20);

fn check(name: &str, text: &str) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    let started = Instant::now();
    let said = carepath(&["check", path.to_str().expect("a path"), "--json"]);
    assert!(started.elapsed() < LONG, "{name} took {:?}", started.elapsed());
    assert!(said.code == Some(0) || said.code == Some(1), "{} {}", said.stdout, said.stderr);
    said
}

fn first(said: &Said) -> Value {
    said.json()["findings"][0].clone()
}

const WORKFLOW: &str = "id: w\nclass: care\nentry: { api: true }\nsteps:\n  a: { wait: { for: 1d }, next: end }\n";

#[test]
fn a_name_that_is_given_twice_is_refused_in_yaml_and_in_json() {
    let yaml = first(&check("w.yaml", &format!("{WORKFLOW}  a: {{ exit: {{ reason: x }} }}\n")));
    assert_eq!((&yaml["rule"], &yaml["line"]), (&json!("D000"), &json!(6)), "{yaml}");
    let json = first(&check("w.json", "{ \"id\": \"w\", \"steps\": {},\n  \"id\": \"v\" }"));
    assert_eq!((&json["rule"], &json["line"]), (&json!("D000"), &json!(2)), "{json}");
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    for text in ["id: w\nsteps: [", "id: w\n\tsteps: {}", "id: *nowhere", "a: 1\nb: 2\n---\na: 3\n", "\u{0}"] {
        let finding = first(&check("w.yaml", text));
        assert_eq!(finding["rule"], "D000", "{text:?} {finding}");
    }
}

#[test]
fn anchors_merges_and_quoted_words_are_read_as_yaml_has_them() {
    let text = "id: w\nclass: care\nentry: { api: true }\nsteps:\n  a: &day { wait: { for: 1d }, next: b }\n  b: { <<: *day, next: \"end\" }\n";
    let said = check("w.yaml", text);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
}

#[test]
fn anchors_that_would_grow_without_end_are_refused() {
    let line = |level: usize| {
        let inside = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("a{level}: &a{level} [{inside}]\n")
    };
    let bomb: String = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned() + &(1..12).map(line).collect::<String>();
    assert_eq!(first(&check("w.yaml", &bomb))["rule"], "D000");
    let line = |level: usize| format!("m{level}: &m{level} {{ a: *m{0}, b: *m{0} }}\n", level - 1);
    let merged: String = "m0: &m0 { k: v }\n".to_owned() + &(1..30).map(line).collect::<String>();
    assert_eq!(first(&check("w.yaml", &merged))["rule"], "D000");
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = 100_000;
    assert_eq!(first(&check("w.json", &format!("{}{}", "[".repeat(deep), "]".repeat(deep))))["rule"], "D000");
    assert_eq!(first(&check("w.yaml", &format!("{}{}", "[".repeat(deep), "]".repeat(deep))))["rule"], "D000");
}

#[test]
fn segments_that_name_each_other_are_refused_and_a_chain_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let segment = |id: &str, named: &str| {
        let text = format!("id: {id}\nwhen: {{ all: [{{ segment: {named} }}, {{ attribute: x, eq: 1 }}] }}\n");
        std::fs::write(folder.path().join(format!("{id}.yaml")), text).expect("a file");
    };
    let check = || carepath(&["check", folder.path().to_str().expect("a path"), "--json"]);
    std::fs::write(folder.path().join("c.yaml"), "id: c\n").expect("a file");
    segment("a", "b");
    segment("b", "c");
    assert_eq!(check().code, Some(0), "{}", check().stdout);
    segment("b", "a");
    let report = check().json();
    let found: Vec<(&Value, &Value)> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|found| (&found["rule"], &found["pointer"]))
        .collect();
    assert_eq!(found, [(&json!("D004"), &json!("/when")), (&json!("D004"), &json!("/when"))]);
    segment("b", "nobody");
    assert_eq!(first(&check())["rule"], "W012");
    segment("a", "a");
    segment("b", "c");
    assert_eq!(first(&check())["message"].as_str().map(|text| text.contains("`a` depends")), Some(true));
}

#[test]
fn ten_thousand_steps_and_a_very_long_text_get_an_answer() {
    let mut steps: serde_json::Map<String, Value> = (0..10_000)
        .map(|n| (format!("s{n}"), json!({ "wait": { "for": "1d" }, "next": format!("s{}", n + 1) })))
        .collect();
    steps.insert("s10000".into(), json!({ "exit": { "reason": "x" } }));
    let document = json!({ "id": "w", "class": "care", "entry": { "api": true }, "steps": steps });
    let found = first(&check("w.json", &document.to_string()));
    assert_eq!((&found["rule"], &found["pointer"]), (&json!("D006"), &json!("/steps")));
    let long = "x".repeat(5_000_000);
    let document =
        json!({ "id": long, "name": long, "class": long, "entry": { "event": long }, "steps": { long.clone(): {} } });
    let said = check("w.json", &document.to_string());
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.len() < 20_000_000, "what is too long is not shown again and again");
}

#[test]
fn names_of_any_script_are_shown_as_they_are() {
    let text = "id: w\nname: Überprüfung 📅 קבלה\nclass: care\nentry: { event: größe }\nsteps:\n  \"ä/b~c\": { wait: { for: 1d }, next: end }\n";
    let report = check("w.yaml", text).json();
    let pointers: Vec<&str> =
        report["findings"].as_array().expect("findings").iter().filter_map(|found| found["pointer"].as_str()).collect();
    assert!(pointers == ["/steps/ä~1b~0c"], "{report}");
}
