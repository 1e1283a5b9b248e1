//! A run: one contact going once through one version. It is one item, and [`crate::advance`] decides what becomes of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contact::Attributes;
use crate::explain::Explanation;
use crate::ids::{ContactId, EventId, RunId, StepId, WorkflowId};
use crate::phi::Phi;
use crate::version::StepIndex;

/// How long after a claim's deadline its run is looked at again: by then the mail service's own events are in.
pub const CLAIM_GRACE: SignedDuration = SignedDuration::from_mins(15);
/// How long a claim holds.
pub const CLAIM_TIME: SignedDuration = SignedDuration::from_secs(20);
/// When an unknown send is looked at again, counted from the moment it became unknown (S8).
pub const UNKNOWN_LOOKS: [SignedDuration; 4] = [
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
];
/// The most steps that a lineage may take: a second fence behind the rule that no step is visited twice.
pub const MAX_HOPS: u32 = 1_000;

/// One contact going once through one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Derived from contact, workflow, key and entry number.
    pub id: RunId,
    /// The workflow.
    #[serde(rename = "w")]
    pub workflow: WorkflowId,
    /// The version that it entered and stays in (S3).
    #[serde(rename = "n")]
    pub version: u32,
    /// The caller's id of the contact.
    #[serde(rename = "c")]
    pub contact: ContactId,
    /// The value of the trigger's key property, which tells runs of one contact apart.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Phi<String>>,
    /// What started it.
    #[serde(rename = "e")]
    pub entry: EntryRecord,
    /// Where it stands.
    #[serde(rename = "s")]
    pub state: State,
    /// Where it has been, in order: `entry` first, `end` last.
    #[serde(rename = "h")]
    pub visits: Vec<Visit>,
    /// What became of its mails, by send step.
    #[serde(rename = "m", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: BTreeMap<StepIndex, Message>,
    /// Events that a `wait_for` ahead is interested in, heard before the run got there (S17).
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Heard>,
    /// Events that moved the run, so that one delivered again moves nothing (S19).
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<EventId>,
    /// Steps taken, those of the runs before it in its lineage included.
    #[serde(rename = "p")]
    pub hops: u32,
    /// The steps that the runs before it in its lineage have visited (S2).
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Ancestor>,
    /// Grows with every commit and guards the next one. 0 for a run that is not stored yet.
    #[serde(skip)]
    pub revision: u64,
}

/// What started a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// When.
    #[serde(rename = "a")]
    pub at: Timestamp,
    /// 1 for the contact's first run in the workflow under this key.
    #[serde(rename = "n")]
    pub number: u32,
    /// An opaque name of the event, change or request that started it: the same cause starts one run only.
    #[serde(rename = "c")]
    pub cause: String,
    /// The properties of the event, or the payload of the request.
    #[serde(rename = "p", default, skip_serializing_if = "no_attributes")]
    pub payload: Phi<Attributes>,
}

fn no_attributes(payload: &Phi<Attributes>) -> bool {
    payload.0.is_empty()
}

/// A run of the same lineage before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// Which.
    #[serde(rename = "r")]
    pub run: RunId,
    /// Its workflow.
    #[serde(rename = "w")]
    pub workflow: WorkflowId,
    /// The steps it had visited when it jumped.
    #[serde(rename = "s")]
    pub steps: Vec<StepId>,
}

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
    Parked {
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

/// A run in a step: it happens once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Where.
    #[serde(rename = "s")]
    pub place: Place,
    /// When it was entered.
    #[serde(rename = "a")]
    pub at: Timestamp,
    /// The edge that was taken out of it, once it was.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// What was compared with what on the way out, and on the way of getting there.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<Explanation>,
}

/// Where a visit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Coming in: its explanation says why the contact was admitted.
    Entry,
    /// Going out: its explanation says why the run ended.
    End,
    /// A step.
    #[serde(untagged)]
    Step(StepIndex),
}

/// The edge that a run took out of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The plain one.
    Next,
    /// After a definite refusal.
    OnFailure,
    /// A wait whose time is missing or too long past.
    Else,
    /// A `wait_for` whose time was up.
    Timeout,
    /// A mail that was not sent, and why is on the visit.
    Skipped,
    /// Out of the middle of a step, because the run ended.
    Left,
    /// The case, path or share with this index.
    #[serde(untagged)]
    Nth(u16),
}

/// An event that came in before the run reached the `wait_for` that is interested in it (S17).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The `wait_for`.
    #[serde(rename = "s")]
    pub step: StepIndex,
    /// Which of its paths.
    #[serde(rename = "p")]
    pub path: u16,
    /// When the event happened.
    #[serde(rename = "a")]
    pub at: Timestamp,
    /// How its condition came out.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<Explanation>,
}

/// The mail of one visit, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Where it stands.
    #[serde(rename = "s")]
    pub state: MessageState,
    /// Why, where it was not sent.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The last attempt, counted from 1; 0 where none was made.
    #[serde(rename = "n")]
    pub attempt: u32,
    /// When it got into this state.
    #[serde(rename = "a")]
    pub at: Timestamp,
    /// The ids that the mail service gave it. More than one is a duplicate (S9).
    #[serde(rename = "i", default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// When it reached the mailbox.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
    /// When it bounced.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub bounced: Option<Timestamp>,
    /// When the recipient called it spam.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub complained: Option<Timestamp>,
    /// First seen by a person, and by a machine.
    #[serde(rename = "o", default, skip_serializing_if = "FirstSeen::is_empty")]
    pub opened: FirstSeen,
    /// First clicked by a person, and by a machine, by link name. A link without a name is `""`.
    #[serde(rename = "l", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clicked: BTreeMap<String, FirstSeen>,
}

/// The first of each kind (S20).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeen {
    /// By a person.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub human: Option<Timestamp>,
    /// By a machine: a privacy proxy, a prefetcher, a scanner.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Timestamp>,
}

impl FirstSeen {
    /// Whether nobody was seen.
    pub const fn is_empty(&self) -> bool {
        self.human.is_none() && self.machine.is_none()
    }

    /// The first time by a person, or by anybody where `machines` count.
    pub fn first(&self, machines: bool) -> Option<Timestamp> {
        let machine = self.machine.filter(|_| machines);
        match (self.human, machine) {
            (Some(human), Some(machine)) => Some(human.min(machine)),
            (human, machine) => human.or(machine),
        }
    }
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Somebody is sending it.
    Claimed,
    /// Given back after a throttle; it will be tried again.
    Released,
    /// The mail service took it.
    Sent,
    /// It may or may not have been taken.
    Unknown,
    /// It was refused, or could not be made.
    Failed,
    /// It was not to be sent.
    Skipped,
}

impl State {
    /// The step that the run is in.
    pub fn step(&self) -> Option<StepIndex> {
        match self {
            Self::Ready { step, .. }
            | Self::Claimed { step, .. }
            | Self::Unknown { step, .. }
            | Self::Waiting { step, .. } => Some(*step),
            Self::Parked { at, .. } => at.step(),
            Self::Ended { .. } => None,
        }
    }

    /// When the run must be looked at again (S5). `None` only where a run is parked, which a resume ends, or over.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Ready { due, .. } | Self::Waiting { due, .. } => Some(*due),
            Self::Claimed { claim, .. } => Some(later(claim.deadline, CLAIM_GRACE)),
            Self::Unknown { since, looks, .. } => {
                let last = UNKNOWN_LOOKS.len() - 1;
                Some(later(*since, UNKNOWN_LOOKS[usize::from(*looks).min(last)]))
            }
            Self::Parked { .. } => None,
            Self::Ended { open, .. } => open.as_ref().map(|send| send.due),
        }
    }
}

/// `at + by`, and the end of time where that is beyond it.
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Run {
    /// Whether the run is over.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    /// Whether this run itself has visited a step.
    pub fn has_visited(&self, step: StepIndex) -> bool {
        self.visits.iter().any(|visit| visit.place == Place::Step(step))
    }

    /// Whether the lineage before this run has visited a step of a workflow (S2).
    pub fn lineage_visited(&self, workflow: &WorkflowId, step: &StepId) -> bool {
        self.lineage.iter().any(|ancestor| ancestor.workflow == *workflow && ancestor.steps.contains(step))
    }
}
