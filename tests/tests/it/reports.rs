//! Reports of a real `carepath dev`, as its command shows them.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{text, workflow};

/// S22: what the command shows is what happened, and it adds up.
#[tokio::test]
async fn s22_a_report_shows_what_became_of_everybody() {
    let dev = Dev::start().await;
    dev.note("note").await;
    let steps = json!({ "hello": { "send": { "template": "note" }, "next": "rest" },
        "rest": { "wait": { "for": "2d" }, "next": "end" } });
    dev.publish(workflow("visits", "visited", steps)).await;
    for nth in 0..3 {
        let path = format!("/v1/contacts/p-{nth}");
        dev.put(&path, json!({ "email": format!("p{nth}@example.org") })).await;
        dev.post(&format!("{path}/events"), json!({ "name": "visited", "id": format!("e-{nth}") })).await;
    }
    dev.settle().await;
    let said = dev.command(&["report", "visits", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let rest = report["steps"].as_array().unwrap().iter().find(|step| text(step, "id") == "rest").unwrap();
    assert_eq!((&rest["entered"], &rest["waiting"], &rest["moved_on"]), (&json!(3), &json!(3), &json!(0)));
    let table = dev.command(&["report", "visits", "--version", "1"]);
    assert!(table.stdout.trim_start().starts_with("STEP"), "{table:?}");
    assert!(table.stderr.contains("3 runs began, 3 are under way, none ended"), "{table:?}");
    let csv = dev.command(&["report", "visits", "--csv", "--version", "all", "--since", "2040-01-01"]);
    assert!(csv.stdout.contains("rest,wait,3,"), "{csv:?}");
    let proof = dev.command(&["reconcile", "--all"]);
    assert_eq!(proof.code, Some(0), "{proof:?}");
    assert!(proof.stdout.contains("visits: 3 runs, they add up"), "{proof:?}");
    assert_eq!(dev.command(&["report", "nothing"]).code, Some(1));
}
