//! Sums over runs, and the law that they obey.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::{Counter, Next, What, facts};
use crate::run::{Place, Run};

/// One number of a tally: all that ever happened, or what happened in one hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The version.
    pub version: u32,
    /// The hour, as [`hour_of`] counts them; `None` for all time.
    pub hour: Option<i64>,
    /// What is counted, and where.
    pub counter: Counter,
}

/// The hour of a moment, counted from 1970 in UTC.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// What some runs of one workflow come to, or by how much that changed. Only what is not 0 is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Cell, i64>);

impl Tally {
    /// What a run comes to.
    pub fn of(run: &Run) -> Self {
        let mut tally = Self::default();
        tally.add_run(run, 1);
        tally
    }

    /// By how much the whole changes where a run becomes another.
    pub fn change(before: Option<&Run>, after: Option<&Run>) -> Self {
        let mut tally = Self::default();
        if let Some(before) = before {
            tally.add_run(before, -1);
        }
        if let Some(after) = after {
            tally.add_run(after, 1);
        }
        tally
    }

    /// Adds what a run comes to, so many times.
    pub fn add_run(&mut self, run: &Run, times: i64) {
        for fact in facts(run) {
            let hour = fact.at.map(hour_of);
            if hour.is_some() {
                self.add_to(Cell { version: fact.version, hour, counter: fact.counter.clone() }, times);
            }
            self.add_to(Cell { version: fact.version, hour: None, counter: fact.counter }, times);
        }
    }

    /// Adds to one number.
    pub fn add_to(&mut self, cell: Cell, by: i64) {
        let sum = self.get(&cell).saturating_add(by);
        if sum == 0 {
            self.0.remove(&cell);
        } else {
            self.0.insert(cell, sum);
        }
    }

    /// Adds another tally, so many times.
    pub fn add(&mut self, other: &Self, times: i64) {
        for (cell, count) in &other.0 {
            self.add_to(cell.clone(), count.saturating_mul(times));
        }
    }

    /// One number.
    pub fn get(&self, cell: &Cell) -> i64 {
        self.0.get(cell).copied().unwrap_or_default()
    }

    /// All numbers that are not 0.
    pub fn iter(&self) -> impl Iterator<Item = (&Cell, i64)> {
        self.0.iter().map(|(cell, count)| (cell, *count))
    }

    /// Whether all numbers are 0.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only the numbers that are wanted.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Cell) -> bool) -> Self {
        self.0.retain(|cell, _| wanted(cell));
        self
    }

    /// Where the law does not hold over all time. Empty for every sum over whole runs.
    pub fn broken(&self) -> Vec<Broken> {
        let mut stays: BTreeMap<(u32, Place), [i64; 2]> = BTreeMap::new();
        let mut ways: BTreeMap<(u32, Place), [i64; 2]> = BTreeMap::new();
        let mut moves: BTreeMap<u32, [i64; 2]> = BTreeMap::new();
        for (Cell { version, counter, .. }, count) in self.iter().filter(|(cell, _)| cell.hour.is_none()) {
            let here = (*version, counter.place);
            match &counter.what {
                What::Entered => {
                    stays.entry(here).or_default()[0] += count;
                    if counter.place != Place::Entry {
                        ways.entry(here).or_default()[1] += count;
                    }
                }
                What::Arrived => {
                    stays.entry(here).or_default()[0] += count;
                    moves.entry(*version).or_default()[1] += count;
                }
                What::Waiting | What::Ended(_) => stays.entry(here).or_default()[1] += count,
                What::MovedOn(next) => {
                    stays.entry(here).or_default()[1] += count;
                    match next {
                        Next::Place(place) => ways.entry((*version, *place)).or_default()[0] += count,
                        Next::Version(other) => moves.entry(*other).or_default()[0] += count,
                    }
                }
                What::Sent
                | What::Skipped(_)
                | What::Failed(_)
                | What::Unknown
                | What::Delivered
                | What::Bounced
                | What::Complained
                | What::Unsubscribed
                | What::Opened(_)
                | What::Clicked(_)
                | What::Link(_) => {}
            }
        }
        let broken = |law: Law| {
            move |((version, place), [left, right]): ((u32, Place), [i64; 2])| Broken {
                law,
                version,
                place: Some(place),
                left,
                right,
            }
        };
        let moved = moves.into_iter().map(|(version, [left, right])| Broken {
            law: Law::Moves,
            version,
            place: None,
            left,
            right,
        });
        let all = stays.into_iter().map(broken(Law::Stays)).chain(ways.into_iter().map(broken(Law::Ways))).chain(moved);
        all.filter(|broken| broken.left != broken.right).collect()
    }
}

/// A sentence that holds of every tally of whole runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Of each place: who came is there, went on, or ended there.
    Stays,
    /// Of each place: who went there from another came there.
    Ways,
    /// Of each version: who was moved there arrived there.
    Moves,
}

/// A law that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub law: Law,
    /// In which version.
    pub version: u32,
    /// Where in it.
    pub place: Option<Place>,
    /// What should be the same as `right`.
    pub left: i64,
    /// What should be the same as `left`.
    pub right: i64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (self.left, self.right);
        match self.law {
            Law::Stays => write!(f, "{left} came, and {right} are there, went on or ended there"),
            Law::Ways => write!(f, "{left} went there, and {right} came"),
            Law::Moves => write!(f, "{left} were moved to the version, and {right} arrived"),
        }
    }
}
