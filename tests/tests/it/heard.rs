//! Events and what people do with mails, when they come early, late, twice, or from machines.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{steps, text, visit, workflow};

async fn office(workflow: Value) -> Dev {
    let dev = Dev::start().await;
    for template in ["note", "thanks", "late"] {
        dev.note(template).await;
    }
    dev.publish(workflow).await;
    dev
}

/// A mail, and a mail for each way that it may go.
fn asks(timeout: &str, path: &Value) -> Value {
    let mut path = path.clone();
    path["next"] = json!("thank");
    let steps = json!({
        "ask": { "send": { "template": "note" }, "next": "answer" },
        "answer": { "wait_for": { "paths": [path], "timeout": timeout, "next": "remind" } },
        "thank": { "send": { "template": "thanks" }, "next": "end" },
        "remind": { "send": { "template": "late" }, "next": "end" },
    });
    workflow("asks", "joined", steps)
}

async fn asked(dev: &Dev, people: &[&str]) {
    for id in people {
        dev.person(id).await;
        dev.happens(id, "joined").await;
    }
}

/// A notification as SES writes it, about the newest mail to somebody.
async fn notification(dev: &Dev, contact: &str, kind: &str, at: &str, detail: Value) -> Value {
    let mail = dev.newest(contact).await;
    let tag = |name: &str| json!([mail["tags"][name]]);
    let mut told = json!({
        "eventType": kind,
        "mail": {
            "timestamp": mail["at"], "messageId": mail["id"], "source": mail["from"], "destination": [mail["to"]],
            "sendingAccountId": "123456789012", "headersTruncated": false, "headers": [], "commonHeaders": {},
            "tags": { "run": tag("run"), "step": tag("step"), "attempt": tag("attempt"),
                "ses:configuration-set": ["carepath"], "ses:caller-identity": ["mailer"] },
        },
    });
    told[kind.to_lowercase()] = detail;
    told[kind.to_lowercase()]["timestamp"] = json!(at);
    told
}

async fn notify(dev: &Dev, told: Value) {
    let answer = dev.try_post("/_dev/ses-events", &told).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    dev.settle().await;
}

#[tokio::test]
async fn s16_an_event_by_the_deadline_that_comes_in_within_the_grace_wins_and_a_later_one_loses() {
    let dev = office(asks("2h", &json!({ "event": "answered" }))).await;
    asked(&dev, &["intime", "tardy", "silent"]).await;
    // The deadline is 17:00:00, and it is decided thirty seconds later.
    dev.to("2040-01-02T17:00:20Z").await;
    dev.tell("intime", json!({ "name": "answered", "at": "2040-01-02T16:59:59Z" })).await;
    dev.tell("tardy", json!({ "name": "answered", "at": "2040-01-02T17:00:01Z" })).await;
    assert_eq!(dev.subjects("intime").await, ["note", "thanks"]);
    assert_eq!(dev.subjects("tardy").await, ["note"]);
    dev.to("2040-01-02T17:00:30Z").await;
    for (id, second) in [("intime", "thanks"), ("tardy", "late"), ("silent", "late")] {
        assert_eq!(dev.subjects(id).await, ["note", second], "{id}");
        assert_eq!(text(&dev.run(id).await, "ended"), "completed");
    }
    // What comes in after the decision changes nothing, whenever it happened.
    dev.tell("silent", json!({ "name": "answered", "at": "2040-01-02T16:00:00Z" })).await;
    assert_eq!(dev.subjects("silent").await, ["note", "late"]);
}

#[tokio::test]
async fn s16_a_short_wait_has_a_grace_of_two_seconds_and_opens_count_by_when_they_happened() {
    let dev = office(asks("9m", &json!({ "when": { "opened": "ask" } }))).await;
    asked(&dev, &["intime", "tardy"]).await;
    dev.to("2040-01-02T15:09:01Z").await;
    let reader = json!({ "userAgent": "Thunderbird/140.0", "ipAddress": "192.0.2.1" });
    for (id, at) in [("intime", "2040-01-02T15:09:00Z"), ("tardy", "2040-01-02T15:09:01Z")] {
        let told = notification(&dev, id, "Open", at, reader.clone()).await;
        notify(&dev, told).await;
    }
    assert_eq!(dev.subjects("intime").await, ["note", "thanks"]);
    assert_eq!(dev.subjects("tardy").await, ["note"]);
    dev.to("2040-01-02T15:09:02Z").await;
    assert_eq!(dev.subjects("tardy").await, ["note", "late"]);
}

/// A wait that comes a day after the mail.
fn later() -> Value {
    let mut document = asks("3d", &json!({ "event": "answered" }));
    document["steps"]["ask"]["next"] = json!("day");
    document["steps"]["day"] = json!({ "wait": { "for": "1d" }, "next": "answer" });
    document
}

#[tokio::test]
async fn s17_an_event_before_the_wait_for_it_counts() {
    let dev = office(later()).await;
    asked(&dev, &["quick", "slow"]).await;
    dev.advance("1h").await;
    dev.happens("quick", "answered").await;
    assert_eq!(dev.subjects("quick").await, ["note"], "the day is not over");
    dev.advance("23h").await;
    assert_eq!(dev.subjects("quick").await, ["note", "thanks"]);
    let run = dev.run("quick").await;
    assert_eq!(steps(&run), ["ask", "day", "answer", "thank"]);
    assert_eq!(text(visit(&run, "answer"), "at"), "2040-01-03T15:00:00Z");
    assert_eq!(text(&dev.run("slow").await, "current"), "answer");
}

#[tokio::test]
async fn s17_an_open_before_the_wait_for_it_counts_as_long_as_it_is_a_persons() {
    let mut document = asks("3d", &json!({ "when": { "opened": "ask" } }));
    document["steps"]["ask"]["next"] = json!("day");
    document["steps"]["day"] = json!({ "wait": { "for": "1d" }, "next": "answer" });
    let dev = office(document).await;
    asked(&dev, &["reader", "proxied"]).await;
    dev.opens("reader").await;
    dev.with_newest("proxied", "open", json!({ "machine": true })).await;
    dev.advance("1d").await;
    assert_eq!(dev.subjects("reader").await, ["note", "thanks"]);
    assert_eq!(dev.subjects("proxied").await, ["note"]);
}

#[tokio::test]
async fn s20_what_machines_do_is_kept_apart_and_moves_no_run() {
    let clicked = json!({ "when": { "any": [{ "opened": "ask" }, { "clicked": "ask", "link": "go" }] } });
    let dev = office(asks("3d", &clicked)).await;
    asked(&dev, &["ann"]).await;
    dev.advance("1h").await;
    dev.with_newest("ann", "open", json!({ "machine": true })).await;
    dev.with_newest("ann", "click", json!({ "link": "go", "machine": true })).await;
    // In SES's own words: its flag, a proxy that loads images, and a scanner that follows links.
    let at = "2040-01-02T16:00:00Z";
    let flagged = json!({ "userAgent": "Mozilla/5.0 (iPhone)", "ipAddress": "192.0.2.1", "isBotEvent": "Likely" });
    let proxy = json!({ "userAgent": "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)" });
    let scanner = json!({ "userAgent": "Barracuda Sentinel (EE)", "link": "https://portal.example.org/go",
        "linkTags": { "name": ["go"] } });
    for (kind, detail) in [("Open", flagged), ("Open", proxy), ("Click", scanner)] {
        let told = notification(&dev, "ann", kind, at, detail).await;
        notify(&dev, told).await;
    }
    let run = dev.run("ann").await;
    assert_eq!((text(&run, "status"), text(&run, "current")), ("waiting", "answer"));
    let message = visit(&run, "ask")["message"].clone();
    assert_eq!(message["opened"], json!({ "human": null, "machine": at }));
    assert_eq!(message["clicked"]["go"], json!({ "human": null, "machine": at }));

    // A person, as it comes through SNS and SQS.
    dev.advance("1h").await;
    let at = "2040-01-02T17:00:00Z";
    let told = notification(&dev, "ann", "Open", at, json!({ "userAgent": "Thunderbird/140.0" })).await;
    notify(&dev, json!({ "Type": "Notification", "MessageId": "m", "Message": told.to_string() })).await;
    assert_eq!(dev.subjects("ann").await, ["note", "thanks"]);
    assert_eq!(visit(&dev.run("ann").await, "ask")["message"]["opened"]["human"], at);
}

#[tokio::test]
async fn notifications_that_are_none_or_of_nobody_are_told_apart() {
    let dev = office(asks("3d", &json!({ "event": "answered" }))).await;
    asked(&dev, &["ann"]).await;
    let told = notification(&dev, "ann", "Open", "2040-01-02T15:00:00Z", json!({})).await;
    for (name, value) in [("run", json!(["nobody"])), ("step", json!(["-1"])), ("attempt", json!(["x"]))] {
        let mut bad = told.clone();
        bad["mail"]["tags"][name] = value;
        let answer = dev.try_post("/_dev/ses-events", &bad).await;
        assert_eq!(answer.problem(), (422, "not_a_notification"), "{name}");
    }
    assert_eq!(dev.try_post("/_dev/ses-events", &json!([1])).await.problem().0, 422);
    let mut elsewhere = told.clone();
    elsewhere["mail"]["tags"]["step"] = json!(["77"]);
    notify(&dev, elsewhere).await;
    let mut gone = told.clone();
    gone["mail"]["tags"]["run"] = json!(["run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb"]);
    notify(&dev, gone).await;
    assert!(visit(&dev.run("ann").await, "ask")["message"]["opened"].is_null());
}

#[tokio::test]
async fn who_clicks_the_other_link_goes_the_other_way() {
    let dev = Dev::start().await;
    for template in ["thanks", "late"] {
        dev.note(template).await;
    }
    let html = r#"<a href="https://example.org/y" name="yes">Yes</a> <a href="https://example.org/n" name="no">No</a>"#;
    dev.put("/v1/templates/note", json!({ "id": "note", "class": "operational", "subject": "note", "html": html }))
        .await;
    let mut document = asks("3d", &json!({ "when": { "clicked": "ask", "link": "yes" } }));
    let other = json!({ "when": { "clicked": "ask", "link": "no" }, "next": "remind" });
    document["steps"]["answer"]["wait_for"]["paths"].as_array_mut().unwrap().push(other);
    dev.publish(document).await;
    asked(&dev, &["yea", "nay"]).await;
    dev.clicks("yea", "yes").await;
    dev.clicks("nay", "no").await;
    assert_eq!(dev.subjects("yea").await, ["note", "thanks"]);
    assert_eq!(dev.subjects("nay").await, ["note", "late"]);
    assert_eq!(text(visit(&dev.run("nay").await, "answer"), "via"), "path 1");
    let mail = dev.newest("yea").await;
    let path = format!("/_dev/mailbox/{}/click", text(&mail, "id"));
    assert_eq!(dev.try_post(&path, &json!({ "link": "maybe" })).await.problem(), (404, "no_such_link"));
}
