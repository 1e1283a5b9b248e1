//! From one workflow into others.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{steps, text, workflow};

fn called(id: &str, steps: Value) -> Value {
    let mut document = workflow(id, id, steps);
    document["entry"] = json!({ "api": true });
    document
}

fn mail(template: &str) -> Value {
    json!({ "mail": { "send": { "template": template }, "next": "end" } })
}

async fn office() -> Dev {
    let dev = Dev::start().await;
    for template in ["one", "two", "three"] {
        dev.note(template).await;
    }
    dev.person("ann").await;
    dev
}

#[tokio::test]
async fn who_jumps_and_stays_goes_both_ways_with_what_is_handed_on() {
    let dev = office().await;
    dev.publish(called("there", mail("two"))).await;
    let jump = json!({ "workflow": "there", "payload": { "from": "here" }, "stay": true });
    let here =
        json!({ "go": { "jump": jump, "next": "mail" }, "mail": { "send": { "template": "one" }, "next": "end" } });
    dev.publish(workflow("here", "joined", here)).await;
    dev.happens("ann", "joined").await;
    let mut subjects = dev.subjects("ann").await;
    subjects.sort();
    assert_eq!(subjects, ["one", "two"]);
    let runs = dev.runs("ann").await;
    let there = runs.iter().find(|run| run["workflow"] == "there").unwrap();
    assert_eq!((text(there, "ended"), &there["entry"]["payload"]), ("completed", &json!({ "from": "here" })));
    assert_eq!(steps(there), ["mail"]);
}

#[tokio::test]
async fn two_jumps_in_one_stride_both_happen() {
    let dev = office().await;
    dev.publish(called("second", mail("two"))).await;
    dev.publish(called("third", mail("three"))).await;
    let here = json!({
        "a": { "jump": { "workflow": "second", "stay": true }, "next": "b" },
        "b": { "jump": { "workflow": "third", "stay": true }, "next": "mail" },
        "mail": { "send": { "template": "one" }, "next": "end" },
    });
    dev.publish(workflow("here", "joined", here)).await;
    dev.happens("ann", "joined").await;
    let mut subjects = dev.subjects("ann").await;
    subjects.sort();
    assert_eq!(subjects, ["one", "three", "two"]);
}

#[tokio::test]
async fn a_jump_that_leads_to_a_jump_arrives() {
    let dev = office().await;
    dev.publish(called("third", mail("three"))).await;
    dev.publish(called("second", json!({ "on": { "jump": { "workflow": "third" } } }))).await;
    dev.publish(workflow("first", "joined", json!({ "on": { "jump": { "workflow": "second" } } }))).await;
    dev.happens("ann", "joined").await;
    assert_eq!(dev.subjects("ann").await, ["three"]);
    let runs = dev.runs("ann").await;
    assert!(runs.iter().all(|run| run["ended"] == "completed") && runs.len() == 3, "{runs:?}");
}
