//! A store in memory, under the same conditions as the real one: everything over its revision, all of a change or none.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{
    Change, Commit, Document, DocumentId, DocumentKind, Due, Health, Kept, KeptEvent, Page, Parked, Retry, Store,
    StoreError, Task, Wanted, Work,
};
use carepath_engine::contact::{NotAdmitted, Suppression};
use carepath_engine::ids::{ContactKey, RunId, SegmentId, WorkflowId};
use carepath_engine::run::State as RunState;
use carepath_engine::{Contact, Event, Run};
use jiff::Timestamp;
use serde_json::Value;

use super::content::Content;
use super::faults::{Fault, Faults};
use super::flaws::Flaw;

/// The store. Its clones are the same store.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore {
    content: Arc<Mutex<Content>>,
    faults: Faults,
}

impl MemoryStore {
    pub(super) fn new(faults: Faults) -> Self {
        Self { content: Arc::default(), faults }
    }

    /// Takes what another store holds, and is wrong in a way from then on.
    pub(crate) fn fill(&self, content: Content, flaw: Option<Flaw>) {
        *self.content() = Content { flaw, ..content };
    }

    /// What is in it, for whoever looks from outside: no call of the port.
    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(&self, what: &'static str, act: impl FnOnce(&mut Content) -> T + Send) -> Result<T, StoreError> {
        let failed = |retry| StoreError { what, retry, source: None };
        match self.faults.next(what).await {
            None => Ok(act(&mut self.content())),
            Some(Fault::Fails) => Err(failed(Retry::After(None))),
            Some(Fault::NoAnswer) => {
                act(&mut self.content());
                Err(failed(Retry::InDoubt))
            }
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                act(&mut self.content());
                self.faults.die().await
            }
        }
    }
}

pub(super) fn page<T>(mut items: Vec<T>, limit: usize, cursor: Option<&str>) -> Page<T> {
    let from = cursor.map_or(0, |cursor| cursor.parse().unwrap());
    let rest = items.split_off(from.min(items.len()));
    let next = (rest.len() > limit).then(|| (from + limit).to_string());
    Page { items: rest.into_iter().take(limit).collect(), next }
}

impl Store for MemoryStore {
    async fn contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        self.call("contact", |content| content.contacts.get(key).cloned()).await
    }

    async fn contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        let find = |content: &Content| {
            let found = content.events.iter().find(|(contact, name, ..)| contact == key && name == event);
            (content.contacts.get(key).cloned(), found.map(|(_, _, event, _)| event.clone()))
        };
        self.call("contact_and_event", |content| find(content)).await
    }

    async fn run_and_contact(&self, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        let find = |content: &Content| (content.runs.get(id).cloned(), content.contacts.get(&id.contact()).cloned());
        self.call("run_and_contact", |content| find(content)).await
    }

    async fn runs_of(&self, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
        let mut runs = self
            .call("runs_of", |content| {
                content.runs.values().filter(|run| run.id.contact() == *key).cloned().collect::<Vec<_>>()
            })
            .await?;
        runs.sort_by(|a, b| (a.entry.at, &a.id).cmp(&(b.entry.at, &b.id)));
        Ok(runs)
    }

    async fn commit(&self, change: &Change) -> Result<Commit, StoreError> {
        self.call("commit", |content| content.commit(change)).await
    }

    async fn keep_event(&self, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
        self.call("keep_event", |content| {
            if content.knows(key, name) && !content.has(Flaw::RepeatKept) {
                return Kept::Duplicate;
            }
            let done = content.has(Flaw::EventForgotten);
            content.events.push((key.clone(), name.to_owned(), event.clone(), done));
            Kept::New
        })
        .await
    }

    async fn event_done(&self, key: &ContactKey, name: &str, why_not: &[NotAdmitted]) -> Result<bool, StoreError> {
        self.call("event_done", |content| {
            content.not_admitted.insert((key.clone(), name.to_owned()), why_not.to_vec());
            let all = content.has(Flaw::DoneTooMuch);
            let mut found = false;
            for (contact, known, _, done) in &mut content.events {
                *done |= contact == key && (all || known == name);
                found |= contact == key && known == name;
            }
            found
        })
        .await
    }

    async fn drop_event(&self, key: &ContactKey, name: &str) -> Result<(), StoreError> {
        let is = |(contact, known, ..): &(ContactKey, String, Event, bool)| contact == key && known == name;
        self.call("drop_event", |content| content.events.retain(|event| !is(event))).await
    }

    async fn events_of(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<KeptEvent>, StoreError> {
        let of = |content: &Content| {
            let events = content.events.iter().rev().filter(|(contact, ..)| contact == key);
            let kept = events.map(|(contact, name, event, _)| {
                let not_admitted = content.not_admitted.get(&(contact.clone(), name.clone())).cloned();
                KeptEvent { event: event.clone(), not_admitted: not_admitted.unwrap_or_default() }
            });
            page(kept.collect(), limit, cursor)
        };
        self.call("events_of", |content| of(content)).await
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.call("due", |content| {
            let due = content.due().into_iter().filter(|due| (from..=until).contains(&due.at));
            due.take(limit).collect()
        })
        .await
    }

    async fn revision(&self, work: &Work) -> Result<Option<u64>, StoreError> {
        self.call("revision", |content| content.revision(work)).await
    }

    async fn park(&self, work: &Work, code: &'static str, seen: u64, now: Timestamp) -> Result<Commit, StoreError> {
        self.call("park", |content| {
            if content.revision(work) != Some(seen) || content.parked.contains_key(work) {
                return Commit::LostRace;
            }
            content.parked.insert(work.clone(), (now, code.to_owned()));
            Commit::Applied
        })
        .await
    }

    async fn parked(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Parked>, StoreError> {
        self.call("parked", |content| {
            let of = |(work, (since, code)): (&Work, &(Timestamp, String))| Parked {
                work: work.clone(),
                since: *since,
                code: code.clone(),
            };
            let mut all: Vec<Parked> = content.parked.iter().map(of).collect();
            all.sort_by_key(|parked| parked.since);
            page(all, limit, cursor)
        })
        .await
    }

    async fn redrive(&self, work: &Work, _: Timestamp) -> Result<bool, StoreError> {
        self.call("redrive", |content| content.parked.remove(work).is_some()).await
    }

    async fn unknown(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Run>, StoreError> {
        self.call("unknown", |content| content.runs_that(|run| run.unknown_sends() > 0, limit, cursor)).await
    }

    async fn runs_that(&self, wanted: Wanted<'_>, limit: usize, cursor: Option<&str>) -> Result<Page<Run>, StoreError> {
        self.call("runs_that", |content| content.runs_that(|run| wanted.fits(run), limit, cursor)).await
    }

    async fn runs(&self, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
        self.call("runs", |content| ids.iter().filter_map(|id| content.runs.get(id).cloned()).collect()).await
    }

    async fn health(&self) -> Result<Health, StoreError> {
        self.call("health", |content| {
            let live = content.runs.values().filter(|run| !run.is_ended());
            let paused = |run: &Run| matches!(run.state, RunState::Paused { .. });
            Health {
                live: live.clone().count() as u64,
                without_wakeup: live.filter(|run| run.state.due().is_none() && !paused(run)).count() as u64,
                parked: content.parked.len() as u64,
                unknown: content.runs.values().map(|run| run.unknown_sends() as u64).sum(),
            }
        })
        .await
    }

    async fn paused(&self, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.call("paused", |content| {
            let held = |run: &&Run| {
                let parked = content.parked.contains_key(&Work::Run { run: run.id.clone() });
                run.workflow == *workflow && matches!(run.state, RunState::Paused { .. }) && !parked
            };
            let paused = content.runs.values().filter(held).filter(|_| !content.has(Flaw::PausedForgotten));
            paused.take(limit).map(|run| run.id.clone()).collect()
        })
        .await
    }

    async fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactKey>, StoreError> {
        let of = |content: &Content| {
            let members = content.members.iter().filter(|(id, _)| id == segment);
            page(members.map(|(_, key)| key.clone()).collect(), limit, cursor)
        };
        self.call("members", |content| of(content)).await
    }

    async fn count_members(&self, segment: &SegmentId) -> Result<u64, StoreError> {
        self.call("count_members", |content| content.members.iter().filter(|(id, _)| id == segment).count() as u64)
            .await
    }

    async fn every_contact(&self, limit: usize, cursor: Option<&str>) -> Result<Page<ContactKey>, StoreError> {
        self.call("every_contact", |content| page(content.contacts.keys().cloned().collect(), limit, cursor)).await
    }

    async fn task(&self, name: &str) -> Result<Option<Task>, StoreError> {
        self.call("task", |content| content.tasks.get(name).map(|(task, _)| task.clone())).await
    }

    async fn put_task(
        &self,
        name: &str,
        body: &Value,
        due: Option<Timestamp>,
        expect: u64,
    ) -> Result<Commit, StoreError> {
        self.call("put_task", |content| {
            if content.tasks.get(name).map_or(0, |(task, _)| task.revision) != expect {
                return Commit::LostRace;
            }
            content.parked.remove(&Work::Task { task: name.to_owned() });
            let task = Task { revision: expect + 1, body: body.clone() };
            content.tasks.insert(name.to_owned(), (task, due));
            Commit::Applied
        })
        .await
    }

    async fn contacts_by_email(&self, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
        self.call("contacts_by_email", |content| {
            let has = |contact: &&Contact| {
                contact.email.as_ref().is_some_and(|known| known.expose().eq_ignore_ascii_case(email))
            };
            content.contacts.values().filter(has).take(limit).cloned().collect()
        })
        .await
    }

    async fn contacts(&self, keys: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        self.call("contacts", |content| keys.iter().filter_map(|key| content.contacts.get(key).cloned()).collect())
            .await
    }

    async fn contacts_and_suppressed(
        &self,
        keys: &[ContactKey],
        names: &[String],
    ) -> Result<(Vec<Contact>, BTreeMap<String, Suppression>), StoreError> {
        self.call("contacts_and_suppressed", |content| {
            let known = |name: &String| Some((name.clone(), *content.suppressed.get(name)?));
            let contacts = keys.iter().filter_map(|key| content.contacts.get(key).cloned());
            (contacts.collect(), names.iter().filter_map(known).collect())
        })
        .await
    }

    async fn erase_contact(&self, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
        self.call("erase_contact", |content| {
            content.contacts.remove(key);
            content.events.retain(|(contact, ..)| contact != key);
            content.members.retain(|(segment, member)| member != key || !segments.contains(segment));
        })
        .await
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.call("document", |content| content.documents.get(id).cloned()).await
    }

    async fn put_document(&self, id: &DocumentId, body: &Value, expect: u64) -> Result<Commit, StoreError> {
        self.call("put_document", |content| content.write(id, Some(body), expect)).await
    }

    async fn delete_document(&self, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
        self.call("delete_document", |content| content.write(id, None, expect)).await
    }

    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        self.call("documents", |content| {
            let of_kind = content.documents.iter().filter(|(id, _)| id.kind == kind);
            of_kind.map(|(_, document)| document.clone()).collect()
        })
        .await
    }

    async fn configuration_revision(&self) -> Result<u64, StoreError> {
        self.call("configuration_revision", |content| content.configuration).await
    }
}
