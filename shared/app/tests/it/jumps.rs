//! Jumps from workflow to workflow.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::run::Outcome;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::journey::{empty, publish, register, start, tell};
use crate::world::World;

/// A workflow with a mail, and what comes after it.
fn greeting(id: &str, then: Value) -> Value {
    let mut steps = json!({ "greet": { "send": { "template": "welcome" }, "next": "end" } });
    if let Value::Object(more) = then {
        steps["greet"]["next"] = json!(more.keys().next());
        steps.as_object_mut().unwrap().extend(more);
    }
    json!({ "id": id, "class": "care", "entry": { "event": format!("join-{id}") }, "steps": steps })
}

fn jump_to(workflow: &str) -> Value {
    json!({ "jump": { "workflow": workflow } })
}

/// The workflows and outcomes of all runs, those that began others before these.
fn outcomes(world: &World) -> Vec<(String, Outcome)> {
    let content = world.ports.store.content();
    let mut runs: Vec<_> = content.runs.values().collect();
    runs.sort_by_key(|run| (run.lineage.len(), run.workflow.clone()));
    runs.into_iter().map(|run| (run.workflow.to_string(), World::outcome(run).clone())).collect()
}

fn completed(workflows: &[&str]) -> Vec<(String, Outcome)> {
    workflows.iter().map(|id| ((*id).to_owned(), Outcome::Completed)).collect()
}

/// A run that begins two others in one stride and goes on, and one of them begins a fourth with its first step.
pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    let stay = |to: &str, next: &str| json!({ "jump": { "workflow": to, "stay": true }, "next": next });
    let both = json!({ "first": stay("left", "second"), "second": stay("right", "note"),
        "note": { "update": { "increment": { "jumps": 1 } }, "next": "end" } });
    let at_once =
        json!({ "id": "right", "class": "care", "entry": { "api": true }, "steps": { "on": jump_to("far") } });
    let documents = [greeting("left", Value::Null), greeting("far", Value::Null), at_once, greeting("fork", both)];
    publish(&world, documents).await;
    register(&mut world).await;
    world.run_to_the_end().await;
    world
}

pub(crate) async fn play(world: &mut World) {
    tell(world, "join-fork", "e1").await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    assert_eq!(outcomes(world), completed(&["fork", "left", "right", "far"]));
    let content = world.ports.store.content();
    assert_eq!(content.contacts.values().next().unwrap().attribute("jumps"), Some(&json!(1)));
}

#[tokio::test]
async fn s28_every_run_that_a_stride_begins_is_begun_even_by_runs_that_it_has_just_begun() {
    let mut world = prepared().await;
    play(&mut world).await;
    check(&world);
    assert_eq!(world.mails().len(), 3);
}

#[tokio::test]
async fn s2_a_jump_there_and_back_ends_where_it_would_come_round_again() {
    let mut world = empty().await;
    let later = json!({ "rest": { "wait": { "for": "1d" }, "next": "on" }, "on": jump_to("b") });
    publish(&world, [greeting("b", Value::Null), greeting("a", later)]).await;
    register(&mut world).await;
    tell(&mut world, "join-a", "e1").await;
    world.run_until(start() + SignedDuration::from_hours(1)).await;
    // Each of these is right by itself; only the run that is still in the first version of `a` comes round.
    publish(&world, [greeting("a", Value::Null), greeting("b", json!({ "on": jump_to("a") }))]).await;
    world.restart().await;
    world.run_to_the_end().await;
    world.check_end();
    let mut expected = completed(&["a", "b", "a"]);
    expected[2].1 = Outcome::Revisit;
    assert_eq!(outcomes(&world), expected);
    assert_eq!(world.mails().len(), 2);
}
