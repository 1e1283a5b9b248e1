//! A segment is enrolled by request: everybody in it comes in, but for whoever is in already.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::change::set_members;
use carepath_app::enroll::{self, Order};
use carepath_app::{admit, workflows};
use carepath_engine::contact::Attributes;
use carepath_engine::ids::{ContactId, SegmentId, WorkflowId};
use serde_json::json;

use crate::journey::{empty, pat, publish, register};
use crate::world::World;

fn workflow() -> WorkflowId {
    "call".parse().unwrap()
}

fn people() -> [ContactId; 3] {
    [pat(), "kim".parse().unwrap(), "lee".parse().unwrap()]
}

/// Three who are in the segment, one of whom has been let in before.
pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    let document = json!({
        "id": "call", "class": "care", "entry": { "api": true },
        "steps": { "tell": { "send": { "template": "welcome" } } }
    });
    publish(&world, [document]).await;
    register(&mut world).await;
    set_members(world.app(), &reached(), &people(), &[]).await.unwrap();
    let [.., lee] = people();
    admit::enroll(world.app(), &workflow(), &lee, Attributes::new(), None, None).await.unwrap();
    world.run_to_the_end().await;
    world
}

fn reached() -> SegmentId {
    "reached".parse().unwrap()
}

/// The request is repeated until it is acknowledged.
pub(crate) async fn play(world: &mut World) {
    let order = Order { segment: reached(), payload: Attributes::new(), key: None };
    let request = Some("r-1".to_owned());
    world.insist(async |app| enroll::begin(app, &workflow(), order.clone(), request.clone()).await).await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    let content = world.ports.store.content();
    assert_eq!(content.runs.len(), 3);
    let tasks: Vec<_> = content.tasks.iter().filter(|(name, _)| name.starts_with("enroll/call/")).collect();
    assert_eq!(tasks.len(), 1, "what is repeated is one enrolment");
    let body = &tasks[0].1.0.body;
    assert_eq!((&body["done"], &body["admitted"], &body["refused"]), (&json!(3), &json!(2), &json!(1)));
    assert!(body["order"].is_null() && !body["finished_at"].is_null());
    let refused: Vec<_> = content.contacts.values().filter(|contact| !contact.not_admitted.is_empty()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].not_admitted.len(), 1, "why somebody did not come in is told once");
    assert_eq!(refused[0].not_admitted[0].why, "entered_before");
}

#[tokio::test]
async fn s28_a_segment_is_enrolled_and_what_is_archived_meanwhile_lets_nobody_in() {
    let mut world = prepared().await;
    play(&mut world).await;
    check(&world);
    let mut world = prepared().await;
    let order = Order { segment: reached(), payload: Attributes::new(), key: None };
    let begun = enroll::begin(world.app(), &workflow(), order, None).await.unwrap();
    workflows::archive(world.app(), &workflow(), carepath_app::documents::Expect::Any).await.unwrap();
    world.run_to_the_end().await;
    let stopped = enroll::get(world.app(), &workflow(), &begun.id).await.unwrap();
    assert!(stopped.stopped && stopped.finished_at.is_some());
    assert_eq!((stopped.done, world.ports.store.content().runs.len()), (0, 1));
}
