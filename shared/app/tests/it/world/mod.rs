//! A whole installation in memory: one process at a time that may die at any call of a port, a queue that may lose and
//! double, a sweep, a mail service, and a clock that goes on when there is nothing left to do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod check;
mod content;
mod dice;
mod faults;
mod flaws;
mod hooks;
mod mailer;
mod queue;
mod store;

use std::collections::BTreeMap;

use carepath_app::engage::engage;
use carepath_app::ports::{Clock, DocumentId, DocumentKind, Ports, Retry, Store, Work};
use carepath_app::recount::Recount;
use carepath_app::{App, UseError, work};
use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::ids::RunId;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub(crate) use check::Summary;
pub(crate) use content::Content;
pub(crate) use dice::Dice;
pub(crate) use faults::{Call, Fault, Faults};
pub(crate) use flaws::Flaw;
pub(crate) use hooks::MemoryHooks;
pub(crate) use mailer::MemoryMailer;
pub(crate) use mailer::id as mail_id;
pub(crate) use queue::{HandClock, MemoryQueue};
pub(crate) use store::MemoryStore;

/// More turns than any history here takes: whoever needs them goes round in circles.
const MOST_TURNS: usize = 5_000;
/// When work that failed is delivered again.
const REDELIVERY: SignedDuration = SignedDuration::from_secs(30);

/// The ports of the installation.
#[derive(Debug, Clone)]
pub(crate) struct MemoryPorts {
    pub(crate) store: MemoryStore,
    pub(crate) mailer: MemoryMailer,
    pub(crate) hooks: MemoryHooks,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: HandClock,
    pub(crate) reports: Recount<MemoryStore>,
}

impl MemoryPorts {
    pub(crate) fn new(faults: &Faults, now: Timestamp) -> Self {
        let store = MemoryStore::new(faults.clone());
        Self {
            reports: Recount::new(store.clone()),
            store,
            mailer: MemoryMailer::new(faults.clone()),
            hooks: MemoryHooks::new(faults.clone()),
            queue: MemoryQueue::new(faults.clone()),
            clock: HandClock::at(now),
        }
    }
}

impl Ports for MemoryPorts {
    type Store = MemoryStore;
    type Mailer = MemoryMailer;
    type Hooks = MemoryHooks;
    type Queue = MemoryQueue;
    type Clock = HandClock;
    type Reports = Recount<MemoryStore>;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn mailer(&self) -> &MemoryMailer {
        &self.mailer
    }

    fn hooks(&self) -> &MemoryHooks {
        &self.hooks
    }

    fn queue(&self) -> &MemoryQueue {
        &self.queue
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }

    fn reports(&self) -> &Recount<MemoryStore> {
        &self.reports
    }

    fn runs_a_step(&self) -> usize {
        1
    }
}

/// How work is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Once.
    Once,
    /// Twice, one after the other.
    Twice,
    /// To two workers at the same time.
    Together,
}

/// The installation.
pub(crate) struct World {
    pub(crate) ports: MemoryPorts,
    pub(crate) faults: Faults,
    pub(crate) delivery: Delivery,
    /// What the mail service tells of each mail that it took, and how long after.
    pub(crate) tells: Vec<(SignedDuration, EngagementKind)>,
    app: App<MemoryPorts>,
    /// What the mail service has still to tell.
    notices: Vec<(Timestamp, RunId, Engagement)>,
    noticed: usize,
    pub(crate) deaths: usize,
}

impl World {
    /// A new installation at a time.
    pub(crate) async fn new(now: Timestamp) -> Self {
        let faults = Faults::default();
        let ports = MemoryPorts::new(&faults, now);
        // A secret that is always the same, so that ids are: the order of things may hang on them.
        let id = DocumentId { kind: DocumentKind::Settings, id: "secret".to_owned() };
        ports.store.put_document(&id, &json!({ "bytes": vec![7; 32] }), 0).await.unwrap();
        let app = App::open(ports.clone()).await.unwrap();
        let (tells, notices) = (Vec::new(), Vec::new());
        Self { ports, faults, delivery: Delivery::Once, tells, app, notices, noticed: 0, deaths: 0 }
    }

    /// The process that runs now.
    pub(crate) fn app(&self) -> &App<MemoryPorts> {
        &self.app
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Asks the process for something. `None` where it died over it: another one has taken its place.
    pub(crate) async fn ask<T>(
        &mut self,
        what: impl AsyncFn(&App<MemoryPorts>) -> Result<T, UseError>,
    ) -> Option<Result<T, UseError>> {
        let answer = tokio::select! {
            biased;
            () = self.faults.died() => None,
            answer = Box::pin(what(&self.app)) => Some(answer),
        };
        if answer.is_none() {
            self.deaths += 1;
            self.restart().await;
        }
        answer
    }

    /// A new process on what is stored. What lay in the queue of the old one is lost with it.
    pub(crate) async fn restart(&mut self) {
        self.ports.queue.lose_all();
        for _ in 0..3 {
            if let Ok(app) = App::open(self.ports.clone()).await {
                self.app = app;
                return;
            }
        }
        panic!("no process comes up");
    }

    /// Asks as a client does, who repeats what was not acknowledged.
    pub(crate) async fn insist<T>(&mut self, what: impl AsyncFn(&App<MemoryPorts>) -> Result<T, UseError>) -> T {
        for _ in 0..5 {
            match self.ask(&what).await {
                Some(Ok(answer)) => return answer,
                Some(Err(error)) => assert_ne!(error.retry(), Retry::Never, "{error}"),
                None => {}
            }
        }
        panic!("what is repeated is never acknowledged");
    }

    /// Works, sweeps and lets time pass until nothing is left that could ever happen, or `until` is reached.
    pub(crate) async fn run_until(&mut self, until: Timestamp) {
        for _ in 0..MOST_TURNS {
            self.hear_of_mails();
            let now = self.now();
            if let Some(work) = self.ports.queue.take(now) {
                self.deliver(&work).await;
            } else if let Some(place) = self.notices.iter().position(|(at, ..)| *at <= now) {
                let (_, run, engagement) = self.notices.remove(place);
                self.tell(&run, &engagement).await;
            } else if !self.sweep(now).await {
                let Some(next) = self.next_at().filter(|next| *next <= until) else {
                    self.ports.clock.turn_to(if until == Timestamp::MAX { now } else { until });
                    return;
                };
                self.ports.clock.turn_to(next);
            }
            self.check_liveness();
        }
        panic!("it never comes to rest: {:?}", self.ports.store.content().due());
    }

    /// Until nothing is left that could ever happen.
    pub(crate) async fn run_to_the_end(&mut self) {
        self.run_until(Timestamp::MAX).await;
    }

    async fn deliver(&mut self, task: &Work) {
        let times = if self.delivery == Delivery::Twice { 2 } else { 1 };
        for _ in 0..times {
            let together = self.delivery == Delivery::Together;
            let done = self
                .ask(async |app| {
                    if together {
                        let (one, other) =
                            tokio::join!(Box::pin(work::handle(app, task)), Box::pin(work::handle(app, task)));
                        one.and(other)
                    } else {
                        Box::pin(work::handle(app, task)).await
                    }
                })
                .await;
            if let Some(Err(error)) = done {
                assert_ne!(error.retry(), Retry::Never, "{task:?} would be put down for good: {error}");
                self.ports.queue.leave(task.clone(), self.now() + REDELIVERY);
            }
        }
    }

    /// A notice of the mail service is delivered until it is taken.
    async fn tell(&mut self, run: &RunId, engagement: &Engagement) {
        let times = if self.delivery == Delivery::Once { 1 } else { 2 };
        for _ in 0..times {
            self.insist(async |app| engage(app, run, engagement).await).await;
        }
    }

    /// What is due in the store comes into the queue, and what a pause has held for too long. `false` where there is
    /// nothing.
    async fn sweep(&mut self, now: Timestamp) -> bool {
        let mut due = self.ports.store.content().due();
        due.retain(|due| due.at <= now);
        for found in &due {
            self.ports.queue.leave(found.work.clone(), found.at);
        }
        let held = self.insist(async |app| Ok(work::held(app).await?)).await;
        for found in &held {
            self.ports.queue.leave(found.clone(), now);
        }
        !due.is_empty() || !held.is_empty()
    }

    fn next_at(&self) -> Option<Timestamp> {
        let stored = self.ports.store.content().due().first().map(|due| due.at);
        let notices = self.notices.iter().map(|(at, ..)| *at).min();
        [stored, notices, self.ports.queue.next_at()].into_iter().flatten().min()
    }

    /// What the mail service will tell of the mails that it has taken since the last look.
    fn hear_of_mails(&mut self) {
        let (taken, now) = (self.ports.mailer.taken(), self.now());
        for (nth, attempt) in taken.iter().enumerate().skip(self.noticed) {
            let notices = self.tells.iter().map(|(after, kind)| {
                let at = now + *after;
                let (message, kind) = (mailer::id(nth), kind.clone());
                let (step, attempt_nr) = (attempt.step, attempt.attempt);
                let told = Engagement { step, attempt: attempt_nr, message, kind, at, by: Reader::Person };
                (at, attempt.run.clone(), told)
            });
            self.notices.extend(notices);
        }
        self.noticed = taken.len();
        self.notices.sort_by_key(|(at, ..)| *at);
    }

    /// How many mails were taken for each visit, by the tag that they went out with.
    pub(crate) fn mails(&self) -> BTreeMap<(RunId, u16), usize> {
        self.ports.mailer.by_visit()
    }
}
