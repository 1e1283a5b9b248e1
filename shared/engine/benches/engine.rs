//! What the engine costs: the decision at the end of a wait, the compilation of a workflow, the rendering of a mail.

#![expect(clippy::unwrap_used, reason = "what is measured is made of literals")]

use std::collections::BTreeMap;
use std::hint::black_box;

use carepath_engine::advance::{Begin, begin};
use carepath_engine::calendar::parse_zone;
use carepath_engine::compile::{Context, SegmentKind, TemplateFacts, compile};
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::history::Tracked;
use carepath_engine::ids::Secret;
use carepath_engine::render::{RenderScope, Template, parse};
use carepath_engine::{Decision, Input, Moment, advance::advance};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

fn branching() -> Value {
    let case = |risk: u32| json!({ "when": { "attribute": "risk", "eq": risk }, "next": "last" });
    json!({
        "id": "branching", "name": "Branching", "class": "care", "entry": { "api": true },
        "steps": {
            "pause": { "wait": { "for": "1h" }, "next": "decide" },
            "decide": { "branch": { "cases": [case(1), case(2), case(3), case(4), case(5)], "next": "end" } },
            "last": { "exit": { "reason": "seen" } },
        },
    })
}

fn person(attributes: &Value) -> Contact {
    let mut contact = Contact::new("patient-1".parse().unwrap(), Timestamp::UNIX_EPOCH);
    contact.attributes = attributes.as_object().unwrap().clone().into();
    contact
}

/// A wait ends, and the last of five cases holds.
fn decide(c: &mut Criterion) {
    let version = compile(&branching(), 1, &Context::EMPTY).unwrap().version;
    let contact = person(&json!({ "risk": 5 }));
    let start: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
    let mut moment = Moment {
        now: start,
        version: &version,
        contact: &contact,
        account_zone: &TimeZone::UTC,
        paused: false,
        tracked: Tracked::nothing(),
    };
    let secret = Secret::new([7; 32]);
    let id = secret.run_id(&secret.contact_key(&contact.id), &version.workflow, None, 1);
    let new = Begin {
        id,
        number: 1,
        cause: "bench".to_owned(),
        key: None,
        payload: Attributes::new(),
        start: None,
        hops: 0,
        lineage: Vec::new(),
        why: Vec::new(),
    };
    let run = begin(new, moment).unwrap().run;
    moment.now = start + 1.hour();
    assert!(matches!(advance(&run, &Input::Due, moment), Ok(Decision::Move(moved)) if moved.run.is_ended()));
    c.bench_function("advance: a wait ends, five cases", |b| {
        b.iter(|| advance(black_box(&run), &Input::Due, black_box(moment)));
    });
}

/// A workflow of six steps with mails, waits, conditions and rules.
fn make(c: &mut Criterion) {
    let document = json!({
        "id": "appointment-reminder", "name": "Appointment reminder", "class": "care", "topic": "appointments",
        "entry": {
            "event": "appointment_booked", "where": { "event": "appointment_at", "exists": true },
            "filter": { "attribute": "email_ok", "eq": true }, "key": "appointment_id",
            "reentry": { "mode": "always", "min_gap": "1h", "max_entries": 20 },
        },
        "exit": [{ "event": "appointment_cancelled", "where": { "event": "appointment_id", "eq_entry": "appointment_id" } }],
        "send_policy": { "window": "08:00-20:00", "zone": "America/Chicago", "on_closed": "defer" },
        "steps": {
            "confirm": { "send": { "template": "mail" }, "next": "day_before" },
            "day_before": {
                "wait": { "until": { "entry": "appointment_at" }, "offset": "-1d", "at": "10:00" }, "next": "remind",
            },
            "remind": { "send": { "template": "mail", "on_failure": "call_list" }, "next": "confirmed" },
            "confirmed": { "wait_for": {
                "paths": [{ "when": { "clicked": "remind", "link": "confirm" }, "next": "thank" }],
                "timeout": "20h", "next": "call_list",
            } },
            "thank": { "update": { "set": { "appointment_confirmed": true } }, "next": "end" },
            "call_list": { "segment": { "add": "needs-a-call" }, "next": "end" },
        },
    });
    let template = Template::compile(&parse(&mail()).unwrap()).unwrap();
    let facts = TemplateFacts::new(1, template.class(), template.facts());
    let templates = BTreeMap::from([(template.id().clone(), facts)]);
    let segments = BTreeMap::from([("needs-a-call".parse().unwrap(), SegmentKind::Manual)]);
    let context = Context { templates: &templates, segments: &segments, ..Context::EMPTY };
    assert!(compile(&document, 1, &context).is_ok());
    c.bench_function("compile: appointment reminder", |b| {
        b.iter(|| compile(black_box(&document), 1, black_box(&context)));
    });
}

fn mail() -> Value {
    json!({
        "id": "mail", "class": "care", "subject": "Your appointment",
        "mjml": "<mjml><mj-body><mj-section><mj-column>\
            <mj-text>Hello {{ contact.attributes.first_name | default(\"there\") }},</mj-text>\
            <mj-text>see you on {{ entry.appointment_at | date(\"%A, %B %-d\") }}.</mj-text>\
            <mj-button href=\"https://portal.example.org/confirm\" name=\"confirm\">I am coming</mj-button>\
            </mj-column></mj-section></mj-body></mjml>",
    })
}

/// A mail in MJML with a button.
fn render(c: &mut Criterion) {
    let template = Template::compile(&parse(&mail()).unwrap()).unwrap();
    let contact = person(&json!({ "first_name": "Maria" }));
    let entry = json!({ "appointment_at": "2026-12-03T10:30:00" }).as_object().unwrap().clone();
    let (links, saved) = (BTreeMap::new(), serde_json::Map::new());
    let zone = parse_zone("America/Chicago").unwrap();
    let scope = RenderScope {
        contact: &contact,
        entry: &entry,
        saved: &saved,
        tz: &zone,
        now: Timestamp::UNIX_EPOCH,
        unsubscribe_url: None,
        links: &links,
    };
    assert!(template.render(&scope).is_ok());
    c.bench_function("render: a mail with a button", |b| b.iter(|| template.render(black_box(&scope))));
}

criterion_group!(engine, decide, make, render);
criterion_main!(engine);
