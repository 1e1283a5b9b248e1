//! Every call of every port goes wrong once, in every way, and every delivery comes more than once. Whatever happens, what
//! was acknowledged is done, and no mail goes out twice.

use crate::journey::{Service, check, play, prepared};
use crate::world::{Call, Delivery, Fault, Summary, World};

/// The seed of histories in which nothing depends on who goes first.
const IN_ORDER: u64 = 0;

async fn played(service: Service, delivery: Delivery, planned: Option<(Call, Fault)>, seed: u64) -> World {
    let mut world = prepared(service).await;
    world.delivery = delivery;
    world.faults.arm(planned, seed);
    play(&mut world).await;
    world
}

/// The calls of a history in which nothing goes wrong.
async fn calls(service: Service) -> Vec<Call> {
    let world = played(service, Delivery::Once, None, IN_ORDER).await;
    let calls = world.faults.calls();
    assert!(calls.len() > 15, "a history of {} calls is none", calls.len());
    calls
}

async fn each_call_goes_wrong(service: Service, delivery: Delivery) {
    for call in calls(service).await {
        for fault in Fault::ALL {
            let world = played(service, delivery, Some((call, fault)), IN_ORDER).await;
            let what = format!("{call:?} {fault:?}");
            assert!(world.faults.happened(), "{what} did not come about");
            assert_eq!(world.deaths, usize::from(matches!(fault, Fault::DiesBefore | Fault::DiesAfter)), "{what}");
            check(&world);
        }
    }
}

/// S1, S5, S7, S8, S28
#[tokio::test]
async fn s28_whichever_call_goes_wrong_in_whichever_way_all_that_was_acknowledged_is_done_once() {
    each_call_goes_wrong(Service::Talks, Delivery::Once).await;
}

/// S1, S5, S7, S8, S28: without a word from the mail service, time and the author's `on_unknown` decide.
#[tokio::test]
async fn s28_so_it_is_where_the_mail_service_never_tells_what_became_of_a_mail() {
    each_call_goes_wrong(Service::Silent, Delivery::Once).await;
}

/// S1, S7: a fault and a repeat at the same time.
#[tokio::test]
async fn s1_so_it_is_where_two_workers_are_at_everything_at_the_same_time() {
    each_call_goes_wrong(Service::Talks, Delivery::Together).await;
}

async fn summary(service: Service, delivery: Delivery, seed: u64) -> Summary {
    let world = played(service, delivery, None, seed).await;
    check(&world);
    world.summary()
}

/// S1, S7
#[tokio::test]
async fn s1_every_delivery_twice_comes_to_the_same() {
    for service in [Service::Talks, Service::Silent] {
        let once = summary(service, Delivery::Once, IN_ORDER).await;
        assert_eq!(summary(service, Delivery::Twice, IN_ORDER).await, once);
    }
}

/// S1, S7: in two hundred orders of who goes first.
#[tokio::test]
async fn s1_every_delivery_to_two_workers_at_once_comes_to_the_same() {
    for service in [Service::Talks, Service::Silent] {
        let once = summary(service, Delivery::Once, IN_ORDER).await;
        for seed in 1..=100 {
            assert_eq!(summary(service, Delivery::Together, seed).await, once, "seed {seed}");
        }
    }
}
