//! Mail that must not go out, and what is told of it.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{steps, text, visit, workflow};

/// Two mails, a day apart.
fn two() -> Value {
    let steps = json!({
        "first": { "send": { "template": "note" }, "next": "day" },
        "day": { "wait": { "for": "1d" }, "next": "second" },
        "second": { "send": { "template": "note" }, "next": "end" },
    });
    workflow("two", "joined", steps)
}

fn message<'a>(run: &'a Value, step: &str) -> (&'a str, &'a str) {
    let message = &visit(run, step)["message"];
    (text(message, "state"), text(message, "reason"))
}

#[tokio::test]
async fn s11_after_a_bounce_or_a_complaint_the_next_mail_is_left_out_and_the_visit_says_why() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(two()).await;
    for (id, what, past) in [("ben", "bounce", "bounced"), ("kim", "complain", "complained")] {
        dev.person(id).await;
        dev.happens(id, "joined").await;
        dev.with_newest(id, what, json!({})).await;
        assert_eq!(dev.get(&format!("/v1/contacts/{id}")).await["suppressed"], past);
    }
    dev.advance("2d").await;
    for (id, past) in [("ben", "bounced"), ("kim", "complained")] {
        assert_eq!(dev.mails(id).await.len(), 1, "{id}");
        let run = dev.run(id).await;
        assert_eq!((steps(&run), text(&run, "ended")), (vec!["first", "day", "second"], "completed"));
        assert_eq!(message(&run, "second"), ("skipped", "suppressed"));
        let why = visit(&run, "second")["explanation"].to_string();
        assert!(why.contains("not suppressed") && why.contains(past), "{why}");
        assert!(visit(&run, "first")["message"][past].is_string());
    }
    // Another address takes mail again.
    dev.patch("/v1/contacts/ben", json!({ "email": "benjamin@example.org" })).await;
    assert_eq!(dev.get("/v1/contacts/ben").await["suppressed"], Value::Null);
}

/// S11, S26: what closed an address stays when its contact goes, and holds for whoever comes in with it.
#[tokio::test]
async fn s26_an_address_that_bounced_stays_closed_when_its_contact_is_deleted() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(two()).await;
    dev.person("ben").await;
    dev.happens("ben", "joined").await;
    dev.with_newest("ben", "bounce", json!({})).await;
    dev.try_delete("/v1/contacts/ben").await.fine();
    let suppressed = async |id: &str| dev.get(&format!("/v1/contacts/{id}")).await["suppressed"].clone();
    // Under the same id, under another one, in a batch, by a change of address, and after a restart: in any case of letters.
    dev.person("ben").await;
    dev.put("/v1/contacts/new", json!({ "email": "BEN@example.org" })).await;
    let entry = |id: &str, email: &str| json!({ "contact": { "id": id, "email": email } });
    let entries = json!([entry("many", "ben@example.org"), entry("other", "other@example.org")]);
    dev.post("/v1/batch", json!({ "entries": entries })).await;
    dev.person("moved").await;
    assert_eq!(suppressed("moved").await, Value::Null);
    dev.patch("/v1/contacts/moved", json!({ "email": "ben@example.org" })).await;
    for id in ["ben", "new", "many", "moved"] {
        assert_eq!(suppressed(id).await, "bounced", "{id}");
    }
    assert_eq!(suppressed("other").await, Value::Null);
    dev.happens("new", "joined").await;
    assert_eq!(message(&dev.run("new").await, "first"), ("skipped", "suppressed"));
    assert_eq!(dev.mails("ben").await.len(), 1);
    dev.patch("/v1/contacts/moved", json!({ "email": "moved@example.org" })).await;
    assert_eq!(suppressed("moved").await, Value::Null);
}

/// S11, S26: who was closed is opened by somebody who may, and closed again by the next bounce. What was closed with it
/// is opened with it: the address, and nobody else who has it already.
#[tokio::test]
async fn s11_an_address_that_was_opened_again_takes_mail_until_it_bounces_again() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(two()).await;
    let suppressed = async |id: &str| dev.get(&format!("/v1/contacts/{id}")).await["suppressed"].clone();
    let open = async |id: &str| dev.try_delete(&format!("/v1/contacts/{id}/suppression")).await.status;
    let comes_in = async |id: &str| dev.put(&format!("/v1/contacts/{id}"), json!({ "email": "ben@example.org" })).await;
    dev.person("ben").await;
    dev.happens("ben", "joined").await;
    dev.with_newest("ben", "bounce", json!({})).await;
    comes_in("twin").await;
    assert_eq!((suppressed("ben").await, suppressed("twin").await), (json!("bounced"), json!("bounced")));

    // Another time changes nothing more.
    assert_eq!((open("ben").await, open("ben").await, open("nobody").await), (204, 204, 404));
    assert_eq!(suppressed("ben").await, Value::Null);
    comes_in("later").await;
    assert_eq!(suppressed("later").await, Value::Null);
    assert_eq!(suppressed("twin").await, "bounced", "each is opened by an id of its own");
    assert_eq!((open("twin").await, suppressed("twin").await), (204, Value::Null));
    // The bounce that is known comes in once more.
    dev.with_newest("ben", "bounce", json!({})).await;
    assert_eq!(suppressed("ben").await, Value::Null);

    dev.advance("2d").await;
    assert_eq!(visit(&dev.run("ben").await, "second")["message"]["state"], "sent");
    assert_eq!(dev.mails("ben").await.len(), 2);
    dev.with_newest("ben", "bounce", json!({})).await;
    comes_in("last").await;
    assert_eq!((suppressed("ben").await, suppressed("last").await), (json!("bounced"), json!("bounced")));

    // Whoever had the address before it bounced was never closed. Its id opens the address all the same.
    assert_eq!((suppressed("later").await, open("later").await), (Value::Null, 204));
    comes_in("first").await;
    assert_eq!((suppressed("first").await, suppressed("ben").await), (Value::Null, json!("bounced")));
}

#[tokio::test]
async fn s11_a_bounce_for_now_suppresses_nobody() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(two()).await;
    dev.person("tom").await;
    dev.happens("tom", "joined").await;
    let mail = dev.newest("tom").await;
    let tags: serde_json::Map<String, Value> =
        mail["tags"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let bounce = json!({ "eventType": "Bounce",
        "mail": { "timestamp": mail["at"], "messageId": mail["id"], "tags": tags },
        "bounce": { "bounceType": "Transient", "bounceSubType": "MailboxFull", "timestamp": mail["at"] } });
    assert_eq!(dev.try_post("/_dev/ses-events", &bounce).await.status, 202);
    dev.advance("2d").await;
    assert_eq!(dev.mails("tom").await.len(), 2);
}

#[tokio::test]
async fn s11_marketing_goes_to_subscribers_alone() {
    let dev = Dev::start().await;
    let html = r#"<p>News.</p><a href="{{ unsubscribe_url }}" name="unsubscribe">Unsubscribe</a>"#;
    dev.put(
        "/v1/settings",
        json!({ "zone": "UTC", "sender": "Clinic <mail@clinic.example>",
        "links": { "unsubscribe": "https://clinic.example/preferences" } }),
    )
    .await;
    dev.put("/v1/templates/news", json!({ "id": "news", "class": "marketing", "subject": "News", "html": html })).await;
    let mut document = workflow("news", "joined", json!({ "news": { "send": { "template": "news" }, "next": "end" } }));
    document["class"] = json!("marketing");
    document["topic"] = json!("tips");
    dev.publish(document).await;
    for (id, topics, reason) in [
        ("yes", json!({ "tips": "subscribed" }), None),
        ("no", json!({ "tips": "unsubscribed" }), Some("unsubscribed")),
        ("other", json!({ "events": "subscribed" }), Some("not_subscribed")),
    ] {
        dev.person(id).await;
        dev.patch(&format!("/v1/contacts/{id}"), json!({ "topics": topics })).await;
        dev.happens(id, "joined").await;
        assert_eq!(dev.mails(id).await.len(), usize::from(reason.is_none()), "{id}");
        let run = dev.run(id).await;
        assert_eq!(text(&run, "status"), "ended");
        if let Some(reason) = reason {
            assert_eq!(message(&run, "news"), ("skipped", reason));
        }
    }
}

#[tokio::test]
async fn s11_who_unsubscribes_while_waiting_gets_no_more() {
    let dev = Dev::start().await;
    let html = r#"<p>News.</p><a href="{{ unsubscribe_url }}" name="unsubscribe">Unsubscribe</a>"#;
    dev.put(
        "/v1/settings",
        json!({ "zone": "UTC", "sender": "Clinic <mail@clinic.example>",
        "links": { "unsubscribe": "https://clinic.example/preferences" } }),
    )
    .await;
    dev.put("/v1/templates/note", json!({ "id": "note", "class": "marketing", "subject": "News", "html": html })).await;
    let mut document = two();
    document["class"] = json!("marketing");
    document["topic"] = json!("tips");
    dev.publish(document).await;
    dev.person("mia").await;
    dev.patch("/v1/contacts/mia", json!({ "topics": { "tips": "subscribed" } })).await;
    dev.happens("mia", "joined").await;
    dev.advance("1h").await;
    dev.patch("/v1/contacts/mia", json!({ "topics": { "tips": "unsubscribed" } })).await;
    dev.advance("2d").await;
    assert_eq!(dev.mails("mia").await.len(), 1);
    let run = dev.run("mia").await;
    assert_eq!((text(&run, "ended"), &run["current"]), ("unsubscribed", &Value::Null));
    assert!(
        run["visits"].as_array().unwrap().iter().all(|visit| visit["step"] != "second"),
        "it ended while it waited"
    );
}

#[tokio::test]
async fn who_has_no_address_and_whose_cap_is_full_is_left_out_and_told() {
    let dev = Dev::start().await;
    dev.note("note").await;
    let mut document = two();
    document["send_policy"] = json!({ "cap": { "max": 1, "per": "7d", "on_capped": "skip" } });
    dev.publish(document).await;
    dev.put("/v1/contacts/mute", json!({})).await;
    dev.person("busy").await;
    for id in ["mute", "busy"] {
        dev.happens(id, "joined").await;
    }
    dev.advance("2d").await;
    assert_eq!(message(&dev.run("mute").await, "first"), ("skipped", "no_address"));
    assert_eq!(message(&dev.run("busy").await, "second"), ("skipped", "capped"));
    assert_eq!(dev.mails("busy").await.len(), 1);
}
