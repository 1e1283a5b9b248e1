//! The rules that a document has to keep before it is published: one file a family, one function a rule.

mod cost;
mod engagement;
mod guarantee;
mod implication;
mod logic;
mod loops;
mod mails;
mod references;
mod starts;
mod structure;
mod table;
mod volume;
mod window;

pub(crate) use loops::touches;
pub use table::RULES;

use super::context::Context;
use super::graph::Graph;
use super::jumps::WaysIn;
use crate::document::{Draft, Faults, Severity};
use crate::version::{Step, StepIndex, Version};

/// What a rule looks at.
pub(crate) struct Subject<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) version: &'a Version,
    pub(crate) graph: &'a Graph,
    pub(crate) ways_in: &'a WaysIn<'a>,
    pub(crate) context: &'a Context<'a>,
}

impl Subject<'_> {
    /// The steps that could be read, with their places.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.version.steps.iter().enumerate().filter(|(n, _)| !self.draft.broken.contains_key(&super::graph::index(*n)))
    }

    /// The name of a step, for a message.
    pub(crate) fn name(&self, step: usize) -> String {
        self.version.steps.get(step).map(|step| format!("`{}`", step.id)).unwrap_or_default()
    }

    /// The names of some steps, for a message: the first five of them.
    pub(crate) fn names(&self, steps: &[usize]) -> String {
        let mut text = steps.iter().take(5).map(|step| self.name(*step)).collect::<Vec<_>>().join(", ");
        if steps.len() > 5 {
            text.push_str(" and others");
        }
        text
    }
}

impl Faults {
    /// Notes what a rule has found about a step. `place` is below the step.
    fn rule(&mut self, id: &'static str, subject: &Subject<'_>, step: usize, place: &str, message: String) {
        let Some(found) = subject.version.steps.get(step) else { return };
        self.note(id, severity(id), format!("/steps/{}{place}", found.id), message, Some(found.id.clone()));
    }

    /// Notes what a rule has found at a pointer.
    fn rule_at(&mut self, id: &'static str, pointer: &str, message: String) {
        self.note(id, severity(id), pointer, message, None);
    }
}

fn severity(id: &str) -> Severity {
    RULES.iter().find(|rule| rule.id == id).map_or(Severity::Error, |rule| rule.severity)
}

/// The step at a version's place.
pub(crate) fn at(index: StepIndex) -> usize {
    usize::from(index)
}

/// Runs every rule.
pub(crate) fn run(subject: &Subject<'_>, faults: &mut Faults) {
    structure::unreachable(subject, faults);
    structure::endless(subject, faults);
    structure::cycle_without_wait(subject, faults);
    structure::cycle(subject, faults);
    engagement::not_on_every_way(subject, faults);
    engagement::no_wait_after_send(subject, faults);
    logic::covered(subject, faults);
    logic::impossible(subject, faults);
    loops::across_workflows(subject, faults);
    mails::unguaranteed(subject, faults);
    mails::exposed(subject, faults);
    mails::told_outside(subject, faults);
    references::missing(subject, faults);
    engagement::opens_alone(subject, faults);
    volume::over_the_cap(subject, faults);
    window::too_narrow(subject, faults);
    mails::without_consent(subject, faults);
    mails::without_way_out(subject, faults);
    loops::own_trigger(subject, faults);
    cost::estimate(subject, faults);
}
