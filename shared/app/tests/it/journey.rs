//! A history with something of everything: an event that lets a contact in, a mail, a wait for it to be opened, a branch,
//! another mail, a change of attributes, a segment, and the end.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::change::change_contact;
use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::{segments, templates, workflows};
use carepath_engine::advance::EngagementKind;
use carepath_engine::ids::ContactId;
use carepath_engine::run::{Outcome, Place};
use carepath_engine::{Contact, Phi};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::World;

pub(crate) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub(crate) fn pat() -> ContactId {
    "pat".parse().unwrap()
}

/// A world with templates `welcome` and `more` and the segment `reached`, and nothing published.
pub(crate) async fn empty() -> World {
    let world = World::new(start()).await;
    for id in ["welcome", "more"] {
        let template =
            json!({ "id": id, "subject": "Hello", "class": "care", "html": "<html><body><p>Hello</p></body></html>" });
        templates::put(world.app(), &id.parse().unwrap(), template, Expect::Any).await.unwrap();
    }
    let reached = "reached".parse().unwrap();
    segments::put(world.app(), &reached, json!({ "id": "reached" }), Expect::Any).await.unwrap();
    world
}

/// Publishes workflows; one that jumps comes after the one that it jumps into.
pub(crate) async fn publish(world: &World, documents: impl IntoIterator<Item = Value>) {
    for document in documents {
        let id = document["id"].as_str().unwrap().parse().unwrap();
        workflows::put(world.app(), &id, document, Expect::Any).await.unwrap();
        workflows::publish(world.app(), &id, Expect::Any).await.unwrap();
    }
}

/// Makes the contact.
pub(crate) async fn register(world: &mut World) {
    let id = pat();
    world
        .insist(async |app| {
            change_contact(app, &id, |before, now| {
                let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
                contact.email = Some(Phi("pat@example.org".to_owned()));
                contact.attributes.0.insert("plan".to_owned(), json!("gold"));
                Ok(contact)
            })
            .await
        })
        .await;
}

/// Tells an event of the contact, until it is acknowledged.
pub(crate) async fn tell(world: &mut World, name: &str, id: &str) {
    world
        .insist(async |app| {
            let new = NewEvent {
                name: name.parse().unwrap(),
                id: Some(id.parse().unwrap()),
                at: Some(app.now()),
                properties: serde_json::Map::new(),
            };
            ingest(app, &pat(), new).await
        })
        .await;
}

/// The workflow. Its goal looks at the contact, so that changes of it are acted on as well.
fn workflow() -> Value {
    json!({
        "id": "journey", "class": "care", "entry": { "event": "joined" },
        "goal": { "when": { "attribute": "done", "eq": true } },
        "steps": {
            "welcome": { "send": { "template": "welcome", "on_failure": "note" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "which" }], "timeout": "3d", "next": "which"
            } },
            "which": { "branch": { "cases": [{ "when": { "attribute": "plan", "eq": "gold" }, "next": "more" }], "next": "note" } },
            "more": { "send": { "template": "more", "on_failure": "note" }, "next": "note" },
            "note": { "update": { "set": { "welcomed": true }, "increment": { "journeys": 1 } }, "next": "reach" },
            "reach": { "segment": { "add": "reached" }, "next": "end" }
        }
    })
}

/// What the mail service tells: everything, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Talks,
    Silent,
}

/// A world in which the journey is published and the contact known.
pub(crate) async fn prepared(service: Service) -> World {
    let mut world = empty().await;
    publish(&world, [workflow()]).await;
    register(&mut world).await;
    world.run_to_the_end().await;
    if service == Service::Talks {
        world.tells = vec![
            (SignedDuration::from_secs(1), EngagementKind::Sent),
            (SignedDuration::from_secs(2), EngagementKind::Delivered),
            (SignedDuration::from_mins(10), EngagementKind::Opened),
        ];
    }
    world
}

/// Plays it to the end.
pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_to_the_end().await;
}

/// The journey is over, and all of it happened, once.
pub(crate) fn check(world: &World) {
    world.check_end();
    let run = world.only_run();
    assert_eq!(*World::outcome(&run), Outcome::Completed);
    let steps: Vec<_> = run.visits.iter().map(|visit| visit.place).collect();
    let through: Vec<_> = std::iter::once(Place::Entry).chain((0..6).map(Place::Step)).chain([Place::End]).collect();
    assert_eq!(steps, through);
    let content = world.ports.store.content();
    let contact = content.contacts.values().next().unwrap();
    assert_eq!(contact.attribute("journeys"), Some(&json!(1)), "a change that is not idempotent was made once");
    assert_eq!(contact.attribute("welcomed"), Some(&json!(true)));
    assert!(contact.segments.contains_key(&"reached".parse().unwrap()));
    assert!(content.events.iter().all(|(.., done)| *done));
}

#[tokio::test]
async fn where_nothing_goes_wrong_each_mail_goes_out_once_and_time_passes_only_where_it_must() {
    let mut world = prepared(Service::Talks).await;
    play(&mut world).await;
    check(&world);
    let run = world.only_run();
    assert_eq!(run.visits.last().unwrap().at, start() + SignedDuration::from_mins(10));
    assert_eq!(world.mails().values().copied().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn a_mail_that_nobody_opens_is_waited_for_as_long_as_the_author_says() {
    let mut world = prepared(Service::Silent).await;
    play(&mut world).await;
    check(&world);
    let waited = world.only_run().visits.last().unwrap().at.duration_since(start());
    assert_eq!(waited, SignedDuration::from_hours(72) + SignedDuration::from_secs(30));
}
