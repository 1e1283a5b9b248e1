//! Jumps from workflow to workflow.

use carepath_engine::run::Outcome;
use serde_json::{Value, json};

use crate::journey::{empty, publish, register, tell};
use crate::world::World;

/// A workflow with a mail and a jump into another; `to` names it, or nothing where the run ends.
fn hop(id: &str, to: Option<&str>, stay: bool) -> Value {
    let mut steps = json!({ "greet": { "send": { "template": "welcome" }, "next": "end" } });
    if let Some(to) = to {
        steps["greet"]["next"] = json!("on");
        steps["on"] = json!({ "jump": { "workflow": to, "stay": stay } });
        if stay {
            steps["on"]["next"] = json!("end");
        }
    }
    json!({ "id": id, "class": "care", "entry": { "event": format!("join-{id}") }, "steps": steps })
}

fn outcomes(world: &World) -> Vec<(String, Outcome)> {
    let content = world.ports.store.content();
    let mut runs: Vec<_> = content.runs.values().collect();
    runs.sort_by_key(|run| run.lineage.len());
    runs.into_iter().map(|run| (run.workflow.to_string(), World::outcome(run).clone())).collect()
}

#[tokio::test]
async fn s2_a_jump_there_and_back_ends_where_it_would_come_round_again() {
    let mut world = empty().await;
    // Publishing a cycle of jumps is refused, so the second version of `a` closes it while nobody looks.
    publish(&world, [hop("a", None, false), hop("b", Some("a"), false)]).await;
    register(&mut world).await;
    tell(&mut world, "join-b", "e1").await;
    world.run_to_the_end().await;
    world.check_end();
    assert_eq!(outcomes(&world), [("b".to_owned(), Outcome::Completed), ("a".to_owned(), Outcome::Completed)]);
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn s28_a_run_that_stays_and_the_one_that_it_begins_both_go_on() {
    let mut world = empty().await;
    publish(&world, [hop("a", None, false), hop("b", Some("a"), true)]).await;
    register(&mut world).await;
    tell(&mut world, "join-b", "e1").await;
    world.run_to_the_end().await;
    world.check_end();
    assert_eq!(outcomes(&world).len(), 2);
}
