//! The store as one machine has it: who asks at the same time shares a request, and has an answer of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carepath_app::ports::{Change, Commit, Kept, Retry, Store, StoreError};
use carepath_aws::{DynamoStore, InProcess, Options};
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactId, ContactKey};
use carepath_engine::run::Run;
use futures_util::future::join_all;
use serde_json::json;

use crate::database::{self, Durability};
use crate::store::{NOW, change, now, ready, run, secret, someone, with_contact};

/// What becomes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The next shared one is done, and its answer garbled.
    Garbled,
    /// The next shared one is done, and is answered as failed; the SDK asks again.
    Failed,
    /// The next shared one never arrives.
    Lost,
    /// Each that names the poisoned event is refused as malformed.
    Poison,
    /// Each shared read is refused.
    BadReads,
    /// Each shared read leaves all of it for later.
    LateReads,
}

/// What `DynamoDB` says where it had no time for a read.
const LEFT_OVER: &str = r#"{"Responses":{},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"b"}}]}}}"#;

/// How many requests were made, and how many of them the fault may still concern.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    shared: AtomicUsize,
    faults: AtomicUsize,
}

async fn store(fault: Fault) -> (DynamoStore, Arc<Seen>) {
    let database = database::open(None, Durability::Normal).unwrap();
    let seen = Arc::new(Seen::default());
    let own = Arc::clone(&seen);
    let connector = InProcess::beside("database", move |target, body| {
        own.requests.fetch_add(1, Ordering::SeqCst);
        let shared = target.ends_with("TransactWriteItems");
        own.shared.fetch_add(usize::from(shared), Ordering::SeqCst);
        let text = String::from_utf8_lossy(body);
        let answer = |status, body: &'static str| -> Job { Box::new(move || (status, body.as_bytes().to_vec())) };
        let job = database::prepare(&database, target, body, true);
        let hit = match fault {
            Fault::None => false,
            Fault::Poison => text.contains("poison"),
            Fault::BadReads | Fault::LateReads => target.ends_with("BatchGetItem") && text.matches("run_").count() > 1,
            Fault::Garbled | Fault::Failed | Fault::Lost => {
                let left = |left: usize| left.checked_sub(1);
                shared && own.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
            }
        };
        match fault {
            _ if !hit => job,
            Fault::None | Fault::Lost => answer(200, "<html>"),
            Fault::Garbled => Box::new(move || (job().0, b"<html>".to_vec())),
            Fault::Failed => Box::new(move || {
                assert_eq!(job().0, 200);
                (500, br#"{"__type":"InternalServerError","message":"canary"}"#.to_vec())
            }),
            Fault::Poison => answer(400, r#"{"__type":"ValidationException","message":"canary"}"#),
            Fault::BadReads => answer(400, r#"{"__type":"ValidationException","message":"canary"}"#),
            Fault::LateReads => answer(200, LEFT_OVER),
        }
    });
    let options = Options { together: true, ..Options::default() };
    let store = DynamoStore::over(connector.unwrap(), &options);
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    seen.requests.store(0, Ordering::SeqCst);
    seen.shared.store(0, Ordering::SeqCst);
    (store, seen)
}

type Job = Box<dyn FnOnce() -> (u16, Vec<u8>) + Send>;

fn other(number: usize) -> (ContactKey, Run) {
    let key = secret().contact_key(&format!("c-{number}").parse::<ContactId>().unwrap());
    let id = secret().run_id(&key, &"onboarding".parse().unwrap(), None, 1);
    (key, Run { id, ..run(&ready()) })
}

fn event(id: &str) -> Event {
    serde_json::from_value(json!({"id": id, "source": "api", "name": "visit", "at": NOW, "received_at": NOW})).unwrap()
}

/// Commits all at the same time.
async fn at_once(store: &DynamoStore, changes: Vec<Change>) -> Vec<Result<Commit, Retry>> {
    let tasks = changes.into_iter().map(|change| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(&change).await.map_err(|error: StoreError| error.retry) })
    });
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
}

/// S1: who loses a race in a request that others share loses for itself alone.
#[tokio::test(flavor = "multi_thread")]
async fn s1_of_commits_that_share_requests_one_on_each_revision_is_applied() {
    let (store, seen) = store(Fault::None).await;
    // 300 runs, each decided about by three workers at once.
    let changes: Vec<_> = (0..900).map(|nth| change(&other(nth % 300).1)).collect();
    let said = at_once(&store, changes).await;
    for number in 0..300 {
        let own = (0..3).map(|worker| said[worker * 300 + number].unwrap());
        let won = own.filter(|commit| *commit == Commit::Applied).count();
        assert_eq!(won, 1, "run {number}");
        let (key, _) = other(number);
        assert_eq!(store.runs_of(&key).await.unwrap().len(), 1);
    }
    assert!(seen.shared.load(Ordering::SeqCst) > 0, "nobody shared a request");
}

/// What is asked for together takes less requests than there are askers, and costs them none of their answers.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_ready_at_the_same_time_goes_as_one_request() {
    let (store, seen) = store(Fault::None).await;
    let said = at_once(&store, (0..1_000).map(|number| change(&other(number).1)).collect()).await;
    assert!(said.iter().all(|said| *said == Ok(Commit::Applied)));
    let writes = seen.requests.swap(0, Ordering::SeqCst);
    assert!(writes < 500, "{writes} requests for 1,000 writes");
    let reads = (0..1_000).map(|number| {
        let (store, id) = (store.clone(), other(number).1.id);
        tokio::spawn(async move { (store.run_and_contact(&id).await.unwrap(), id) })
    });
    for read in join_all(reads.collect::<Vec<_>>()).await {
        let ((run, contact), id) = read.unwrap();
        assert_eq!((run.unwrap().id, contact), (id, None));
    }
    let reads = seen.requests.load(Ordering::SeqCst);
    assert!(reads < 500, "{reads} requests for 1,000 reads");
    let usage = store.usage().by_operation;
    let shared = usage["write what is ready together"];
    assert!(shared.requests > 0 && shared.write_units > 0.0);
    let counted: u64 = usage.values().map(|operation| operation.requests).sum();
    assert_eq!(counted, u64::try_from(writes + reads).unwrap(), "each request is counted once");
}

/// S19: an event is kept once by its name, whoever shares its request.
#[tokio::test(flavor = "multi_thread")]
async fn s19_events_that_share_requests_are_each_kept_once_and_done() {
    let (store, _) = store(Fault::None).await;
    let kept = (0..600).map(|nth| {
        let (store, (key, _)) = (store.clone(), other(nth % 200));
        tokio::spawn(async move { store.keep_event(&key, "joined", &event("joined")).await.unwrap() })
    });
    let kept: Vec<_> = join_all(kept.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    for number in 0..200 {
        let new = (0..3).filter(|again| kept[again * 200 + number] == Kept::New).count();
        assert_eq!(new, 1, "event of contact {number}");
    }
    let hour = now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(store.due(now(), hour, 1_000).await.unwrap().len(), 200);
    // The last one is of a contact that is gone, and with it its event.
    let done = (0..201).map(|number| {
        let (store, (key, _)) = (store.clone(), other(number));
        tokio::spawn(async move { store.event_done(&key, "joined", &[]).await.unwrap() })
    });
    let done: Vec<_> = join_all(done.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    assert!(done[..200].iter().all(|there| *there) && !done[200]);
    assert_eq!(store.due(now(), hour, 1_000).await.unwrap(), []);
}

/// Several writes of one item do not go in one request, which would be refused as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_touch_one_contact_follow_one_another() {
    let (store, seen) = store(Fault::None).await;
    let changes = (0..50).map(|number| {
        let mut change = with_contact(&other(number).1, &["vip"], &[], 0);
        // Each is of a run of its own, and all of them are of one contact.
        change.runs[0].revision = 0;
        change
    });
    let said = at_once(&store, changes.collect()).await;
    assert_eq!(
        seen.requests.load(Ordering::SeqCst),
        50,
        "requests that name an item twice are refused, and made again"
    );
    assert_eq!(said.iter().filter(|said| **said == Ok(Commit::Applied)).count(), 1);
    assert_eq!(said.iter().filter(|said| **said == Ok(Commit::LostRace)).count(), 49);
    assert_eq!(store.contacts(&[someone().0]).await.unwrap().len(), 1);
    let mut written = 0;
    for number in 0..50 {
        written += store.runs_of(&other(number).0).await.unwrap().len();
    }
    assert_eq!(written, 1, "a lost race wrote a part of its change");
}

/// S1: each finds out for itself what became of a shared request without an answer.
#[tokio::test(flavor = "multi_thread")]
async fn s1_a_shared_request_without_an_answer_is_settled_by_each_for_its_own() {
    for (fault, expected) in [
        (Fault::Garbled, Ok(Commit::Applied)),
        (Fault::Failed, Ok(Commit::Applied)),
        (Fault::Lost, Err(Retry::After(None))),
    ] {
        let (store, seen) = store(fault).await;
        seen.faults.store(1, Ordering::SeqCst);
        let said = at_once(&store, (0..60).map(|number| change(&other(number).1)).collect()).await;
        assert_eq!(seen.faults.load(Ordering::SeqCst), 0, "no request was shared");
        let mut doubtful = 0;
        for (number, said) in said.iter().enumerate() {
            let there = store.runs_of(&other(number).0).await.unwrap().len() == 1;
            assert_eq!(there, said.is_ok(), "{fault:?}: run {number} was told {said:?}");
            doubtful += usize::from(*said == expected);
            assert!(*said == expected || *said == Ok(Commit::Applied), "{fault:?}: {said:?}");
        }
        assert!(doubtful > 1, "{fault:?} concerned nobody");
    }
}

/// S24, S28: what is malformed is refused, and nobody who shared its request is.
#[tokio::test(flavor = "multi_thread")]
async fn s28_who_shares_a_request_with_what_is_refused_is_not_refused() {
    let (store, _) = store(Fault::Poison).await;
    let kept = (0..60).map(|number| {
        let (store, (key, _)) = (store.clone(), other(number));
        let id = if number == 30 { "poison" } else { "joined" };
        tokio::spawn(async move { store.keep_event(&key, id, &event(id)).await })
    });
    for (number, kept) in join_all(kept.collect::<Vec<_>>()).await.into_iter().enumerate() {
        match kept.unwrap() {
            Ok(kept) => assert!(kept == Kept::New && number != 30),
            Err(error) => {
                assert_eq!((error.retry, number), (Retry::Never, 30));
                let told = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
                assert!(!told.contains("canary"), "{told}");
            }
        }
    }
}

/// Who reads together with others and gets no answer, or none of its own, asks by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_read_that_fails_is_asked_again_by_each() {
    for fault in [Fault::BadReads, Fault::LateReads] {
        let (store, _) = store(fault).await;
        let said = at_once(&store, (0..40).map(|number| change(&other(number).1)).collect()).await;
        assert!(said.iter().all(Result::is_ok));
        let reads = (0..40).map(|number| {
            let (store, id) = (store.clone(), other(number).1.id);
            tokio::spawn(async move { store.run_and_contact(&id).await.unwrap().0.unwrap().id == id })
        });
        assert!(join_all(reads.collect::<Vec<_>>()).await.into_iter().all(Result::unwrap), "{fault:?}");
    }
}

/// S28: who asks first and goes away leaves those behind it their answers.
#[tokio::test]
async fn s28_whoever_goes_away_does_not_take_along_those_who_share_its_request() {
    let (store, _) = store(Fault::None).await;
    let mut first = Vec::new();
    for number in 0..5 {
        let (store, change) = (store.clone(), change(&other(number).1));
        first.push(Box::pin(async move { store.commit(&change).await }));
    }
    for one in &mut first {
        // It stands in line now, and others behind it.
        assert!(futures_util::poll!(one).is_pending());
    }
    let behind: Vec<_> = (5..20)
        .map(|number| {
            let (store, change) = (store.clone(), change(&other(number).1));
            tokio::spawn(async move { store.commit(&change).await.unwrap() })
        })
        .collect();
    drop(first);
    for one in behind {
        let said = tokio::time::timeout(std::time::Duration::from_secs(20), one).await;
        assert_eq!(said.unwrap().unwrap(), Commit::Applied);
    }
}

/// A change that no request has room for beside others goes by itself, and one that none has room for at all is refused.
#[tokio::test]
async fn what_is_too_large_to_share_goes_by_itself() {
    let (store, seen) = store(Fault::None).await;
    let (key, mut contact): (_, Contact) = someone();
    contact.revision = 0;
    let mut large = with_contact(&run(&ready()), &[], &[], 0);
    large.runs = (0..98).map(|number| other(number).1).collect();
    assert_eq!(store.commit(&large).await.unwrap(), Commit::Applied);
    assert_eq!((store.contacts(&[key]).await.unwrap().len(), seen.shared.load(Ordering::SeqCst)), (1, 1));
    let too_large = Change { runs: (0..101).map(|number| other(number).1).collect(), ..Change::default() };
    assert_eq!(store.commit(&too_large).await.unwrap_err().retry, Retry::Never);
}
