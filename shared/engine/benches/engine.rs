//! What the engine costs: the decision at the end of a wait, the compilation of a workflow, the rendering of a mail.

#![expect(clippy::unwrap_used, reason = "what is measured is made of literals")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use carepath_engine::advance::{Begin, begin};
use carepath_engine::calendar::parse_zone;
use carepath_engine::compile::{Context, Place, TemplateFacts, Variable, check, compile, reload, segment};
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::history::Tracked;
use carepath_engine::ids::Secret;
use carepath_engine::render::{RenderScope, Template, parse};
use carepath_engine::segment::Membership;
use carepath_engine::version::Class;
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
    let segments = BTreeMap::from([("needs-a-call".parse().unwrap(), Membership::Manual)]);
    let context = Context { templates: &templates, segments: &segments, ..Context::EMPTY };
    assert!(compile(&document, 1, &context).is_ok());
    c.bench_function("compile: appointment reminder", |b| {
        b.iter(|| compile(black_box(&document), 1, black_box(&context)));
    });
}

/// How many workflows are published, and how many steps each has.
const WORKFLOWS: usize = 200;
const STEPS: usize = 100;

/// A workflow that all the others have to do with: every tenth step jumps into another one, and others change what starts
/// it: an event, an attribute, or a segment that a condition on an attribute keeps.
fn woven(nth: usize) -> Value {
    let other = |step: usize| (nth * 7 + step * 3 + 1) % WORKFLOWS;
    let entry = match nth % 3 {
        0 => json!({ "event": format!("e{nth}") }),
        1 => json!({ "attribute": format!("a{nth}"), "to": "high" }),
        _ => json!({ "segment": format!("s{nth}"), "on": "enter" }),
    };
    let mut steps = serde_json::Map::new();
    for step in 0..STEPS {
        let (next, to) = (if step + 1 < STEPS { format!("n{}", step + 1) } else { "end".to_owned() }, other(step));
        let case = json!({ "when": { "attribute": format!("a{to}"), "eq": "low" }, "next": next });
        let doing = match step % 10 {
            0 => json!({ "wait": { "for": "1h" }, "next": next }),
            1 | 5 => json!({ "send": { "template": "mail" }, "next": next }),
            2 => json!({ "branch": { "cases": [case], "next": next } }),
            3 => json!({ "update": { "set": { format!("a{to}"): "high" } }, "next": next }),
            4 => json!({ "emit": { "event": format!("e{to}") }, "next": next }),
            6 => json!({ "segment": { "add": "kept" }, "next": next }),
            7 => json!({ "split": { "shares": [{ "weight": 1, "next": next }, { "weight": 1, "next": "end" }] } }),
            8 => json!({ "update": { "increment": { format!("a{to}"): 1 } }, "next": next }),
            _ => json!({ "jump": { "workflow": format!("w{to}"), "step": "n50", "stay": true }, "next": next }),
        };
        steps.insert(format!("n{step}"), doing);
    }
    json!({ "id": format!("w{nth}"), "name": "Woven", "class": "care", "entry": entry, "steps": steps })
}

/// A workflow of a hundred steps is checked, and two hundred others like it are published.
fn among_others(c: &mut Criterion) {
    let shown = (0..30).map(|nth| Variable {
        path: if nth % 2 == 0 { format!("contact.attributes.a{nth}") } else { format!("entry.v{nth}") },
        place: Place::Body,
        defaulted: false,
    });
    let facts = TemplateFacts {
        version: 1,
        class: Class::Care,
        variables: shown.collect(),
        has_unsubscribe_link: false,
        link_names: Vec::new(),
    };
    let templates = BTreeMap::from([("mail".parse().unwrap(), facts)]);
    let mut segments = BTreeMap::from([("kept".parse().unwrap(), Membership::Manual)]);
    let mut workflows = BTreeMap::new();
    let pins = BTreeMap::from([("mail".parse().unwrap(), 1)]);
    for nth in 0..WORKFLOWS {
        let when = json!({ "id": format!("s{nth}"), "when": { "attribute": format!("a{nth}"), "eq": "high" } });
        let kept = segment(&when).unwrap();
        segments.insert(kept.id, kept.membership);
        let version = reload(&woven(nth), 1, &pins).unwrap();
        workflows.insert(version.workflow.clone(), Arc::new(version));
    }
    let context = Context { workflows: &workflows, templates: &templates, segments: &segments, ..Context::EMPTY };
    let document = woven(2);
    let report = check(&document, &context);
    for rule in ["W009", "W010", "W019"] {
        assert!(report.findings.iter().any(|finding| finding.rule == rule), "{rule} has nothing to find");
    }
    let mut group = c.benchmark_group("check");
    group.sample_size(10);
    group.bench_function("among 200 workflows of 100 steps", |b| {
        b.iter(|| check(black_box(&document), black_box(&context)));
    });
    group.finish();
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

criterion_group!(engine, decide, make, among_others, render);
criterion_main!(engine);
