//! Events that a workflow tells: they come to be with the very commit that moves the run past the step (S1, S28).

use serde_json::Value;

use super::contact::fill;
use super::walk::{Flow, Walk};
use crate::contact::Attributes;
use crate::explain::Explanation;
use crate::ids::Name;
use crate::phi::Phi;
use crate::run::{Edge, Outcome, State};
use crate::version::{StepIndex, Target};

/// The most events of one commit: a store takes only so much at a time. A run that has more to tell goes on at once.
const MOST_AT_ONCE: usize = 20;
/// The most that the properties of an event may come to, in bytes of JSON.
const MOST_BYTES: usize = 64 << 10;

/// An event that a step tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted {
    /// The step, by its tag: see [`crate::Run::tag`].
    pub step: StepIndex,
    /// Its name.
    pub name: Name,
    /// What else it says.
    pub properties: Phi<Attributes>,
    /// The steps that led to it.
    pub hops: u32,
}

/// Tells an event, and goes on.
pub(super) fn emit(walk: &mut Walk<'_>, step: StepIndex, name: &Name, properties: &Attributes, next: Target) -> Flow {
    if walk.events.len() >= MOST_AT_ONCE {
        let due = walk.now();
        return Flow::Rest(State::Ready { step, due });
    }
    let filled = match fill(walk, &Value::Object(properties.clone())) {
        Ok(Value::Object(filled)) => filled,
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Flow::End(Outcome::Failed("template".into()));
        }
        Err(outcome) => return Flow::End(outcome),
    };
    if serde_json::to_vec(&filled).map_or(true, |bytes| bytes.len() > MOST_BYTES) {
        return Flow::End(Outcome::Failed("event_too_large".into()));
    }
    walk.explain(vec![Explanation::new(format!("emit {name}"), true, "workflow")]);
    let step = walk.run.tag(step);
    walk.events.push(Emitted { step, name: name.clone(), properties: Phi(filled), hops: walk.run.hops });
    Flow::Leave(Edge::Next, next)
}
