//! Reading runs, and many items at once.

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity, Select};
use carepath_app::ports::{Health, Page, Retry, StoreError, Wanted};
use carepath_engine::contact::Contact;
use carepath_engine::ids::{ContactKey, RunId};
use carepath_engine::run::Run;
use std::collections::HashMap;

use super::error::{self, Cause, error, never};
use super::items::{self, Item};
use super::{Inner, due, keys, parked};

/// `DynamoDB`'s limit of a batch.
pub(super) const MOST_KEYS: usize = 100;
/// What a page of a scan looks at: without a limit, dynoxide reads the whole table for each megabyte of it.
const PAGE: i32 = 1_000;
/// How often keys that a batch left over are asked for again at once.
const BATCH_TRIES: usize = 5;

pub(super) async fn run_and_contact(store: &Inner, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
    const WHAT: &str = "read a run";
    let contact = id.contact();
    let wanted = HashMap::from([
        (store.runs.clone(), vec![items::key(contact.as_str(), id.as_str())]),
        (store.contacts.clone(), vec![items::key(contact.as_str(), keys::CONTACT)]),
    ]);
    let found = batch_get(store, WHAT, wanted).await?;
    let run = found.iter().find(|item| items::string(item, "sk") == Some(id.as_str()));
    let contact = found.iter().find(|item| items::string(item, "sk") == Some(keys::CONTACT));
    Ok((
        run.map(|item| items::read_run(WHAT, item)).transpose()?,
        contact.map(|item| items::read_contact(WHAT, item)).transpose()?,
    ))
}

pub(super) async fn runs_of(store: &Inner, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
    const WHAT: &str = "read the runs of a contact";
    let found = query_all(store, WHAT, &store.runs, key.as_str(), None).await?;
    let mut runs = found.iter().map(|item| items::read_run(WHAT, item)).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|a, b| (a.entry.at, &a.id).cmp(&(b.entry.at, &b.id)));
    Ok(runs)
}

/// All items of a partition, consistently; those whose sort key starts so, where that is given.
pub(super) async fn query_all(
    store: &Inner,
    what: &'static str,
    table: &str,
    pk: &str,
    starts: Option<&str>,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::new();
    let mut start = None;
    loop {
        let mut query = store
            .client
            .query()
            .table_name(table)
            .consistent_read(true)
            .expression_attribute_values(":pk", items::text(pk))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(start);
        query = match starts {
            Some(starts) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", items::text(starts)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let answer = query.send().await.map_err(|failure| error::read(what, &failure))?;
        store.usage.read(what, answer.consumed_capacity());
        found.extend(answer.items.unwrap_or_default());
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            return Ok(found);
        }
    }
}

/// How many items a partition of a table, or of one of its indexes, has. The table is asked consistently; an index cannot be.
pub(super) async fn count(
    store: &Inner,
    what: &'static str,
    (table, index): (&str, Option<&str>),
    (name, pk): (&str, &str),
) -> Result<u64, StoreError> {
    let (mut count, mut start) = (0, None);
    loop {
        let answer = store
            .client
            .query()
            .table_name(table)
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression(format!("{name} = :pk"))
            .expression_attribute_values(":pk", items::text(pk))
            .select(Select::Count)
            .consistent_read(index.is_none())
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|failure| error::read(what, &failure))?;
        store.usage.read(what, answer.consumed_capacity());
        count += u64::try_from(answer.count()).unwrap_or_default();
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            return Ok(count);
        }
    }
}

/// Runs with a send of which nobody knows, the longest first.
pub(super) async fn unknown(store: &Inner, limit: usize, cursor: Option<&str>) -> Result<Page<Run>, StoreError> {
    const WHAT: &str = "list the unknown sends";
    let limit = limit.clamp(1, MOST_KEYS);
    let table = (&*store.runs, WHAT);
    let found = due::after(store, due::UNKNOWN, table, keys::UNKNOWN, (cursor, limit)).await?;
    let next = found.get(limit - 1).and_then(|item| items::string(item, "usk")).map(keys::cursor);
    let wanted: Vec<Item> = found
        .iter()
        .filter_map(|item| Some(items::key(items::string(item, "pk")?, items::string(item, "sk")?)))
        .collect();
    if wanted.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let read = batch_get(store, WHAT, HashMap::from([(store.runs.clone(), wanted)])).await?;
    // The index may lag behind: what was settled meanwhile is none any more.
    let mut runs: Vec<(String, Run)> = Vec::new();
    for item in read.iter().filter(|item| item.contains_key("usk")) {
        runs.push((items::string(item, "usk").unwrap_or_default().to_owned(), items::read_run(WHAT, item)?));
    }
    runs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Page { items: runs.into_iter().map(|(_, run)| run).collect(), next })
}

/// Several runs.
pub(super) async fn several(store: &Inner, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
    const WHAT: &str = "read several runs";
    let mut runs = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_KEYS) {
        let keys = ids.iter().map(|id| items::key(id.contact().as_str(), id.as_str())).collect();
        let found = batch_get(store, WHAT, HashMap::from([(store.runs.clone(), keys)])).await?;
        for item in &found {
            runs.push(items::read_run(WHAT, item)?);
        }
    }
    Ok(runs)
}

/// The runs that are wanted among the next `looked_at` runs of the table.
pub(super) async fn that(
    store: &Inner,
    wanted: Wanted<'_>,
    looked_at: usize,
    cursor: Option<&str>,
) -> Result<Page<Run>, StoreError> {
    const WHAT: &str = "look through the runs";
    let mut start = match cursor.map(str::parse::<RunId>) {
        None => None,
        Some(Ok(last)) => Some(items::key(last.contact().as_str(), last.as_str())),
        Some(Err(_)) => return Err(never(WHAT, Cause::Refused("the cursor is not the id of a run"))),
    };
    let (mut items, mut left) = (Vec::new(), i32::try_from(looked_at.max(1)).unwrap_or(i32::MAX));
    while left > 0 {
        let answer = store
            .client
            .scan()
            .table_name(&store.runs)
            .set_filter_expression(wanted.live.then(|| "st <> :ended".to_owned()))
            .set_expression_attribute_values(wanted.live.then(ended))
            .limit(left.min(PAGE))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|failure| error::read(WHAT, &failure))?;
        store.usage.read(WHAT, answer.consumed_capacity());
        left -= answer.scanned_count().max(1);
        // One that cannot be read cannot be told to be of this workflow either; it is parked when its time comes.
        items.extend(answer.items().iter().filter_map(|item| items::read_run(WHAT, item).ok()));
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            break;
        }
    }
    items.retain(|run: &Run| wanted.fits(run));
    let next = start.as_ref().and_then(|key| items::string(key, "sk")).map(str::to_owned);
    Ok(Page { items, next })
}

fn ended() -> Item {
    Item::from([(":ended".to_owned(), items::text(items::ENDED))])
}

/// Counts how the runs stand, by the few attributes that say so.
pub(super) async fn health(store: &Inner) -> Result<Health, StoreError> {
    const WHAT: &str = "count how the runs stand";
    let (mut health, mut start) = (Health::default(), None);
    loop {
        let answer = store
            .client
            .scan()
            .table_name(&store.runs)
            .projection_expression("st, dpk, un")
            .limit(PAGE)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|failure| error::read(WHAT, &failure))?;
        store.usage.read(WHAT, answer.consumed_capacity());
        for item in answer.items() {
            let live = items::string(item, "st") != Some(items::ENDED);
            health.live += u64::from(live);
            health.without_wakeup += u64::from(live && !item.contains_key("dpk"));
            health.unknown += items::count(item, "un");
        }
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            break;
        }
    }
    health.parked = parked::count(store).await?;
    Ok(health)
}

/// Several items of any tables, consistently, in no order.
pub(super) async fn batch_get(
    store: &Inner,
    what: &'static str,
    wanted: HashMap<String, Vec<Item>>,
) -> Result<Vec<Item>, StoreError> {
    if let Some(together) = &store.together
        && let Some(found) = together.read(&wanted).await
    {
        return Ok(found);
    }
    let mut request = HashMap::new();
    for (table, keys) in wanted {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        request.insert(table, keys.map_err(|_| never(what, Cause::Refused("a request could not be built")))?);
    }
    let mut found = Vec::new();
    for _ in 0..BATCH_TRIES {
        let answer = store
            .client
            .batch_get_item()
            .set_request_items(Some(request))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|failure| error::read(what, &failure))?;
        store.usage.read(what, answer.consumed_capacity());
        found.extend(answer.responses.unwrap_or_default().into_values().flatten());
        request = answer.unprocessed_keys.unwrap_or_default();
        if request.is_empty() {
            return Ok(found);
        }
    }
    Err(error(what, Retry::After(None), Cause::Answered("keys that it had no time for".to_owned())))
}
