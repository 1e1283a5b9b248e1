//! Where a run stands, when it is looked at again, and why it ends.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::version::StepIndex;

/// How long after a claim's deadline its run is looked at again: by then the mail service's own events are in.
pub const CLAIM_GRACE: SignedDuration = SignedDuration::from_mins(15);
/// How long a claim holds.
pub const CLAIM_TIME: SignedDuration = SignedDuration::from_secs(20);
/// How long the claim of a webhook's call holds: after that somebody else may call.
pub const CALL_TIME: SignedDuration = SignedDuration::from_secs(60);
/// How long ago a run may have become due that stays where it is in the index of due things while somebody acts under a claim:
/// each sweep looks further back than this, so that one whose claimant died is found by the next.
pub const STAYS: SignedDuration = SignedDuration::from_secs(60);
/// When an unknown send is looked at again, counted from the moment it became unknown (S8).
pub const UNKNOWN_LOOKS: [SignedDuration; 4] = [
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
];
/// Where a run stands. A field exists only in the state in which it means something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
pub enum State {
    /// At a step that may be done from `due` on: a send whose mail may be claimed, or whatever else a pause held up.
    Ready {
        /// The step.
        #[serde(rename = "s")]
        step: StepIndex,
        /// When: now, the next opening of the window, the end of a back-off.
        #[serde(rename = "d")]
        due: Timestamp,
    },
    /// Somebody holds the right to send the mail of `step`.
    Claimed {
        /// The send step.
        #[serde(rename = "s")]
        step: StepIndex,
        /// The right.
        #[serde(rename = "c")]
        claim: Claim,
    },
    /// An attempt may or may not have reached the mail service (S7, S8).
    Unknown {
        /// The send step.
        #[serde(rename = "s")]
        step: StepIndex,
        /// The attempt that nobody knows about.
        #[serde(rename = "a")]
        attempt: u32,
        /// Since when.
        #[serde(rename = "f")]
        since: Timestamp,
        /// How many of [`UNKNOWN_LOOKS`] are over.
        #[serde(rename = "l")]
        looks: u8,
        /// Until when the attempt was claimed: nothing was begun under it after this. An item of an earlier release says
        /// 1970, of which nobody has evidence.
        #[serde(rename = "d", default)]
        deadline: Timestamp,
    },
    /// Somebody holds the right to call the webhook of `step`, until its deadline.
    Calling {
        /// The webhook step.
        #[serde(rename = "s")]
        step: StepIndex,
        /// The right.
        #[serde(rename = "c")]
        claim: Claim,
    },
    /// At a wait.
    Waiting {
        /// The wait.
        #[serde(rename = "s")]
        step: StepIndex,
        /// Since when.
        #[serde(rename = "f")]
        since: Timestamp,
        /// The time that it is for, or at which its patience ends.
        #[serde(rename = "u")]
        until: Timestamp,
        /// When it is decided: `until`, plus the grace of a `wait_for` (S16).
        #[serde(rename = "d")]
        due: Timestamp,
    },
    /// Held because its workflow is paused (S15). `at` is the state that it goes on from.
    Paused {
        /// Since when.
        #[serde(rename = "f")]
        since: Timestamp,
        /// The state that it goes on from.
        #[serde(rename = "a")]
        at: Box<State>,
    },
    /// Over, for a reason (S6).
    Ended {
        /// Why.
        #[serde(rename = "o")]
        outcome: Outcome,
        /// When.
        #[serde(rename = "a")]
        at: Timestamp,
        /// A send that was under way when the run ended: it is still to be settled.
        #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
        open: Option<OpenSend>,
    },
}

impl State {
    /// The step that the run is in.
    pub fn step(&self) -> Option<StepIndex> {
        match self {
            Self::Ready { step, .. }
            | Self::Claimed { step, .. }
            | Self::Unknown { step, .. }
            | Self::Calling { step, .. }
            | Self::Waiting { step, .. } => Some(*step),
            Self::Paused { at, .. } => at.step(),
            Self::Ended { .. } => None,
        }
    }

    /// Until when the attempt of which the run waits to hear was claimed.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Claimed { claim, .. } => Some(claim.deadline),
            Self::Unknown { deadline, .. } => Some(*deadline),
            Self::Ready { .. }
            | Self::Calling { .. }
            | Self::Waiting { .. }
            | Self::Paused { .. }
            | Self::Ended { .. } => None,
        }
    }

    /// When the run must be looked at again (S5). `None` only where a run is paused, which a resume ends, or over.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Ready { due, .. } | Self::Waiting { due, .. } => Some(*due),
            Self::Claimed { claim, .. } => Some(later(claim.deadline, CLAIM_GRACE)),
            Self::Unknown { since, looks, .. } => {
                let last = UNKNOWN_LOOKS.len() - 1;
                Some(later(*since, UNKNOWN_LOOKS[usize::from(*looks).min(last)]))
            }
            Self::Calling { claim, .. } => Some(claim.deadline),
            Self::Paused { .. } => None,
            Self::Ended { open, .. } => open.as_ref().map(|send| send.due),
        }
    }

    /// Where the run stands in the index of due things: at the time at which it is due, or before.
    pub fn place(&self) -> Option<Timestamp> {
        self.claim().and_then(|claim| claim.place).or_else(|| self.due())
    }

    /// Leaves a run that was just claimed where it stood in the index as `before`, at `now`: a claim is over in a moment, and
    /// to move there and away again is most of what it would cost. Whoever looks at it meanwhile puts it where it is due.
    pub fn stay(&mut self, before: &Self, now: Timestamp) {
        if before.claim().is_some() {
            return;
        }
        let recent = |place: &Timestamp| *place <= now && now.duration_since(*place) <= STAYS;
        let place = before.place().filter(recent);
        if let Self::Claimed { claim, .. } | Self::Calling { claim, .. } = self {
            claim.place = place;
        }
    }

    fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Claimed { claim, .. } | Self::Calling { claim, .. } => Some(claim),
            Self::Ready { .. }
            | Self::Unknown { .. }
            | Self::Waiting { .. }
            | Self::Paused { .. }
            | Self::Ended { .. } => None,
        }
    }
}

/// A send that outlived its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSend {
    /// The send step.
    #[serde(rename = "s")]
    pub step: StepIndex,
    /// Its attempt.
    #[serde(rename = "a")]
    pub attempt: u32,
    /// When to look at it again.
    #[serde(rename = "d")]
    pub due: Timestamp,
}

/// The right to try a visit's effect, until a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which try it is, counted from 1.
    #[serde(rename = "a")]
    pub attempt: u32,
    /// Nothing is begun under the claim after this.
    #[serde(rename = "d")]
    pub deadline: Timestamp,
    /// Where its run stands in the index of due things, where that is not where it is due: see [`State::stay`].
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Timestamp>,
}

/// Why a run ended (S6).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "r", content = "d", rename_all = "snake_case")]
pub enum Outcome {
    /// It went through.
    Completed,
    /// A rule, an `exit` step or a policy ended it; the text says which.
    Exited(Cow<'static, str>),
    /// It reached what the workflow is for.
    Goal,
    /// Its next step was one that its lineage has visited (S2).
    Revisit,
    /// Somebody cancelled it.
    Cancelled,
    /// The contact unsubscribed from what it sends: nothing that is ahead of a marketing run may go out.
    Unsubscribed,
    /// The address of a marketing run's contact takes no mail any more.
    Suppressed,
    /// The contact was deleted (S26).
    Deleted,
    /// It could not go on; the code says why.
    Failed(Cow<'static, str>),
}

impl Outcome {
    /// The reason as the API and reports name it.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Exited(_) => "exited",
            Self::Goal => "goal",
            Self::Revisit => "revisit",
            Self::Cancelled => "cancelled",
            Self::Unsubscribed => "unsubscribed",
            Self::Suppressed => "suppressed",
            Self::Deleted => "deleted",
            Self::Failed(_) => "failed",
        }
    }
}

/// `at + by`, and the end of time where that is beyond it.
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
