//! What was sent in the current second, counted by everybody who sends: one item, so that all processes together keep
//! under the rate of the account.

use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use carepath_app::ports::{Pace, StoreError};
use jiff::Timestamp;

use super::items::{self, Item};
use super::{Inner, commit, error, keys};

const WHAT: &str = "count what is sent";

/// What the item said to an update.
enum Said {
    /// It is counted.
    Counted,
    /// It is not: this is the second that the item is at, and nothing where there is no item.
    Not(Option<i64>),
}

/// Takes `count` of the `most` mails that may go out in `second`, or says that not so many are left of it. What the whole
/// `account` may send is kept for who looks.
pub(super) async fn take(
    store: &Inner,
    second: i64,
    count: u64,
    (most, account): (u64, u64),
) -> Result<bool, StoreError> {
    let Some(room) = most.checked_sub(count) else { return Ok(false) };
    // Whoever is beaten to beginning the second finds it begun.
    for _ in 0..2 {
        let more = update(store, second)
            .update_expression("SET n = n + :k")
            .condition_expression("s = :s AND n <= :room")
            .expression_attribute_values(":k", items::number(count))
            .expression_attribute_values(":room", items::number(room));
        match said(store, more).await? {
            Said::Counted => return Ok(true),
            // A clock that is ahead of ours has gone on to a second of its own.
            Said::Not(Some(at)) if at >= second => return Ok(false),
            Said::Not(_) => {}
        }
        let begin = update(store, second)
            .update_expression("SET s = :s, n = :k, a = :a")
            .condition_expression("attribute_not_exists(s) OR s < :s")
            .expression_attribute_values(":a", items::number(account))
            .expression_attribute_values(":k", items::number(count));
        if let Said::Counted = said(store, begin).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn update(store: &Inner, second: i64) -> UpdateItemFluentBuilder {
    store
        .client
        .update_item()
        .table_name(&store.contacts)
        .set_key(Some(items::key(keys::RATE.0, keys::RATE.1)))
        .expression_attribute_values(":s", items::number(second.unsigned_abs()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
}

async fn said(store: &Inner, update: UpdateItemFluentBuilder) -> Result<Said, StoreError> {
    match update.send().await {
        Ok(UpdateItemOutput { consumed_capacity, .. }) => {
            store.usage.write(WHAT, consumed_capacity.as_ref());
            Ok(Said::Counted)
        }
        Err(failure) => {
            use aws_sdk_dynamodb::operation::update_item::UpdateItemError as Error;
            if let Some(Error::ConditionalCheckFailedException(failed)) = failure.as_service_error() {
                store.usage.write(WHAT, None);
                return Ok(Said::Not(failed.item().and_then(second_of)));
            }
            Err(error::write(WHAT, &failure))
        }
    }
}

/// What was counted last.
pub(super) async fn pace(store: &Inner) -> Result<Option<Pace>, StoreError> {
    let item = commit::get(store, "read what is sent", &store.contacts, keys::RATE).await?;
    Ok(item.and_then(|item| {
        let second = Timestamp::from_second(second_of(&item)?).ok()?;
        let number = |name: &str| item.get(name)?.as_n().ok()?.parse().ok();
        Some(Pace { second, taken: number("n")?, limit: number("a")? })
    }))
}

fn second_of(item: &Item) -> Option<i64> {
    item.get("s")?.as_n().ok()?.parse().ok()
}
