//! W009 and W019: workflows that come back to themselves.

use super::Subject;
use super::starts::{Brought, Starts};
use crate::compile::graph::edges;
use crate::compile::jumps::{WaysIn, landing};
use crate::document::Faults;
use crate::version::{StepKind, Target};

/// W009: a jump into another workflow from which jumps lead back to it.
pub(crate) fn across_workflows(subject: &Subject<'_>, faults: &mut Faults) {
    let reached = subject.graph.reached();
    let roads = Roads::of(subject);
    for (n, step) in subject.steps().filter(|(n, _)| reached[*n]) {
        let StepKind::JumpOut { workflow, .. } = &step.kind else { continue };
        if landing(subject.version, subject.context, &step.kind).is_some_and(|landing| roads.lead(landing, n)) {
            let message = format!(
                "Step {} jumps into workflow `{workflow}`, and jumps lead from there back to it. No step is visited twice, so the \
                 last run would end there. Take one of the jumps out.",
                subject.name(n)
            );
            faults.rule("W009", subject, n, "/jump", message);
        }
    }
}

/// The steps of all workflows from which jumps lead to this one, numbered through, its own first.
struct Roads<'a> {
    ways_in: &'a WaysIn<'a>,
    /// The number of the first step of each workflow.
    first: Vec<usize>,
    /// Where one may come to from each step, over edges and jumps.
    next: Vec<Vec<usize>>,
}

impl<'a> Roads<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        let ways_in = subject.ways_in;
        let (mut first, mut next) = (Vec::new(), Vec::new());
        for (place, version) in ways_in.versions.iter().enumerate() {
            let start = next.len();
            first.push(start);
            for (n, step) in version.steps.iter().enumerate() {
                // What could be read of a step that is broken is in the graph.
                next.push(if place == 0 { subject.graph.successors(n).collect() } else { after(&step.kind, start) });
            }
        }
        for jump in &ways_in.jumps {
            next[first[jump.from.0] + jump.from.1].push(first[jump.to.0] + jump.to.1);
        }
        Self { ways_in, first, next }
    }

    /// Whether one comes from a step of some workflow to a step of this one.
    fn lead(&self, (version, step): (&crate::version::Version, usize), to: usize) -> bool {
        let place = self.ways_in.versions.iter().position(|known| known.workflow == version.workflow);
        let Some(place) = place else { return false };
        let mut seen = vec![false; self.next.len()];
        let mut open = vec![self.first[place] + step];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&self.next[at]);
            }
        }
        false
    }
}

fn after(kind: &StepKind, start: usize) -> Vec<usize> {
    let steps = edges(kind).into_iter().filter_map(|edge| match edge.to {
        Target::Step(next) => Some(start + super::at(next)),
        Target::End => None,
    });
    steps.collect()
}

/// W019: a step that brings about what starts the workflow, by itself or through other published workflows.
pub(crate) fn own_trigger(subject: &Subject<'_>, faults: &mut Faults) {
    let mut starts = Starts::of(subject);
    let leading_back = starts.leading_back();
    for (n, step) in subject.steps() {
        let started = starts.by(&step.kind);
        let jumps = matches!(step.kind, StepKind::JumpOut { .. });
        // A jump into itself is no trigger: W009 looks at jumps.
        let own = started.iter().find(|brought| brought.workflow == &subject.version.workflow && !jumps);
        if let Some(Brought { place, segment, .. }) = own {
            let how = segment.map_or_else(String::new, |id| format!(" (it may change who is in segment `{id}`)"));
            let message = format!(
                "Step {} brings about the very thing that starts this workflow{how}, so contacts may go round in it. Do \
                 something else, or see that `reentry` stops them.",
                subject.name(n)
            );
            faults.rule("W019", subject, n, place, message);
        } else if let Some(Brought { place, workflow, segment }) =
            started.iter().find(|brought| leading_back.contains(brought.workflow))
        {
            let how = segment.map_or_else(String::new, |id| format!(" by changing who is in segment `{id}`"));
            let message = format!(
                "Step {} starts workflow `{workflow}`{how}, from which steps lead on to what starts this one, so contacts may go \
                 round between them. Do something else, or see that `reentry` stops them.",
                subject.name(n)
            );
            faults.rule("W019", subject, n, place, message);
        }
    }
}

/// Whether changing the attribute at `path` changes the one called `name`.
pub(crate) fn touches(path: &str, name: &str) -> bool {
    path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}
