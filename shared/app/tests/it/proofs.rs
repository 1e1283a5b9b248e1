//! A proof of all reports goes through, whatever goes wrong on its way, and counts each run once.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::reconcile;
use serde_json::Value;

use crate::enrolments;
use crate::world::World;

/// Three runs, which this world reads one in a step.
pub(crate) async fn prepared() -> World {
    let mut world = enrolments::prepared().await;
    enrolments::play(&mut world).await;
    world
}

/// The request is repeated until it is acknowledged.
pub(crate) async fn play(world: &mut World) {
    world.insist(async |app| reconcile::begin(app, None, true).await).await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    let content = world.ports.store.content();
    let proof = &content.tasks["reconcile/.all"].0.body;
    assert!(!proof["finished_at"].is_null(), "{proof}");
    let found = &proof["found"][0];
    assert_eq!((&proof["runs"], &found["runs"], &found["unlawful"]), (&3.into(), &3.into(), &Value::Array(Vec::new())));
    assert_eq!(proof["found"].as_array().unwrap().len(), 1);
}
