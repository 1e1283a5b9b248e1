//! Sending policies, as somebody sees them who gets the mails: whose clock counts, which days, what a closed window and a
//! full cap lead to.

use serde_json::{Value, json};

use crate::support::dev::{Dev, START};
use crate::support::story::{hello, steps, text, visit, workflow};

async fn office() -> Dev {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev
}

fn under(id: &str, policy: Value) -> Value {
    let mut document = workflow(id, id, hello());
    document["send_policy"] = policy;
    document
}

async fn somebody(dev: &Dev, id: &str, zone: Option<&str>) {
    let mut fields = json!({ "email": format!("{id}@example.org") });
    if let Some(zone) = zone {
        fields["zone"] = json!(zone);
    }
    dev.put(&format!("/v1/contacts/{id}"), fields).await;
}

async fn times(dev: &Dev, contact: &str) -> Vec<String> {
    dev.settle().await;
    dev.mails(contact).await.iter().map(|mail| text(mail, "at").to_owned()).collect()
}

/// S12: the zone is the contact's, else the workflow's, else the account's, and the visit says whose it was.
#[tokio::test]
async fn s12_the_clock_is_that_of_the_contact_else_of_the_workflow_else_of_the_account() {
    let dev = office().await;
    let mut settings = dev.get("/v1/settings").await;
    settings["zone"] = json!("Pacific/Auckland");
    dev.put("/v1/settings", settings).await;
    dev.publish(under("with", json!({ "window": "08:00-20:00", "zone": "America/Chicago" }))).await;
    dev.publish(under("without", json!({ "window": "08:00-20:00" }))).await;
    somebody(&dev, "tokyo", Some("Asia/Tokyo")).await;
    somebody(&dev, "nowhere", None).await;
    somebody(&dev, "anywhere", None).await;
    dev.happens("tokyo", "with").await;
    dev.happens("nowhere", "with").await;
    dev.happens("anywhere", "without").await;
    dev.advance("1d").await;
    let cases = [
        ("tokyo", "2040-01-02T23:00:00Z", "zone of the contact"),
        ("nowhere", START, "zone of the workflow"),
        ("anywhere", "2040-01-02T19:00:00Z", "zone of the account"),
    ];
    for (contact, at, source) in cases {
        assert_eq!(times(&dev, contact).await, [at], "{contact}");
        let run = dev.run(contact).await;
        let why = visit(&run, "hello")["explanation"].as_array().unwrap().clone();
        assert!(why.iter().any(|why| why["source"] == source), "{contact}: {why:?}");
    }
}

/// S12: days of the week, and a window over midnight, which belongs to the day on which it opened.
#[tokio::test]
async fn s12_mails_wait_for_their_day_and_for_a_window_over_midnight() {
    let dev = office().await;
    dev.publish(under("weekend", json!({ "window": "10:00-12:00", "days": ["sat"] }))).await;
    dev.publish(under("night", json!({ "window": "22:00-06:00" }))).await;
    dev.person("ann").await;
    dev.person("bo").await;
    dev.happens("ann", "weekend").await;
    dev.happens("bo", "night").await;
    dev.advance("7d").await;
    assert_eq!(times(&dev, "ann").await, ["2040-01-07T16:00:00Z"]);
    assert_eq!(times(&dev, "bo").await, ["2040-01-03T04:00:00Z"]);
    dev.to("2040-01-10T09:00:00Z").await;
    dev.person("cy").await;
    dev.happens("cy", "night").await;
    assert_eq!(times(&dev, "cy").await, ["2040-01-10T09:00:00Z"], "three in the morning is still the night before");
}

/// S11: a mail that falls outside of its window is left out, or ends the run, where its author says so.
#[tokio::test]
async fn s11_a_closed_window_skips_or_ends_where_it_is_said() {
    let dev = office().await;
    let night = |on_closed: &str| json!({ "window": "22:00-23:00", "on_closed": on_closed });
    dev.publish(under("skips", night("skip"))).await;
    dev.publish(under("ends", night("exit"))).await;
    dev.person("ann").await;
    dev.person("bo").await;
    dev.happens("ann", "skips").await;
    dev.happens("bo", "ends").await;
    let (skipped, ended) = (dev.run("ann").await, dev.run("bo").await);
    assert_eq!((&skipped["ended"], &ended["ended"]), (&json!("completed"), &json!("exited")));
    let message = &visit(&skipped, "hello")["message"];
    assert_eq!((&message["state"], &message["reason"]), (&json!("skipped"), &json!("window_closed")));
    dev.advance("2d").await;
    assert_eq!((times(&dev, "ann").await.len(), times(&dev, "bo").await.len()), (0, 0));
}

/// S11: a cap counts the mails of all workflows that have one, as time goes on, and what is put off goes out when there is
/// room.
#[tokio::test]
async fn s11_a_cap_counts_over_workflows_and_what_it_puts_off_goes_out_later() {
    let dev = office().await;
    let cap = |on_capped: &str| json!({ "cap": { "max": 1, "per": "2d", "on_capped": on_capped } });
    for (id, on_capped) in [("first", "skip"), ("later", "defer"), ("never", "skip")] {
        dev.publish(under(id, cap(on_capped))).await;
    }
    dev.person("ann").await;
    dev.happens("ann", "first").await;
    dev.advance("1h").await;
    dev.happens("ann", "later").await;
    dev.happens("ann", "never").await;
    dev.advance("5d").await;
    assert_eq!(times(&dev, "ann").await, [START, "2040-01-04T15:00:00Z"]);
    let runs = dev.runs("ann").await;
    assert!(runs.iter().all(|run| run["ended"] == "completed"));
    let never = runs.iter().find(|run| run["workflow"] == "never").unwrap();
    assert_eq!(visit(never, "hello")["message"]["reason"], "capped");
}

/// S12, S15: what a pause held goes out in the window that is open after it, not at night.
#[tokio::test]
async fn s15_after_a_pause_mails_go_out_in_their_window() {
    let dev = office().await;
    dev.publish(under("day", json!({ "window": "08:00-20:00" }))).await;
    dev.person("ann").await;
    dev.post("/v1/workflows/day/pause", json!({})).await;
    dev.happens("ann", "day").await;
    dev.to("2040-01-03T04:00:00Z").await;
    dev.post("/v1/workflows/day/resume", json!({})).await;
    dev.advance("3h").await;
    assert_eq!(times(&dev, "ann").await.len(), 0, "ten at night in Chicago, and after");
    dev.to("2040-01-03T15:00:00Z").await;
    assert_eq!(times(&dev, "ann").await, ["2040-01-03T14:00:00Z"]);
}

/// S14: how late a wait still passes is for its author to say; where nobody does, exactly a day late is too late.
#[tokio::test]
async fn s14_a_wait_passes_as_late_as_its_author_says() {
    let dev = office().await;
    let late = |limit: Option<&str>| {
        let mut wait = json!({ "until": { "entry": "at" }, "else": "end" });
        if let Some(limit) = limit {
            wait["late_limit"] = json!(limit);
        }
        json!({ "day": { "wait": wait, "next": "hello" }, "hello": { "send": { "template": "note" } } })
    };
    dev.publish(workflow("strict", "strict", late(None))).await;
    dev.publish(workflow("patient", "patient", late(Some("3d")))).await;
    for contact in ["strict", "patient"] {
        dev.person(contact).await;
        dev.tell(contact, json!({ "name": contact, "properties": { "at": "2040-01-01T09:00" } })).await;
    }
    assert_eq!(
        (steps(&dev.run("strict").await), steps(&dev.run("patient").await)),
        (vec!["day"], vec!["day", "hello"])
    );
}
