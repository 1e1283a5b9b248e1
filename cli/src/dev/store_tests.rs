use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use carepath_app::ports::ContactChange;
use carepath_aws::Options;
use carepath_engine::ids::ContactId;
use serde_json::json;

use super::super::database::{self, Durability};
use super::*;

const NOW: &str = "2026-11-24T10:00:00Z";

async fn store() -> DevStore {
    let database = database::open(None, Durability::Normal).unwrap();
    let store = DynamoStore::in_process(
        move |target, body| database::dispatch(&database, target, body),
        &Options { prefix: "t-".to_owned(), shards: 1 },
    );
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    DevStore::over(store)
}

fn secret() -> Secret {
    Secret::new([7; 32])
}

struct Someone {
    key: ContactKey,
    contact: Contact,
    run: Run,
    event: Event,
}

fn someone(n: u64) -> Someone {
    let id: ContactId = format!("p-{n}").parse().unwrap();
    let key = secret().contact_key(&id);
    let run = serde_json::from_value(json!({
        "id": secret().run_id(&key, &"w".parse().unwrap(), None, 1), "w": "w", "n": 1, "c": id,
        "e": { "a": NOW, "n": 1, "c": "x" }, "s": { "k": "ready", "s": 0, "d": NOW }, "h": [], "p": 0
    }));
    let event = json!({ "id": "e", "source": "api", "name": "visit", "at": NOW, "received_at": NOW });
    Someone {
        key,
        contact: Contact::new(id, NOW.parse().unwrap()),
        run: run.unwrap(),
        event: serde_json::from_value(event).unwrap(),
    }
}

fn change(someone: &Someone, run: Option<u64>, contact: Option<u64>) -> Change {
    let runs = run.map(|revision| Run { revision, ..someone.run.clone() }).into_iter().collect();
    let contact = contact.map(|revision| ContactChange {
        key: someone.key.clone(),
        contact: Contact { revision, ..someone.contact.clone() },
        entered: Vec::new(),
        left: Vec::new(),
    });
    Change { runs, contact }
}

/// What is known and what is stored.
async fn same(store: &DevStore, someone: &Someone) {
    let stored = &store.0.store;
    let (run, key) = (&someone.run.id, &someone.key);
    assert_eq!(store.run_and_contact(run).await.unwrap(), stored.run_and_contact(run).await.unwrap());
    assert_eq!(store.contact(key).await.unwrap(), stored.contact(key).await.unwrap());
    assert_eq!(store.contact_and_event(key, "e").await.unwrap(), stored.contact_and_event(key, "e").await.unwrap());
}

#[tokio::test]
async fn what_is_known_is_what_is_stored_whatever_is_done() {
    let store = store().await;
    let people: Vec<Someone> = (0..3).map(someone).collect();
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..600 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let who = &people[usize::try_from(dice % 3).unwrap()];
        // Often the right revision, and often not.
        let (run, contact) = store.0.store.run_and_contact(&who.run.id).await.unwrap();
        let run = run.map_or(0, |run| run.revision).saturating_sub(u64::from(dice >> 8 & 7 < 1));
        let contact = contact.map_or(0, |contact| contact.revision).saturating_sub(u64::from(dice >> 12 & 7 < 1));
        match dice >> 20 & 7 {
            0 => drop(store.commit(&change(who, Some(run), Some(contact))).await.unwrap()),
            1 | 2 => drop(store.commit(&change(who, Some(run), None)).await.unwrap()),
            3 | 4 => drop(store.commit(&change(who, None, Some(contact))).await.unwrap()),
            5 => drop(store.keep_event(&who.key, "e", &who.event).await.unwrap()),
            6 => store.event_done(&who.key, "e").await.unwrap(),
            _ => store.erase_contact(&who.key, &[]).await.unwrap(),
        }
        same(&store, who).await;
    }
}

/// Whoever asks may hang up at any moment, and what they asked for is dropped where it stands.
#[tokio::test]
async fn a_write_that_is_dropped_half_way_leaves_nothing_known() {
    let store = store().await;
    let who = someone(1);
    store.commit(&change(&who, Some(0), Some(0))).await.unwrap();
    for polls in 0..20 {
        let (run, contact) = store.0.store.run_and_contact(&who.run.id).await.unwrap();
        let next = change(&who, Some(run.unwrap().revision), Some(contact.unwrap().revision));
        {
            let mut writing = pin!(store.commit(&next));
            for _ in 0..polls {
                if writing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
        }
        same(&store, &who).await;
    }
}

#[tokio::test]
async fn what_this_process_wrote_is_read_without_a_request() {
    let store = store().await;
    let who = someone(1);
    store.commit(&change(&who, Some(0), Some(0))).await.unwrap();
    store.keep_event(&who.key, "e", &who.event).await.unwrap();
    let before = store.usage();
    assert_eq!(store.contact_and_event(&who.key, "e").await.unwrap().1, Some(who.event.clone()));
    assert_eq!(store.run_and_contact(&who.run.id).await.unwrap().0.unwrap().revision, 1);
    let requests = |usage: &Usage| usage.by_operation.values().map(|one| one.requests).sum::<u64>();
    assert_eq!(requests(&store.usage()), requests(&before));
}
