//! The projector over the real store, on a database in memory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail their test")]

#[path = "../../../../cli/src/dev/database.rs"]
mod database;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carepath_app::ports::Reports as _;
use carepath_aws::dynamo::{DynamoStore, Options, Projected};
use carepath_engine::Run;
use carepath_engine::report::Tally;
use carepath_projector::{Unfit, handle};
use serde_json::{Value, json};

const RUN: &str = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";

/// The reports, and what makes their table fail.
async fn reports() -> (Projected, Arc<AtomicBool>) {
    let database = database::open(None, database::Durability::Normal).unwrap();
    let broken: Arc<AtomicBool> = Arc::default();
    let breaks = Arc::clone(&broken);
    let store = DynamoStore::in_process(
        move |target, body| {
            if breaks.load(Ordering::SeqCst) {
                return (400, br#"{"__type":"AccessDeniedException","message":"canary"}"#.to_vec());
            }
            database::prepare(&database, target, body, true)()
        },
        &Options::default(),
    );
    store.create_tables().await.unwrap();
    (Projected::beside(&store), broken)
}

fn run(state: &Value, visits: &Value) -> Value {
    json!({ "id": RUN, "w": "welcome", "n": 1, "c": "p-1", "p": 1, "s": state, "h": visits,
        "e": { "a": "2026-03-02T10:00:00Z", "n": 1, "c": "x" } })
}

fn began() -> Value {
    let at = "2026-03-02T10:00:00Z";
    run(
        &json!({ "k": "waiting", "s": 0, "f": at, "u": "2026-03-03T10:00:00Z", "d": "2026-03-03T10:00:00Z" }),
        &json!([{ "s": "entry", "a": at, "g": "next" }, { "s": 0, "a": at }]),
    )
}

fn over() -> Value {
    let (at, end) = ("2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z");
    run(
        &json!({ "k": "ended", "o": { "r": "completed" }, "a": end }),
        &json!([{ "s": "entry", "a": at, "g": "next" }, { "s": 0, "a": at, "g": "next" }, { "s": "end", "a": end }]),
    )
}

fn image(run: &Value, revision: u32) -> Value {
    json!({ "pk": { "S": "ct_aaaaaaaaaaaaaaaaaaaa" }, "sk": { "S": RUN }, "sv": { "N": "1" },
        "v": { "N": revision.to_string() }, "st": { "S": "waiting" }, "d": { "S": run.to_string() } })
}

/// What AWS documents of an event of a stream, with fields that nothing here asks for.
fn record(number: u32, old: Option<&Value>, new: &Value) -> Value {
    let mut change = json!({ "ApproximateCreationDateTime": 1_772_445_600.0, "Keys": { "pk": { "S": "ct_aaaaaaaaaaaaaaaaaaaa" },
        "sk": { "S": RUN } }, "NewImage": new, "SequenceNumber": number.to_string(), "SizeBytes": 700,
        "StreamViewType": "NEW_AND_OLD_IMAGES" });
    if let Some(old) = old {
        change["OldImage"] = old.clone();
    }
    json!({ "eventID": "7de3041d", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1", "dynamodb": change, "eventSourceARN": "arn:aws:dynamodb:eu-central-1:1:table/x/stream/y" })
}

fn event(records: &[Value]) -> Value {
    json!({ "Records": records, "window": { "start": "2026-03-02T10:00:00Z", "end": "2026-03-02T10:01:00Z" },
        "state": {}, "shardId": "shardId-00000001772445600000-a", "isFinalInvokeForWindow": false,
        "isWindowTerminatedEarly": false })
}

fn both() -> [Value; 2] {
    [record(9, None, &image(&began(), 1)), record(10, Some(&image(&began(), 1)), &image(&over(), 2))]
}

async fn assert_counts(reports: &Projected, run: &Value) {
    let run: Run = serde_json::from_value(run.clone()).unwrap();
    let kept = reports.kept(&"welcome".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(kept, Tally::of(&run));
}

/// S22: a window of Lambda's is answered as Lambda wants it, and what comes again is not counted again.
#[tokio::test]
async fn s22_changes_are_counted_once() {
    let (reports, _) = reports().await;
    let fine = json!({ "batchItemFailures": [], "state": {} });
    assert_eq!(handle(&reports, false, &event(&both()[..1])).await.unwrap(), fine);
    assert_counts(&reports, &began()).await;
    for _ in 0..2 {
        assert_eq!(handle(&reports, false, &event(&both())).await.unwrap(), fine);
        assert_counts(&reports, &over()).await;
    }
    let mut last = event(&[]);
    last["isFinalInvokeForWindow"] = json!(true);
    assert_eq!(handle(&reports, false, &last).await.unwrap(), fine);
}

/// S22: what was not done for certain is named, and done when it comes again.
#[tokio::test]
async fn s22_what_was_not_done_is_named_by_its_number() {
    let (reports, broken) = reports().await;
    broken.store(true, Ordering::SeqCst);
    let answer = handle(&reports, false, &event(&both())).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "9" }]));
    broken.store(false, Ordering::SeqCst);
    let mut newer = both();
    newer[1]["dynamodb"]["NewImage"]["sv"]["N"] = json!("3");
    let answer = handle(&reports, false, &event(&newer)).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "10" }]), "a later release wrote it");
    assert_counts(&reports, &began()).await;
    handle(&reports, false, &event(&both()[1..])).await.unwrap();
    assert_counts(&reports, &over()).await;
}

#[tokio::test]
async fn an_event_without_a_shard_is_taken_only_where_there_is_one() {
    let (reports, _) = reports().await;
    let mut event = event(&both());
    event.as_object_mut().unwrap().remove("shardId");
    assert_eq!(handle(&reports, false, &event).await.unwrap_err(), Unfit::Shard);
    handle(&reports, true, &event).await.unwrap();
    assert_counts(&reports, &over()).await;
    assert_eq!(handle(&reports, true, &json!({ "Records": [{}] })).await.unwrap_err(), Unfit::Form);
}
