//! W001 to W003: ways through the workflow.

use super::Subject;
use crate::compile::graph::Edge;
use crate::document::Faults;
use crate::version::Target;

/// W001: no way leads from the start to a step.
pub(crate) fn unreachable(subject: &Subject<'_>, faults: &mut Faults) {
    if subject.draft.loose {
        return;
    }
    let reached = subject.graph.reached();
    for step in (0..reached.len()).filter(|step| !reached[*step]) {
        let message =
            format!("No way leads to step {}. Let another step lead to it, or take it out.", subject.name(step));
        faults.rule("W001", subject, step, "", message);
    }
}

/// W001: no way leads from a step to an end. One finding for all the steps that are caught together.
pub(crate) fn endless(subject: &Subject<'_>, faults: &mut Faults) {
    if subject.draft.loose {
        return;
    }
    let can = subject.graph.can_end();
    let caught: Vec<usize> = (0..can.len()).filter(|step| !can[*step]).collect();
    if let Some(first) = caught.first() {
        let message = format!(
            "No way leads to an end from here: {} lead only to each other. Let one of them lead to `end`.",
            subject.names(&caught)
        );
        faults.rule("W001", subject, *first, "", message);
    }
}

/// W002: steps lead back to each other without a wait.
pub(crate) fn cycle_without_wait(subject: &Subject<'_>, faults: &mut Faults) {
    for cycle in subject.graph.cycles(true) {
        let back = Back::of(subject, &cycle, true);
        let message = format!(
            "{} with no wait on the way{}. A run visits a step once, so it would end here at once. Lead this edge elsewhere.",
            back.edge, back.round
        );
        faults.rule("W002", subject, back.step, &back.place, message);
    }
}

/// W003: steps lead back to each other over a wait.
pub(crate) fn cycle(subject: &Subject<'_>, faults: &mut Faults) {
    let waitless = subject.graph.cycles(true);
    for cycle in subject.graph.cycles(false) {
        // The same steps without any wait are W002 already.
        if waitless.contains(&cycle) {
            continue;
        }
        let back = Back::of(subject, &cycle, false);
        let message = format!(
            "{}{}. A run visits a step once, so it ends here with outcome `revisit`. If that is not meant, lead this edge \
             elsewhere; if contacts are to go round again, let them enter again with `reentry`.",
            back.edge, back.round
        );
        faults.rule("W003", subject, back.step, &back.place, message);
    }
}

/// Where a cycle closes, in words and as a place.
struct Back {
    step: usize,
    place: String,
    edge: String,
    round: String,
}

impl Back {
    fn of(subject: &Subject<'_>, cycle: &[usize], waitless: bool) -> Self {
        let (step, place, to) = match subject.graph.closing(cycle, waitless) {
            Some((step, Edge { to: Target::Step(to), place })) => (step, place.clone(), super::at(*to)),
            Some((_, Edge { to: Target::End, .. })) | None => (cycle[0], String::new(), cycle[0]),
        };
        let (from, to) = (subject.name(step), if to == step { "itself".to_owned() } else { subject.name(to) });
        let round = if cycle.len() > 1 { format!(" ({} go round)", subject.names(cycle)) } else { String::new() };
        Self { step, place, edge: format!("Step {from} leads back to {to}"), round }
    }
}
