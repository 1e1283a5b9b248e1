//! What the API has for ports in its Lambda, and what it logs there.

use std::time::Duration;

use carepath_app::ports::{
    Attempt, Clock, Evidence, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports, Queue, Work,
};
use carepath_aws::DynamoStore;
use carepath_aws::dynamo::Projected;
use carepath_engine::advance::Answer;
use jiff::Timestamp;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// How long a mail that this Lambda may not send is left to the executor before anybody looks at it again.
const LEFT_TO_THE_EXECUTOR: Duration = Duration::from_secs(1);

/// The ports of the API's Lambda: the store, and nothing that acts.
#[derive(Debug, Clone)]
pub struct LambdaPorts {
    store: DynamoStore,
    idle: Idle,
    reports: Projected,
}

impl LambdaPorts {
    /// The ports over a store.
    pub fn new(store: DynamoStore) -> Self {
        Self { reports: Projected::beside(&store), store, idle: Idle }
    }
}

/// Queue, mailer, webhooks and clock of a process that only writes down what is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Idle;

impl Ports for LambdaPorts {
    type Store = DynamoStore;
    type Mailer = Idle;
    type Hooks = Idle;
    type Queue = Idle;
    type Clock = Idle;
    type Reports = Projected;

    fn store(&self) -> &DynamoStore {
        &self.store
    }

    fn mailer(&self) -> &Idle {
        &self.idle
    }

    fn hooks(&self) -> &Idle {
        &self.idle
    }

    fn queue(&self) -> &Idle {
        &self.idle
    }

    fn clock(&self) -> &Idle {
        &self.idle
    }

    fn reports(&self) -> &Projected {
        &self.reports
    }
}

impl Queue for Idle {
    /// Drops the hint. What is pushed is in the index of due things already, by the same write that made it due: the index
    /// is the outbox, and the sweep finds all of it. Until there is a queue in AWS, work waits for the next sweep.
    async fn push(&self, _: Work, _: Timestamp) {}
}

impl Mailer for Idle {
    /// Gives the claim back. Enrolling somebody and resuming a workflow drive runs up to their first rest, and so may claim
    /// a mail in this process. There is no way out for mail from here: a throttle says for certain that nothing was sent,
    /// and the index hands the run to whoever can send.
    async fn send(&self, _: &Outgoing) -> Answer {
        Answer::Throttled { until: Timestamp::now() + LEFT_TO_THE_EXECUTOR }
    }

    /// Knows nothing, since it sends nothing. Only the sweep asks, which does not run here.
    async fn evidence(&self, _: &Attempt) -> Evidence {
        Evidence::None
    }
}

impl Hooks for Idle {
    /// Gives the claim back, as for a mail: whoever works through the index calls.
    async fn call(&self, _: &HookCall) -> HookAnswer {
        HookAnswer::NotMade { until: Timestamp::now() + LEFT_TO_THE_EXECUTOR }
    }
}

impl Clock for Idle {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Whether a line may be written: this project's own at any level up to `own`, others' only where something is wrong.
/// The SDK and the runtime write whole requests and answers at their lower levels, with everything that is in them (S24), so
/// no setting opens those.
pub fn is_logged(line: &Metadata<'_>, own: Level) -> bool {
    let target = line.target();
    let ours = target.starts_with("carepath") || target == "access" || target == "audit";
    *line.level() <= if ours { own } else { Level::WARN }
}

/// Begins to log: lines of JSON on the standard error. Of a panic it is said where it was, never what it was about, which
/// may be anything.
///
/// # Errors
/// Where somebody else has begun before.
pub fn log() -> Result<(), TryInitError> {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(target: "access", at, "panicked");
    }));
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(filter_fn(|line| is_logged(line, Level::INFO))).try_init()
}
