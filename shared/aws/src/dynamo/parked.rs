//! Work that no trial can do: set down under a partition of its own, and put back from there.
//!
//! The item itself stays as it is: only its place in the index changes. Put back, it is due at that moment: where it was
//! may lie so far back that no sweep looks there any more. Whatever writes the item anew takes it up again, since it writes
//! the place in the index too.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Commit, Page, Parked, StoreError, Work};
use jiff::Timestamp;

use super::error::{self, Cause, never};
use super::items::{self, Item};
use super::{Inner, commit, due, keys, runs};

const PARK: &str = "park work";
const REDRIVE: &str = "redrive parked work";

fn table(store: &Inner, of_runs: bool) -> &str {
    if of_runs { &store.runs } else { &store.contacts }
}

pub(super) async fn revision(store: &Inner, work: &Work) -> Result<Option<u64>, StoreError> {
    let Some((pk, sk, of_runs)) = keys::item_of(work) else { return Ok(None) };
    let found = commit::get(store, "read a revision", table(store, of_runs), (&pk, &sk)).await?;
    Ok(found.as_ref().and_then(items::revision))
}

pub(super) async fn park(
    store: &Inner,
    work: &Work,
    code: &'static str,
    seen: u64,
    now: Timestamp,
) -> Result<Commit, StoreError> {
    let Some((pk, sk, of_runs)) = keys::item_of(work) else {
        return Err(never(PARK, Cause::Refused("it is about no item")));
    };
    let place = keys::moment(keys::millis(now), &format!("{pk}#{sk}"));
    let values = Item::from([
        (":parked".to_owned(), items::text(keys::PARKED)),
        (":place".to_owned(), items::text(place)),
        (":code".to_owned(), items::text(code)),
        (":seen".to_owned(), items::number(seen)),
    ]);
    let ways =
        ("SET dpk = :parked, dsk = :place, fc = :code", "v = :seen AND attribute_exists(dpk) AND dpk <> :parked");
    let moved = update(store, PARK, (table(store, of_runs), &pk, &sk), ways, values).await?;
    Ok(if moved { Commit::Applied } else { Commit::LostRace })
}

pub(super) async fn redrive(store: &Inner, work: &Work, now: Timestamp) -> Result<bool, StoreError> {
    let Some((pk, sk, of_runs)) = keys::item_of(work) else { return Ok(false) };
    let (bucket, place) = keys::due(&pk, &sk, now, store.options.shards);
    let values = Item::from([
        (":parked".to_owned(), items::text(keys::PARKED)),
        (":bucket".to_owned(), items::text(bucket)),
        (":place".to_owned(), items::text(place)),
    ]);
    let ways = ("SET dpk = :bucket, dsk = :place REMOVE fc", "dpk = :parked");
    update(store, REDRIVE, (table(store, of_runs), &pk, &sk), ways, values).await
}

/// Moves an item in the index, and says whether its condition held. In doubt it is done again: that does no harm.
async fn update(
    store: &Inner,
    what: &'static str,
    (table, pk, sk): (&str, &str, &str),
    (update, condition): (&str, &str),
    values: Item,
) -> Result<bool, StoreError> {
    let answer = store
        .client
        .update_item()
        .table_name(table)
        .set_key(Some(items::key(pk, sk)))
        .update_expression(update)
        .condition_expression(condition)
        .set_expression_attribute_values(Some(values))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    match answer {
        Ok(done) => {
            store.usage.write(what, done.consumed_capacity());
            Ok(true)
        }
        Err(failure) => {
            store.usage.write(what, None);
            let said = failure.as_service_error();
            if said.is_some_and(|said| commit::is(said, "ConditionalCheckFailedException")) {
                return Ok(false);
            }
            Err(error::read(what, &failure))
        }
    }
}

pub(super) async fn parked(store: &Inner, limit: usize, cursor: Option<&str>) -> Result<Page<Parked>, StoreError> {
    const WHAT: &str = "list what is parked";
    let limit = limit.clamp(1, runs::MOST_KEYS);
    let mut found: Vec<(String, Item, bool)> = Vec::new();
    for of_runs in [true, false] {
        let name = (table(store, of_runs), WHAT);
        for item in due::after(store, due::DUE, name, keys::PARKED, (cursor, limit)).await? {
            found.push((items::string(&item, "dsk").unwrap_or_default().to_owned(), item, of_runs));
        }
    }
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(dsk, ..)| keys::cursor(dsk));
    let codes = codes(store, WHAT, &found).await?;
    let items = found.iter().filter_map(|(dsk, item, _)| {
        let (pk, sk) = (items::string(item, "pk")?, items::string(item, "sk")?);
        let code = codes.get(&(pk.to_owned(), sk.to_owned()))?.clone();
        Some(Parked { work: keys::work(pk, sk)?, since: keys::time_of(dsk)?, code })
    });
    Ok(Page { items: items.collect(), next })
}

/// The codes of items, by their keys; those that are no longer parked have none.
async fn codes(
    store: &Inner,
    what: &'static str,
    found: &[(String, Item, bool)],
) -> Result<HashMap<(String, String), String>, StoreError> {
    let mut wanted: HashMap<String, Vec<Item>> = HashMap::new();
    for (_, item, of_runs) in found {
        let (Some(pk), Some(sk)) = (items::string(item, "pk"), items::string(item, "sk")) else { continue };
        wanted.entry(table(store, *of_runs).to_owned()).or_default().push(items::key(pk, sk));
    }
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let read = runs::batch_get(store, what, wanted).await?;
    let codes = read.iter().filter_map(|item| {
        let own = (items::string(item, "pk")?.to_owned(), items::string(item, "sk")?.to_owned());
        Some((own, items::string(item, "fc")?.to_owned()))
    });
    Ok(codes.collect())
}

pub(super) async fn count(store: &Inner) -> Result<u64, StoreError> {
    let mut count = 0;
    for table in [&store.runs, &store.contacts] {
        count += runs::count(store, "count what is parked", (table, Some("due")), ("dpk", keys::PARKED)).await?;
    }
    Ok(count)
}
