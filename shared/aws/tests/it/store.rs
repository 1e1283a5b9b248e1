//! The store's contract.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carepath_app::ports::{Change, Commit, ContactChange, DocumentId, DocumentKind, Kept, KeptEvent, Store, Work};
use carepath_aws::{DynamoStore, Options};
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, Secret};
use carepath_engine::run::Run;
use jiff::Timestamp;
use serde_json::json;

use crate::database::{self, Durability};

pub(crate) const NOW: &str = "2026-11-24T10:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn secret() -> Secret {
    Secret::new([7; 32])
}

/// A store; while `broken` is set, writes are done and then answered with something unreadable.
pub(crate) async fn store(broken: Arc<AtomicBool>) -> DynamoStore {
    let database = database::open(None, Durability::Full).unwrap();
    let handler = move |target: &str, body: &[u8]| {
        let answer = database::prepare(&database, target, body, true)();
        let write = target.ends_with("PutItem") || target.ends_with("WriteItems");
        if write && broken.load(Ordering::SeqCst) { (200, b"<html>".to_vec()) } else { answer }
    };
    let store = DynamoStore::in_process(handler, &Options::default());
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    store.create_tables().await.unwrap();
    store
}

pub(crate) async fn sound() -> DynamoStore {
    store(Arc::default()).await
}

pub(crate) fn someone() -> (ContactKey, Contact) {
    let id: carepath_engine::ids::ContactId = "患者-1".parse().unwrap();
    let mut contact = Contact::new(id.clone(), now());
    contact.email = Some("Ann@Example.org".to_owned().into());
    (secret().contact_key(&id), contact)
}

pub(crate) fn run(state: &serde_json::Value) -> Run {
    let (key, contact) = someone();
    let id = secret().run_id(&key, &"onboarding".parse().unwrap(), None, 1);
    serde_json::from_value(json!({
        "id": id, "w": "onboarding", "n": 1, "c": contact.id, "e": {"a": NOW, "n": 1, "c": "x"},
        "s": state, "h": [], "p": 0
    }))
    .unwrap()
}

pub(crate) fn ready() -> serde_json::Value {
    json!({"k": "ready", "s": 0, "d": NOW})
}

pub(crate) fn change(run: &Run) -> Change {
    Change { runs: vec![run.clone()], ..Change::default() }
}

pub(crate) fn with_contact(run: &Run, entered: &[&str], left: &[&str], revision: u64) -> Change {
    let (key, mut contact) = someone();
    contact.revision = revision;
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    Change {
        runs: vec![run.clone()],
        contact: Some(ContactChange { key, contact, entered: ids(entered), left: ids(left), address: None }),
        events: Vec::new(),
    }
}

async fn race(store: &DynamoStore, change: Change) -> (usize, usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (store, change) = (store.clone(), change.clone());
        tasks.spawn(async move { store.commit(&change).await.unwrap() });
    }
    let all = tasks.join_all().await;
    let count = |what| all.iter().filter(|commit| **commit == what).count();
    (count(Commit::Applied), count(Commit::LostRace))
}

/// S1, S7: one of all that decided on the same revision.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_commits_on_one_revision_exactly_one_is_applied() {
    let store = sound().await;
    let mut run = run(&ready());
    assert_eq!(race(&store, change(&run)).await, (1, 63), "admission");
    run.revision = 1;
    assert_eq!(race(&store, change(&run)).await, (1, 63), "one item");
    run.revision = 2;
    assert_eq!(race(&store, with_contact(&run, &[], &[], 0)).await, (1, 63), "a transaction");
    let (found, contact) = store.run_and_contact(&run.id).await.unwrap();
    assert_eq!((found.unwrap().revision, contact.unwrap().revision), (3, 1));
}

/// S5: whatever is to be looked at is found by its time, and nothing else is.
#[tokio::test]
async fn the_index_of_due_things_follows_every_state() {
    let store = sound().await;
    let later = "2026-11-24T13:30:00Z";
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let states = [
        (ready(), at(NOW), 0),
        (json!({"k": "claimed", "s": 0, "c": {"a": 1, "d": NOW}}), at("2026-11-24T10:15:00Z"), 0),
        (
            json!({"k": "claimed", "s": 0, "c": {"a": 1, "d": NOW, "p": "2026-11-24T09:59:30Z"}}),
            at("2026-11-24T09:59:30Z"),
            0,
        ),
        (json!({"k": "unknown", "s": 0, "a": 1, "f": NOW, "l": 1}), at("2026-11-24T11:00:00Z"), 0),
        (json!({"k": "calling", "s": 0, "c": {"a": 2, "d": later}}), at(later), 0),
        (json!({"k": "waiting", "s": 0, "f": NOW, "u": later, "d": later}), at(later), 0),
        (json!({"k": "paused", "f": NOW, "a": ready()}), None, 1),
        (json!({"k": "ended", "o": {"r": "completed"}, "a": NOW, "c": {"s": 0, "a": 1, "d": later}}), at(later), 0),
        (json!({"k": "ended", "o": {"r": "completed"}, "a": NOW}), None, 0),
    ];
    for (revision, (state, due, paused)) in states.into_iter().enumerate() {
        let mut run = run(&state);
        run.revision = u64::try_from(revision).unwrap();
        assert_eq!(store.commit(&change(&run)).await.unwrap(), Commit::Applied);
        for from in ["2026-11-24T00:00:00Z", "2026-10-01T00:00:00Z", "1990-01-01T00:00:00Z"] {
            let found = store.due(from.parse().unwrap(), later.parse().unwrap(), 10).await.unwrap();
            assert_eq!(found.first().map(|due| due.at), due, "{state} from {from}");
            assert!(found.iter().all(|due| due.work == Work::Run { run: run.id.clone() }));
        }
        assert_eq!(store.paused(&run.workflow, 10).await.unwrap().len(), paused, "{state}");
    }
    assert_eq!(store.runs_of(&someone().0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_settled_by_reading_it_back() {
    let broken = Arc::new(AtomicBool::new(false));
    let store = store(Arc::clone(&broken)).await;
    broken.store(true, Ordering::SeqCst);
    let run = run(&ready());
    assert_ne!(store.commit(&change(&run)).await.unwrap(), Commit::LostRace, "one item");
    assert_eq!(store.commit(&change(&run)).await.unwrap(), Commit::LostRace, "somebody else's");
    let mut next = run.clone();
    next.revision = 1;
    assert_ne!(store.commit(&with_contact(&next, &["vip"], &[], 0)).await.unwrap(), Commit::LostRace, "a transaction");
}

#[tokio::test]
async fn members_and_addresses_follow_the_contact() {
    let store = sound().await;
    let (key, _) = someone();
    let mut run = run(&ready());
    let page = async |id: &str| store.members(&id.parse().unwrap(), 5, None).await.unwrap().items;
    assert_eq!(store.commit(&with_contact(&run, &["vip", "new"], &[], 0)).await.unwrap(), Commit::Applied);
    assert_eq!((page("vip").await, page("new").await), (vec![key.clone()], vec![key.clone()]));
    run.revision = 1;
    assert_eq!(store.commit(&with_contact(&run, &[], &["new"], 7)).await.unwrap(), Commit::LostRace);
    assert_eq!(page("new").await.len(), 1);
    assert_eq!(store.commit(&with_contact(&run, &[], &["new"], 1)).await.unwrap(), Commit::Applied);
    assert_eq!((page("vip").await.len(), page("new").await.len()), (1, 0));
    assert_eq!(store.contacts_by_email("ANN@example.org", 5).await.unwrap().len(), 1);
    assert_eq!(store.contacts(&[key.clone(), key]).await.unwrap().len(), 2);
}

/// S19: once by its name.
#[tokio::test]
async fn an_event_is_kept_once_and_is_due_until_it_is_done() {
    let store = sound().await;
    let (key, _) = someone();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        let received = now() + jiff::SignedDuration::from_secs(i64::try_from(index).unwrap());
        let event: Event = serde_json::from_value(json!({
            "id": name, "source": "api", "name": "visit", "at": NOW, "received_at": received
        }))
        .unwrap();
        assert_eq!(store.keep_event(&key, name, &event).await.unwrap(), Kept::New);
        assert_eq!(store.keep_event(&key, name, &event).await.unwrap(), Kept::Duplicate);
    }
    let page = store.events_of(&key, 2, None).await.unwrap();
    let ids = |kept: &[KeptEvent]| kept.iter().map(|kept| kept.event.id.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&page.items), ["c", "b"]);
    let rest = store.events_of(&key, 2, page.next.as_deref()).await.unwrap();
    assert_eq!((ids(&rest.items), rest.next), (vec!["a".to_owned()], None));
    let hour = now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(store.due(now(), hour, 2).await.unwrap().len(), 2, "at most as many as asked for");
    for name in ["a", "b", "c", "never-kept"] {
        store.event_done(&key, name, &[]).await.unwrap();
    }
    assert_eq!(store.due(now(), hour, 9).await.unwrap(), []);
    let (contact, event) = store.contact_and_event(&key, "a").await.unwrap();
    assert!(contact.is_none() && event.is_some());
    assert!(store.contact_and_event(&key, "never-kept").await.unwrap().1.is_none());
}

#[tokio::test]
async fn a_document_is_written_over_the_revision_that_was_read() {
    let store = sound().await;
    let id = DocumentId { kind: DocumentKind::Version, id: "onboarding/1".to_owned() };
    assert_eq!(store.put_document(&id, &json!({"a": 1}), 0).await.unwrap(), Commit::Applied);
    assert_eq!(store.put_document(&id, &json!({"a": 2}), 0).await.unwrap(), Commit::LostRace);
    assert_eq!(store.put_document(&id, &json!({"a": 3}), 1).await.unwrap(), Commit::Applied);
    let found = store.document(&id).await.unwrap().unwrap();
    assert_eq!((found.revision, found.body), (2, json!({"a": 3})));
    assert_eq!(store.documents(DocumentKind::Version).await.unwrap().len(), 1);
    assert_eq!(store.configuration_revision().await.unwrap(), 2);
    assert_eq!(store.delete_document(&id, 1).await.unwrap(), Commit::LostRace);
    assert_eq!(store.delete_document(&id, 2).await.unwrap(), Commit::Applied);
    assert!(store.document(&id).await.unwrap().is_none());
    assert_eq!(store.configuration_revision().await.unwrap(), 3);
}

#[tokio::test]
async fn what_was_written_to_a_file_is_there_when_it_is_opened_again() {
    for durability in [Durability::Full, Durability::Normal] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carepath.db");
        for expected in [Commit::Applied, Commit::LostRace] {
            let database = database::open(path.to_str(), durability).unwrap();
            let handler = move |target: &str, body: &[u8]| database::prepare(&database, target, body, true)();
            let store = DynamoStore::in_process(handler, &Options::default());
            store.create_tables().await.unwrap();
            assert_eq!(store.commit(&change(&run(&ready()))).await.unwrap(), expected, "{durability:?}");
        }
    }
}

/// S26: nothing of a contact stays but its runs.
#[tokio::test]
async fn an_erased_contact_leaves_no_event_and_no_place_in_a_segment() {
    let store = sound().await;
    let (key, _) = someone();
    let vip = "vip".parse().unwrap();
    store.commit(&with_contact(&run(&ready()), &["vip"], &[], 0)).await.unwrap();
    let event: Event = serde_json::from_value(json!({
        "id": "a", "source": "api", "name": "visit", "at": NOW, "received_at": NOW
    }))
    .unwrap();
    store.keep_event(&key, "a", &event).await.unwrap();
    for _ in 0..2 {
        store.erase_contact(&key, std::slice::from_ref(&vip)).await.unwrap();
        let (contact, event) = store.contact_and_event(&key, "a").await.unwrap();
        assert!(contact.is_none() && event.is_none());
        assert_eq!(store.members(&vip, 5, None).await.unwrap().items, []);
        assert_eq!(store.contacts_by_email("ann@example.org", 5).await.unwrap(), []);
        assert_eq!(store.runs_of(&key).await.unwrap().len(), 1);
    }
}
