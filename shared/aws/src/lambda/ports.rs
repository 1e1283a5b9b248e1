//! The ports of a Lambda.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use carepath_app::ports::{Clock, Doubt, Evidence, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports};
use carepath_app::{App, UseError, catalog};
use carepath_engine::advance::Answer;
use jiff::{SignedDuration, Timestamp};

use crate::DynamoStore;
use crate::dynamo::Projected;
use crate::queue::SqsQueue;

/// What must be left of an invocation for a mail: ten seconds for the mail service, and what is written before and after.
const TIME_TO_ACT: SignedDuration = SignedDuration::from_secs(17);
/// When somebody looks again at what a process gave back that must not act.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(1);

/// The ports of one Lambda: the store, the queue, and the ways out of those that have any.
#[derive(Debug)]
pub struct AwsPorts<M, H> {
    store: DynamoStore,
    reports: Projected,
    queue: SqsQueue,
    mailer: Arc<M>,
    hooks: Arc<H>,
    clock: SystemClock,
    /// When the invocation ends, in milliseconds: nothing is begun outside that it might not see the end of.
    ends: Arc<AtomicI64>,
}

impl<M, H> Clone for AwsPorts<M, H> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            reports: self.reports.clone(),
            queue: self.queue.clone(),
            mailer: Arc::clone(&self.mailer),
            hooks: Arc::clone(&self.hooks),
            clock: self.clock,
            ends: Arc::clone(&self.ends),
        }
    }
}

impl AwsPorts<Idle, Idle> {
    /// Ports of a process that decides and writes down, and leaves mails and calls to the executor.
    pub fn idle(store: DynamoStore, queue: SqsQueue) -> Self {
        Self::new(store, queue, Idle, Idle)
    }
}

impl<M, H> AwsPorts<M, H> {
    /// Ports with ways out. Nothing goes out before [`AwsPorts::ends_at`] has said how long there is.
    pub fn new(store: DynamoStore, queue: SqsQueue, mailer: M, hooks: H) -> Self {
        let (mailer, hooks) = (Arc::new(mailer), Arc::new(hooks));
        let ends = Arc::new(AtomicI64::new(i64::MIN));
        Self { reports: Projected::beside(&store), store, queue, mailer, hooks, clock: SystemClock, ends }
    }

    /// Says when this invocation ends.
    pub fn ends_at(&self, deadline: Timestamp) {
        self.ends.store(deadline.as_millisecond(), Ordering::Relaxed);
    }
}

impl<M: Mailer, H: Hooks> Ports for AwsPorts<M, H> {
    type Store = DynamoStore;
    type Mailer = M;
    type Hooks = H;
    type Queue = SqsQueue;
    type Clock = SystemClock;
    type Reports = Projected;

    fn store(&self) -> &DynamoStore {
        &self.store
    }

    fn mailer(&self) -> &M {
        &self.mailer
    }

    fn hooks(&self) -> &H {
        &self.hooks
    }

    fn queue(&self) -> &SqsQueue {
        &self.queue
    }

    fn clock(&self) -> &SystemClock {
        &self.clock
    }

    fn reports(&self) -> &Projected {
        &self.reports
    }

    fn may_act_outside(&self) -> bool {
        let ends = self.ends.load(Ordering::Relaxed);
        let needed = i64::try_from(TIME_TO_ACT.as_millis()).unwrap_or(i64::MAX);
        Timestamp::now().as_millisecond().saturating_add(needed) <= ends
    }
}

/// Opens the installation for a Lambda.
///
/// # Errors
/// As [`App::open`].
pub async fn open<M: Mailer, H: Hooks>(ports: AwsPorts<M, H>) -> Result<App<AwsPorts<M, H>>, UseError> {
    let mut app = App::open(ports).await?;
    // Others may still act on what they read a moment before it was replaced.
    app.lag = catalog::LOOK * 2;
    app.store().set_secret(app.secret.clone());
    Ok(app)
}

/// The time of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Mailer and webhooks of a process that has no way out. Nobody asks it to act: [`Ports::may_act_outside`] is false there.
/// Should it be asked all the same, it says for certain that nothing was begun.
#[derive(Debug, Clone, Copy)]
pub struct Idle;

impl Mailer for Idle {
    async fn send(&self, _: &Outgoing) -> Answer {
        Answer::Throttled { until: Timestamp::now() + LEFT_TO_OTHERS }
    }

    async fn evidence(&self, _: &Doubt) -> Evidence {
        Evidence::None
    }
}

impl Hooks for Idle {
    async fn call(&self, _: &HookCall) -> HookAnswer {
        HookAnswer::NotMade { until: Timestamp::now() + LEFT_TO_OTHERS }
    }
}
