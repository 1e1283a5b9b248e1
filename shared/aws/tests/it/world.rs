//! The real use cases over the real store, in a world that a test turns by hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use carepath_app::ports::{
    Attempt, Clock, Doubt, Evidence, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports, Queue, Reports, Work,
};
use carepath_app::recount::Recount;
use carepath_app::{App, work};
use carepath_aws::DynamoStore;
use carepath_aws::ses::SesMailer;
use carepath_engine::advance::Answer;
use jiff::{SignedDuration, Timestamp};

use crate::store::{now, sound};

/// The world around the store: a clock that is turned by hand, work that is done when asked, mail that is taken.
#[derive(Clone)]
pub(crate) struct World<R = Recount<DynamoStore>>(Arc<Inner>, R);

struct Inner {
    store: DynamoStore,
    hand: Hand,
}

#[derive(Default)]
pub(crate) struct Hand {
    pub(crate) ahead: Mutex<SignedDuration>,
    pub(crate) work: Mutex<BTreeSet<(Timestamp, Work)>>,
    pub(crate) mails: Mutex<Vec<(Attempt, String)>>,
    /// How long each piece of work was to wait when it was left.
    pub(crate) left: Mutex<Vec<SignedDuration>>,
    /// Whether who works now decides only, and leaves what is to be done outside to others.
    pub(crate) inside: AtomicBool,
    /// The real way out, where a test has one.
    pub(crate) real: OnceLock<SesMailer>,
    /// Whether the mail service says at once that it took a mail, and later what became of it, as SES does.
    pub(crate) tells_later: AtomicBool,
}

impl<R: Reports + Clone> Ports for World<R> {
    type Store = DynamoStore;
    type Mailer = Hand;
    type Hooks = Hand;
    type Queue = Hand;
    type Clock = Hand;
    type Reports = R;

    fn store(&self) -> &DynamoStore {
        &self.0.store
    }

    fn mailer(&self) -> &Hand {
        &self.0.hand
    }

    fn hooks(&self) -> &Hand {
        &self.0.hand
    }

    fn queue(&self) -> &Hand {
        &self.0.hand
    }

    fn clock(&self) -> &Hand {
        &self.0.hand
    }

    fn reports(&self) -> &R {
        &self.1
    }

    fn may_act_outside(&self) -> bool {
        !self.0.hand.inside.load(Ordering::Relaxed)
    }

    fn runs_a_step(&self) -> usize {
        3
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        now() + *self.ahead.lock().unwrap()
    }
}

impl Hooks for Hand {
    async fn call(&self, _: &HookCall) -> HookAnswer {
        unreachable!("nobody is called here")
    }
}

impl Queue for Hand {
    async fn push(&self, work: Work, at: Timestamp) {
        self.left.lock().unwrap().push(at.duration_since(self.now()));
        self.work.lock().unwrap().insert((at, work));
    }
}

impl Mailer for Hand {
    async fn send(&self, mail: &Outgoing) -> Answer {
        if let Some(real) = self.real.get() {
            return real.send(mail).await;
        }
        let id = format!("mail-{}", mail.attempt.step);
        self.mails.lock().unwrap().push((mail.attempt.clone(), mail.subject.clone()));
        Answer::Accepted { id, delivered: !self.tells_later.load(Ordering::Relaxed) }
    }

    async fn evidence(&self, doubt: &Doubt) -> Evidence {
        match self.real.get() {
            Some(real) => real.evidence(doubt).await,
            None => Evidence::None,
        }
    }
}

impl<R> World<R> {
    pub(crate) fn hand(&self) -> &Hand {
        &self.0.hand
    }
}

/// A new installation.
pub(crate) async fn open() -> App<World> {
    over(sound().await).await
}

/// An installation over a store.
pub(crate) async fn over(store: DynamoStore) -> App<World> {
    let reports = Recount::new(store.clone());
    App::open(World(Arc::new(Inner { store, hand: Hand::default() }), reports)).await.unwrap()
}

/// The same installation with other reports.
pub(crate) async fn with<R: Reports + Clone>(app: &App<World>, reports: R) -> App<World<R>> {
    App::open(World(Arc::clone(&app.ports.0), reports)).await.unwrap()
}

/// Does what is due, until nothing is.
pub(crate) async fn settle<R: Reports + Clone>(app: &App<World<R>>) {
    loop {
        let next = app.ports.0.hand.work.lock().unwrap().pop_first();
        match next {
            Some((at, work)) if at <= app.now() => work::handle(app, &work).await.unwrap(),
            Some(later) => {
                app.ports.0.hand.work.lock().unwrap().insert(later);
                return;
            }
            None => return,
        }
    }
}
