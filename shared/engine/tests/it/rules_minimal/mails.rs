//! W004, W005, W010, W011, W013 and W017: mails, what they show, and what is asked about them.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use carepath_engine::compile::{FieldClass, Place};
use serde_json::{Value, json};

use super::{Row, branch, day, halves, row, send, steps};
use crate::document_samples::World;

pub(super) fn rows() -> Vec<Row> {
    [asked(), shown(), consent()].into_iter().flatten().collect()
}

fn asked() -> Vec<Row> {
    let both = |other: &str, when: Value| {
        steps(json!({ "a": halves("b", other), "b": send("c"), "c": day("d"), "d": branch(when) }))
    };
    let clicked = || json!({ "clicked": "b" });
    let at_once = |between: Value, when: Value| steps(json!({ "b": send("c"), "c": between, "d": branch(when) }));
    let add = || json!({ "segment": { "add": "vip" }, "next": "d" });
    let two = |last: &str| {
        steps(json!({
            "a": send("b"), "b": if last == "d" { send("d") } else { day("c") }, "c": send("d"),
            "d": branch(json!({ "clicked": "any" }))
        }))
    };
    let case = "/steps/d/branch/cases/0/when";
    let mut two_hasty = two("d");
    two_hasty["steps"].as_object_mut().unwrap().remove("c");
    vec![
        row("W004", case, "d", both("c", clicked()), both("end", clicked())),
        row(
            "W004",
            case,
            "d",
            steps(json!({ "c": day("d"), "d": branch(json!({ "opened": "any" })) })),
            both("end", json!({ "clicked": "any" })),
        ),
        row("W005", case, "d", at_once(add(), clicked()), at_once(day("d"), clicked())),
        // Any mail: for the first there was time, if not for the last.
        row("W005", case, "d", two_hasty, two("c")),
        row(
            "W013",
            "/steps/d/branch/cases",
            "d",
            at_once(day("d"), json!({ "opened": "b" })),
            at_once(day("d"), json!({ "any": [{ "opened": "b" }, { "clicked": "b" }] })),
        ),
    ]
}

fn showing(path: &str, place: Place, defaulted: bool) -> World {
    let mut world = World::new();
    world.declare("given", FieldClass::Public, true);
    world.declare("maybe", FieldClass::Public, false);
    world.declare("illness", FieldClass::Phi, true);
    world.show("welcome", path, place, defaulted);
    world
}

fn shown() -> Vec<Row> {
    let mail = || steps(json!({ "a": send("end") }));
    let other = || steps(json!({ "a": { "send": { "template": "news" }, "next": "end" } }));
    let filtered = |filter: Value| {
        let mut document = mail();
        document["entry"]["filter"] = filter;
        document
    };
    let place = "/steps/a/send/template";
    let set = |value: &str| steps(json!({ "a": { "update": { "set": { "x": value } }, "next": "end" } }));
    let pays = |value: &str| {
        steps(json!({ "a": { "jump": { "workflow": "w", "step": "b", "payload": { "x": value } } }, "b": day("end") }))
    };
    let paid = |value: &str| {
        let mut document = pays(value);
        document["steps"]["a"]["jump"]["stay"] = json!(true);
        document["steps"]["a"]["next"] = json!("b");
        document
    };
    vec![
        row("W010", place, "a", mail(), filtered(json!({ "attribute": "maybe", "exists": true }))).among(showing(
            "contact.attributes.maybe",
            Place::Body,
            false,
        )),
        row(
            "W010",
            place,
            "a",
            filtered(json!({ "attribute": "maybe", "ne": 1 })),
            filtered(json!({ "attribute": "maybe", "eq": 1 })),
        )
        .among(showing("contact.attributes.maybe", Place::Body, false)),
        row("W010", "/steps/a/update", "a", set("{{ entry.x }}"), set("{{ entry.x | default('') }}")),
        row("W010", "/steps/a/update", "a", set("{{ contact.attributes.x }}"), set("{{ contact.id }}")),
        row(
            "W010",
            "/steps/a/jump/payload",
            "a",
            paid("{{ entry.x }}"),
            paid("{% if entry.x is defined %}{{ entry.x }}{% endif %}"),
        ),
        row("W011", place, "a", mail(), other()).among(showing("contact.attributes.illness", Place::Subject, true)),
        row("W011", place, "a", mail(), other()).among(showing("contact.attributes.illness", Place::Preheader, true)),
        row("W011", place, "a", mail(), other()).among(showing("contact.attributes.illness", Place::Link, true)),
    ]
}

fn consent() -> Vec<Row> {
    let marketing = |topic: bool, template: &str| {
        let mut document = steps(json!({ "a": { "send": { "template": template }, "next": "end" } }));
        document["class"] = json!("marketing");
        if topic {
            document["topic"] = json!("news");
        }
        document
    };
    let mut bare = World::new();
    bare.templates.get_mut(&"welcome".parse().unwrap()).unwrap().has_unsubscribe_link = false;
    vec![
        row("W017", "/class", "", marketing(false, "news"), marketing(true, "news")).of_no_step(),
        row("W017", "/steps/a/send/template", "a", marketing(true, "welcome"), marketing(true, "news")).among(bare),
    ]
}
