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

use installation::Installation;

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
