//! Jumps between workflows: the ways by which runs of others come into the middle of one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Context;
use super::graph::index;
use crate::document::Draft;
use crate::ids::WorkflowId;
use crate::version::{StepKind, Version};

/// Where a step jumps out to: a workflow and a place in it, as far as these are known.
pub(crate) fn landing<'a>(own: &'a Version, context: &Context<'a>, kind: &StepKind) -> Option<(&'a Version, usize)> {
    let StepKind::JumpOut { workflow, step, .. } = kind else { return None };
    let target = if *workflow == own.workflow { own } else { context.workflows.get(workflow).map(AsRef::as_ref)? };
    let at = step.as_ref().map_or(Some(target.start), |step| target.index_of(step))?;
    Some((target, usize::from(at)))
}

/// A jump from a step of one of the [`WaysIn::versions`] to a step of one.
#[derive(Debug)]
pub(crate) struct Jump<'a> {
    pub(crate) from: (usize, usize),
    pub(crate) to: (usize, usize),
    /// What the new run gets as its entry; that of the run before it where nothing is said.
    pub(crate) payload: Option<&'a Value>,
}

/// A step that jumps, and where in another version it leads.
struct Found<'a> {
    version: &'a Version,
    step: usize,
    to: usize,
    payload: Option<&'a Value>,
}

/// The workflows from which jumps lead into one, over any number of others.
#[derive(Debug)]
pub(crate) struct WaysIn<'a> {
    /// The workflow itself, and then the others.
    pub(crate) versions: Vec<&'a Version>,
    /// The jumps between them.
    pub(crate) jumps: Vec<Jump<'a>>,
}

impl<'a> WaysIn<'a> {
    /// The ways into a draft.
    pub(crate) fn of(draft: &'a Draft, context: &Context<'a>) -> Self {
        let own = &draft.version;
        let mut into: BTreeMap<&WorkflowId, Vec<Found<'a>>> = BTreeMap::new();
        let others = context.workflows.values().map(AsRef::as_ref).filter(|other| other.workflow != own.workflow);
        for version in std::iter::once(own).chain(others) {
            let broken = |step| version.workflow == own.workflow && draft.broken.contains_key(&index(step));
            for (n, step) in version.steps.iter().enumerate().filter(|(n, _)| !broken(*n)) {
                if let Some((target, to)) = landing(own, context, &step.kind)
                    && let StepKind::JumpOut { payload, .. } = &step.kind
                {
                    let found = Found { version, step: n, to, payload: payload.as_ref() };
                    into.entry(&target.workflow).or_default().push(found);
                }
            }
        }
        let mut ways = Self { versions: vec![own], jumps: Vec::new() };
        let mut places = BTreeMap::from([(&own.workflow, 0)]);
        let mut next = 0;
        while let Some(target) = ways.versions.get(next).copied() {
            for Found { version, step, to, payload } in into.remove(&target.workflow).unwrap_or_default() {
                let place = *places.entry(&version.workflow).or_insert(ways.versions.len());
                if place == ways.versions.len() {
                    ways.versions.push(version);
                }
                ways.jumps.push(Jump { from: (place, step), to: (next, to), payload });
            }
            next += 1;
        }
        ways
    }

    /// The jumps into the workflow itself.
    pub(crate) fn here(&self) -> impl Iterator<Item = &Jump<'a>> {
        self.jumps.iter().filter(|jump| jump.to.0 == 0)
    }
}
