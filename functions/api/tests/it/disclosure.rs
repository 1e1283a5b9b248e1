use carepath_app::keys::Role;
use http::{Request, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

const CANARY: &str = "canary4711";

/// Somebody whose confidential values decided about their run.
async fn world() -> World {
    let world = World::new().await;
    let schema = json!({ "attributes": {
        "risk": { "type": "string", "class": "phi" }, "plan": { "type": "string", "class": "public" },
        "mood": { "type": "string", "class": "sensitive" }, "name": { "type": "string", "class": "identifier" },
    } });
    world.ok("PUT", "/v1/schema", schema).await;
    let document = json!({
        "class": "care", "entry": { "event": "came", "where": { "event": "risk", "exists": true }, "filter": { "attribute": "plan", "eq": "gold" } },
        "steps": {
            "sort": { "branch": { "cases": [{ "when": { "attribute": "risk", "eq": CANARY }, "next": "end" }], "next": "end" } },
        },
    });
    world.ok("PUT", "/v1/workflows/sorting", document).await;
    world.ok("POST", "/v1/workflows/sorting/publish", Value::Null).await;
    let attributes = json!({ "risk": CANARY, "mood": CANARY, "other": CANARY, "plan": "gold", "name": "Ada" });
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org", "attributes": attributes })).await;
    let event = json!({ "name": "came", "id": "e-1", "properties": { "risk": CANARY } });
    world.ok("POST", "/v1/contacts/p-1/events", event).await;
    world.settle(SignedDuration::ZERO).await;
    world
}

/// S24: who asks for nothing confidential is given nothing of it, and is told what there would be.
#[tokio::test]
async fn confidential_values_stay_hidden_until_they_are_asked_for() {
    let world = world().await;
    for path in ["/v1/contacts/p-1", "/v1/contacts/p-1/timeline", "/v1/contacts/p-1/runs"] {
        let hidden = world.ok("GET", &format!("{path}?phi=hidden"), Value::Null).await;
        assert!(!hidden.to_string().contains(CANARY), "{path}: {hidden}");
        let shown = world.ok("GET", &format!("{path}?phi=shown&why=care"), Value::Null).await;
        assert!(shown.to_string().contains(CANARY), "{path}: {shown}");
    }
    let contact = world.ok("GET", "/v1/contacts/p-1?phi=hidden", Value::Null).await;
    assert_eq!(contact["attributes"], json!({ "plan": "gold", "name": "Ada" }));
    let classes = json!({ "risk": "phi", "mood": "sensitive", "other": "phi", "plan": "public", "name": "identifier" });
    assert_eq!(contact["classes"], classes);
}

/// What is hidden is named as such, and what is not confidential is told as ever.
#[tokio::test]
async fn a_hidden_comparison_says_how_it_came_out() {
    let world = world().await;
    let runs = world.ok("GET", "/v1/contacts/p-1/runs?phi=hidden", Value::Null).await;
    let visits = &runs["items"][0]["visits"];
    let entry = visits[0]["explanation"].as_array().unwrap();
    let by = |test: &str| entry.iter().find(|one| one["test"].as_str().unwrap().starts_with(test)).unwrap();
    assert_eq!((&by("attribute plan")["observed"], by("attribute plan").get("hidden")), (&json!("gold"), None));
    assert_eq!((&by("event risk")["observed"], &by("event risk")["hidden"]), (&Value::Null, &json!(true)));
    let sorted = &visits[1]["explanation"][0];
    assert_eq!((&sorted["observed"], &sorted["result"], &sorted["hidden"]), (&Value::Null, &json!(true), &json!(true)));
    let told = world.ok("GET", "/v1/contacts/p-1/timeline?phi=hidden", Value::Null).await;
    let event = told["items"].as_array().unwrap().iter().find(|one| one["type"] == "event").unwrap().clone();
    assert_eq!(event["properties"], json!({ "risk": null }), "the names stay");
}

/// A contact that was read with values hidden would lose them if it were written back.
#[tokio::test]
async fn a_contact_with_hidden_values_cannot_be_written_back() {
    let world = world().await;
    let hidden = world.ok("GET", "/v1/contacts/p-1?phi=hidden", Value::Null).await;
    let reply = world.call("PUT", "/v1/contacts/p-1", Some(hidden)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["attributes"]["risk"], CANARY);
}

#[tokio::test]
async fn a_reason_is_one_of_the_known_words() {
    let world = world().await;
    for query in ["why=because", "why=", "phi=maybe"] {
        let reply = world.call("GET", &format!("/v1/contacts/p-1?{query}"), None).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn whoever_asks_is_told_which_roles_they_have() {
    let world = World::new().await;
    for (role, may) in [
        (Role::Ingest, json!(["ingest"])),
        (Role::Viewer, json!(["viewer"])),
        (Role::Editor, json!(["viewer", "editor"])),
        (Role::Admin, json!(["ingest", "viewer", "editor", "admin"])),
    ] {
        let key = world.key(role).await;
        let request = Request::get("/v1/me").header("authorization", format!("Bearer {key}"));
        let reply = world.raw(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(reply.json()["roles"], may);
        assert!(!reply.text.contains(&key), "the key itself is nobody's to read again");
    }
}
