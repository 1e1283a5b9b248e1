use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use carepath_api::{CODES, described, openapi};

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
    assert_eq!(pages, CODES.iter().map(|code| (*code).to_owned()).collect());
}

/// The description is reviewed as a file; `UPDATE=1` writes it anew.
#[test]
fn the_description_is_the_one_that_was_reviewed() {
    let path = docs().join("openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&openapi::<Local>()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == now, "docs/openapi.json is out of date: run with UPDATE=1");
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
