//! Deleting a contact in the middle of things.

use carepath_app::change::delete_contact;
use carepath_app::ports::{Store, Work};
use carepath_app::{UseError, work};
use carepath_engine::run::Outcome;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::journey::{Service, empty, pat, prepared, publish, register, start, tell};
use crate::pauses;
use crate::world::{Call, Fault, World};

/// Deletes the contact, as a client does who takes it for done when there is none any more.
async fn delete(world: &mut World) {
    world
        .insist(async |app| match delete_contact(app, &pat()).await {
            Ok(()) | Err(UseError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        })
        .await;
}

/// Deleted while its run waits, or is at whatever a fault has left it at.
pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    delete(world).await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    assert_eq!(*World::outcome(&world.only_run()), Outcome::Deleted);
    let content = world.ports.store.content();
    assert!(content.contacts.is_empty() && content.events.is_empty() && content.members.is_empty());
}

/// S5, S26: the run is over and its contact gone, and what became of the mail is settled all the same.
#[tokio::test]
async fn s26_a_mail_that_was_under_way_when_its_contact_was_deleted_is_settled() {
    let mut world = prepared(Service::Silent).await;
    world.faults.arm(Some((Call { name: "send", nth: 0 }, Fault::DiesAfter)), 0);
    play(&mut world).await;
    check(&world);
    assert_eq!(world.only_run().messages[&0].reason.as_deref(), Some("treated_as_sent"));
}

/// S28: found by a history of `simulated`. Nothing is left to do for a contact that goes while its changes are acted on.
#[tokio::test]
async fn s28_work_for_a_contact_that_is_deleted_meanwhile_is_done() {
    for seed in 0..20 {
        let mut world = empty().await;
        publish(&world, [on_plan()]).await;
        register(&mut world).await;
        let (id, app) = (pat(), world.app());
        let work = Work::Contact { contact: app.key_of(&id) };
        world.faults.arm(None, seed);
        let (acted, deleted) = tokio::join!(Box::pin(work::handle(app, &work)), Box::pin(delete_contact(app, &id)));
        assert!(acted.is_ok() && deleted.is_ok(), "seed {seed}: {acted:?} {deleted:?}");
    }
}

/// S26: whichever of the two is faster at whichever call, a run that an event begins while its contact is being deleted
/// is over when both are through, and does not keep what it knows until it is due.
#[tokio::test]
async fn s26_a_run_that_begins_while_its_contact_is_deleted_is_over_with_it() {
    let mut begun = 0;
    for seed in 0..300 {
        let mut world = empty().await;
        publish(&world, [month_long()]).await;
        register(&mut world).await;
        tell(&mut world, "joined", "e1").await;
        let due = world.ports.store.content().due();
        let work = due.into_iter().map(|due| due.work).find(|work| matches!(work, Work::Event { .. })).unwrap();
        let (id, app) = (pat(), world.app());
        world.faults.arm(None, seed);
        let (acted, deleted) = tokio::join!(Box::pin(work::handle(app, &work)), Box::pin(delete_contact(app, &id)));
        assert!(acted.is_ok() && deleted.is_ok(), "seed {seed}: {acted:?} {deleted:?}");
        let content = world.ports.store.content();
        begun += content.runs.len();
        assert!(content.runs.values().all(carepath_engine::Run::is_ended), "seed {seed}");
    }
    assert!(begun > 100, "they hardly ever meet: {begun}");
}

fn month_long() -> Value {
    json!({ "id": "long", "class": "care", "entry": { "event": "joined" },
        "steps": { "rest": { "wait": { "for": "30d" }, "next": "end" } } })
}

/// S6: found by a history of `simulated`. A deletion does not see a run that begins at that very moment, and a pause
/// holds that run: when the pause is over, nobody is there for whom it could go on.
#[tokio::test]
async fn s26_a_run_that_a_pause_holds_ends_though_its_contact_is_gone() {
    let mut world = prepared(Service::Talks).await;
    pauses::pause(&mut world, true).await;
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    let key = world.app().key_of(&pat());
    world.app().store().erase_contact(&key, &[]).await.unwrap();
    pauses::pause(&mut world, false).await;
    world.run_to_the_end().await;
    assert_eq!(*World::outcome(&world.only_run()), Outcome::Deleted);
}

fn on_plan() -> Value {
    json!({ "id": "golden", "class": "care", "entry": { "attribute": "plan", "to": "gold" },
        "steps": { "greet": { "send": { "template": "welcome" }, "next": "end" } } })
}
