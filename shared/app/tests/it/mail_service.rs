//! What a mail service may say to a mail, and what becomes of the run.

use carepath_app::ports::{Health, Store};
use carepath_engine::advance::{Answer, EngagementKind};
use carepath_engine::run::{Edge, MessageState};
use jiff::SignedDuration;

use crate::journey::{Service, check, play, prepared, start};
use crate::world::World;

async fn answered(service: Service, answers: impl IntoIterator<Item = Answer>) -> World {
    let mut world = prepared(service).await;
    world.ports.mailer.answer_next(answers);
    play(&mut world).await;
    world.check_end();
    world
}

#[tokio::test]
async fn s10_a_throttled_mail_is_tried_again_until_it_goes_out_once() {
    let later = |minutes| Answer::Throttled { until: start() + SignedDuration::from_mins(minutes) };
    let world = answered(Service::Talks, [later(1), later(5), later(9)]).await;
    check(&world);
    let run = world.only_run();
    assert_eq!(run.messages[&0].attempt, 4);
    assert_eq!(run.messages[&0].at, start() + SignedDuration::from_mins(9));
}

/// A mail for which the rate leaves no room is not an attempt: nothing is claimed, and nothing is written but when it is
/// looked at again.
#[tokio::test]
async fn s10_a_mail_for_which_there_is_no_room_waits_and_costs_no_attempt() {
    let mut world = prepared(Service::Talks).await;
    let later = |seconds| start() + SignedDuration::from_secs(seconds);
    // A time that is over already is put off all the same, so that nobody asks without end.
    world.ports.mailer.full_until([later(5), later(-60), later(20)]);
    play(&mut world).await;
    world.check_end();
    check(&world);
    let run = world.only_run();
    let message = &run.messages[&0];
    assert_eq!((message.state, message.attempt), (MessageState::Sent, 1));
    assert_eq!(message.at, later(20));
    let deferred = run.visits.iter().flat_map(|visit| &visit.explanation).filter(|why| &*why.test == "deferred: rate");
    assert_eq!(deferred.count(), 1, "it is said once");
}

#[tokio::test]
async fn s10_a_refused_mail_takes_the_edge_for_failures_and_is_not_tried_again() {
    let world = answered(Service::Talks, [Answer::Refused("bad_address".into())]).await;
    let run = world.only_run();
    assert_eq!((run.messages[&0].state, run.messages[&0].attempt), (MessageState::Failed, 1));
    assert_eq!(run.visits[1].edge, Some(Edge::OnFailure));
    assert!(world.mails().is_empty());
}

/// S7, S8: the answer gets lost, and the mail with it.
#[tokio::test]
async fn s8_a_mail_of_which_nobody_ever_hears_is_not_sent_again_and_says_so() {
    let world = answered(Service::Silent, [Answer::Unknown]).await;
    check(&world);
    let run = world.only_run();
    let message = &run.messages[&0];
    assert_eq!((message.state, message.attempt), (MessageState::Sent, 1));
    assert_eq!(message.reason.as_deref(), Some("treated_as_sent"));
    assert_eq!(message.at, start() + SignedDuration::from_hours(24));
    assert_eq!(world.app().store().health().await.unwrap(), Health::default(), "what was unknown is settled");
}

#[tokio::test]
async fn s8_whatever_the_mail_service_tells_of_a_mail_settles_it() {
    for kind in [EngagementKind::Sent, EngagementKind::Delivered, EngagementKind::Opened] {
        let mut world = prepared(Service::Silent).await;
        world.tells = vec![(SignedDuration::from_secs(3), kind.clone())];
        let call = crate::world::Call { name: "send", nth: 0 };
        world.faults.arm(Some((call, crate::world::Fault::NoAnswer)), 0);
        play(&mut world).await;
        check(&world);
        let message = &world.only_run().messages[&0];
        assert_eq!((message.state, message.reason.as_deref()), (MessageState::Sent, None), "{kind:?}");
        assert_eq!(message.at, start() + SignedDuration::from_secs(3), "{kind:?}");
    }
}
