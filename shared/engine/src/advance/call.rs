//! Calling a webhook: claim, answer, and when to try again.
//!
//! Unlike a mail, a call may be made again: whoever is called knows a repeat by the id of the visit. So nothing stays
//! unknown. A claim that runs out is one attempt less, and a bounded number of attempts ends in the failure edge.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::walk::Walk;
use super::{Decision, Fault};
use crate::explain::Explanation;
use crate::phi::Phi;
use crate::run::{CALL_TIME, Claim, Edge, State, later};
use crate::version::{StepIndex, StepKind, Target, Version};

/// How long after each attempt the next one is made. When they are used up, the call has failed.
const BACK_OFF: [SignedDuration; 4] = [
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(3),
];
/// The longest that the other end may ask for.
const MOST_PATIENCE: SignedDuration = SignedDuration::from_hours(6);
/// The most that a run keeps of all answers, in bytes of JSON.
pub const MOST_SAVED: usize = 64 << 10;

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The other end took it.
    Taken {
        /// The HTTP status.
        status: u16,
        /// What it said, where the step keeps that.
        answer: Option<Phi<Value>>,
    },
    /// It will not be taken, however often it is tried.
    Refused {
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// Why.
        code: Cow<'static, str>,
    },
    /// Nobody was called, for certain: the attempt does not count.
    NotMade {
        /// From when on it may be claimed again.
        until: Timestamp,
    },
    /// It was not taken now, or nobody can say.
    Again {
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// Why.
        code: Cow<'static, str>,
        /// How long the other end asks to be left alone.
        after: Option<SignedDuration>,
    },
}

struct CallStep<'v> {
    next: Target,
    on_failure: Target,
    save_as: Option<&'v str>,
}

/// Whether a step calls a webhook.
pub(super) fn is_call(version: &Version, index: StepIndex) -> bool {
    version.step(index).is_some_and(|step| matches!(step.kind, StepKind::Webhook { .. }))
}

fn call_step<'v>(walk: &Walk<'v>, index: StepIndex) -> Result<CallStep<'v>, Fault> {
    let StepKind::Webhook { save_as, next, on_failure, .. } = &walk.step(index)?.kind else {
        return Err(Fault::WrongKind);
    };
    let save_as = save_as.as_ref().map(crate::ids::Name::as_str);
    Ok(CallStep { next: *next, on_failure: on_failure.unwrap_or(*next), save_as })
}

/// Claims the call of `step`.
pub(super) fn claim(mut walk: Walk<'_>, step: StepIndex) -> Result<Decision, Fault> {
    call_step(&walk, step)?;
    if walk.moment.paused {
        let state = walk.run.state.clone();
        return walk.pause(state);
    }
    let now = walk.now();
    let attempts = walk.run.calls.entry(step).or_default();
    *attempts += 1;
    let attempt = *attempts;
    walk.rest(State::Calling { step, claim: Claim { attempt, deadline: later(now, CALL_TIME), place: None } })
}

/// What was to be told could not be made.
pub(super) fn fail(walk: Walk<'_>, step: StepIndex, code: &str) -> Result<Decision, Fault> {
    let edges = call_step(&walk, step)?;
    let why = Explanation::new("body could be made", false, "template").observed(code);
    walk.leave(Edge::OnFailure, edges.on_failure, vec![why])
}

/// A call came back.
pub(super) fn came_back(mut walk: Walk<'_>, step: StepIndex, attempt: u32, reply: &Reply) -> Result<Decision, Fault> {
    let edges = call_step(&walk, step)?;
    match reply {
        Reply::Taken { status, answer } => {
            if let (Some(name), Some(answer)) = (edges.save_as, answer)
                && !keep(&mut walk, name, answer.expose())
            {
                let why = said(attempt, false, Some(*status), "answer_too_large");
                return walk.leave(Edge::OnFailure, edges.on_failure, vec![why]);
            }
            walk.leave(Edge::Next, edges.next, vec![said(attempt, true, Some(*status), "")])
        }
        Reply::Refused { status, code } => {
            walk.leave(Edge::OnFailure, edges.on_failure, vec![said(attempt, false, *status, code)])
        }
        Reply::NotMade { until } => {
            if let Some(attempts) = walk.run.calls.get_mut(&step) {
                *attempts = attempt.saturating_sub(1);
            }
            walk.rest(State::Ready { step, due: *until })
        }
        Reply::Again { status, code, after } => {
            let why = said(attempt, false, *status, code);
            let tried = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_sub(1);
            let Some(pause) = BACK_OFF.get(tried) else {
                return walk.leave(Edge::OnFailure, edges.on_failure, vec![why]);
            };
            let pause = after.map_or(*pause, |asked| asked.clamp(*pause, MOST_PATIENCE.max(*pause)));
            walk.explain(vec![why]);
            let due = later(walk.now(), pause);
            walk.rest(State::Ready { step, due })
        }
    }
}

/// The claim ran out: whoever held it died, or never came back. Another attempt is made at once, if there is one left.
pub(super) fn ran_out(mut walk: Walk<'_>, step: StepIndex, attempt: u32) -> Result<Decision, Fault> {
    let edges = call_step(&walk, step)?;
    let why = said(attempt, false, None, "claim_ran_out");
    if usize::try_from(attempt).is_ok_and(|attempt| attempt > BACK_OFF.len()) {
        return walk.leave(Edge::OnFailure, edges.on_failure, vec![why]);
    }
    walk.explain(vec![why]);
    let due = walk.now();
    walk.rest(State::Ready { step, due })
}

/// Keeps an answer. `false` where the run would keep too much.
fn keep(walk: &mut Walk<'_>, name: &str, answer: &Value) -> bool {
    let mut saved = walk.run.saved.expose().clone();
    saved.insert(name.to_owned(), answer.clone());
    let fits = serde_json::to_vec(&saved).is_ok_and(|bytes| bytes.len() <= MOST_SAVED);
    if fits {
        walk.run.saved = Phi(saved);
    }
    fits
}

/// An attempt as the visit tells of it: its number, the status, and a code; never what was said.
fn said(attempt: u32, taken: bool, status: Option<u16>, code: &str) -> Explanation {
    let why = Explanation::new(format!("attempt {attempt} of the call"), taken, "webhook");
    match (status, code) {
        (Some(status), "") => why.observed(status),
        (Some(status), code) => why.observed(format!("{status} {code}")),
        (None, code) => why.observed(code),
    }
}
