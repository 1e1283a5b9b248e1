//! What is due later, by its time, and not any more where it was recalled.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use carepath_app::ports::Work;
use jiff::Timestamp;

/// Work for later. The same at the same time is there once.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(Timestamp, u64, Work)>>,
    /// The times of each work. What is in the heap and not here was recalled.
    times: HashMap<Work, Vec<Timestamp>>,
    /// Counted up, so that what has one time keeps the order in which it came.
    added: u64,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Timestamp, work: Work) {
        let times = self.times.entry(work.clone()).or_default();
        if !times.contains(&at) {
            times.push(at);
            self.added += 1;
            self.heap.push(Reverse((at, self.added, work)));
        }
    }

    /// Takes back what was left of this work.
    pub(super) fn recall(&mut self, work: &Work) {
        self.times.remove(work);
    }

    /// When the first thing is due.
    pub(super) fn first(&mut self) -> Option<Timestamp> {
        while let Some(Reverse((at, _, work))) = self.heap.peek() {
            if self.times.get(work).is_some_and(|times| times.contains(at)) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// The next thing that is due by now, in the order of their times.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Work> {
        self.first().filter(|at| *at <= now)?;
        let Reverse((at, _, work)) = self.heap.pop()?;
        if let Some(times) = self.times.get_mut(&work) {
            times.retain(|time| *time != at);
            if times.is_empty() {
                self.times.remove(&work);
            }
        }
        Some(work)
    }

    pub(super) fn len(&self) -> usize {
        self.times.values().map(Vec::len).sum()
    }
}
