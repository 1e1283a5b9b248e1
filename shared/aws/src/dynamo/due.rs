//! The index of what is due, over both tables that have one.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Due, StoreError};
use carepath_engine::ids::{RunId, WorkflowId};
use jiff::Timestamp;

use super::error;
use super::items::{self, Item};
use super::{Inner, keys};

/// Beyond so many hours (more than two years) reading the whole sparse index is less than asking hour by hour.
const MOST_HOURS: i64 = 20_000;
/// What a page of the whole index looks at; its entries are keys, and small.
const PAGE: i32 = 5_000;
/// Beyond so many hours one page of the index is tried first: where it is all there is, no hour needs to be asked.
const FEW_HOURS: i64 = 48;

pub(super) async fn due(
    store: &Inner,
    from: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let (from, until) = (from.as_millisecond().max(0), until.as_millisecond());
    if until < from || limit == 0 {
        return Ok(Vec::new());
    }
    let (first, last) = (keys::hour(from), keys::hour(until));
    let (low, high) = (keys::moment(from, ""), keys::end_of(until));
    if last - first > FEW_HOURS {
        let pages = if last - first > MOST_HOURS { usize::MAX } else { 1 };
        if let Some(found) = scan(store, (&low, &high), pages).await? {
            return Ok(ordered(&found, limit));
        }
    }
    let mut due = Vec::new();
    for hour in first..=last {
        let mut found = Vec::new();
        for table in [&store.runs, &store.contacts] {
            for shard in 0..store.options.shards.max(1) {
                let bucket = keys::bucket(hour, shard);
                found
                    .extend(query(store, DUE, (table, "read what is due"), &bucket, Some((&low, &high)), limit).await?);
            }
        }
        due.extend(ordered(&found, limit - due.len()));
        if due.len() >= limit {
            break;
        }
    }
    Ok(due)
}

fn ordered(found: &[Item], limit: usize) -> Vec<Due> {
    let entries: BTreeMap<(String, String), Due> = found
        .iter()
        .filter_map(|item| {
            let (pk, sk, dsk) = (items::string(item, "pk")?, items::string(item, "sk")?, items::string(item, "dsk")?);
            let due = Due { at: keys::time_of(dsk)?, work: keys::work(pk, sk)? };
            Some(((dsk.to_owned(), pk.to_owned()), due))
        })
        .collect();
    entries.into_values().take(limit).collect()
}

pub(super) async fn paused(store: &Inner, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
    let bucket = keys::paused(workflow);
    let found = query(store, DUE, (&store.runs, "read the paused runs"), &bucket, None, limit).await?;
    Ok(found.iter().filter_map(|item| items::string(item, "sk")?.parse().ok()).collect())
}

/// A sparse index: its name, and the attributes of its keys.
pub(super) type Sparse = (&'static str, &'static str, &'static str);
/// What is due, and what is held or parked.
pub(super) const DUE: Sparse = ("due", "dpk", "dsk");
/// Runs with a send of which nobody knows.
pub(super) const UNKNOWN: Sparse = ("unknown", "upk", "usk");

/// What is in one partition of a sparse index after a cursor, in its order; at most `limit`.
pub(super) async fn after(
    store: &Inner,
    index: Sparse,
    what: (&str, &'static str),
    bucket: &str,
    (cursor, limit): (Option<&str>, usize),
) -> Result<Vec<Item>, StoreError> {
    // A space comes before all that a key is made of, and a colon after its digits.
    let low = cursor.map_or_else(|| "0".to_owned(), |cursor| format!("{} ", keys::from_cursor(cursor)));
    query(store, index, what, bucket, Some((&low, ":")), limit).await
}

async fn query(
    store: &Inner,
    (index, pk, sk): Sparse,
    (table, what): (&str, &'static str),
    bucket: &str,
    between: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    let mut start = None;
    while found.len() < limit {
        let mut query = store
            .client
            .query()
            .table_name(table)
            .index_name(index)
            .expression_attribute_values(":pk", items::text(bucket))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        query = match between {
            Some((low, high)) => query
                .key_condition_expression(format!("{pk} = :pk AND {sk} BETWEEN :low AND :high"))
                .expression_attribute_values(":low", items::text(low))
                .expression_attribute_values(":high", items::text(high)),
            None => query.key_condition_expression(format!("{pk} = :pk")),
        };
        let answer = query.send().await.map_err(|failure| error::read(what, &failure))?;
        store.usage.read(what, answer.consumed_capacity());
        found.extend(answer.items.unwrap_or_default());
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The whole of both indexes, unless one has more pages than `most`.
async fn scan(store: &Inner, (low, high): (&str, &str), most: usize) -> Result<Option<Vec<Item>>, StoreError> {
    const WHAT: &str = "read what is due";
    let mut found = Vec::new();
    for table in [&store.runs, &store.contacts] {
        let mut start = None;
        for page in 1.. {
            let answer = store
                .client
                .scan()
                .table_name(table)
                .index_name("due")
                .limit(PAGE)
                .filter_expression("begins_with(dpk, :timed) AND dsk BETWEEN :low AND :high")
                .expression_attribute_values(":timed", items::text(keys::TIMED))
                .expression_attribute_values(":low", items::text(low))
                .expression_attribute_values(":high", items::text(high))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|failure| error::read(WHAT, &failure))?;
            store.usage.read(WHAT, answer.consumed_capacity());
            found.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                break;
            }
            if page >= most {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}
