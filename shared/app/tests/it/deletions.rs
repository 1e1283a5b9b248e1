//! Deleting a contact in the middle of things.

use carepath_app::UseError;
use carepath_app::change::delete_contact;
use carepath_engine::run::Outcome;
use jiff::SignedDuration;

use crate::journey::{Service, pat, prepared, start, tell};
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
