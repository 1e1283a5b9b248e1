//! S22: the proof of reports finds what is wrong, and nothing else, while runs move and while it is done twice at once.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::mem::take;

use carepath_app::ports::{Ports as _, Position, Reports, StayRecord, StepState, Store as _, Work};
use carepath_app::project::Projection as _;
use carepath_app::reconcile::{self, EARLIER, Reconciled};
use carepath_app::{App, recount, work};
use carepath_aws::dynamo::Projected;
use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::{Cell, Tally, hour_of};
use jiff::{SignedDuration, Timestamp};

use crate::projected::{assert_same, come, id, lived, tell, tell_on};
use crate::world::{World, settle, with};

/// One proof, to its end. It steps over what it has to wait for.
pub(crate) async fn proved<R: Reports + Clone>(
    app: &App<World<R>>,
    workflow: Option<WorkflowId>,
    repair: bool,
) -> Reconciled {
    reconcile::begin(app, workflow.clone(), repair).await.unwrap();
    for _ in 0..10 {
        settle(app).await;
        let now = reconcile::get(app, workflow.as_ref()).await.unwrap();
        if now.finished_at.is_some() {
            assert_eq!(now.found.len(), 1);
            return now.found.into_iter().next().unwrap();
        }
        *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_secs(31);
    }
    panic!("the proof does not come to its end");
}

/// The next step of a proof, as the queue has it.
fn next<R>(app: &App<World<R>>) -> Option<Work>
where
    R: Reports + Clone,
{
    let mut queue = app.ports.hand().work.lock().unwrap();
    let all: BTreeSet<(Timestamp, Work)> = take(&mut *queue);
    let (steps, others) = all.into_iter().partition(|(_, work)| matches!(work, Work::Task { .. }));
    *queue = others;
    let steps: BTreeSet<(Timestamp, Work)> = steps;
    steps.into_iter().next().map(|(_, work)| work)
}

async fn app() -> (App<World<Projected>>, App<World>, crate::streamed::Streamed) {
    let (before, streamed) = Box::pin(lived()).await;
    let projected = Projected::beside(&streamed.store);
    tell(&streamed, &projected, 2, 7).await;
    (with(&before, projected).await, before, streamed)
}

fn entered(version: u32, hour: Option<i64>, by: i64) -> Tally {
    let mut wrong = Tally::default();
    wrong.add_to(Cell { version, hour, counter: "0.n".parse().unwrap() }, by);
    wrong
}

/// S22: two workers at each step, the steps three runs long: each run is counted once.
#[tokio::test]
async fn s22_a_proof_that_two_workers_do_at_once_counts_each_run_once() {
    let (app, _, _) = app().await;
    reconcile::begin(&app, Some(id()), false).await.unwrap();
    let mut steps = 0;
    while reconcile::get(&app, Some(&id())).await.unwrap().finished_at.is_none() {
        let Some(step) = next(&app) else { panic!("nobody goes on with it") };
        let (one, other) = tokio::join!(work::handle(&app, &step), work::handle(&app, &step));
        // One of them may have been in the way of the other, and is told to do it again.
        if one.is_err() && other.is_err() {
            work::handle(&app, &step).await.unwrap();
        }
        *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_secs(31);
        steps += 1;
        assert!(steps < 40);
    }
    assert!(steps > 5, "only {steps} steps");
    let found = reconcile::get(&app, Some(&id())).await.unwrap();
    let (_, runs) = recount::whole(app.store(), &id()).await.unwrap();
    assert_eq!((found.wrong(), found.found[0].runs, found.runs), (0, runs, runs));
}

/// S22: what was counted so far and cannot be trusted is counted again.
#[tokio::test]
async fn s22_a_proof_whose_sums_are_gone_begins_anew() {
    let (app, _, _) = app().await;
    reconcile::begin(&app, Some(id()), false).await.unwrap();
    for _ in 0..3 {
        let step = next(&app).unwrap();
        work::handle(&app, &step).await.unwrap();
    }
    let mut spoilt = 0;
    for set in 0..2 {
        let part = format!("part-of-reconcile/{}/{set}/0", id());
        if let Some(known) = app.store().task(&part).await.unwrap() {
            let mut body = known.body;
            body["token"] = "another".into();
            app.store().put_task(&part, &body, None, known.revision).await.unwrap();
            spoilt += 1;
        }
    }
    assert_eq!(spoilt, 2);
    reconcile::begin(&app, Some(id()), false).await.unwrap();
    let found = proved(&app, Some(id()), false).await;
    let (_, runs) = recount::whole(app.store(), &id()).await.unwrap();
    assert_eq!((found.wrong(), found.runs), (0, runs));
}

/// S22: runs that move while they are counted are no difference, and what is wrong among them is found, and put right when they
/// rest.
#[tokio::test]
async fn s22_what_is_wrong_is_found_while_runs_move() {
    let (app, before, streamed) = app().await;
    let projected = Projected::beside(&streamed.store);
    let mut told = streamed.records.lock().unwrap().len();
    for (round, repair) in [(0, false), (1, false), (2, true)] {
        if round == 1 {
            // The version that people come into, whose row of all time never rests here.
            projected.mend(&id(), &entered(2, None, 3)).await.unwrap();
        }
        reconcile::begin(&app, Some(id()), repair).await.unwrap();
        let mut moved = 0;
        while reconcile::get(&app, Some(&id())).await.unwrap().finished_at.is_none() {
            let step = next(&app).unwrap();
            work::handle(&app, &step).await.unwrap();
            // Somebody comes in after each step, and waits; the stream tells it after the next, which may have read it.
            told = tell_on(&streamed, &projected, told).await;
            come(&before, &format!("late-{round}-{moved}").parse().unwrap(), 0).await;
            let step = next(&app);
            settle(&before).await;
            *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_secs(31);
            if let Some(step) = step {
                app.ports.hand().work.lock().unwrap().insert((app.now(), step));
            }
            moved += 1;
        }
        let found = reconcile::get(&app, Some(&id())).await.unwrap();
        let found = &found.found[0];
        assert!(!found.quiet && moved > 4, "{found:?}");
        assert_eq!((found.differing, found.mended), (u64::from(round > 0), 0), "{round} {found:?}");
    }
    tell_on(&streamed, &projected, told).await;
    let repaired = proved(&app, Some(id()), true).await;
    assert_eq!((repaired.wrong(), repaired.mended, repaired.quiet), (0, 1, true));
    assert_same(&app, &projected, 7).await;
}

/// S22: hours of long ago are compared as one where all workflows are, and by themselves where one is.
#[tokio::test]
async fn s22_an_hour_of_long_ago_is_found_and_put_right() {
    let (app, _, _) = app().await;
    let hour = hour_of(app.now()) - 24 * 400;
    app.ports.reports().mend(&id(), &entered(1, Some(hour), 2)).await.unwrap();
    let all = proved(&app, None, true).await;
    assert_eq!((all.differing, all.differences[0].hour, all.mended), (1, Some(EARLIER), 0));
    let one = proved(&app, Some(id()), true).await;
    assert_eq!((one.wrong(), one.mended), (0, 1));
    assert_eq!(proved(&app, None, false).await.wrong(), 0);
}

/// S22: who is where is compared with the runs as well, and put right only where it is asked for.
#[tokio::test]
async fn s22_a_record_of_a_stay_that_is_not_as_its_run_says_is_found_and_put_right() {
    let (app, _, streamed) = app().await;
    let projected = Projected::beside(&streamed.store);
    let at = Position { workflow: id(), version: 1, step: 0 };
    let one = projected.in_step(&at, StepState::Entered, 1, None).await.unwrap().items.remove(0);
    let wrong: StayRecord = StayRecord { left: None, ended: None, ..one.stay };
    let spoilt: [(Position, RunId, StayRecord); 1] = [(at, one.run, wrong)];
    projected.record(&spoilt).await.unwrap();
    let found = proved(&app, Some(id()), false).await;
    assert_eq!((found.stays, found.differing, found.mended), (1, 0, 0));
    let repaired = proved(&app, Some(id()), true).await;
    assert_eq!((repaired.stays, repaired.mended), (0, 1));
    assert_same(&app, &projected, 7).await;
}
