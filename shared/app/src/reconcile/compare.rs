//! What can be said of numbers that move while they are compared.
//!
//! A row (a version's numbers of all time, or of an hour) that stayed the same from before the first run was read until some time
//! after the last was read is compared with the runs: none of them can have moved in it meanwhile. A row of an hour that did move
//! is left for another day, as few of them are. The row of all time of a busy workflow never rests; it is compared with the rows of
//! its hours, of which it is the sum, and with the law, at three moments: what differs by as much at each of them is wrong. It is
//! told, and put right only once it rests: of two sides that contradict each other nobody can say which is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::ids::WorkflowId;
use carepath_engine::report::{Cell, Counter, Tally, What};
use carepath_engine::run::Place;

use super::{Difference, EARLIER, Reconciled, Sums, Unlawful};
use crate::App;
use crate::error::UseError;
use crate::ports::{Ports, Reports};
use crate::report::named;

/// How many differences of a workflow are told; all are counted.
pub(super) const MOST: usize = 200;

/// What is summed up for a comparison: the hours before the first that is looked at by itself stand as one.
pub(super) fn coarse(tally: &Tally, fine_from: i64) -> Tally {
    let mut found = Tally::default();
    for (cell, count) in tally.iter() {
        let hour = cell.hour.map(|hour| if hour < fine_from { EARLIER } else { hour });
        found.add_to(Cell { hour, ..cell.clone() }, count);
    }
    found
}

type Row = (u32, Option<i64>);

/// The rows in which something changed.
fn moved(first: &Tally, now: &Tally) -> BTreeSet<Row> {
    let mut differs = now.clone();
    differs.add(first, -1);
    differs.iter().map(|(cell, _)| (cell.version, cell.hour)).collect()
}

/// The numbers of all time as those of the hours and the law say them.
fn derived(kept: &Tally) -> Tally {
    let mut sums = Tally::default();
    for (cell, count) in kept.iter().filter(|(cell, _)| cell.hour.is_some()) {
        sums.add_to(Cell { hour: None, ..cell.clone() }, count);
    }
    let mut here: BTreeMap<(u32, Place), i64> = BTreeMap::new();
    for (cell, count) in sums.iter() {
        let times = match cell.counter.what {
            What::Entered | What::Arrived => 1,
            What::MovedOn(_) | What::Ended(_) => -1,
            What::Waiting
            | What::Sent
            | What::Skipped(_)
            | What::Failed(_)
            | What::Unknown
            | What::Delivered
            | What::Bounced
            | What::Complained
            | What::Unsubscribed
            | What::Opened(_)
            | What::Clicked(_)
            | What::Link(_) => continue,
        };
        *here.entry((cell.version, cell.counter.place)).or_default() += times * count;
    }
    for ((version, place), count) in here {
        sums.add_to(Cell { version, hour: None, counter: Counter { place, what: What::Waiting } }, count);
    }
    sums
}

fn of_all_time(kept: &Tally) -> Tally {
    let mut differs = kept.clone().only(|cell| cell.hour.is_none());
    differs.add(&derived(kept), -1);
    differs
}

/// By how much what is kept differs, as far as it can be judged; and which rows moved.
pub(super) fn differences(sums: &Sums, kept: &Tally) -> (Tally, BTreeSet<Row>) {
    let moved = moved(&sums.first, kept);
    let mut found = kept.clone();
    found.add(&sums.counted, -1);
    let mut found = found.only(|cell| !moved.contains(&(cell.version, cell.hour)));
    if moved.iter().any(|(_, hour)| hour.is_none()) {
        // Where it is an hour that is wrong, all time is right to contradict it.
        let wrong = found.clone().only(|cell| cell.hour.is_some());
        let at = |kept: &Tally| {
            let mut right = kept.clone();
            right.add(&wrong, -1);
            of_all_time(&right)
        };
        let before = at(&sums.first);
        for (cell, by) in at(kept).iter() {
            if moved.contains(&(cell.version, None)) && before.get(cell) == by {
                found.add_to(cell.clone(), by);
            }
        }
    }
    (found, moved)
}

/// Looks at a workflow, and puts right what differs by as much as `before` found.
pub(super) async fn look<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    sums: &Sums,
    (fine_from, before, repair): (i64, Option<&Reconciled>, bool),
) -> Result<Reconciled, UseError> {
    let names = versions(app, id).await?;
    let name = |version: u32, place: Place| {
        names.get(&version).map_or_else(|| "?".to_owned(), |version| named(version, place).0.to_owned())
    };
    let unlawful = sums.counted.broken().into_iter().take(MOST).map(|broken| Unlawful {
        version: broken.version,
        step: broken.place.map(|place| name(broken.version, place)),
        what: broken.to_string(),
    });
    let mut found = Reconciled {
        workflow: id.clone(),
        runs: sums.runs,
        kept: false,
        quiet: true,
        unlawful: unlawful.collect(),
        differences: Vec::new(),
        differing: 0,
        stays: 0,
        mended: 0,
    };
    let reports = app.ports.reports();
    let Some(kept) = reports.kept(id).await? else { return Ok(found) };
    let kept = coarse(&kept, fine_from);
    let (mut differ, moved) = differences(sums, &kept);
    (found.kept, found.quiet) = (true, moved.is_empty());
    if let Some(before) = before {
        differ = as_before(&differ, before);
    }
    if repair {
        // What moves contradicts itself, and nobody can say which side is wrong; nor which of the hours that stand as one.
        let rests = |cell: &Cell| cell.hour != Some(EARLIER) && !moved.contains(&(cell.version, cell.hour));
        let mut by = Tally::default();
        for (cell, count) in differ.iter().filter(|(cell, _)| rests(cell)) {
            by.add_to(cell.clone(), -count);
        }
        if !by.is_empty() {
            tracing::warn!(workflow = %id, numbers = by.iter().count(), "numbers of reports are put right");
            // Should this process die in the middle, the rows that it wrote have moved, and nobody writes them again.
            reports.mend(id, &by).await?;
            found.mended = by.iter().count() as u64;
            differ = differ.only(|cell| !rests(cell));
        }
    }
    found.differing = differ.iter().count() as u64;
    let told = differ.iter().take(MOST).map(|(cell, by)| Difference {
        version: cell.version,
        hour: cell.hour,
        step: name(cell.version, cell.counter.place),
        counter: cell.counter.to_string(),
        kept: kept.get(cell),
        counted: kept.get(cell) - by,
    });
    found.differences = told.collect();
    Ok(found)
}

/// Of some differences those that a look before found as well, by as much.
fn as_before(differ: &Tally, before: &Reconciled) -> Tally {
    let seen: BTreeMap<(u32, Option<i64>, &str), i64> = before
        .differences
        .iter()
        .map(|seen| ((seen.version, seen.hour, &*seen.counter), seen.kept - seen.counted))
        .collect();
    let mut same = Tally::default();
    for (cell, by) in differ.iter() {
        if seen.get(&(cell.version, cell.hour, &*cell.counter.to_string())) == Some(&by) {
            same.add_to(cell.clone(), by);
        }
    }
    same
}

async fn versions<P: Ports>(app: &App<P>, id: &WorkflowId) -> Result<BTreeMap<u32, Arc<Version>>, UseError> {
    let latest = match crate::workflows::get(app, id).await {
        Ok(stored) => stored.value.latest,
        // Deleted since; its numbers have no names any more.
        Err(UseError::NotFound { .. }) => 0,
        Err(error) => return Err(error),
    };
    let mut versions = BTreeMap::new();
    for number in 1..=latest {
        versions.extend(app.catalog.version(app.store(), id, number).await?.map(|version| (number, version)));
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[(Option<i64>, &str, i64)]) -> Tally {
        let mut tally = Tally::default();
        for (hour, counter, count) in numbers {
            let counter = counter.parse().unwrap_or_else(|_| unreachable!("{counter} is a counter"));
            tally.add_to(Cell { version: 1, hour: *hour, counter }, *count);
        }
        tally
    }

    /// S22: what moves while the runs are read is no difference.
    #[test]
    fn a_row_that_moved_is_not_taken_for_wrong() {
        let first = tally(&[(None, "0.n", 4), (Some(9), "0.n", 4), (None, "0.w", 4)]);
        let kept = tally(&[(None, "0.n", 6), (Some(9), "0.n", 4), (Some(10), "0.n", 2), (None, "0.w", 6)]);
        let counted = tally(&[(None, "0.n", 5), (Some(9), "0.n", 4), (Some(10), "0.n", 1), (None, "0.w", 5)]);
        let (found, moved) = differences(&Sums { first, counted, runs: 5 }, &kept);
        assert!(found.is_empty() && moved.len() == 2, "{found:?}");
    }

    /// S22: a number of all time that is wrong is found though its row never rests, and so is one of an hour that rests.
    #[test]
    fn what_is_wrong_is_found_in_the_midst_of_what_moves() {
        let first = tally(&[(None, "0.n", 7), (Some(8), "0.s", 1), (Some(9), "0.n", 4), (None, "0.w", 4)]);
        let kept = tally(&[
            (None, "0.n", 9),
            (Some(8), "0.s", 1),
            (Some(9), "0.n", 4),
            (Some(10), "0.n", 2),
            (None, "0.w", 6),
        ]);
        let counted = tally(&[(None, "0.n", 5), (Some(9), "0.n", 4), (Some(10), "0.n", 1), (None, "0.w", 5)]);
        let (found, moved) = differences(&Sums { first, counted, runs: 5 }, &kept);
        assert_eq!(moved, BTreeSet::from([(1, None), (1, Some(10))]));
        assert_eq!(found, tally(&[(None, "0.n", 3), (Some(8), "0.s", 1)]));
    }
}
