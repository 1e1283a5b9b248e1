//! Whatever comes in, a report comes out.

use std::collections::BTreeMap;

use carepath_engine::compile;
use carepath_engine::document::Report;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::document_samples::{World, appointment, workflow};

/// Any JSON, with many words that documents are made of.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("end".to_owned()),
        Just("remind".to_owned()),
        Just("confirm".to_owned()),
        Just("any".to_owned()),
        Just("-1d".to_owned()),
        Just("08:00-20:00".to_owned()),
        Just("99999999999d".to_owned()),
        Just("{{ x".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(1e300)),
        word.prop_map(Value::from),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "all",
            "any",
            "not",
            "attribute",
            "event",
            "eq",
            "gte",
            "within",
            "opened",
            "clicked",
            "send",
            "wait",
            "wait_for",
            "branch",
            "split",
            "jump",
            "exit",
            "next",
            "for",
            "until",
            "paths",
            "cases",
            "shares",
            "when",
            "template",
            "weight",
            "timeout",
            "id",
            "steps",
            "entry",
            "api",
            "where",
            "workflow",
            "stay",
            "a/b",
            "~",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Every place of a document.
fn places(value: &Value) -> Vec<String> {
    let mut places = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((pointer, value)) = open.pop() {
        match value {
            Value::Array(list) => {
                open.extend(list.iter().enumerate().map(|(n, item)| (format!("{pointer}/{n}"), item)));
            }
            Value::Object(map) => open.extend(
                map.iter()
                    .map(|(key, item)| (format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), item)),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        places.push(pointer);
    }
    places
}

fn points_into(document: &Value, report: &Report) {
    for finding in &report.findings {
        assert!(document.pointer(&finding.pointer).is_some(), "{finding:?}");
        assert!(!finding.message.is_empty());
    }
}

fn survives(document: &Value) {
    let world = World::new();
    let report = world.check(document);
    points_into(document, &report);
    match compile::compile(document, 1, &world.context()) {
        Ok(compiled) => {
            assert!(report.ok);
            // What is published once loads for ever.
            assert!(compile::reload(document, 1, &compiled.pins).is_ok());
        }
        Err(same) => assert_eq!(same, report),
    }
    if let Err(report) = compile::reload(document, 1, &BTreeMap::new()) {
        points_into(document, &report);
    }
    if let Err(report) = compile::segment(document) {
        points_into(document, &report);
    }
}

proptest! {
    #[test]
    fn anything_at_all_gets_a_report(document in any_json()) {
        survives(&document);
    }

    #[test]
    fn a_changed_document_gets_a_report(changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4)) {
        let mut document = appointment();
        for (place, value) in changes {
            let places = places(&document);
            *document.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        }
        survives(&document);
    }

    #[test]
    fn a_document_with_a_field_less_gets_a_report(place in any::<prop::sample::Index>()) {
        let mut document = appointment();
        let places = places(&document);
        let (parent, field) = places[place.index(places.len())].rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(map)) = document.pointer_mut(parent) {
            map.remove(field);
        }
        survives(&document);
    }

    /// Any graph of steps, whichever way they lead.
    #[test]
    fn any_graph_gets_a_report(edges in prop::collection::vec((0_usize..30, 0_usize..30, 0_u8..4), 1..30)) {
        let count = edges.len();
        let name = |n: usize| if n < count { format!("s{n}") } else { "end".to_owned() };
        let steps = edges.iter().enumerate().map(|(n, (one, other, kind))| {
            let step = match kind {
                0 => json!({ "send": { "template": "welcome", "on_failure": name(*one) }, "next": name(*other) }),
                1 => json!({ "wait": { "for": "1d" }, "next": name(*one) }),
                2 => json!({ "branch": {
                    "cases": [{ "when": { "clicked": "any" }, "next": name(*one) }], "next": name(*other)
                } }),
                _ => json!({ "wait_for": {
                    "paths": [{ "event": "x", "next": name(*one) }], "timeout": "2d", "next": name(*other)
                } }),
            };
            (format!("s{n}"), step)
        });
        let mut document = workflow(&Value::Object(steps.collect()));
        document["send_policy"] = json!({ "cap": { "max": 2, "per": "1d" } });
        survives(&document);
    }
}

#[test]
fn conditions_that_would_take_for_ever_to_compare_are_given_up_on() {
    let wide = |depth: usize, kind: [&str; 2]| {
        (0..depth).fold(
            json!({ "attribute": "n", "gt": 1 }),
            |inner, level| json!({ (kind[level % 2]): [inner, inner, { "attribute": format!("x{level}"), "eq": 1 }] }),
        )
    };
    let cases = json!([
        { "when": wide(10, ["any", "all"]), "next": "end" },
        { "when": wide(10, ["all", "any"]), "next": "end" }
    ]);
    survives(&workflow(&json!({ "a": { "branch": { "cases": cases, "next": "end" } } })));
}
