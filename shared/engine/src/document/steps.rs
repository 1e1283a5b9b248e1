//! Steps and the edges between them.

use std::collections::BTreeMap;

use super::cursor::{At, Fields};
use super::faults::{Faults, quote};
use super::scalar::did_you_mean;
use super::{kinds, outside};
use crate::ids::StepId;
use crate::version::{Step, StepIndex, StepKind, Target};

/// The most steps of a workflow.
pub const MAX_STEPS: usize = 500;
/// The most cases, paths and shares of a workflow in all.
const MAX_EDGES: usize = 1_000;

/// The steps of a workflow by name, known before any of them is read.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    ids: Vec<StepId>,
    places: BTreeMap<StepId, StepIndex>,
}

impl Steps {
    /// The place of a step.
    pub(crate) fn index(&self, name: &str) -> Option<StepIndex> {
        self.places.get(&name.parse::<StepId>().ok()?).copied()
    }

    /// All names, in the order of the document.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(StepId::as_str)
    }
}

/// The steps of a workflow as far as they could be read.
#[derive(Debug, Default)]
pub(crate) struct ReadSteps {
    pub(crate) steps: Vec<Step>,
    /// Steps whose kind could not be read, with the edges that could.
    pub(crate) broken: BTreeMap<StepIndex, Vec<Target>>,
    /// Whether some edge could not be read, so that reachability says nothing.
    pub(crate) loose: bool,
}

/// What is known while a step is read.
pub(crate) struct Reading<'s, 'f> {
    pub(crate) steps: &'s Steps,
    pub(crate) faults: &'f mut Faults,
    /// Whether the step is the last, whose `next` may be left out.
    pub(crate) last: bool,
    /// Edges read in this step, whether or not the rest of it can be.
    pub(crate) edges: Vec<Target>,
    pub(crate) loose: bool,
    /// Cases, paths and shares of the whole document so far.
    pub(crate) cases: usize,
}

impl Reading<'_, '_> {
    /// An edge that is there: to a step, or `end`. An edge to nowhere counts as `end` from then on.
    pub(crate) fn edge(&mut self, at: &At<'_>) -> Target {
        let Some(name) = at.text(self.faults, "the id of a step, or `end`") else {
            self.loose = true;
            return Target::End;
        };
        let target = if name == "end" { Some(Target::End) } else { self.steps.index(name).map(Target::Step) };
        if target.is_none() {
            let hint = did_you_mean(name, self.steps.names());
            let message =
                format!("This leads to {}, and there is no such step. Name a step, or `end`.{hint}", quote(name));
            self.faults.error("W001", &*at.pointer, message);
        }
        let target = target.unwrap_or(Target::End);
        self.edges.push(target);
        target
    }

    /// The `next` of an object, which the last step of a document may leave out.
    pub(crate) fn next(&mut self, fields: &mut Fields<'_>) -> Target {
        match fields.take("next") {
            Some(at) => self.edge(&at),
            None if self.last => Target::End,
            None => self.missing(fields, "where to go on, or `next: end`, which only the last step may leave out"),
        }
    }

    /// A `next` that has to be written everywhere.
    pub(crate) fn need_next(&mut self, fields: &mut Fields<'_>, what: &str) -> Target {
        match fields.take("next") {
            Some(at) => self.edge(&at),
            None => self.missing(fields, what),
        }
    }

    fn missing(&mut self, fields: &Fields<'_>, what: &str) -> Target {
        fields.lacks(self.faults, "next", what);
        self.loose = true;
        Target::End
    }

    /// Counts cases, paths or shares. `false` when there are too many.
    pub(crate) fn count(&mut self, at: &At<'_>, more: usize) -> bool {
        let before = self.cases;
        self.cases += more;
        if self.cases > MAX_EDGES && before <= MAX_EDGES {
            let message = format!("A workflow has at most {MAX_EDGES} cases, paths and shares in all; split it up.");
            self.faults.error("D006", &*at.pointer, message);
        }
        self.cases <= MAX_EDGES
    }
}

/// The names of the steps. `None` where there are none.
pub(crate) fn names(at: &At<'_>, faults: &mut Faults) -> Option<Steps> {
    let entries = at.entries(faults, "an object of steps by id")?;
    if entries.is_empty() {
        at.bad(faults, "A workflow needs at least one step.");
        return None;
    }
    if entries.len() > MAX_STEPS {
        let message =
            format!("A workflow has at most {MAX_STEPS} steps, and this one has {}; split it up.", entries.len());
        faults.error("D006", &*at.pointer, message);
        return None;
    }
    let mut steps = Steps::default();
    for (name, step) in entries {
        match name.parse::<StepId>() {
            Ok(id) => {
                let index = StepIndex::try_from(steps.ids.len()).ok()?;
                steps.places.insert(id.clone(), index);
                steps.ids.push(id);
            }
            Err(problem) => step.bad(faults, format!("{} is not the id of a step: a {problem}.", quote(name))),
        }
    }
    (!steps.ids.is_empty()).then_some(steps)
}

/// Reads all steps that have a name.
pub(crate) fn read(at: &At<'_>, steps: &Steps, faults: &mut Faults) -> ReadSteps {
    let mut read = ReadSteps::default();
    let mut cases = 0;
    for (name, step) in at.entries(faults, "an object of steps by id").unwrap_or_default() {
        let Some(index) = steps.index(name) else { continue };
        let Some(id) = steps.ids.get(usize::from(index)).cloned() else { continue };
        faults.step = Some(id.clone());
        let last = usize::from(index) + 1 == steps.ids.len();
        let mut reading = Reading { steps, faults, last, edges: Vec::new(), loose: false, cases };
        let kind = one(&step, &mut reading);
        cases = reading.cases;
        read.loose |= reading.loose;
        if kind.is_none() {
            read.loose |= reading.edges.is_empty();
            read.broken.insert(index, reading.edges);
        }
        // A step that could not be read keeps its place, so that the indexes of the others stand.
        let kind = kind.unwrap_or(StepKind::Exit { reason: String::new() });
        read.steps.push(Step { id, kind });
    }
    faults.step = None;
    read
}

const KINDS: [&str; 11] =
    ["send", "wait", "wait_for", "branch", "split", "update", "segment", "emit", "webhook", "jump", "exit"];

fn one(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "a step, such as `{ send: { template: welcome }, next: end }`")?;
    let Some(kind) = fields.exactly_one(reading.faults, &KINDS, "A step") else {
        if let Some(next) = fields.take("next") {
            reading.edge(&next);
        }
        return None;
    };
    let body = fields.take(kind)?;
    let read = match kind {
        "send" => kinds::send(&body, &mut fields, reading),
        "wait" => super::waits::wait(&body, &mut fields, reading),
        "wait_for" => super::waits::wait_for(&body, reading),
        "branch" => kinds::branch(&body, reading),
        "split" => kinds::split(&body, reading),
        "update" => kinds::update(&body, &mut fields, reading),
        "segment" => kinds::segment(&body, &mut fields, reading),
        "jump" => kinds::jump(&body, &mut fields, reading),
        "emit" => outside::emit(&body, &mut fields, reading),
        "webhook" => outside::webhook(&body, &mut fields, reading),
        _ => kinds::exit(&body, reading),
    };
    fields.finish_with(reading.faults, |key| misplaced(kind, key));
    read
}

/// Where a field belongs that authors like to put beside the kind of a step, or beside it where there is none.
fn misplaced(kind: &str, key: &str) -> Option<&'static str> {
    match (kind, key) {
        ("wait_for", "next") => Some("Write it inside `wait_for`, beside `paths` and `timeout`."),
        ("branch", "next") => Some("Write it inside `branch`, beside `cases`."),
        ("split", "next") => Some("Each share has a `next` of its own; take this one out."),
        ("exit", "next") => Some("`exit` ends the run; take it out."),
        ("jump", "next") => Some("A jump that does not stay leads nowhere else; take it out, or add `stay: true`."),
        ("webhook", "on_failure" | "save_as" | "body") => Some("Write it inside `webhook`."),
        ("send", "on_failure" | "on_unknown") => Some("Write it inside `send`."),
        ("wait", "else" | "offset" | "at" | "days" | "late_limit") => Some("Write it inside `wait`."),
        _ => None,
    }
}
