//! Pauses, and what becomes of runs that they hold.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::documents::Expect;
use carepath_app::{work, workflows};
use carepath_engine::run::State;
use jiff::SignedDuration;

use crate::journey::{Service, check, prepared, start, tell};
use crate::world::World;

/// Pauses the workflow, or lets it go on, as a client does who repeats what was not acknowledged.
pub(crate) async fn pause(world: &mut World, hold: bool) {
    let id = "journey".parse().unwrap();
    world
        .insist(async |app| {
            if hold {
                return workflows::pause(app, &id, Expect::Any).await.map(|_| ());
            }
            workflows::unpause(app, &id, Expect::Any).await?;
            work::resume(app, &id).await
        })
        .await;
}

/// Paused while the first mail is unopened, and let go on when its wait is long over.
pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    pause(world, true).await;
    world.run_until(start() + SignedDuration::from_hours(200)).await;
    assert!(matches!(world.only_run().state, State::Paused { .. }));
    pause(world, false).await;
    world.run_to_the_end().await;
}

#[tokio::test]
async fn s15_a_run_that_is_paused_half_way_goes_on_where_it_stood_within_fifteen_minutes() {
    let mut world = prepared(Service::Talks).await;
    play(&mut world).await;
    check(&world);
    let over = world.only_run().visits.last().unwrap().at.duration_since(start() + SignedDuration::from_hours(200));
    assert!(over <= SignedDuration::from_mins(15), "{over:#}");
}

/// S5: of more runs than one piece of work lets go on, those that were left over are found again.
#[tokio::test]
async fn s15_runs_that_a_resumption_did_not_get_to_are_found_by_the_sweep() {
    let mut world = prepared(Service::Talks).await;
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    pause(&mut world, true).await;
    world.run_until(start() + SignedDuration::from_hours(200)).await;
    // The end of the pause is stored and acknowledged; what should have followed from it is lost.
    let id = "journey".parse().unwrap();
    world.insist(async |app| workflows::unpause(app, &id, Expect::Any).await).await;
    world.ports.queue.lose_all();
    world.run_to_the_end().await;
    check(&world);
}
