use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{World, workflow};

/// S23: a run tells each of its visits, with the step's own name and the edge that was taken.
#[tokio::test]
async fn an_event_starts_a_run_that_tells_where_it_has_been() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    world
        .ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "id": "e-1", "properties": { "via": "web" } }))
        .await;
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.mails().len(), 1);
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    let run = &runs["items"][0];
    assert_eq!((&run["status"], &run["current"], &run["version"]), (&json!("waiting"), &json!("rest"), &json!(1)));
    assert_eq!(run["entry"]["payload"], json!({ "via": "web" }));
    let path: Vec<(&str, &str)> = run["visits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|visit| (visit["step"].as_str().unwrap(), visit["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(path, [("entry", "entry"), ("greet", "send"), ("rest", "wait")]);
    assert_eq!((&run["visits"][1]["edge"], &run["visits"][1]["via"]), (&json!("rest"), &json!("next")));
    assert_eq!(run["visits"][1]["message"]["state"], "sent");
    assert!(run["due"].is_string());
    world.settle(SignedDuration::from_hours(73)).await;
    let run = world.ok("GET", &format!("/v1/runs/{}", run["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(
        (&run["status"], &run["ended"], &run["visits"][3]["step"]),
        (&json!("ended"), &json!("completed"), &json!("end"))
    );
}

#[tokio::test]
async fn a_timeline_has_events_visits_and_mails_newest_first_on_pages_without_gaps() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    for n in 0..5 {
        world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "looked", "id": format!("l-{n}") })).await;
        world.settle(SignedDuration::from_mins(1)).await;
    }
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "id": "e-1" })).await;
    world.settle(SignedDuration::ZERO).await;
    world.settle(SignedDuration::from_hours(80)).await;
    let whole = world.ok("GET", "/v1/contacts/p-1/timeline", Value::Null).await;
    let whole = whole["items"].as_array().unwrap().clone();
    let kinds = |kind: &str| whole.iter().filter(|entry| entry["type"] == kind).count();
    assert_eq!((kinds("event"), kinds("visit"), kinds("message"), kinds("engagement")), (6, 4, 1, 1));
    let times: Vec<&str> = whole.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.windows(2).all(|pair| pair[0].len() != pair[1].len() || pair[0] >= pair[1]), "{times:?}");
    for limit in 1..=13 {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        for _ in 0..20 {
            let page =
                world.ok("GET", &format!("/v1/contacts/p-1/timeline?limit={limit}&cursor={cursor}"), Value::Null).await;
            paged.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(paged, whole, "pages of {limit}");
    }
}

#[tokio::test]
async fn an_enrolment_is_repeated_without_harm_and_cancelled_once() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    let headers = [("idempotency-key", "r-1")];
    let body = || Some(json!({ "contact": "p-1", "payload": { "by": "hand" } }));
    let path = "/v1/workflows/welcome/enroll";
    let first = world.call_with("POST", path, body(), &headers).await.json();
    assert_eq!(first["admitted"], true, "{first}");
    let second = world.call_with("POST", path, body(), &headers).await.json();
    assert_eq!(second["run"], first["run"]);
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.mails().len(), 1);
    let cancel = format!("/v1/runs/{}/cancel", first["run"].as_str().unwrap());
    assert_eq!(world.ok("POST", &cancel, Value::Null).await["ended"], "cancelled");
    let again = world.call("POST", &cancel, None).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "run_ended"));
    // Who names its request may be repeating it, and hears that it is done.
    let repeated = world.call_with("POST", &cancel, None, &headers).await;
    assert_eq!((repeated.status, &repeated.json()["ended"]), (StatusCode::OK, &json!("cancelled")));
    let long = "r".repeat(129);
    let unnamed = world.call_with("POST", &cancel, None, &[("idempotency-key", long.as_str())]).await;
    assert_eq!(unnamed.faults(), ["Idempotency-Key id"]);
    assert_eq!(world.call("POST", "/v1/workflows/none/enroll", body()).await.status, StatusCode::NOT_FOUND);
}

/// S19: events of a batch that have no id of their own have one of their place in a request that has a name.
#[tokio::test]
async fn s19_a_batch_is_repeated_under_its_name_without_harm() {
    let world = World::new().await;
    let event = |name: &str| json!({ "event": { "contact": "p-1", "name": name } });
    let batch = json!({ "entries": [event("joined"), event("joined"), event("left")] });
    let send = async |name: &str| {
        let headers = [("idempotency-key", name)];
        let reply = world.call_with("POST", "/v1/batch", Some(batch.clone()), &headers).await.json();
        let results = reply["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["duplicate"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(send("b-1").await, [false; 3]);
    assert_eq!(send("b-1").await, [true; 3]);
    assert_eq!(send("b-2").await, [false; 3]);
}

/// S28: a segment of any size is enrolled behind the answer, once, whatever is repeated, and how far that is can be read.
#[tokio::test]
async fn s28_everybody_in_a_segment_is_enrolled_once_behind_the_answer() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/segments/calls", json!({})).await;
    let people: Vec<String> = (0..230).map(|n| format!("p-{n}")).collect();
    world.ok("POST", "/v1/segments/calls/members", json!({ "add": people })).await;
    // One is in already, and comes in but once at a time.
    world.ok("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-7" })).await;
    let path = "/v1/workflows/welcome/enroll";
    let body = |by: &str| Some(json!({ "segment": "calls", "payload": { "by": by } }));
    let first = world.call_with("POST", path, body("hand"), &[("idempotency-key", "r-1")]).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let begun = first.json();
    assert_eq!((&begun["state"], &begun["contacts_done"]), (&json!("running"), &json!(0)));
    let again = world.call_with("POST", path, body("hand"), &[("idempotency-key", "r-1")]).await.json();
    assert_eq!(again, begun);
    let other = world.call_with("POST", path, body("mistake"), &[("idempotency-key", "r-1")]).await;
    assert_eq!(other.faults(), ["Idempotency-Key reused"]);

    let progress = format!("/v1/workflows/welcome/enrollments/{}", begun["enrollment"].as_str().unwrap());
    world.settle(SignedDuration::ZERO).await;
    let done = world.ok("GET", &progress, Value::Null).await;
    assert_eq!(
        (&done["state"], &done["contacts_done"], &done["admitted"], &done["refused"]),
        (&json!("done"), &json!(230), &json!(229), &json!(1))
    );
    let repeated = world.call_with("POST", path, body("hand"), &[("idempotency-key", "r-1")]).await.json();
    assert_eq!(repeated, done);
    world.settle(SignedDuration::from_mins(5)).await;
    let runs = world.ok("GET", "/v1/contacts/p-200/runs", Value::Null).await["items"].clone();
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["entry"]["payload"]["by"]), (1, &json!("hand")));
    // Why somebody was not let in is told where the contact is looked at.
    let timeline = world.ok("GET", "/v1/contacts/p-7/timeline", Value::Null).await.to_string();
    assert!(timeline.contains("not_admitted") && timeline.contains("live_run"), "{timeline}");
    assert_eq!(world.call("GET", "/v1/workflows/welcome/enrollments/none", None).await.code(), "not_found");
    assert_eq!(world.call("GET", &progress.replace("welcome", "other"), None).await.code(), "not_found");
}

/// What is archived lets nobody in any more, those of an enrolment that has begun among them.
#[tokio::test]
async fn an_enrolment_stops_where_its_workflow_is_archived() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/segments/calls", json!({})).await;
    world.ok("POST", "/v1/segments/calls/members", json!({ "add": ["p-1"] })).await;
    let enroll = async || {
        let body = Some(json!({ "segment": "calls" }));
        world.call_with("POST", "/v1/workflows/welcome/enroll", body, &[("idempotency-key", "r-1")]).await
    };
    let begun = enroll().await.json();
    world.ok("POST", "/v1/workflows/welcome/archive", Value::Null).await;
    // What was acknowledged is acknowledged again.
    assert_eq!(enroll().await.json(), begun);
    world.settle(SignedDuration::from_mins(2)).await;
    let progress = format!("/v1/workflows/welcome/enrollments/{}", begun["enrollment"].as_str().unwrap());
    let stopped = world.ok("GET", &progress, Value::Null).await;
    assert_eq!((&stopped["state"], &stopped["admitted"]), (&json!("stopped"), &json!(0)));
    assert!(world.mails().is_empty());
}

/// S15: a pause holds runs where they are, and nobody is lost by it.
#[tokio::test]
async fn a_paused_workflow_shows_its_runs_as_paused_and_lets_them_go_on() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    world.ok("POST", "/v1/workflows/welcome/enroll", json!({ "contact": "p-1" })).await;
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.ok("POST", "/v1/workflows/welcome/pause", Value::Null).await["status"], "paused");
    world.settle(SignedDuration::from_hours(73)).await;
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    assert_eq!(runs["items"][0]["status"], "paused");
    world.ok("POST", "/v1/workflows/welcome/resume", Value::Null).await;
    world.settle(SignedDuration::from_mins(16)).await;
    let runs = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await;
    assert_eq!(runs["items"][0]["ended"], "completed");
}

/// S3: a run goes to its end in the version that it entered, whatever is published in between.
#[tokio::test]
async fn a_run_stays_in_its_version_and_the_next_one_enters_the_new() {
    let world = World::new().await;
    world.publish_welcome().await;
    for id in ["p-1", "p-2"] {
        world.ok("PUT", &format!("/v1/contacts/{id}"), json!({ "email": "a@example.org" })).await;
    }
    let enroll = "/v1/workflows/welcome/enroll";
    world.ok("POST", enroll, json!({ "contact": "p-1" })).await;
    let mut changed = workflow();
    changed["steps"]["rest"] = json!({ "wait": { "for": "1d" }, "next": "again" });
    changed["steps"]["again"] = json!({ "send": { "template": "welcome" }, "next": "end" });
    world.ok("PUT", "/v1/workflows/welcome", changed).await;
    assert_eq!(world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await["version"], 2);
    world.ok("POST", enroll, json!({ "contact": "p-2" })).await;
    world.settle(SignedDuration::from_hours(25)).await;
    for (id, version, status, visits) in [("p-1", 1, "waiting", 3), ("p-2", 2, "ended", 5)] {
        let run = &world.ok("GET", &format!("/v1/contacts/{id}/runs"), Value::Null).await["items"][0];
        assert_eq!((&run["version"], &run["status"]), (&json!(version), &json!(status)), "{run}");
        assert_eq!(run["visits"].as_array().unwrap().len(), visits, "{run}");
    }
    world.settle(SignedDuration::from_hours(48)).await;
    let run = &world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await["items"][0];
    assert_eq!((&run["version"], &run["ended"]), (&json!(1), &json!("completed")));
    assert_eq!(world.mails().len(), 3);
}
