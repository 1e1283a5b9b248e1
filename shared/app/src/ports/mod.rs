//! What the use cases need from outside. Each trait's contract is prose here; one suite of tests holds every
//! implementation to it.

mod hooks;
mod mail;
mod reports;
mod store;
mod work;

use std::time::Duration;

pub use hooks::{HookAnswer, HookCall, Hooks};
pub use mail::{Attempt, Doubt, Evidence, Link, Mailer, Outgoing, TemplateKey};
pub use reports::{Activity, MailRecord, Period, Position, Reports, StayRecord, StepState, Visitor};
pub use store::{
    AddressChange, Change, Commit, ContactChange, Document, DocumentId, DocumentKind, Due, Health, Kept, KeptEvent,
    Pace, Page, Parked, Store, Task, TellEvent, Wanted,
};
pub use work::{Clock, Queue, Work};

/// All ports of one installation. Use cases are generic over it.
pub trait Ports: Clone + Send + Sync + 'static {
    /// State.
    type Store: Store;
    /// Mail.
    type Mailer: Mailer;
    /// Webhooks.
    type Hooks: Hooks;
    /// Work.
    type Queue: Queue;
    /// Time.
    type Clock: Clock;
    /// What runs come to together.
    type Reports: Reports;

    /// State.
    fn store(&self) -> &Self::Store;
    /// Mail.
    fn mailer(&self) -> &Self::Mailer;
    /// Webhooks.
    fn hooks(&self) -> &Self::Hooks;
    /// Work.
    fn queue(&self) -> &Self::Queue;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// What runs come to together.
    fn reports(&self) -> &Self::Reports;

    /// How many runs this process reads in one step of a task that reads all of them.
    fn runs_a_step(&self) -> usize {
        50_000
    }

    /// Whether this process may begin something outside now: send a mail, or call a webhook. One that may not, because
    /// it is not there for that or has too little time left, leaves the run ready and says so in the queue.
    fn may_act_outside(&self) -> bool {
        true
    }
}

/// What an error says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It was not done, and may be done later; after so long, where the other end said it.
    After(Option<Duration>),
    /// It was not done, and never will be.
    Never,
    /// Nobody can say whether it was done.
    InDoubt,
}

/// A store that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store could not {what}")]
pub struct StoreError {
    /// What it was asked, without any value.
    pub what: &'static str,
    /// Whether to try again.
    pub retry: Retry,
    /// The cause, without contact data.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
