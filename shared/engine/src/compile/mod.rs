//! From documents to versions.
//!
//! [`check`] says everything that is wrong with a document, [`compile`] makes a version of one that has no errors, and
//! [`reload`] makes the version again from a document that was frozen before, asking no rule: what was published once
//! has to load for ever.

mod context;
mod graph;
mod jumps;
pub(crate) mod placed;
mod rules;
mod segments;
mod uses;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub use self::context::{AttributeFacts, AttributeType, Context, FieldClass, Place, TemplateFacts, Variable, WayOut};
pub use self::rules::RULES;
pub use self::segments::{goes_round, named_by};
pub use self::uses::{attribute_in_segment, attribute_in_workflow, shows_attribute};
use crate::condition::parse::{self, Scope};
use crate::document::{At, Draft, Faults, Report, read, workflow_name};
use crate::ids::{SegmentId, TemplateId};
use crate::segment::{Membership, Segment};
use crate::version::{StepKind, Version};

/// What [`compile`] makes of a document.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The version.
    pub version: Version,
    /// Warnings and remarks.
    pub report: Report,
    /// The versions that its templates are pinned to: [`reload`] takes them.
    pub pins: BTreeMap<TemplateId, u32>,
}

/// All faults of a workflow document: those of its shape, and those that the rules find in what could be read.
pub fn check(document: &Value, context: &Context<'_>) -> Report {
    let (_, faults) = examine(document, 1, context);
    Report::new(faults.into_findings())
}

/// Makes version `number` of a workflow document.
///
/// # Errors
/// The report, where it has errors.
pub fn compile(document: &Value, number: u32, context: &Context<'_>) -> Result<Compiled, Report> {
    let (draft, faults) = examine(document, number, context);
    let clean = faults.is_clean();
    let report = Report::new(faults.into_findings());
    let Some(mut draft) = draft.filter(|_| clean) else { return Err(report) };
    let mut pins = BTreeMap::new();
    for id in templates(&draft.version) {
        if let Some(facts) = context.templates.get(&id) {
            pins.insert(id, facts.version);
        }
    }
    pin(&mut draft.version, &pins);
    Ok(Compiled { version: draft.version, report, pins })
}

/// Makes a version again from a document that was published before, with the pins of then. No rule is asked.
///
/// # Errors
/// The report, where the document cannot be read at all: it is not one that [`compile`] took.
pub fn reload(document: &Value, number: u32, pins: &BTreeMap<TemplateId, u32>) -> Result<Version, Report> {
    let mut faults = Faults::default();
    let draft = read(document, number, &mut faults);
    if let Some(draft) = &draft {
        for id in templates(&draft.version).into_iter().filter(|id| !pins.contains_key(id)) {
            faults.error(
                "W012",
                "/steps",
                format!("No version of template `{id}` was pinned when this was published."),
            );
        }
    }
    match draft {
        Some(mut draft) if faults.is_clean() => {
            pin(&mut draft.version, pins);
            Ok(draft.version)
        }
        Some(_) | None => Err(Report::new(faults.into_findings())),
    }
}

/// Makes a segment of `{ id, name?, when? }`.
///
/// # Errors
/// The report, where it has errors.
pub fn segment(document: &Value) -> Result<Segment, Report> {
    let mut faults = Faults::default();
    let segment = read_segment(document, &mut faults);
    match segment {
        Some(segment) if faults.is_clean() => Ok(segment),
        Some(_) | None => Err(Report::new(faults.into_findings())),
    }
}

fn read_segment(document: &Value, faults: &mut Faults) -> Option<Segment> {
    let mut fields = At::root(document).fields(faults, "a segment: an object with `id`")?;
    let id = fields
        .need(faults, "id", "the id of the segment, such as `id: needs-a-call`")
        .and_then(|at| at.id::<SegmentId>(faults, "the id of a segment"));
    let name = fields.take("name").and_then(|at| workflow_name(&at, faults));
    let membership = fields.take("when").map_or(Some(Membership::Manual), |at| {
        parse::read(&at, Scope::CONTACT, faults).map(|condition| Membership::When(Arc::new(condition)))
    });
    fields.finish(faults);
    let id = id?;
    Some(Segment { name: name.unwrap_or_else(|| id.to_string()), id, membership: membership? })
}

fn examine(document: &Value, number: u32, context: &Context<'_>) -> (Option<Draft>, Faults) {
    let mut faults = Faults::default();
    let draft = read(document, number, &mut faults);
    if let Some(draft) = &draft {
        let ways_in = jumps::WaysIn::of(draft, context);
        let graph = graph::Graph::new(draft, &ways_in);
        let subject = rules::Subject { draft, version: &draft.version, graph: &graph, ways_in: &ways_in, context };
        rules::run(&subject, &mut faults);
    }
    (draft, faults)
}

fn templates(version: &Version) -> Vec<TemplateId> {
    version.steps.iter().filter_map(|step| Some(step.kind.template()?.id.clone())).collect()
}

fn pin(version: &mut Version, pins: &BTreeMap<TemplateId, u32>) {
    for step in &mut version.steps {
        if let StepKind::Send { template, .. } = &mut step.kind {
            template.version = pins.get(&template.id).copied().unwrap_or_default();
        }
    }
}
