//! Commits: one conditional write, or one transaction. A failed condition is an answer, not an error.
//!
//! Every write carries a token drawn for it. Where the SDK tried again after an answer that got lost, the condition
//! fails on our own write; the token tells that from somebody else's.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use carepath_app::ports::{Change, Commit, Retry, StoreError};

use super::error::{damaged, store_error};
use super::items::{self, Item, get, text};
use super::keys::{self, attr};
use super::{DynamoStore, Inner};

const WHAT: &str = "commit a change";
const ABSENT: &str = "attribute_not_exists(pk)";
const UNCHANGED: &str = "v = :v";

/// One item of a commit.
struct Write {
    table: String,
    item: Item,
    /// The revision that it replaces; `None` where there is nothing to lose.
    expect: Option<u64>,
    /// Whether the item goes instead of coming.
    delete: bool,
}

impl DynamoStore {
    pub(super) async fn commit_change(&self, change: &Change) -> Result<Commit, StoreError> {
        let inner = &self.inner;
        let token = uuid::Uuid::new_v4().to_string();
        let mut writes = inner.writes(change)?;
        for write in writes.iter_mut().filter(|write| write.expect.is_some()) {
            write.item.insert(attr::WRITER.to_owned(), text(&token));
        }
        match writes.len() {
            0 => Ok(Commit::Applied),
            1 => inner.put(writes.remove(0), &token).await,
            _ => inner.transact(writes, &token).await,
        }
    }
}

impl Inner {
    fn writes(&self, change: &Change) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::with_capacity(change.runs.len() + 1);
        for run in &change.runs {
            let item = items::run(run, self.shards)?;
            writes.push(Write { table: self.tables.runs.clone(), item, expect: Some(run.revision), delete: false });
        }
        if let Some(change) = &change.contact {
            let item = items::contact(&change.key, &change.contact, self.secret.get(), self.shards)?;
            let table = self.tables.contacts.clone();
            writes.push(Write { table, item, expect: Some(change.contact.revision), delete: false });
            let rows = change.entered.iter().map(|id| (id, false)).chain(change.left.iter().map(|id| (id, true)));
            for (segment, delete) in rows {
                let item = items::key(&keys::members(segment), change.key.as_str());
                writes.push(Write { table: self.tables.contacts.clone(), item, expect: None, delete });
            }
        }
        Ok(writes)
    }

    async fn put(&self, write: Write, token: &str) -> Result<Commit, StoreError> {
        let key = key_of(&write.item);
        let (condition, value) = condition(write.expect);
        let answer = self
            .client
            .put_item()
            .table_name(&write.table)
            .set_item(Some(write.item))
            .set_condition_expression(condition)
            .set_expression_attribute_values(value)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.meter.write("commit", &output.consumed_capacity().into_iter().collect::<Vec<_>>());
                Ok(Commit::Applied)
            }
            Err(error) => {
                self.meter.write("commit", &[]);
                if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
                    let ours = failed.item().is_some_and(|item| get(item, attr::WRITER) == Some(token));
                    return Ok(if ours { Commit::AlreadyApplied } else { Commit::LostRace });
                }
                self.settle(&write.table, key, token, store_error(WHAT, &error)).await
            }
        }
    }

    async fn transact(&self, writes: Vec<Write>, token: &str) -> Result<Commit, StoreError> {
        let witness = writes.iter().find(|write| write.expect.is_some());
        let (table, key) = match witness {
            Some(write) => (write.table.clone(), key_of(&write.item)),
            None => return Err(damaged(WHAT, "a transaction without a revision")),
        };
        let actions = writes.into_iter().map(action).collect::<Result<Vec<_>, _>>()?;
        let answer = self
            .client
            .transact_write_items()
            .client_request_token(token)
            .set_transact_items(Some(actions))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.meter.write("commit (transaction)", &output.consumed_capacity().iter().collect::<Vec<_>>());
                Ok(Commit::Applied)
            }
            Err(error) => {
                self.meter.write("commit (transaction)", &[]);
                if condition_failed(&error) {
                    // The request token makes a repeat of our own transaction succeed, so this was somebody else.
                    return Ok(Commit::LostRace);
                }
                self.settle(&table, key, token, store_error(WHAT, &error)).await
            }
        }
    }

    /// Reads back what may or may not have been written, and looks for our own token in it.
    async fn settle(&self, table: &str, key: Item, token: &str, error: StoreError) -> Result<Commit, StoreError> {
        if error.retry != Retry::InDoubt {
            return Err(error);
        }
        let answer = self.client.get_item().table_name(table).set_key(Some(key)).consistent_read(true).send().await;
        let Ok(output) = answer else { return Err(error) };
        match output.item().and_then(|item| get(item, attr::WRITER)) {
            Some(writer) if writer == token => Ok(Commit::AlreadyApplied),
            // Ours is not there. It may still be on its way, so whoever retries must do so on what is there now.
            _ => Ok(Commit::LostRace),
        }
    }
}

fn key_of(item: &Item) -> Item {
    items::key(get(item, attr::PK).unwrap_or_default(), get(item, attr::SK).unwrap_or_default())
}

fn condition(expect: Option<u64>) -> (Option<String>, Option<Item>) {
    match expect {
        None => (None, None),
        Some(0) => (Some(ABSENT.to_owned()), None),
        Some(revision) => {
            let value = Item::from([(":v".to_owned(), AttributeValue::N(revision.to_string()))]);
            (Some(UNCHANGED.to_owned()), Some(value))
        }
    }
}

fn action(write: Write) -> Result<TransactWriteItem, StoreError> {
    let build = |_| damaged(WHAT, "an action lacks its key");
    if write.delete {
        let delete = Delete::builder().table_name(write.table).set_key(Some(write.item)).build().map_err(build)?;
        return Ok(TransactWriteItem::builder().delete(delete).build());
    }
    let (condition, value) = condition(write.expect);
    let put = Put::builder()
        .table_name(write.table)
        .set_item(Some(write.item))
        .set_condition_expression(condition)
        .set_expression_attribute_values(value)
        .build()
        .map_err(build)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn condition_failed<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}
