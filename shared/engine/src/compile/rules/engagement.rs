//! W004, W005 and W013: what is asked about mails.

use super::{Subject, at};
use crate::compile::graph::is_wait;
use crate::compile::placed;
use crate::condition::{EngagedKind, TestKind};
use crate::document::Faults;
use crate::version::{StepIndex, StepKind};

/// The send steps of the document.
fn sends(subject: &Subject<'_>) -> Vec<usize> {
    subject.steps().filter(|(_, step)| matches!(step.kind, StepKind::Send { .. })).map(|(n, _)| n).collect()
}

/// The sends that a test is about: the one it names (where it is one), or all of them.
fn asked(step: Option<StepIndex>, sends: &[usize]) -> Vec<usize> {
    step.map_or_else(|| sends.to_vec(), |step| sends.iter().copied().filter(|send| *send == at(step)).collect())
}

/// W004: a mail is asked about on a way on which it was not sent.
pub(crate) fn not_on_every_way(subject: &Subject<'_>, faults: &mut Faults) {
    if subject.draft.loose {
        return;
    }
    let sends = sends(subject);
    let reached = subject.graph.reached();
    for (n, step) in subject.steps().filter(|(n, _)| reached[*n]) {
        for (test, pointer) in placed::of_step(step).iter().flat_map(placed::Placed::tests) {
            let TestKind::Engaged { step: named, .. } = &test.kind else { continue };
            let message = match named {
                Some(named) => {
                    let send = at(*named);
                    if !sends.contains(&send) || subject.graph.is_on_every_way(send, n) {
                        continue;
                    }
                    format!(
                        "Step {} asks about the mail of {}, but a run may get here without having been there. Let every way \
                         here lead over it, or ask about a mail that was sent on all of them.",
                        subject.name(n),
                        subject.name(send)
                    )
                }
                None if sends.iter().any(|send| *send != n && subject.graph.reach([*send], |_| false)[n]) => continue,
                None => format!(
                    "Step {} asks about mails, but none is sent on the way here. Put it after a `send`.",
                    subject.name(n)
                ),
            };
            let id = Some(step.id.clone());
            faults.note("W004", super::severity("W004"), pointer, message, id);
        }
    }
}

/// W005: a branch asks about a mail without a wait since it was sent.
pub(crate) fn no_wait_after_send(subject: &Subject<'_>, faults: &mut Faults) {
    let sends = sends(subject);
    for (n, step) in subject.steps().filter(|(_, step)| matches!(step.kind, StepKind::Branch { .. })) {
        for (test, pointer) in placed::of_step(step).iter().flat_map(placed::Placed::tests) {
            let TestKind::Engaged { step: named, .. } = &test.kind else { continue };
            let steps = &subject.version.steps;
            let after = |send: usize| subject.graph.successors(send).collect::<Vec<_>>();
            let is_hasty = |send: usize| subject.graph.reach(after(send), |at| is_wait(&steps[at].kind))[n];
            let asked = asked(*named, &sends);
            // Who asks about any mail may mean an earlier one, for which there was time.
            let patient = named.is_none()
                && asked.iter().any(|send| !is_hasty(*send) && subject.graph.reach(after(*send), |_| false)[n]);
            let Some(send) = asked.into_iter().find(|send| !patient && is_hasty(*send)) else { continue };
            let message = format!(
                "Step {} asks what became of the mail of {} as soon as it is sent. Put a `wait` between them, or use \
                 `wait_for` instead of the branch.",
                subject.name(n),
                subject.name(send)
            );
            let id = Some(step.id.clone());
            faults.note("W005", super::severity("W005"), pointer, message, id);
        }
    }
}

/// W013: a branch decides by opens alone.
pub(crate) fn opens_alone(subject: &Subject<'_>, faults: &mut Faults) {
    for (n, step) in subject.steps().filter(|(_, step)| matches!(step.kind, StepKind::Branch { .. })) {
        let tests: Vec<_> = placed::of_step(step).iter().flat_map(placed::Placed::tests).collect();
        let opens = |kind: &TestKind| matches!(kind, TestKind::Engaged { kind: EngagedKind::Opened, .. });
        if !tests.is_empty() && tests.iter().all(|(test, _)| opens(&test.kind)) {
            let message = format!(
                "Step {} decides by opens alone, and many mail programs load pictures by themselves or never. Ask for a \
                 click too, or for what the contact did.",
                subject.name(n)
            );
            faults.rule("W013", subject, n, "/branch/cases", message);
        }
    }
}
