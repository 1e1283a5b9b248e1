//! The mails of a run, and what became of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::RunId;

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
    /// To which address it went, as [`address_mark`] has it: a bounce says nothing of another one.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// When it reached the mailbox.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
    /// When it bounced.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub bounced: Option<Timestamp>,
    /// When the recipient called it spam.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub complained: Option<Timestamp>,
    /// When its reader unsubscribed by its link.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub unsubscribed: Option<Timestamp>,
    /// First seen by a person, and by a machine.
    #[serde(rename = "o", default, skip_serializing_if = "FirstSeen::is_empty")]
    pub opened: FirstSeen,
    /// First clicked by a person, and by a machine, by link name. A link without a name is `""`.
    #[serde(rename = "l", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clicked: BTreeMap<String, FirstSeen>,
}

/// What is kept of an address with a mail of a run: 32 bits of a hash under the run's id, which tell two addresses of one
/// contact apart and are too few to tell whose an address is.
pub fn address_mark(run: &RunId, address: &str) -> u32 {
    let mut hasher = blake3::Hasher::new_derive_key("carepath 2026 address of a mail");
    hasher.update(run.as_str().as_bytes());
    hasher.update(address.to_lowercase().as_bytes());
    let mut first = [0; 4];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    u32::from_le_bytes(first)
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
    /// Nobody says that the person was one: what comes later may show a machine.
    #[serde(rename = "u", default, skip_serializing_if = "is_false")]
    pub unsure: bool,
    /// The next time by somebody who may have been a person, well after the first: that was the first, should the one before
    /// turn out to have been a machine.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// When a machine came that was taken for a person at first.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl FirstSeen {
    /// Seen by a person at a time, of whom somebody says that it was one.
    pub const fn by_person(at: Timestamp) -> Self {
        Self { human: Some(at), machine: None, unsure: false, next: None, corrected: None }
    }

    /// What was taken for a person's was a machine's.
    pub(crate) fn correct(&mut self) {
        let Some(at) = self.human else { return };
        self.machine = Some(self.machine.map_or(at, |machine| machine.min(at)));
        self.corrected = Some(at);
        self.human = self.next.take();
        self.unsure = self.human.is_some();
    }

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
