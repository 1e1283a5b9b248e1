//! W001 to W003: ways through the workflow.

use super::Subject;
use crate::document::Faults;

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
        let message = format!(
            "{} lead back to each other with no wait between them. A run visits a step once, so it would end there at once. \
             Lead one of these edges elsewhere.",
            subject.names(&cycle)
        );
        faults.rule("W002", subject, cycle[0], "", message);
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
        let message = format!(
            "{} lead back to each other. A run visits a step once, so when it comes back to one of them it ends with outcome \
             `revisit`. If that is not meant, lead one of these edges elsewhere.",
            subject.names(&cycle)
        );
        faults.rule("W003", subject, cycle[0], "", message);
    }
}
