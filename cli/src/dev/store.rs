//! The store of one machine: the one on `DynamoDB`'s interface, and a memory of what this process has written to it.
//!
//! The data folder is locked, so nobody else writes there, and what this process wrote last is what is stored. Reading it
//! back is then a third of all requests. What was written is forgotten before the next write of it is begun and known again
//! once that is done, one writer of a contact at a time: a write that fails, loses its race or is dropped half-way leaves
//! nothing behind, and the next read asks the database.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{
    Change, Commit, Document, DocumentId, DocumentKind, Due, Health, Kept, Page, Parked, Store, StoreError, Work,
};
use carepath_aws::{DynamoStore, Usage};
use carepath_engine::ids::{ContactKey, RunId, Secret, SegmentId, WorkflowId};
use carepath_engine::{Contact, Event, Run};
use hashlink::LruCache;
use jiff::Timestamp;
use serde_json::Value;

/// How many contacts and runs are known at a time: a few kilobytes each.
const CONTACTS: usize = 16_384;
/// How many events are: each is acted on soon, and never again.
const EVENTS: usize = 4_096;
const GATES: usize = 256;

/// The store. Its clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct DevStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: DynamoStore,
    known: Mutex<Known>,
    /// Who writes to a contact holds the gate that its key falls to.
    gates: Vec<tokio::sync::Mutex<()>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Known {
    contacts: LruCache<ContactKey, Contact>,
    runs: LruCache<RunId, Run>,
    events: LruCache<(ContactKey, String), Event>,
}

impl DevStore {
    /// The store over one that nobody else writes to.
    pub(crate) fn over(store: DynamoStore) -> Self {
        let known =
            Known { contacts: LruCache::new(CONTACTS), runs: LruCache::new(CONTACTS), events: LruCache::new(EVENTS) };
        let gates = (0..GATES).map(|_| tokio::sync::Mutex::default()).collect();
        Self(Arc::new(Inner { store, known: Mutex::new(known), gates, hasher: RandomState::new() }))
    }

    /// Gives the store the account's secret.
    pub(crate) fn set_secret(&self, secret: Secret) {
        self.0.store.set_secret(secret);
    }

    /// Requests and capacity units since the store was opened.
    pub(crate) fn usage(&self) -> Usage {
        self.0.store.usage()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn gate(&self, key: &ContactKey) -> tokio::sync::MutexGuard<'_, ()> {
        let place = usize::try_from(self.0.hasher.hash_one(key)).unwrap_or_default() % GATES;
        self.0.gates[place].lock().await
    }
}

impl Known {
    fn forget(&mut self, change: &Change) {
        for run in &change.runs {
            self.runs.remove(&run.id);
        }
        if let Some(contact) = &change.contact {
            self.contacts.remove(&contact.key);
        }
    }

    fn learn(&mut self, change: &Change) {
        for run in &change.runs {
            let mut run = run.clone();
            run.revision += 1;
            self.runs.insert(run.id.clone(), run);
        }
        if let Some(change) = &change.contact {
            let mut contact = change.contact.clone();
            contact.revision += 1;
            self.contacts.insert(change.key.clone(), contact);
        }
    }
}

impl Store for DevStore {
    async fn contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        let known = self.known().contacts.get(key).cloned();
        match known {
            Some(contact) => Ok(Some(contact)),
            None => self.0.store.contact(key).await,
        }
    }

    async fn contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        let known = {
            let mut known = self.known();
            let named = (key.clone(), event.to_owned());
            known.contacts.get(key).cloned().zip(known.events.get(&named).cloned())
        };
        match known {
            Some((contact, event)) => Ok((Some(contact), Some(event))),
            None => self.0.store.contact_and_event(key, event).await,
        }
    }

    async fn run_and_contact(&self, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        let known = {
            let mut known = self.known();
            known.runs.get(id).cloned().zip(known.contacts.get(&id.contact()).cloned())
        };
        match known {
            Some((run, contact)) => Ok((Some(run), Some(contact))),
            None => self.0.store.run_and_contact(id).await,
        }
    }

    async fn runs_of(&self, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
        self.0.store.runs_of(key).await
    }

    async fn commit(&self, change: &Change) -> Result<Commit, StoreError> {
        // A change is of one contact and its runs.
        let contact = change.contact.as_ref().map(|contact| contact.key.clone());
        let Some(key) = contact.or_else(|| change.runs.first().map(|run| run.id.contact())) else {
            return self.0.store.commit(change).await;
        };
        let _gate = self.gate(&key).await;
        self.known().forget(change);
        let answer = self.0.store.commit(change).await?;
        if matches!(answer, Commit::Applied | Commit::AlreadyApplied) {
            self.known().learn(change);
        }
        Ok(answer)
    }

    async fn keep_event(&self, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
        let kept = self.0.store.keep_event(key, name, event).await?;
        if kept == Kept::New {
            self.known().events.insert((key.clone(), name.to_owned()), event.clone());
        }
        Ok(kept)
    }

    async fn event_done(&self, key: &ContactKey, name: &str) -> Result<(), StoreError> {
        self.known().events.remove(&(key.clone(), name.to_owned()));
        self.0.store.event_done(key, name).await
    }

    async fn events_of(&self, key: &ContactKey, limit: usize, cursor: Option<&str>) -> Result<Page<Event>, StoreError> {
        self.0.store.events_of(key, limit, cursor).await
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.0.store.due(from, until, limit).await
    }

    async fn revision(&self, work: &Work) -> Result<Option<u64>, StoreError> {
        self.0.store.revision(work).await
    }

    async fn park(&self, work: &Work, code: &'static str, seen: u64, now: Timestamp) -> Result<Commit, StoreError> {
        self.0.store.park(work, code, seen, now).await
    }

    async fn parked(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Parked>, StoreError> {
        self.0.store.parked(limit, cursor).await
    }

    async fn redrive(&self, work: &Work) -> Result<bool, StoreError> {
        self.0.store.redrive(work).await
    }

    async fn unknown(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Run>, StoreError> {
        self.0.store.unknown(limit, cursor).await
    }

    async fn health(&self) -> Result<Health, StoreError> {
        self.0.store.health().await
    }

    async fn paused(&self, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.0.store.paused(workflow, limit).await
    }

    async fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactKey>, StoreError> {
        self.0.store.members(segment, limit, cursor).await
    }

    async fn contacts_by_email(&self, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
        self.0.store.contacts_by_email(email, limit).await
    }

    async fn contacts(&self, keys: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        self.0.store.contacts(keys).await
    }

    async fn erase_contact(&self, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
        let _gate = self.gate(key).await;
        {
            let mut known = self.known();
            known.contacts.remove(key);
            let of_contact = known.events.iter().map(|(named, _)| named).filter(|(of, _)| of == key);
            for named in of_contact.cloned().collect::<Vec<_>>() {
                known.events.remove(&named);
            }
        }
        self.0.store.erase_contact(key, segments).await
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.0.store.document(id).await
    }

    async fn put_document(&self, id: &DocumentId, body: &Value, expect: u64) -> Result<Commit, StoreError> {
        self.0.store.put_document(id, body, expect).await
    }

    async fn delete_document(&self, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
        self.0.store.delete_document(id, expect).await
    }

    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        self.0.store.documents(kind).await
    }

    async fn configuration_revision(&self) -> Result<u64, StoreError> {
        self.0.store.configuration_revision().await
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
