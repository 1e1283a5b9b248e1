//! Records: one a stay, as it is by the last change of its run.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{PutRequest, ReturnConsumedCapacity, WriteRequest};
use carepath_app::ports::{Page, Position, Retry, StayRecord, StepState, StoreError, Visitor};
use carepath_engine::ids::RunId;
use carepath_engine::run::MessageState;

use super::super::error::{self, Cause, error, never};
use super::super::items::{self, Item};
use super::super::{Inner, runs};

/// `DynamoDB`'s limit of a batch.
const MOST_PUTS: usize = 25;
const MOST_GETS: usize = 100;
/// How often what a batch left over is asked for again at once.
const TRIES: usize = 5;
/// How many records are looked at for a page.
const LOOKED_AT: usize = 10_000;
/// How many of them in one request.
const PAGE: i32 = 1_000;

fn partition(at: &Position) -> String {
    format!("L#{}#{}#{}", at.workflow, at.version, at.step)
}

/// What a record is looked for by, beside what it says.
fn marks(stay: &StayRecord) -> String {
    let mail = stay.mail.as_ref();
    let mut marks = String::new();
    let mut mark = |mark: char, holds: bool| {
        if holds {
            marks.push(mark);
        }
    };
    let state = |wanted: MessageState| mail.is_some_and(|mail| mail.state == wanted);
    mark('w', stay.is(StepState::Waiting));
    mark('m', stay.is(StepState::MovedOn));
    mark('x', stay.is(StepState::Ended));
    mark('s', state(MessageState::Sent));
    mark('k', state(MessageState::Skipped));
    mark('f', state(MessageState::Failed));
    mark('u', state(MessageState::Unknown));
    mark('d', stay.is(StepState::Delivered));
    mark('b', stay.is(StepState::Bounced));
    mark('c', stay.is(StepState::Complained));
    mark('q', stay.is(StepState::Unsubscribed));
    mark('o', stay.is(StepState::Opened));
    mark('t', stay.is(StepState::Clicked));
    marks
}

/// The mark of those who are asked for; `None` for all.
const fn mark(state: StepState) -> Option<&'static str> {
    Some(match state {
        StepState::Entered => return None,
        StepState::Waiting => "w",
        StepState::MovedOn => "m",
        StepState::Ended => "x",
        StepState::Sent => "s",
        StepState::Skipped => "k",
        StepState::Failed => "f",
        StepState::Unknown => "u",
        StepState::Delivered => "d",
        StepState::Bounced => "b",
        StepState::Complained => "c",
        StepState::Unsubscribed => "q",
        StepState::Opened => "o",
        StepState::Clicked => "t",
    })
}

fn item(what: &'static str, at: &Position, run: &RunId, stay: &StayRecord) -> Result<Item, StoreError> {
    let text = serde_json::to_string(stay).map_err(|_| never(what, Cause::Refused("a record cannot be written")))?;
    let mut item = items::key(&partition(at), run.as_str());
    item.insert("k".to_owned(), items::text(marks(stay)));
    item.insert("d".to_owned(), items::text(text));
    Ok(item)
}

/// Writes records over whatever was there.
pub(super) async fn put(store: &Inner, stays: &[(Position, RunId, StayRecord)]) -> Result<(), StoreError> {
    const WHAT: &str = "record who is where";
    for some in stays.chunks(MOST_PUTS) {
        let mut puts = Vec::with_capacity(some.len());
        for (at, run, stay) in some {
            let put = PutRequest::builder().set_item(Some(item(WHAT, at, run, stay)?)).build();
            let put = put.map_err(|_| never(WHAT, Cause::Refused("a record could not be built")))?;
            puts.push(WriteRequest::builder().put_request(put).build());
        }
        let mut request = HashMap::from([(store.reports.clone(), puts)]);
        for trial in 0.. {
            let answer = store
                .client
                .batch_write_item()
                .set_request_items(Some(request))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|failure| error::read(WHAT, &failure))?;
            store.usage.write(WHAT, answer.consumed_capacity());
            request = answer.unprocessed_items.unwrap_or_default();
            if request.is_empty() {
                break;
            }
            if trial + 1 == TRIES {
                let cause = Cause::Answered("records that it had no time for".to_owned());
                return Err(error(WHAT, Retry::After(None), cause));
            }
        }
    }
    Ok(())
}

/// The records of some stays, in their order.
pub(super) async fn get(store: &Inner, stays: &[(Position, RunId)]) -> Result<Vec<Option<StayRecord>>, StoreError> {
    const WHAT: &str = "read records of stays";
    let mut found: HashMap<(String, String), StayRecord> = HashMap::new();
    for some in stays.chunks(MOST_GETS) {
        let keys = some.iter().map(|(at, run)| items::key(&partition(at), run.as_str())).collect();
        for item in runs::batch_get(store, WHAT, HashMap::from([(store.reports.clone(), keys)])).await? {
            let pk = items::string(&item, "pk").unwrap_or_default().to_owned();
            // One that cannot be read is not as its run says.
            if let Ok(Visitor { run, stay }) = visitor(WHAT, &item) {
                found.insert((pk, run.to_string()), stay);
            }
        }
    }
    Ok(stays.iter().map(|(at, run)| found.remove(&(partition(at), run.to_string()))).collect())
}

pub(super) async fn in_step(
    store: &Inner,
    at: &Position,
    state: StepState,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Visitor>, StoreError> {
    const WHAT: &str = "list who is in a step";
    let pk = partition(at);
    let mut start = match cursor.map(str::parse::<RunId>) {
        None => None,
        Some(Ok(last)) => Some(items::key(&pk, last.as_str())),
        Some(Err(_)) => return Err(never(WHAT, Cause::Refused("the cursor is not the id of a run"))),
    };
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let mut query = store
            .client
            .query()
            .table_name(&store.reports)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", items::text(&*pk))
            .consistent_read(true)
            .limit(PAGE)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if let Some(mark) = mark(state) {
            query = query.filter_expression("contains(k, :k)").expression_attribute_values(":k", items::text(mark));
        }
        let answer = query.send().await.map_err(|failure| error::read(WHAT, &failure))?;
        store.usage.read(WHAT, answer.consumed_capacity());
        looked_at += usize::try_from(answer.scanned_count()).unwrap_or_default();
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let mut found = answer.items.unwrap_or_default().into_iter();
        for item in found.by_ref().take(limit.saturating_sub(items.len())) {
            items.push(visitor(WHAT, &item)?);
        }
        // The page is full, and there may be more: it goes on behind the last of it.
        if found.next().is_some() || (items.len() >= limit && start.is_some()) {
            let next = items.last().map(|last: &Visitor| last.run.to_string());
            return Ok(Page { items, next });
        }
        if start.is_none() || looked_at >= LOOKED_AT {
            let next = start.as_ref().and_then(|key| items::string(key, "sk")).map(str::to_owned);
            return Ok(Page { items, next });
        }
    }
}

fn visitor(what: &'static str, item: &Item) -> Result<Visitor, StoreError> {
    let run = items::string(item, "sk").and_then(|run| run.parse().ok());
    // The parser's message would quote the record.
    let stay = items::string(item, "d").and_then(|text| serde_json::from_str(text).ok());
    let (Some(run), Some(stay)) = (run, stay) else {
        return Err(never(what, Cause::Item("it is no record of a stay")));
    };
    Ok(Visitor { run, stay })
}
