//! The sweep, where every message gets lost: it alone moves everything on.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::ports::Work;
use carepath_app::sweep::{self, Swept};
use carepath_app::{park, work};
use carepath_engine::run::State;
use jiff::{SignedDuration, Timestamp};

use crate::journey::{Service, check, prepared, start, tell};
use crate::world::{Call, Fault, World};

/// A minute passes, in which all that was left in the queue is lost, and a sweep comes by.
async fn minute(world: &World) -> Swept {
    world.ports.queue.lose_all();
    world.ports.clock.turn_to(world.now() + SignedDuration::from_mins(1));
    sweep::sweep(world.app()).await.unwrap()
}

/// Does what is due in the queue.
async fn work_off(world: &World) {
    while let Some(work) = world.ports.queue.take_any(world.now(), 0) {
        park::handle(world.app(), &work).await.unwrap();
    }
}

/// S5: of a run whose every message is lost, each step is a minute late at most, and none is missing.
#[tokio::test]
async fn s5_a_run_whose_every_message_is_lost_comes_to_its_end_by_sweeps_alone() {
    let mut world = prepared(Service::Silent).await;
    tell(&mut world, "joined", "e1").await;
    let mut minutes = 0;
    while world.first_run().is_none_or(|run| !run.is_ended()) {
        minute(&world).await;
        work_off(&world).await;
        minutes += 1;
        assert!(minutes < 60 * 24 * 10, "it never ends");
    }
    check(&world);
    let reference = {
        let mut world = prepared(Service::Silent).await;
        tell(&mut world, "joined", "e1").await;
        world.run_to_the_end().await;
        world.only_run().visits.last().unwrap().at
    };
    let late = world.only_run().visits.last().unwrap().at.duration_since(reference);
    assert!(late <= SignedDuration::from_mins(5), "{late:#}");
}

/// What a sweep left in the queue may be lost as well. The next sweeps look a little way back; what lies further back is
/// found when everything is looked at.
#[tokio::test]
async fn s5_what_is_lost_again_and_again_is_found_when_everything_is_looked_at() {
    let mut world = prepared(Service::Silent).await;
    // The first sweep of an installation looks at everything.
    assert!(minute(&world).await.all);
    tell(&mut world, "joined", "e1").await;
    let mut found = Vec::new();
    for _ in 0..10 {
        found.push(minute(&world).await);
    }
    let looks: Vec<_> = found.iter().map(|swept| (swept.found, swept.all)).collect();
    let mut expected = vec![(1, false), (1, false)];
    expected.extend([(0, false); 7]);
    expected.push((1, true));
    assert_eq!(looks, expected, "lately due, then too long ago, then found by the look at everything");
    assert_eq!(found[9].lag_seconds, 600, "which says how long it was due");
    assert!(world.first_run().is_none());
}

/// S5: nothing is due before what a look at everything found last, so none goes further back.
#[tokio::test]
async fn s5_a_look_at_everything_begins_where_the_oldest_thing_was_due() {
    let mut world = prepared(Service::Silent).await;
    minute(&world).await;
    tell(&mut world, "joined", "e1").await;
    for _ in 0..25 {
        minute(&world).await;
    }
    // It was lost all the time, and is found all the same.
    for _ in 0..10 {
        minute(&world).await;
        work_off(&world).await;
    }
    assert_eq!(world.mails().len(), 1, "since {}", start());
}

/// S5: a process dies under a claim. The run stands where it was due, the next look puts it where its claim is over, and
/// nobody asks about the mail before: it may be going out.
#[tokio::test]
async fn s5_a_claim_that_nobody_is_at_any_more_is_found_where_its_run_stood_and_looked_at_in_its_time() {
    let mut world = prepared(Service::Silent).await;
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_hours(1)).await;
    let wait = world.only_run().state.due().unwrap();
    world.faults.arm(Some((Call { name: "send", nth: 0 }, Fault::DiesAfter)), 0);
    world.run_until(wait - SignedDuration::from_secs(1)).await;
    assert!(!world.faults.happened());
    world.ports.clock.turn_to(wait);
    let work = Work::Run { run: world.only_run().id };
    assert!(world.ask(async |app| work::handle(app, &work).await).await.is_none(), "it dies");
    let claimed = world.only_run();
    assert_eq!((claimed.state.place(), claimed.state.due()), (Some(wait), claimed.state.deadline().map(grace)));
    minute(&world).await;
    work_off(&world).await;
    let put_down = world.only_run();
    assert_eq!(put_down.state.place(), claimed.state.due());
    assert!(world.faults.calls().iter().all(|call| call.name != "evidence"), "it was asked about");
    world.run_until(grace(claimed.state.deadline().unwrap())).await;
    assert!(matches!(world.only_run().state, State::Unknown { .. }), "{:?}", world.only_run().state);
    assert!(world.faults.calls().iter().any(|call| call.name == "evidence"));
    world.run_to_the_end().await;
    world.check_end();
    assert!(world.mails().values().all(|count| *count == 1));
}

fn grace(deadline: Timestamp) -> Timestamp {
    deadline + SignedDuration::from_mins(15)
}
