//! The steps of a draft as a graph. All walks are loops: a workflow may be 500 steps long.

use std::collections::BTreeSet;

use crate::compile::jumps::WaysIn;
use crate::document::Draft;
use crate::version::{Step, StepIndex, StepKind, Target, WaitUntil};

/// An edge, and where the document writes it (below the step's pointer).
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) to: Target,
    pub(crate) place: String,
}

/// The steps and the edges between them.
#[derive(Debug)]
pub(crate) struct Graph {
    /// Edges out of each step.
    pub(crate) out: Vec<Vec<Edge>>,
    /// Steps that may end a run by themselves: they exit, or go on in another workflow.
    ends: Vec<bool>,
    waits: Vec<bool>,
    /// The first step, and those at which jumps begin runs.
    starts: Vec<usize>,
}

fn edge(to: Target, place: impl Into<String>) -> Edge {
    Edge { to, place: place.into() }
}

/// The edges out of a step.
pub(crate) fn edges(kind: &StepKind) -> Vec<Edge> {
    match kind {
        StepKind::Send { next, on_failure, .. } => {
            let failure = on_failure.map(|to| edge(to, "/send/on_failure"));
            std::iter::once(edge(*next, "/next")).chain(failure).collect()
        }
        // A wait for so long has no date that could be missing.
        StepKind::Wait { until: WaitUntil::For(_), next, .. }
        | StepKind::Update { next, .. }
        | StepKind::Segment { next, .. } => vec![edge(*next, "/next")],
        StepKind::Wait { next, otherwise, .. } => vec![edge(*next, "/next"), edge(*otherwise, "/wait/else")],
        StepKind::WaitFor { paths, next, .. } => paths
            .iter()
            .enumerate()
            .map(|(n, path)| edge(path.next, format!("/wait_for/paths/{n}/next")))
            .chain([edge(*next, "/wait_for/next")])
            .collect(),
        StepKind::Branch { cases, next } => cases
            .iter()
            .enumerate()
            .map(|(n, case)| edge(case.next, format!("/branch/cases/{n}/next")))
            .chain([edge(*next, "/branch/next")])
            .collect(),
        StepKind::Split { shares } => shares
            .iter()
            .enumerate()
            .filter(|(_, share)| share.weight > 0)
            .map(|(n, share)| edge(share.next, format!("/split/shares/{n}/next")))
            .collect(),
        StepKind::Emit { next, .. } => vec![edge(*next, "/next")],
        StepKind::Webhook { next, on_failure, .. } => {
            let failure = on_failure.map(|to| edge(to, "/webhook/on_failure"));
            std::iter::once(edge(*next, "/next")).chain(failure).collect()
        }
        StepKind::Jump { to } => vec![edge(Target::Step(*to), "/jump/step")],
        StepKind::JumpOut { stay, .. } => stay.iter().map(|to| edge(*to, "/next")).collect(),
        StepKind::Exit { .. } => Vec::new(),
    }
}

/// Whether a run stays in the step for a while.
pub(crate) const fn is_wait(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Wait { .. } | StepKind::WaitFor { .. })
}

impl Graph {
    /// The graph of a draft into which jumps lead in these ways.
    pub(crate) fn new(draft: &Draft, ways_in: &WaysIn<'_>) -> Self {
        let steps = &draft.version.steps;
        let mut out: Vec<Vec<Edge>> = steps.iter().map(|step| edges(&step.kind)).collect();
        let mut ends: Vec<bool> = steps.iter().map(ends_run).collect();
        for (index, targets) in &draft.broken {
            out[usize::from(*index)] = targets.iter().map(|to| edge(*to, "")).collect();
            ends[usize::from(*index)] = targets.is_empty();
        }
        let waits = steps.iter().map(|step| is_wait(&step.kind)).collect();
        let mut graph = Self { out, ends, waits, starts: vec![usize::from(draft.version.start)] };
        graph.starts.extend(ways_in.here().filter(|jump| jump.from.0 != 0).map(|jump| jump.to.1));
        // A step of its own that jumps leads somewhere only where runs come to it.
        let mut own: Vec<_> =
            ways_in.here().filter(|jump| jump.from.0 == 0).map(|jump| (jump.from.1, jump.to.1)).collect();
        loop {
            let reached = graph.reached();
            let before = own.len();
            own.retain(|(from, to)| {
                if reached[*from] {
                    graph.starts.push(*to);
                }
                !reached[*from]
            });
            if own.len() == before {
                return graph;
            }
        }
    }

    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// The steps right after a step.
    pub(crate) fn successors(&self, step: usize) -> impl Iterator<Item = usize> {
        self.out[step].iter().filter_map(|edge| match edge.to {
            Target::Step(index) => Some(usize::from(index)),
            Target::End => None,
        })
    }

    /// What can be reached from `from` (which itself is in it), never going on from a step for which `stop` holds.
    pub(crate) fn reach(&self, from: impl IntoIterator<Item = usize>, stop: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(step) = open.pop() {
            if std::mem::replace(&mut seen[step], true) || stop(step) {
                continue;
            }
            open.extend(self.successors(step));
        }
        seen
    }

    /// What runs can come to, wherever they begin.
    pub(crate) fn reached(&self) -> Vec<bool> {
        self.reach(self.starts.iter().copied(), |_| false)
    }

    /// What runs can come to that a jump begins.
    pub(crate) fn reached_by_jumps(&self) -> Vec<bool> {
        self.reach(self.starts.iter().skip(1).copied(), |_| false)
    }

    /// Whether every way to `step` goes through `over`, wherever a run begins.
    pub(crate) fn is_on_every_way(&self, over: usize, step: usize) -> bool {
        over != step && !self.reach(self.starts.iter().copied(), |at| at == over)[step]
    }

    /// The steps that a step of some kind may come before.
    pub(crate) fn after(&self, is_of_kind: impl Fn(usize) -> bool) -> Vec<bool> {
        let such = (0..self.len()).filter(|step| is_of_kind(*step));
        self.reach(such.flat_map(|step| self.successors(step)).collect::<Vec<_>>(), |_| false)
    }

    /// The steps from which a run can come to an end.
    pub(crate) fn can_end(&self) -> Vec<bool> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.len()];
        let mut open = Vec::new();
        for step in 0..self.len() {
            for next in self.successors(step) {
                before[next].push(step);
            }
            if self.ends[step] || self.out[step].iter().any(|edge| edge.to == Target::End) {
                open.push(step);
            }
        }
        let mut can = vec![false; self.len()];
        while let Some(step) = open.pop() {
            if !std::mem::replace(&mut can[step], true) {
                open.extend(before[step].iter().copied());
            }
        }
        can
    }

    /// Sets of steps that all lead to each other, each in the order of the document: every cycle is within one of them.
    /// With `waitless`, cycles over a wait do not count.
    pub(crate) fn cycles(&self, waitless: bool) -> Vec<Vec<usize>> {
        let keep = |step: usize| !(waitless && self.waits[step]);
        let order = self.postorder(keep);
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.len()];
        for step in (0..self.len()).filter(|step| keep(*step)) {
            for next in self.successors(step).filter(|next| keep(*next)) {
                before[next].push(step);
            }
        }
        let mut seen = vec![false; self.len()];
        let mut cycles = Vec::new();
        // Kosaraju: backwards from the step that was left last, what is not taken yet is its component.
        for root in order.into_iter().rev() {
            let mut set = BTreeSet::new();
            let mut open = vec![root];
            while let Some(step) = open.pop() {
                if !std::mem::replace(&mut seen[step], true) {
                    set.insert(step);
                    open.extend(before[step].iter().copied());
                }
            }
            if set.len() > 1 || (set.len() == 1 && self.successors(root).any(|next| next == root)) {
                cycles.push(set.into_iter().collect::<Vec<_>>());
            }
        }
        cycles.sort();
        cycles
    }

    /// The kept steps, each after all that it leads to (but for cycles).
    pub(crate) fn postorder(&self, keep: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut seen = vec![false; self.len()];
        let mut order = Vec::with_capacity(self.len());
        // The start comes first, so that what leads back to where a run has been is told from what leads on.
        for root in self.starts.iter().copied().chain(0..self.len()).filter(|step| keep(*step)) {
            if std::mem::replace(&mut seen[root], true) {
                continue;
            }
            let mut open = vec![(root, self.successors(root).collect::<Vec<_>>())];
            while let Some((step, rest)) = open.last_mut() {
                if let Some(next) = rest.pop() {
                    if keep(next) && !std::mem::replace(&mut seen[next], true) {
                        open.push((next, self.successors(next).collect()));
                    }
                } else {
                    order.push(*step);
                    open.pop();
                }
            }
        }
        order
    }

    /// The first edge within a cycle that leads back to where a run of it has been, and the step that it leaves.
    pub(crate) fn closing(&self, cycle: &[usize], waitless: bool) -> Option<(usize, &Edge)> {
        let order = self.postorder(|step| !(waitless && self.waits[step]));
        let mut place = vec![usize::MAX; self.len()];
        for (position, step) in order.into_iter().rev().enumerate() {
            place[step] = position;
        }
        cycle.iter().find_map(|step| {
            let back = |edge: &&Edge| match edge.to {
                Target::Step(to) => cycle.contains(&usize::from(to)) && place[usize::from(to)] <= place[*step],
                Target::End => false,
            };
            self.out[*step].iter().find(back).map(|edge| (*step, edge))
        })
    }

    /// All steps in an order in which each comes before what it leads to, but for edges that lead back.
    pub(crate) fn topological(&self) -> Vec<usize> {
        let mut order = self.postorder(|_| true);
        order.reverse();
        order
    }
}

fn ends_run(step: &Step) -> bool {
    matches!(step.kind, StepKind::Exit { .. } | StepKind::JumpOut { stay: None, .. })
}

/// A step's place as the version has it.
pub(crate) fn index(step: usize) -> StepIndex {
    StepIndex::try_from(step).unwrap_or(StepIndex::MAX)
}
