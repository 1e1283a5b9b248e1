//! What the benchmark journey costs: the real use cases over the real store, counted request by request.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::{Store, Work};
use carepath_app::project::project;
use carepath_app::{App, change, engage, segments, settings, templates, work, workflows};
use carepath_aws::dynamo::{Projected, StreamEvent};
use carepath_engine::Contact;
use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::ids::ContactId;
use jiff::SignedDuration;
use serde_json::Value;

use crate::streamed::streamed;
use crate::world::{World, open, over, settle};

pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

macro_rules! journey {
    ($file:literal) => {
        yaml(include_str!(concat!("../../../../tests/bench/journey/", $file)))
    };
}

pub(crate) async fn published() -> App<World> {
    furnished(open().await).await
}

async fn furnished(app: App<World>) -> App<World> {
    let schema = serde_json::from_value(journey!("schema.yaml")["attributes"].clone()).unwrap();
    settings::put_schema(&app, schema, Expect::Any).await.unwrap();
    let segment = journey!("segments/benchmark-started.yaml");
    segments::put(&app, &"benchmark-started".parse().unwrap(), segment, Expect::Any).await.unwrap();
    let mails = [
        ("benchmark-welcome", journey!("templates/benchmark-welcome.yaml")),
        ("benchmark-getting-started", journey!("templates/benchmark-getting-started.yaml")),
        ("benchmark-reminder", journey!("templates/benchmark-reminder.yaml")),
    ];
    for (id, template) in mails {
        templates::put(&app, &id.parse().unwrap(), template, Expect::Any).await.unwrap();
    }
    let id = "benchmark-journey".parse().unwrap();
    workflows::put(&app, &id, journey!("workflow.yaml"), Expect::Any).await.unwrap();
    workflows::publish(&app, &id, Expect::Any).await.unwrap();
    // Frozen things are read once a process: the first contact would pay for all others.
    walk(&app, "the first", true).await;
    walk(&app, "the second", false).await;
    app
}

/// Lets a contact go the whole way.
async fn walk(app: &App<World>, name: &str, opens: bool) {
    let hand = app.ports.hand();
    hand.mails.lock().unwrap().clear();
    let id: ContactId = name.parse().unwrap();
    let made = change::change_contact(app, &id, |_, now| {
        let mut contact = Contact::new(id.clone(), now);
        contact.email = Some("ann@example.org".to_owned().into());
        Ok(contact)
    });
    made.await.unwrap();
    let event = NewEvent {
        name: "member_enrolled".parse().unwrap(),
        id: Some("enrolment".parse().unwrap()),
        at: None,
        properties: serde_json::Map::new(),
    };
    ingest(app, &id, event).await.unwrap();
    settle(app).await;
    if opens {
        let (attempt, _) = hand.mails.lock().unwrap()[0].clone();
        let opened = Engagement {
            step: attempt.step,
            attempt: attempt.attempt,
            message: format!("mail-{}", attempt.step),
            kind: EngagementKind::Opened,
            at: app.now(),
            by: Reader::Person,
        };
        engage::engage(app, &attempt.run, &opened).await.unwrap();
    } else {
        *hand.ahead.lock().unwrap() += SignedDuration::from_secs(12);
    }
    settle(app).await;
    let second = if opens { "Getting started" } else { "Your portal is ready for you" };
    let mails: Vec<String> = hand.mails.lock().unwrap().iter().map(|(_, subject)| subject.clone()).collect();
    assert_eq!(mails, ["Welcome to Harbor Health", second]);
    let runs = app.store().runs_of(&app.key_of(&id)).await.unwrap();
    assert!(matches!(runs.as_slice(), [run] if run.is_ended() && run.visits.len() == if opens { 8 } else { 6 }));
}

/// Requests, read units and write units of one contact's way, by operation.
async fn cost(app: &App<World>, name: &str, opens: bool) -> BTreeMap<&'static str, (u64, f64, f64)> {
    let before = app.store().usage().by_operation;
    walk(app, name, opens).await;
    let mut cost = BTreeMap::new();
    for (operation, after) in app.store().usage().by_operation {
        let was = before.get(operation).copied().unwrap_or_default();
        let requests = after.requests - was.requests;
        if requests > 0 {
            let units = (after.read_units - was.read_units, after.write_units - was.write_units);
            cost.insert(operation, (requests, units.0, units.1));
        }
    }
    // The look at the end of the walk is the test's own.
    if let Some(own) = cost.get_mut("read the runs of a contact") {
        own.0 -= 1;
        own.1 -= 1.0;
    }
    // One look a second of the clock, which is turned here, and not one for each run.
    cost.remove("read the revision of the configuration");
    cost
}

#[tokio::test]
async fn a_run_of_the_benchmark_costs_exactly_this() {
    let app = Box::pin(published()).await;
    let opener = cost(&app, "ann", true).await;
    let other = cost(&app, "ben", false).await;
    let expected = |commits, runs| {
        BTreeMap::from([
            // The contact, and the conditional writes of its run: its admission with the claim of the welcome; the
            // record of that and the wait; the open or the time-out with the claim of the second mail; the record of
            // that and all that follows from it.
            ("commit a change", commits),
            ("keep an event", (1, 0.0, 2.0)),
            ("mark an event as done", (1, 0.0, 2.0)),
            ("read a contact", (1, 1.0, 0.0)),
            ("read a contact and an event", (1, 2.0, 0.0)),
            // Whether the address that the contact gets takes mail.
            ("read contacts", (1, 1.0, 0.0)),
            ("read a run", runs),
            ("read the runs of a contact", (1, 1.0, 0.0)),
        ])
    };
    assert_eq!(opener, expected((5, 0.0, 17.0), (1, 2.0, 0.0)));
    assert_eq!(other, expected((5, 0.0, 10.0), (2, 4.0, 0.0)));
}

/// What the projector adds to that, in batches as Lambda makes them where there is much to do: a hundred changes, of which those
/// of one contact are seconds apart.
#[tokio::test]
async fn reports_cost_exactly_this_with_the_benchmark() {
    let streamed = streamed().await;
    let app = Box::pin(furnished(over(streamed.store.clone()).await)).await;
    streamed.records.lock().unwrap().clear();
    for nth in 0..50 {
        walk(&app, &format!("c{nth}"), nth % 2 == 0).await;
    }
    let records = streamed.records.lock().unwrap().clone();
    let (mut batches, mut seen) = ([Vec::new(), Vec::new()], BTreeMap::new());
    for record in records {
        let contact = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned();
        let nth = seen.entry(contact).or_insert(0_usize);
        batches[*nth / 2].push(record);
        *nth += 1;
    }
    assert!(batches.iter().all(|batch| batch.len() == 100) && seen.len() == 50);
    let before = app.store().usage().by_operation;
    let mut number = 0;
    for mut batch in batches {
        // What happened first comes first: the walks were one after the other, and contacts come all at once.
        for record in &mut batch {
            number += 1;
            record["dynamodb"]["SequenceNumber"] = Value::from(number.to_string());
        }
        let event: StreamEvent = serde_json::from_value(serde_json::json!({ "Records": batch })).unwrap();
        project(&Projected::beside(&streamed.store), "shardId-1", &event.changes().readable).await.unwrap();
    }
    let after = app.store().usage().by_operation;
    let of = |name: &str| {
        let was = before.get(name).copied().unwrap_or_default();
        (after[name].requests - was.requests, after[name].write_units - was.write_units)
    };
    let visits = 25.0 * 8.0 + 25.0 * 6.0;
    // Two rows a batch: that of all time, and that of the hour.
    assert_eq!(of("count what happened"), (4, 4.0));
    // One for each stay that a batch has changed, 25 a request.
    assert_eq!(of("record who is where"), (13, 325.0));
    let reads: f64 =
        after.iter().map(|(name, used)| used.read_units - before.get(name).map_or(0.0, |was| was.read_units)).sum();
    assert!(reads.abs() < f64::EPSILON, "nothing is read");
    let dollars = (4.0 + 325.0) / visits * 0.625;
    assert!(dollars < 0.60, "{dollars} dollars for a million visits");
}

/// S11: the same on the real store, by workers of their own: the claims of two workflows for one contact race, and the mail
/// of one is counted before the other looks.
#[tokio::test(flavor = "multi_thread")]
async fn s11_claims_of_two_workflows_that_race_for_the_last_place_under_a_cap_get_one_mail_out() {
    let app = Arc::new(open().await);
    let mail = serde_json::json!({ "id": "hello", "subject": "Hello", "class": "care", "html": "<p>Hello.</p>" });
    templates::put(&app, &"hello".parse().unwrap(), mail, Expect::Any).await.unwrap();
    for id in ["one", "two"] {
        let text = serde_json::json!({ "id": id, "name": id, "class": "care", "entry": { "event": "joined" },
            "send_policy": { "cap": { "max": 1, "per": "7d" } },
            "steps": { "rest": { "wait": { "for": "1h" }, "next": "tell" },
                "tell": { "send": { "template": "hello" }, "next": "end" } } });
        workflows::put(&app, &id.parse().unwrap(), text, Expect::Any).await.unwrap();
        workflows::publish(&app, &id.parse().unwrap(), Expect::Any).await.unwrap();
    }
    for nth in 0..20 {
        let id: ContactId = format!("c{nth}").parse().unwrap();
        let made = change::change_contact(&app, &id, |_, now| {
            let mut contact = Contact::new(id.clone(), now);
            contact.email = Some(format!("c{nth}@example.org").into());
            Ok(contact)
        });
        made.await.unwrap();
        let properties = serde_json::Map::new();
        let event = NewEvent { name: "joined".parse().unwrap(), id: Some("e".parse().unwrap()), at: None, properties };
        ingest(&app, &id, event).await.unwrap();
        settle(&app).await;
        let runs = app.store().runs_of(&app.key_of(&id)).await.unwrap();
        assert_eq!(runs.len(), 2);
        *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_hours(2);
        let both = runs.iter().map(|run| {
            let (app, work) = (Arc::clone(&app), Work::Run { run: run.id.clone() });
            tokio::spawn(async move { work::handle(&app, &work).await.unwrap() })
        });
        for one in both.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        let mails = std::mem::take(&mut *app.ports.hand().mails.lock().unwrap());
        assert_eq!(mails.len(), 1, "contact {nth}");
        app.ports.hand().work.lock().unwrap().clear();
    }
}
