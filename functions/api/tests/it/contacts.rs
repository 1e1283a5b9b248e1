use http::StatusCode;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_contact_is_created_replaced_patched_read_and_deleted() {
    let world = World::new().await;
    let path = "/v1/contacts/p-1";
    let made = world
        .call("PUT", path, Some(json!({ "email": "a@example.org", "attributes": { "x": 1, "o": { "a": 1 } } })))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let patch = json!({ "zone": "Europe/Berlin", "attributes": { "x": null, "o": { "b": 2 } } });
    let patched = world.call("PATCH", path, Some(patch)).await;
    assert_eq!(patched.status, StatusCode::OK);
    let read = world.call("GET", path, None).await;
    assert_eq!(read.json()["attributes"], json!({ "o": { "a": 1, "b": 2 } }));
    assert_eq!(read.json()["zone"], "Europe/Berlin");
    assert_eq!(read.tag, patched.tag);
    let again = world.call("PUT", path, Some(read.json())).await;
    assert_eq!(again.status, StatusCode::OK, "what was read can be written back: {}", again.text);
    world.ok("PUT", path, json!({ "email": "b@example.org" })).await;
    let replaced = world.ok("GET", path, Value::Null).await;
    assert_eq!(replaced["attributes"], json!({}));
    assert_eq!(replaced["zone"], Value::Null);
    assert_eq!(world.call("DELETE", path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.call("GET", path, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_write_on_an_old_revision_is_refused() {
    let world = World::new().await;
    let path = "/v1/contacts/p-1";
    let made = world.call("PUT", path, Some(json!({ "email": "a@example.org" }))).await;
    let first = [("if-match", made.tag.as_str())];
    let body = || Some(json!({ "email": "b@example.org" }));
    assert_eq!(world.call_with("PUT", path, body(), &first).await.status, StatusCode::OK);
    let stale = world.call_with("PUT", path, Some(json!({ "email": "c@example.org" })), &first).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::PRECONDITION_FAILED, "precondition_failed"));
    let absent = [("if-none-match", "*")];
    assert_eq!(world.call_with("PUT", path, body(), &absent).await.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn opening_an_address_that_is_open_changes_nothing_and_nobodys_is_not_found() {
    let world = World::new().await;
    let path = "/v1/contacts/p-1/suppression";
    let none = world.call("DELETE", path, None).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    for fields in [json!({}), json!({ "email": "a@example.org" })] {
        let made = world.call("PUT", "/v1/contacts/p-1", Some(fields)).await;
        assert_eq!(world.call("DELETE", path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.call("GET", "/v1/contacts/p-1", None).await.tag, made.tag);
    }
}

#[tokio::test]
async fn ids_of_any_script_come_through_the_address() {
    let world = World::new().await;
    let path = "/v1/contacts/%E6%82%A3%E8%80%85%20%2342";
    world.ok("PUT", path, json!({ "email": "a@example.org" })).await;
    assert_eq!(world.ok("GET", path, Value::Null).await["id"], "患者 #42");
}

#[tokio::test]
async fn contacts_are_found_by_address_and_by_segment() {
    let world = World::new().await;
    world.ok("PUT", "/v1/segments/calls", json!({ "name": "Calls" })).await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "Ada@example.org" })).await;
    world.ok("POST", "/v1/segments/calls/members", json!({ "add": ["p-1", "p-2"] })).await;
    let found = world.ok("GET", "/v1/contacts?email=ada@example.org", Value::Null).await;
    assert_eq!(found["items"][0]["id"], "p-1");
    let members = world.ok("GET", "/v1/contacts?segment=calls", Value::Null).await;
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    world.ok("POST", "/v1/segments/calls/members", json!({ "remove": ["p-1"] })).await;
    let members = world.ok("GET", "/v1/segments/calls/members", Value::Null).await;
    assert_eq!(members["items"][0]["id"], "p-2");
}

#[tokio::test]
async fn a_batch_answers_for_each_entry() {
    let world = World::new().await;
    let entries = json!({ "entries": [
        { "contact": { "id": "p-1", "email": "a@example.org" } },
        { "contact": { "id": "p-2", "zone": "+02:00" } },
        { "event": { "contact": "p-1", "name": "joined", "id": "e-1" } },
        { "event": { "contact": "p-1", "name": "joined", "id": "e-1" } },
        { "event": { "contact": "p-1" } },
        {},
    ] });
    let results = world.ok("POST", "/v1/batch", entries).await["results"].clone();
    let statuses: Vec<u64> = results.as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 202, 202, 422, 422]);
    assert_eq!(results[1]["error"]["errors"][0]["pointer"], "/entries/1/contact/zone");
    assert_eq!((&results[2]["duplicate"], &results[3]["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(results[4]["error"]["errors"][0]["pointer"], "/entries/4/event/name");
    let many: Vec<Value> = (0..501).map(|n| json!({ "contact": { "id": format!("p-{n}") } })).collect();
    assert_eq!(world.call("POST", "/v1/batch", Some(json!({ "entries": many }))).await.code(), "too_many_entries");
}

/// S19: an event counts once by its id, and a request by its key.
#[tokio::test]
async fn an_event_without_an_id_takes_that_of_its_request() {
    let world = World::new().await;
    let headers = [("idempotency-key", "r-1")];
    let path = "/v1/contacts/p-1/events";
    let tell = || Some(json!({ "name": "joined", "at": "2026-03-01T10:00:00+01:00" }));
    let first = world.call_with("POST", path, tell(), &headers).await;
    assert_eq!((first.status, &first.json()["duplicate"]), (StatusCode::ACCEPTED, &json!(false)));
    let second = world.call_with("POST", path, tell(), &headers).await;
    assert_eq!((second.status, &second.json()["duplicate"]), (StatusCode::ACCEPTED, &json!(true)));
}

#[tokio::test]
async fn a_contact_is_deleted_on_the_revision_that_was_seen_with_all_that_was_of_it() {
    let world = World::furnished().await;
    let path = "/v1/contacts/p-1";
    let seen = world.call("GET", path, None).await.tag;
    let run = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await["items"][0]["id"].clone();
    world.ok("PATCH", path, json!({ "locale": "de" })).await;
    let stale = world.call_with("DELETE", path, None, &[("if-match", &seen)]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let now = world.call("GET", path, None).await.tag;
    assert_eq!(world.call_with("DELETE", path, None, &[("if-match", &now)]).await.status, StatusCode::NO_CONTENT);
    world.refused("DELETE", path, None, "not_found").await;
    let found = world.ok("GET", "/v1/contacts?email=a@example.org", Value::Null).await;
    assert_eq!(found["items"], json!([]));
    assert_eq!(world.ok("GET", "/v1/segments/calls/members", Value::Null).await["items"], json!([]));
    let run = world.call("GET", &format!("/v1/runs/{}", run.as_str().unwrap()), None).await;
    assert!(run.status == StatusCode::NOT_FOUND || run.json()["ended"] == "deleted", "{}", run.text);
    assert!(!run.text.contains("a@example.org"));
}

#[tokio::test]
async fn a_patch_makes_a_contact_and_leaves_alone_what_it_does_not_name() {
    let world = World::new().await;
    let path = "/v1/contacts/p-1";
    let patch = json!({ "email": "a@example.org", "topics": { "news": "subscribed", "tips": "subscribed" } });
    assert_eq!(world.call("PATCH", path, Some(patch)).await.status, StatusCode::CREATED);
    world.ok("PATCH", path, json!({ "topics": { "tips": null }, "attributes": { "a": { "b": [1] } } })).await;
    world.ok("PATCH", path, json!({ "attributes": { "a": { "b": [2], "c": 3 }, "d": null }, "email": null })).await;
    let read = world.ok("GET", path, Value::Null).await;
    assert_eq!(read["topics"], json!({ "news": "subscribed" }));
    assert_eq!(read["attributes"], json!({ "a": { "b": [2], "c": 3 } }));
    assert_eq!(read["email"], Value::Null);
    let tag = world.call("GET", path, None).await.tag;
    world.ok("PATCH", path, json!({})).await;
    assert_eq!(world.call("GET", path, None).await.tag, tag, "what changes nothing is no new revision");
}

/// What concerns one contact keeps its order, and a fault of one entry is none of its neighbours'.
#[tokio::test]
async fn a_batch_of_500_is_done_in_order_around_what_is_wrong_with_it() {
    let world = World::new().await;
    let entry = |n: usize| match n % 5 {
        0 => json!({ "contact": { "id": "p-1", "attributes": { "n": n } } }),
        1 => json!({ "event": { "contact": format!("q-{n}"), "name": "joined", "id": format!("e-{n}") } }),
        2 => json!({ "contact": { "id": "p-1", "attributes": [] } }),
        3 => json!(n),
        _ => json!({ "event": { "contact": "p-1", "name": "looked", "id": "same" } }),
    };
    let entries: Vec<Value> = (0..500).map(entry).collect();
    let results = world.ok("POST", "/v1/batch", json!({ "entries": entries })).await;
    for (n, result) in results["results"].as_array().unwrap().iter().enumerate() {
        let expected = [if n == 0 { 201 } else { 200 }, 202, 422, 422, 202][n % 5];
        assert_eq!(result["status"], expected, "{n}: {result}");
        let pointer = [
            Value::Null,
            Value::Null,
            json!(format!("/entries/{n}/contact/attributes")),
            json!(format!("/entries/{n}")),
            Value::Null,
        ];
        assert_eq!(result["error"]["errors"][0]["pointer"], pointer[n % 5], "{n}: {result}");
        if n % 5 == 4 {
            assert_eq!(result["duplicate"], n != 4, "{n}");
        }
    }
    assert_eq!(world.ok("GET", "/v1/contacts/p-1", Value::Null).await["attributes"]["n"], 495);
    assert_eq!(world.ok("POST", "/v1/batch", json!({ "entries": [] })).await["results"], json!([]));
}
