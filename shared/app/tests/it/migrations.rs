//! Runs that move to another version while they are under way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use carepath_app::documents::Expect;
use carepath_app::migrate::{Order, migrate};
use carepath_app::workflows;
use carepath_engine::run::Outcome;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::journey::{Service, empty, prepared, publish, register, start, tell};
use crate::world::World;

/// The journey in another order, with a step before it and without its branch.
fn newer() -> Value {
    json!({
        "id": "journey", "class": "care", "entry": { "event": "joined" },
        "goal": { "when": { "attribute": "done", "eq": true } },
        "steps": {
            "pause": { "wait": { "for": "1h" }, "next": "welcome" },
            "note": { "update": { "set": { "welcomed": true }, "increment": { "journeys": 1 } }, "next": "end" },
            "more": { "send": { "template": "more", "on_failure": "note" }, "next": "note" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "more" }], "timeout": "5d", "next": "note"
            } },
            "welcome": { "send": { "template": "welcome", "on_failure": "note" }, "next": "read" }
        }
    })
}

/// Moved after the first mail went out and before it is opened.
pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    let id = "journey".parse().unwrap();
    world
        .insist(async |app| {
            workflows::put(app, &id, newer(), Expect::Any).await?;
            workflows::publish(app, &id, Expect::Any).await.map(drop)
        })
        .await;
    // A mail of which nobody has said yet what became of it holds its run back: it is asked again.
    for nth in 0..60 {
        let order = Order { apply: true, ..Order::default() };
        let answer = world.insist(async |app| migrate(app, &id, order.clone(), "key_1").await).await;
        assert_eq!(answer.next, None);
        if answer.there + answer.steps.values().map(|at| at.moves).sum::<u64>() == 1 {
            break;
        }
        let soon = world.now() + if nth < 20 { SignedDuration::from_mins(1) } else { SignedDuration::from_hours(1) };
        world.run_until(soon).await;
    }
    world.run_to_the_end().await;
}

pub(crate) async fn ready() -> World {
    prepared(Service::Talks).await
}

pub(crate) fn check(world: &World) {
    world.check_end();
    let run = world.only_run();
    assert_eq!(*World::outcome(&run), Outcome::Completed);
    assert!(run.version > 1, "it has moved");
    let places: BTreeSet<_> = run.visits.iter().map(|visit| visit.place).collect();
    assert_eq!(places.len(), run.visits.len(), "no step was visited twice");
    let content = world.ports.store.content();
    assert_eq!(content.contacts.values().next().unwrap().attribute("journeys"), Some(&json!(1)));
}

/// S3
#[tokio::test]
async fn s3_a_run_that_moves_half_way_hears_of_its_old_mail_and_goes_on_in_the_new_version() {
    let mut world = ready().await;
    play(&mut world).await;
    check(&world);
    assert_eq!(world.only_run().visits.last().unwrap().at, start() + SignedDuration::from_mins(10));
    assert_eq!(world.mails().values().copied().collect::<Vec<_>>(), [1, 1]);
}

/// S3: a plan changes nothing, counts by step, and names what has no place.
#[tokio::test]
async fn s3_a_plan_counts_and_changes_nothing() {
    let mut world = ready().await;
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    let id = "journey".parse().unwrap();
    let mut other = newer();
    let read = other["steps"].as_object_mut().unwrap().remove("read").unwrap();
    other["steps"]["look"] = read;
    other["steps"]["welcome"]["next"] = json!("look");
    workflows::put(world.app(), &id, other, Expect::Any).await.unwrap();
    workflows::publish(world.app(), &id, Expect::Any).await.unwrap();
    let before = world.only_run();
    let plan = migrate(world.app(), &id, Order::default(), "key_1").await.unwrap();
    let at = &plan.steps[&(1, "read".parse().unwrap())];
    assert_eq!((plan.to, at.kind, at.runs, at.moves, at.cannot["gone"]), (2, "wait_for", 1, 0, 1));
    assert_eq!(world.only_run(), before);
    let map = [("read".parse().unwrap(), Some("look".parse().unwrap()))];
    let order = Order { map: map.into(), ..Order::default() };
    let plan = migrate(world.app(), &id, order, "key_1").await.unwrap();
    assert_eq!(plan.steps[&(1, "read".parse().unwrap())].moves, 1);
}

/// S1, S3: what a run told outside keeps its id when the run moves, and what it tells in its new version gets one of its own,
/// though steps have changed places.
#[tokio::test]
async fn s3_calls_and_events_keep_their_ids_when_their_run_moves() {
    let call = json!({ "webhook": { "url": "https://risk.example/score" }, "next": "rest" });
    let emit = |event: &str, next: &str| json!({ "emit": { "event": event }, "next": next });
    let rest = |next: &str| json!({ "wait": { "for": "1d" }, "next": next });
    let version = |start: &str, steps: Value| {
        let entry = json!({ "event": "joined" });
        json!({ "id": "outside", "class": "care", "entry": entry, "start": start, "steps": steps })
    };
    let mut world = empty().await;
    let steps = json!({ "tell": emit("seen", "call"), "call": call, "rest": rest("end") });
    publish(&world, [version("tell", steps)]).await;
    register(&mut world).await;
    world.ports.hooks.answer_next(500, "down");
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_secs(1)).await;
    let steps = json!({ "again": emit("left", "end"), "rest": rest("again"), "call": call });
    publish(&world, [version("call", steps)]).await;
    let order = Order { apply: true, ..Order::default() };
    let moved = migrate(world.app(), &"outside".parse().unwrap(), order, "key_1").await.unwrap();
    assert_eq!(moved.steps.values().map(|at| at.moves).sum::<u64>(), 1);
    world.run_to_the_end().await;
    world.check_end();
    assert_eq!(world.ports.hooks.ids().values().copied().collect::<Vec<_>>(), [2], "one visit, one id");
    let content = world.ports.store.content();
    let told: Vec<_> = content.events.iter().map(|(.., event, _)| event.name.as_str()).collect();
    assert_eq!(told, ["joined", "seen", "left"]);
}
