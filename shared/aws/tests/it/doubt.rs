//! Writes whose answers are lost, on the way there and on the way back.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carepath_app::ports::{Change, Commit, Kept, Retry, Store};
use carepath_aws::{DynamoStore, Options};
use carepath_engine::event::Event;
use dynoxide::Database;
use serde_json::json;

use crate::database;
use crate::store::{NOW, change, ready, run, secret, someone, with_contact};

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It is done, and the answer is garbled.
    Garbled,
    /// It is done, and the answer says that it failed; the SDK tries again.
    Failed,
    /// It never arrives.
    Lost,
    /// It never arrives, and reading does not work either.
    Down,
}

/// A store whose next `times` requests go wrong.
async fn store(fault: Fault, times: &Arc<AtomicUsize>) -> DynamoStore {
    let database = Database::memory().unwrap();
    let left = Arc::clone(times);
    let handler = move |target: &str, body: &[u8]| {
        let write = target.ends_with("PutItem") || target.ends_with("TransactWriteItems");
        if !(write || matches!(fault, Fault::Down)) || left.load(Ordering::SeqCst) == 0 {
            return database::prepare(&database, target, body, true)();
        }
        left.fetch_sub(1, Ordering::SeqCst);
        match fault {
            Fault::Lost | Fault::Down => {}
            Fault::Garbled | Fault::Failed => {
                assert_eq!(database::prepare(&database, target, body, true)().0, 200);
            }
        }
        match fault {
            Fault::Failed => (500, br#"{"__type":"InternalServerError","message":"canary"}"#.to_vec()),
            Fault::Garbled | Fault::Lost | Fault::Down => (200, b"<html>".to_vec()),
        }
    };
    let store = DynamoStore::in_process(handler, &Options::default());
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    store
}

/// What is said of a change that went wrong in this way, and whether it is there afterwards.
async fn outcome(fault: Fault, change: &Change, requests: usize) -> (Result<Commit, Retry>, bool) {
    let times = Arc::new(AtomicUsize::new(0));
    let store = store(fault, &times).await;
    times.store(requests, Ordering::SeqCst);
    let said = store.commit(change).await.map_err(|error| error.retry);
    times.store(0, Ordering::SeqCst);
    (said, store.runs_of(&someone().0).await.unwrap().len() == 1)
}

/// S1: a commit is told from somebody else's even where its answer was lost.
#[tokio::test]
async fn a_commit_without_an_answer_says_what_became_of_it() {
    let one = change(&run(&ready()));
    let several = with_contact(&run(&ready()), &["vip"], &[], 0);
    assert_eq!(outcome(Fault::Garbled, &one, 1).await, (Ok(Commit::Applied), true));
    assert_eq!(outcome(Fault::Garbled, &several, 1).await, (Ok(Commit::Applied), true));
    assert_eq!(outcome(Fault::Failed, &one, 1).await, (Ok(Commit::AlreadyApplied), true));
    assert_eq!(outcome(Fault::Failed, &several, 1).await, (Ok(Commit::Applied), true), "by its request token");
    for change in [&one, &several] {
        assert_eq!(outcome(Fault::Lost, change, 1).await, (Err(Retry::After(None)), false));
        assert_eq!(outcome(Fault::Down, change, usize::MAX).await, (Err(Retry::InDoubt), false));
    }
}

/// S19, S28: an event whose answer was lost is new to the one who brought it, once.
#[tokio::test]
async fn an_event_without_an_answer_is_kept_and_new() {
    let times = Arc::new(AtomicUsize::new(0));
    let store = store(Fault::Garbled, &times).await;
    let (key, _) = someone();
    let event: Event = serde_json::from_value(json!({
        "id": "a", "source": "api", "name": "visit", "at": NOW, "received_at": NOW
    }))
    .unwrap();
    times.store(1, Ordering::SeqCst);
    assert_eq!(store.keep_event(&key, "a", &event).await.unwrap(), Kept::New);
    assert_eq!(store.keep_event(&key, "a", &event).await.unwrap(), Kept::Duplicate);
}

/// S24: what `DynamoDB` says may quote an item, so it is not passed on.
#[tokio::test]
async fn an_error_quotes_nothing_of_the_answer() {
    let store = DynamoStore::in_process(
        |_: &str, _: &[u8]| (400, br#"{"__type":"ValidationException","message":"canary"}"#.to_vec()),
        &Options::default(),
    );
    let error = store.commit(&change(&run(&ready()))).await.unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("ValidationException"), "{source}");
    assert!(!format!("{error} {error:?} {source}").contains("canary"));
}
