//! A store whose table of runs has a stream: what is written to it is told, with the item before and after.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use carepath_aws::{DynamoStore, Options};
use dynoxide::Database;
use serde_json::{Value, json};

use crate::database::{self, Durability};
use crate::store::secret;

const RUNS: &str = "carepath-runs";
const REPORTS: &str = "carepath-reports";

/// What goes wrong with writes of reports.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// After so many writes the next one goes wrong; 0 for none.
    pub(crate) after: AtomicUsize,
    /// Whether it is done all the same.
    pub(crate) done: AtomicUsize,
}

/// The stream, and the store that is behind it.
pub(crate) struct Streamed {
    pub(crate) store: DynamoStore,
    pub(crate) records: Arc<Mutex<Vec<Value>>>,
    pub(crate) trouble: Arc<Trouble>,
}

fn item(database: &Database, table: &str, key: &Value) -> Option<Value> {
    let get = json!({ "TableName": table, "Key": key, "ConsistentRead": true }).to_string();
    let (status, body) = database::prepare(database, "DynamoDB_20120810.GetItem", get.as_bytes(), true)();
    assert_eq!(status, 200);
    serde_json::from_slice::<Value>(&body).unwrap().get("Item").cloned()
}

/// The keys of runs that a request may write.
fn keys(target: &str, body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let of = |put: &Value| {
        let item = &put["Item"];
        (put["TableName"] == RUNS).then(|| json!({ "pk": item["pk"], "sk": item["sk"] }))
    };
    if target.ends_with("PutItem") {
        return of(&body).into_iter().collect();
    }
    let actions = body["TransactItems"].as_array().into_iter().flatten();
    actions.filter_map(|action| of(&action["Put"])).collect()
}

pub(crate) async fn streamed() -> Streamed {
    let database = database::open(None, Durability::Normal).unwrap();
    let records: Arc<Mutex<Vec<Value>>> = Arc::default();
    let trouble: Arc<Trouble> = Arc::default();
    let (told, troubled) = (Arc::clone(&records), Arc::clone(&trouble));
    let handler = move |target: &str, body: &[u8]| {
        let writes = ["PutItem", "UpdateItem", "WriteItems", "WriteItem"].iter().any(|name| target.ends_with(name));
        if writes && String::from_utf8_lossy(body).contains(REPORTS) && troubled.after.load(Ordering::SeqCst) > 0 {
            if troubled.after.fetch_sub(1, Ordering::SeqCst) == 1 {
                if troubled.done.load(Ordering::SeqCst) == 1 {
                    database::prepare(&database, target, body, true)();
                }
                // The process is dead by now: nothing of what follows happens.
                return (200, b"<html>".to_vec());
            }
            return database::prepare(&database, target, body, true)();
        }
        let keys = if writes { keys(target, body) } else { Vec::new() };
        let before: Vec<Option<Value>> = keys.iter().map(|key| item(&database, RUNS, key)).collect();
        let answer = database::prepare(&database, target, body, true)();
        for (key, old) in keys.iter().zip(before) {
            let new = item(&database, RUNS, key);
            if new != old {
                let mut told = told.lock().unwrap();
                // Numbers get longer on the way.
                let number = (told.len() as u64 + 1) * 37 + 60;
                let mut change =
                    json!({ "SequenceNumber": number.to_string(), "ApproximateCreationDateTime": 1_795_514_400 });
                change["Keys"] = key.clone();
                for (name, image) in [("OldImage", old), ("NewImage", new)] {
                    if let Some(image) = image {
                        change[name] = image;
                    }
                }
                told.push(json!({ "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": change }));
            }
        }
        answer
    };
    let store = DynamoStore::in_process(handler, &Options::default());
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    Streamed { store, records, trouble }
}
