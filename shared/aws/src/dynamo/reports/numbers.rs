//! Numbers: added once, whatever comes again.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use carepath_app::ports::{Commit, Period, Retry, StoreError};
use carepath_app::project::{Row, Sequence};
use carepath_engine::ids::WorkflowId;
use carepath_engine::report::{Cell, Tally};
use jiff::{SignedDuration, Timestamp};

use super::super::commit::{self, Written};
use super::super::error::{self, Cause, error, never};
use super::super::items::{self, Item};
use super::super::{Inner, runs};

/// After so long nothing more is added to a row: a stream keeps its changes for a day.
const SILENT: SignedDuration = SignedDuration::from_hours(48);
/// The shard of what was drawn together.
const TOGETHER: &str = "-";
/// The last change of the shard that is in a row.
const SEQUENCE: &str = "sq";
/// When that was made, in seconds since 1970.
const TOUCHED: &str = "ts";
/// How many more names one expression has room for: its text may come to 4 KB.
const NAMES: usize = 200;

pub(super) fn gone() -> StoreError {
    error("read the numbers of a workflow", Retry::After(None), Cause::NoAnswer("whoever asked is gone"))
}

fn partition(workflow: &WorkflowId) -> String {
    format!("C#{workflow}")
}

/// What the sort keys of a version's rows of all time begin with. Ten digits keep them in the order of their numbers.
fn of_version(version: u32) -> String {
    format!("T#{version:010}#")
}

fn of_hour(hour: i64) -> String {
    format!("H#{:012}#", hour.max(0))
}

/// What the sort keys of a row begin with; its shard follows.
fn of_row(hour: Option<i64>, version: u32) -> String {
    hour.map_or_else(|| of_version(version), |hour| format!("{}{version:010}#", of_hour(hour)))
}

/// The hour, the version and the shard in a sort key.
fn parts(sk: &str) -> Option<(Option<i64>, u32, &str)> {
    let (hour, rest) = match sk.split_once('#')? {
        ("T", rest) => (None, rest),
        ("H", rest) => {
            let (hour, rest) = rest.split_once('#')?;
            (Some(hour.parse().ok()?), rest)
        }
        _ => return None,
    };
    let (version, shard) = rest.split_once('#')?;
    Some((hour, version.parse().ok()?, shard))
}

/// Adds what is in a row to a tally.
fn read(tally: &mut Tally, row: &Item) -> Option<()> {
    let (hour, version, _) = parts(items::string(row, "sk")?)?;
    for (name, value) in row {
        let Ok(counter) = name.parse() else { continue };
        let count = value.as_n().ok()?.parse().ok()?;
        tally.add_to(Cell { version, hour, counter }, count);
    }
    Some(())
}

fn sum(rows: &[Item]) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for row in rows {
        read(&mut tally, row)
            .ok_or_else(|| never("read the numbers of a workflow", Cause::Item("it is no row of numbers")))?;
    }
    Ok(tally)
}

pub(super) async fn all(store: &Inner, workflow: &WorkflowId) -> Result<Tally, StoreError> {
    sum(&rows(store, workflow, None).await?)
}

async fn rows(store: &Inner, workflow: &WorkflowId, starts: Option<&str>) -> Result<Vec<Item>, StoreError> {
    const WHAT: &str = "read the numbers of a workflow";
    runs::query_all(store, WHAT, &store.reports, &partition(workflow), starts).await
}

pub(super) async fn of_all_time(
    store: &Inner,
    workflow: &WorkflowId,
    version: Option<u32>,
) -> Result<Tally, StoreError> {
    let starts = version.map_or_else(|| "T#".to_owned(), of_version);
    sum(&rows(store, workflow, Some(&starts)).await?)
}

/// The numbers of the hours of a period, of all versions.
pub(super) async fn of_hours(store: &Inner, workflow: &WorkflowId, period: Period) -> Result<Tally, StoreError> {
    const WHAT: &str = "read the numbers of some hours";
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let answer = store
            .client
            .query()
            .table_name(&store.reports)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", items::text(partition(workflow)))
            .expression_attribute_values(":from", items::text(of_hour(period.from)))
            .expression_attribute_values(":to", items::text(of_hour(period.to)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|failure| error::read(WHAT, &failure))?;
        store.usage.read(WHAT, answer.consumed_capacity());
        found.extend(answer.items.unwrap_or_default());
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            return sum(&found);
        }
    }
}

/// An update that adds to a row, without its condition.
#[derive(Default)]
struct Adding {
    sets: Vec<&'static str>,
    adds: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Adding {
    fn set(&mut self, set: &'static str, name: &str, value: AttributeValue) {
        self.sets.push(set);
        self.values.insert(name.to_owned(), value);
    }

    fn add(&mut self, counter: &str, count: i64) {
        let nth = self.names.len();
        self.names.insert(format!("#{nth}"), counter.to_owned());
        self.values.insert(format!(":{nth}"), AttributeValue::N(count.to_string()));
        self.adds.push(format!("#{nth} :{nth}"));
    }

    fn expression(&self) -> String {
        let mut expression = String::new();
        if !self.sets.is_empty() {
            expression.push_str("SET ");
            expression.push_str(&self.sets.join(", "));
        }
        if !self.adds.is_empty() {
            expression.push_str(" ADD ");
            expression.push_str(&self.adds.join(", "));
        }
        expression
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }
}

/// Adds what is not in the row yet. The row says itself up to which change it has everything, so it is asked for that only
/// where it refuses: the plain way is one write.
pub(super) async fn count(
    store: &Inner,
    row: &Row,
    shard: &str,
    changes: &[(Sequence, Tally)],
    at: Timestamp,
) -> Result<(), StoreError> {
    const WHAT: &str = "count what happened";
    let key = items::key(&partition(&row.workflow), &format!("{}{shard}", of_row(row.hour, row.version)));
    let mut left = changes;
    while let (Some((first, _)), Some((last, _))) = (left.first(), left.last()) {
        // What does not fit into one write is written in several, each with its own last change.
        let (now, last) = portion(left).unwrap_or((left, last));
        let mut sums = Tally::default();
        for (_, tally) in now {
            sums.add(tally, 1);
        }
        let mut adding = Adding::default();
        adding.set("sq = :sq", ":sq", items::text(last.as_str()));
        adding.set("ts = :ts", ":ts", AttributeValue::N(at.as_second().to_string()));
        adding.values.insert(":first".to_owned(), items::text(first.as_str()));
        for (cell, count) in sums.iter() {
            adding.add(&cell.counter.to_string(), count);
        }
        let answer = store
            .client
            .update_item()
            .table_name(&store.reports)
            .set_key(Some(key.clone()))
            .update_expression(adding.expression())
            .condition_expression("attribute_not_exists(sq) OR sq < :first")
            .set_expression_attribute_names(adding.names())
            .set_expression_attribute_values(Some(adding.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let failure = match answer {
            Ok(done) => {
                store.usage.write(WHAT, done.consumed_capacity());
                left = left.get(now.len()..).unwrap_or_default();
                continue;
            }
            Err(failure) => failure,
        };
        store.usage.write(WHAT, None);
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = failure.as_service_error() else {
            // In doubt it is done or not: the row knows, and whoever comes again asks it.
            return Err(error::read(WHAT, &failure));
        };
        let has = refused.item().and_then(|item| items::string(item, SEQUENCE)).and_then(Sequence::parse);
        let has = has.ok_or_else(|| never(WHAT, Cause::Item("it has no number of a change")))?;
        let known = left.iter().take_while(|(sequence, _)| *sequence <= has).count();
        if known == 0 {
            return Err(never(WHAT, Cause::Item("its number of a change is none")));
        }
        left = left.get(known..).unwrap_or_default();
    }
    Ok(())
}

/// The first changes that fit into one write, where not all of them do.
fn portion(changes: &[(Sequence, Tally)]) -> Option<(&[(Sequence, Tally)], &Sequence)> {
    let mut names = std::collections::BTreeSet::new();
    for (nth, (_, tally)) in changes.iter().enumerate() {
        names.extend(tally.iter().map(|(cell, _)| &cell.counter));
        if names.len() > NAMES && nth > 0 {
            return changes.split_at_checked(nth).and_then(|(now, _)| Some((now, &now.last()?.0)));
        }
    }
    None
}

/// Adds to the rows of what was drawn together.
pub(super) async fn mend(store: &Inner, workflow: &WorkflowId, by: &Tally) -> Result<(), StoreError> {
    const WHAT: &str = "put numbers right";
    let mut rows: std::collections::BTreeMap<String, Vec<(String, i64)>> = std::collections::BTreeMap::new();
    for (cell, count) in by.iter() {
        let sk = format!("{}{TOGETHER}", of_row(cell.hour, cell.version));
        rows.entry(sk).or_default().push((cell.counter.to_string(), count));
    }
    for (sk, counts) in rows {
        for some in counts.chunks(NAMES) {
            let mut adding = Adding::default();
            for (name, count) in some {
                adding.add(name, *count);
            }
            let answer = store
                .client
                .update_item()
                .table_name(&store.reports)
                .set_key(Some(items::key(&partition(workflow), &sk)))
                .update_expression(adding.expression())
                .set_expression_attribute_names(adding.names())
                .set_expression_attribute_values(Some(adding.values))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|failure| error::write(WHAT, &failure))?;
            store.usage.write(WHAT, answer.consumed_capacity());
        }
    }
    Ok(())
}

/// Draws together the rows of shards that are gone: each goes, and what is in it is added, in one transaction.
pub(super) async fn tidy(store: &Inner, workflow: &WorkflowId, now: Timestamp) -> Result<usize, StoreError> {
    let mut drawn = 0;
    for row in rows(store, workflow, None).await? {
        let touched = row.get(TOUCHED).and_then(|at| at.as_n().ok()?.parse().ok());
        let touched = touched.and_then(|at| Timestamp::from_second(at).ok());
        if touched.is_some_and(|at| now.duration_since(at) > SILENT) && draw(store, workflow, &row).await? {
            drawn += 1;
        }
    }
    Ok(drawn)
}

/// Whether it was done: not where something was added to the row after all.
async fn draw(store: &Inner, workflow: &WorkflowId, row: &Item) -> Result<bool, StoreError> {
    const WHAT: &str = "draw numbers together";
    let unfit = || never(WHAT, Cause::Item("it is no row of numbers"));
    let sk = items::string(row, "sk").ok_or_else(unfit)?;
    let (hour, version, _) = parts(sk).filter(|(_, _, shard)| *shard != TOGETHER).ok_or_else(unfit)?;
    let sequence = items::string(row, SEQUENCE).ok_or_else(unfit)?;
    let mut tally = Tally::default();
    read(&mut tally, row).ok_or_else(unfit)?;
    let unbuilt = |_| never(WHAT, Cause::Refused("a row could not be built"));
    let pk = partition(workflow);
    let delete = Delete::builder()
        .table_name(&store.reports)
        .set_key(Some(items::key(&pk, sk)))
        .condition_expression("sq = :sq")
        .expression_attribute_values(":sq", items::text(sequence))
        .build()
        .map_err(unbuilt)?;
    let mut actions = vec![TransactWriteItem::builder().delete(delete).build()];
    let mut adding = Adding::default();
    for (cell, count) in tally.iter() {
        adding.add(&cell.counter.to_string(), count);
    }
    if !adding.adds.is_empty() {
        let update = Update::builder()
            .table_name(&store.reports)
            .set_key(Some(items::key(&pk, &format!("{}{TOGETHER}", of_row(hour, version)))))
            .update_expression(adding.expression())
            .set_expression_attribute_names(adding.names())
            .set_expression_attribute_values(Some(adding.values))
            .build()
            .map_err(unbuilt)?;
        actions.push(TransactWriteItem::builder().update(update).build());
    }
    let token = uuid::Uuid::new_v4().to_string();
    match commit::write_all(store, WHAT, actions, &token).await? {
        Written::Answer(Commit::Applied | Commit::AlreadyApplied) => Ok(true),
        Written::Answer(Commit::LostRace) => Ok(false),
        // In doubt the row is gone, with everything in its place, or both are as before.
        Written::Failed(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::{of_hour, of_row, parts};

    #[test]
    fn a_sort_key_says_what_it_is_of() {
        for (hour, version) in [(None, 7), (Some(491_000), 12)] {
            assert_eq!(parts(&format!("{}shardId-1-a", of_row(hour, version))), Some((hour, version, "shardId-1-a")));
        }
        assert!(of_row(Some(9), 3) > of_hour(9) && of_row(Some(9), 3) < of_hour(10));
        assert!(parts("X#1#2").is_none() && parts("T#1").is_none());
    }
}
