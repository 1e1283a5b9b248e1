//! How much, how deep, how far, and in which script.

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::support::World;

/// Objects in objects.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("core"), |inner, _| json!({ "in": inner }))
}

/// What is kept lies deeper than it came: in a run, in its explanations, in a page of them.
#[tokio::test]
async fn what_is_nested_deep_is_refused_or_can_be_read_back_from_wherever_it_is_kept() {
    let world = World::new().await;
    world.publish_welcome().await;
    let deep = nested(99);
    let contact = json!({ "email": "a@example.org", "attributes": deep });
    world.ok("PUT", "/v1/contacts/p-1", contact.clone()).await;
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["attributes"], deep);
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "properties": deep })).await;
    world.settle(SignedDuration::ZERO).await;
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    assert_eq!(runs["items"][0]["entry"]["payload"], deep);
    assert_eq!(world.mails().len(), 1);

    for (method, path, body) in [
        ("PUT", "/v1/contacts/p-1", json!({ "attributes": nested(100) })),
        ("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "properties": nested(100) })),
        ("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-1", "payload": nested(100) })),
        ("PUT", "/v1/workflows/deep", nested(101)),
    ] {
        let reply = world.refused(method, path, Some(body), "invalid").await;
        assert_eq!(reply.faults(), [" too_deep"], "{path}");
    }
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["attributes"], contact["attributes"]);
}

#[tokio::test]
async fn a_contact_an_event_and_a_payload_have_a_largest_size() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    let of = |kib: usize| json!({ "text": "x".repeat(kib << 10) });
    let contact = world.refused("PATCH", "/v1/contacts/p-1", Some(json!({ "attributes": of(350) })), "invalid").await;
    assert_eq!(contact.faults(), ["/attributes too_large"]);
    let event = json!({ "name": "joined", "properties": of(347) });
    let event = world.refused("POST", "/v1/contacts/p-1/events", Some(event), "invalid").await;
    assert_eq!(event.faults(), ["/properties too_large"]);
    let enroll = "/v1/workflows/welcome/enroll";
    let payload = json!({ "contact": "p-1", "payload": of(347) });
    assert_eq!(world.refused("POST", enroll, Some(payload), "invalid").await.faults(), ["/payload too_large"]);
    let draft = json!({ "name": "x".repeat(351 << 10) });
    assert_eq!(world.refused("PUT", "/v1/workflows/large", Some(draft), "invalid").await.faults(), [" too_large"]);
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["attributes"], json!({}));
    let answer = world.ok("POST", enroll, json!({ "contact": "p-1", "payload": of(340) })).await;
    assert_eq!(answer["admitted"], true);
}

fn chain(steps: usize) -> Value {
    let waits = (0..steps).map(|n| {
        let next = if n + 1 == steps { "end".to_owned() } else { format!("s{}", n + 1) };
        (format!("s{n}"), json!({ "wait": { "for": "1m" }, "next": next }))
    });
    json!({ "class": "care", "entry": { "api": true }, "start": "s0", "steps": waits.collect::<Map<String, Value>>() })
}

#[tokio::test]
async fn a_document_of_500_steps_is_published_and_one_of_501_is_not() {
    let world = World::new().await;
    let put = world.call("PUT", "/v1/workflows/long", Some(chain(500))).await;
    assert_eq!(put.status, StatusCode::CREATED);
    let report = world.ok("POST", "/v1/workflows/long/check", Value::Null).await;
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(world.ok("POST", "/v1/workflows/long/publish", Value::Null).await["version"], 1);
    world.ok("PUT", "/v1/contacts/p-1", json!({})).await;
    let run = world.ok("POST", "/v1/workflows/long/enroll", json!({ "contact": "p-1" })).await;
    assert_eq!(run["admitted"], true);
    world.ok("PUT", "/v1/workflows/long", chain(501)).await;
    let refused = world.refused("POST", "/v1/workflows/long/publish", None, "document_has_errors").await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/steps");
    assert_eq!(world.ok("GET", "/v1/workflows/long", Value::Null).await["published"], 1);
}

#[tokio::test]
async fn a_time_has_a_year_that_the_calendar_reckons_with_and_an_offset() {
    let world = World::new().await;
    let path = "/v1/contacts/p-1/events";
    for at in [
        "10000-01-01T00:00:00Z",
        "+10000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "-000001-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T10:00:00",
        "2026-03-01T10:00:00+99:00",
        "2026-03-01T10:00:00Z[Europe/Berlin]",
        "1772359200",
        "",
    ] {
        let reply = world.refused("POST", path, Some(json!({ "name": "n", "at": at })), "invalid").await;
        assert_eq!(reply.faults(), ["/at timestamp"], "{at}");
    }
    for at in ["1900-01-01T00:00:00Z", "9998-12-31T23:59:59Z", "2026-03-01t10:00:00.123456789-11:30"] {
        let reply = world.call("POST", path, Some(json!({ "name": "n", "at": at }))).await;
        assert!(reply.status == StatusCode::ACCEPTED || at.contains('t'), "{at}: {}", reply.text);
    }
}

/// S12: zones are IANA names, for contacts and for the account.
#[tokio::test]
async fn what_is_no_iana_zone_is_refused_wherever_a_zone_is_written() {
    let world = World::new().await;
    for zone in ["", "EST5", "+02:00", "Mars/Olympus", "Europe/Berlin ", "../../etc/passwd", "UTC+1", "患者", "Z"] {
        for (method, path) in [("PUT", "/v1/contacts/p-1"), ("PATCH", "/v1/contacts/p-1"), ("PUT", "/v1/settings")] {
            let reply = world.refused(method, path, Some(json!({ "zone": zone })), "invalid").await;
            assert_eq!(reply.faults(), ["/zone zone"], "{zone}");
            assert!(zone.len() < 2 || !reply.json()["errors"].to_string().contains(zone), "{}", reply.text);
        }
    }
    world.refused("GET", "/v1/contacts/p-1", None, "not_found").await;
}

#[tokio::test]
async fn every_script_comes_back_as_it_was_sent() {
    let world = World::new().await;
    world.publish_welcome().await;
    let texts = ["Zoë Müller", "患者四十二", "🩺👩🏽‍⚕️", "مريض", "e\u{301} é", "a\u{0}b\u{7f}\u{2028}", "\u{feff}x"];
    for (n, text) in texts.iter().enumerate() {
        let path = format!("/v1/contacts/p-{n}");
        let attributes = json!({ "note": text, "list": [text], "inner": { *text: text } });
        world.ok("PUT", &path, json!({ "email": "a@example.org", "attributes": attributes })).await;
        assert_eq!(world.ok("GET", &path, Value::Null).await["attributes"], attributes);
        let event = json!({ "name": "joined", "id": format!("e-{n}"), "properties": { "said": text } });
        world.ok("POST", &format!("{path}/events"), event).await;
        world.settle(SignedDuration::ZERO).await;
        let runs = world.ok("GET", &format!("{path}/runs"), Value::Null).await;
        assert_eq!(runs["items"][0]["entry"]["payload"]["said"], *text);
        let segment = format!("/v1/segments/s-{n}");
        let named = world.call("PUT", &segment, Some(json!({ "name": text }))).await;
        if named.status.is_success() {
            assert_eq!(world.ok("GET", &segment, Value::Null).await["name"], *text);
        }
    }
    let id = "/v1/contacts/%F0%9F%A9%BA%E6%82%A3";
    world.ok("PUT", id, json!({ "email": "ä@例え.jp", "locale": "ja-JP", "attributes": { "名前": "山田" } })).await;
    let read = world.ok("GET", id, Value::Null).await;
    assert_eq!((&read["id"], &read["email"]), (&json!("🩺患"), &json!("ä@例え.jp")));
    let found = world.ok("GET", "/v1/contacts?email=%C3%A4@%E4%BE%8B%E3%81%88.jp", Value::Null).await;
    assert_eq!(found["items"][0]["attributes"]["名前"], "山田");
}
