//! The ports: configuration is there at once, everything else is a call that the model answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_app::ports::{
    Change, Clock, Commit, Document, DocumentId, DocumentKind, Doubt, Due, Evidence, Health, HookAnswer, HookCall,
    Hooks, Kept, KeptEvent, Mailer, Outgoing, Page, Parked, Ports, Queue, Store, StoreError, Task, Wanted, Work,
};
use carepath_app::recount::Recount;
use carepath_engine::advance::Answer;
use carepath_engine::contact::{NotAdmitted, Suppression};
use carepath_engine::ids::{ContactKey, RunId, SegmentId, WorkflowId};
use carepath_engine::{Contact, Event, Run};
use jiff::Timestamp;
use serde_json::Value;

use crate::replay::{Asked, Call, Reply, now};
use crate::setup::{CONFIGURATION, start};
use crate::state::Item;

/// All ports in one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scripted;

impl Ports for Scripted {
    type Store = Self;
    type Mailer = Self;
    type Hooks = Self;
    type Queue = Self;
    type Clock = Self;
    type Reports = Recount<Self>;

    fn store(&self) -> &Self {
        self
    }
    fn mailer(&self) -> &Self {
        self
    }
    fn hooks(&self) -> &Self {
        self
    }
    fn queue(&self) -> &Self {
        self
    }
    fn clock(&self) -> &Self {
        self
    }
    fn reports(&self) -> &Recount<Self> {
        const RECOUNT: &Recount<Scripted> = &Recount::new(Scripted);
        RECOUNT
    }
}

/// The model answers each call with what fits it.
macro_rules! ask {
    ($call:expr, $reply:pat => $answer:expr) => {
        match Asked(Some($call)).await {
            $reply => $answer,
            other => panic!("{other:?} is no answer to that"),
        }
    };
}

impl Store for Scripted {
    async fn contact(&self, _: &ContactKey) -> Result<Option<Contact>, StoreError> {
        ask!(Call::Contact, Reply::Contact(contact) => Ok(Some(contact.get())))
    }

    async fn contact_and_event(
        &self,
        _: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        let call = Call::ContactAndEvent { event: event.to_owned() };
        ask!(call, Reply::ContactAndEvent(contact, event) => Ok((Some(contact.get()), event.map(|event| event.get()))))
    }

    async fn run_and_contact(&self, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        let call = Call::RunAndContact { run: id.clone() };
        ask!(call, Reply::RunAndContact(run, contact) => Ok((run.map(|run| run.get()), Some(contact.get()))))
    }

    async fn runs_of(&self, _: &ContactKey) -> Result<Vec<Run>, StoreError> {
        ask!(Call::RunsOf, Reply::Runs(runs) => Ok(runs.iter().map(Item::get).collect()))
    }

    async fn commit(&self, change: &Change) -> Result<Commit, StoreError> {
        ask!(Call::Commit(Arc::new(change.clone())), Reply::Commit(commit) => Ok(commit))
    }

    async fn keep_event(&self, _: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
        let call = Call::Keep { name: name.to_owned(), event: event.clone() };
        ask!(call, Reply::Kept(kept) => Ok(kept))
    }

    async fn event_done(&self, _: &ContactKey, name: &str, _: &[NotAdmitted]) -> Result<bool, StoreError> {
        ask!(Call::Done { event: name.to_owned() }, Reply::Done => Ok(true))
    }

    async fn drop_event(&self, _: &ContactKey, _: &str) -> Result<(), StoreError> {
        unreachable!("nobody is deleted")
    }

    async fn events_of(&self, _: &ContactKey, _: usize, _: Option<&str>) -> Result<Page<KeptEvent>, StoreError> {
        unreachable!("no worker lists events")
    }

    async fn due(&self, _: Timestamp, _: Timestamp, _: usize) -> Result<Vec<Due>, StoreError> {
        unreachable!("the model itself sweeps")
    }

    async fn paused(&self, _: &WorkflowId, _: usize) -> Result<Vec<RunId>, StoreError> {
        unreachable!("nothing is paused")
    }

    async fn revision(&self, _: &Work) -> Result<Option<u64>, StoreError> {
        unreachable!("nothing is parked")
    }

    async fn park(&self, _: &Work, _: &'static str, _: u64, _: Timestamp) -> Result<Commit, StoreError> {
        unreachable!("nothing is parked")
    }

    async fn parked(&self, _: usize, _: Option<&str>) -> Result<Page<Parked>, StoreError> {
        unreachable!("nothing is parked")
    }

    async fn redrive(&self, _: &Work, _: Timestamp) -> Result<bool, StoreError> {
        unreachable!("nothing is parked")
    }

    async fn unknown(&self, _: usize, _: Option<&str>) -> Result<Page<Run>, StoreError> {
        unreachable!("no worker lists unknown sends")
    }

    async fn runs(&self, _: &[RunId]) -> Result<Vec<Run>, StoreError> {
        unreachable!("nobody asks who is where")
    }

    async fn runs_that(&self, _: Wanted<'_>, _: usize, _: Option<&str>) -> Result<Page<Run>, StoreError> {
        unreachable!("nobody moves runs here")
    }

    async fn health(&self) -> Result<Health, StoreError> {
        unreachable!("no worker counts runs")
    }

    async fn members(&self, _: &SegmentId, _: usize, _: Option<&str>) -> Result<Page<ContactKey>, StoreError> {
        unreachable!("no worker lists members")
    }

    async fn count_members(&self, _: &SegmentId) -> Result<u64, StoreError> {
        unreachable!("no worker counts members")
    }

    async fn every_contact(&self, _: usize, _: Option<&str>) -> Result<Page<ContactKey>, StoreError> {
        unreachable!("nothing is filled")
    }

    async fn task(&self, _: &str) -> Result<Option<Task>, StoreError> {
        unreachable!("there are no tasks")
    }

    async fn put_task(&self, _: &str, _: &Value, _: Option<Timestamp>, _: u64) -> Result<Commit, StoreError> {
        unreachable!("there are no tasks")
    }

    async fn contacts_by_email(&self, _: &str, _: usize) -> Result<Vec<Contact>, StoreError> {
        unreachable!("no worker looks for addresses")
    }

    async fn contacts(&self, _: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        unreachable!("no worker reads many contacts")
    }

    async fn contacts_and_suppressed(
        &self,
        _: &[ContactKey],
        _: &[String],
    ) -> Result<(Vec<Contact>, BTreeMap<String, Suppression>), StoreError> {
        unreachable!("nobody gets an address")
    }

    async fn erase_contact(&self, _: &ContactKey, _: &[SegmentId]) -> Result<(), StoreError> {
        unreachable!("nobody is deleted")
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        Ok(CONFIGURATION.with_borrow(|known| known.get(id).cloned()))
    }

    async fn put_document(&self, id: &DocumentId, body: &Value, expect: u64) -> Result<Commit, StoreError> {
        let document = Document { id: id.id.clone(), revision: expect + 1, body: body.clone() };
        CONFIGURATION.with_borrow_mut(|known| known.insert(id.clone(), document));
        Ok(Commit::Applied)
    }

    async fn delete_document(&self, _: &DocumentId, _: u64) -> Result<Commit, StoreError> {
        unreachable!("no document is deleted")
    }

    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        Ok(CONFIGURATION.with_borrow(|known| {
            known.iter().filter(|(id, _)| id.kind == kind).map(|(_, document)| document.clone()).collect()
        }))
    }

    async fn configuration_revision(&self) -> Result<u64, StoreError> {
        Ok(CONFIGURATION.with_borrow(|known| known.values().map(|document| document.revision).sum()))
    }
}

impl Mailer for Scripted {
    async fn send(&self, mail: &Outgoing) -> Answer {
        ask!(Call::Send(mail.attempt.clone()), Reply::Answer(answer) => answer)
    }

    async fn evidence(&self, doubt: &Doubt) -> Evidence {
        ask!(Call::Evidence(doubt.attempt.clone()), Reply::Evidence(evidence) => evidence)
    }
}

impl Hooks for Scripted {
    async fn call(&self, _: &HookCall) -> HookAnswer {
        unreachable!("nobody is called")
    }
}

impl Queue for Scripted {
    /// A hint may be lost at any time, so nothing may depend on one: the model hands out what is due, and, as often as
    /// its bounds allow, what is not.
    async fn push(&self, _: Work, _: Timestamp) {}
}

impl Clock for Scripted {
    fn now(&self) -> Timestamp {
        now().unwrap_or_else(start)
    }
}
