//! Webhooks, and events that workflows tell.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use carepath_app::change::{change_contact, delete_contact};
use carepath_app::documents::Expect;
use carepath_app::{hooks, segments};
use carepath_engine::Run;
use carepath_engine::event::Source;
use carepath_engine::run::{Edge, MAX_HOPS, Outcome, Place, State};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::journey::{empty, pat, publish, register, start, tell};
use crate::world::World;

/// A webhook whose answer decides, an event that its own run waits for and that starts another workflow, which tells an
/// event that nobody waits for.
fn workflows() -> [Value; 2] {
    let scoring = json!({
        "id": "scoring", "class": "care", "entry": { "event": "joined" },
        "steps": {
            "score": { "webhook": {
                "url": "https://risk.example/score", "body": { "patient": "{{ contact.id }}" }, "save_as": "score",
                "on_failure": "failed"
            }, "next": "which" },
            "which": { "branch": {
                "cases": [{ "when": { "saved": "score.band", "eq": "high" }, "next": "tell" }], "next": "failed"
            } },
            "tell": { "emit": { "event": "at_risk", "properties": { "band": "{{ saved.score.band }}" } }, "next": "hear" },
            "hear": { "wait_for": { "paths": [{ "event": "at_risk", "next": "note" }], "timeout": "1d", "next": "failed" } },
            "note": { "update": { "set": { "band": "{{ saved.score.band }}" }, "increment": { "heard": 1 } }, "next": "end" },
            "failed": { "exit": { "reason": "failed" } }
        }
    });
    let outreach = json!({
        "id": "outreach", "class": "care", "entry": { "event": "at_risk", "where": { "event": "band", "eq": "high" } },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "count" },
            "count": { "update": { "increment": { "reached": 1 } }, "next": "done" },
            "done": { "emit": { "event": "reached_out" }, "next": "end" }
        }
    });
    [scoring, outreach]
}

pub(crate) async fn prepared() -> World {
    let mut world = empty().await;
    publish(&world, workflows()).await;
    register(&mut world).await;
    // The secret is there, as it is once somebody has set up a receiver.
    hooks::signing(world.app()).await.unwrap();
    world.run_to_the_end().await;
    world
}

pub(crate) async fn play(world: &mut World) {
    tell(world, "joined", "e1").await;
    world.run_to_the_end().await;
}

/// All of it happened once, but for calls, which may come again under the id of their visit.
pub(crate) fn check(world: &World) {
    world.check_end();
    world.check_told();
    assert_eq!(world.ports.hooks.ids().len(), 1, "one visit, one id: {:?}", world.ports.hooks.ids());
    let content = world.ports.store.content();
    let ended: BTreeMap<_, _> =
        content.runs.values().map(|run| (run.workflow.to_string(), World::outcome(run).clone())).collect();
    assert_eq!(content.runs.len(), 2);
    assert_eq!(ended["scoring"], Outcome::Completed);
    assert_eq!(ended["outreach"], Outcome::Completed);
    let contact = content.contacts.values().next().unwrap();
    assert_eq!(contact.attribute("band"), Some(&json!("high")));
    assert_eq!((contact.attribute("heard"), contact.attribute("reached")), (Some(&json!(1)), Some(&json!(1))));
    let mut told: Vec<_> = content.events.iter().map(|(.., event, _)| (event.source, event.name.to_string())).collect();
    told.sort();
    let names = |source, name: &str| (source, name.to_owned());
    let expected =
        [names(Source::Api, "joined"), names(Source::Workflow, "at_risk"), names(Source::Workflow, "reached_out")];
    assert_eq!(told, expected);
}

fn run_of(world: &World, workflow: &str) -> Run {
    let content = world.ports.store.content();
    content.runs.values().find(|run| run.workflow.as_str() == workflow).unwrap().clone()
}

fn explained(run: &Run, step: u16) -> Vec<String> {
    let visit = run.visits.iter().find(|visit| visit.place == Place::Step(step)).unwrap();
    visit.explanation.iter().map(|why| format!("{}: {}", why.test, why.observed.expose())).collect()
}

#[tokio::test]
async fn an_answer_decides_and_what_is_told_starts_another_workflow() {
    let mut world = prepared().await;
    play(&mut world).await;
    check(&world);
    let heard = world.ports.hooks.heard();
    let [call] = &heard[..] else { panic!("one call, and not {}", heard.len()) };
    assert_eq!((call.url.as_str(), call.body.as_str()), ("https://risk.example/score", r#"{"patient":"pat"}"#));
    let header = |name: &str| call.headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    assert!(header("webhook-id").starts_with("msg_"));
    assert_eq!(header("webhook-timestamp"), start().as_second().to_string());
    assert!(header("webhook-signature").starts_with("v1,"));
    assert_eq!(explained(&run_of(&world, "scoring"), 0), ["attempt 1 of the call: 200"]);
    let last = run_of(&world, "outreach").visits.last().unwrap().at;
    assert_eq!(last, start(), "nothing had to be waited for");
}

/// S5
#[tokio::test]
async fn s5_a_webhook_that_is_down_is_called_five_times_under_one_id_and_then_has_failed() {
    let mut world = prepared().await;
    for status in [500, 503, 429, 408, 502] {
        world.ports.hooks.answer_next(status, "down");
    }
    play(&mut world).await;
    assert_eq!(world.ports.hooks.ids().values().copied().collect::<Vec<_>>(), [5]);
    let run = run_of(&world, "scoring");
    assert_eq!(run.visits[1].edge, Some(Edge::OnFailure));
    assert_eq!(explained(&run, 0).len(), 5);
    assert_eq!(*World::outcome(&run), Outcome::Exited("failed".into()));
    assert_eq!(run.visits.last().unwrap().at - start(), SignedDuration::from_secs(30 + 300 + 1_800 + 10_800));
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_a_failure_and_says_which() {
    for (body, code) in [("<html>", "200 answer_not_json"), (&*"9".repeat(9_000), "200 answer_too_large")] {
        let mut world = prepared().await;
        world.ports.hooks.answer_next(200, body);
        play(&mut world).await;
        assert_eq!(explained(&run_of(&world, "scoring"), 0), [format!("attempt 1 of the call: \"{code}\"")]);
    }
}

/// S2: two workflows that start each other, for ever if they could.
#[tokio::test]
async fn s2_workflows_that_start_each_other_come_to_an_end() {
    let mut world = empty().await;
    let tells = |id: &str, starts: &str, event: &str| {
        json!({ "id": id, "class": "care", "entry": { "event": starts, "reentry": "always" },
            "steps": { "tell": { "emit": { "event": event }, "next": "end" } } })
    };
    publish(&world, [tells("ping", "ping", "pong"), tells("pong", "pong", "ping")]).await;
    register(&mut world).await;
    tell(&mut world, "ping", "e1").await;
    world.run_to_the_end().await;
    let content = world.ports.store.content();
    let runs = content.runs.len();
    assert_eq!(runs, MAX_HOPS as usize + 1);
    let failed: Vec<_> = content.runs.values().filter(|run| *World::outcome(run) != Outcome::Completed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(*World::outcome(failed[0]), Outcome::Failed("hop_limit".into()));
}

/// S2: so do those that start each other by what they change: an attribute, and a segment that follows another.
#[tokio::test]
async fn s2_workflows_that_start_each_other_by_changes_come_to_an_end() {
    let mut world = empty().await;
    let many = "many".parse().unwrap();
    let even = json!({ "id": "many", "when": { "attribute": "odd", "eq": false } });
    segments::put(world.app(), &many, even, Expect::Any).await.unwrap();
    // A run has many steps, so that not too many are needed.
    let counts = |id: &str, entry: Value, last: Value| {
        let mut steps = serde_json::Map::new();
        for step in 0..24 {
            let next = format!("n{}", step + 1);
            steps.insert(format!("n{step}"), json!({ "update": { "increment": { "steps": 1 } }, "next": next }));
        }
        steps.insert("n24".to_owned(), last);
        let mut entry = entry;
        entry["reentry"] = json!("always");
        json!({ "id": id, "class": "care", "entry": entry, "steps": steps })
    };
    let set = |odd: bool| json!({ "update": { "set": { "odd": odd } }, "next": "end" });
    let ping = counts("ping", json!({ "segment": "many", "on": "enter" }), set(true));
    let pong = counts("pong", json!({ "attribute": "odd", "to": true }), set(false));
    publish(&world, [ping, pong]).await;
    register(&mut world).await;
    let id = pat();
    let changed = change_contact(world.app(), &id, |before, _| {
        let mut contact = before.cloned().unwrap();
        contact.attributes.0.insert("odd".to_owned(), json!(true));
        Ok(contact)
    });
    changed.await.unwrap();
    world.run_to_the_end().await;
    let content = world.ports.store.content();
    assert_eq!(content.runs.len(), MAX_HOPS as usize / 25 + 1);
    let failed: Vec<_> = content.runs.values().filter(|run| *World::outcome(run) != Outcome::Completed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(*World::outcome(failed[0]), Outcome::Failed("hop_limit".into()));
    let contact = content.contacts.values().next().unwrap();
    assert!(contact.pending.is_empty());
    // What somebody outside changes begins to count anew.
    assert_eq!(contact.attribute("steps"), Some(&json!(MAX_HOPS / 25 * 24)));
}

/// S26: a contact is deleted while somebody is called: the answer comes too late, and nothing of it is kept.
#[tokio::test]
async fn s26_a_deletion_ends_a_run_that_waits_to_call_again() {
    let mut world = prepared().await;
    world.ports.hooks.answer_next(503, "");
    tell(&mut world, "joined", "e1").await;
    world.run_until(start() + SignedDuration::from_secs(5)).await;
    assert!(matches!(run_of(&world, "scoring").state, State::Ready { .. }));
    world.insist(async |app| delete_contact(app, &pat()).await).await;
    world.run_to_the_end().await;
    let run = run_of(&world, "scoring");
    assert_eq!(*World::outcome(&run), Outcome::Deleted);
    assert_eq!(world.ports.hooks.heard().len(), 1);
    assert_eq!(world.ports.store.content().contacts.len(), 0, "nothing makes the contact anew");
}

/// S26: an event that a run told while its contact was being deleted goes as well, and makes no contact anew.
#[tokio::test]
async fn s26_an_event_of_a_workflow_makes_no_contact_anew() {
    let mut world = prepared().await;
    play(&mut world).await;
    let told = {
        let content = world.ports.store.content();
        let (key, name, event, _) =
            content.events.iter().find(|(.., event, _)| event.source == Source::Workflow).unwrap().clone();
        (key, name, event, false)
    };
    world.insist(async |app| delete_contact(app, &pat()).await).await;
    world.ports.store.content().events.push(told);
    world.run_to_the_end().await;
    let content = world.ports.store.content();
    assert_eq!((content.contacts.len(), content.events.len()), (0, 0));
}

#[tokio::test]
async fn a_new_secret_is_another_one_and_both_sign_for_a_day() {
    let world = prepared().await;
    let before = hooks::signing(world.app()).await.unwrap();
    let after = hooks::rotate(world.app(), None).await.unwrap();
    assert_ne!(before.shown(), after.shown());
    assert_eq!(hooks::signing(world.app()).await.unwrap().shown(), after.shown());
    assert_eq!(before.overlap_until(world.now()), None);
    assert_eq!(after.overlap_until(world.now()), Some(world.now() + hooks::OVERLAP));
}
