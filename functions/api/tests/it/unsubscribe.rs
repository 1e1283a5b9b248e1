//! The links of mails for unsubscribing, and where they lead.

use http::{Request, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Reply, World};

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";
const BASE: &str = "https://mail.clinic.example";

/// A workflow that sends one mail of a class, about a topic where there is one, on an event of its own name.
async fn publish(world: &World, id: &str, class: &str, topic: Option<&str>) {
    let html = r#"<p>News.</p><a href="{{ unsubscribe_url }}" name="unsubscribe">Unsubscribe</a>"#;
    world.ok("PUT", &format!("/v1/templates/{id}"), json!({ "class": class, "subject": id, "html": html })).await;
    let steps = json!({ "mail": { "send": { "template": id }, "next": "end" } });
    let mut workflow = json!({ "name": id, "class": class, "steps": steps,
        "entry": { "event": id, "reentry": { "mode": "always" } } });
    if let Some(topic) = topic {
        workflow["topic"] = json!(topic);
    }
    world.ok("PUT", &format!("/v1/workflows/{id}"), workflow).await;
    world.ok("POST", &format!("/v1/workflows/{id}/publish"), Value::Null).await;
}

/// Somebody who gets marketing about tips and events, and mails about an account.
async fn furnished() -> World {
    let world = World::new().await;
    world.ok("PUT", "/v1/settings", json!({ "base_url": BASE })).await;
    for (id, class, topic) in [
        ("news", "marketing", Some("health-tips")),
        ("fair", "marketing", Some("events")),
        ("bill", "operational", None),
        ("visit", "care", Some("visits")),
    ] {
        publish(&world, id, class, topic).await;
    }
    let topics = json!({ "health-tips": "subscribed", "events": "subscribed" });
    let person = json!({ "email": "ada@example.org", "attributes": { "name": "Ada" }, "topics": topics });
    world.ok("PUT", "/v1/contacts/p-1", person).await;
    world
}

/// Has a workflow send its mail; where the mail's header leads, empty where it has none.
async fn mail(world: &World, workflow: &str) -> String {
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": workflow })).await;
    world.settle(SignedDuration::ZERO).await;
    let mail = world.mails().pop().unwrap();
    assert_eq!(mail.subject, workflow);
    let Some(header) = mail.headers.get("List-Unsubscribe") else {
        assert!(mail.headers.is_empty());
        return String::new();
    };
    assert_eq!(mail.headers["List-Unsubscribe-Post"], ONE_CLICK);
    let url = header.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
    assert_eq!(mail.links[0].url, url);
    url.strip_prefix(BASE).unwrap().to_owned()
}

async fn topics(world: &World) -> Value {
    world.ok("GET", "/v1/contacts/p-1", Value::Null).await["topics"].clone()
}

/// Sends a form, a second after whatever was before.
async fn post(world: &World, path: &str, body: &str) -> Reply {
    world.settle(SignedDuration::from_secs(1)).await;
    world.send("POST", path, FORM, body).await
}

/// What the timeline has of answers by links, oldest first.
async fn told(world: &World) -> Vec<Value> {
    let timeline = world.ok("GET", "/v1/contacts/p-1/timeline?limit=1000", Value::Null).await;
    let items = timeline["items"].as_array().unwrap().clone();
    let ours = |item: &Value| item["name"].as_str().is_some_and(|name| name.starts_with("carepath."));
    items.into_iter().rev().filter(ours).collect()
}

/// S11: one click is enough, as often as it comes, and the timeline says when and by which mail.
#[tokio::test]
async fn s11_one_click_unsubscribes_from_the_topic_of_the_mail_and_is_kept() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    for _ in 0..3 {
        let reply = post(&world, &path, ONE_CLICK).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.text.contains("You are unsubscribed") && reply.text.contains("Health tips"));
        world.settle(SignedDuration::ZERO).await;
        assert_eq!(topics(&world).await, json!({ "health-tips": "unsubscribed", "events": "subscribed" }));
    }
    let told = told(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["name"], "carepath.unsubscribed");
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    let expected = json!({ "run": runs["items"][0]["id"], "workflow": "news", "step": "mail",
        "topics": { "health-tips": "unsubscribed" } });
    assert_eq!(told[0]["properties"], expected);
}

/// S11: mail programs may send a multipart form as well.
#[tokio::test]
async fn s11_one_click_may_come_as_a_multipart_form() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let reply = world.send("POST", &path, Some("multipart/form-data; boundary=x"), body).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(topics(&world).await["health-tips"], "unsubscribed");
}

/// S11: a mail without a topic of its own leads out of all marketing.
#[tokio::test]
async fn s11_one_click_in_a_mail_without_a_topic_unsubscribes_from_all_marketing() {
    let world = furnished().await;
    let path = mail(&world, "bill").await;
    assert!(post(&world, &path, ONE_CLICK).await.text.contains("every topic"));
    assert_eq!(topics(&world).await, json!({ "health-tips": "unsubscribed", "events": "unsubscribed" }));
}

#[tokio::test]
async fn mails_of_care_have_no_header_for_unsubscribing() {
    let world = furnished().await;
    assert_eq!(mail(&world, "visit").await, "");
}

/// S11: what scanners and mail programs fetch of their own accord changes nothing, and tells nothing but topics (S24).
#[tokio::test]
async fn s11_s24_looking_changes_nothing_and_shows_nothing_but_topics() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let before = world.call("GET", "/v1/contacts/p-1", None).await;
    for query in ["", "?List-Unsubscribe=One-Click", "?what=nothing"] {
        let page = world.call("GET", &format!("{path}{query}"), None).await;
        assert_eq!(page.status, StatusCode::OK);
        for box_of in ["value=\"health-tips\" checked> Health tips", "value=\"events\" checked> Events"] {
            assert!(page.text.contains(box_of), "{}", page.text);
        }
        for secret in ["ada", "Ada", "example.org", "p-1", "ct_", "run_", "visits"] {
            assert!(!page.text.contains(secret), "{secret}: {}", page.text);
        }
        let head = world.call("HEAD", &format!("{path}{query}"), None).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(world.call(method, &path, None).await.code(), "method_not_allowed");
    }
    let after = world.call("GET", "/v1/contacts/p-1", None).await;
    assert_eq!((after.tag, after.text), (before.tag, before.text));
    assert_eq!(told(&world).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_page_sets_the_topics_that_were_shown_and_no_others() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let chosen = "shown=health-tips&shown=events&shown=invented&topic=events&topic=visits&topic=%FF&what=these";
    assert_eq!(post(&world, &path, chosen).await.status, StatusCode::OK);
    assert_eq!(topics(&world).await, json!({ "health-tips": "unsubscribed", "events": "subscribed" }));
    post(&world, &path, "shown=health-tips&topic=health-tips&what=these").await;
    assert_eq!(topics(&world).await, json!({ "health-tips": "subscribed", "events": "subscribed" }));
    post(&world, &path, "shown=health-tips&topic=health-tips&what=nothing").await;
    assert_eq!(topics(&world).await, json!({ "health-tips": "unsubscribed", "events": "unsubscribed" }));
    let page = world.call("GET", &path, None).await.text;
    assert!(page.contains("name=\"topic\"") && !page.contains(" checked"), "{page}");
    let names: Vec<Value> = told(&world).await.into_iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names, ["carepath.unsubscribed", "carepath.subscribed", "carepath.unsubscribed"]);
}

/// S24: what no link is, and what one of somebody else would be, is answered alike.
#[tokio::test]
async fn s24_a_forged_link_is_nobodys_and_says_so_in_one_way() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let other = furnished().await;
    let mut changed = path.clone().into_bytes();
    let last = changed.len() - 1;
    changed[last - 20] = if changed[last - 20] == b'a' { b'b' } else { b'a' };
    let forged = [
        String::from_utf8(changed).unwrap(),
        format!("{path}A"),
        path[..last].to_owned(),
        mail(&other, "news").await,
        "/u/preview".to_owned(),
        "/u/%FF".to_owned(),
        format!("/u/{}", "A".repeat(5_000)),
    ];
    let mut answers = Vec::new();
    for path in &forged {
        let get = world.call("GET", path, None).await;
        let post = post(&world, path, ONE_CLICK).await;
        for reply in [get, post] {
            assert_eq!((reply.status, reply.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
            answers.push(reply.text);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let browser = Request::get(&forged[0]).header("accept", "text/html,*/*").body(axum::body::Body::empty()).unwrap();
    let page = world.raw(browser).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("This link does not work"));
    assert_eq!(topics(&world).await["health-tips"], "subscribed");
}

#[tokio::test]
async fn what_is_no_form_or_asks_for_nothing_is_refused() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    for (kind, body, code) in [
        (FORM, String::new(), "invalid"),
        (FORM, "List-Unsubscribe=No".to_owned(), "invalid"),
        (Some("multipart/form-data"), ONE_CLICK.to_owned(), "invalid"),
        (Some("application/json"), "{}".to_owned(), "unsupported_media_type"),
        (None, ONE_CLICK.to_owned(), "unsupported_media_type"),
        (FORM, format!("{ONE_CLICK}&x={}", "x".repeat(16 << 10)), "payload_too_large"),
    ] {
        assert_eq!(world.send("POST", &path, kind, body).await.code(), code);
    }
    assert_eq!(topics(&world).await["health-tips"], "subscribed");
}

/// S26: the link of somebody who was deleted still says yes to its reader, and does nothing to whoever came after.
#[tokio::test]
async fn s26_the_link_of_somebody_who_is_gone_does_nothing_and_says_nothing_of_it() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let answer = post(&world, &path, ONE_CLICK).await.text;
    world.ok("DELETE", "/v1/contacts/p-1", Value::Null).await;
    assert_eq!(post(&world, &path, ONE_CLICK).await.text, answer);
    assert_eq!(world.call("GET", &path, None).await.status, StatusCode::OK);
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.call("GET", "/v1/contacts/p-1", None).await.code(), "not_found");
    let topics = json!({ "health-tips": "subscribed" });
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "bob@example.org", "topics": topics })).await;
    assert_eq!(post(&world, &path, ONE_CLICK).await.text, answer);
    assert!(!world.call("GET", &path, None).await.text.contains(" checked"));
    assert_eq!(self::topics(&world).await, topics);
}

/// S11: without an address that the public can reach there is no way out of marketing, and so there is no marketing.
#[tokio::test]
async fn s11_marketing_without_a_way_out_does_not_go_out() {
    let world = furnished().await;
    world.ok("PUT", "/v1/settings", json!({ "links": { "unsubscribe": "https://clinic.example/preferences" } })).await;
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "news" })).await;
    world.settle(SignedDuration::ZERO).await;
    assert!(world.mails().is_empty());
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    let visits = runs["items"][0]["visits"].as_array().unwrap().clone();
    let visit = visits.iter().find(|visit| visit["step"] == "mail").unwrap();
    assert_eq!((&visit["message"]["state"], &visit["message"]["reason"]), (&json!("failed"), &json!("no_base_url")));
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "bill" })).await;
    world.settle(SignedDuration::ZERO).await;
    let bill = world.mails().pop().unwrap();
    assert!(bill.headers.is_empty());
    assert_eq!(bill.links[0].url, "https://clinic.example/preferences");
}

/// S11: what could not be sent for want of an address is not published; `check` says so before that.
#[tokio::test]
async fn s11_marketing_is_not_published_where_it_has_no_way_out() {
    let world = furnished().await;
    world.ok("PUT", "/v1/settings", json!({})).await;
    let draft = world.ok("GET", "/v1/workflows/news", Value::Null).await["draft"].clone();
    let found = async |id: &str, draft: &Value| {
        let report = world.ok("POST", &format!("/v1/workflows/{id}/check"), draft.clone()).await;
        let findings = report["findings"].as_array().unwrap().clone();
        let of_rule = findings.iter().filter(|finding| finding["rule"] == "W017" && finding["pointer"] == "/class");
        of_rule.map(|finding| finding["severity"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("news", &draft).await, ["error"]);
    world.refused("POST", "/v1/workflows/news/publish", None, "document_has_errors").await;
    let bill = world.ok("GET", "/v1/workflows/bill", Value::Null).await["draft"].clone();
    assert_eq!(found("bill", &bill).await, ["warning"]);
    world.ok("PUT", "/v1/settings", json!({ "base_url": BASE })).await;
    assert!(found("news", &draft).await.is_empty() && found("bill", &bill).await.is_empty());
    world.ok("POST", "/v1/workflows/news/publish", Value::Null).await;
}

/// S20: programs that only look, by `HEAD` or by the link that people do not see, change nothing.
#[tokio::test]
async fn s20_what_only_looks_at_a_link_changes_nothing() {
    let world = furnished().await;
    let path = mail(&world, "news").await;
    let before = topics(&world).await;
    for path in [path.as_str(), "/u/-"] {
        let looked = world.send("HEAD", path, None, "").await;
        assert_eq!((looked.status, looked.text.as_str()), (StatusCode::OK, ""));
        let shown = world.send("GET", path, None, "").await;
        assert!(shown.status == StatusCode::OK && !shown.text.contains("ada@"));
    }
    let pressed = world.send("POST", "/u/-", FORM, ONE_CLICK).await;
    assert_eq!(pressed.status, StatusCode::NOT_FOUND);
    assert_eq!(topics(&world).await, before);
}

/// S20: each mail has one link that its reader does not see, which is none of its links, and no text.
#[tokio::test]
async fn s20_a_mail_has_a_link_that_nobody_sees() {
    let world = furnished().await;
    mail(&world, "visit").await;
    let sent = world.mails().pop().unwrap();
    let link = format!("<a href=\"{BASE}/u/-\" ses:tags=\"name:carepath-hidden\"");
    assert_eq!(sent.html.matches(&link).count(), 1);
    assert!(sent.html.contains("style=\"display:none\"></a>"));
    assert!(!sent.text.contains("/u/-") && sent.links.iter().all(|link| link.name != "carepath-hidden"));
    let wrong = json!({ "base_url": BASE, "hidden_link": "no" });
    world.refused("PUT", "/v1/settings", Some(wrong), "invalid").await;
    world.ok("PUT", "/v1/settings", json!({ "base_url": BASE, "hidden_link": false })).await;
    world.settle(SignedDuration::from_secs(2)).await;
    mail(&world, "visit").await;
    assert!(!world.mails().pop().unwrap().html.contains("carepath-hidden"));
    let template = json!({ "class": "care", "subject": "x", "html": "<a href=\"https://x.example\" name=\"carepath-hidden\">x</a>" });
    let refused = world.call("PUT", "/v1/templates/own", Some(template)).await;
    assert!(!refused.status.is_success() && refused.text.contains("carepath-hidden"), "{}", refused.text);
}
