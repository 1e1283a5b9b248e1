//! What a store in memory holds, and its conditional writes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};

use carepath_app::ports::{AddressChange, Change, Commit, Document, DocumentId, DocumentKind, Due, Task, Work};
use carepath_engine::contact::{NotAdmitted, Suppression};
use carepath_engine::ids::{ContactKey, RunId, SegmentId};
use carepath_engine::run::State as RunState;
use carepath_engine::{Contact, Event, Run};
use jiff::Timestamp;
use serde_json::Value;

use super::flaws::Flaw;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) contacts: BTreeMap<ContactKey, Contact>,
    /// Events by contact and name, in the order in which they came, and whether they are done.
    pub(crate) events: Vec<(ContactKey, String, Event, bool)>,
    pub(crate) runs: BTreeMap<RunId, Run>,
    pub(crate) members: BTreeSet<(SegmentId, ContactKey)>,
    /// Addresses that take no mail, by their opaque names.
    pub(crate) suppressed: BTreeMap<String, Suppression>,
    /// Why events started nothing, by contact and name.
    pub(crate) not_admitted: BTreeMap<(ContactKey, String), Vec<NotAdmitted>>,
    /// Tasks, and when they are due.
    pub(crate) tasks: BTreeMap<String, (Task, Option<Timestamp>)>,
    /// Parked work, since when and with its code.
    pub(crate) parked: BTreeMap<Work, (Timestamp, String)>,
    pub(super) documents: BTreeMap<DocumentId, Document>,
    pub(super) configuration: u64,
    /// What is wrong with this store.
    pub(super) flaw: Option<Flaw>,
}

impl Content {
    /// The index of what is due.
    pub(crate) fn due(&self) -> Vec<Due> {
        let runs = self.runs.values().filter_map(|run| {
            let paused = matches!(run.state, RunState::Paused { .. });
            let forgotten = self.has(Flaw::WaitForgotten) && matches!(run.state, RunState::Waiting { .. });
            let at = run.state.place().filter(|_| !paused && !forgotten)?;
            Some(Due { at, work: Work::Run { run: run.id.clone() } })
        });
        let events = self.events.iter().filter(|(.., done)| !done).map(|(contact, name, event, _)| Due {
            at: event.received_at,
            work: Work::Event { contact: contact.clone(), event: name.clone() },
        });
        let contacts = self.contacts.iter().filter_map(|(key, contact)| {
            let at = if self.has(Flaw::TimeForgotten) {
                (!contact.pending.is_empty()).then_some(contact.updated_at)
            } else {
                contact.due()
            };
            Some(Due { at: at?, work: Work::Contact { contact: key.clone() } })
        });
        let tasks = self
            .tasks
            .iter()
            .filter_map(|(name, (_, due))| Some(Due { at: (*due)?, work: Work::Task { task: name.clone() } }));
        let all = runs.chain(events).chain(contacts).chain(tasks);
        let mut due: Vec<_> = all.filter(|due| !self.parked.contains_key(&due.work)).collect();
        due.sort_by(|a, b| (a.at, &a.work).cmp(&(b.at, &b.work)));
        due
    }

    /// The workflows that are paused.
    pub(crate) fn paused(&self) -> Vec<String> {
        let workflows = self.documents.iter().filter(|(id, _)| id.kind == DocumentKind::Workflow);
        let paused = workflows.filter(|(_, document)| document.body["paused"] == true);
        paused.map(|(id, _)| id.id.clone()).collect()
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn knows(&self, key: &ContactKey, event: &str) -> bool {
        self.events.iter().any(|(contact, known, ..)| contact == key && known == event)
    }

    pub(super) fn commit(&mut self, change: &Change) -> Commit {
        let revision = |id: &RunId| self.runs.get(id).map_or(0, |run| run.revision);
        let contact = |key: &ContactKey| self.contacts.get(key).map_or(0, |contact| contact.revision);
        let fits = change.runs.iter().all(|run| revision(&run.id) == run.revision)
            && change.contact.iter().all(|ours| contact(&ours.key) == ours.contact.revision)
            && change.events.iter().all(|told| !self.knows(&told.key, &told.name));
        if !fits && !self.has(Flaw::RevisionIgnored) {
            return Commit::LostRace;
        }
        if self.has(Flaw::CommitForgotten) && change.runs.iter().any(|run| run.revision == 2) {
            return Commit::Applied;
        }
        for run in &change.runs {
            // As JSON and back, since that is what a store keeps.
            let mut kept: Run = serde_json::from_value(serde_json::to_value(run).unwrap()).unwrap();
            kept.revision = run.revision + 1;
            self.parked.remove(&Work::Run { run: kept.id.clone() });
            self.runs.insert(kept.id.clone(), kept);
        }
        for told in &change.events {
            self.events.push((told.key.clone(), told.name.clone(), told.event.clone(), false));
        }
        let torn = self.has(Flaw::ChangeTorn) && !change.runs.is_empty();
        if let Some(ours) = change.contact.as_ref().filter(|_| !torn) {
            let mut kept: Contact = serde_json::from_value(serde_json::to_value(&ours.contact).unwrap()).unwrap();
            kept.revision = ours.contact.revision + 1;
            if self.has(Flaw::CountForgotten) {
                kept.capped_mails.clear();
            }
            self.parked.remove(&Work::Contact { contact: ours.key.clone() });
            self.contacts.insert(ours.key.clone(), kept);
            let entered = ours.entered.iter().filter(|_| !self.has(Flaw::MembersForgotten));
            self.members.extend(entered.map(|id| (id.clone(), ours.key.clone())).collect::<Vec<_>>());
            if let Some(AddressChange { name, suppressed }) = &ours.address {
                match suppressed {
                    Some(why) => drop(self.suppressed.insert(name.clone(), *why)),
                    None => drop(self.suppressed.remove(name)),
                }
            }
            for id in &ours.left {
                self.members.remove(&(id.clone(), ours.key.clone()));
            }
        }
        Commit::Applied
    }

    pub(super) fn revision(&self, work: &Work) -> Option<u64> {
        match work {
            Work::Run { run } => self.runs.get(run).map(|run| run.revision),
            Work::Contact { contact } => self.contacts.get(contact).map(|contact| contact.revision),
            Work::Event { contact, event } => {
                self.events.iter().any(|(of, name, ..)| of == contact && name == event).then_some(1)
            }
            Work::Task { task } => self.tasks.get(task).map(|(task, _)| task.revision),
            Work::Resume { .. } => None,
        }
    }

    pub(super) fn write(&mut self, id: &DocumentId, body: Option<&Value>, expect: u64) -> Commit {
        if self.documents.get(id).map_or(0, |document| document.revision) != expect {
            return Commit::LostRace;
        }
        self.configuration += 1;
        match body {
            Some(body) => {
                let document = Document { id: id.id.clone(), revision: expect + 1, body: body.clone() };
                self.documents.insert(id.clone(), document);
            }
            None => drop(self.documents.remove(id)),
        }
        Commit::Applied
    }
}
