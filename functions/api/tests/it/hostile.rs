//! Requests that nobody means well with.

use std::collections::BTreeSet;

use carepath_api::{Described, MAX_BODY, described};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Local, Reply, World};

const JSON: Option<&str> = Some("application/json");

/// The routes that take a body, with addresses of what is there.
fn with_bodies() -> Vec<(Described, String)> {
    let routes = described::<Local>().into_iter().filter(|route| route.body.is_some());
    routes.map(|route| (route.clone(), address(route.path))).collect()
}

fn address(path: &str) -> String {
    let id = match path.split('/').nth(2) {
        Some("contacts") => "p-1",
        Some("segments") => "calls",
        Some("runs") => "run_aaaaaaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaa",
        Some(_) | None => "welcome",
    };
    path.replace("{id}", id).replace("{n}", "1").replace("{step}", id)
}

fn assert_refused(reply: &Reply, status: StatusCode, code: &str, what: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}: {}", reply.text);
}

/// Which of the two counts would be anybody's guess, and the other would be lost without a word.
#[tokio::test]
async fn a_name_that_is_given_twice_is_refused_by_every_route_and_changes_nothing() {
    let world = World::furnished().await;
    let before = world.all().await;
    for (route, path) in with_bodies() {
        let reply = world.send(route.method.as_str(), &path, JSON, r#"{ "b": 1, "a": [{ "x": 1, "x": 1 }] }"#).await;
        assert_refused(&reply, StatusCode::UNPROCESSABLE_ENTITY, "invalid", &path);
        assert_eq!(reply.faults(), ["/a/0/x duplicate"], "{path}");
    }
    for (body, pointer) in [
        (r#"{ "email": "a@example.org", "email": "b@example.org" }"#, "/email"),
        (r#"{ "attributes": { "risk": 1, "plan": "a", "risk": 2 } }"#, "/attributes/risk"),
        // What is no field's name may be somebody's: it is not repeated.
        (r#"{ "attributes": { "b@example.org": 1, "b@example.org": 2 } }"#, "/attributes"),
        (r#"{ "attributes": { "b@example.org": { "x": 1, "x": 2 } } }"#, "/attributes"),
        (r#"{ "attributes": { "5550100": 1, "5550100": 2 } }"#, "/attributes"),
    ] {
        let reply = world.send("PATCH", "/v1/contacts/p-1", JSON, body).await;
        assert_eq!(reply.faults(), [format!("{pointer} duplicate")], "{body}");
        assert!(!reply.text.contains("example.org"), "{}", reply.text);
    }
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn what_is_no_json_is_refused_by_every_route_and_changes_nothing() {
    let world = World::furnished().await;
    let before = world.all().await;
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let broken: [&[u8]; 12] = [
        b"{",
        b"{\"email\":",
        b"[1, 2",
        b"{} x",
        b"{\"a\": 1,}",
        b"{'a': 1}",
        b"\"\\ud800\"",
        b"{\"a\": NaN}",
        b"{\"a\": 1e999}",
        b"\xff\xfe",
        b"\0",
        nested.as_bytes(),
    ];
    for (route, path) in with_bodies() {
        for bytes in broken {
            let reply = world.send(route.method.as_str(), &path, JSON, bytes).await;
            assert_refused(&reply, StatusCode::BAD_REQUEST, "malformed_json", &path);
        }
        if !route.body_optional {
            let reply = world.send(route.method.as_str(), &path, JSON, "").await;
            assert_refused(&reply, StatusCode::BAD_REQUEST, "malformed_json", &path);
        }
    }
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn what_is_no_object_is_refused_with_a_pointer_to_the_whole() {
    let world = World::furnished().await;
    let before = world.all().await;
    for (route, path) in with_bodies() {
        for body in [json!(true), json!(7), json!("text"), json!([]), json!([{}])] {
            let reply = world.call(route.method.as_str(), &path, Some(body)).await;
            assert_refused(&reply, StatusCode::UNPROCESSABLE_ENTITY, "invalid", &path);
            assert_eq!(reply.json()["errors"][0]["pointer"], "", "{path}");
        }
    }
    assert_eq!(world.all().await, before);
}

/// Of a request with a fault nothing is done, whatever of it was right.
#[tokio::test]
async fn a_field_of_the_wrong_type_or_of_no_name_spoils_the_whole_request() {
    let world = World::furnished().await;
    let before = world.all().await;
    for (method, path, body, pointer) in [
        ("PUT", "/v1/contacts/p-1", json!({ "email": "b@example.org", "zone": 1 }), "/zone"),
        ("PATCH", "/v1/contacts/p-1", json!({ "email": "b@example.org", "topics": [] }), "/topics"),
        ("PATCH", "/v1/contacts/p-1", json!({ "email": "b@example.org", "mail": "x" }), "/mail"),
        ("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "properties": 1 }), "/properties"),
        ("POST", "/v1/contacts/p-1/events", json!({ "name": 1 }), "/name"),
        ("POST", "/v1/batch", json!({ "entries": {} }), "/entries"),
        ("PUT", "/v1/templates/welcome", json!({ "subject": 1, "class": "care", "html": "x" }), "/subject"),
        ("PUT", "/v1/segments/calls", json!({ "name": "Other", "when": 1 }), "/when"),
        ("POST", "/v1/segments/calls/members", json!({ "add": ["p-2", 7] }), "/add/1"),
        ("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-1", "payload": [] }), "/payload"),
        ("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-1", "segment": "calls" }), ""),
        ("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-1", "key": "" }), "/key"),
        ("PUT", "/v1/schema", json!({ "attributes": { "a": { "type": "string" } } }), "/attributes/a"),
        ("PUT", "/v1/schema", json!({ "attributes": [{ "type": "string", "class": "phi" }] }), "/attributes/0/name"),
        ("PUT", "/v1/settings", json!({ "zone": "UTC", "links": { "a/b": "javascript:1" } }), "/links/a~1b"),
        ("POST", "/v1/keys", json!({ "name": "k", "roles": ["viewer", "root"] }), "/roles/1"),
        ("POST", "/v1/keys", json!({ "name": " ", "roles": ["viewer"] }), "/name"),
        ("PUT", "/v1/workflows/welcome", json!({ "id": "other" }), "/id"),
    ] {
        let reply = world.call(method, path, Some(body)).await;
        assert_refused(&reply, StatusCode::UNPROCESSABLE_ENTITY, "invalid", path);
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{path}: {}", reply.text);
    }
    assert_eq!(world.all().await, before);
}

/// S24: a body may have contact data where names of fields belong.
#[tokio::test]
async fn a_name_that_is_no_field_is_repeated_only_where_it_looks_like_one() {
    let world = World::new().await;
    let body = json!({ "ada@example.org": 1, "Ada Lovelace": 2, "12345678": 3, "患者": 4, "emails": 5 });
    let reply = world.refused("PUT", "/v1/contacts/p-1", Some(body), "invalid").await;
    let pointers: BTreeSet<String> = reply.faults().into_iter().collect();
    assert_eq!(pointers, BTreeSet::from([" unknown_field".to_owned(), "/emails unknown_field".to_owned()]));
    assert!(!reply.text.contains("Ada") && !reply.text.contains("example.org") && !reply.text.contains("患者"));
}

#[tokio::test]
async fn a_body_that_is_not_sent_as_json_is_refused_by_every_route() {
    let world = World::furnished().await;
    let before = world.all().await;
    for (route, path) in with_bodies() {
        let kinds = [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("text/json"), Some("")];
        for kind in kinds {
            let reply = world.send(route.method.as_str(), &path, kind, "{}").await;
            assert_refused(&reply, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", &path);
        }
    }
    assert_eq!(world.all().await, before);
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let reply = world.send("PATCH", "/v1/contacts/p-1", Some(kind), r#"{"locale":"de"}"#).await;
        assert_eq!(reply.status, StatusCode::OK, "{kind}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read_and_one_byte_more_is_not() {
    let world = World::furnished().await;
    let before = world.all().await;
    for (route, path) in with_bodies() {
        let reply = world.send(route.method.as_str(), &path, JSON, vec![b' '; MAX_BODY + 1]).await;
        assert_refused(&reply, StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &path);
    }
    assert_eq!(world.all().await, before);
    let mut body = br#"{"email":"b@example.org"}"#.to_vec();
    body.resize(MAX_BODY, b' ');
    assert_eq!(world.send("PUT", "/v1/contacts/p-1", JSON, body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_is_no_route_is_told_so() {
    let world = World::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/contacts/p-1",
        "/v1/contacts/",
        "/v1/contacts/p-1/",
        "//v1/contacts/p-1",
        "/v1/contacts/p-1/nothing",
        "/V1/contacts/p-1",
        "/v1/contacts/../keys",
        "/healthz/x",
    ] {
        let reply = world.call("GET", path, None).await;
        assert_refused(&reply, StatusCode::NOT_FOUND, "unknown_route", path);
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_told_so() {
    let world = World::furnished().await;
    let before = world.all().await;
    let routes = described::<Local>();
    for path in routes.iter().map(|route| route.path).collect::<BTreeSet<_>>() {
        let taken: BTreeSet<&str> =
            routes.iter().filter(|route| route.path == path).map(|route| route.method.as_str()).collect();
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if !taken.contains(method) {
                let reply = world.call(method, &address(path), Some(json!({}))).await;
                assert_refused(&reply, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", path);
            }
        }
    }
    assert_eq!(world.all().await, before);
}

#[tokio::test]
async fn ids_that_are_none_are_refused_where_they_would_be_written_and_not_found_elsewhere() {
    let world = World::new().await;
    let long = "x".repeat(129);
    for id in ["%FF", "%00", "a%2Fb", "%20a", "a%0Ab", long.as_str()] {
        let path = format!("/v1/contacts/{id}");
        for (method, path) in [("PUT", path.clone()), ("PATCH", path.clone()), ("POST", format!("{path}/events"))] {
            let reply = world.call(method, &path, Some(json!({ "name": "n" }))).await;
            assert_eq!(
                (reply.code().as_str(), reply.faults()),
                ("invalid", vec!["id id".to_owned()]),
                "{method} {path}"
            );
        }
        let read = world.call("GET", &path, None).await;
        assert!(["not_found", "invalid"].contains(&read.code().as_str()), "{path}: {}", read.text);
    }
    for path in ["/v1/workflows/UPPER", "/v1/templates/a_b", "/v1/segments/-a"] {
        assert_eq!(world.refused("PUT", path, Some(json!({})), "invalid").await.faults(), ["id id"], "{path}");
        world.refused("GET", path, None, "not_found").await;
    }
    for path in ["/v1/keys/key_none", "/v1/keys/%FF", "/v1/runs/run_x", "/v1/workflows/w/versions/99999999999"] {
        let method = if path.contains("keys") { "DELETE" } else { "GET" };
        assert!(world.call(method, path, None).await.status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn headers_and_parameters_that_make_no_sense_are_refused() {
    let world = World::furnished().await;
    let long = "k".repeat(129);
    for key in ["", " ", "a/b", long.as_str()] {
        let headers = [("idempotency-key", key)];
        let reply = world.call_with("POST", "/v1/contacts/p-1/events", Some(json!({ "name": "n" })), &headers).await;
        assert_eq!(reply.faults(), ["Idempotency-Key id"], "{key}");
    }
    for tag in ["", "1", "\"x\"", "\"98\", \"97\"", "\"99\"", "W/\"99\""] {
        let reply = world.call_with("PUT", "/v1/contacts/p-1", Some(json!({})), &[("if-match", tag)]).await;
        assert_refused(&reply, StatusCode::PRECONDITION_FAILED, "precondition_failed", tag);
    }
    for limit in ["0", "-1", "1001", "ten", "", "99999999999999999999"] {
        for list in ["/v1/workflows", "/v1/segments/calls/members", "/v1/contacts/p-1/timeline"] {
            let path = format!("{list}?limit={limit}");
            assert_eq!(world.refused("GET", &path, None, "invalid").await.faults(), ["limit limit"], "{path}");
        }
    }
    let cursor = "eyJldmVudHMiOiJub25lIiwiZXZlbnRzX292ZXIiOmZhbHNlLCJ0b2xkIjpudWxsfQ";
    for path in [
        "/v1/segments/calls/members?cursor=none".to_owned(),
        "/v1/contacts?segment=calls&cursor=none".to_owned(),
        "/v1/contacts/p-1/timeline?cursor=none".to_owned(),
        format!("/v1/contacts/p-1/timeline?cursor={cursor}"),
    ] {
        assert_eq!(world.refused("GET", &path, None, "invalid").await.faults(), ["cursor cursor"], "{path}");
    }
    for query in ["", "?email=a@example.org&segment=calls", "?mail=x"] {
        let path = format!("/v1/contacts{query}");
        assert_eq!(world.refused("GET", &path, None, "invalid").await.faults(), ["email required"], "{path}");
    }
    assert_eq!(world.ok("GET", "/v1/contacts?email=", Value::Null).await["items"], json!([]));
}
