//! What there is at one moment: the store, the mail service, the workers, and what may still go wrong.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use carepath_app::ports::{Attempt, Work};
use carepath_engine::ids::RunId;
use carepath_engine::run::Place;
use carepath_engine::{Contact, Event, Run};
use jiff::Timestamp;
use serde::Serialize;

use crate::replay::{Mail, Worker, digest, key};

/// Something that is stored, known by what it says.
#[derive(Debug)]
pub(crate) struct Item<T> {
    pub(crate) value: Arc<T>,
    pub(crate) digest: (u64, u64),
}

impl<T: Serialize> Item<T> {
    pub(crate) fn new(value: T, revision: u64) -> Self {
        let digest = digest((serde_json::to_vec(&value).unwrap(), revision));
        Self { value: Arc::new(value), digest }
    }
}

impl<T: Clone> Item<T> {
    /// As a worker reads it.
    pub(crate) fn get(&self) -> T {
        (*self.value).clone()
    }
}

impl<T> Clone for Item<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), digest: self.digest }
    }
}
impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}
impl<T> Eq for Item<T> {}
impl<T> Hash for Item<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// A run with its place in the index of due things.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoredRun {
    pub(crate) run: Item<Run>,
    pub(crate) due: Option<Timestamp>,
    /// How many visits each revision had: what a decision on it adds is told by that.
    pub(crate) lengths: Vec<usize>,
}

/// A kept event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoredEvent {
    pub(crate) name: String,
    pub(crate) event: Item<Event>,
    pub(crate) done: bool,
}

/// Something that a client tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    /// When it happened, once it did.
    pub(crate) at: Option<Timestamp>,
    /// Whether a client was told that it is kept.
    pub(crate) acknowledged: bool,
    /// When the first worker was through with it.
    pub(crate) acted: Option<Timestamp>,
}

/// A mail at the mail service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) mail: Mail,
    /// The notice that it was taken is still under way.
    pub(crate) telling: bool,
    /// A worker was through with that notice.
    pub(crate) known: bool,
    pub(crate) opened: Option<Timestamp>,
    /// The notice that it was opened is still under way.
    pub(crate) telling_open: bool,
    /// When the first worker was through with that notice.
    pub(crate) open_known: Option<Timestamp>,
}

/// How much may happen still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    /// Workers that die, anywhere.
    pub(crate) crashes: u8,
    /// Workers that stop before a call for as long as may be; while anybody else is at work, the clock stands still.
    pub(crate) stalls: u8,
    /// Deliveries that nobody asked for: messages and notices that come again, work that is not due.
    pub(crate) repeats: u8,
    /// Mails to which the mail service does not answer, whether it took them or not.
    pub(crate) silences: u8,
    /// Mails that it refuses or throttles.
    pub(crate) refusals: u8,
    /// Mails that are opened.
    pub(crate) opens: u8,
}

/// What was seen on the way that must not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// A step that was taken was taken back or changed.
    pub(crate) rewritten: bool,
    /// Somebody was woken for a run that was due, and left it as it was.
    pub(crate) in_vain: bool,
    /// A race was lost: this may be, and shows that there are races.
    pub(crate) race: bool,
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) runs: Vec<StoredRun>,
    pub(crate) contact: Item<Contact>,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) told: Vec<Told>,
    pub(crate) mails: Vec<Sent>,
    /// Attempts of which the mail service has said that it never will take them, and holds to it.
    pub(crate) closed: Vec<Attempt>,
    /// In an order of no meaning, so that it does not matter who is who.
    pub(crate) workers: Vec<Worker>,
    pub(crate) left: Bounds,
    /// Every entering of a step that was ever written, by anybody, in an order of no meaning.
    pub(crate) entered: Vec<(RunId, Place)>,
    pub(crate) seen: Seen,
}

impl State {
    pub(crate) fn run(&self, id: &RunId) -> Option<&StoredRun> {
        self.runs.iter().find(|stored| stored.run.value.id == *id)
    }

    /// The index of due things, as far as its time has come.
    pub(crate) fn due(&self) -> Vec<Work> {
        let runs = self.runs.iter().filter(|stored| stored.due.is_some_and(|due| due <= self.now));
        let runs = runs.map(|stored| Work::Run { run: stored.run.value.id.clone() });
        let events = self.events.iter().filter(|event| !event.done).map(StoredEvent::work);
        runs.chain(events).collect()
    }
}

impl StoredEvent {
    pub(crate) fn work(&self) -> Work {
        Work::Event { contact: key(), event: self.name.clone() }
    }
}
