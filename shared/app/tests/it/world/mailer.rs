//! A mail service that remembers what it took, and that may be told to refuse, to throttle or to say nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{Attempt, Doubt, Evidence, Mailer, Outgoing};
use carepath_engine::advance::Answer;
use carepath_engine::ids::RunId;
use carepath_engine::version::Class;
use jiff::Timestamp;

use super::faults::{Fault, Faults};
use super::flaws::Flaw;

#[derive(Debug, Default)]
struct State {
    taken: Vec<Attempt>,
    next: VecDeque<Answer>,
    /// Until when there is no room for the next mails, one after the other.
    full: VecDeque<Timestamp>,
    /// What every mail is answered instead of being taken.
    always: Option<Answer>,
    /// Whether it knows of an attempt what became of it; those that it said no of are over.
    knows: bool,
    closed: Vec<Attempt>,
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

    /// Until when there is no room for the next mails, one after the other.
    pub(crate) fn full_until(&self, times: impl IntoIterator<Item = Timestamp>) {
        self.state().full.extend(times);
    }

    /// What every mail is answered from now on; `None` where it is taken again.
    pub(crate) fn answer_always(&self, answer: Option<Answer>) {
        self.state().always = answer;
    }

    /// From now on it can be asked what became of an attempt.
    pub(crate) fn keep_evidence(&self) {
        self.state().knows = true;
    }

    /// How many mails were taken.
    pub(crate) fn count(&self) -> usize {
        self.state().taken.len()
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

    fn look_up(&self, attempt: &Attempt) -> Evidence {
        if self.faults.has(Flaw::EvidenceLost) {
            return Evidence::NotAccepted;
        }
        let mut state = self.state();
        if let Some(nth) = state.taken.iter().position(|taken| taken == attempt) {
            return Evidence::Accepted { id: id(nth), delivered: true };
        }
        state.closed.push(attempt.clone());
        Evidence::NotAccepted
    }

    fn take(&self, mail: &Outgoing) -> Answer {
        let mut state = self.state();
        if let Some(answer) = state.next.pop_front() {
            return answer;
        }
        if let Some(answer) = &state.always {
            return answer.clone();
        }
        if state.closed.contains(&mail.attempt) {
            return Answer::Throttled { until: Timestamp::UNIX_EPOCH };
        }
        state.taken.push(mail.attempt.clone());
        Answer::Accepted { id: id(state.taken.len() - 1), delivered: false }
    }
}

/// The id of the `nth` mail that was taken.
pub(crate) fn id(nth: usize) -> String {
    format!("mail-{nth}")
}

impl Mailer for MemoryMailer {
    async fn permit(&self, _: Class) -> Result<(), Timestamp> {
        self.state().full.pop_front().map_or(Ok(()), Err)
    }

    async fn send(&self, mail: &Outgoing) -> Answer {
        match self.faults.next("send").await {
            None => self.take(mail),
            Some(Fault::Fails) => Answer::Unknown,
            Some(Fault::NoAnswer) => {
                self.take(mail);
                if self.faults.has(Flaw::UnknownIsThrottled) {
                    return Answer::Throttled { until: Timestamp::UNIX_EPOCH };
                }
                Answer::Unknown
            }
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                self.take(mail);
                self.faults.die().await
            }
        }
    }

    /// Mostly it keeps no evidence that can be asked for: what it knows comes as its own events, or not at all.
    async fn evidence(&self, doubt: &Doubt) -> Evidence {
        match self.faults.next("evidence").await {
            None if self.state().knows => self.look_up(&doubt.attempt),
            None | Some(Fault::Fails | Fault::NoAnswer) => Evidence::None,
            Some(Fault::DiesBefore | Fault::DiesAfter) => self.faults.die().await,
        }
    }
}
