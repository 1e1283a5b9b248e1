//! Somebody unsubscribes while their next mail waits.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::change::change_contact;
use carepath_app::documents::Expect;
use carepath_app::settings::{self, Settings};
use carepath_app::templates;
use carepath_app::unsubscribe::{Wish, act};
use carepath_engine::Contact;
use carepath_engine::advance::EngagementKind;
use carepath_engine::contact::Subscription;
use carepath_engine::ids::TopicId;
use carepath_engine::run::Outcome;
use carepath_engine::unsubscribe::UnsubscribeToken;
use jiff::SignedDuration;
use serde_json::json;

use crate::journey::{empty, pat, publish, register, start, tell};
use crate::world::World;

fn tips() -> TopicId {
    "tips".parse().unwrap()
}

/// A world that sends news, and a contact who wants them.
pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    let settings = Settings { base_url: Some("https://mail.clinic.example".to_owned()), ..Settings::default() };
    settings::put(world.app(), settings, Expect::Any).await.unwrap();
    let html = r#"<html><body><a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>"#;
    let template = json!({ "id": "news", "subject": "News", "class": "marketing", "html": html });
    templates::put(world.app(), &"news".parse().unwrap(), template, Expect::Any).await.unwrap();
    let steps = json!({
        "first": { "send": { "template": "news" }, "next": "day" },
        "day": { "wait": { "for": "1d" }, "next": "second" },
        "second": { "send": { "template": "news" }, "next": "end" },
    });
    let workflow =
        json!({ "id": "news", "class": "marketing", "topic": "tips", "entry": { "event": "joined" }, "steps": steps });
    publish(&world, [workflow]).await;
    register(&mut world).await;
    let id = pat();
    let subscribed = change_contact(world.app(), &id, |before, now| {
        let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
        contact.topics.insert(tips(), Subscription::Subscribed);
        Ok(contact)
    });
    subscribed.await.unwrap();
    world.run_to_the_end().await;
    world.tells = vec![(SignedDuration::from_secs(1), EngagementKind::Sent)];
    world
}

/// Plays it to the end: the mail program of the contact sends its request until it is answered.
pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_mins(1)).await;
    let token = UnsubscribeToken { run: world.only_run().id, step: 0, topic: Some(tips()) };
    world.insist(async |app| Box::pin(act(app, &token, &Wish::OneClick)).await).await;
    world.run_to_the_end().await;
}

/// The second mail never went out, and the timeline says why, once.
pub(crate) fn check(world: &World) {
    world.check_end();
    let run = world.only_run();
    assert_eq!(*World::outcome(&run), Outcome::Unsubscribed);
    assert!(world.mails().keys().all(|(_, step)| *step == 0));
    // At once, and not when the second mail would have been due.
    assert!(run.visits.last().unwrap().at < start() + SignedDuration::from_hours(1));
    let content = world.ports.store.content();
    let contact = content.contacts.values().next().unwrap();
    assert_eq!(contact.topics.get(&tips()), Some(&Subscription::Unsubscribed));
    let told = content.events.iter().filter(|(_, _, event, _)| event.name.as_str() == "carepath.unsubscribed");
    assert_eq!(told.count(), 1);
    assert!(content.events.iter().all(|(.., done)| *done));
}
