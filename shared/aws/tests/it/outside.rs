//! Queue, schedules and dead letters, against a server of the tests' own. What they leave undone is found by the sweep, so
//! they may fail; they may not hold anybody up, and they must not say that something is there that is not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use carepath_app::ports::{Queue, Work};
use carepath_aws::lambda::Settings;
use carepath_aws::queue::{DeadLetters, ScheduleSettings, Schedules, SqsQueue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::loopback::{Act, Server, answer};

/// The SDK's settings for a server on this machine.
pub(crate) fn sdk(url: &str) -> SdkConfig {
    Settings::at(url, Duration::from_millis(300)).aws
}

fn work() -> Work {
    Work::Run { run: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap() }
}

fn schedules(url: &str) -> Schedules {
    let settings = ScheduleSettings {
        group: "carepath-waits".to_owned(),
        role: "arn:aws:iam::1:role/wake".to_owned(),
        target: "arn:aws:sqs:us-east-1:1:carepath-timers".to_owned(),
    };
    Schedules::new(&sdk(url), settings)
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn failures() -> [Act; 6] {
    [
        Act::HangsUp,
        Act::HangsUpAmid,
        Act::HangsUpAfter,
        answer("500 Internal Server Error", "{}"),
        answer("400 Bad Request", r#"{"__type":"com.amazonaws.sqs#RequestThrottled"}"#),
        Act::Stalls(String::new(), Duration::from_secs(1)),
    ]
}

#[tokio::test]
async fn what_a_queue_did_not_certainly_take_is_not_said_to_be_in_it() {
    for act in failures() {
        let server = Server::start([act.clone()]);
        let queue = SqsQueue::new(&sdk(&server.url()), format!("{}/1/work", server.url()), None);
        let begun = Instant::now();
        assert!(!queue.post(&work()).await, "{act:?}");
        let server = Server::start([act.clone()]);
        assert!(!DeadLetters::new(&sdk(&server.url()), format!("{}/1/dead", server.url())).bury("x", "y").await);
        assert!(begun.elapsed() < Duration::from_secs(5), "{act:?}");
    }
}

/// S24: what lies in a queue names things and says nothing about them.
#[tokio::test]
async fn messages_that_come_together_travel_together_and_say_only_what_is_to_be_done() {
    let taken = json!({ "Successful": [], "Failed": [{ "Id": "1", "SenderFault": true, "Code": "x" }] }).to_string();
    let server = Server::start([answer("200 OK", &taken), answer("200 OK", r#"{"Successful":[]}"#)]);
    let queue = SqsQueue::new(&sdk(&server.url()), format!("{}/1/work", server.url()), None);
    let sent = futures_util::future::join_all((0..12).map(|_| {
        let queue = queue.clone();
        async move { queue.post(&work()).await }
    }))
    .await;
    assert_eq!(sent.iter().filter(|sent| !**sent).count(), 1, "the one that was refused");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let first = body(&requests[0]);
    assert_eq!(first["Entries"].as_array().unwrap().len(), 10);
    let run = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";
    let message: Value = serde_json::from_str(first["Entries"][0]["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(message, json!({ "do": "run", "run": run }));
}

#[tokio::test]
async fn a_short_wait_is_a_delay_and_a_long_one_a_schedule_that_is_made_once() {
    let server = Server::start([
        answer("200 OK", r#"{"Successful":[]}"#),
        answer("200 OK", r#"{"ScheduleArn":"a"}"#),
        answer("409 Conflict", r#"{"Message":"exists"}"#),
    ]);
    let queue = SqsQueue::new(&sdk(&server.url()), format!("{}/1/work", server.url()), Some(schedules(&server.url())));
    queue.push(work(), Timestamp::now() + SignedDuration::from_mins(10)).await;
    let at = Timestamp::now() + SignedDuration::from_hours(48);
    queue.push(work(), at).await;
    queue.push(work(), at).await;
    let requests = server.requests();
    let delay = body(&requests[0])["Entries"][0]["DelaySeconds"].as_i64().unwrap();
    assert!((590..=600).contains(&delay), "{delay}");
    let path = |request: &str| request.split(' ').nth(1).unwrap().to_owned();
    assert!(path(&requests[1]).starts_with("/schedules/run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb-"));
    assert_eq!(path(&requests[1]), path(&requests[2]), "the same wait has the same name");
    let made = body(&requests[1]);
    assert_eq!(made["ActionAfterCompletion"], "DELETE");
    assert_eq!(made["FlexibleTimeWindow"], json!({ "Mode": "OFF" }));
    assert_eq!(made["ScheduleExpressionTimezone"], "UTC");
    assert_eq!(made["GroupName"], "carepath-waits");
    let input: Value = serde_json::from_str(made["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input["do"], "run");
}

/// S5: a wait whose hint is lost is the sweep's, and nobody is held up by it.
#[tokio::test]
async fn a_schedule_that_cannot_be_made_holds_nobody_up() {
    for act in failures() {
        let server = Server::start([act]);
        let queue = SqsQueue::new(&sdk(&server.url()), "http://127.0.0.1:1/work", Some(schedules(&server.url())));
        let begun = Instant::now();
        queue.push(work(), Timestamp::now() + SignedDuration::from_hours(48)).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let none = SqsQueue::new(&sdk("http://127.0.0.1:1"), "http://127.0.0.1:1/work", None);
    none.push(work(), Timestamp::now() + SignedDuration::from_hours(48)).await;
}
