//! The port of mail.

use std::collections::BTreeMap;
use std::future::Future;

use carepath_engine::advance::Answer;
use carepath_engine::ids::{RunId, TemplateId};
use carepath_engine::version::{Class, StepIndex};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A mail on its way out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The one recipient.
    pub to: String,
    /// The sender, as a header has it.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Links with names, by name.
    pub links: Vec<Link>,
    /// What kind of mail it is: kinds go different ways, so that trouble with one does not hold up another.
    pub class: Class,
    /// Which attempt this is.
    pub attempt: Attempt,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// A link of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its `name` attribute; empty where it has none.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

/// An attempt, as it stands in a mail's tags: opaque to everybody outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The run.
    pub run: RunId,
    /// The send step.
    pub step: StepIndex,
    /// Counted from 1.
    pub attempt: u32,
}

/// An attempt of which nobody has heard yet, as a mailer is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The attempt.
    pub attempt: Attempt,
    /// Nothing was begun under its claim after this, nor more than [`CLAIM_TIME`](carepath_engine::run::CLAIM_TIME) before it.
    pub deadline: Timestamp,
    /// When it is asked.
    pub now: Timestamp,
}

/// What a mailer knows about an attempt that nobody heard of again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It took the mail.
    Accepted {
        /// Under this id.
        id: String,
        /// Whether it is known to have reached its mailbox too.
        delivered: bool,
    },
    /// It said no to the mail, for good.
    Refused,
    /// It certainly never will: the attempt is over and nothing was taken.
    NotAccepted,
    /// It cannot say, and word may still come.
    None,
    /// It cannot say, and no word can come any more: every way by which it could (the mail service's events, and
    /// whatever else keeps them) has brought what is younger than the attempt.
    Silent,
}

/// The way out for mail.
pub trait Mailer: Send + Sync + 'static {
    /// Asks for the right to send one mail of a class now, as far as the mail service's rate goes; or says from when on
    /// to ask again. Whoever has it may leave it unused.
    fn permit(&self, _class: Class) -> impl Future<Output = Result<(), Timestamp>> + Send {
        std::future::ready(Ok(()))
    }

    /// Sends one mail, once, without trying again. Whatever may have reached the other end is [`Answer::Unknown`].
    fn send(&self, mail: &Outgoing) -> impl Future<Output = Answer> + Send;

    /// What is known about an attempt whose claim has run out.
    fn evidence(&self, doubt: &Doubt) -> impl Future<Output = Evidence> + Send;
}

/// The template version that a send step is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemplateKey {
    /// Which.
    pub id: TemplateId,
    /// Which version of it.
    pub version: u32,
}
