//! Steps that change the contact: attributes and manual segments.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::walk::{Flow, Walk};
use crate::contact::{Attributes, lookup};
use crate::explain::Explanation;
use crate::ids::SegmentId;
use crate::phi::Phi;
use crate::render::{self, RenderScope};
use crate::run::{Edge, Outcome};
use crate::version::{AttributeChange, Target, ValueChange};

/// Changes attributes. A change that does not fit the attribute's type is left out and said so on the visit.
pub(super) fn update(walk: &mut Walk<'_>, changes: &[AttributeChange], next: Target) -> Flow {
    let mut attributes = walk.contact.attributes.expose().clone();
    let mut why = Vec::with_capacity(changes.len());
    for change in changes {
        let filled = match &change.change {
            ValueChange::Set(value) => fill(walk, value).map(ValueChange::Set),
            ValueChange::Append(value) => fill(walk, value).map(ValueChange::Append),
            ValueChange::Remove(value) => fill(walk, value).map(ValueChange::Remove),
            ValueChange::Unset => Ok(ValueChange::Unset),
            ValueChange::Increment(by) => Ok(ValueChange::Increment(by.clone())),
        };
        match filled {
            Ok(filled) => why.push(apply(&mut attributes, &change.path, filled)),
            Err(outcome) => return Flow::End(outcome),
        }
    }
    walk.explain(why);
    if attributes != *walk.contact.attributes.expose() {
        let now = walk.now();
        let contact = walk.contact.to_mut();
        contact.attributes = Phi(attributes);
        contact.updated_at = now;
    }
    Flow::Leave(Edge::Next, next)
}

/// Puts the contact into manual segments and takes it out of others.
pub(super) fn segments(walk: &mut Walk<'_>, add: &[SegmentId], remove: &[SegmentId], next: Target) -> Flow {
    let here = &walk.contact.segments;
    let changes = add.iter().any(|id| !here.contains_key(id)) || remove.iter().any(|id| here.contains_key(id));
    if changes {
        let now = walk.now();
        let contact = walk.contact.to_mut();
        for id in add {
            contact.segments.entry(id.clone()).or_insert(now);
        }
        for id in remove {
            contact.segments.remove(id);
        }
        contact.updated_at = now;
    }
    Flow::Leave(Edge::Next, next)
}

/// What a jump hands to the run that it starts: its own payload, or this run's entry.
pub(super) fn payload(walk: &Walk<'_>, payload: Option<&Value>) -> Result<Phi<Attributes>, Outcome> {
    match payload {
        None => Ok(walk.run.entry.payload.clone()),
        Some(value) => match fill(walk, value)? {
            Value::Object(object) => Ok(Phi(object)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Outcome::Failed("payload".into()))
            }
        },
    }
}

static NO_LINKS: BTreeMap<String, String> = BTreeMap::new();

pub(super) fn fill(walk: &Walk<'_>, value: &Value) -> Result<Value, Outcome> {
    let scope = RenderScope {
        contact: &walk.contact,
        entry: walk.run.entry.payload.expose(),
        saved: walk.run.saved.expose(),
        tz: &walk.zone().tz,
        now: walk.now(),
        unsubscribe_url: None,
        links: &NO_LINKS,
    };
    render::fill(value, &scope).map_err(|_| Outcome::Failed("template".into()))
}

fn apply(attributes: &mut Attributes, path: &str, change: ValueChange) -> Explanation {
    let before = lookup(attributes, path).cloned();
    let (verb, after) = match change {
        ValueChange::Set(value) => ("set", Some(value)),
        ValueChange::Unset => ("unset", None),
        ValueChange::Increment(by) => match sum(before.as_ref(), &by) {
            Some(value) => ("increment", Some(value)),
            None => return refused("increment", path, before.as_ref(), "a number"),
        },
        ValueChange::Append(value) => match before {
            None | Some(Value::Null) => ("append", Some(Value::Array(vec![value]))),
            Some(Value::Array(mut list)) => {
                list.push(value);
                ("append", Some(Value::Array(list)))
            }
            Some(other) => return refused("append", path, Some(&other), "a list"),
        },
        ValueChange::Remove(value) => match before {
            None | Some(Value::Null) => ("remove", None),
            Some(Value::Array(mut list)) => {
                list.retain(|item| *item != value);
                ("remove", Some(Value::Array(list)))
            }
            Some(other) => return refused("remove", path, Some(&other), "a list"),
        },
    };
    let shown = after.clone().unwrap_or(Value::Null);
    let done = put(attributes, path, after);
    Explanation::new(format!("{verb} {path}"), done, "contact").expected(shown)
}

fn refused(verb: &str, path: &str, found: Option<&Value>, wanted: &str) -> Explanation {
    Explanation::new(format!("{verb} {path}"), false, format!("contact (not {wanted})"))
        .observed(found.cloned().unwrap_or(Value::Null))
}

fn sum(before: Option<&Value>, by: &Number) -> Option<Value> {
    let before = match before {
        None | Some(Value::Null) => Number::from(0),
        Some(Value::Number(number)) => number.clone(),
        Some(Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => return None,
    };
    if let (Some(a), Some(b)) = (before.as_i64(), by.as_i64())
        && let Some(total) = a.checked_add(b)
    {
        return Some(total.into());
    }
    Number::from_f64(before.as_f64()? + by.as_f64()?).map(Value::Number)
}

/// Writes a value at a dotted path, making objects on the way. `false` where something on the way is no object.
fn put(object: &mut Map<String, Value>, path: &str, value: Option<Value>) -> bool {
    let nested = if object.contains_key(path) { None } else { path.split_once('.') };
    match (nested, value) {
        (None, Some(value)) => {
            object.insert(path.to_owned(), value);
            true
        }
        (None, None) => {
            object.remove(path);
            true
        }
        (Some((head, rest)), value) => {
            if value.is_none() && !object.contains_key(head) {
                return true;
            }
            let inner = object.entry(head.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            inner.as_object_mut().is_some_and(|inner| put(inner, rest, value))
        }
    }
}
