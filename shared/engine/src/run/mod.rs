//! A run: one contact going once through one version. It is one item, and [`crate::advance`] decides what becomes of it.

mod message;
mod past;
mod state;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contact::Attributes;
use crate::explain::Explanation;
use crate::ids::{ContactId, EventId, RunId, StepId, WorkflowId};
use crate::phi::Phi;
use crate::version::StepIndex;

pub use message::{FirstSeen, Message, MessageState, address_mark};
pub use past::{Kept, Past};
pub use state::{CALL_TIME, CLAIM_GRACE, CLAIM_TIME, Claim, OpenSend, Outcome, STAYS, State, UNKNOWN_LOOKS, later};

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
    /// The version that it is in: the one that it entered, unless somebody has moved it (S3).
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
    /// How often each webhook was called.
    #[serde(rename = "q", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<StepIndex, u32>,
    /// What webhooks answered, by the name that their steps gave it.
    #[serde(rename = "z", default, skip_serializing_if = "no_attributes")]
    pub saved: Phi<Attributes>,
    /// Steps taken, those of the runs before it in its lineage included.
    #[serde(rename = "p")]
    pub hops: u32,
    /// The steps that the runs before it in its lineage have visited (S2).
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Ancestor>,
    /// The versions that it was in before, oldest first: empty where nobody has moved it (S3).
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Past>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

impl Run {
    /// Whether the run is over.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    /// How many of its mails may or may not have been sent (S8).
    pub fn unknown_sends(&self) -> usize {
        self.messages.values().filter(|message| message.state == MessageState::Unknown).count()
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
