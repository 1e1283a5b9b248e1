//! What the use cases need from outside. Each trait's contract is prose here; one suite of tests holds every
//! implementation to it.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use carepath_engine::advance::Answer;
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, RunId, SegmentId, TemplateId, WorkflowId};
use carepath_engine::run::Run;
use carepath_engine::version::StepIndex;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All ports of one installation. Use cases are generic over it.
pub trait Ports: Clone + Send + Sync + 'static {
    /// State.
    type Store: Store;
    /// Mail.
    type Mailer: Mailer;
    /// Work.
    type Queue: Queue;
    /// Time.
    type Clock: Clock;

    /// State.
    fn store(&self) -> &Self::Store;
    /// Mail.
    fn mailer(&self) -> &Self::Mailer;
    /// Work.
    fn queue(&self) -> &Self::Queue;
    /// Time.
    fn clock(&self) -> &Self::Clock;
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

/// What a conditional write says. A failed precondition is an outcome, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It is written.
    Applied,
    /// It was written before, by this very commit.
    AlreadyApplied,
    /// Something else was written in between: nothing of this commit is.
    LostRace,
}

/// One atomic change: everything in it is written, or nothing. A single item is one conditional write, several are one
/// transaction.
///
/// Every item carries the revision that it was decided on and is written only over that very revision (0: only where
/// there is none), as the revision after it.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Runs, each with the revision that it was decided on.
    pub runs: Vec<Run>,
    /// The contact, with the revision that it was decided on.
    pub contact: Option<ContactChange>,
}

/// A change of a contact.
#[derive(Debug, Clone)]
pub struct ContactChange {
    /// Its key.
    pub key: ContactKey,
    /// As it will be. While `pending` is not empty, the contact is in the `due` index with the time of its last update.
    pub contact: Contact,
    /// Segments that it comes into with this change; the segments' member lists follow in the same commit.
    pub entered: Vec<SegmentId>,
    /// Segments that it leaves.
    pub left: Vec<SegmentId>,
}

/// Whether an event is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is, and is kept now.
    New,
    /// It was there already (S19).
    Duplicate,
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; opaque, and safe in a URL.
    pub next: Option<String>,
}

/// An entry of the `due` index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What is to be done.
    pub work: Work,
}

/// How the runs stand, counted over all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Runs that have not ended.
    pub live: u64,
    /// Of those, runs that nothing will ever wake (S5). Anything but 0 is an alarm.
    pub without_wakeup: u64,
    /// Sends of which nobody knows whether they happened (S8).
    pub unknown: u64,
}

/// The state of the installation. Reads are consistent with every write that was answered before them, except
/// [`Store::due`] and [`Store::members`], which may lag by moments.
pub trait Store: Send + Sync + 'static {
    /// A contact.
    fn contact(&self, key: &ContactKey) -> impl Future<Output = Result<Option<Contact>, StoreError>> + Send;

    /// A contact and one of its events, in one request.
    fn contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> impl Future<Output = Result<(Option<Contact>, Option<Event>), StoreError>> + Send;

    /// A run and its contact, in one request.
    fn run_and_contact(
        &self,
        id: &RunId,
    ) -> impl Future<Output = Result<(Option<Run>, Option<Contact>), StoreError>> + Send;

    /// All runs of a contact, live and ended, oldest first, in one query.
    fn runs_of(&self, key: &ContactKey) -> impl Future<Output = Result<Vec<Run>, StoreError>> + Send;

    /// Commits a change, under the rules of [`Change`].
    ///
    /// # Errors
    /// `InDoubt` only where reading the items back did not settle it either.
    fn commit(&self, change: &Change) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Keeps an event, once by its opaque name; until [`Store::event_done`] it is in the `due` index with the time it
    /// came in.
    fn keep_event(
        &self,
        key: &ContactKey,
        name: &str,
        event: &Event,
    ) -> impl Future<Output = Result<Kept, StoreError>> + Send;

    /// Takes an event out of the `due` index: all that follows from it is committed.
    fn event_done(&self, key: &ContactKey, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Events of a contact, newest first.
    fn events_of(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Event>, StoreError>> + Send;

    /// What is due from `from` until `until` (both included), oldest first, at most `limit`.
    fn due(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, StoreError>> + Send;

    /// The runs of a workflow that are parked, at most `limit`.
    fn parked(
        &self,
        workflow: &WorkflowId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// Counts how the runs stand, over the whole table: for whoever watches over it, not for every request. What changes
    /// meanwhile may be counted as it was or as it is.
    fn health(&self) -> impl Future<Output = Result<Health, StoreError>> + Send;

    /// The contacts in a segment, in an order of no meaning.
    fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<ContactKey>, StoreError>> + Send;

    /// The contacts with an address (its case does not matter).
    fn contacts_by_email(
        &self,
        email: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Several contacts, in the order of their keys; those that are gone are left out.
    fn contacts(&self, keys: &[ContactKey]) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Deletes a contact's item, events and places in segments. Its runs stay, ended, and know nothing of it any more (S26).
    fn erase_contact(
        &self,
        key: &ContactKey,
        segments: &[SegmentId],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A document of the configuration.
    fn document(&self, id: &DocumentId) -> impl Future<Output = Result<Option<Document>, StoreError>> + Send;

    /// Writes a document if its revision is still `expect` (0: if there is none), as `expect + 1`.
    fn put_document(
        &self,
        id: &DocumentId,
        body: &serde_json::Value,
        expect: u64,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Deletes a document if its revision is still `expect`.
    fn delete_document(&self, id: &DocumentId, expect: u64) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// All documents of a kind, by id.
    fn documents(&self, kind: DocumentKind) -> impl Future<Output = Result<Vec<Document>, StoreError>> + Send;

    /// A number that grows with every change of the configuration.
    fn configuration_revision(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// The name of a document of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    /// What it is.
    pub kind: DocumentKind,
    /// Which.
    pub id: String,
}

/// What a document of the configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// A workflow's draft and its state: published version, paused.
    Workflow,
    /// A frozen version: id `{workflow}/{number}`.
    Version,
    /// A template's newest version.
    Template,
    /// A frozen template: id `{template}/{number}`.
    TemplateVersion,
    /// A segment's definition.
    Segment,
    /// An API key, by its hash.
    Key,
    /// The account's settings.
    Settings,
}

/// A document of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Which.
    pub id: String,
    /// Grows with every write; the `ETag` that the API gives out.
    pub revision: u64,
    /// What it says.
    pub body: serde_json::Value,
}

/// Work that somebody has to do. It names things and says nothing about them, so that it may lie in a queue (S24), and
/// doing it twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
    /// Act on an event.
    Event {
        /// Whose.
        contact: ContactKey,
        /// Its opaque name.
        event: String,
    },
    /// Act on the pending changes of a contact.
    Contact {
        /// Whose.
        contact: ContactKey,
    },
    /// Look at a run whose time has come.
    Run {
        /// Which.
        run: RunId,
    },
    /// Let the parked runs of a workflow go on.
    Resume {
        /// Which.
        workflow: WorkflowId,
    },
}

/// Where work is left for a worker. A hint: whatever is lost here is found by the sweep (S5), so pushing cannot fail.
pub trait Queue: Send + Sync + 'static {
    /// Leaves work, to be done at `at`, or now where that is past.
    fn push(&self, work: Work, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

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

/// What a mailer knows about an attempt that nobody heard of again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It took the mail, under this id.
    Accepted(String),
    /// It certainly never will: the attempt is over and nothing was taken.
    NotAccepted,
    /// It cannot say.
    None,
}

/// The way out for mail.
pub trait Mailer: Send + Sync + 'static {
    /// Sends one mail, once, without trying again. Whatever may have reached the other end is [`Answer::Unknown`].
    fn send(&self, mail: &Outgoing) -> impl Future<Output = Answer> + Send;

    /// What is known about an attempt whose claim has run out.
    fn evidence(&self, attempt: &Attempt) -> impl Future<Output = Evidence> + Send;
}

/// The template version that a send step is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemplateKey {
    /// Which.
    pub id: TemplateId,
    /// Which version of it.
    pub version: u32,
}
