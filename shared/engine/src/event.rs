//! Events: things that happened to a contact, as the caller tells them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contact::Attributes;
use crate::ids::{ContactId, EventId, Name};
use crate::phi::Phi;

/// One event of one contact. It counts once by (source, id) (S19).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The caller's id of the event.
    pub id: EventId,
    /// Whose it is: where the contact is not known yet, it is made from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// Who told it: the API, a step of a workflow.
    pub source: Source,
    /// What happened.
    pub name: Name,
    /// When it happened, by the caller's account.
    pub at: Timestamp,
    /// When it came in.
    pub received_at: Timestamp,
    /// Whatever else the caller says about it.
    #[serde(default)]
    pub properties: Phi<Attributes>,
    /// The steps that led to it, where a workflow told it: a run that it starts begins with them, so that workflows that
    /// start each other do not do so for ever.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
}

/// Names that begin so are Carepath's own: neither callers nor workflows tell such events.
pub const RESERVED: &str = "carepath.";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(hops: &u32) -> bool {
    *hops == 0
}

/// Where an event came from: ids are unique within their source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `POST /v1/contacts/{id}/events` and the batch route.
    Api,
    /// An `emit` step.
    Workflow,
}

impl Source {
    /// The name that stands in keys and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Workflow => "workflow",
        }
    }
}
