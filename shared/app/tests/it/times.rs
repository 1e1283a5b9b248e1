//! What time starts, and definitions that are brought to whoever is there: a birthday, a silence, a schedule, a condition
//! that time flips, and what happened before anybody asked.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::change::change_contact;
use carepath_app::documents::Expect;
use carepath_app::{segments, workflows};
use carepath_engine::run::Outcome;
use serde_json::{Value, json};

use crate::journey::{empty, pat, register, tell};
use crate::world::World;

/// Somebody who has a date ahead and of whom something is known.
pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    register(&mut world).await;
    tell(&mut world, "bought", "before").await;
    world.run_to_the_end().await;
    world
}

fn started(id: &str, entry: &Value) -> Value {
    json!({ "id": id, "class": "care", "entry": entry, "steps": { "tell": { "send": { "template": "welcome" } } } })
}

async fn put_segment(world: &mut World, id: &str, when: &Value) {
    let id = id.parse().unwrap();
    world.insist(async |app| segments::put(app, &id, json!({ "when": when }), Expect::Any).await).await;
}

async fn begin(world: &mut World, document: Value) {
    let id = document["id"].as_str().unwrap().parse().unwrap();
    world.insist(async |app| workflows::put(app, &id, document.clone(), Expect::Any).await).await;
    world.insist(async |app| workflows::publish(app, &id, Expect::Any).await).await;
}

/// Definitions come while the contact is there; then time does the rest.
pub(crate) async fn play(world: &mut World) {
    put_segment(world, "buyers", &json!({ "did": "bought", "within": "20d" })).await;
    put_segment(world, "soon", &json!({ "attribute": "visit", "within_next": "7d" })).await;
    begin(world, started("left", &json!({ "segment": "buyers", "on": "leave" }))).await;
    begin(world, started("soon", &json!({ "segment": "soon", "on": "enter" }))).await;
    begin(world, started("day", &json!({ "milestone": { "attribute": "visit", "every": "once", "at": "09:00" } })))
        .await;
    begin(world, started("silent", &json!({ "inactivity": { "for": "40d", "without": ["bought", "opened"] } }))).await;
    begin(world, started("news", &json!({ "schedule": { "segment": "buyers", "at": "2026-12-01T09:00" } }))).await;
    let id = pat();
    world
        .insist(async |app| {
            change_contact(app, &id, |before, _| {
                let mut contact = before.cloned().unwrap();
                contact.attributes.0.insert("visit".to_owned(), json!("2026-12-24"));
                Ok(contact)
            })
            .await
        })
        .await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    let content = world.ports.store.content();
    let mut runs: Vec<_> = content
        .runs
        .values()
        .map(|run| (run.workflow.as_str(), run.entry.at.strftime("%m-%d %H").to_string(), World::outcome(run)))
        .collect();
    runs.sort_unstable();
    let done = &Outcome::Completed;
    let expected =
        [("day", "12-24 09"), ("left", "12-14 12"), ("news", "12-01 09"), ("silent", "01-03 12"), ("soon", "12-17 00")];
    assert_eq!(runs, expected.map(|(id, at)| (id, at.to_owned(), done)));
    let contact = content.contacts.values().next().unwrap();
    assert_eq!(contact.segments.len(), 0, "the visit is over");
    assert!(contact.review.is_none(), "nothing is left that time could do");
}

#[tokio::test]
async fn s21_time_and_new_definitions_do_what_they_should() {
    let mut world = prepared().await;
    play(&mut world).await;
    check(&world);
}

/// S14: of the times that nobody was there to see the last one counts, and what is more than a day late does not.
#[tokio::test]
async fn s14_what_was_missed_is_made_up_for_once_and_only_for_a_day() {
    let mut world = prepared().await;
    put_segment(&mut world, "everybody", &json!({ "attribute": "plan", "exists": true })).await;
    let hourly = json!({ "segment": "everybody", "cron": "0 * * * *" });
    let once = json!({ "segment": "everybody", "at": "2026-11-25T09:00" });
    let mut again = started("hourly", &json!({ "schedule": hourly, "reentry": "always" }));
    again["steps"] = json!({ "seen": { "exit": { "reason": "seen" } } });
    begin(&mut world, again).await;
    begin(&mut world, started("once", &json!({ "schedule": once }))).await;
    let now = world.now();
    world.run_until(now).await;
    let up_to = async |world: &mut World, at: &str| {
        // Nobody works meanwhile.
        let at = at.parse().unwrap();
        world.ports.clock.turn_to(at);
        world.run_until(at).await;
        let content = world.ports.store.content();
        let times = content.runs.values().map(|run| {
            let at = run.entry.payload.expose()["at"].as_str().unwrap().to_owned();
            (run.workflow.to_string(), at)
        });
        times.collect::<std::collections::BTreeSet<_>>()
    };
    let five = ("hourly".to_owned(), "2026-11-24T17:00:00Z".to_owned());
    assert_eq!(up_to(&mut world, "2026-11-24T17:30:00Z").await, [five.clone()].into());
    let later = ("hourly".to_owned(), "2026-11-26T10:00:00Z".to_owned());
    assert_eq!(up_to(&mut world, "2026-11-26T10:30:00Z").await, [five, later].into(), "the announcement is too late");
}
