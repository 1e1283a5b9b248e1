//! How much of a contact a reader is shown: everything, or all but what is confidential until they say why they look.

use std::collections::BTreeMap;

use carepath_app::FieldError;
use carepath_engine::compile::{AttributeFacts, FieldClass};
use carepath_engine::ids::Name;
use serde_json::{Map, Value, json};

use crate::body::Query;
use crate::problem::Problem;

/// The parameters that say how much is shown.
pub(crate) const QUERY: &[&str] = &["phi", "why"];
/// Why somebody looks. Words and no sentence: a sentence might tell of the contact, and this is written to the audit log.
pub(crate) const WHYS: [&str; 5] = ["care", "support", "complaint", "request", "quality"];
/// Where a value comes from that may tell of somebody's health.
const TELLING: [&str; 5] = ["contact", "entry", "event", "saved", "template"];
/// Tests whose values are about mail and never about health.
const PLAIN: [&str; 5] = ["subscribed", "not suppressed", "has an address", "mails under the cap", "segment"];

type Schema = BTreeMap<Name, AttributeFacts>;

/// What a reader asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Disclosure {
    /// Whether confidential values are left out.
    pub(crate) hidden: bool,
    /// Why they look.
    pub(crate) why: Option<&'static str>,
}

impl Disclosure {
    /// What `phi` and `why` ask for. Without them everything is shown, as programs expect.
    pub(crate) fn asked(query: &Query) -> Result<Self, Problem> {
        let fault = |name, message| Problem::invalid(vec![FieldError::new(name, name, message)]);
        let hidden = match query.get("phi") {
            None | Some("shown") => false,
            Some("hidden") => true,
            Some(_) => return Err(fault("phi", "must be `shown` or `hidden`")),
        };
        let why =
            match query.get("why") {
                None => None,
                Some(why) => {
                    let known = WHYS.into_iter().find(|known| *known == why);
                    Some(known.ok_or_else(|| {
                        fault("why", "must be `care`, `support`, `complaint`, `request` or `quality`")
                    })?)
                }
            };
        Ok(Self { hidden, why })
    }

    /// Leaves the confidential attributes out of a shown contact, and says of which class the others are. Such a contact
    /// cannot be written back, since its writer would delete what they were not shown.
    pub(crate) fn of_contact(self, shown: &mut Value, schema: &Schema) {
        if !self.hidden {
            return;
        }
        let Some(attributes) = shown.get_mut("attributes").and_then(Value::as_object_mut) else { return };
        let classes: Map<String, Value> =
            attributes.keys().map(|name| (name.clone(), json!(class(schema, name)))).collect();
        attributes.retain(|name, _| !class(schema, name).is_confidential());
        shown["classes"] = Value::Object(classes);
    }

    /// Leaves out of an entry of a timeline, or of a run, what it tells of the contact's values.
    pub(crate) fn of_told(self, told: &mut Value, schema: &Schema) {
        if !self.hidden {
            return;
        }
        if let Some(properties) = told.get_mut("properties") {
            hide(properties);
        }
        if let Some(payload) = told.pointer_mut("/entry/payload") {
            hide(payload);
        }
        for compared in list(told, "explanation") {
            if tells(compared, schema) {
                (compared["observed"], compared["expected"]) = (Value::Null, Value::Null);
                compared["hidden"] = json!(true);
            }
        }
        for nested in ["visits", "not_admitted"] {
            for entry in list(told, nested) {
                self.of_told(entry, schema);
            }
        }
    }
}

fn list<'a>(told: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    told.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Names stay, so that a reader knows what there is to ask for.
fn hide(object: &mut Value) {
    for value in object.as_object_mut().into_iter().flat_map(Map::values_mut) {
        *value = Value::Null;
    }
}

/// What nobody declared is confidential.
fn class(schema: &Schema, name: &str) -> FieldClass {
    let declared = name.parse::<Name>().ok().and_then(|name| schema.get(&name));
    declared.map_or(FieldClass::Phi, |facts| facts.class)
}

/// Whether a comparison tells of a confidential value.
fn tells(compared: &Value, schema: &Schema) -> bool {
    let text = |name: &str| compared.get(name).and_then(Value::as_str).unwrap_or_default();
    let (test, source) = (text("test"), text("source"));
    if PLAIN.iter().any(|plain| test.starts_with(plain)) || !TELLING.iter().any(|from| source.starts_with(from)) {
        return false;
    }
    let attribute = match test.split_once(' ') {
        Some(("attribute" | "age" | "set" | "unset" | "increment" | "append" | "remove", rest)) => {
            rest.split([' ', '.', '[']).next()
        }
        Some(_) | None => None,
    };
    attribute.is_none_or(|name| class(schema, name).is_confidential())
}
