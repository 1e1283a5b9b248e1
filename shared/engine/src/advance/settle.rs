//! Unknown sends as people see them, and what is done where somebody knows better (S8).

use jiff::Timestamp;

use super::send::{self, MOST_ATTEMPTS};
use super::walk::Walk;
use super::{Alarm, Answer, Decision, Fault, Stale};
use crate::explain::Explanation;
use crate::run::{MessageState, Run, State, UNKNOWN_LOOKS, later};
use crate::version::{OnUnknown, StepIndex, StepKind, Version};

/// The test by which a visit says that somebody settled its send; its source is who.
pub const SETTLED: &str = "settled by hand";

/// A send of which nobody knows whether it happened, and what becomes of it if nobody ever does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSend {
    /// The send step.
    pub step: StepIndex,
    /// The attempt.
    pub attempt: u32,
    /// Since when.
    pub since: Timestamp,
    /// When evidence is looked for again.
    pub next_look: Timestamp,
    /// When `then` is done.
    pub decided_at: Timestamp,
    /// What is decided where there is no evidence until then. A resend is only where none can be on its way any more:
    /// else the mail counts as sent.
    pub then: OnUnknown,
}

/// The unknown send that a run has, if it has one. A run has one at most: it goes no further before it is settled.
pub fn unknown_send(run: &Run, version: &Version) -> Option<UnknownSend> {
    match &run.state {
        State::Unknown { step, attempt, since, .. } => {
            let decided_at = later(*since, UNKNOWN_LOOKS[UNKNOWN_LOOKS.len() - 1]);
            let next_look = run.state.due().unwrap_or(decided_at);
            let then = decision(version, *step, *attempt);
            Some(UnknownSend { step: *step, attempt: *attempt, since: *since, next_look, decided_at, then })
        }
        State::Ended { open: Some(open), .. } => {
            let message = run.messages.get(&open.step)?;
            let unknown = message.state == MessageState::Unknown;
            // Whoever is through gets no mail again.
            unknown.then_some(UnknownSend {
                step: open.step,
                attempt: open.attempt,
                since: message.at,
                next_look: open.due,
                decided_at: open.due,
                then: OnUnknown::TreatAsSent,
            })
        }
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
        | State::Paused { .. }
        | State::Ended { open: None, .. } => None,
    }
}

/// What is decided in the end about an attempt of which nobody heard again. A resend is bounded: a mail service that
/// never answers does not get the same mail for ever.
pub(super) fn decision(version: &Version, step: StepIndex, attempt: u32) -> OnUnknown {
    match version.step(step).map(|step| &step.kind) {
        Some(StepKind::Send { on_unknown: OnUnknown::Resend, .. }) if attempt < MOST_ATTEMPTS => OnUnknown::Resend,
        _ => OnUnknown::TreatAsSent,
    }
}

/// Somebody says what became of an unknown send. A mail that was not sent is tried again, as a throttled one is, unless
/// its run is over.
pub(super) fn by_hand(
    mut walk: Walk<'_>,
    step: StepIndex,
    attempt: u32,
    sent: bool,
    by: &str,
) -> Result<Decision, Fault> {
    if walk.run.messages.get(&step).is_none_or(|message| message.state != MessageState::Unknown) {
        return Ok(Decision::Ignore(Stale::NotThere));
    }
    let observed = if sent { "sent" } else { "not_sent" };
    walk.explain_at(step, Explanation::new(SETTLED, sent, by.to_owned()).observed(observed));
    if !sent {
        let until = walk.now();
        return if walk.run.is_ended() {
            send::late(walk, step, attempt, &Answer::Throttled { until })
        } else {
            send::settled(walk, step, attempt, &Answer::Throttled { until })
        };
    }
    walk.alarms.push(Alarm::UnknownSettled);
    if walk.run.is_ended() {
        send::message(&mut walk, step, MessageState::Sent, Some("settled_by_hand".into()));
        send::set_open(&mut walk, None);
        return Ok(walk.finish());
    }
    send::go_on(walk, step, "settled_by_hand", Vec::new())
}
