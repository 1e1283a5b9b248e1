//! How far what the mail service tells was acted on: one item, whose time only grows.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::StoreError;
use jiff::Timestamp;

use super::{Inner, commit, error, items, keys};

const WHAT: &str = "write down what was heard";

pub(super) async fn note(store: &Inner, at: Timestamp) -> Result<(), StoreError> {
    let written = store
        .client
        .update_item()
        .table_name(&store.contacts)
        .set_key(Some(items::key(keys::HEARD.0, keys::HEARD.1)))
        .update_expression("SET a = :a")
        .condition_expression("attribute_not_exists(a) OR a < :a")
        // Cut, not rounded up as in the index: it never says more than was heard.
        .expression_attribute_values(":a", items::number(at.as_millisecond().max(0).unsigned_abs()))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    match written {
        Ok(written) => store.usage.write(WHAT, written.consumed_capacity()),
        Err(failure) => match failure.as_service_error() {
            // Another process has heard of something younger.
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => store.usage.write(WHAT, None),
            _ => return Err(error::write(WHAT, &failure)),
        },
    }
    Ok(())
}

pub(super) async fn heard(store: &Inner) -> Result<Option<Timestamp>, StoreError> {
    let item = commit::get(store, "read what was heard", &store.contacts, keys::HEARD).await?;
    Ok(item.and_then(|item| Timestamp::from_millisecond(item.get("a")?.as_n().ok()?.parse().ok()?).ok()))
}
