//! Dependencies run one way: engine ◄ app ◄ { aws, cli } ◄ { functions, cli }.
//!
//! `deny.toml` says who may name whom directly; this looks at the whole tree, which is what counts for the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use carepath_tests::root;
use serde_json::Value;

struct Tree {
    /// Names by package id.
    names: BTreeMap<String, String>,
    /// Normal and build dependencies by package id.
    shipped: BTreeMap<String, Vec<String>>,
    /// All dependencies of the workspace's own crates, those of tests included, by name.
    named: BTreeMap<String, BTreeSet<String>>,
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn tree() -> Tree {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg("x86_64-unknown-linux-gnu")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut tree = Tree { names: BTreeMap::new(), shipped: BTreeMap::new(), named: BTreeMap::new() };
    for package in metadata["packages"].as_array().unwrap() {
        tree.names.insert(text(package, "id"), text(package, "name"));
        if members.contains(package["id"].as_str().unwrap()) {
            let names = package["dependencies"].as_array().unwrap().iter().map(|it| text(it, "name")).collect();
            tree.named.insert(text(package, "name"), names);
        }
    }
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let shipped =
            node["deps"].as_array().unwrap().iter().filter(|dep| {
                dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].as_str() != Some("dev"))
            });
        tree.shipped.insert(text(node, "id"), shipped.map(|dep| text(dep, "pkg")).collect());
    }
    tree
}

impl Tree {
    /// Everything that gets into a crate, however far down.
    fn below(&self, name: &str) -> BTreeSet<&str> {
        let mut open: Vec<&String> = self.names.iter().filter(|(_, it)| *it == name).map(|(id, _)| id).collect();
        assert_eq!(open.len(), 1, "one crate is called {name}");
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            for dependency in &self.shipped[id] {
                if seen.insert(self.names[dependency].as_str()) {
                    open.push(dependency);
                }
            }
        }
        seen
    }

    /// The crates of the workspace that name another of them, outside of tests.
    fn own(&self, name: &str) -> BTreeSet<&str> {
        self.below(name).into_iter().filter(|it| self.named.contains_key(*it)).collect()
    }
}

fn is_aws(name: &str) -> bool {
    name.starts_with("aws-sdk-") || name.starts_with("aws-smithy-") || name == "aws-config" || name == "aws-types"
}

#[test]
fn nothing_in_the_engine_waits_draws_calls_or_looks_outside() {
    let tree = tree();
    let below = tree.below("carepath-engine");
    let outside = ["tokio", "async-std", "futures-util", "mio", "hyper", "reqwest", "ureq", "rand", "uuid", "axum"];
    let found: Vec<_> = below.iter().filter(|name| outside.contains(*name) || is_aws(name)).collect();
    assert!(found.is_empty(), "the engine is pure, and these are not: {found:?}");
}

#[test]
fn arrows_run_one_way() {
    let tree = tree();
    let own = |name| tree.own(name);
    assert_eq!(own("carepath-engine"), BTreeSet::new());
    assert_eq!(own("carepath-app"), BTreeSet::from(["carepath-engine"]));
    assert_eq!(own("carepath-aws"), BTreeSet::from(["carepath-app", "carepath-engine"]));
    for outer in tree.named.keys() {
        assert!(!own(outer).contains("carepath"), "{outer} depends on the command, the outermost shell");
    }
}

#[test]
fn use_cases_know_no_service_and_no_database() {
    let tree = tree();
    let below = tree.below("carepath-app");
    let outside = ["hyper", "reqwest", "axum", "dynoxide-rs", "rusqlite", "lettre", "lambda_runtime"];
    let found: Vec<_> = below.iter().filter(|name| outside.contains(*name) || is_aws(name)).collect();
    assert!(found.is_empty(), "use cases work over ports, and these are behind them: {found:?}");
}

#[test]
fn only_carepath_aws_names_an_aws_sdk() {
    for (name, dependencies) in tree().named {
        let sdks: Vec<_> = dependencies.iter().filter(|dependency| is_aws(dependency)).collect();
        assert_eq!(!sdks.is_empty(), name == "carepath-aws", "{name} names {sdks:?}");
    }
}

#[test]
fn a_lambda_carries_no_database_of_its_own() {
    let tree = tree();
    for lambda in ["carepath-api", "carepath-engagement", "carepath-executor", "carepath-projector", "carepath-timer"] {
        let found: Vec<_> = tree.below(lambda).into_iter().filter(|name| name.contains("sqlite")).collect();
        assert!(found.is_empty(), "the store of one machine got into {lambda}: {found:?}");
    }
}
