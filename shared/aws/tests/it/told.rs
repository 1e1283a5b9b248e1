//! Events that come to be with a change, and what of them a store has to hold.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carepath_app::ports::{Change, Commit, Due, Kept, Store, TellEvent, Work};
use carepath_engine::Event;
use serde_json::json;

use crate::store::{NOW, change, now, ready, run, someone, sound, store, with_contact};

fn told(name: &str) -> TellEvent {
    let event: Event = serde_json::from_value(json!({
        "id": name, "source": "workflow", "name": "at_risk", "at": NOW, "received_at": NOW, "hops": 3
    }))
    .unwrap();
    TellEvent { key: someone().0, name: name.to_owned(), event }
}

fn due(name: &str) -> Due {
    Due { at: now(), work: Work::Event { contact: someone().0, event: name.to_owned() } }
}

/// S28: all of a change is written or nothing, and an event of it is due until it is done.
#[tokio::test]
async fn s28_events_come_to_be_with_the_run_or_not_at_all() {
    let store = sound().await;
    let (key, _) = someone();
    let over = run(&json!({"k": "ended", "o": {"r": "completed"}, "a": NOW}));
    let both = Change { events: vec![told("a"), told("b")], ..change(&over) };
    assert_eq!(store.commit(&both).await.unwrap(), Commit::Applied);
    assert_eq!(store.due(now(), now(), 9).await.unwrap(), [due("a"), due("b")]);
    let event = store.contact_and_event(&key, "a").await.unwrap().1.unwrap();
    assert_eq!((event.hops, event.name.as_str()), (3, "at_risk"));
    // The run has moved on: nothing of what was decided on its old revision is told.
    let late = Change { events: vec![told("c")], ..change(&over) };
    assert_eq!(store.commit(&late).await.unwrap(), Commit::LostRace);
    assert!(store.contact_and_event(&key, "c").await.unwrap().1.is_none());
    assert_eq!(store.keep_event(&key, "a", &told("a").event).await.unwrap(), Kept::Duplicate);
}

/// S19: an event that is there is not told again, and what would tell it is not written either.
#[tokio::test]
async fn s19_an_event_that_is_there_holds_back_the_change_that_would_tell_it_again() {
    let store = sound().await;
    let (key, _) = someone();
    store.keep_event(&key, "a", &told("a").event).await.unwrap();
    let run = run(&ready());
    let again = Change { events: vec![told("a")], ..change(&run) };
    assert_eq!(store.commit(&again).await.unwrap(), Commit::LostRace);
    assert_eq!(store.runs_of(&key).await.unwrap().len(), 0);
    let with_all = Change { events: vec![told("b")], ..with_contact(&run, &["vip"], &[], 0) };
    assert_eq!(store.commit(&with_all).await.unwrap(), Commit::Applied);
}

#[tokio::test]
async fn a_change_with_events_whose_answer_is_lost_is_settled_by_reading_it_back() {
    let broken = Arc::new(AtomicBool::new(false));
    let store = store(Arc::clone(&broken)).await;
    broken.store(true, Ordering::SeqCst);
    let told = Change { events: vec![told("a")], ..change(&run(&ready())) };
    assert_ne!(store.commit(&told).await.unwrap(), Commit::LostRace);
    assert_eq!(store.commit(&told).await.unwrap(), Commit::LostRace, "it was written");
}

/// S26
#[tokio::test]
async fn s26_an_event_of_somebody_who_is_gone_can_be_deleted_by_itself() {
    let store = sound().await;
    let (key, _) = someone();
    for name in ["a", "b"] {
        store.keep_event(&key, name, &told(name).event).await.unwrap();
    }
    for _ in 0..2 {
        store.drop_event(&key, "a").await.unwrap();
        assert_eq!(store.due(now(), now(), 9).await.unwrap(), [due("b")]);
        assert!(store.contact_and_event(&key, "a").await.unwrap().1.is_none());
    }
}
