//! Every call of every port goes wrong once, in every way, and every delivery comes more than once. Whatever happens, what
//! was acknowledged is done, and no mail goes out twice.

use crate::journey::{Service, check, play, prepared};
use crate::world::{Call, Delivery, Fault, Summary, World};
use crate::{changes, deletions, enrolments, jumps, migrations, outside, pauses, proofs, times, unsubscribing};

/// The seed of histories in which nothing depends on who goes first.
const IN_ORDER: u64 = 0;

/// A history: how it is prepared, how it is played, and what must have come of it.
struct History<Prepare, Play> {
    prepare: Prepare,
    play: Play,
    check: fn(&World),
}

impl<Prepare: AsyncFn() -> World, Play: AsyncFn(&mut World)> History<Prepare, Play> {
    async fn played(&self, delivery: Delivery, planned: Option<(Call, Fault)>, seed: u64) -> World {
        let mut world = (self.prepare)().await;
        // A process that has read nothing yet: what it reads of the configuration may go wrong as well.
        world.restart().await;
        world.delivery = delivery;
        world.faults.arm(planned, seed);
        (self.play)(&mut world).await;
        world
    }

    /// Each call of the history in which nothing goes wrong does, in each way.
    async fn each_call_goes_wrong(&self, delivery: Delivery) {
        let calls = self.played(delivery, None, IN_ORDER).await.faults.calls();
        assert!(calls.len() > 10, "a history of {} calls is none", calls.len());
        for call in calls {
            for fault in Fault::ALL {
                let what = format!("{call:?} {fault:?}");
                let world = self.played(delivery, Some((call, fault)), IN_ORDER).await;
                let dies = matches!(fault, Fault::DiesBefore | Fault::DiesAfter);
                let happened = world.faults.happened();
                assert!(happened, "{what} did not come about");
                assert_eq!(world.deaths, usize::from(dies), "{what}");
                (self.check)(&world);
            }
        }
    }

    async fn summary(&self, delivery: Delivery, seed: u64) -> Summary {
        let world = self.played(delivery, None, seed).await;
        (self.check)(&world);
        world.summary()
    }

    /// However often and by however many things are done, it comes to the same.
    async fn repeats_come_to_the_same(&self) {
        let once = self.summary(Delivery::Once, IN_ORDER).await;
        assert_eq!(self.summary(Delivery::Twice, IN_ORDER).await, once);
        for seed in 1..=50 {
            assert_eq!(self.summary(Delivery::Together, seed).await, once, "seed {seed}");
        }
    }
}

fn journey(service: Service) -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: async move || prepared(service).await, play, check }
}

fn jump() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: jumps::prepared, play: jumps::play, check: jumps::check }
}

fn pause() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: async || prepared(Service::Talks).await, play: pauses::play, check }
}

fn change() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: changes::prepared, play: changes::play, check: changes::check }
}

fn outside() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: outside::prepared, play: outside::play, check: outside::check }
}

fn deletion(service: Service) -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: async move || prepared(service).await, play: deletions::play, check: deletions::check }
}

fn migration() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: migrations::ready, play: migrations::play, check: migrations::check }
}

fn unsubscription() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: unsubscribing::prepared, play: unsubscribing::play, check: unsubscribing::check }
}

/// S1, S5, S7, S8, S28
#[tokio::test]
async fn s28_whichever_call_goes_wrong_in_whichever_way_all_that_was_acknowledged_is_done_once() {
    journey(Service::Talks).each_call_goes_wrong(Delivery::Once).await;
}

/// S1, S5, S7, S8, S28: without a word from the mail service, time and the author's `on_unknown` decide.
#[tokio::test]
async fn s28_so_it_is_where_the_mail_service_never_tells_what_became_of_a_mail() {
    journey(Service::Silent).each_call_goes_wrong(Delivery::Once).await;
}

/// S1, S7: a fault and a repeat at the same time.
#[tokio::test]
async fn s1_so_it_is_where_two_workers_are_at_everything_at_the_same_time() {
    journey(Service::Talks).each_call_goes_wrong(Delivery::Together).await;
}

/// S2, S28
#[tokio::test]
async fn s28_so_it_is_where_runs_jump_into_other_workflows() {
    jump().each_call_goes_wrong(Delivery::Once).await;
}

/// S15, S28
#[tokio::test]
async fn s28_so_it_is_where_a_workflow_is_paused_and_goes_on() {
    pause().each_call_goes_wrong(Delivery::Once).await;
}

#[tokio::test]
async fn s28_so_it_is_where_changes_of_the_contact_start_one_workflow_after_the_other() {
    change().each_call_goes_wrong(Delivery::Once).await;
}

/// S1, S5, S28: an event that a workflow tells comes to be once, whatever dies, and a webhook knows each repeat by its id.
#[tokio::test]
async fn s28_so_it_is_where_a_workflow_calls_a_webhook_and_tells_an_event_that_starts_another() {
    outside().each_call_goes_wrong(Delivery::Once).await;
    outside().each_call_goes_wrong(Delivery::Together).await;
}

/// S11, S28
#[tokio::test]
async fn s11_so_it_is_where_somebody_unsubscribes_while_a_mail_waits() {
    unsubscription().each_call_goes_wrong(Delivery::Once).await;
    unsubscription().each_call_goes_wrong(Delivery::Together).await;
    unsubscription().repeats_come_to_the_same().await;
}

fn time() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: times::prepared, play: times::play, check: times::check }
}

/// S21, S28: definitions that are brought to everybody, and what time starts.
#[tokio::test]
async fn s21_so_it_is_where_time_starts_runs_and_definitions_are_new() {
    time().each_call_goes_wrong(Delivery::Once).await;
    time().repeats_come_to_the_same().await;
}

fn enrolment() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: enrolments::prepared, play: enrolments::play, check: enrolments::check }
}

fn proof() -> History<impl AsyncFn() -> World, impl AsyncFn(&mut World)> {
    History { prepare: proofs::prepared, play: proofs::play, check: proofs::check }
}

/// S22: a proof that dies anywhere goes on there, and counts each run once.
#[tokio::test]
async fn s22_so_it_is_where_reports_are_compared() {
    proof().each_call_goes_wrong(Delivery::Once).await;
    proof().repeats_come_to_the_same().await;
}

/// S28: a segment that is enrolled is enrolled to the end.
#[tokio::test]
async fn s28_so_it_is_where_a_whole_segment_is_enrolled() {
    enrolment().each_call_goes_wrong(Delivery::Once).await;
    enrolment().repeats_come_to_the_same().await;
}

/// S3, S28
#[tokio::test]
async fn s3_so_it_is_where_a_run_is_moved_to_another_version() {
    migration().each_call_goes_wrong(Delivery::Once).await;
    migration().repeats_come_to_the_same().await;
}

/// S26, S28
#[tokio::test]
async fn s26_so_it_is_where_the_contact_is_deleted_half_way() {
    deletion(Service::Talks).each_call_goes_wrong(Delivery::Once).await;
    deletion(Service::Silent).each_call_goes_wrong(Delivery::Once).await;
}

/// S1, S7
#[tokio::test]
async fn s1_every_delivery_twice_or_to_two_workers_at_once_comes_to_the_same() {
    journey(Service::Talks).repeats_come_to_the_same().await;
    journey(Service::Silent).repeats_come_to_the_same().await;
    jump().repeats_come_to_the_same().await;
    pause().repeats_come_to_the_same().await;
    outside().repeats_come_to_the_same().await;
    change().repeats_come_to_the_same().await;
}
