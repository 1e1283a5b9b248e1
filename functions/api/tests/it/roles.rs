use axum::body::Body;
use base64::Engine as _;
use carepath_api::{Access, described};
use carepath_app::keys::Role;
use http::{Request, StatusCode};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt as _;

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
        let path = route.path.replace("{id}", "x").replace("{n}", "1").replace("{token}", "x").replace("{step}", "x");
        let method = route.method.as_str();
        let without = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let without = world.raw(without).await.status;
        let Access::Any(roles) = route.access else {
            // Nobody has such a token.
            let answer = if route.path == "/u/{token}" { StatusCode::NOT_FOUND } else { StatusCode::OK };
            assert_eq!(without, answer, "{method} {path}");
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

fn token(scope: &str, groups: &str) -> Request<Body> {
    let context = json!({
        "accountId": "1", "apiId": "a", "stage": "$default", "requestId": "r", "routeKey": "$default", "timeEpoch": 0,
        "http": { "method": "GET", "path": "/v1/settings", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" },
        "authorizer": { "jwt": { "claims": { "sub": "u-1", "scope": scope, "cognito:groups": groups }, "scopes": [] } },
    });
    let context = serde_json::from_value(context).unwrap();
    let request = Request::get("/v1/settings").body(Body::empty()).unwrap();
    request.with_request_context(RequestContext::ApiGatewayV2(context))
}

/// S27: a role of a token is a whole word of it, and a word that is no role opens nothing.
#[tokio::test]
async fn a_token_opens_what_its_roles_open_and_no_more() {
    let world = World::new().await;
    for (scope, groups) in [("admin", ""), ("openid carepath/admin", ""), ("", "[staff admin]"), ("", "admin,staff")] {
        assert_eq!(world.raw(token(scope, groups)).await.status, StatusCode::OK, "{scope} {groups}");
    }
    for (scope, groups) in [
        ("", ""),
        ("viewer editor ingest", ""),
        ("Admin root superuser *", ""),
        ("billing/admin admin:read", ""),
        ("", "[billing-admin not-admin admin.readonly]"),
        ("", "[carepath/carepath/admin]"),
    ] {
        let reply = world.raw(token(scope, groups)).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{scope} {groups}");
    }
}

/// S27: the gateway's routes for people lead to the same API, and what is no such route is what it was.
#[tokio::test]
async fn people_find_the_api_under_their_own_prefix() {
    let world = World::new().await;
    for (path, status) in [
        ("/people/v1/settings", StatusCode::OK),
        ("/people/v1/settings?x=/people", StatusCode::OK),
        ("/v1/settings", StatusCode::OK),
        ("/people/people/v1/settings", StatusCode::NOT_FOUND),
        ("/peoplev1/settings", StatusCode::NOT_FOUND),
        ("/people", StatusCode::NOT_FOUND),
    ] {
        let request = Request::get(path).header("authorization", format!("Bearer {}", world.admin));
        let api = carepath_api::for_people_too(world.router.clone());
        let reply = api.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
    }
}

/// S27: whatever is no key opens nothing.
#[tokio::test]
async fn what_is_no_key_is_nobody() {
    let world = World::new().await;
    let basic = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let long = format!("Bearer cp_{}", "x".repeat(10_000));
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer cp_".to_owned(),
        world.admin.clone(),
        format!("Token {}", world.admin),
        format!("Bearer {}x", world.admin),
        format!("Bearer {}", world.admin.to_uppercase()),
        format!("Basic {}", world.admin),
        basic(""),
        basic(&format!(":{}", world.admin)),
        "Basic %%%".to_owned(),
        long,
    ] {
        let request = Request::get("/v1/settings").header("authorization", &value).body(Body::empty()).unwrap();
        let reply = world.raw(request).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{value}");
    }
    for value in [basic(&world.admin), format!("bearer  {}", world.admin)] {
        let request = Request::get("/v1/settings").header("authorization", &value).body(Body::empty()).unwrap();
        assert_eq!(world.raw(request).await.status, StatusCode::OK, "{value}");
    }
    let unknown = json!({ "name": "k", "roles": ["owner"] });
    assert_eq!(world.refused("POST", "/v1/keys", Some(unknown), "invalid").await.faults(), ["/roles/0 role"]);
}
