//! Reads by key that share a request.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};

use super::super::items::{self, Item};
use super::super::runs::MOST_KEYS;
use super::super::usage::Counter;
use super::{ItemName, Shared, Waiting, name};

const WHAT: &str = "read what is asked for together";

/// Makes the requests.
pub(super) struct Reads {
    pub(super) client: Client,
    pub(super) usage: Arc<Counter>,
}

/// A read that waits.
pub(super) struct Entry(Vec<ItemName>);

impl Entry {
    /// `None` where it is too large to share.
    pub(super) fn new(wanted: &HashMap<String, Vec<Item>>) -> Option<Self> {
        let of_table =
            |(table, keys): (&String, &Vec<Item>)| keys.iter().map(|key| name(table, key)).collect::<Option<Vec<_>>>();
        let items = wanted.iter().map(of_table).collect::<Option<Vec<_>>>()?.concat();
        (items.len() <= MOST_KEYS / 2).then_some(Self(items))
    }
}

impl Shared for Reads {
    type Entry = Entry;
    /// `None`: it has to be asked for by itself.
    type Answer = Option<Vec<Item>>;

    fn next(line: &mut VecDeque<Waiting<Self>>) -> Vec<Waiting<Self>> {
        let (mut next, mut keys) = (Vec::new(), 0);
        while let Some(waiting) = line.pop_front_if(|waiting| keys + waiting.entry.0.len() <= MOST_KEYS) {
            keys += waiting.entry.0.len();
            next.push(waiting);
        }
        next
    }

    async fn act(&self, waiting: Vec<Waiting<Self>>) {
        if let [_] = waiting.as_slice() {
            return answer_all(waiting, |_| None);
        }
        let names: HashSet<_> = waiting.iter().flat_map(|each| &each.entry.0).collect();
        let mut by_table: HashMap<_, Vec<_>> = HashMap::new();
        for (table, pk, sk) in names {
            by_table.entry(table.clone()).or_default().push(items::key(pk, sk));
        }
        let keys = |(table, keys)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().ok()?;
            Some((table, keys))
        };
        let wanted = by_table.into_iter().map(keys).collect::<Option<HashMap<_, _>>>();
        let request = self.client.batch_get_item().set_request_items(wanted);
        let Ok(answer) = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await else {
            // Each finds out by itself what is wrong.
            return answer_all(waiting, |_| None);
        };
        self.usage.read(WHAT, answer.consumed_capacity());
        let left_over = answer.unprocessed_keys.is_some_and(|left| !left.is_empty());
        let mut found = HashMap::new();
        for (table, items) in answer.responses.unwrap_or_default() {
            found.extend(items.into_iter().filter_map(|item| Some((name(&table, &item)?, item))));
        }
        answer_all(waiting, |entry| {
            let own = entry.0.iter().filter_map(|name| found.get(name).cloned()).collect();
            (!left_over).then_some(own)
        });
    }
}

fn answer_all(waiting: Vec<Waiting<Reads>>, says: impl Fn(&Entry) -> Option<Vec<Item>>) {
    for each in waiting {
        let said = says(&each.entry);
        // Who has gone away asks nobody.
        let _ = each.answer.send(said);
    }
}
