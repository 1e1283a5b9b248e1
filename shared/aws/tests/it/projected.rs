//! S22: what the projector keeps is what a count of the runs themselves comes to, however changes are told.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::migrate::{Order, migrate};
use carepath_app::ports::{Period, Position, Reports, StayRecord, StepState};
use carepath_app::project::project;
use carepath_app::recount::{self, Recount};
use carepath_app::{App, change, engage, templates, unsubscribe, workflows};
use carepath_aws::dynamo::{Projected, StreamEvent};
use carepath_engine::Contact;
use carepath_engine::advance::{Engagement, EngagementKind, HIDDEN_LINK, Reader};
use carepath_engine::ids::{ContactId, RunId, WorkflowId};
use carepath_engine::unsubscribe::UnsubscribeToken;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::proved::proved;
use crate::streamed::{Streamed, streamed};
use crate::world::{World, over, settle};

const WORKFLOW: &str = "news";

pub(crate) fn id() -> WorkflowId {
    WORKFLOW.parse().unwrap()
}

fn document(patience: &str) -> Value {
    json!({
        "id": WORKFLOW, "name": "News", "class": "marketing", "topic": "news", "entry": { "event": "joined" },
        "goal": { "event": "bought" },
        "start": "hello",
        "steps": {
            "hello": { "send": { "template": "hello" }, "next": "read" },
            "read": { "wait_for": { "paths": [{ "when": { "clicked": "hello" }, "next": "more" }], "timeout": patience,
                "next": "which" } },
            "which": { "split": { "shares": [{ "weight": 1, "next": "more" }, { "weight": 1, "next": "done" }] } },
            "more": { "send": { "template": "hello" }, "next": "end" },
            "done": { "exit": { "reason": "silent" } },
        },
    })
}

/// Twelve contacts of all sorts go through a workflow, some of them in two versions.
pub(crate) async fn lived() -> (App<World>, Streamed) {
    let streamed = streamed().await;
    let app = over(streamed.store.clone()).await;
    let mail = json!({ "id": "hello", "subject": "Hello", "class": "marketing",
        "html": r#"<p>Hello. <a href="https://example.org/x" name="go">Go</a> <a href="{{ unsubscribe_url }}">No more</a></p>"# });
    templates::put(&app, &"hello".parse().unwrap(), mail, Expect::Any).await.unwrap();
    let settings = json!({ "zone": "UTC", "sender": "us@example.org", "base_url": "https://example.org" });
    carepath_app::settings::put(&app, serde_json::from_value(settings).unwrap(), Expect::Any).await.unwrap();
    publish(&app, "2d").await;
    let hand = app.ports.hand();
    for nth in 0..12 {
        let contact: ContactId = format!("c{nth}").parse().unwrap();
        come(&app, &contact, nth).await;
        settle(&app).await;
        let mail = hand.mails.lock().unwrap().last().map(|(attempt, _)| attempt.clone());
        if let Some(mail) = mail.filter(|_| nth % 4 != 3) {
            let kinds = match nth {
                0 | 4 => vec![EngagementKind::Opened, EngagementKind::Clicked { link: "go".to_owned() }],
                1 => vec![EngagementKind::Bounced { permanent: true }],
                // A machine that was taken for a person first.
                5 => vec![
                    EngagementKind::Clicked { link: "go".to_owned() },
                    EngagementKind::Clicked { link: HIDDEN_LINK.to_owned() },
                ],
                2 => vec![EngagementKind::Delivered, EngagementKind::Opened, EngagementKind::Complained],
                _ => vec![EngagementKind::Opened],
            };
            for kind in kinds {
                let message = format!("mail-{}", mail.step);
                let (step, attempt) = (mail.step, mail.attempt);
                let by = if nth == 5 { Reader::Unsaid } else { Reader::of(nth == 8) };
                let told = Engagement { step, attempt, message, kind, at: app.now(), by };
                engage::engage(&app, &mail.run, &told).await.unwrap();
            }
            if nth == 6 {
                let topic = Some("news".parse().unwrap());
                let token = UnsubscribeToken { run: mail.run.clone(), step: mail.step, topic };
                assert!(unsubscribe::act(&app, &token, &unsubscribe::Wish::OneClick).await.unwrap());
            }
        }
        *hand.ahead.lock().unwrap() += SignedDuration::from_hours(5);
        settle(&app).await;
        if nth == 7 {
            publish(&app, "3d").await;
            let order = Order { apply: true, ..Order::default() };
            assert!(migrate(&app, &id(), order, "tests").await.unwrap().next.is_none());
        }
        if nth == 9 {
            let properties = serde_json::Map::new();
            let bought = NewEvent { name: "bought".parse().unwrap(), id: None, at: None, properties };
            ingest(&app, &"c8".parse().unwrap(), bought).await.unwrap();
            change::delete_contact(&app, &"c5".parse().unwrap()).await.unwrap();
        }
    }
    settle(&app).await;
    (app, streamed)
}

async fn publish(app: &App<World>, patience: &str) {
    workflows::put(app, &id(), document(patience), Expect::Any).await.unwrap();
    workflows::publish(app, &id(), Expect::Any).await.unwrap();
}

pub(crate) async fn come(app: &App<World>, contact: &ContactId, nth: usize) {
    let made = change::change_contact(app, contact, |_, now| {
        let mut made = Contact::new(contact.clone(), now);
        made.email = (nth != 3).then(|| format!("{nth}@example.org").into());
        made.topics = serde_json::from_value(json!({ "news": "subscribed" })).unwrap();
        Ok(made)
    });
    made.await.unwrap();
    let properties = serde_json::Map::new();
    let event = NewEvent { name: "joined".parse().unwrap(), id: Some("e".parse().unwrap()), at: None, properties };
    ingest(app, contact, event).await.unwrap();
}

/// A stream of pseudo-random numbers: the same seed cuts and kills in the same way.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

fn shard_of(record: &Value, shards: usize) -> usize {
    let key = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
    key.bytes().map(usize::from).sum::<usize>() % shards
}

async fn deliver(to: &Projected, shard: usize, records: &[Value]) -> bool {
    let event: StreamEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    let changes = event.changes();
    assert!(changes.unreadable.is_none());
    project(to, &format!("shardId-{shard:03}"), &changes.readable).await.is_ok()
}

/// Tells all changes, by shard in order, in portions that are cut anyhow, told again, and killed between any two writes.
pub(crate) async fn tell(streamed: &Streamed, to: &Projected, shards: usize, seed: u64) -> usize {
    let all = streamed.records.lock().unwrap().clone();
    let mut by_shard: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for record in all {
        by_shard.entry(shard_of(&record, shards)).or_default().push(record);
    }
    let (mut dice, mut killed) = (Dice(seed), 0);
    let mut at: BTreeMap<usize, usize> = by_shard.keys().map(|shard| (*shard, 0)).collect();
    while let Some(shard) = {
        let open: Vec<usize> = at.iter().filter(|(shard, at)| **at < by_shard[shard].len()).map(|(s, _)| *s).collect();
        (!open.is_empty()).then(|| open[dice.below(open.len())])
    } {
        let (from, records) = (at[&shard], &by_shard[&shard]);
        let to_here = (from + 1 + dice.below(20)).min(records.len());
        let trouble = if dice.below(2) == 0 { 0 } else { 1 + dice.below(6) };
        streamed.trouble.after.store(trouble, Ordering::SeqCst);
        streamed.trouble.done.store(dice.below(2), Ordering::SeqCst);
        let done = deliver(to, shard, &records[from..to_here]).await;
        streamed.trouble.after.store(0, Ordering::SeqCst);
        if done {
            at.insert(shard, to_here);
            if dice.below(3) == 0 {
                assert!(deliver(to, shard, &records[from..to_here]).await, "told again");
            }
        } else {
            killed += 1;
        }
    }
    killed
}

/// Tells what was not told yet, once and in order, and says how much has been told by then.
pub(crate) async fn tell_on(streamed: &Streamed, to: &Projected, told: usize) -> usize {
    let all = streamed.records.lock().unwrap().clone();
    for shard in 0..2 {
        let of_shard: Vec<Value> = all.iter().skip(told).filter(|one| shard_of(one, 2) == shard).cloned().collect();
        assert!(deliver(to, shard, &of_shard).await);
    }
    all.len()
}

async fn everybody(reports: &impl Reports, at: &Position, state: StepState) -> BTreeMap<RunId, StayRecord> {
    let (mut found, mut cursor) = (BTreeMap::new(), None::<String>);
    loop {
        let page = reports.in_step(at, state, 3, cursor.as_deref()).await.unwrap();
        assert!(page.items.len() <= 3);
        for visitor in page.items {
            assert!(found.insert(visitor.run, visitor.stay).is_none(), "somebody is on two pages");
        }
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub(crate) async fn assert_same<R: Reports + Clone>(app: &App<World<R>>, projected: &Projected, seed: u64) {
    let store = app.store();
    let (counted, _) = recount::whole(store, &id()).await.unwrap();
    assert_eq!(counted.broken(), Vec::new());
    let mut differs = projected.kept(&id()).await.unwrap().unwrap();
    differs.add(&counted, -1);
    assert!(differs.is_empty(), "seed {seed}: {differs:?}");
    let recount = Recount::new(store.clone());
    let hour = carepath_engine::report::hour_of(app.now());
    for period in [None, Some(Period { from: hour - 30, to: hour - 10 })] {
        for version in [None, Some(1), Some(2)] {
            let kept = projected.report(&id(), version, period).await.unwrap();
            assert_eq!(
                kept,
                recount.report(&id(), version, period).await.unwrap(),
                "seed {seed}: {version:?} {period:?}"
            );
        }
    }
    let busy = Period { from: hour - 24, to: hour + 1 };
    assert_eq!(projected.activity(&[id()], busy).await.unwrap(), recount.activity(&[id()], busy).await.unwrap());
    for (version, step) in (1..=2).flat_map(|version| (0..5).map(move |step| (version, step))) {
        let at = Position { workflow: id(), version, step };
        for (name, state) in StepState::ALL {
            let kept = everybody(projected, &at, state).await;
            assert_eq!(kept, everybody(&recount, &at, state).await, "seed {seed}: {name} in {version} {step}");
        }
    }
}

/// S22: batches cut anywhere, told again in part or whole, killed between any two writes, of several shards: all comes to the
/// same as a count of the runs.
#[tokio::test]
async fn s22_however_changes_are_told_the_numbers_are_those_of_the_runs() {
    let mut killed = 0;
    for seed in 0..12 {
        let (app, streamed) = Box::pin(lived()).await;
        let projected = Projected::beside(&streamed.store);
        let shards = 1 + usize::try_from(seed).unwrap() % 4;
        killed += tell(&streamed, &projected, shards, seed).await;
        assert_same(&app, &projected, seed).await;
        if seed == 5 {
            // What shards that are gone have added is drawn together, and once.
            let told: Timestamp = Timestamp::from_second(1_795_514_400).unwrap();
            assert_eq!(projected.tidy(&id(), told + SignedDuration::from_hours(47)).await.unwrap(), 0);
            let late = told + SignedDuration::from_hours(49);
            assert!(projected.tidy(&id(), late).await.unwrap() > 2);
            assert_eq!(projected.tidy(&id(), late).await.unwrap(), 0);
            assert_same(&app, &projected, seed).await;
        }
    }
    assert!(killed > 20, "only {killed} portions were killed");
}

/// S22: what is wrong is found, and put right once.
#[tokio::test]
async fn s22_what_differs_is_found_and_put_right_once() {
    let (app, streamed) = Box::pin(lived()).await;
    let projected = Projected::beside(&streamed.store);
    tell(&streamed, &projected, 2, 99).await;
    let app = crate::world::with(&app, projected.clone()).await;
    let fine = proved(&app, Some(id()), false).await;
    assert!(fine.kept && fine.quiet && fine.wrong() == 0, "{fine:?}");
    assert!(fine.runs >= 12);
    let before = app.store().usage().by_operation;
    let report = carepath_app::report::report(&app, &id(), carepath_app::report::Versions::All, None).await.unwrap();
    assert_eq!(report.totals.entered, i64::try_from(fine.runs).unwrap());
    let after = app.store().usage().by_operation.into_iter();
    let read: Vec<&str> = after
        .filter(|(name, used)| used.requests > before.get(name).map_or(0, |was| was.requests))
        .map(|(name, _)| name)
        .filter(|name| !name.contains("configuration") && !name.contains("document"))
        .collect();
    assert_eq!(read, ["read the numbers of a workflow"], "a report reads no contact and no run");

    let (mut wrong, _) = recount::whole(app.store(), &id()).await.unwrap();
    wrong = wrong.only(|cell| cell.hour.is_none() && cell.counter.to_string().split('.').next_back() == Some("s"));
    let cells = wrong.iter().count();
    assert!(cells > 0);
    projected.mend(&id(), &wrong).await.unwrap();
    let found = proved(&app, Some(id()), false).await;
    assert_eq!((found.differences.len(), found.differing, found.mended), (cells, cells as u64, 0));
    assert_eq!(app.counters.read().drift, 0, "only a proof of all workflows is watched");
    let all = proved(&app, None, false).await;
    assert_eq!((all.differing, app.counters.read().reconciled), (cells as u64, 1));
    assert_eq!(app.counters.read().drift, cells as u64);
    let repaired = proved(&app, Some(id()), true).await;
    assert_eq!((repaired.wrong(), repaired.mended), (0, cells as u64));
    let again = proved(&app, None, true).await;
    assert_eq!((again.wrong(), again.mended), (0, 0));
    assert_same(&app, &projected, 99).await;
}

/// What nobody can read holds up nothing before it, and is named.
#[tokio::test]
async fn a_change_that_cannot_be_read_is_named() {
    let (_, streamed) = Box::pin(lived()).await;
    let mut records = streamed.records.lock().unwrap().clone();
    records.truncate(5);
    records[3]["dynamodb"]["NewImage"]["sv"]["N"] = json!("9");
    let event: StreamEvent = serde_json::from_value(json!({ "Records": records, "shardId": "s" })).unwrap();
    assert_eq!(event.shard(), Some("s"));
    let changes = event.changes();
    assert_eq!(
        (changes.readable.len(), changes.unreadable),
        (3, records[3]["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned))
    );
}
