use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use carepath_api::{Access, CODES, described, openapi};
use serde_json::{Map, Value};

use crate::support::Local;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages: BTreeSet<String> = std::fs::read_dir(docs().join("errors"))
        .unwrap()
        .map(|page| page.unwrap().file_name().to_str().unwrap().trim_end_matches(".md").to_owned())
        .collect();
    assert_eq!(pages, CODES.iter().map(|(code, _)| (*code).to_owned()).collect());
    for (code, status) in CODES {
        let page = std::fs::read_to_string(docs().join(format!("errors/{code}.md"))).unwrap();
        assert!(page.starts_with(&format!("# `{code}`\n\nStatus {status}.\n")), "{code}.md has another head");
        assert!(page.contains("**What to do.** "), "{code}.md does not say what to do");
    }
}

/// The description is reviewed as a file; with `UPDATE_SNAPSHOTS=1` in the environment this test writes it anew.
#[test]
fn the_description_is_the_one_that_was_reviewed() {
    let path = docs().join("openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&openapi::<Local>()).unwrap());
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == now,
        "docs/openapi.json is out of date: run with UPDATE_SNAPSHOTS=1"
    );
}

#[test]
fn the_description_has_the_routes_of_the_table_and_no_others() {
    let document = openapi::<Local>();
    let told: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let table = described::<Local>();
    let served = table.iter().map(|route| format!("{} {}", route.method.as_str().to_ascii_lowercase(), route.path));
    assert_eq!(told, served.collect());
    let ids: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), table.len(), "operation ids are unique");
}

/// All objects of a document, with where they are.
fn objects<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Map<String, Value>)>) {
    match value {
        Value::Object(fields) => {
            found.push((at.to_owned(), fields));
            for (name, field) in fields {
                objects(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, &format!("{at}/-"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere_and_every_shape_is_used() {
    let document = openapi::<Local>();
    let mut found = Vec::new();
    objects(&document, "", &mut found);
    let mut used = BTreeSet::new();
    for (at, fields) in found {
        let Some(target) = fields.get("$ref").and_then(Value::as_str) else { continue };
        let name = target.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{at}: {target}"));
        assert!(document["components"]["schemas"].get(name).is_some(), "{at}: {target}");
        used.insert(name.to_owned());
    }
    let shapes = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(used, shapes.keys().cloned().collect());
}

/// What the specification of the format asks for, as far as this description goes.
#[test]
fn the_description_is_built_as_its_format_asks() {
    let document = openapi::<Local>();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    for route in described::<Local>() {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        let at = format!("{} {}", route.method, route.path);
        let parameters = operation["parameters"].as_array().unwrap();
        let mut names = BTreeSet::new();
        for parameter in parameters {
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            assert!(parameter["schema"].is_object() && names.insert((place, name)), "{at}: {name}");
            assert_eq!(place == "path", parameter["required"] == true, "{at}: {name}");
            assert_eq!(place == "path", route.path.contains(&format!("{{{name}}}")), "{at}: {name}");
        }
        assert_eq!(route.path.matches('{').count(), names.iter().filter(|(place, _)| *place == "path").count());
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.values().all(|response| response["description"].is_string()), "{at}");
        assert!(responses.contains_key("default"), "{at}");
        for status in route.success {
            let kind = if route.page { "text/html" } else { "application/json" };
            let shown = &responses[&status.to_string()]["content"][kind]["schema"];
            assert_eq!(shown.is_object(), *status != 204, "{at} has a shape for what it answers");
        }
        let asked = operation["security"].as_array().unwrap();
        assert!(asked.iter().flat_map(|one| one.as_object().unwrap().keys()).all(|name| schemes.contains_key(name)));
        assert_eq!(asked.is_empty(), route.access == Access::Public, "{at}");
    }
}

#[test]
fn every_route_that_takes_a_body_says_what_it_is_like() {
    for route in described::<Local>() {
        let takes = ["PUT", "PATCH"].contains(&route.method.as_str());
        assert!(!takes || route.body.is_some(), "{} {}", route.method, route.path);
    }
}
