//! A queue in memory that loses and doubles work as it is told to, and a clock that is turned by hand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{Clock, Queue, Work};
use jiff::Timestamp;

use super::faults::{Fault, Faults};

/// The queue. Its clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct MemoryQueue {
    left: Arc<Mutex<Vec<(Timestamp, Work)>>>,
    faults: Faults,
}

impl MemoryQueue {
    pub(super) fn new(faults: Faults) -> Self {
        Self { left: Arc::default(), faults }
    }

    fn left(&self) -> MutexGuard<'_, Vec<(Timestamp, Work)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves work once; what lies in it for the same time already is not doubled.
    pub(crate) fn leave(&self, work: Work, at: Timestamp) {
        let mut left = self.left();
        if !left.contains(&(at, work.clone())) {
            left.push((at, work));
        }
    }

    /// Takes what is due first.
    pub(super) fn take(&self, now: Timestamp) -> Option<Work> {
        let mut left = self.left();
        let place = (0..left.len()).filter(|nth| left[*nth].0 <= now).min_by_key(|nth| left[*nth].0)?;
        Some(left.remove(place).1)
    }

    /// Takes the `nth` of what is due, of however many there are.
    pub(crate) fn take_any(&self, now: Timestamp, nth: usize) -> Option<Work> {
        let mut left = self.left();
        let due: Vec<_> = (0..left.len()).filter(|nth| left[*nth].0 <= now).collect();
        let place = *due.get(nth % due.len().max(1))?;
        Some(left.remove(place).1)
    }

    /// When the next work is due.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.left().iter().map(|(at, _)| *at).min()
    }

    /// Everything in it is lost.
    pub(crate) fn lose_all(&self) {
        self.left().clear();
    }
}

impl Queue for MemoryQueue {
    async fn push(&self, work: Work, at: Timestamp) {
        match self.faults.next("push").await {
            None => self.leave(work, at),
            Some(Fault::Fails) => {}
            Some(Fault::NoAnswer) => self.left().extend([(at, work.clone()), (at, work)]),
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                self.leave(work, at);
                self.faults.die::<()>().await;
            }
        }
    }
}

/// The clock. Its clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

impl HandClock {
    pub(super) fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Turns it on to `to`; it never goes back.
    pub(crate) fn turn_to(&self, to: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = to.max(*now);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
