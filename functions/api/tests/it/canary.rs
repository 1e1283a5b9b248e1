use std::io::Write;
use std::sync::{Arc, Mutex};

use carepath_api::described;
use carepath_aws::lambda::is_logged;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::{Local, Mishap, World};

const CANARY: &str = "canary7291";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// S24: neither what a webhook is told nor what it answers nor what an event says shows in a log line.
#[tokio::test]
async fn nothing_that_is_told_outside_is_logged() {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone());
    let filter = filter_fn(|line| is_logged(line, Level::TRACE));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer).with(filter));
    let world = World::new().await;
    let public = json!({ "attributes": { "note": { "type": "string", "class": "public" } } });
    world.ok("PUT", "/v1/schema", public).await;
    let told = json!({ "url": "https://hooks.example/x", "body": ["{{ contact.attributes.note | default('') }}"], "save_as": "said" });
    let document = json!({
        "class": "care", "entry": { "event": "joined" },
        "steps": {
            "call": { "webhook": told, "next": "tell" },
            "tell": { "emit": { "event": "heard", "properties": { "x": "{{ saved.said | default('') }}" } }, "next": "broken" },
            "broken": { "webhook": { "url": "https://hooks.example/x", "body": "{{ contact.attributes.note | default('') | round }}" }, "next": "end" },
        },
    });
    world.ok("PUT", "/v1/workflows/outside", document).await;
    world.ok("POST", "/v1/workflows/outside/publish", Value::Null).await;
    let contact = json!({ "email": format!("{CANARY}@example.org"), "attributes": { "note": CANARY } });
    world.ok("PUT", &format!("/v1/contacts/{CANARY}"), contact).await;
    world.ok("POST", &format!("/v1/contacts/{CANARY}/events"), json!({ "name": "joined" })).await;
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.calls().len(), 1);
    assert!(world.calls()[0].body.contains(CANARY) && !format!("{:?}", world.calls()).contains(CANARY));
    let runs = world.ok("GET", &format!("/v1/contacts/{CANARY}/runs"), Value::Null).await;
    assert_eq!(runs["items"][0]["ended"], "completed", "{runs}");
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("template"), "the body that cannot be made is told of");
    assert!(!written.to_lowercase().contains(CANARY) && !written.contains("whsec_"), "{written}");
}

/// S24: contact data shows in no log line and in no error, whichever route is called and however it fails.
#[tokio::test]
async fn nothing_of_a_contact_is_logged_or_repeated_in_an_error() {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone());
    let filter = filter_fn(|line| is_logged(line, Level::TRACE));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer).with(filter));
    let world = World::new().await;
    world.publish_welcome().await;
    let contact = json!({
        "email": format!("{CANARY}@example.org"), "attributes": { "note": CANARY }, "topics": { "news": "subscribed" },
    });
    let id = format!("/v1/contacts/{CANARY}");
    world.ok("PUT", &id, contact).await;
    let event = json!({ "name": "joined", "id": CANARY, "properties": { "note": CANARY } });
    world.ok("POST", &format!("{id}/events"), event).await;
    world.settle(SignedDuration::ZERO).await;
    assert_eq!(world.mails().len(), 1);
    let runs = world.ok("GET", &format!("{id}/runs"), Value::Null).await;
    assert!(runs.to_string().contains(CANARY), "answers do tell, to those who may ask");
    world.ok("GET", &format!("/v1/contacts?email={CANARY}@example.org"), Value::Null).await;
    world.ok("GET", &format!("{id}?phi=hidden&why=support"), Value::Null).await;

    let bodies = [
        Value::Null,
        json!(CANARY),
        json!([CANARY]),
        json!({ "email": CANARY, "zone": CANARY, "locale": CANARY, "attributes": CANARY, "topics": { "news": CANARY } }),
        json!({ "id": CANARY, "name": 7, "at": CANARY, "properties": CANARY, "entries": CANARY, "add": [CANARY, 7] }),
        json!({ "contact": CANARY, "segment": 7, "payload": CANARY, "key": 7, "entry": CANARY }),
        json!({ "entries": [{ "contact": { "id": CANARY, "email": CANARY } }, { "event": { "contact": CANARY } }] }),
    ];
    for route in described::<Local>() {
        for name in [CANARY, "welcome", "%FF", &format!("{CANARY}%2F")] {
            let path = route
                .path
                .replace("{id}", name)
                .replace("{n}", CANARY)
                .replace("{token}", name)
                .replace("{step}", CANARY);
            for query in [String::new(), format!("?email={CANARY}&segment={CANARY}&limit={CANARY}&cursor={CANARY}")] {
                for body in &bodies {
                    if route.method == http::Method::DELETE && name == CANARY {
                        continue;
                    }
                    let body = (!body.is_null()).then(|| body.clone());
                    let reply = world.call(route.method.as_str(), &format!("{path}{query}"), body).await;
                    if reply.status.is_client_error() || reply.status.is_server_error() {
                        assert!(!reply.text.contains(CANARY), "{} {path}: {}", route.method, reply.text);
                    }
                    assert!(!reply.headers.contains(CANARY), "{} {path}: {}", route.method, reply.headers);
                    assert!(!reply.status.is_server_error(), "{} {path}: {}", route.method, reply.text);
                }
            }
        }
    }
    // What stands where the table of routes does not expect anything.
    let told = [("authorization", CANARY), ("if-match", CANARY), ("content-type", CANARY), ("x-canary", CANARY)];
    for (method, path) in
        [("CANARY7291", "/v1/keys"), ("PUT", id.as_str()), ("GET", "/canary7291"), ("GET", "/healthz")]
    {
        for body in [None, Some(json!({ CANARY: CANARY }))] {
            let reply = world.call_with(method, path, body, &told).await;
            assert!(!format!("{}{}", reply.headers, reply.text).contains(CANARY), "{method} {path}: {}", reply.text);
        }
    }
    for mishap in [Mishap::Error(400, "ValidationException", CANARY), Mishap::Panic(CANARY)] {
        *world.mishap.lock().unwrap() = Some(mishap);
        let reply = world.call("GET", &id, None).await;
        *world.mishap.lock().unwrap() = None;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (500, "internal"), "{}", reply.text);
        assert!(!reply.text.contains(CANARY), "{}", reply.text);
    }
    world.ok("DELETE", &format!("{id}/suppression"), Value::Null).await;
    world.ok("DELETE", &id, Value::Null).await;
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("\"target\":\"access\"") && written.contains("\"target\":\"audit\""));
    assert!(written.contains("\"hidden\":true,\"why\":\"support\""), "why somebody looked is written down");
    let opened = written.lines().filter(|line| line.contains("address opened again"));
    assert_eq!(opened.filter(|line| line.contains("\"who\"")).count(), 1, "who opened an address is written down");
    let told: Vec<&str> = written.lines().filter(|line| line.to_lowercase().contains(CANARY)).collect();
    assert!(told.is_empty(), "{}", told.first().unwrap_or(&""));
}
