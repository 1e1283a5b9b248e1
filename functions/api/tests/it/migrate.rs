use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{World, workflow};

const PATH: &str = "/v1/workflows/welcome/migrate";

/// One contact waits at `rest` of version 1; version 2 waits elsewhere and has a step before it.
async fn two_versions() -> World {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "id": "e-1" })).await;
    world.settle(SignedDuration::ZERO).await;
    let mut newer = workflow();
    newer["steps"] = json!({
        "look": { "wait": { "for": "1h" }, "next": "greet" },
        "greet": { "send": { "template": "welcome" }, "next": "pause" },
        "pause": { "wait": { "for": "1d" }, "next": "end" },
    });
    newer["start"] = json!("look");
    world.ok("PUT", "/v1/workflows/welcome", newer).await;
    world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    world
}

/// S3: seen first, then done, and the run still tells where it has been in the words of the version it was there in.
#[tokio::test]
async fn s3_live_runs_are_moved_after_a_plan_that_says_how_many_and_where() {
    let world = two_versions().await;
    let plan = world.ok("POST", PATH, json!({ "action": "plan" })).await;
    assert_eq!(plan["totals"], json!({ "runs": 1, "moves": 0, "ends": 0, "later": 0, "cannot": 1, "there": 0 }));
    let step = &plan["versions"][0]["steps"][0];
    assert_eq!((&step["step"], &step["kind"], &step["goes_to"]), (&json!("rest"), &json!("wait"), &Value::Null));
    assert_eq!(step["cannot"][0]["code"], "gone");
    assert!(step["cannot"][0]["message"].as_str().unwrap().contains("`map`"), "{step}");

    let mapped = json!({ "action": "apply", "map": { "rest": "pause" } });
    let done = world.ok("POST", PATH, mapped.clone()).await;
    assert_eq!((&done["totals"]["moves"], &done["to"], &done["next"]), (&json!(1), &json!(2), &Value::Null));
    let again = world.ok("POST", PATH, mapped).await;
    assert_eq!((&again["totals"]["moves"], &again["totals"]["there"]), (&json!(0), &json!(1)));

    let run = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await["items"][0].clone();
    assert_eq!((&run["version"], &run["current"], &run["status"]), (&json!(2), &json!("pause"), &json!("waiting")));
    let told: Vec<_> =
        run["visits"].as_array().unwrap().iter().map(|v| (v["step"].clone(), v["version"].clone())).collect();
    assert_eq!(told, [(json!("entry"), json!(1)), (json!("greet"), json!(1)), (json!("rest"), json!(1))]);
    assert_eq!(run["visits"][1]["message"]["state"], "sent");
    let why = run["visits"][2]["explanation"].as_array().unwrap();
    assert!(why.iter().any(|why| why["test"] == "moved to version 2" && why["expected"] == "pause"), "{why:?}");
    world.ok("GET", "/v1/contacts/p-1/timeline", Value::Null).await;
    world.settle(SignedDuration::from_hours(25)).await;
    let run = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await["items"][0].clone();
    assert_eq!(run["ended"], "completed");
}

#[tokio::test]
async fn what_an_order_names_has_to_be_there() {
    let world = two_versions().await;
    let refused = [
        json!({}),
        json!({ "action": "do" }),
        json!({ "action": "plan", "to": 9 }),
        json!({ "action": "plan", "to": "2" }),
        json!({ "action": "plan", "from": 2 }),
        json!({ "action": "plan", "from": 9 }),
        json!({ "action": "plan", "map": { "rest": "nowhere" } }),
        json!({ "action": "plan", "map": { "rest": 1 } }),
        json!({ "action": "plan", "map": { "never": "pause" } }),
        json!({ "action": "plan", "cursor": "no run" }),
        json!({ "action": "plan", "more": true }),
    ];
    for body in refused {
        let reply = world.call("POST", PATH, Some(body.clone())).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", reply.text);
    }
    world.ok("PUT", "/v1/workflows/draft", workflow()).await;
    let never = world.call("POST", "/v1/workflows/draft/migrate", Some(json!({ "action": "plan" }))).await;
    assert_eq!((never.status, never.code().as_str()), (StatusCode::CONFLICT, "not_published"));
    let none = world.call("POST", "/v1/workflows/none/migrate", Some(json!({ "action": "plan" }))).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    // Back to the version that it is in already: there is nothing to move.
    let back = world.ok("POST", PATH, json!({ "action": "apply", "to": 1, "from": 2 })).await;
    assert_eq!((&back["totals"]["runs"], &back["totals"]["there"]), (&json!(0), &json!(1)));
    let ended = world.ok("POST", PATH, json!({ "action": "apply", "map": { "rest": "end" } })).await;
    assert_eq!(ended["totals"]["ends"], 1);
    let run = world.ok("GET", "/v1/contacts/p-1/runs", Value::Null).await["items"][0].clone();
    assert_eq!((&run["ended"], &run["detail"], &run["version"]), (&json!("exited"), &json!("migrated"), &json!(1)));
}
