//! The documents of the configuration. Each write counts up one number in the same transaction, by which caches know.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use carepath_app::ports::{Commit, Document, DocumentId, DocumentKind, Retry, StoreError};

use super::commit::{self, Guarded, Written};
use super::error::{Cause, never};
use super::items::{self, Item};
use super::{Inner, keys, runs};

pub(super) async fn document(store: &Inner, id: &DocumentId) -> Result<Option<Document>, StoreError> {
    const WHAT: &str = "read a document";
    let found = commit::get(store, WHAT, &store.config, (keys::kind(id.kind), &id.id)).await?;
    found.map(|item| read(WHAT, &item)).transpose()
}

fn read(what: &'static str, item: &Item) -> Result<Document, StoreError> {
    let (body, revision) = items::payload(what, item)?;
    let id = items::string(item, "sk").unwrap_or_default().to_owned();
    Ok(Document { id, revision, body })
}

pub(super) async fn put(
    store: &Inner,
    id: &DocumentId,
    body: &serde_json::Value,
    expect: u64,
) -> Result<Commit, StoreError> {
    const WHAT: &str = "write a document";
    let writer = uuid::Uuid::new_v4().to_string();
    let item = items::item(WHAT, (keys::kind(id.kind), &id.id), body, expect + 1, &writer)?;
    let guarded = vec![Guarded { table: &store.config, item, expect }];
    commit::transact(store, WHAT, guarded, vec![count(store, WHAT)?], &writer).await
}

pub(super) async fn delete(store: &Inner, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
    const WHAT: &str = "delete a document";
    let writer = uuid::Uuid::new_v4().to_string();
    let delete = Delete::builder()
        .table_name(&store.config)
        .set_key(Some(items::key(keys::kind(id.kind), &id.id)))
        .condition_expression("v = :v")
        .expression_attribute_values(":v", items::number(expect))
        .build()
        .map_err(|_| never(WHAT, Cause::Refused("a request could not be built")))?;
    let actions = vec![TransactWriteItem::builder().delete(delete).build(), count(store, WHAT)?];
    match commit::write_all(store, WHAT, actions, &writer).await? {
        Written::Answer(commit) => Ok(commit),
        // What is gone carries no token: gone is what was asked for.
        Written::Failed(failure) if failure.retry == Retry::InDoubt => match document(store, id).await {
            Ok(None) => Ok(Commit::Applied),
            Ok(Some(found)) if found.revision != expect => Ok(Commit::LostRace),
            Ok(Some(_)) => Err(StoreError { retry: Retry::After(None), ..failure }),
            Err(_) => Err(failure),
        },
        Written::Failed(failure) => Err(failure),
    }
}

fn count(store: &Inner, what: &'static str) -> Result<TransactWriteItem, StoreError> {
    let (pk, sk) = keys::REVISION;
    let update = Update::builder()
        .table_name(&store.config)
        .set_key(Some(items::key(pk, sk)))
        .update_expression("ADD v :one")
        .expression_attribute_values(":one", items::number(1))
        .build()
        .map_err(|_| never(what, Cause::Refused("a request could not be built")))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

pub(super) async fn documents(store: &Inner, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
    const WHAT: &str = "list documents";
    let found = runs::query_all(store, WHAT, &store.config, keys::kind(kind), None).await?;
    found.iter().map(|item| read(WHAT, item)).collect()
}

pub(super) async fn revision(store: &Inner) -> Result<u64, StoreError> {
    let found = commit::get(store, "read the revision of the configuration", &store.config, keys::REVISION).await?;
    Ok(found.as_ref().and_then(items::revision).unwrap_or_default())
}
