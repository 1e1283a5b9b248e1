//! The sweep: what is due and what no message woke comes into the queue. It is timer, outbox and repair in one (S5).
//!
//! Each tick looks at the little while since the last one. What was left in the queue then and is due still, because a message
//! was lost or its work failed, is found by a longer look now and then.

use carepath_engine::run::STAYS;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::error::UseError;
use crate::ports::{Due, Ports, Queue, Store, Work};
use crate::tasks;
use crate::work;

/// The task that keeps how far the sweep has come.
const TASK: &str = "sweep";
/// How far a look goes back behind the last one: what was written then may have taken so long to come into the index.
const OVERLAP: SignedDuration = SignedDuration::from_secs(90);
// A claim leaves its run where it stood; whose claimant died is found there.
const _: () = assert!(STAYS.as_secs() < OVERLAP.as_secs(), "a sweep looks further back than a claimed run may stand");
/// What fell due so lately has a message of its own that is about to come.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// How often everything that is due is looked at.
const ALL_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// What one tick leaves in the queue at most; the next one goes on from there.
const MOST: usize = 20_000;
const PAGE: usize = 1_000;
/// How much larger a page is that follows one full of a single moment: only so anything gets past that.
const WIDER: usize = 4;
const AT_ONCE: usize = 64;

/// How far the sweep has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// What was due before this was found by a look.
    mark: Timestamp,
    /// Nothing is due before this.
    floor: Timestamp,
    /// When everything was looked at last.
    all_at: Timestamp,
    /// When it was swept last; earlier releases did not keep it.
    #[serde(default)]
    at: Option<Timestamp>,
}

impl Progress {
    /// Of an installation that nobody has swept yet: everything is looked at.
    const NONE: Self =
        Self { mark: Timestamp::UNIX_EPOCH, floor: Timestamp::UNIX_EPOCH, all_at: Timestamp::UNIX_EPOCH, at: None };
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// How much was left in the queue.
    pub found: usize,
    /// How long the oldest of it was due, in seconds.
    pub lag_seconds: u64,
    /// Whether everything that is due was looked at, and not just what fell due lately.
    pub all: bool,
}

/// Sweeps once.
///
/// # Errors
/// What the store cannot do. What was found by then is in the queue; the next sweep finds the rest.
pub async fn sweep<P: Ports>(app: &App<P>) -> Result<Swept, UseError> {
    let now = app.now();
    let stored = tasks::read::<P, Progress>(app, TASK).await?;
    let revision = stored.as_ref().map_or(0, |stored| stored.revision);
    let progress = stored.map_or(Progress::NONE, |stored| stored.value);
    let all = now.duration_since(progress.all_at) >= ALL_EVERY;
    let from = if all { progress.floor } else { progress.floor.max(before(progress.mark)) };
    let until = now - FRESH;
    let mut look = Look::new(from, until, MOST);
    while let Some((from, until, limit)) = look.next() {
        look.add(app.store().due(from, until, limit).await?);
    }
    let found = look.found();
    let oldest = found.first().map(|due| due.at);
    let reached = if found.len() >= MOST { found.last().map_or(until, |due| due.at) } else { until };
    let held = if all { work::held(app).await? } else { Vec::new() };
    let lag_seconds =
        oldest.map_or(0, |oldest| u64::try_from(now.duration_since(oldest).as_secs()).unwrap_or_default());
    let swept = Swept { found: found.len() + held.len(), lag_seconds, all };
    leave(app, found.into_iter().map(|due| due.work).chain(held), now).await;
    let next = if all {
        let floor = before(oldest.map_or(reached, |oldest| oldest.min(reached)));
        Progress { mark: reached, floor: progress.floor.max(floor), all_at: now, at: Some(now) }
    } else {
        Progress { mark: reached, at: Some(now), ..progress }
    };
    // Where another sweep was faster, both have found the same.
    tasks::write(app, TASK, &next, (None, revision)).await?;
    Ok(swept)
}

/// How the sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When it was swept last; `None` where nobody has swept yet.
    pub at: Option<Timestamp>,
    /// For how many seconds the oldest thing is due that nobody has done, beyond the moments that its message may take.
    pub late_seconds: u64,
}

/// How the sweep stands, by what it kept and by what is due now.
///
/// # Errors
/// What the store cannot do.
pub async fn standing<P: Ports>(app: &App<P>) -> Result<Standing, UseError> {
    let now = app.now();
    let progress = tasks::read::<P, Progress>(app, TASK).await?.map_or(Progress::NONE, |stored| stored.value);
    let oldest = app.store().due(progress.floor, now - FRESH, 1).await?.first().map(|due| due.at);
    let late = oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs());
    Ok(Standing { at: progress.at, late_seconds: u64::try_from(late).unwrap_or_default() })
}

/// Keeps that somebody else than [`sweep`] has looked at everything: `carepath dev` does so by itself. Nothing is due
/// before `floor`, where that is known.
///
/// # Errors
/// What the store cannot do.
pub async fn note<P: Ports>(app: &App<P>, now: Timestamp, floor: Option<Timestamp>) -> Result<(), UseError> {
    let stored = tasks::read::<P, Progress>(app, TASK).await?;
    let revision = stored.as_ref().map_or(0, |stored| stored.revision);
    let before = stored.map_or(Progress::NONE, |stored| stored.value);
    let progress = Progress { mark: now, floor: floor.unwrap_or(before.floor), all_at: now, at: Some(now) };
    tasks::write(app, TASK, &progress, (None, revision)).await?;
    Ok(())
}

/// Where a look begins that is to see what comes into the index late.
fn before(mark: Timestamp) -> Timestamp {
    mark.saturating_add(-OVERLAP).unwrap_or(mark).max(Timestamp::UNIX_EPOCH)
}

/// A look at what is due in a span, oldest first and page by page: `most` of it, and all of the last page.
#[derive(Debug)]
pub struct Look {
    until: Timestamp,
    most: usize,
    /// From when on and how much is asked next; nothing where all is found.
    next: Option<(Timestamp, usize)>,
    found: Vec<Due>,
}

impl Look {
    /// A look at a span.
    pub const fn new(from: Timestamp, until: Timestamp, most: usize) -> Self {
        Self { until, most, next: Some((from, PAGE)), found: Vec::new() }
    }

    /// What [`Store::due`] is to be asked next: from when, until when, how much at most.
    pub fn next(&self) -> Option<(Timestamp, Timestamp, usize)> {
        let (from, limit) = self.next.filter(|_| self.found.len() < self.most)?;
        Some((from, self.until, limit))
    }

    /// Takes what it answered.
    pub fn add(&mut self, page: Vec<Due>) {
        let Some((from, limit)) = self.next else { return };
        let last = page.last().map(|due| due.at).filter(|_| page.len() >= limit);
        self.next = last.map(|last| if last > from { (last, PAGE) } else { (from, limit * WIDER) });
        self.found.extend(page);
    }

    /// What was found.
    pub fn found(self) -> Vec<Due> {
        self.found
    }
}

async fn leave<P: Ports>(app: &App<P>, work: impl Iterator<Item = Work>, now: Timestamp) {
    let queue = app.ports.queue();
    stream::iter(work).for_each_concurrent(AT_ONCE, |work| queue.push(work, now)).await;
}
