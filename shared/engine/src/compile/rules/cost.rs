//! W020: what a run may take and cost.

use super::Subject;
use crate::document::{Faults, approximate_seconds};
use crate::version::{StepKind, Target, WaitUntil};

/// US dollars that Amazon SES asks for 1,000 mails.
const PRICE: f64 = 0.10;

/// W020: the longest duration, the most and the expected sends, and the cost per 1,000 contacts.
pub(crate) fn estimate(subject: &Subject<'_>, faults: &mut Faults) {
    if subject.draft.loose {
        return;
    }
    let order = subject.graph.topological();
    let count = subject.graph.len();
    let mut place = vec![0; count];
    for (position, step) in order.iter().enumerate() {
        place[*step] = position;
    }
    let start = super::at(subject.version.start);
    let (mut longest, mut most, mut odds) = (vec![0_i64; count], vec![0_u32; count], vec![0.0_f64; count]);
    odds[start] = 1.0;
    let mut reached = vec![false; count];
    reached[start] = true;
    let (mut duration, mut mails, mut expected, mut dated, mut jumps) = (0, 0, 0.0, false, false);
    for step in order.into_iter().filter(|step| place[*step] >= place[start]) {
        if !reached[step] {
            continue;
        }
        let kind = &subject.version.steps[step].kind;
        dated |= matches!(kind, StepKind::Wait { until: WaitUntil::Date { .. }, .. });
        jumps |= matches!(kind, StepKind::JumpOut { .. });
        let time = longest[step] + stay(kind);
        let sent = most[step] + u32::from(matches!(kind, StepKind::Send { .. }));
        if matches!(kind, StepKind::Send { .. }) {
            expected += odds[step];
        }
        duration = duration.max(time);
        mails = mails.max(sent);
        let parts = weights(kind, subject.graph.out[step].len());
        for (edge, weight) in subject.graph.out[step].iter().zip(parts) {
            let Target::Step(next) = edge.to else { continue };
            let next = super::at(next);
            if place[next] > place[step] {
                reached[next] = true;
                longest[next] = longest[next].max(time);
                most[next] = most[next].max(sent);
                odds[next] += odds[step] * weight;
            }
        }
    }
    let except = match (dated, jumps) {
        (false, false) => "",
        (true, false) => ", not counting waits for dates",
        (false, true) => ", not counting the workflows that it jumps into",
        (true, true) => ", not counting waits for dates and the workflows that it jumps into",
    };
    let message = format!(
        "A run takes at most {}{except}, and sends at most {}, {expected:.2} on average if branches go each way equally \
         often. For 1,000 contacts that is about {:.0} mails, or ${:.2} at the list price of Amazon SES.",
        readable(duration),
        counted(mails),
        expected * 1_000.0,
        expected * PRICE
    );
    faults.rule_at("W020", "", message);
}

/// The longest that a run stays in a step, in seconds.
fn stay(kind: &StepKind) -> i64 {
    match kind {
        StepKind::Wait { until: WaitUntil::For(span), .. } | StepKind::WaitFor { timeout: span, .. } => {
            approximate_seconds(span).unwrap_or_default()
        }
        StepKind::Send { .. }
        | StepKind::Wait { .. }
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

/// How often each edge out of a step is taken.
fn weights(kind: &StepKind, edges: usize) -> Vec<f64> {
    match kind {
        StepKind::Split { shares } => {
            let total: f64 = shares.iter().map(|share| f64::from(share.weight)).sum();
            shares.iter().filter(|share| share.weight > 0).map(|share| f64::from(share.weight) / total).collect()
        }
        StepKind::Branch { .. } | StepKind::WaitFor { .. } => {
            let each = 1.0 / f64::from(u32::try_from(edges.max(1)).unwrap_or(u32::MAX));
            vec![each; edges]
        }
        // A failure or a missed date is the exception.
        StepKind::Send { .. }
        | StepKind::Wait { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => (0..edges).map(|n| if n == 0 { 1.0 } else { 0.0 }).collect(),
    }
}

fn counted(mails: u32) -> String {
    if mails == 1 { "1 mail".to_owned() } else { format!("{mails} mails") }
}

pub(super) fn readable(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3_600, seconds % 3_600 / 60);
    let parts: Vec<String> = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if parts.is_empty() { "no time".to_owned() } else { parts.join(" ") }
}
