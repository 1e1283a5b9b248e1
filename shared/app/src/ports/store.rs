//! The port of what is stored.

use std::collections::BTreeMap;
use std::future::Future;

use carepath_engine::contact::{Contact, NotAdmitted, Suppression};
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, RunId, SegmentId, WorkflowId};
use carepath_engine::run::Run;
use jiff::Timestamp;
use serde::Serialize;

use super::{StoreError, Work};

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
    /// Events that come to be with it. Each is kept as [`Store::keep_event`] keeps one: only where there is none of its
    /// name, and in the `due` index until it is done.
    pub events: Vec<TellEvent>,
}

/// An event that comes to be with a change.
#[derive(Debug, Clone)]
pub struct TellEvent {
    /// Whose.
    pub key: ContactKey,
    /// Its opaque name.
    pub name: String,
    /// The event.
    pub event: Event,
}

/// A change of a contact.
#[derive(Debug, Clone)]
pub struct ContactChange {
    /// Its key.
    pub key: ContactKey,
    /// As it will be. While [`Contact::due`] says so, the contact is in the `due` index with that time.
    pub contact: Contact,
    /// Segments that it comes into with this change; the segments' member lists follow in the same commit.
    pub entered: Vec<SegmentId>,
    /// Segments that it leaves.
    pub left: Vec<SegmentId>,
    /// What becomes of an address, whoever comes in with it. It is kept in the same commit, and stays when the contact is
    /// erased (S26).
    pub address: Option<AddressChange>,
}

/// An address that takes no mail any more, or does so again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressChange {
    /// An opaque name of it: nobody can tell the address from it, but whoever has the address can ask for it.
    pub name: String,
    /// Why it takes none; `None` opens it, and nothing is kept of it then.
    pub suppressed: Option<Suppression>,
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

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEvent {
    /// The event.
    pub event: Event,
    /// The workflows that it might have started, and why it did not.
    pub not_admitted: Vec<NotAdmitted>,
}

/// Work that takes many steps, and what is known of it between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Grows with every write.
    pub revision: u64,
    /// What it is about and how far it has come.
    pub body: serde_json::Value,
}

/// Which runs are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Those of this workflow; `None` for those of all.
    pub workflow: Option<&'a WorkflowId>,
    /// Only those that have not ended.
    pub live: bool,
}

impl Wanted<'_> {
    /// Whether a run is one of them.
    pub fn fits(&self, run: &Run) -> bool {
        self.workflow.is_none_or(|workflow| run.workflow == *workflow) && !(self.live && run.is_ended())
    }
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
    /// Work that is parked: see [`Store::park`].
    pub parked: u64,
}

/// Work that no trial can do, set down with the reason until somebody has mended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// What was to be done.
    pub work: Work,
    /// Since when it is parked.
    pub since: Timestamp,
    /// Why: a stable code of [`crate::UseError::code`].
    pub code: String,
}

/// How fast mail went out in the last second in which any did, counted over all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The beginning of that second.
    pub second: Timestamp,
    /// How many mails were let through in it.
    pub taken: u64,
    /// How many the account may send in a second.
    pub limit: u64,
}

/// The state of the installation. Reads are consistent with every write that was answered before them, except
/// [`Store::due`], [`Store::parked`], [`Store::unknown`] and [`Store::members`], which may lag by moments.
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

    /// Takes an event out of the `due` index: all that follows from it is committed, but for what did not admit the
    /// contact, which is kept beside it. `false` where it is gone, as it is when its contact was deleted meanwhile.
    fn event_done(
        &self,
        key: &ContactKey,
        name: &str,
        not_admitted: &[NotAdmitted],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes an event of a contact that is gone.
    fn drop_event(&self, key: &ContactKey, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Events of a contact, newest first.
    fn events_of(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<KeptEvent>, StoreError>> + Send;

    /// What is due from `from` until `until` (both included), oldest first, at most `limit`.
    fn due(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, StoreError>> + Send;

    /// The runs of a workflow that are paused, at most `limit`.
    fn paused(
        &self,
        workflow: &WorkflowId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// The revision of what a piece of work is about; `None` where it is gone, and for [`Work::Resume`], which is about
    /// no item.
    fn revision(&self, work: &Work) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;

    /// Takes work out of the `due` index and sets it down with the code of what is wrong with it, unless its item has
    /// another revision than `seen` by now: whatever changed it may have mended it. Any later commit of the item takes
    /// it up again, and so does [`Store::redrive`].
    fn park(
        &self,
        work: &Work,
        code: &'static str,
        seen: u64,
        now: Timestamp,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Work that is parked, the longest first.
    fn parked(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Parked>, StoreError>> + Send;

    /// Puts parked work back into the `due` index, as due `now`, and says whether it was parked.
    fn redrive(&self, work: &Work, now: Timestamp) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Runs with a send of which nobody knows whether it happened (S8), the longest first. May lag by moments.
    fn unknown(&self, limit: usize, cursor: Option<&str>)
    -> impl Future<Output = Result<Page<Run>, StoreError>> + Send;

    /// Runs, in an order of no meaning. There is no index of them: `looked_at` runs at most are read for a page, whichever they
    /// are, so a page may be empty and not be the last. Reading all of them costs what reading the whole table costs. What
    /// begins, ends or changes meanwhile may be on a page as it was or as it is.
    fn runs_that(
        &self,
        wanted: Wanted<'_>,
        looked_at: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Run>, StoreError>> + Send;

    /// Several runs, in no order; those that are gone are left out.
    fn runs(&self, ids: &[RunId]) -> impl Future<Output = Result<Vec<Run>, StoreError>> + Send;

    /// Counts how the runs stand, over the whole table: for whoever watches over it, not for every request. What changes
    /// meanwhile may be counted as it was or as it is.
    fn health(&self) -> impl Future<Output = Result<Health, StoreError>> + Send;

    /// How fast mail goes out; `None` where nobody counts it, or nothing has been sent.
    fn pace(&self) -> impl Future<Output = Result<Option<Pace>, StoreError>> + Send {
        std::future::ready(Ok(None))
    }

    /// The contacts in a segment, in an order of no meaning.
    fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<ContactKey>, StoreError>> + Send;

    /// How many contacts are in a segment.
    fn count_members(&self, segment: &SegmentId) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The keys of all contacts, in an order of no meaning; who comes in meanwhile may be on a later page. May lag by
    /// moments.
    fn every_contact(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<ContactKey>, StoreError>> + Send;

    /// A task by its name.
    fn task(&self, name: &str) -> impl Future<Output = Result<Option<Task>, StoreError>> + Send;

    /// Writes a task if its revision is still `expect` (0: if there is none), as `expect + 1`. It is in the `due` index
    /// with that time, or not at all.
    fn put_task(
        &self,
        name: &str,
        body: &serde_json::Value,
        due: Option<Timestamp>,
        expect: u64,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// The contacts with an address (its case does not matter).
    fn contacts_by_email(
        &self,
        email: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Several contacts, in the order of their keys; those that are gone are left out.
    fn contacts(&self, keys: &[ContactKey]) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Several contacts as in [`Store::contacts`], and which of some addresses take no mail, by their opaque names: together,
    /// in as few requests as they fit in.
    fn contacts_and_suppressed(
        &self,
        keys: &[ContactKey],
        names: &[String],
    ) -> impl Future<Output = Result<(Vec<Contact>, BTreeMap<String, Suppression>), StoreError>> + Send;

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
