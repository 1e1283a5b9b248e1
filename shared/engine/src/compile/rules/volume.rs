//! W014: how many mails of a run come how fast.

use super::Subject;
use crate::compile::graph::Edge;
use crate::document::{Faults, approximate_seconds};
use crate::version::{StepKind, Target, WaitUntil};

const WEEK: i64 = 7 * 86_400;

/// W014: more mails in seven days than the cap lets through.
pub(crate) fn over_the_cap(subject: &Subject<'_>, faults: &mut Faults) {
    let Some(cap) = &subject.version.policy.cap else { return };
    // What is too much for some stretch of the cap is so whatever the rest of the seven days brings.
    let per = approximate_seconds(&cap.per).unwrap_or(WEEK).clamp(1, WEEK);
    let allowed = usize::try_from(cap.max).unwrap_or(usize::MAX);
    let reached = subject.graph.reached();
    let sends: Vec<usize> =
        subject.steps().filter(|(n, _)| reached[*n] && is_send(subject, *n)).map(|(n, _)| n).collect();
    if sends.len() <= allowed {
        return;
    }
    let order = subject.graph.topological();
    for first in sends {
        if let Some(last) = exceeds(subject, &order, first, (allowed, per)) {
            let message = format!(
                "From step {} to step {} more than {allowed} mails can come due within {}, and the cap lets no more than \
                 {allowed} through. Put waits between them, send fewer, or raise the cap.",
                subject.name(first),
                subject.name(last),
                super::cost::readable(per)
            );
            faults.rule_at("W014", "/send_policy/cap", message);
            return;
        }
    }
}

fn is_send(subject: &Subject<'_>, step: usize) -> bool {
    matches!(subject.version.steps[step].kind, StepKind::Send { .. })
}

/// The step at which more than `allowed` mails have come due within `per` of that of `first`. For each step it keeps the
/// least time in which so many mails can have been sent by then.
fn exceeds(subject: &Subject<'_>, order: &[usize], first: usize, (allowed, per): (usize, i64)) -> Option<usize> {
    let count = subject.graph.len();
    let mut place = vec![0; count];
    for (position, step) in order.iter().enumerate() {
        place[*step] = position;
    }
    let mut least: Vec<Vec<Option<i64>>> = vec![Vec::new(); count];
    least[first] = vec![Some(0)];
    for &step in &order[place[first]..] {
        let times = std::mem::take(&mut least[step]);
        if times.is_empty() {
            continue;
        }
        let mail = usize::from(is_send(subject, step));
        for edge in &subject.graph.out[step] {
            let Target::Step(next) = edge.to else { continue };
            let next = super::at(next);
            // What leads back ends the run.
            if place[next] <= place[step] {
                continue;
            }
            let delay = shortest(subject, step, edge);
            for (mails, time) in times.iter().enumerate() {
                let Some(time) = time.map(|time| time + delay).filter(|time| *time < per) else { continue };
                let mails = mails + mail;
                if mails >= allowed && is_send(subject, next) {
                    return Some(next);
                }
                if least[next].len() <= mails {
                    least[next].resize(mails + 1, None);
                }
                let slot = &mut least[next][mails];
                *slot = Some(slot.map_or(time, |before| before.min(time)));
            }
        }
    }
    None
}

/// The least time that a run spends in a step that it leaves over an edge. A date may be past already.
fn shortest(subject: &Subject<'_>, step: usize, edge: &Edge) -> i64 {
    match &subject.version.steps[step].kind {
        StepKind::Wait { until: WaitUntil::For(span), .. } => approximate_seconds(span).unwrap_or_default(),
        StepKind::WaitFor { timeout, .. } if edge.place == "/wait_for/next" => {
            approximate_seconds(timeout).unwrap_or_default()
        }
        StepKind::Send { .. }
        | StepKind::Wait { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => 0,
    }
}
