//! What starts a run besides an event, and many who write at once.

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::dev::Dev;
use crate::support::story::{hello, steps, text, workflow};

async fn office() -> Dev {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev
}

#[tokio::test]
async fn an_attribute_that_changes_to_a_value_starts_a_run_and_no_other_change_does() {
    let dev = office().await;
    let mut document = workflow("risk", "x", hello());
    document["entry"] = json!({ "attribute": "risk", "to": "high", "reentry": "after_exit" });
    dev.publish(document).await;
    dev.person("ann").await;
    for (value, mails) in [("low", 0), ("high", 1), ("high", 1), ("low", 1), ("high", 2)] {
        dev.patch("/v1/contacts/ann", json!({ "attributes": { "risk": value } })).await;
        dev.settle().await;
        assert_eq!(dev.mails("ann").await.len(), mails, "{value}");
    }
}

#[tokio::test]
async fn coming_into_a_segment_and_leaving_it_start_runs() {
    let dev = office().await;
    dev.put("/v1/segments/risky", json!({ "id": "risky", "name": "R", "when": { "attribute": "risk", "gte": 5 } }))
        .await;
    dev.put("/v1/segments/vips", json!({ "id": "vips", "name": "V" })).await;
    for (id, segment, on) in [("comes", "risky", "enter"), ("goes", "risky", "leave"), ("vip", "vips", "enter")] {
        let mut document = workflow(id, "x", hello());
        document["entry"] = json!({ "segment": segment, "on": on });
        dev.publish(document).await;
    }
    dev.person("bo").await;
    let started = async || {
        dev.settle().await;
        let mut ids: Vec<String> = dev.runs("bo").await.iter().map(|run| text(run, "workflow").to_owned()).collect();
        ids.sort();
        ids
    };
    assert!(started().await.is_empty());
    dev.patch("/v1/contacts/bo", json!({ "attributes": { "risk": 7 } })).await;
    assert_eq!(started().await, ["comes"]);
    assert_eq!(dev.members("risky").await, ["bo"]);
    dev.patch("/v1/contacts/bo", json!({ "attributes": { "risk": 1 } })).await;
    assert_eq!(started().await, ["comes", "goes"]);
    assert!(dev.members("risky").await.is_empty());
    dev.post("/v1/segments/vips/members", json!({ "add": ["bo"] })).await;
    assert_eq!(started().await, ["comes", "goes", "vip"]);
}

#[tokio::test]
async fn a_request_that_is_repeated_under_its_key_enrolls_once() {
    let dev = office().await;
    let mut document = workflow("call", "x", hello());
    document["entry"] = json!({ "api": true, "reentry": "always" });
    dev.publish(document).await;
    dev.person("cy").await;
    let enroll = async |key: &str| {
        let request = dev.request(Method::POST, "/v1/workflows/call/enroll").header("idempotency-key", key);
        let answer = dev.send(request.json(&json!({ "contact": "cy", "payload": { "why": "asked" } }))).await.fine();
        dev.settle().await;
        answer
    };
    let first = enroll("one").await;
    assert_eq!(first["admitted"], true);
    assert_eq!(enroll("one").await["run"], first["run"]);
    assert_eq!(dev.mails("cy").await.len(), 1);
    assert_ne!(enroll("two").await["run"], first["run"]);
    assert_eq!(dev.mails("cy").await.len(), 2);
    let nobody = dev.try_post("/v1/workflows/call/enroll", &json!({ "contact": "nobody" })).await;
    assert_eq!(nobody.problem(), (404, "not_found"));
}

/// S1, S28: many write the same contact at once, its runs among them; what was taken is there, and nothing happens twice.
#[tokio::test]
async fn s28_what_many_write_to_one_contact_at_once_is_all_there() {
    const WRITERS: usize = 24;
    let dev = office().await;
    let count = json!({ "update": { "increment": { "seen": 1 } }, "next": "hello" });
    let greet = json!({ "send": { "template": "note" }, "next": "end" });
    let mut document = workflow("count", "seen", json!({ "count": count, "hello": greet }));
    document["entry"] = json!({ "event": "seen", "key": "nr", "reentry": "always" });
    dev.publish(document).await;
    dev.person("ann").await;
    let mut writers = JoinSet::new();
    for nth in 0..WRITERS {
        let patch = dev.request(Method::PATCH, "/v1/contacts/ann");
        let patch = patch.json(&json!({ "attributes": { format!("a{nth}"): nth } }));
        let event = dev.request(Method::POST, "/v1/contacts/ann/events");
        let event = event.json(&json!({ "name": "seen", "id": format!("e{nth}"), "properties": { "nr": nth } }));
        for (name, request) in [("patch", patch), ("event", event)] {
            writers.spawn(async move { (name, nth, request.send().await.unwrap().status().as_u16()) });
        }
    }
    let mut taken = Vec::new();
    while let Some(done) = writers.join_next().await {
        let (name, nth, status) = done.unwrap();
        // Who is told that others are at it may try again: nothing of it was done.
        assert!(status < 300 || status == 503, "{name}: {status}");
        if status < 300 {
            taken.push((name, nth));
        }
    }
    dev.settle().await;
    let attributes = dev.get("/v1/contacts/ann").await["attributes"].clone();
    let events = taken.iter().filter(|(name, _)| *name == "event").count();
    assert!(events > 0);
    for nth in 0..WRITERS {
        let there = attributes.get(format!("a{nth}")).is_some();
        assert_eq!(there, taken.contains(&("patch", nth)), "a{nth}");
    }
    assert_eq!(attributes["seen"], events);
    let runs = dev.runs("ann").await;
    assert_eq!((runs.len(), dev.mails("ann").await.len()), (events, events));
    assert!(runs.iter().all(|run| run["ended"] == "completed" && steps(run) == ["count", "hello"]));
}
