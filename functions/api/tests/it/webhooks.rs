//! The secret that webhooks are signed with, and what of a call is seen outside.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn the_secret_is_drawn_once_and_a_new_one_leaves_the_old_one_a_day() {
    let world = World::new().await;
    let first = world.ok("GET", "/v1/webhook-secret", Value::Null).await;
    assert!(first["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(first.as_object().unwrap().len(), 1, "{first}");
    assert_eq!(world.ok("GET", "/v1/webhook-secret", Value::Null).await, first);
    let second = world.ok("POST", "/v1/webhook-secret/rotate", Value::Null).await;
    assert_ne!(second["secret"], first["secret"]);
    assert!(second["previous_until"].is_string());
    assert_eq!(world.ok("GET", "/v1/webhook-secret", Value::Null).await, second);
    world.settle(SignedDuration::from_hours(24)).await;
    let later = world.ok("GET", "/v1/webhook-secret", Value::Null).await;
    assert_eq!(later, json!({ "secret": second["secret"] }));
    let reply = world.call("GET", "/v1/webhook-secret", None).await;
    assert!(reply.headers.contains("no-store"), "{}", reply.headers);
    // The same request under the same name draws one.
    let rotate = async |name| {
        let headers = [("idempotency-key", name)];
        world.call_with("POST", "/v1/webhook-secret/rotate", None, &headers).await.json()
    };
    let third = rotate("r-1").await;
    assert_eq!(rotate("r-1").await, third);
    assert_ne!(rotate("r-2").await["secret"], third["secret"]);
}

#[tokio::test]
async fn events_that_carepath_tells_itself_are_not_for_workflows() {
    let world = World::new().await;
    let document = json!({
        "class": "care", "entry": { "event": "joined" },
        "steps": { "tell": { "emit": { "event": "carepath.unsubscribed" }, "next": "end" } },
    });
    world.ok("PUT", "/v1/workflows/forged", document).await;
    let report = world.ok("POST", "/v1/workflows/forged/check", Value::Null).await;
    assert_eq!((&report["ok"], &report["findings"][0]["pointer"]), (&json!(false), &json!("/steps/tell/emit/event")));
}
