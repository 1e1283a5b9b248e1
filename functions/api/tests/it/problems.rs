use axum::body::Body;
use http::StatusCode;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn every_fault_of_a_contact_is_told_at_once() {
    let world = World::new().await;
    let body = json!({ "email": "nobody", "zone": "EST5", "locale": 7, "attributes": [], "topics": { "news": "yes" }, "emial": 1 });
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
            "/emial unknown_field",
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
