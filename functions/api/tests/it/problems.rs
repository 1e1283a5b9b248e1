use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Local, Mishap, World, workflow};

#[tokio::test]
async fn every_fault_of_a_contact_is_told_at_once() {
    let world = World::new().await;
    let body = json!({ "email": "nobody", "zone": "EST5", "locale": 7, "attributes": [], "topics": { "news": "yes" }, "emails": 1 });
    let reply = world.call("PUT", "/v1/contacts/p-1", Some(body)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.kind, "application/problem+json");
    let mut faults = reply.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "/attributes type",
            "/email email",
            "/emails unknown_field",
            "/locale type",
            "/topics/news value",
            "/zone zone"
        ]
    );
}

#[tokio::test]
async fn what_is_not_json_is_told_by_line_and_column() {
    let world = World::new().await;
    let request = world.request("PUT", "/v1/contacts/p-1").header("content-type", "application/json");
    let reply = world.raw(request.body(Body::from("{\n \"email\": secret-canary }")).unwrap()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "malformed_json"));
    assert!(reply.text.contains("line 2") && !reply.text.contains("canary"));
}

#[tokio::test]
async fn requests_that_fit_no_route_are_told_so_in_problems() {
    let world = World::new().await;
    let unknown = world.call("GET", "/v1/nothing", None).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "unknown_route"));
    let method = world.call("POST", "/v1/settings", None).await;
    assert_eq!((method.status, method.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    let plain = world.request("PUT", "/v1/contacts/p-1").header("content-type", "text/plain");
    let plain = world.raw(plain.body(Body::from("{}")).unwrap()).await;
    assert_eq!((plain.status, plain.code().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
    let large = world.call("PUT", "/v1/contacts/p-1", Some(json!({ "locale": "x".repeat(1 << 20) }))).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    for path in ["/v1/contacts/p-1", "/v1/contacts/p-1/runs", "/v1/workflows/Not-One", "/v1/runs/x", "/v1/templates/t"]
    {
        let reply = world.call("GET", path, None).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
}

#[tokio::test]
async fn times_are_in_rfc_3339_and_in_the_years_that_the_calendar_reckons_with() {
    let world = World::new().await;
    for at in ["yesterday", "2026-03-01", "2026-03-01 10:00:00Z", "1899-12-31T23:59:59Z", "9999-01-01T00:00:00Z"] {
        let reply = world.call("POST", "/v1/contacts/p-1/events", Some(json!({ "name": "n", "at": at }))).await;
        assert_eq!(reply.faults(), ["/at timestamp"], "{at}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_apart_from_one_that_refuses() {
    let world = World::new().await;
    let refusal = Mishap::Error(400, "ValidationException", "no");
    let overload = Mishap::Error(400, "ProvisionedThroughputExceededException", "slow down");
    for (mishap, status, code) in [(refusal, 500, "internal"), (overload, 503, "store_unavailable")] {
        *world.mishap.lock().unwrap() = Some(mishap);
        let reply = world.call("GET", "/v1/contacts/p-1", None).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{}", reply.text);
    }
}

#[tokio::test]
async fn what_does_not_fit_the_state_of_things_says_which_state() {
    let world = World::furnished().await;
    world.ok("PUT", "/v1/segments/grown", json!({ "when": { "attribute": "age", "gt": 17 } })).await;
    world.ok("PUT", "/v1/workflows/draft", workflow()).await;
    for (method, path, body, code) in [
        ("POST", "/v1/segments/grown/members", Some(json!({ "add": ["p-1"] })), "segment_by_condition"),
        ("POST", "/v1/workflows/draft/pause", None, "not_published"),
        ("POST", "/v1/workflows/draft/archive", None, "not_published"),
        ("POST", "/v1/workflows/draft/enroll", Some(json!({ "contact": "p-1" })), "not_found"),
        ("POST", "/v1/workflows/welcome/enroll", Some(json!({ "contact": "nobody" })), "not_found"),
        ("POST", "/v1/workflows/welcome/enroll", Some(json!({ "segment": "none" })), "not_found"),
        ("DELETE", "/v1/workflows/welcome", None, "published"),
        ("DELETE", "/v1/templates/welcome", None, "in_use"),
    ] {
        world.refused(method, path, body, code).await;
    }
    let many: Vec<String> = (0..501).map(|n| format!("p-{n}")).collect();
    world.refused("POST", "/v1/segments/calls/members", Some(json!({ "add": many })), "too_many_entries").await;
}

#[tokio::test]
async fn whoever_asks_is_told_that_it_serves_and_what() {
    let world = World::new().await;
    let health = world.raw(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("ok")));
    let described = world.raw(Request::get("/v1/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(described.json(), carepath_api::openapi::<Local>());
}
