//! What a stream of changes of runs adds to the numbers and the records that are kept of them (S22).
//!
//! Each change comes with the run before and after it, in the order of its shard, and under a number that grows. Changes may
//! come again, in other portions than before. Numbers are therefore added under a guard, row by row, and records of stays are
//! simply written as they are by the last change: written again they end the same.

use std::collections::BTreeMap;
use std::future::Future;

use carepath_engine::Run;
use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::{Tally, stays};
use carepath_engine::run::Place;
use carepath_engine::version::StepIndex;
use jiff::Timestamp;

use crate::ports::{Position, StayRecord, StoreError};

/// The number of a change within its shard. Numbers compare by value, however many digits they have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(String);

/// How many digits a number may have.
const DIGITS: usize = 40;

impl Sequence {
    /// A number as the stream writes it. `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self(format!("{text:0>DIGITS$}")))
    }

    /// As text that compares as the number does: always of the same length.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A change of a run.
#[derive(Debug, Clone)]
pub struct Moved {
    /// Its number.
    pub sequence: Sequence,
    /// When it was made.
    pub at: Timestamp,
    /// The run before it; `None` where there was none.
    pub before: Option<Run>,
    /// The run after it; `None` where it is gone.
    pub after: Option<Run>,
}

/// Numbers that are kept and guarded together: those of a version, of all time or of an hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The hour; `None` for all time.
    pub hour: Option<i64>,
    /// The version.
    pub version: u32,
}

/// What is written: once for a number, and again and again for a record.
pub trait Projection: Send + Sync + 'static {
    /// Adds to the numbers of a row what the changes come to that were not added to it before. The changes are of one shard, in
    /// order.
    fn count(
        &self,
        row: &Row,
        shard: &str,
        changes: &[(Sequence, Tally)],
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what is known of stays, over whatever was known.
    fn record(&self, stays: &[(Position, RunId, StayRecord)]) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Adds what changes of runs come to. They are of one shard, in order.
///
/// # Errors
/// What the store cannot do. All of it may be done again, in portions of any size.
pub async fn project<P: Projection>(to: &P, shard: &str, changes: &[Moved]) -> Result<(), StoreError> {
    let Some(last) = changes.last() else { return Ok(()) };
    to.record(&records(changes)).await?;
    for (row, changes) in &rows(changes) {
        to.count(row, shard, changes, last.at).await?;
    }
    Ok(())
}

/// By row, what each change adds to it.
fn rows(changes: &[Moved]) -> BTreeMap<Row, Vec<(Sequence, Tally)>> {
    let mut rows: BTreeMap<Row, Vec<(Sequence, Tally)>> = BTreeMap::new();
    for change in changes {
        let Some(run) = change.after.as_ref().or(change.before.as_ref()) else { continue };
        let tally = Tally::change(change.before.as_ref(), change.after.as_ref());
        for (cell, count) in tally.iter() {
            let row = Row { workflow: run.workflow.clone(), hour: cell.hour, version: cell.version };
            let of_row = rows.entry(row).or_default();
            if let Some((_, sum)) = of_row.last_mut().filter(|(sequence, _)| *sequence == change.sequence) {
                sum.add_to(cell.clone(), count);
            } else {
                let mut sum = Tally::default();
                sum.add_to(cell.clone(), count);
                of_row.push((change.sequence.clone(), sum));
            }
        }
    }
    rows
}

/// The stays of a run in steps, as they are recorded.
pub(crate) fn stays_of(run: &Run) -> Vec<(Position, RunId, StayRecord)> {
    let of =
        |((version, step), stay)| (Position { workflow: run.workflow.clone(), version, step }, run.id.clone(), stay);
    known(run).into_iter().map(of).collect()
}

type Known = BTreeMap<(u32, StepIndex), StayRecord>;

fn known(run: &Run) -> Known {
    let of = |stay: carepath_engine::report::Stay<'_>| match stay.place {
        Place::Step(step) => Some(((stay.version, step), StayRecord::of(&stay))),
        Place::Entry | Place::End => None,
    };
    stays(run).into_iter().filter_map(of).collect()
}

/// The stays that are others after the last change of their run than they were before its first.
fn records(changes: &[Moved]) -> Vec<(Position, RunId, StayRecord)> {
    let mut runs: BTreeMap<&RunId, (Option<&Run>, &Run)> = BTreeMap::new();
    for change in changes {
        if let Some(after) = &change.after {
            runs.entry(&after.id).or_insert((change.before.as_ref(), after)).1 = after;
        }
    }
    let mut records = Vec::new();
    for (id, (before, after)) in runs {
        let was = before.map(known).unwrap_or_default();
        for ((version, step), stay) in known(after) {
            if was.get(&(version, step)) != Some(&stay) {
                let at = Position { workflow: after.workflow.clone(), version, step };
                records.push((at, id.clone(), stay));
            }
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn numbers_compare_by_value() {
        let number = |text: &str| Sequence::parse(text).unwrap_or_else(|| unreachable!("{text} is a number"));
        assert!(number("999") < number("1000"));
        assert_eq!(number("007"), number("7"));
        assert!(Sequence::parse("").is_none() && Sequence::parse("1x").is_none() && Sequence::parse("-1").is_none());
        assert!(Sequence::parse(&"9".repeat(41)).is_none());
    }
}
