//! Conditional writes: one item by itself, several as a transaction, and what became of those without an answer.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use carepath_app::ports::{AddressChange, Change, Commit, Retry, StoreError};

use super::error::{self, Cause, error, never};
use super::items::{self, Item};
use super::{Inner, keys};

const WHAT: &str = "commit a change";
/// `DynamoDB`'s limit.
pub(super) const MOST_ACTIONS: usize = 100;
/// What a transaction says of an action whose condition does not hold.
pub(super) const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const VACANT: &str = "attribute_not_exists(pk)";
const AT_REVISION: &str = "v = :v";

/// An item to be written over one revision.
pub(super) struct Guarded<'a> {
    pub(super) table: &'a str,
    pub(super) item: Item,
    /// 0: only where there is none.
    pub(super) expect: u64,
}

pub(super) async fn commit(store: &Inner, change: &Change) -> Result<Commit, StoreError> {
    let writer = uuid::Uuid::new_v4().to_string();
    let mut guarded = Vec::with_capacity(change.runs.len() + 1);
    for run in &change.runs {
        let item = items::run(WHAT, run, &writer, store.options.shards)?;
        guarded.push(Guarded { table: &store.runs, item, expect: run.revision });
    }
    for told in &change.events {
        let item = items::event(WHAT, &told.key, &told.name, &told.event, (&writer, store.options.shards))?;
        guarded.push(Guarded { table: &store.contacts, item, expect: 0 });
    }
    let mut rows = Vec::new();
    if let Some(ours) = &change.contact {
        let way = (store.secret.get(), store.options.shards);
        let item = items::contact(WHAT, &ours.key, &ours.contact, &writer, way)?;
        guarded.push(Guarded { table: &store.contacts, item, expect: ours.contact.revision });
        if let Some(address) = &ours.address {
            rows.push(of_address(store, address, &writer)?);
        }
        for segment in &ours.entered {
            let row = items::key(&keys::segment(segment), ours.key.as_str());
            rows.push(put(Put::builder().table_name(&store.contacts).set_item(Some(row)))?);
        }
        for segment in &ours.left {
            rows.push(delete(store, items::key(&keys::segment(segment), ours.key.as_str()))?);
        }
    }
    if rows.is_empty() && guarded.len() <= 1 {
        let Some(only) = guarded.into_iter().next() else { return Ok(Commit::Applied) };
        return put_one(store, WHAT, only, &writer).await;
    }
    transact(store, WHAT, guarded, rows, &writer).await
}

/// Over whatever is there: an address is closed for one reason as well as for another, and open though it never was closed.
fn of_address(store: &Inner, address: &AddressChange, writer: &str) -> Result<TransactWriteItem, StoreError> {
    let key = keys::suppressed(&address.name);
    let Some(why) = &address.suppressed else { return delete(store, items::key(&key, keys::SUPPRESSED)) };
    let row = items::item(WHAT, (&key, keys::SUPPRESSED), why, 1, writer)?;
    put(Put::builder().table_name(&store.contacts).set_item(Some(row)))
}

fn delete(store: &Inner, row: Item) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(&store.contacts).set_key(Some(row)).build();
    let delete = delete.map_err(|_| never(WHAT, Cause::Refused("a row could not be built")))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

fn put(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, StoreError> {
    let put = put.build().map_err(|_| never(WHAT, Cause::Refused("an item could not be built")))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn condition(expect: u64) -> (&'static str, Option<Item>) {
    if expect == 0 {
        (VACANT, None)
    } else {
        (AT_REVISION, Some(Item::from([(":v".to_owned(), items::number(expect))])))
    }
}

/// An item as it is written.
fn written(store: &Inner, item: &Item) -> Item {
    if store.options.packs { items::packed(item.clone()) } else { item.clone() }
}

/// Writes one item over its revision.
pub(super) async fn put_one(
    store: &Inner,
    what: &'static str,
    guarded: Guarded<'_>,
    writer: &str,
) -> Result<Commit, StoreError> {
    if store.together.is_some() {
        let action = put_guarded(store, &guarded)?;
        if let Some(said) = with_others(store, what, &[action], (Some(&guarded), writer)).await {
            return said;
        }
    }
    let (condition, values) = condition(guarded.expect);
    let answer = store
        .client
        .put_item()
        .table_name(guarded.table)
        .set_item(Some(written(store, &guarded.item)))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    let failure = match answer {
        Ok(done) => {
            store.usage.write(what, done.consumed_capacity());
            return Ok(Commit::Applied);
        }
        Err(failure) => failure,
    };
    store.usage.write(what, None);
    if let Some(PutItemError::ConditionalCheckFailedException(failed)) = failure.as_service_error() {
        return Ok(lost_or_ours(failed.item(), writer));
    }
    settle(store, error::write(what, &failure), &guarded, writer).await
}

fn lost_or_ours(existing: Option<&Item>, writer: &str) -> Commit {
    if existing.and_then(|item| items::string(item, "w")) == Some(writer) {
        Commit::AlreadyApplied
    } else {
        Commit::LostRace
    }
}

fn put_guarded(store: &Inner, guarded: &Guarded<'_>) -> Result<TransactWriteItem, StoreError> {
    let (condition, values) = condition(guarded.expect);
    put(Put::builder()
        .table_name(guarded.table)
        .set_item(Some(written(store, &guarded.item)))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
}

/// Writes several items over their revisions, and whatever comes with them.
pub(super) async fn transact(
    store: &Inner,
    what: &'static str,
    guarded: Vec<Guarded<'_>>,
    with: Vec<TransactWriteItem>,
    writer: &str,
) -> Result<Commit, StoreError> {
    let mut actions = guarded.iter().map(|each| put_guarded(store, each)).collect::<Result<Vec<_>, _>>()?;
    actions.extend(with);
    let first = guarded.first();
    if let Some(said) = with_others(store, what, &actions, (first, writer)).await {
        return said;
    }
    let written = write_all(store, what, actions, writer).await?;
    conclude(store, written, (first, writer)).await
}

/// Writes in one request with whoever else writes now, where requests are shared. `None` where it has to go by itself.
async fn with_others(
    store: &Inner,
    what: &'static str,
    actions: &[TransactWriteItem],
    (first, writer): (Option<&Guarded<'_>>, &str),
) -> Option<Result<Commit, StoreError>> {
    let together = store.together.as_ref()?;
    let written = together.write(what, actions.to_vec(), writer).await?;
    Some(conclude(store, written, (first, writer)).await)
}

async fn conclude(
    store: &Inner,
    written: Written,
    (first, writer): (Option<&Guarded<'_>>, &str),
) -> Result<Commit, StoreError> {
    match (written, first) {
        (Written::Answer(commit), _) => Ok(commit),
        (Written::Failed(failure), Some(first)) => settle(store, failure, first, writer).await,
        (Written::Failed(failure), None) => Err(failure),
    }
}

/// What came of a transaction.
pub(super) enum Written {
    /// It is known.
    Answer(Commit),
    /// It is not, or it failed.
    Failed(StoreError),
}

pub(super) async fn write_all(
    store: &Inner,
    what: &'static str,
    actions: Vec<TransactWriteItem>,
    writer: &str,
) -> Result<Written, StoreError> {
    if actions.len() > MOST_ACTIONS {
        return Err(never(what, Cause::Refused("one change has more than 100 items: split it")));
    }
    let answer = store
        .client
        .transact_write_items()
        .set_transact_items(Some(actions))
        .client_request_token(writer)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    let failure = match answer {
        Ok(done) => {
            store.usage.write(what, done.consumed_capacity());
            return Ok(Written::Answer(Commit::Applied));
        }
        Err(failure) => failure,
    };
    store.usage.write(what, None);
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = failure.as_service_error() {
        return Ok(cancelled_by(what, cancelled.cancellation_reasons(), writer));
    }
    Ok(Written::Failed(error::write(what, &failure)))
}

pub(super) fn cancelled_by(what: &'static str, reasons: &[CancellationReason], writer: &str) -> Written {
    let failed = |reason: &&CancellationReason| reason.code() == Some(CONDITION_FAILED);
    if let Some(reason) = reasons.iter().find(failed) {
        return Written::Answer(lost_or_ours(reason.item(), writer));
    }
    let code = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
    let code = code.unwrap_or("TransactionCanceledException");
    Written::Failed(error(what, error::retry(code, 400), Cause::Answered(code.to_owned())))
}

/// Settles a write without an answer by reading back one of its items: they were written together.
///
/// Still the old revision means that nothing is written as far as anybody can see. Should the write land after all, it
/// is one commit among others: whoever tries again loses the race to it and decides anew.
async fn settle(store: &Inner, failure: StoreError, guarded: &Guarded<'_>, writer: &str) -> Result<Commit, StoreError> {
    if failure.retry != Retry::InDoubt {
        return Err(failure);
    }
    let (Some(pk), Some(sk)) = (items::string(&guarded.item, "pk"), items::string(&guarded.item, "sk")) else {
        return Err(failure);
    };
    let Ok(found) = get(store, "settle a write", guarded.table, (pk, sk)).await else {
        return Err(failure);
    };
    if found.as_ref().and_then(|item| items::string(item, "w")) == Some(writer) {
        return Ok(Commit::Applied);
    }
    let revision = found.as_ref().and_then(items::revision).unwrap_or_default();
    if revision == guarded.expect {
        return Err(StoreError { retry: Retry::After(None), ..failure });
    }
    Ok(Commit::LostRace)
}

/// Reads one item, consistently.
pub(super) async fn get(
    store: &Inner,
    what: &'static str,
    table: &str,
    (pk, sk): (&str, &str),
) -> Result<Option<Item>, StoreError> {
    let answer = store
        .client
        .get_item()
        .table_name(table)
        .set_key(Some(items::key(pk, sk)))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .map_err(|failure| error::read(what, &failure))?;
    store.usage.read(what, answer.consumed_capacity());
    Ok(answer.item)
}

/// Whether a failure is of this code.
pub(super) fn is<E: ProvideErrorMetadata>(failure: &E, code: &str) -> bool {
    failure.code() == Some(code)
}
