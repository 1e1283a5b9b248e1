//! Pauses, and what becomes of runs that they hold.

use carepath_app::documents::Expect;
use carepath_app::{work, workflows};
use carepath_engine::run::{Outcome, State};
use jiff::SignedDuration;

use crate::journey::{Service, check, prepared, start, tell};
use crate::world::World;

async fn paused(world: &mut World, paused: bool) {
    let id = "journey".parse().unwrap();
    world
        .insist(async |app| {
            if paused {
                workflows::pause(app, &id, Expect::Any).await.map(|_| ())
            } else {
                workflows::unpause(app, &id, Expect::Any).await?;
                work::resume(app, &id).await
            }
        })
        .await;
}

#[tokio::test]
async fn s15_a_run_that_is_paused_half_way_goes_on_where_it_stood() {
    let mut world = prepared(Service::Talks).await;
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    paused(&mut world, true).await;
    world.run_until(start() + SignedDuration::from_hours(200)).await;
    assert!(matches!(world.only_run().state, State::Parked { .. }));
    paused(&mut world, false).await;
    world.run_to_the_end().await;
    check(&world);
    assert_eq!(*World::outcome(&world.only_run()), Outcome::Completed);
}
