//! What is held about costs, as counts of requests: nothing polls, and what does not concern anybody costs nothing more.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::pin::Pin;

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::Store;
use carepath_app::{App, change, segments, templates, work, workflows};
use carepath_engine::Contact;
use carepath_engine::ids::ContactId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{World, open, settle};

async fn office() -> App<World> {
    let app = open().await;
    let template = json!({ "id": "note", "class": "operational", "subject": "Hello", "html": "<p>Hello.</p>" });
    templates::put(&app, &"note".parse().unwrap(), template, Expect::Any).await.unwrap();
    app
}

async fn publish(app: &App<World>, id: &str, entry: Value) {
    let steps = json!({
        "rest": { "wait_for": { "paths": [{ "event": "moved", "where": { "event": "nr", "eq_entry": "nr" }, "next": "end" }],
            "timeout": "60d", "next": "end" } }
    });
    publish_steps(app, id, entry, steps).await;
}

async fn publish_steps(app: &App<World>, id: &str, entry: Value, steps: Value) {
    let document = json!({ "id": id, "class": "operational", "entry": entry, "steps": steps });
    let id = id.parse().unwrap();
    workflows::put(app, &id, document, Expect::Any).await.unwrap();
    workflows::publish(app, &id, Expect::Any).await.unwrap();
}

async fn write(app: &App<World>, id: &str, attributes: &Value) {
    let id: ContactId = id.parse().unwrap();
    let changed = change::change_contact(app, &id, |before, now| {
        let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
        for (name, value) in attributes.as_object().unwrap() {
            contact.attributes.0.insert(name.clone(), value.clone());
        }
        Ok(contact)
    });
    changed.await.unwrap();
}

/// The requests by operation that something costs, and how many conditions of segments it looks at.
async fn cost<T>(app: &App<World>, what: Pin<Box<impl Future<Output = T>>>) -> (BTreeMap<&'static str, u64>, u64) {
    let (before, looks) = (app.store().usage().by_operation, app.counters.read().conditions);
    what.await;
    let after = app.store().usage().by_operation.into_iter();
    let spent = after.map(|(name, now)| (name, now.requests - before.get(name).map_or(0, |was| was.requests)));
    let spent = spent.filter(|(name, count)| *count > 0 && *name != "read the revision of the configuration");
    (spent.collect(), app.counters.read().conditions - looks)
}

/// S21: an update looks at the conditions that name what changed, and asks nothing of the store on account of others.
#[tokio::test]
async fn what_concerns_nobody_costs_nothing_however_much_is_published() {
    let few = office().await;
    write(&few, "ann", &json!({ "shoe_size": 1 })).await;
    let bare = cost(&few, Box::pin(write(&few, "ann", &json!({ "shoe_size": 2 })))).await;
    assert_eq!(bare, (BTreeMap::from([("commit a change", 1), ("read a contact", 1)]), 0));

    let many = office().await;
    for n in 0..100 {
        let when = json!({ "when": { "any": [
            { "attribute": format!("a{n}"), "eq": 1 }, { "did": format!("e{n}"), "within": "30d" }, { "age": "born", "gte": n }
        ] } });
        segments::put(&many, &format!("s{n}").parse().unwrap(), when, Expect::Any).await.unwrap();
    }
    for n in 0..200 {
        let entry = match n % 4 {
            0 => json!({ "event": format!("e{n}") }),
            1 => json!({ "attribute": format!("b{n}") }),
            2 => json!({ "milestone": { "attribute": format!("c{n}"), "every": "year" } }),
            _ => json!({ "inactivity": { "for": "90d", "without": [format!("d{n}")] } }),
        };
        publish(&many, &format!("w{n}"), entry).await;
    }
    settle(&many).await;
    write(&many, "ann", &json!({ "shoe_size": 1, "born": "1990-01-01" })).await;
    settle(&many).await;
    assert_eq!(cost(&many, Box::pin(write(&many, "ann", &json!({ "shoe_size": 2 })))).await, bare);
    let (spent, looks) = cost(&many, Box::pin(write(&many, "ann", &json!({ "a7": 2 })))).await;
    assert_eq!((spent, looks), (bare.0, 1), "one condition names it");
}

/// S18: an event of somebody with twenty live runs is one query, and the writes of those that it moves.
#[tokio::test]
async fn an_event_costs_one_query_and_the_writes_of_the_runs_that_it_moves() {
    let app = office().await;
    publish(&app, "follow", json!({ "event": "booked", "key": "nr", "reentry": "always" })).await;
    let tell = async |name: &str, nr: u32| {
        let properties = json!({ "nr": nr }).as_object().unwrap().clone();
        let event = NewEvent { name: name.parse().unwrap(), id: None, at: None, properties };
        ingest(&app, &"ann".parse().unwrap(), event).await.unwrap();
        settle(&app).await;
    };
    for nr in 0..20 {
        tell("booked", nr).await;
    }
    let expected = |commits: u64| {
        let mut expected = BTreeMap::from([
            ("keep an event", 1),
            ("mark an event as done", 1),
            ("read a contact and an event", 1),
            ("read the runs of a contact", 1),
        ]);
        if commits > 0 {
            expected.insert("commit a change", commits);
        }
        expected
    };
    assert_eq!(cost(&app, Box::pin(tell("moved", 99))).await.0, expected(0), "it moves none");
    assert_eq!(cost(&app, Box::pin(tell("moved", 7))).await.0, expected(1), "it moves one");
    assert_eq!(cost(&app, Box::pin(tell("shrugged", 7))).await.0, expected(0), "nobody waits for it");
}

/// The day's sweep over so many contacts with a yearly milestone: contacts looked at, requests, and how many were due.
async fn day(contacts: u32) -> (u64, BTreeMap<&'static str, u64>, usize) {
    let app = office().await;
    let entry = json!({ "milestone": { "attribute": "born", "every": "year", "at": "09:00" }, "reentry": "always" });
    publish_steps(&app, "birthday", entry, json!({ "hello": { "exit": { "reason": "told" } } })).await;
    settle(&app).await;
    let start = app.now();
    for n in 0..contacts {
        // One in 365 has a birthday on each day of the year.
        let born = jiff::civil::date(1990, 1, 1).saturating_add(jiff::Span::new().days(n % 365));
        write(&app, &format!("p{n}"), &json!({ "born": born })).await;
    }
    *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_hours(24);
    let due = app.store().due(start, app.now(), 1_000_000).await.unwrap();
    let found = due.len();
    let (spent, _) = cost(
        &app,
        Box::pin(async {
            for due in due {
                work::handle(&app, &due.work).await.unwrap();
            }
        }),
    )
    .await;
    (spent.values().sum(), spent, found)
}

/// A day's sweep touches those who are due and nobody else: what it costs grows with them, not with those in the store.
#[tokio::test]
async fn the_daily_sweep_touches_those_who_are_due_and_no_others() {
    for (contacts, due) in [(365, 1), (3_650, 10)] {
        let (_, spent, found) = Box::pin(day(contacts)).await;
        assert_eq!(found, due);
        let of_each = |count: u64| count * due as u64;
        let expected = BTreeMap::from([
            // The run that begins and is over, and the contact's next birthday.
            ("commit a change", of_each(2)),
            ("read a contact", of_each(2)),
            ("read the runs of a contact", of_each(1)),
        ]);
        assert_eq!(spent, expected, "{contacts} contacts");
    }
}

/// The same at the sizes that are reported, by `make bench`.
#[tokio::test]
#[ignore = "it takes minutes: `make bench` runs it"]
async fn the_slope_of_the_daily_sweep() {
    let mut lines = Vec::new();
    for contacts in [10_000, 100_000] {
        let began = Timestamp::now();
        let (requests, _, due) = Box::pin(day(contacts)).await;
        let took = Timestamp::now().duration_since(began);
        lines.push((contacts, due, requests));
        println!("{contacts} contacts with a yearly milestone: {due} due in a day, {requests} requests ({took:#})");
    }
    let [(few, due_of_few, _), (many, due_of_many, requests)] = lines[..] else { unreachable!("two sizes") };
    println!(
        "slope: {} requests for each of {} more contacts due, none for the {} others",
        5,
        due_of_many - due_of_few,
        many - few
    );
    assert_eq!(requests, 5 * due_of_many as u64);
}
