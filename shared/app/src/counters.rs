//! What happened since the process began, as numbers without names.

use std::sync::atomic::{AtomicU64, Ordering};

use carepath_engine::advance::Alarm;
use carepath_engine::run::Run;
use serde::Serialize;

/// Counters of one process.
#[derive(Debug, Default)]
pub struct Counters {
    admitted: AtomicU64,
    visits: AtomicU64,
    sent: AtomicU64,
    ended: AtomicU64,
    lost_races: AtomicU64,
    duplicate_send: AtomicU64,
    parked: AtomicU64,
    reconciled: AtomicU64,
    drift: AtomicU64,
    conditions: AtomicU64,
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Runs begun.
    pub admitted: u64,
    /// Visits made, those of coming in and going out included.
    pub visits: u64,
    /// Mails that the mail service took.
    pub sent: u64,
    /// Runs ended.
    pub ended: u64,
    /// Commits that somebody else was faster than.
    pub lost_races: u64,
    /// Second message ids for one visit (S9). Anything but 0 is an alarm.
    pub duplicate_send: u64,
    /// Work parked. Anything but 0 is an alarm.
    pub parked: u64,
    /// Proofs of all reports that came to their end.
    pub reconciled: u64,
    /// What they found wrong (S22). Anything but 0 is an alarm.
    pub drift: u64,
    /// Conditions of segments that were looked at.
    pub conditions: u64,
}

impl Counters {
    /// Counts a committed change of a run from `before` (`None` for a new one) to `after`.
    pub(crate) fn moved(&self, before: Option<&Run>, after: &Run) {
        let add = |counter: &AtomicU64, by: usize| counter.fetch_add(by as u64, Ordering::Relaxed);
        add(&self.visits, after.visits.len() - before.map_or(0, |run| run.visits.len()).min(after.visits.len()));
        add(&self.admitted, usize::from(before.is_none()));
        add(&self.ended, usize::from(after.is_ended() && before.is_none_or(|run| !run.is_ended())));
    }

    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost_race(&self) {
        self.lost_races.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn looked_at_conditions(&self, count: usize) {
        self.conditions.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn parked(&self) {
        self.parked.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a proof of all reports, and what it found wrong.
    pub(crate) fn reconciled(&self, wrong: u64) {
        self.drift.fetch_add(wrong, Ordering::Relaxed);
        self.reconciled.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what somebody should be told, and says it in the log, with no name in it.
    pub(crate) fn alarm(&self, alarm: Alarm, run: &Run) {
        match alarm {
            Alarm::DuplicateSend => {
                self.duplicate_send.fetch_add(1, Ordering::Relaxed);
                tracing::error!(run = %run.id, workflow = %run.workflow, "duplicate_send");
            }
            Alarm::Unknown => {
                tracing::warn!(run = %run.id, workflow = %run.workflow, "unknown_send");
            }
            Alarm::UnknownSettled => {
                tracing::info!(run = %run.id, workflow = %run.workflow, "unknown_send_settled");
            }
        }
    }

    /// What the counters say now.
    pub fn read(&self) -> Reading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            admitted: load(&self.admitted),
            visits: load(&self.visits),
            sent: load(&self.sent),
            ended: load(&self.ended),
            lost_races: load(&self.lost_races),
            duplicate_send: load(&self.duplicate_send),
            parked: load(&self.parked),
            reconciled: load(&self.reconciled),
            drift: load(&self.drift),
            conditions: load(&self.conditions),
        }
    }
}
