use axum::body::Body;
use base64::Engine as _;
use carepath_api::{Access, described};
use carepath_app::keys::Role;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Local, World};

async fn try_key(world: &World, key: &str, method: &str, path: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
    world.raw(request.body(Body::empty()).unwrap()).await.status
}

/// S27: each route takes the roles that the table names, and nobody else.
#[tokio::test]
async fn every_route_is_closed_to_all_but_its_roles() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for role in [Role::Ingest, Role::Viewer, Role::Editor] {
        keys.push((role, world.key(role).await));
    }
    for route in described::<Local>() {
        let path = route.path.replace("{id}", "x").replace("{n}", "1");
        let method = route.method.as_str();
        let without = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let without = world.raw(without).await.status;
        let Access::Any(roles) = route.access else {
            assert_eq!(without, StatusCode::OK, "{method} {path}");
            continue;
        };
        assert_eq!(without, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(try_key(&world, "cp_unknown", method, &path).await, StatusCode::UNAUTHORIZED);
        for (role, key) in &keys {
            let status = try_key(&world, key, method, &path).await;
            let allowed = roles.iter().any(|needed| role.covers(*needed));
            assert_eq!(status != StatusCode::FORBIDDEN, allowed, "{method} {path} as {}: {status}", role.name());
        }
    }
}

#[tokio::test]
async fn a_key_may_come_as_user_name_and_dies_when_revoked() {
    let world = World::new().await;
    let made = world.ok("POST", "/v1/keys", json!({ "name": "site", "roles": ["viewer"] })).await;
    let secret = made["key"].as_str().unwrap();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{secret}:"));
    let find = || {
        let request = Request::get("/v1/contacts/p").header("authorization", format!("Basic {basic}"));
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(world.raw(find()).await.status, StatusCode::NOT_FOUND);
    let listed = world.call("GET", "/v1/keys", None).await;
    assert!(listed.text.contains(made["id"].as_str().unwrap()) && !listed.text.contains(secret));
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(world.call("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.raw(find()).await.status, StatusCode::UNAUTHORIZED);
}

/// Whoever may only send learns nothing of what others sent.
#[tokio::test]
async fn a_sender_is_not_shown_the_contact_that_it_changed() {
    let world = World::new().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "attributes": { "diagnosis": "gout" } })).await;
    let sender = world.key(Role::Ingest).await;
    let request = Request::patch("/v1/contacts/p-1")
        .header("authorization", format!("Bearer {sender}"))
        .header("content-type", "application/json");
    let reply = world.raw(request.body(Body::from(r#"{"locale":"en"}"#)).unwrap()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json(), json!({ "id": "p-1", "created": false }));
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["locale"], "en");
}
