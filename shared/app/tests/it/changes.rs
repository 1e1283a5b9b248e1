//! Changes of a contact that start workflows, by hand and by other workflows.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_app::change::change_contact;
use carepath_app::ports::Work;
use carepath_app::work::handle;
use carepath_engine::Run;
use carepath_engine::contact::Subscription;
use carepath_engine::run::Outcome;
use serde_json::{Value, json};

use crate::journey::{empty, pat, publish, register};
use crate::world::World;

/// A workflow that an attribute starts, with a mail under a cap, and a last step.
fn on(id: &str, attribute: &str, last: &Value) -> Value {
    json!({
        "id": id, "class": "care", "entry": { "attribute": attribute, "to": true },
        "send_policy": { "cap": { "max": 5, "per": "7d" } },
        "steps": { "tell": { "send": { "template": "welcome" }, "next": "last" }, "last": last }
    })
}

/// A change that starts a workflow, whose own change starts another, whose segment starts a third.
pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    let set = json!({ "update": { "set": { "second": true }, "increment": { "count": 1 } }, "next": "end" });
    let reach = json!({ "segment": { "add": "reached" }, "next": "end" });
    let third = json!({ "id": "third", "class": "care", "entry": { "segment": "reached", "on": "enter" },
        "steps": { "tell": { "send": { "template": "more" }, "next": "end" } } });
    publish(&world, [on("first", "first", &set), on("second", "second", &reach), third]).await;
    register(&mut world).await;
    world.run_to_the_end().await;
    world
}

pub(crate) async fn play(world: &mut World) {
    set(world, "first").await;
    world.run_to_the_end().await;
}

pub(crate) fn check(world: &World) {
    world.check_end();
    let content = world.ports.store.content();
    let mut runs: Vec<_> = content.runs.values().map(|run| (run.workflow.as_str(), World::outcome(run))).collect();
    runs.sort_unstable();
    let done = &Outcome::Completed;
    assert_eq!(runs, [("first", done), ("second", done), ("third", done)]);
    let contact = content.contacts.values().next().unwrap();
    assert_eq!(contact.attribute("count"), Some(&json!(1)));
    assert_eq!(contact.capped_mails.len(), 2, "each mail under a cap is counted once");
}

async fn set(world: &mut World, attribute: &str) {
    let id = pat();
    world
        .insist(async |app| {
            change_contact(app, &id, |before, _| {
                let mut contact = before.cloned().unwrap();
                contact.attributes.0.insert(attribute.to_owned(), json!(true));
                Ok(contact)
            })
            .await
        })
        .await;
}

/// S4: a change is told from another by what it is, not by how many others are waiting beside it.
#[tokio::test]
async fn s4_a_change_starts_one_run_though_those_before_it_were_acted_on_by_another_worker() {
    let mut world = empty().await;
    let seen = json!({ "exit": { "reason": "seen" } });
    let mut always = on("second", "second", &seen);
    always["entry"]["reentry"] = json!({ "mode": "always" });
    publish(&world, [on("first", "first", &seen), always]).await;
    register(&mut world).await;
    world.run_to_the_end().await;
    set(&mut world, "first").await;
    set(&mut world, "second").await;
    let key = world.app().key_of(&pat());
    let pending = world.ports.store.content().contacts[&key].pending.clone();
    assert_eq!(pending.len(), 2);
    world.run_to_the_end().await;
    // Whoever was at the first change takes it out; the worker at both has died before it took out the second.
    world.ports.store.content().contacts.get_mut(&key).unwrap().pending = pending[1..].to_vec();
    world.run_to_the_end().await;
    let content = world.ports.store.content();
    assert_eq!(content.runs.values().filter(|run| run.workflow.as_str() == "second").count(), 1);
}

#[tokio::test]
async fn s28_a_change_and_all_that_follows_from_it_is_acted_on() {
    let mut world = prepared().await;
    play(&mut world).await;
    check(&world);
    assert_eq!(world.mails().len(), 3);
}

async fn answer(world: &mut World, said: Subscription) {
    let id = pat();
    world
        .insist(async |app| {
            change_contact(app, &id, |before, _| {
                let mut contact = before.cloned().unwrap();
                contact.topics.insert("news".parse().unwrap(), said);
                Ok(contact)
            })
            .await
        })
        .await;
}

/// S18: an answer to a topic is a change as any other: exit rules, goals and waits that ask for it act at once.
#[tokio::test]
async fn s18_an_answer_to_a_topic_ends_or_moves_the_runs_that_ask_for_it() {
    let mut world = empty().await;
    let subscribed = json!({ "subscribed": "news" });
    let rest = json!({ "wait": { "for": "9d" }, "next": "end" });
    let of = |id: &str, rule: &str, when: &Value| {
        let mut workflow = json!({ "id": id, "class": "care", "entry": { "attribute": "first", "to": true },
            "steps": { "rest": rest } });
        workflow[rule] = if rule == "exit" { json!([{ "when": when }]) } else { json!({ "when": when }) };
        workflow
    };
    let waits = json!({ "id": "waits", "class": "care", "entry": { "attribute": "first", "to": true },
        "steps": { "ask": { "wait_for": { "paths": [{ "when": subscribed, "next": "end" }], "timeout": "9d", "next": "gone" } },
            "gone": { "exit": { "reason": "never" } } } });
    publish(&world, [of("goal", "goal", &subscribed), of("exit", "exit", &subscribed), waits]).await;
    register(&mut world).await;
    set(&mut world, "first").await;
    let soon = world.now() + jiff::SignedDuration::from_mins(1);
    world.run_until(soon).await;
    assert!(world.ports.store.content().runs.values().all(|run| !run.is_ended()));
    answer(&mut world, Subscription::Unsubscribed).await;
    world.run_until(soon).await;
    assert!(world.ports.store.content().runs.values().all(|run| !run.is_ended()));
    answer(&mut world, Subscription::Subscribed).await;
    world.run_until(soon).await;
    let content = world.ports.store.content();
    let mut runs: Vec<_> =
        content.runs.values().map(|run| (run.workflow.as_str(), World::outcome(run).reason())).collect();
    runs.sort_unstable();
    assert_eq!(runs, [("exit", "exited"), ("goal", "goal"), ("waits", "completed")]);
}

/// S11: of two runs of one contact in two workflows that are about to send at one moment, one sees the mail of the other.
#[tokio::test]
async fn s11_two_workers_in_two_workflows_do_not_take_the_last_place_under_a_cap_both() {
    let capped = |id: &str| {
        json!({ "id": id, "class": "care", "entry": { "attribute": "first", "to": true },
            "send_policy": { "cap": { "max": 1, "per": "7d" } },
            "steps": { "rest": { "wait": { "for": "1h" }, "next": "tell" },
                "tell": { "send": { "template": "welcome" }, "next": "end" } } })
    };
    for seed in 0..100 {
        let mut world = empty().await;
        publish(&world, [capped("one"), capped("two")]).await;
        register(&mut world).await;
        set(&mut world, "first").await;
        let soon = world.now() + jiff::SignedDuration::from_mins(1);
        world.run_until(soon).await;
        world.ports.clock.turn_to(soon + jiff::SignedDuration::from_hours(2));
        world.faults.arm(None, seed);
        let work: Vec<Work> = world.ports.store.content().due().into_iter().map(|due| due.work).collect();
        assert_eq!(work.len(), 2);
        let both = world.insist(async |app| {
            let (one, other) = tokio::join!(Box::pin(handle(app, &work[0])), Box::pin(handle(app, &work[1])));
            one.and(other)
        });
        both.await;
        world.run_to_the_end().await;
        world.check_end();
        assert_eq!(world.mails().len(), 1, "seed {seed}");
        let skipped = |run: &Run| run.messages.values().any(|mail| mail.reason.as_deref() == Some("capped"));
        assert_eq!(world.ports.store.content().runs.values().filter(|run| skipped(run)).count(), 1, "seed {seed}");
    }
}
