//! Documents that tests start from.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail like a test")]

use std::collections::BTreeMap;

use carepath_engine::compile::{
    AttributeFacts, AttributeType, Context, FieldClass, Place, TemplateFacts, Variable, WayOut,
};
use carepath_engine::document::Report;
use carepath_engine::ids::{Name, SegmentId, TemplateId};
use carepath_engine::segment::Membership;
use carepath_engine::version::Class;
use serde_json::{Value, json};

/// A workflow that uses most of the language.
pub(crate) fn appointment() -> Value {
    json!({
        "id": "appointment-reminder",
        "name": "Appointment reminder",
        "class": "care",
        "topic": "appointments",
        "entry": {
            "event": "appointment_booked",
            "where": { "event": "location", "eq": "north" },
            "filter": { "attribute": "email_ok", "eq": true },
            "key": "appointment_id",
            "reentry": { "mode": "always", "min_gap": "1h", "max_entries": 20 }
        },
        "exit": [
            { "event": "appointment_cancelled", "where": { "event": "appointment_id", "eq_entry": "appointment_id" } },
            { "when": { "segment": "deceased" } }
        ],
        "goal": { "event": "portal_activated", "within": "30d" },
        "send_policy": {
            "window": "08:00-20:00",
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "zone": "America/Chicago",
            "on_closed": "defer",
            "cap": { "max": 3, "per": "7d", "on_capped": "skip" }
        },
        "start": "confirm",
        "steps": {
            "confirm": { "send": { "template": "appointment-confirmation" }, "next": "day_before" },
            "day_before": {
                "wait": { "until": { "entry": "appointment_at" }, "offset": "-1d", "at": "10:00" },
                "next": "remind"
            },
            "remind": {
                "send": {
                    "template": "appointment-reminder", "on_failure": "call_list", "on_unknown": "treat_as_sent"
                },
                "next": "confirmed"
            },
            "confirmed": {
                "wait_for": {
                    "paths": [
                        { "when": { "clicked": "remind", "link": "confirm" }, "next": "thank" },
                        {
                            "event": "appointment_rescheduled",
                            "where": { "event": "appointment_id", "eq_entry": "appointment_id" },
                            "next": "end"
                        }
                    ],
                    "timeout": "20h",
                    "next": "call_list"
                }
            },
            "thank": { "update": { "set": { "appointment_confirmed": true } }, "next": "end" },
            "call_list": { "segment": { "add": "needs-a-call" }, "next": "end" }
        }
    })
}

/// What the documents of the tests may refer to.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) workflows: BTreeMap<carepath_engine::ids::WorkflowId, std::sync::Arc<carepath_engine::Version>>,
    pub(crate) templates: BTreeMap<TemplateId, TemplateFacts>,
    pub(crate) segments: BTreeMap<SegmentId, Membership>,
    pub(crate) schema: BTreeMap<Name, AttributeFacts>,
    pub(crate) way_out: WayOut,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self {
            workflows: BTreeMap::new(),
            templates: BTreeMap::new(),
            segments: BTreeMap::new(),
            schema: BTreeMap::new(),
            way_out: WayOut::Given,
        };
        for id in ["appointment-confirmation", "appointment-reminder", "welcome", "news"] {
            world.templates.insert(id.parse().unwrap(), template());
        }
        for id in ["needs-a-call", "deceased", "vip"] {
            world.segments.insert(id.parse().unwrap(), Membership::Manual);
        }
        world.keep("overdue", &json!({ "attribute": "days_overdue", "gt": 30 }));
        world
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            workflows: &self.workflows,
            templates: &self.templates,
            segments: &self.segments,
            schema: &self.schema,
            way_out: self.way_out,
        }
    }

    /// Declares an attribute.
    pub(crate) fn declare(&mut self, name: &str, class: FieldClass, required: bool) {
        let facts = AttributeFacts { class, kind: AttributeType::String, required };
        self.schema.insert(name.parse().unwrap(), facts);
    }

    /// Has a condition say who is in a segment.
    pub(crate) fn keep(&mut self, id: &str, when: &Value) {
        let segment = carepath_engine::compile::segment(&json!({ "id": id, "when": when })).unwrap();
        self.segments.insert(segment.id, segment.membership);
    }

    /// Makes a template show a value.
    pub(crate) fn show(&mut self, id: &str, path: &str, place: Place, defaulted: bool) {
        let template = self.templates.get_mut(&id.parse::<TemplateId>().unwrap()).unwrap();
        template.variables.push(Variable { path: path.to_owned(), place, defaulted });
    }

    pub(crate) fn check(&self, document: &Value) -> Report {
        carepath_engine::compile::check(document, &self.context())
    }
}

fn template() -> TemplateFacts {
    TemplateFacts {
        version: 3,
        class: Class::Care,
        variables: Vec::new(),
        has_unsubscribe_link: true,
        link_names: vec!["confirm".to_owned()],
    }
}

/// A workflow of these steps that only the API lets contacts into.
pub(crate) fn workflow(steps: &Value) -> Value {
    json!({ "id": "w", "class": "care", "entry": { "api": true }, "steps": steps })
}

/// The findings of a rule, as (pointer, step).
pub(crate) fn found<'r>(report: &'r Report, rule: &str) -> Vec<(&'r str, Option<&'r str>)> {
    report
        .findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .map(|finding| (finding.pointer.as_str(), finding.step.as_ref().map(carepath_engine::ids::StepId::as_str)))
        .collect()
}

/// The rules of the errors of a report, each once.
pub(crate) fn errors(report: &Report) -> Vec<&str> {
    let mut rules: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == carepath_engine::document::Severity::Error)
        .map(|finding| finding.rule.as_ref())
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
