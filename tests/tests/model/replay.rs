//! Workers that can be stopped between any two calls: the real use cases, over ports that write down what was asked and
//! answered. What a worker does next is found by doing its work again on the answers that it had so far.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use carepath_app::engage::engage;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::{Attempt, Change, Commit, Evidence, Kept, Work};
use carepath_app::work::handle;
use carepath_engine::advance::{Answer, Engagement, EngagementKind, Reader};
use carepath_engine::ids::{ContactKey, RunId};
use carepath_engine::{Contact, Event, Run};
use jiff::Timestamp;

use crate::setup::{pat, with_app};
use crate::state::Item;

/// What a worker has in hand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// A client tells an event that happened at this time: `name` is its id as well.
    Post { name: &'static str, at: Timestamp },
    /// Work that a queue, a timer or the sweep hands out.
    Work(Work),
    /// The mail service tells of a mail that it took: that it did or, with a time, that it was opened then.
    Notice { mail: Mail, opened: Option<Timestamp> },
}

/// A mail that the mail service took; the number is its id there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mail {
    pub(crate) attempt: Attempt,
    pub(crate) number: usize,
}

impl Mail {
    pub(crate) fn id(&self) -> String {
        format!("mail-{}", self.number)
    }
}

/// A call of a port.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Contact,
    ContactAndEvent { event: String },
    RunAndContact { run: RunId },
    RunsOf,
    Commit(Arc<Change>),
    Keep { name: String, event: Event },
    Done { event: String },
    Send(Attempt),
    Evidence(Attempt),
}

/// The answer to a [`Call`].
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Contact(Item<Contact>),
    ContactAndEvent(Item<Contact>, Option<Item<Event>>),
    RunAndContact(Option<Item<Run>>, Item<Contact>),
    Runs(Vec<Item<Run>>),
    Commit(Commit),
    Kept(Kept),
    Done,
    Answer(Answer),
    Evidence(Evidence),
}

/// What a worker does next.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    /// It calls a port and waits.
    Calls(Arc<Call>),
    /// It is through; `false`: with an error, so that the work is still to be done.
    Finished { well: bool },
}

struct Entry {
    reply: Reply,
    now: Timestamp,
}

/// A worker half-way through its work. Two are the same when all that they were told is.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) task: Task,
    pub(crate) next: Next,
    started: Timestamp,
    told: Arc<Vec<Arc<Entry>>>,
    digest: (u64, u64),
    /// It does nothing for as long as may be, and the clock goes on without it.
    pub(crate) stalled: bool,
}

impl PartialEq for Worker {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == std::cmp::Ordering::Equal
    }
}
impl Eq for Worker {}
impl Hash for Worker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.digest, self.stalled).hash(state);
    }
}
impl PartialOrd for Worker {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Worker {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.digest, self.stalled).cmp(&(other.digest, other.stalled))
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("task", &self.task).field("next", &self.next).finish_non_exhaustive()
    }
}

/// A hash that is the same in every process.
pub(crate) fn digest(what: impl Hash) -> (u64, u64) {
    let (mut one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
    1_u8.hash(&mut other);
    what.hash(&mut one);
    what.hash(&mut other);
    (one.finish(), other.finish())
}

impl Worker {
    pub(crate) fn new(task: Task, now: Timestamp) -> Self {
        let digest = digest((&task, now));
        let told = Arc::default();
        let next = next(&task, now, &told, digest);
        Self { task, next, started: now, told, digest, stalled: false }
    }

    /// The worker after its call was answered.
    pub(crate) fn told(&self, reply: Reply, now: Timestamp) -> Self {
        let mut told = (*self.told).clone();
        let digest = digest((self.digest, reply.identity(), now));
        told.push(Arc::new(Entry { reply, now }));
        let told = Arc::new(told);
        let next = next(&self.task, self.started, &told, digest);
        Self { task: self.task.clone(), next, started: self.started, told, digest, stalled: false }
    }

    /// The time of the last answer.
    pub(crate) fn clock(&self) -> Timestamp {
        self.told.last().map_or(self.started, |entry| entry.now)
    }

    /// The run as it was read first.
    pub(crate) fn read(&self) -> Option<&Run> {
        self.told.iter().find_map(|entry| match &entry.reply {
            Reply::RunAndContact(Some(run), _) => Some(&*run.value),
            _ => None,
        })
    }

    /// Whether anything was written on the way.
    pub(crate) fn wrote(&self) -> bool {
        self.told.iter().any(|entry| matches!(entry.reply, Reply::Commit(_)))
    }

    /// Whether the mail service has just answered it.
    pub(crate) fn was_answered(&self) -> bool {
        self.told.last().is_some_and(|entry| matches!(entry.reply, Reply::Answer(_)))
    }
}

impl Reply {
    /// What tells it from other replies to the same call.
    fn identity(&self) -> (Vec<(u64, u64)>, String) {
        let items = match self {
            Self::Contact(contact) => vec![contact.digest],
            Self::ContactAndEvent(contact, event) => {
                std::iter::once(contact.digest).chain(event.iter().map(|event| event.digest)).collect()
            }
            Self::RunAndContact(run, contact) => {
                std::iter::once(contact.digest).chain(run.iter().map(|run| run.digest)).collect()
            }
            Self::Runs(runs) => runs.iter().map(|run| run.digest).collect(),
            other => return (Vec::new(), format!("{other:?}")),
        };
        (items, String::new())
    }
}

struct Stage {
    told: Arc<Vec<Arc<Entry>>>,
    place: usize,
    now: Timestamp,
    asked: Option<Call>,
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

/// The time as the worker on the stage sees it.
pub(crate) fn now() -> Option<Timestamp> {
    STAGE.with_borrow(|stage| stage.as_ref().map(|stage| stage.now))
}

/// A call of a port by the worker on the stage: answered from what it was told, or for ever unanswered.
pub(crate) struct Asked(pub(crate) Option<Call>);

impl Future for Asked {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        STAGE.with_borrow_mut(|stage| {
            let stage = stage.as_mut().unwrap();
            let Some(entry) = stage.told.get(stage.place) else {
                stage.asked = self.0.take();
                return Poll::Pending;
            };
            stage.place += 1;
            stage.now = entry.now;
            Poll::Ready(entry.reply.clone())
        })
    }
}

/// Replays are remembered: many states have a worker in the same place.
static KNOWN: Mutex<Option<HashMap<(u64, u64), Next>>> = Mutex::new(None);

fn next(task: &Task, started: Timestamp, told: &Arc<Vec<Arc<Entry>>>, digest: (u64, u64)) -> Next {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(next) = known().get_or_insert_default().get(&digest) {
        return next.clone();
    }
    let next = replay(task, started, Arc::clone(told));
    known().get_or_insert_default().insert(digest, next.clone());
    next
}

fn replay(task: &Task, started: Timestamp, told: Arc<Vec<Arc<Entry>>>) -> Next {
    STAGE.set(Some(Stage { told, place: 0, now: started, asked: None }));
    let polled = with_app(|app| {
        let mut context = Context::from_waker(Waker::noop());
        let done = async {
            match task {
                Task::Post { name, at } => {
                    let id = Some(name.parse().unwrap());
                    let properties = serde_json::Map::new();
                    let new = NewEvent { name: name.parse().unwrap(), id, at: Some(*at), properties };
                    ingest(app, &pat(), new).await.map(|_| ())
                }
                Task::Work(work) => handle(app, work).await,
                Task::Notice { mail, opened } => {
                    let kind = if opened.is_some() { EngagementKind::Opened } else { EngagementKind::Sent };
                    let Attempt { run, step, attempt } = &mail.attempt;
                    let at = opened.unwrap_or(started);
                    let (step, attempt, message) = (*step, *attempt, mail.id());
                    engage(app, run, &Engagement { step, attempt, message, kind, at, by: Reader::Person }).await
                }
            }
        };
        Box::pin(done).as_mut().poll(&mut context)
    });
    let asked = STAGE.take().and_then(|stage| stage.asked);
    match (polled, asked) {
        (Poll::Ready(result), _) => Next::Finished { well: result.is_ok() },
        (Poll::Pending, Some(call)) => Next::Calls(Arc::new(call)),
        (Poll::Pending, None) => panic!("a worker waits for something that is no port: {task:?}"),
    }
}

/// The name of the contact in the store.
pub(crate) fn key() -> ContactKey {
    with_app(|app| app.key_of(&pat()))
}
