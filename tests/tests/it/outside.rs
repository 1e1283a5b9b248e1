//! Webhooks and events that workflows tell, by a real process that calls a real receiver.

use serde_json::{Value, json};

use crate::support::dev::{Dev, START};
use crate::support::home::Home;
use crate::support::receiver::Receiver;
use crate::support::story::{steps, text, visit, workflow};

const HERE: &[&str] = &["--webhooks-to-this-machine"];

/// A webhook whose answer decides, and an event that starts another workflow.
async fn office(dev: &Dev, url: &str) {
    dev.to(START).await;
    dev.note("note").await;
    dev.put("/v1/schema", json!({ "attributes": { "ward": { "type": "string", "class": "public" } } })).await;
    dev.publish(workflow("reach", "at_risk", json!({ "hello": { "send": { "template": "note" }, "next": "end" } })))
        .await;
    let body = json!({ "patient": "{{ contact.id }}", "ward": "{{ contact.attributes.ward | default('') }}" });
    let steps = json!({
        "score": { "webhook": { "url": url, "body": body, "save_as": "score", "on_failure": "nobody" }, "next": "which" },
        "which": { "branch": { "cases": [{ "when": { "saved": "score.points", "gte": 7 }, "next": "tell" }], "next": "end" } },
        "tell": { "emit": { "event": "at_risk", "properties": { "points": "{{ saved.score.points | default(0) }}" } }, "next": "end" },
        "nobody": { "exit": { "reason": "nobody there" } },
    });
    dev.publish(workflow("score", "joined", steps)).await;
    dev.put("/v1/contacts/ann", json!({ "email": "ann@example.org", "attributes": { "ward": "canary-ward" } })).await;
}

async fn secret(dev: &Dev) -> String {
    text(&dev.get("/v1/webhook-secret").await, "secret").to_owned()
}

async fn run_of(dev: &Dev, workflow: &str) -> Value {
    let runs = dev.runs("ann").await;
    runs.into_iter().find(|run| run["workflow"] == workflow).unwrap()
}

fn attempts(run: &Value) -> Vec<(String, Value)> {
    let told = visit(run, "score")["explanation"].as_array().unwrap().iter();
    told.map(|why| (text(why, "test").to_owned(), why["observed"].clone())).collect()
}

/// S23, S24, S28
#[tokio::test]
async fn s28_what_a_webhook_answers_decides_and_an_event_starts_another_workflow() {
    let receiver = Receiver::start();
    let dev = Dev::with(Home::logging("trace"), HERE);
    office(&dev, &receiver.url).await;
    receiver.answer(200, &json!({ "points": 9, "note": "canary-answer" }));
    dev.happens("ann", "joined").await;
    let told = receiver.next();
    assert_eq!(told.json(), json!({ "patient": "ann", "ward": "canary-ward" }));
    assert!(told.is_signed_with(&secret(&dev).await));
    assert!(!told.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));

    let run = run_of(&dev, "score").await;
    assert_eq!((steps(&run), text(&run, "ended")), (vec!["score", "which", "tell"], "completed"));
    assert_eq!(attempts(&run), [("attempt 1 of the call".to_owned(), json!(200))]);
    assert!(!run["visits"].to_string().contains("canary"), "a visit tells the status, and no body");
    assert_eq!(dev.subjects("ann").await, ["note"], "the event started the other workflow");
    assert_eq!(run_of(&dev, "reach").await["entry"]["payload"], json!({ "points": 9 }));
    let timeline = dev.get("/v1/contacts/ann/timeline").await;
    let told_by = |item: &&Value| item["type"] == "event" && item["source"] == "workflow";
    let events: Vec<_> = timeline["items"].as_array().unwrap().iter().filter(told_by).collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["name"], "at_risk");

    let log = dev.home.log();
    assert!(!log.contains("canary-") && !log.contains("whsec_"), "neither what is told nor the answer is logged");
}

/// S5
#[tokio::test]
async fn s5_a_receiver_that_is_down_is_called_again_under_the_same_id_and_may_be_told_of_a_new_secret() {
    let receiver = Receiver::start();
    let dev = Dev::with(Home::new(), HERE);
    office(&dev, &receiver.url).await;
    receiver.answer(503, &json!({}));
    receiver.answer(200, &json!({ "points": 1 }));
    dev.happens("ann", "joined").await;
    let first = receiver.next();
    let run = run_of(&dev, "score").await;
    assert_eq!((text(&run, "current"), text(&run, "status")), ("score", "active"));
    let old = secret(&dev).await;
    let rotated = dev.post("/v1/webhook-secret/rotate", json!({})).await;
    assert!(rotated["previous_until"].is_string(), "{rotated}");
    dev.advance("29s").await;
    assert!(receiver.rest().is_empty());
    dev.advance("2s").await;
    let second = receiver.next();
    assert_eq!(second.id(), first.id());
    assert_ne!(second.headers["webhook-timestamp"], first.headers["webhook-timestamp"]);
    assert!(second.is_signed_with(&old) && second.is_signed_with(&secret(&dev).await), "both, for a day");
    let run = run_of(&dev, "score").await;
    assert_eq!(text(&run, "ended"), "completed");
    assert_eq!(attempts(&run).len(), 2);
}

/// S1, S5: a process that dies while it calls leaves a claim; when that has run out, the call is made again.
#[tokio::test]
async fn s5_a_death_in_the_middle_of_a_call_leads_to_another_one_under_the_same_id() {
    let receiver = Receiver::start();
    let dev = Dev::with(Home::new(), HERE);
    office(&dev, &receiver.url).await;
    receiver.keep_silent();
    dev.post("/v1/contacts/ann/events", json!({ "name": "joined" })).await;
    let first = receiver.next();
    let dev = Dev::with(dev.kill(), HERE);
    dev.settle().await;
    assert!(receiver.rest().is_empty(), "the claim still holds");
    receiver.answer(200, &json!({ "points": 8 }));
    dev.advance("61s").await;
    let second = receiver.next();
    assert_eq!((second.id(), second.body.as_str()), (first.id(), first.body.as_str()));
    let run = run_of(&dev, "score").await;
    assert_eq!(attempts(&run).last().unwrap().1, json!(200));
    assert_eq!(dev.subjects("ann").await, ["note"]);
    assert!(receiver.rest().is_empty());
}

/// S24
#[tokio::test]
async fn s24_nobody_is_called_on_this_machine_unless_whoever_runs_it_says_so() {
    let receiver = Receiver::start();
    let dev = Dev::with(Home::new(), &[]);
    office(&dev, &receiver.url).await;
    dev.happens("ann", "joined").await;
    let run = run_of(&dev, "score").await;
    assert_eq!(attempts(&run), [("attempt 1 of the call".to_owned(), json!("address_not_public"))]);
    assert_eq!(steps(&run), ["score", "nobody"]);
    assert!(receiver.rest().is_empty());
}
