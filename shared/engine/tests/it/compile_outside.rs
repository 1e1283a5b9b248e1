//! What is checked of events that a workflow tells, of webhooks, and of their answers.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use std::sync::Arc;

use carepath_engine::compile::compile;
use serde_json::{Value, json};

use crate::document_samples::{World, errors, found, workflow};

fn steps_of(emit_or_webhook: Value) -> Value {
    let mut step = emit_or_webhook;
    step["next"] = json!("end");
    workflow(&json!({ "out": step }))
}

fn webhook(fields: Value) -> Value {
    let mut webhook = json!({ "url": "https://hooks.example/x" });
    if let Value::Object(fields) = fields {
        webhook.as_object_mut().into_iter().for_each(|known| known.extend(fields.clone()));
    }
    steps_of(json!({ "webhook": webhook }))
}

#[test]
fn a_webhook_is_called_at_an_address_that_is_the_same_for_everybody_and_holds_no_secret() {
    let at = |url: &str| webhook(json!({ "url": url }));
    for url in [
        "https://hooks.example/x?y=1",
        "https://hooks.example:8443",
        "http://localhost:9000/x",
        "http://127.0.0.1:9/",
        "http://[::1]:9/",
        "https://[2001:db8::1]/x",
    ] {
        assert_eq!(errors(&World::new().check(&at(url))), Vec::<&str>::new(), "{url}");
    }
    for url in [
        "hooks.example/x",
        "http://hooks.example/x",
        "http://localhost.evil.example/x",
        "ftp://hooks.example/x",
        "https://user:secret@hooks.example/x",
        "https://hooks.example:0/",
        "https://hooks.example:70000/",
        "https:///x",
        "https://[::1",
        "https://hooks.example/a b",
        "https://hooks.example/#part",
        "https://höoks.example/",
    ] {
        let report = World::new().check(&at(url));
        assert_eq!(found(&report, "D004"), [("/steps/out/webhook/url", Some("out"))], "{url}");
        assert!(!format!("{report:?}").contains("secret"), "a password is not repeated");
    }
}

/// S25
#[test]
fn s25_neither_an_address_nor_the_name_of_an_event_holds_a_template() {
    let report = World::new().check(&webhook(json!({ "url": "https://hooks.example/{{ contact.id }}" })));
    assert_eq!(found(&report, "W011"), [("/steps/out/webhook/url", Some("out"))]);
    let report = World::new().check(&steps_of(json!({ "emit": { "event": "seen_{{ contact.attributes.illness }}" } })));
    assert_eq!(found(&report, "W011"), [("/steps/out/emit/event", Some("out"))]);
}

/// S25: a webhook is told nothing of class `phi` or `sensitive`, and what nobody declared is `phi`.
#[test]
fn s25_health_information_in_the_body_of_a_webhook_is_an_error_and_in_an_event_is_not() {
    let told = |body: Value| World::new().check(&webhook(json!({ "body": body })));
    for path in
        ["contact.attributes.illness", "contact.attributes", "contact", "entry.result", "saved.score", "contact.topics"]
    {
        let report = told(json!({ "data": [{ "x": format!("so {{{{ {path} }}}}") }] }));
        assert_eq!(found(&report, "W011"), [("/steps/out/webhook/body", Some("out"))], "{path}");
    }
    let hidden = told(json!("{% set x = contact.attributes.illness %}{% if x %}yes{% endif %}"));
    assert_eq!(found(&hidden, "W011"), [("/steps/out/webhook/body", Some("out"))]);
    for path in ["contact.id", "contact.email", "contact.zone | default('UTC')", "now"] {
        assert_eq!(errors(&told(json!({ "x": format!("{{{{ {path} }}}}") }))), Vec::<&str>::new(), "{path}");
    }
    let inside =
        json!({ "event": "seen", "properties": { "x": "{{ contact.attributes.illness | default('none') }}" } });
    assert_eq!(errors(&World::new().check(&steps_of(json!({ "emit": inside })))), Vec::<&str>::new());
}

#[test]
fn what_is_written_wrongly_is_found_with_its_place() {
    for (step, rule, at) in [
        (json!({ "emit": { "event": "carepath.unsubscribed" } }), "D004", "/steps/out/emit/event"),
        (json!({ "emit": { "event": "x", "properties": [] } }), "D003", "/steps/out/emit/properties"),
        (json!({ "emit": { "event": "x", "properties": { "a": "{{ x" } } }), "D004", "/steps/out/emit/properties"),
        (json!({ "emit": {} }), "D002", "/steps/out/emit"),
        (json!({ "webhook": {} }), "D002", "/steps/out/webhook"),
        (json!({ "webhook": { "url": "https://x.example", "save_as": "A b" } }), "D004", "/steps/out/webhook/save_as"),
        (json!({ "webhook": { "url": "https://x.example", "body": "{{ x" } }), "D004", "/steps/out/webhook/body"),
        (
            json!({ "webhook": { "url": "https://x.example", "on_failure": "gone" } }),
            "W001",
            "/steps/out/webhook/on_failure",
        ),
        (json!({ "webhook": { "url": "https://x.example" }, "save_as": "x" }), "D001", "/steps/out/save_as"),
    ] {
        let report = World::new().check(&steps_of(step));
        assert_eq!(found(&report, rule), [(at, Some("out"))], "{report:?}");
    }
}

#[test]
fn what_is_asked_of_an_answer_has_to_be_saved_by_a_webhook() {
    let asked = |saved: &str| {
        World::new().check(&workflow(&json!({
            "out": { "webhook": { "url": "https://x.example", "save_as": "score" }, "next": "which" },
            "which": { "branch": { "cases": [{ "when": { "saved": saved, "gt": 1 }, "next": "end" }], "next": "end" } }
        })))
    };
    assert_eq!(errors(&asked("score.points")), Vec::<&str>::new());
    let report = asked("scores.points");
    assert_eq!(found(&report, "W012"), [("/steps/which/branch/cases/0/when/saved", Some("which"))]);
    assert!(format!("{report:?}").contains("`score`"), "it says what may have been meant");
    let mut filtered = workflow(&json!({ "a": { "exit": { "reason": "x" } } }));
    filtered["entry"]["filter"] = json!({ "saved": "score.points", "gt": 1 });
    assert_eq!(found(&World::new().check(&filtered), "D004"), [("/entry/filter/saved", None)]);
}

#[test]
fn a_failure_edge_is_a_way_like_any_other() {
    let report = World::new().check(&workflow(&json!({
        "out": { "webhook": { "url": "https://x.example", "on_failure": "sorry" }, "next": "end" },
        "sorry": { "exit": { "reason": "nobody there" } }
    })));
    assert_eq!(errors(&report), Vec::<&str>::new());
}

fn publish(world: &mut World, document: &Value) {
    let version = compile(document, 1, &world.context()).unwrap().version;
    world.workflows.insert(version.workflow.clone(), Arc::new(version));
}

/// S2: W019
#[test]
fn a_workflow_that_tells_what_starts_it_is_warned_of_also_over_others() {
    let tells = |id: &str, starts: &str, event: &str| {
        json!({ "id": id, "class": "care", "entry": { "event": starts, "reentry": "always" },
            "steps": { "out": { "emit": { "event": event }, "next": "end" } } })
    };
    let own = World::new().check(&tells("a", "x", "x"));
    assert_eq!(found(&own, "W019"), [("/steps/out/emit/event", Some("out"))]);
    assert!(own.ok, "it is a warning");
    assert_eq!(found(&World::new().check(&tells("a", "x", "y")), "W019"), []);
    let mut world = World::new();
    publish(&mut world, &tells("b", "y", "z"));
    assert_eq!(found(&world.check(&tells("a", "x", "y")), "W019"), []);
    publish(&mut world, &tells("c", "z", "x"));
    let round = world.check(&tells("a", "x", "y"));
    assert_eq!(found(&round, "W019"), [("/steps/out/emit/event", Some("out"))]);
    assert!(format!("{round:?}").contains("workflow `b`"));
}
