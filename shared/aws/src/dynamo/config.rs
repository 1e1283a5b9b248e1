//! Documents of the configuration, each with a revision, and a counter that grows with every change of any.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update};
use carepath_app::ports::{Commit, Document, DocumentId, DocumentKind, StoreError};

use super::DynamoStore;
use super::error::{damaged, store_error};
use super::items::{self, Item, revision};
use super::keys;

const WHAT: &str = "write a document";

impl DynamoStore {
    pub(super) async fn read_document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        let key = items::key(keys::kind(id.kind), &id.id);
        let item = self.get_item("document", &self.inner.tables.config, key).await?;
        item.as_ref().map(items::read_document).transpose()
    }

    pub(super) async fn read_documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let answer = self
                .inner
                .client
                .query()
                .table_name(&self.inner.tables.config)
                .key_condition_expression("pk = :p")
                .expression_attribute_values(":p", items::text(keys::kind(kind)))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let output = answer.map_err(|error| store_error("documents", &error))?;
            self.inner.meter.read("documents", &output.consumed_capacity().into_iter().collect::<Vec<_>>());
            for item in output.items() {
                found.push(items::read_document(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    pub(super) async fn write_document(
        &self,
        id: &DocumentId,
        body: &serde_json::Value,
        expect: u64,
    ) -> Result<Commit, StoreError> {
        let item = items::document(keys::kind(id.kind), &id.id, body, expect)?;
        let mut put = Put::builder().table_name(&self.inner.tables.config).set_item(Some(item));
        put = if expect == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("v = :v").expression_attribute_values(":v", items::number(expect))
        };
        let put = put.build().map_err(|_| damaged(WHAT, "it lacks its key"))?;
        self.with_counter(TransactWriteItem::builder().put(put).build()).await
    }

    pub(super) async fn remove_document(&self, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.inner.tables.config)
            .set_key(Some(items::key(keys::kind(id.kind), &id.id)))
            .condition_expression("v = :v")
            .expression_attribute_values(":v", items::number(expect))
            .build()
            .map_err(|_| damaged(WHAT, "it lacks its key"))?;
        self.with_counter(TransactWriteItem::builder().delete(delete).build()).await
    }

    /// Does one write together with the counter, so that no change goes unseen by a cache.
    async fn with_counter(&self, action: TransactWriteItem) -> Result<Commit, StoreError> {
        let count = Update::builder()
            .table_name(&self.inner.tables.config)
            .set_key(Some(counter()))
            .update_expression("ADD v :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .build()
            .map_err(|_| damaged(WHAT, "the counter lacks its key"))?;
        let answer = self
            .inner
            .client
            .transact_write_items()
            .client_request_token(uuid::Uuid::new_v4().to_string())
            .transact_items(action)
            .transact_items(TransactWriteItem::builder().update(count).build())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.inner.meter.write(WHAT, &output.consumed_capacity().iter().collect::<Vec<_>>());
                Ok(Commit::Applied)
            }
            Err(error) if lost(&error) => Ok(Commit::LostRace),
            Err(error) => Err(store_error(WHAT, &error)),
        }
    }

    pub(super) async fn read_revision(&self) -> Result<u64, StoreError> {
        let item = self.get_item("configuration revision", &self.inner.tables.config, counter()).await?;
        Ok(item.as_ref().map_or(0, revision))
    }
}

fn counter() -> Item {
    items::key(keys::REVISION, keys::REVISION)
}

fn lost<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}
