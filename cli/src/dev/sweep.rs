//! The sweep: what is due in the store and not in the queue comes into it, at the start, each minute, and before the
//! clock is moved past it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use carepath_app::ports::{Clock, Due, StoreError, Work};
use carepath_app::sweep::Look;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::clock::DevClock;
use super::disk;
use super::duties::Duties;
use super::queue::{DevQueue, Search};

/// How often.
const EVERY: Duration = Duration::from_mins(1);
/// How far ahead of now.
const AHEAD: SignedDuration = SignedDuration::from_mins(2);
/// How far ahead a claim of a process that died may be due: its time, and the grace after it.
const CLAIMS: SignedDuration = SignedDuration::from_mins(16);
/// How many sweeps the watermark is behind: nothing takes five minutes between reading the clock and being written.
const BEHIND: usize = 5;
const AT_ONCE: usize = 8;

/// The time before which nothing is left to do, kept for the next start.
#[derive(Debug)]
pub(crate) struct Watermark {
    file: PathBuf,
    from: Timestamp,
    sweeps: VecDeque<Timestamp>,
}

impl Watermark {
    /// As the data folder has it; the beginning of time where it has none.
    pub(crate) fn open(folder: &Path) -> Self {
        let file = folder.join("watermark");
        let kept = disk::read(&file).ok().flatten().and_then(|text| text.trim().parse().ok());
        Self { file, from: kept.unwrap_or(Timestamp::UNIX_EPOCH), sweeps: VecDeque::new() }
    }

    /// Where a sweep has to begin.
    pub(crate) const fn from(&self) -> Timestamp {
        self.from
    }

    /// Moves it after a sweep at `now` whose earliest find is due at `earliest`.
    pub(crate) fn swept(&mut self, now: Timestamp, earliest: Option<Timestamp>) {
        self.sweeps.push_back(now);
        if self.sweeps.len() <= BEHIND {
            return;
        }
        let Some(long_ago) = self.sweeps.pop_front() else { return };
        self.from = self.from.max(earliest.map_or(long_ago, |earliest| earliest.min(long_ago)));
        if let Err(error) = disk::replace(&self.file, &self.from.to_string()) {
            // The next start then looks a little further back.
            tracing::warn!(%error, "the watermark could not be kept");
        }
    }
}

/// Everything due from `from` until `until`.
async fn all_due<D: Duties>(duties: &D, from: Timestamp, until: Timestamp) -> Result<Vec<Due>, StoreError> {
    let mut look = Look::new(from, until, usize::MAX);
    while let Some((from, until, limit)) = look.next() {
        look.add(duties.due(from, until, limit).await?);
    }
    Ok(look.found())
}

/// Sweeps once. What is due in the next two minutes comes along, so that the queue has it in time.
async fn sweep<D: Duties>(
    duties: &D,
    queue: &DevQueue,
    now: Timestamp,
    mark: &mut Watermark,
) -> Result<(), StoreError> {
    let until = now.saturating_add(AHEAD).unwrap_or(now);
    let mut found = all_due(duties, mark.from(), until).await?;
    mark.swept(now, found.first().map(|due| due.at));
    found.extend(duties.held().await?.into_iter().map(|work| Due { at: now, work }));
    queue.leave_found(found);
    duties.swept(now, Some(mark.from())).await;
    Ok(())
}

/// Sweeps for ever. The `search` is over when the first sweep is.
pub(crate) async fn keep_sweeping<D: Duties>(
    duties: D,
    queue: DevQueue,
    clock: DevClock,
    mut mark: Watermark,
    search: Search,
) {
    let mut minutes = tokio::time::interval(EVERY);
    let mut search = Some(search);
    loop {
        minutes.tick().await;
        match sweep(&duties, &queue, clock.now(), &mut mark).await {
            Ok(()) => drop(search.take()),
            Err(error) => tracing::warn!(%error, "the sweep will be repeated"),
        }
    }
}

/// Settles what a process that died was sending: such a run is due when its claim has run out, soon after now.
pub(crate) async fn recover<D: Duties>(duties: &D, from: Timestamp, now: Timestamp) {
    let until = now.saturating_add(CLAIMS).unwrap_or(now);
    let found = match all_due(duties, from, until).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "claims of the last process are settled when they have run out");
            return;
        }
    };
    let runs = found.into_iter().filter_map(|due| match due.work {
        Work::Run { run } => Some(run),
        Work::Event { .. } | Work::Contact { .. } | Work::Task { .. } | Work::Resume { .. } => None,
    });
    // One that fails is looked at again when its claim has run out.
    stream::iter(runs)
        .for_each_concurrent(AT_ONCE, async |run| {
            // What is not settled now is found again by the sweep when its time comes.
            let _settled = duties.recover(run).await;
        })
        .await;
}

/// Why the clock was not moved all the way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMoved {
    /// The store could not say what is due.
    #[error("the store could not say what is due on the way")]
    Store(#[from] StoreError),
    /// The new time could not be kept.
    #[error("the new time could not be kept")]
    Disk(#[from] std::io::Error),
}

/// Moves the clock to `target`, stopping at each thing that falls due on the way, in order, until it is done.
///
/// # Errors
/// Where the store or the disk fails; the clock is then where it came to.
pub(crate) async fn travel<D: Duties>(
    duties: &D,
    queue: &DevQueue,
    clock: &DevClock,
    target: Timestamp,
) -> Result<(), NotMoved> {
    loop {
        queue.settled().await;
        let now = clock.now();
        if now >= target {
            duties.swept(now, None).await;
            return Ok(());
        }
        // What the queue does not know, because it was left by an earlier process, lies before what it knows, or not.
        let horizon = queue.next_at().map_or(target, |next| next.min(target));
        let from = now.saturating_add(SignedDuration::from_millis(1)).unwrap_or(now);
        // All of it: of what is due at one moment, however much that is, nothing may be passed by.
        queue.leave_found(all_due(duties, from, horizon.max(from)).await?);
        let next = queue.next_at().map_or(target, |next| next.min(target));
        queue.move_clock_when_idle(next)?;
    }
}
