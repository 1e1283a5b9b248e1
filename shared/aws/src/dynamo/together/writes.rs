//! Writes that share a transaction. What it says of one of them holds for that one; whatever else goes wrong with it is
//! found out by each for itself, by a request of its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, ReturnConsumedCapacity, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use carepath_app::ports::{Commit, Retry};

use super::super::commit::{CONDITION_FAILED, MOST_ACTIONS, Written, cancelled_by};
use super::super::error::{self, Cause};
use super::super::pack;
use super::super::usage::Counter;
use super::{ItemName, Shared, Waiting, name};

const WHAT: &str = "write what is ready together";
/// `DynamoDB` takes 4 MB in one request; what is not counted here (conditions, names) has room in the rest.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Makes the requests.
pub(super) struct Writes {
    pub(super) client: Client,
    pub(super) usage: Arc<Counter>,
}

/// A write that waits.
pub(super) struct Entry {
    what: &'static str,
    actions: Vec<TransactWriteItem>,
    /// Which items it writes.
    items: Vec<ItemName>,
    bytes: usize,
    writer: String,
}

impl Entry {
    /// `None` where it is too large to share.
    pub(super) fn new(what: &'static str, actions: Vec<TransactWriteItem>, writer: &str) -> Option<Self> {
        let bytes = actions.iter().map(size).sum();
        let items = actions.iter().filter_map(|action| about(action).and_then(|(table, item)| name(table, item)));
        let entry = Self { what, items: items.collect(), bytes, writer: writer.to_owned(), actions };
        (entry.actions.len() <= MOST_ACTIONS && bytes <= MOST_BYTES).then_some(entry)
    }
}

/// What is said to whoever waited for a request that broke off.
pub(super) fn broken_off(what: &'static str) -> Written {
    Written::Failed(error::error(what, Retry::InDoubt, Cause::NoAnswer("the writer broke off")))
}

impl Shared for Writes {
    type Entry = Entry;
    /// `None`: it has to be asked for by itself.
    type Answer = Option<Written>;

    /// In their order, but for those of an item that somebody before them writes: a request names an item once.
    fn next(line: &mut VecDeque<Waiting<Self>>) -> Vec<Waiting<Self>> {
        let (mut next, mut later, mut items) = (Vec::new(), VecDeque::new(), HashSet::new());
        let (mut actions, mut bytes) = (0, 0);
        while let Some(waiting) = line.pop_front() {
            let entry = &waiting.entry;
            if actions + entry.actions.len() > MOST_ACTIONS || bytes + entry.bytes > MOST_BYTES {
                later.push_back(waiting);
                break;
            }
            let free = entry.items.iter().all(|item| !items.contains(item));
            items.extend(entry.items.iter().cloned());
            if free {
                actions += entry.actions.len();
                bytes += entry.bytes;
                next.push(waiting);
            } else {
                later.push_back(waiting);
            }
        }
        later.append(line);
        *line = later;
        next
    }

    async fn act(&self, mut waiting: Vec<Waiting<Self>>) {
        if let [_] = waiting.as_slice() {
            // There is nobody to share with, and a plain write is the shorter way.
            answer_all(waiting, || None);
            return;
        }
        let lengths: Vec<_> = waiting.iter().map(|each| each.entry.actions.len()).collect();
        let actions = waiting.iter_mut().flat_map(|each| std::mem::take(&mut each.entry.actions)).collect();
        let request = self.client.transact_write_items().set_transact_items(Some(actions));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let capacity = answer.as_ref().ok().map(TransactWriteItemsOutput::consumed_capacity);
        self.usage.write(WHAT, capacity.into_iter().flatten());
        match answer {
            Ok(_) => answer_all(waiting, || Some(Written::Answer(Commit::Applied))),
            Err(failure) => match reasons(&failure).filter(|reasons| reasons.len() == lengths.iter().sum::<usize>()) {
                Some(reasons) => by_reasons(waiting, &lengths, reasons),
                None => in_doubt_or_alone(waiting, &failure),
            },
        }
    }
}

/// Nothing is written. Who failed its condition learns that; whoever is not to blame may try by itself.
fn by_reasons(waiting: Vec<Waiting<Writes>>, lengths: &[usize], reasons: &[CancellationReason]) {
    let mut rest = reasons;
    for (each, length) in waiting.into_iter().zip(lengths) {
        let (own, others) = rest.split_at(*length);
        rest = others;
        let failed = own.iter().any(|reason| reason.code() == Some(CONDITION_FAILED));
        let said = failed.then(|| cancelled_by(each.entry.what, own, &each.entry.writer));
        // Who has gone away asks nobody.
        let _ = each.answer.send(said);
    }
}

/// Where nobody knows whether it is written, each finds that out about its own; where it is not, each tries by itself.
fn in_doubt_or_alone(waiting: Vec<Waiting<Writes>>, failure: &SdkError<TransactWriteItemsError, HttpResponse>) {
    for each in waiting {
        let failed = error::write(each.entry.what, failure);
        let in_doubt = failed.retry == Retry::InDoubt;
        let _ = each.answer.send(in_doubt.then_some(Written::Failed(failed)));
    }
}

fn reasons(failure: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<&[CancellationReason]> {
    match failure.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

fn answer_all(waiting: Vec<Waiting<Writes>>, says: impl Fn() -> Option<Written>) {
    for each in waiting {
        let _ = each.answer.send(says());
    }
}

/// The table and the item, or its keys, that an action is about.
fn about(action: &TransactWriteItem) -> Option<(&str, &HashMap<String, AttributeValue>)> {
    if let Some(put) = action.put() {
        return Some((put.table_name(), put.item()));
    }
    if let Some(update) = action.update() {
        return Some((update.table_name(), update.key()));
    }
    action.delete().map(|delete| (delete.table_name(), delete.key()))
}

fn size(action: &TransactWriteItem) -> usize {
    let values = action.update().and_then(|update| update.expression_attribute_values()).map_or(0, pack::size);
    about(action).map_or(0, |(_, item)| pack::size(item)) + values
}
