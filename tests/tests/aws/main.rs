//! Stories of users, played on an AWS that is not ours: the stacks as the CDK app deploys them, with the Lambdas' own binaries.
//! `make aws-test` starts it, and says in `CAREPATH_AWS_STACK` where to find what was deployed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of a test fails as the test does, and says how far it has come"
)]

mod cloud;
mod installation;
mod stories;
mod storm;

use std::time::Duration;

use carepath_tests::dice::Dice;
use installation::Installation;
use storm::Scale;

/// One after the other: what they share, the deployment, takes longer to come up than all of them take to play.
#[tokio::test]
#[ignore = "it needs a deployment: `make aws-test` makes one"]
async fn what_users_do_works_on_the_deployed_system() {
    let installation = Installation::find().await;
    stories::publish(&installation).await;
    tokio::join!(
        stories::an_onboarding_that_is_opened(&installation),
        stories::an_onboarding_that_nobody_opens(&installation),
        stories::an_appointment_that_is_confirmed(&installation),
        stories::an_appointment_that_is_cancelled(&installation),
        stories::a_wait_whose_schedule_is_lost(&installation),
        stories::a_mail_that_bounces(&installation),
    );
    stories::the_report_of_the_projector(&installation).await;
    stories::messages_that_nobody_can_read(&installation).await;
    stories::nothing_of_a_contact_is_in_queues_schedules_and_logs(&installation);
    println!("  all stories played");
}

/// So many kills are a long storm, at whose end nothing is left open.
const MANY: usize = 10;

/// S1, S5, S7, S8, S16, S22, S28: functions killed in the middle of batches, and all else that may go wrong, until everything is
/// over and counted. A send that died before the mail service had the mail is known as such after a quarter of an hour.
#[tokio::test]
#[ignore = "it needs a deployment of its own, and half an hour with many kills: `make chaos` makes one"]
async fn s28_functions_that_are_killed_in_mid_batch_send_nothing_twice_and_lose_nothing() {
    let installation = Installation::find().await;
    stories::publish(&installation).await;
    let kills = std::env::var("CAREPATH_CHAOS_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let to_the_end = kills >= MANY;
    let patience = if to_the_end { Duration::from_mins(40) } else { Duration::from_secs(150) };
    storm::play(&installation, Scale { kills, people: 8, patience, to_the_end }, seed()).await;
}

/// Another number each time, unless one is asked for.
fn seed() -> u64 {
    std::env::var("CAREPATH_CHAOS_SEED")
        .map_or_else(|_| Dice::fresh().below(1 << 40), |seed| seed.parse().expect("CAREPATH_CHAOS_SEED is a number"))
}
