//! Segments that a condition decides about: current, whatever changes, and whatever does not.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{hello, text, workflow};

async fn office() -> Dev {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev
}

async fn size(dev: &Dev, segment: &str) -> u64 {
    dev.settle().await;
    let shown = dev.get(&format!("/v1/segments/{segment}")).await;
    let members = dev.members(segment).await.len() as u64;
    assert_eq!(shown["size"], members, "the size is exact");
    members
}

async fn segment(dev: &Dev, id: &str, when: Value) {
    dev.put(&format!("/v1/segments/{id}"), json!({ "when": when })).await;
}

/// S21: a new definition, and a changed one, is brought to everybody; who comes in by it starts what starts there.
#[tokio::test]
async fn s21_a_definition_is_brought_to_everybody() {
    let dev = office().await;
    for n in 0..150 {
        let fields = json!({ "email": format!("p{n}@example.org"), "attributes": { "risk": n % 3 } });
        dev.put(&format!("/v1/contacts/p{n}"), fields).await;
    }
    dev.put("/v1/contacts/without", json!({ "attributes": { "risk": 2 } })).await;
    let mut document = workflow("care", "x", hello());
    dev.put("/v1/segments/other", json!({ "when": { "attribute": "gone", "exists": true } })).await;
    segment(&dev, "risky", json!({ "attribute": "risk", "gte": 2 })).await;
    assert_eq!(size(&dev, "risky").await, 51);
    let shown = dev.get("/v1/segments/risky").await;
    assert_eq!((text(&shown["fill"], "state"), &shown["fill"]["contacts_done"]), ("done", &json!(151)));
    document["entry"] = json!({ "segment": "risky", "on": "enter" });
    dev.publish(document).await;
    // What was read may be written as it is.
    dev.put("/v1/segments/risky", dev.get("/v1/segments/risky").await).await;
    segment(&dev, "risky", json!({ "attribute": "risk", "gte": 1 })).await;
    assert_eq!(size(&dev, "risky").await, 101);
    assert_eq!((dev.mails("p1").await.len(), dev.mails("p2").await.len()), (1, 0), "p2 was in it before");
    dev.try_delete("/v1/segments/other").await.fine();
    segment(&dev, "risky", json!({ "attribute": "risk", "gte": 100 })).await;
    assert_eq!(size(&dev, "risky").await, 0);
}

/// S21: what time alone flips flips when it is time, in the contact's own zone, and by nobody's doing.
#[tokio::test]
async fn s21_time_alone_brings_people_in_and_out() {
    let dev = office().await;
    segment(&dev, "lately", json!({ "attribute": "visit", "within": "30d" })).await;
    segment(&dev, "fifty", json!({ "age": "born", "gte": 50 })).await;
    segment(&dev, "fifty-lately", json!({ "all": [{ "segment": "fifty" }, { "segment": "lately" }] })).await;
    let mut document = workflow("screening", "x", hello());
    document["entry"] = json!({ "segment": "fifty", "on": "enter" });
    dev.publish(document).await;
    let fields = json!({
        "email": "ann@example.org", "zone": "America/Chicago",
        "attributes": { "visit": "2040-01-10", "born": "1990-02-01" }
    });
    dev.put("/v1/contacts/ann", fields).await;
    let sizes = async || [size(&dev, "lately").await, size(&dev, "fifty").await, size(&dev, "fifty-lately").await];
    assert_eq!(sizes().await, [0, 0, 0]);
    dev.to("2040-01-10T05:59:59Z").await;
    assert_eq!(sizes().await, [0, 0, 0]);
    dev.to("2040-01-10T06:00:00Z").await;
    assert_eq!(sizes().await, [1, 0, 0], "midnight in Chicago");
    dev.to("2040-02-01T06:00:00Z").await;
    assert_eq!(sizes().await, [1, 1, 1]);
    assert_eq!(dev.mails("ann").await[0]["at"], "2040-02-01T06:00:00Z");
    dev.to("2040-02-09T06:00:01Z").await;
    assert_eq!(sizes().await, [0, 1, 0]);
    assert_eq!(dev.mails("ann").await.len(), 1);
}

/// S21: what happened counts, also what happened before anybody asked.
#[tokio::test]
async fn s21_segments_by_what_happened() {
    let dev = office().await;
    for id in ["ann", "bo"] {
        dev.person(id).await;
    }
    let bought = async |id: &str, what: &str| {
        dev.tell(id, json!({ "name": "bought", "properties": { "what": what } })).await;
    };
    bought("ann", "shoes").await;
    bought("bo", "hat").await;
    segment(&dev, "buyers", json!({ "did": "bought", "within": "10d" })).await;
    segment(&dev, "twice", json!({ "did": "bought", "at_least": 2 })).await;
    segment(&dev, "hats", json!({ "did": "bought", "where": { "event": "what", "eq": "hat" } })).await;
    segment(&dev, "engaged", json!({ "opened": "any", "within": "30d" })).await;
    let sizes = async || {
        [size(&dev, "buyers").await, size(&dev, "twice").await, size(&dev, "hats").await, size(&dev, "engaged").await]
    };
    assert_eq!(sizes().await, [2, 0, 1, 0]);
    bought("ann", "hat").await;
    assert_eq!(sizes().await, [2, 1, 2, 0]);
    dev.advance("9d").await;
    bought("bo", "shoes").await;
    dev.advance("2d").await;
    assert_eq!(sizes().await, [1, 2, 2, 0]);
    dev.publish(workflow("hello", "hi", hello())).await;
    dev.happens("bo", "hi").await;
    dev.opens("bo").await;
    assert_eq!(sizes().await, [1, 2, 2, 1]);
    dev.advance("31d").await;
    assert_eq!(sizes().await, [0, 2, 2, 0]);
    // Topics count as well.
    segment(&dev, "readers", json!({ "subscribed": "news" })).await;
    dev.patch("/v1/contacts/ann", json!({ "topics": { "news": "subscribed" } })).await;
    assert_eq!(size(&dev, "readers").await, 1);
    dev.patch("/v1/contacts/ann", json!({ "topics": { "news": "unsubscribed" } })).await;
    assert_eq!(size(&dev, "readers").await, 0);
}

/// A run decides by what happened, and its exit rules act on it at once (S18).
#[tokio::test]
async fn runs_decide_by_what_happened() {
    let dev = office().await;
    dev.person("ann").await;
    dev.happens("ann", "bought").await;
    let steps = json!({
        "again": { "branch": { "cases": [{ "when": { "did": "bought", "within": "5d" }, "next": "hello" }], "next": "end" } },
        "hello": { "send": { "template": "note" }, "next": "rest" },
        "rest": { "wait": { "for": "30d" }, "next": "end" }
    });
    let mut document = workflow("offer", "looked", steps);
    document["exit"] = json!([{ "when": { "did": "bought", "at_least": 2 } }]);
    dev.publish(document).await;
    dev.settle().await;
    dev.happens("ann", "looked").await;
    assert_eq!(dev.run("ann").await["current"], "rest", "{}", dev.run("ann").await);
    dev.happens("ann", "bought").await;
    assert_eq!(dev.run("ann").await["ended"], "exited");
}
