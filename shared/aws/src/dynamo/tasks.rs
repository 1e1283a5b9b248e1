//! Tasks: what is known of work between its steps.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Commit, Page, StoreError, Task};
use carepath_engine::ids::ContactKey;
use jiff::Timestamp;
use serde_json::Value;

use super::commit::{self, Guarded};
use super::error::{self, Cause, never};
use super::{Inner, items, keys};

pub(super) async fn task(store: &Inner, name: &str) -> Result<Option<Task>, StoreError> {
    const WHAT: &str = "read a task";
    let found = commit::get(store, WHAT, &store.contacts, (&keys::task(name), keys::TASK)).await?;
    let Some(item) = found else { return Ok(None) };
    let (body, revision) = items::payload(WHAT, &item)?;
    Ok(Some(Task { revision, body }))
}

pub(super) async fn put(
    store: &Inner,
    name: &str,
    body: &Value,
    (due, expect): (Option<Timestamp>, u64),
) -> Result<Commit, StoreError> {
    const WHAT: &str = "write a task";
    let writer = uuid::Uuid::new_v4().to_string();
    let pk = keys::task(name);
    let mut item = items::item(WHAT, (&pk, keys::TASK), body, expect + 1, &writer)?;
    if let Some(due) = due {
        items::index(&mut item, keys::due(&pk, keys::TASK, due, store.options.shards));
    }
    commit::put_one(store, WHAT, Guarded { table: &store.contacts, item, expect }, &writer).await
}

/// The keys of all contacts: every contact has an entry in the index of addresses, and nothing else has.
pub(super) async fn every_contact(
    store: &Inner,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<ContactKey>, StoreError> {
    const WHAT: &str = "list the contacts";
    let start = match cursor {
        None => None,
        Some(cursor) => {
            let (pk, address) = cursor
                .split_once(' ')
                .ok_or_else(|| never(WHAT, Cause::Refused("the cursor is none that a page gave out")))?;
            let mut key = items::key(pk, keys::CONTACT);
            key.insert("epk".to_owned(), items::text(address));
            Some(key)
        }
    };
    let answer = store
        .client
        .scan()
        .table_name(&store.contacts)
        .index_name("email")
        .set_exclusive_start_key(start)
        .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .map_err(|failure| error::read(WHAT, &failure))?;
    store.usage.read(WHAT, answer.consumed_capacity());
    let last = answer.last_evaluated_key().filter(|key| !key.is_empty());
    let next = last.and_then(|key| Some(format!("{} {}", items::string(key, "pk")?, items::string(key, "epk")?)));
    let keys = answer.items().iter().filter_map(|item| items::string(item, "pk")?.parse().ok()).collect();
    Ok(Page { items: keys, next })
}
