//! Everything at once that may go wrong on the deployed system: functions are killed in the middle of a batch, messages and
//! schedules come twice, late and never, events of mails come twice and in any order, and the mail service turns mails away,
//! hangs up after having accepted one, or lets one fall. Counted at the receiving end.

mod counted;
mod killer;
mod meddler;
mod post;

use std::collections::BTreeMap;
use std::time::Duration;

use carepath_tests::dice::Dice;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::installation::{Installation, example};
use meddler::{Meddled, event};
use post::{Post, Received};

/// What tells the function that sends mails where the mail service is.
const WAY_OUT: &str = "AWS_ENDPOINT_URL_SESV2";
/// How long somebody else's message is nobody else's here. Deployed it is minutes, which a test would have to sit through.
const VISIBILITY: u64 = 4;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// How often functions are killed in the middle of a batch, at least.
    pub(crate) kills: usize,
    /// How many people come in a round, while there are kills.
    pub(crate) people: usize,
    /// How long it may last until the last run is over.
    pub(crate) patience: Duration,
    /// Whether it is waited for sends that a killed process left behind before anybody had the mail: that takes the quarter of
    /// an hour in which word of them could still come.
    pub(crate) to_the_end: bool,
}

/// The storm, and what has come of it.
struct Storm<'a> {
    on: &'a Installation,
    scale: Scale,
    post: Post,
    documents: BTreeMap<&'static str, Value>,
    people: Vec<String>,
    meddled: Meddled,
    settled_by_events: usize,
    settled_by_hand: usize,
}

/// Keeps the log of a run that failed, which goes with the deployment otherwise.
struct Evidence<'a>(&'a Installation, u64);

impl Drop for Evidence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = carepath_tests::root().join("target/aws-local/chaos.log");
            println!("chaos: failed with CAREPATH_CHAOS_SEED={}; what all functions wrote: {}", self.1, kept.display());
            drop(std::fs::copy(self.0.text("/log"), kept));
        }
    }
}

/// S1, S5, S7, S8, S16, S22: plays it, and counts.
pub(crate) async fn play(on: &Installation, scale: Scale, seed: u64) {
    println!("chaos: CAREPATH_CHAOS_SEED={seed}, {scale:?}");
    let _evidence = Evidence(on, seed);
    let mut dice = Dice::seeded(seed);
    let post = Post::open(on.text("/endpoint").trim_start_matches("http://"), dice.split());
    on.cloud.set_variable(on.text("/functions/executor"), WAY_OUT, Some(&post.url)).await;
    for queue in ["work", "timers", "engagement"] {
        on.cloud.set_visibility(on.text(&format!("/queue_urls/{queue}")), VISIBILITY).await;
    }
    let documents = publish(on).await;
    let mut storm = Storm {
        on,
        scale,
        post,
        documents,
        people: Vec::new(),
        meddled: Meddled::default(),
        settled_by_events: 0,
        settled_by_hand: 0,
    };
    let telling = tokio::spawn(tell_of_mails(
        on.cloud.clone(),
        on.text("/topic_arn").to_owned(),
        storm.post.clone(),
        dice.split(),
    ));
    let before: usize = killer::cut_off(on).values().sum();
    storm.rage(before + scale.kills, &mut dice).await;
    storm.post.sober();
    storm.calm().await;
    telling.abort();
    storm.check().await;
    on.cloud.set_variable(on.text("/functions/executor"), WAY_OUT, None).await;
    storm.say().await;
}

/// The two workflows that it is played with, which have events and reports of their own.
async fn publish(on: &Installation) -> BTreeMap<&'static str, Value> {
    let mut onboarding = example("new-member-onboarding/workflow.yaml");
    onboarding["id"] = json!("storm-onboarding");
    onboarding["entry"]["event"] = json!("storm_joined");
    onboarding["steps"]["read"]["wait_for"]["timeout"] = json!("12s");
    onboarding["steps"]["late_read"]["wait_for"]["timeout"] = json!("6s");
    let mut appointment = example("appointment-reminder/workflow.yaml");
    appointment["id"] = json!("storm-appointment");
    appointment["entry"]["event"] = json!("storm_booked");
    appointment.as_object_mut().unwrap().remove("send_policy");
    appointment["steps"]["day_before"]["wait"] = json!({ "until": { "entry": "appointment_at" }, "offset": "-1d" });
    appointment["steps"]["confirmed"]["wait_for"]["timeout"] = json!("12s");
    for workflow in [&onboarding, &appointment] {
        let id = workflow["id"].as_str().unwrap();
        on.put(&format!("/v1/workflows/{id}"), workflow).await;
        on.post(&format!("/v1/workflows/{id}/publish"), None).await;
    }
    BTreeMap::from([("storm-onboarding", onboarding), ("storm-appointment", appointment)])
}

/// The number that a step has in the tags of its mails: its place in the document.
fn step_number(document: &Value, step: &str) -> Option<String> {
    let steps = document["steps"].as_object().unwrap();
    steps.keys().position(|id| id == step).map(|number| number.to_string())
}

/// The one who was written to: `o…` are onboarded, `a…` have an appointment. Every other one reads what comes.
fn person(mail: &Received) -> &str {
    mail.to.split('@').next().unwrap_or_default()
}

/// Tells what the mail service tells: all of it some seconds later, much of it twice, in any order.
async fn tell_of_mails(cloud: crate::cloud::Cloud, topic: String, post: Post, mut dice: Dice) {
    let (mut known, mut flying) = (0, JoinSet::new());
    loop {
        let mails = post.mails();
        for mail in &mails[known..] {
            let mut kinds = vec!["Send", "Delivery"];
            if person(mail).ends_with(['0', '2', '4', '6', '8']) {
                match (&person(mail)[..1], &*mail.step) {
                    ("o", "0") => kinds.push("Open"),
                    ("a", "2") => kinds.push("Click"),
                    _ => {}
                }
            }
            for kind in kinds {
                for _ in 0..=dice.below(2) {
                    let (cloud, topic, told) = (cloud.clone(), topic.clone(), event(kind, mail));
                    let late = Duration::from_millis(dice.below(6_000));
                    flying.spawn(async move {
                        tokio::time::sleep(late).await;
                        cloud.publish(&topic, &told).await;
                    });
                }
            }
        }
        known = mails.len();
        while let Some(told) = flying.try_join_next() {
            told.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Storm<'_> {
    /// Asks until there is an answer that is not a fault: the function behind may be killed at any time.
    async fn insist(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        for _ in 0..60 {
            let (status, answer) = self.on.ask(method.clone(), path, body).await;
            if status < 500 && status != 429 {
                return (status, answer);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{path}: faults and nothing else");
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.insist(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// People come in as long as there are kills.
    async fn rage(&mut self, kills: usize, dice: &mut Dice) {
        let (on, post) = (self.on, self.post.clone());
        let (mut killing, mut meddling) = (dice.split(), dice.split());
        let mut meddled = Meddled::default();
        let mut round = 0;
        while killer::cut_off(on).values().sum::<usize>() < kills || !meddled.all() {
            round += 1;
            assert!(
                round < 40 + 10 * kills,
                "too few kills come in the middle of something: {:?}",
                killer::cut_off(on)
            );
            let attempts = async {
                for _ in 0..2 {
                    killer::kill_one(on, &post, &mut killing).await;
                }
            };
            let meddles = async {
                for _ in 0..4 {
                    meddled.meddle(on, &post, &mut meddling).await;
                }
            };
            tokio::join!(self.let_in(round), attempts, meddles);
        }
        self.meddled = meddled;
        println!(
            "chaos: {} people, {} mails, killed: {:?}",
            self.people.len(),
            post.mails().len(),
            killer::cut_off(on)
        );
    }

    /// Lets some people in, and some of those again who are in: it must make no difference.
    async fn let_in(&mut self, round: usize) {
        let new = (0..self.scale.people).map(|nth| format!("{}{round}-{nth}", if nth % 3 == 2 { 'a' } else { 'o' }));
        let mut some: Vec<String> = new.collect();
        self.people.extend(some.iter().cloned());
        some.extend(self.people.iter().step_by(17).take(2).cloned());
        let at = (Timestamp::now() + SignedDuration::from_hours(24) + SignedDuration::from_secs(10)).to_string();
        let entries: Vec<Value> = some
            .iter()
            .flat_map(|id| {
                let name = if id.starts_with('a') { "storm_booked" } else { "storm_joined" };
                let contact =
                    json!({ "id": id, "email": format!("{id}@example.org"), "attributes": { "email_ok": true } });
                let properties = json!({ "appointment_id": "N-1", "appointment_at": at });
                let event = json!({ "contact": id, "name": name, "id": format!("in-{id}"), "properties": properties });
                [json!({ "contact": contact }), json!({ "event": event })]
            })
            .collect();
        // What was not acknowledged is said again.
        for _ in 0..60 {
            let body = json!({ "entries": entries });
            let (status, answer) = self.insist(Method::POST, "/v1/batch", Some(&body)).await;
            assert_eq!(status, 200, "{answer}");
            if answer["results"].as_array().unwrap().iter().all(|one| one["status"].as_u64() < Some(300)) {
                return;
            }
        }
        panic!("a batch is never taken as a whole");
    }
}
