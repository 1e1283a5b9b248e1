//! A mail service that remembers what it took, and that may be told to refuse, to throttle or to say nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{Attempt, Evidence, Mailer, Outgoing};
use carepath_engine::advance::Answer;
use carepath_engine::ids::RunId;

use super::faults::{Fault, Faults};

#[derive(Debug, Default)]
struct State {
    taken: Vec<Attempt>,
    next: VecDeque<Answer>,
}

/// The mail service. Its clones are the same service.
#[derive(Debug, Clone)]
pub(crate) struct MemoryMailer {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl MemoryMailer {
    pub(super) fn new(faults: Faults) -> Self {
        Self { state: Arc::default(), faults }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next mails are answered instead of being taken, one after the other.
    pub(crate) fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().next.extend(answers);
    }

    /// The attempts whose mails were taken, in order. The id of a mail is its place here.
    pub(crate) fn taken(&self) -> Vec<Attempt> {
        self.state().taken.clone()
    }

    /// How many mails were taken for each visit.
    pub(crate) fn by_visit(&self) -> BTreeMap<(RunId, u16), usize> {
        let mut visits = BTreeMap::new();
        for attempt in self.taken() {
            *visits.entry((attempt.run, attempt.step)).or_default() += 1;
        }
        visits
    }

    fn take(&self, mail: &Outgoing) -> Answer {
        let mut state = self.state();
        if let Some(answer) = state.next.pop_front() {
            return answer;
        }
        state.taken.push(mail.attempt.clone());
        Answer::Accepted { id: id(state.taken.len() - 1), delivered: false }
    }
}

/// The id of the `nth` mail that was taken.
pub(super) fn id(nth: usize) -> String {
    format!("mail-{nth}")
}

impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Outgoing) -> Answer {
        match self.faults.next("send").await {
            None => self.take(mail),
            Some(Fault::Fails) => Answer::Unknown,
            Some(Fault::NoAnswer) => {
                self.take(mail);
                Answer::Unknown
            }
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                self.take(mail);
                self.faults.die().await
            }
        }
    }

    /// It keeps no evidence that can be asked for: what it knows comes as its own events, or not at all.
    async fn evidence(&self, _attempt: &Attempt) -> Evidence {
        match self.faults.next("evidence").await {
            None | Some(Fault::Fails | Fault::NoAnswer) => Evidence::None,
            Some(Fault::DiesBefore | Fault::DiesAfter) => self.faults.die().await,
        }
    }
}
