//! The queue of one machine: work that is due now, work for later, and who is busy. It lives in memory; what is lost
//! with the process is found again in the store's `due` index.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carepath_app::ports::{Clock, Due, Queue, Work};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};

use super::agenda::Agenda;
use super::clock::{DevClock, Mode};
use super::turns::Turns;
use super::unreliable::{Fate, Unreliable};

/// How long failed work waits before it is tried again: doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// The longest sleep for something that is due later: the clock may be moved under it.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The queue. Its clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct DevQueue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: DevClock,
    first_retry: Duration,
    unreliable: Option<Unreliable>,
    state: Mutex<State>,
    /// Something was pushed, or the clock moved.
    changed: Notify,
    /// Something was finished.
    finished: Notify,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Work>,
    is_ready: HashSet<Work>,
    turns: Turns,
    later: Agenda,
    /// How many are doing it.
    busy: HashMap<Work, usize>,
    /// Failed, and how often in a row.
    failed: HashMap<Work, u32>,
    backing_off: usize,
    /// Those who look for what an earlier process left.
    searching: usize,
    counts: Counts,
}

/// What the queue has done since the process began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    /// Work that was done.
    pub(crate) work_done: u64,
    /// Work that failed, and was put back.
    pub(crate) work_failed: u64,
}

/// How much there is to do.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Depth {
    /// Due, and nobody does it yet.
    pub(crate) ready: usize,
    /// Being done.
    pub(crate) busy: usize,
    /// Failed, and waiting to be tried again.
    pub(crate) backing_off: usize,
    /// Due later.
    pub(crate) later: usize,
}

impl State {
    fn push(&mut self, work: Work, at: Timestamp, now: Timestamp) {
        if at <= now {
            // Twice the same is once: whoever does it looks at the store first.
            if self.is_ready.insert(work.clone()) {
                self.ready.push_back(work);
            }
            return;
        }
        self.later.add(at, work);
    }

    /// Makes ready what has fallen due, in the order of its times.
    fn promote(&mut self, now: Timestamp) {
        while let Some(work) = self.later.take_due(now) {
            self.push(work, now, now);
        }
    }

    /// What is done next. Where nobody keeps turns, the same contact may be somebody else's business at the moment.
    fn take(&mut self, in_turn: bool) -> Option<Work> {
        let mut next = self.turns.next();
        while next.is_none() {
            let work = self.ready.pop_front()?;
            next = if in_turn { self.turns.begin(work) } else { Some(work) };
        }
        let work = next?;
        self.is_ready.remove(&work);
        *self.busy.entry(work.clone()).or_default() += 1;
        Some(work)
    }

    fn idle(&self) -> bool {
        self.ready.is_empty()
            && self.turns.waiting() == 0
            && self.busy.is_empty()
            && self.backing_off == 0
            && self.searching == 0
    }
}

impl DevQueue {
    /// An empty queue that goes by `clock`.
    pub(crate) fn new(clock: DevClock) -> Self {
        Self::with(clock, FIRST_RETRY, None)
    }

    /// One that delivers twice, late or not at all, as the seed has it.
    pub(crate) fn unreliable(clock: DevClock, seed: u64) -> Self {
        Self::with(clock, FIRST_RETRY, Some(Unreliable::new(seed)))
    }

    /// One whose failed work waits `first` before it is tried again.
    #[cfg(test)]
    pub(super) fn retrying(clock: DevClock, first: Duration) -> Self {
        Self::with(clock, first, None)
    }

    fn with(clock: DevClock, first_retry: Duration, unreliable: Option<Unreliable>) -> Self {
        Self(Arc::new(Inner {
            clock,
            first_retry,
            unreliable,
            state: Mutex::new(State::default()),
            changed: Notify::new(),
            finished: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves work; [`Queue::push`] is this.
    pub(crate) fn leave(&self, work: Work, at: Timestamp) {
        match self.0.unreliable.as_ref().map_or(Fate::Once, Unreliable::fate) {
            Fate::Once => self.deliver(work, at),
            Fate::Late(pause) => self.put_off(&mut self.state(), pause, work, at),
            Fate::Twice(pause) => {
                self.put_off(&mut self.state(), pause, work.clone(), at);
                self.deliver(work, at);
            }
            Fate::Never => {}
        }
    }

    fn deliver(&self, work: Work, at: Timestamp) {
        let now = self.0.clock.now();
        self.state().push(work, at, now);
        self.0.changed.notify_one();
    }

    /// Delivers after a pause of the machine's own time; until then nothing is settled.
    fn put_off(&self, state: &mut State, pause: Duration, work: Work, at: Timestamp) {
        state.backing_off += 1;
        let queue = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let now = queue.0.clock.now();
            let mut state = queue.state();
            state.backing_off -= 1;
            state.push(work, at, now);
            drop(state);
            queue.0.changed.notify_one();
            queue.0.finished.notify_waiters();
        });
    }

    /// Leaves what a sweep found, except what somebody is at.
    pub(crate) fn leave_found(&self, found: Vec<Due>) {
        let now = self.0.clock.now();
        let mut state = self.state();
        for Due { at, work } in found {
            if !state.busy.contains_key(&work) && !state.failed.contains_key(&work) {
                state.push(work, at, now);
            }
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Says that somebody looks for what an earlier process left: nothing is settled until they have put it here.
    pub(crate) fn search(&self) -> Search {
        self.state().searching += 1;
        Search(self.clone())
    }

    /// How much there is to do.
    pub(crate) fn depth(&self) -> Depth {
        let state = self.state();
        Depth {
            ready: state.ready.len() + state.turns.waiting(),
            busy: state.busy.values().sum(),
            backing_off: state.backing_off,
            later: state.later.len(),
        }
    }

    /// What was done.
    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// When the next thing after now falls due, as far as the queue knows.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.state().later.first()
    }

    /// Waits until nothing is due and nobody is busy.
    pub(crate) async fn settled(&self) {
        loop {
            let finished = self.0.finished.notified();
            tokio::pin!(finished);
            // Before looking: what finishes in between must not be missed.
            finished.as_mut().enable();
            let now = self.0.clock.now();
            let idle = {
                let mut state = self.state();
                state.promote(now);
                state.idle()
            };
            if idle {
                return;
            }
            self.0.changed.notify_one();
            finished.await;
        }
    }

    /// Moves the clock to `to` if nothing is due and nobody is busy, and says whether it did. Nobody can begin something
    /// at the old time and go on with it at the new one.
    pub(crate) fn move_clock_when_idle(&self, to: Timestamp) -> io::Result<bool> {
        let now = self.0.clock.now();
        let mut state = self.state();
        state.promote(now);
        if !state.idle() {
            return Ok(false);
        }
        self.0.clock.move_to(to)?;
        let now = self.0.clock.now();
        state.promote(now);
        drop(state);
        self.0.changed.notify_one();
        Ok(true)
    }

    /// Does what falls due, `at_once` things at a time, for ever. `done` says whether the work is done; what is not is
    /// tried again later, and so is what panics.
    pub(crate) async fn work<F, D>(self, at_once: usize, done: F)
    where
        F: Fn(Work) -> D,
        D: Future<Output = bool> + Send + 'static,
    {
        let seats = Arc::new(Semaphore::new(at_once));
        loop {
            // The semaphore is never closed.
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
            let work = self.next().await;
            let mut turn = Turn { queue: self.clone(), work: Some(work.clone()), done: false };
            let doing = done(work);
            tokio::spawn(async move {
                turn.done = doing.await;
                drop(turn);
                drop(seat);
            });
        }
    }

    async fn next(&self) -> Work {
        loop {
            let now = self.0.clock.now();
            let next_at = {
                let mut state = self.state();
                state.promote(now);
                if let Some(work) = state.take(self.in_turn()) {
                    return work;
                }
                state.later.first()
            };
            let changed = self.0.changed.notified();
            match next_at.filter(|_| self.0.clock.mode() == Mode::Real) {
                Some(at) => {
                    let pause = Duration::try_from(at.duration_since(now)).unwrap_or_default();
                    // The timer is only good to a millisecond, as is the clock: a little late is never too early.
                    let pause = pause.min(LONGEST_SLEEP) + Duration::from_millis(1);
                    let _ = tokio::time::timeout(pause, changed).await;
                }
                None => changed.await,
            }
        }
    }

    /// An unreliable queue lets two be at one thing, as those in AWS do.
    fn in_turn(&self) -> bool {
        self.0.unreliable.is_none()
    }

    fn finish(&self, work: Work, done: bool) {
        let mut state = self.state();
        if self.in_turn() {
            state.turns.end(&work);
        }
        if let Some(count) = state.busy.get_mut(&work) {
            *count -= 1;
            if *count == 0 {
                state.busy.remove(&work);
            }
        }
        if done {
            state.failed.remove(&work);
            state.counts.work_done += 1;
        } else {
            state.counts.work_failed += 1;
            let times = state.failed.entry(work.clone()).or_default();
            let pause = back_off(self.0.first_retry, *times);
            *times += 1;
            self.put_off(&mut state, pause, work, self.0.clock.now());
        }
        drop(state);
        // Somebody's turn may have come.
        self.0.changed.notify_one();
        self.0.finished.notify_waiters();
    }
}

/// How long work waits that has failed `times` before: in the machine's time, for it is a machine that fails.
fn back_off(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(6)).min(LAST_RETRY)
}

/// Somebody's turn at a piece of work. However it ends, the work is finished or put back.
struct Turn {
    queue: DevQueue,
    work: Option<Work>,
    done: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.queue.finish(work, self.done);
        }
    }
}

/// A search for what an earlier process left; it is over when this is dropped.
pub(crate) struct Search(DevQueue);

impl Drop for Search {
    fn drop(&mut self) {
        self.0.state().searching -= 1;
        self.0.0.finished.notify_waiters();
    }
}

impl Queue for DevQueue {
    async fn push(&self, work: Work, at: Timestamp) {
        self.leave(work, at);
    }

    fn recall(&self, work: &Work) {
        self.state().later.recall(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_work_waits_longer_each_time_up_to_a_minute() {
        let pauses: Vec<u64> = (0..8).map(|times| back_off(FIRST_RETRY, times).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
