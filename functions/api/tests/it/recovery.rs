//! What needs a person: unknown sends, and work that no trial can do.

use carepath_app::ports::{Store as _, Work};
use carepath_app::{health, park, reconcile, sweep};
use carepath_engine::ids::RunId;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

async fn items(world: &World, path: &str) -> Vec<Value> {
    world.ok("GET", path, Value::Null).await["items"].as_array().unwrap().clone()
}

async fn joined(world: &World, contact: &str) {
    world.ok("PUT", &format!("/v1/contacts/{contact}"), json!({ "email": "a@example.org" })).await;
    world.ok("POST", &format!("/v1/contacts/{contact}/events"), json!({ "name": "joined", "id": "e-1" })).await;
    world.settle(SignedDuration::ZERO).await;
}

async fn run_of(world: &World, contact: &str) -> Value {
    items(world, &format!("/v1/contacts/{contact}/runs")).await[0].clone()
}

/// A published workflow whose mail service takes mails and says nothing.
async fn silent() -> World {
    let world = World::new().await;
    world.publish_welcome().await;
    world.silence(true);
    world
}

#[tokio::test]
async fn s8_unknown_sends_are_listed_with_what_will_be_decided_about_each() {
    let world = silent().await;
    joined(&world, "p-1").await;
    world.settle(SignedDuration::from_mins(2)).await;
    joined(&world, "p-2").await;
    let all = items(&world, "/v1/unknown-sends").await;
    let first = run_of(&world, "p-1").await;
    assert_eq!(
        all[0],
        json!({
            "run": first["id"], "workflow": "welcome", "version": 1, "contact": "p-1", "step": "greet", "attempt": 1,
            "since": "2026-03-02T10:00:00Z", "next_look": "2026-03-02T10:15:00Z",
            "decided_at": "2026-03-03T10:00:00Z", "then": "treat_as_sent",
        })
    );
    assert_eq!((all.len(), &all[1]["contact"]), (2, &json!("p-2")));
    let page = world.ok("GET", "/v1/unknown-sends?limit=1", Value::Null).await;
    let next = page["next"].as_str().unwrap().to_owned();
    let rest = items(&world, &format!("/v1/unknown-sends?limit=1&cursor={next}")).await;
    assert_eq!((page["items"][0]["contact"].as_str(), rest[0]["contact"].as_str()), (Some("p-1"), Some("p-2")));
}

#[tokio::test]
async fn s8_who_knows_that_a_mail_was_sent_settles_it_once() {
    let world = silent().await;
    joined(&world, "p-1").await;
    let run = run_of(&world, "p-1").await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}/settle");
    let reply = world.refused("POST", &path, Some(json!({})), "invalid").await;
    assert_eq!(reply.faults(), ["/sent required"]);
    world.refused("POST", &path, Some(json!({ "sent": "yes" })), "invalid").await;
    world.refused("POST", &path, Some(json!({ "sent": true, "attempt": "1" })), "invalid").await;
    world.refused("POST", &path, Some(json!({ "sent": true, "attempt": 2 })), "nothing_unknown").await;
    let run = world.ok("POST", &path, json!({ "sent": true, "attempt": 1 })).await;
    let message = &run["visits"][1]["message"];
    assert_eq!((&message["state"], &message["reason"]), (&json!("sent"), &json!("settled_by_hand")));
    assert_eq!((&run["current"], &run["status"]), (&json!("rest"), &json!("waiting")));
    assert_eq!(items(&world, "/v1/unknown-sends").await, [] as [Value; 0]);
    world.refused("POST", &path, Some(json!({ "sent": false })), "nothing_unknown").await;
    // Who names its request may be repeating it: the same answer is done, and another one is not.
    for (sent, status) in [(true, 200), (false, 409)] {
        let named = [("idempotency-key", "r-1")];
        let again = world.call_with("POST", &path, Some(json!({ "sent": sent })), &named).await;
        assert_eq!(again.status, status, "{}", again.text);
    }
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn s8_who_knows_that_a_mail_was_not_sent_has_it_sent_again() {
    let world = silent().await;
    joined(&world, "p-1").await;
    world.silence(false);
    let run = run_of(&world, "p-1").await["id"].as_str().unwrap().to_owned();
    world.ok("POST", &format!("/v1/runs/{run}/settle"), json!({ "sent": false })).await;
    world.settle(SignedDuration::ZERO).await;
    let run = run_of(&world, "p-1").await;
    let message = &run["visits"][1]["message"];
    assert_eq!((&message["state"], &message["attempt"]), (&json!("sent"), &json!(2)));
    assert_eq!(world.mails().len(), 2);
}

/// S5: what no trial can do is set down where somebody sees it, and goes on once it is mended.
#[tokio::test]
async fn a_run_that_cannot_be_read_is_parked_with_its_code_and_goes_on_when_it_is_redriven() {
    let world = World::new().await;
    world.publish_welcome().await;
    joined(&world, "p-1").await;
    let id: RunId = run_of(&world, "p-1").await["id"].as_str().unwrap().parse().unwrap();
    let (contact, run) = (id.contact(), id.to_string());
    let place = (contact.as_str(), run.as_str());
    let shape = |shape: &str| json!({ ":shape": { "N": shape } });
    world.tamper("runs", place, "SET sv = :shape", shape("9"));
    world.turn("2026-03-05T10:00:01Z".parse().unwrap());

    let work = Work::Run { run: id };
    park::handle(&world.app, &work).await.unwrap();
    let all = items(&world, "/v1/parked").await;
    let parked = json!({ "id": run, "kind": "run", "since": "2026-03-05T10:00:01Z", "code": "store" });
    assert_eq!(all, [parked]);
    let health = world.app.store().health().await.unwrap();
    assert_eq!((health.parked, health.without_wakeup, world.app.counters.read().parked), (1, 0, 1));
    let due =
        world.app.store().due(jiff::Timestamp::UNIX_EPOCH, world.turn("2026-03-06T10:00:00Z".parse().unwrap()), 9);
    assert_eq!(due.await.unwrap(), [], "no sweep finds it again and again");

    world.tamper("runs", place, "SET sv = :shape", shape("1"));
    let redriven = world.ok("POST", "/v1/parked/redrive", json!({ "ids": [run, "ct_aaaaaaaaaaaaaaaaaaaa"] })).await;
    assert_eq!(redriven, json!({ "redriven": 1 }));
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(run_of(&world, "p-1").await["ended"], "completed");
    assert_eq!(items(&world, "/v1/parked").await, [] as [Value; 0]);
}

/// A hint that comes too late, for a run that is over and cannot be read: nothing is due, so nothing is parked or tried on.
#[tokio::test]
async fn what_nobody_waits_for_is_not_parked() {
    let world = World::new().await;
    world.publish_welcome().await;
    joined(&world, "p-1").await;
    let id: RunId = run_of(&world, "p-1").await["id"].as_str().unwrap().parse().unwrap();
    world.ok("POST", &format!("/v1/runs/{id}/cancel"), Value::Null).await;
    let (contact, run) = (id.contact(), id.to_string());
    world.tamper("runs", (contact.as_str(), &run), "SET sv = :two", json!({ ":two": { "N": "9" } }));
    park::handle(&world.app, &Work::Run { run: id }).await.unwrap();
    assert_eq!(items(&world, "/v1/parked").await.len(), 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_acted_on_is_parked_and_is_done_once_after_all() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    let key = world.app.key_of(&"p-1".parse().unwrap());
    world.tamper("contacts", (key.as_str(), "C"), "SET sv = :two", json!({ ":two": { "N": "9" } }));
    let event = json!({ "name": "joined", "id": "e-1" });
    world.ok("POST", "/v1/contacts/p-1/events", event).await;
    let due = world.app.store().due(jiff::Timestamp::UNIX_EPOCH, world.app.now(), 9).await.unwrap();
    let work = due.into_iter().find(|due| matches!(due.work, Work::Event { .. })).unwrap().work;
    park::handle(&world.app, &work).await.unwrap();
    let all = items(&world, "/v1/parked").await;
    assert_eq!((all.len(), &all[0]["kind"], &all[0]["id"]), (1, &json!("event"), &json!(work.name())));
    assert_eq!(Work::named(&work.name()), Some(work));

    world.tamper("contacts", (key.as_str(), "C"), "SET sv = :one", json!({ ":one": { "N": "1" } }));
    assert_eq!(world.ok("POST", "/v1/parked/redrive", json!({ "all": true })).await, json!({ "redriven": 1 }));
    world.settle(SignedDuration::ZERO).await;
    assert_eq!((world.mails().len(), items(&world, "/v1/parked").await.len()), (1, 0));
}

/// A run in which a panic was parked is taken up by whatever changes it.
#[tokio::test]
async fn work_that_panics_is_parked_and_a_later_change_of_its_item_takes_it_up() {
    let world = World::new().await;
    world.publish_welcome().await;
    joined(&world, "p-1").await;
    let id: RunId = run_of(&world, "p-1").await["id"].as_str().unwrap().parse().unwrap();
    let work = Work::Run { run: id.clone() };
    let seen = world.app.store().revision(&work).await.unwrap().unwrap();
    let now = world.app.now();
    assert!(matches!(
        world.app.store().park(&work, "panicked", seen + 1, now).await.unwrap(),
        carepath_app::ports::Commit::LostRace
    ));
    world.app.store().park(&work, "panicked", seen, now).await.unwrap();
    let again = world.app.store().park(&work, "panicked", seen, now).await.unwrap();
    assert_eq!(again, carepath_app::ports::Commit::LostRace, "it is parked once");
    assert_eq!(items(&world, "/v1/parked").await[0]["code"], "panicked");
    world.ok("POST", &format!("/v1/runs/{id}/cancel"), Value::Null).await;
    assert_eq!(items(&world, "/v1/parked").await.len(), 0);
}

#[tokio::test]
async fn what_is_to_be_redriven_is_named_or_all_of_it() {
    let world = World::new().await;
    for (body, faults) in [
        (json!({}), " required"),
        (json!({ "all": false }), " required"),
        (json!({ "all": true, "ids": ["ct_aaaaaaaaaaaaaaaaaaaa"] }), " required"),
        (json!({ "all": 1 }), "/all type"),
        (json!({ "ids": "x" }), "/ids type"),
        (json!({ "ids": ["x"] }), "/ids/0 id"),
    ] {
        let reply = world.refused("POST", "/v1/parked/redrive", Some(body.clone()), "invalid").await;
        assert_eq!(reply.faults(), [faults], "{body}");
    }
}

#[tokio::test]
async fn how_the_sweep_stands_is_told_and_what_nobody_does_is_late() {
    let world = World::new().await;
    world.publish_welcome().await;
    let path = "/v1/operations";
    let told = world.ok("GET", path, Value::Null).await;
    assert_eq!(told["sweep"], json!({ "at": null, "late_seconds": 0 }), "nobody has swept yet");
    assert_eq!(told["sending"], Value::Null, "nobody counts what this mail service takes");
    sweep::sweep(&world.app).await.unwrap();
    let swept = world.app.now();
    assert_eq!(world.ok("GET", path, Value::Null).await["sweep"]["at"], json!(swept));
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "id": "e-1" })).await;
    world.turn(world.app.now() + SignedDuration::from_mins(7));
    let told = world.ok("GET", path, Value::Null).await;
    assert_eq!(told["sweep"], json!({ "at": swept, "late_seconds": 420 }), "a sweep that stands still shows");
    world.app.store().take_mails(world.app.now().as_second(), 3, 9, 14).await.unwrap();
    let sending = json!({ "second": world.app.now(), "taken": 3, "limit": 14 });
    assert_eq!(world.ok("GET", path, Value::Null).await["sending"], sending);
    let told = world.ok("GET", path, Value::Null).await;
    assert_eq!((&told["runs"], &told["reports"]), (&Value::Null, &Value::Null), "nobody has counted yet");
    assert_eq!((&told["unknown_open"], &told["work_parked"]), (&json!(0), &json!(0)));
    health::count(&world.app).await.unwrap();
    reconcile::begin(&world.app, None, false).await.unwrap();
    let told = world.ok("GET", path, Value::Null).await;
    let live = told["runs"]["live"].as_u64().unwrap();
    assert_eq!(told["runs"], json!({ "counted_at": world.app.now(), "live": live, "without_wakeup": 0 }));
    assert_eq!(told["reports"], json!({ "started_at": world.app.now(), "finished_at": null, "wrong": 0 }));
    sweep::note(&world.app, world.app.now(), Some(swept)).await.unwrap();
    assert_eq!(world.ok("GET", path, Value::Null).await["sweep"]["at"], json!(world.app.now()));
}
