//! What each operation of the port costs, in requests and capacity units, indexes included.

use std::collections::BTreeMap;

use carepath_app::ports::{AddressChange, Change, Commit, ContactChange, DocumentId, DocumentKind, Store, Work};
use carepath_aws::DynamoStore;
use carepath_engine::contact::Suppression;
use carepath_engine::event::Event;
use jiff::SignedDuration;
use serde_json::json;

use crate::store::{NOW, change, now, ready, run, someone, sound, with_contact};

/// What was spent since the numbers were last taken: requests, read units, write units.
struct Meter<'a>(&'a DynamoStore, (u64, f64, f64));

impl Meter<'_> {
    fn spent(&mut self) -> (u64, f64, f64) {
        let all = self.0.usage().by_operation.into_values();
        let now = all.fold((0, 0.0, 0.0), |(requests, reads, writes), one| {
            (requests + one.requests, reads + one.read_units, writes + one.write_units)
        });
        let before = std::mem::replace(&mut self.1, now);
        (now.0 - before.0, now.1 - before.1, now.2 - before.2)
    }
}

#[tokio::test]
async fn each_operation_costs_exactly_this() {
    let store = sound().await;
    let mut meter = Meter(&store, (0, 0.0, 0.0));
    meter.spent();
    let (key, contact) = someone();
    let mut table = Vec::new();
    macro_rules! costs {
        ($name:literal, $call:expr) => {{
            let answer = $call.await.unwrap();
            table.push(($name, meter.spent()));
            answer
        }};
    }

    let mut first = run(&ready());
    costs!("admit a run", store.commit(&change(&first)));
    first.revision = 1;
    first.state = serde_json::from_value(json!({"k": "claimed", "s": 0, "c": {"a": 1, "d": NOW}})).unwrap();
    costs!("move a run to another due time", store.commit(&change(&first)));
    costs!("lose a race", store.commit(&change(&first)));
    first.revision = 2;
    first.state = serde_json::from_value(json!({"k": "ended", "o": {"r": "completed"}, "a": NOW})).unwrap();
    costs!("end a run", store.commit(&change(&first)));

    let alone = ContactChange { key: key.clone(), contact, entered: Vec::new(), left: Vec::new(), address: None };
    costs!(
        "a new contact with an address",
        store.commit(&Change { contact: Some(alone.clone()), ..Change::default() })
    );
    let mut again = alone;
    again.contact.revision = 1;
    costs!("change a contact", store.commit(&Change { contact: Some(again), ..Change::default() }));
    first.revision = 3;
    let both = with_contact(&first, &["vip"], &[], 2);
    assert_eq!(costs!("run, contact and a member in one", store.commit(&both)), Commit::Applied);

    costs!("contact", store.contact(&key));
    costs!("run and contact", store.run_and_contact(&first.id));
    costs!("runs of a contact", store.runs_of(&key));
    costs!("how the runs stand", store.health());
    costs!("contacts by address", store.contacts_by_email("ann@example.org", 5));
    costs!("members of a segment", store.members(&"vip".parse().unwrap(), 5, None));

    let event: Event = serde_json::from_value(json!({
        "id": "a", "source": "api", "name": "visit", "at": NOW, "received_at": NOW
    }))
    .unwrap();
    costs!("keep an event", store.keep_event(&key, "a", &event));
    costs!("keep it again", store.keep_event(&key, "a", &event));
    costs!("contact and event", store.contact_and_event(&key, "a"));
    costs!("what is due within the hour", store.due(now(), now() + SignedDuration::from_mins(1), 5));
    let work = Work::Event { contact: key.clone(), event: "a".to_owned() };
    costs!("revision", store.revision(&work));
    assert_eq!(costs!("park work", store.park(&work, "x", 1, now())), Commit::Applied);
    assert_eq!(costs!("what is parked", store.parked(5, None)).items.len(), 1);
    assert!(costs!("redrive", store.redrive(&work, now())));
    costs!("an event is done", store.event_done(&key, "a", &[]));
    first.revision = 4;
    first.messages.insert(0, serde_json::from_value(json!({"s": "unknown", "n": 1, "a": NOW})).unwrap());
    assert_eq!(costs!("a send becomes unknown", store.commit(&change(&first))), Commit::Applied);
    assert_eq!(costs!("the unknown sends", store.unknown(5, None)).items.len(), 1);
    costs!("events of a contact", store.events_of(&key, 5, None));

    let id = DocumentId { kind: DocumentKind::Workflow, id: "onboarding".to_owned() };
    costs!("put a document", store.put_document(&id, &json!({}), 0));
    costs!("read a document", store.document(&id));
    costs!("documents of a kind", store.documents(DocumentKind::Workflow));
    costs!("revision of the configuration", store.configuration_revision());

    let expected = [
        // Operation, (requests, read units, write units).
        ("admit a run", (1, 0.0, 2.0)),
        // The index loses one entry and gets another.
        ("move a run to another due time", (1, 0.0, 3.0)),
        // A write unit in truth: an answer that is an error does not say what it cost.
        ("lose a race", (1, 0.0, 0.0)),
        ("end a run", (1, 0.0, 2.0)),
        ("a new contact with an address", (1, 0.0, 2.0)),
        ("change a contact", (1, 0.0, 1.0)),
        // A transaction costs twice.
        ("run, contact and a member in one", (1, 0.0, 6.0)),
        ("contact", (1, 1.0, 0.0)),
        ("run and contact", (1, 2.0, 0.0)),
        ("runs of a contact", (1, 1.0, 0.0)),
        ("how the runs stand", (3, 2.0, 0.0)),
        ("contacts by address", (2, 1.5, 0.0)),
        ("members of a segment", (1, 0.5, 0.0)),
        ("keep an event", (1, 0.0, 2.0)),
        ("keep it again", (1, 0.0, 0.0)),
        ("contact and event", (1, 2.0, 0.0)),
        ("what is due within the hour", (2, 1.0, 0.0)),
        ("revision", (1, 1.0, 0.0)),
        ("park work", (1, 0.0, 3.0)),
        ("what is parked", (3, 2.0, 0.0)),
        ("redrive", (1, 0.0, 3.0)),
        ("an event is done", (1, 0.0, 2.0)),
        ("a send becomes unknown", (1, 0.0, 2.0)),
        ("the unknown sends", (2, 1.5, 0.0)),
        ("events of a contact", (1, 1.0, 0.0)),
        ("put a document", (1, 0.0, 4.0)),
        ("read a document", (1, 1.0, 0.0)),
        ("documents of a kind", (1, 1.0, 0.0)),
        ("revision of the configuration", (1, 1.0, 0.0)),
    ];
    assert_eq!(table, expected);
}

#[tokio::test]
async fn an_address_that_takes_no_mail_costs_exactly_this() {
    let store = sound().await;
    let mut meter = Meter(&store, (0, 0.0, 0.0));
    let mut run = run(&ready());
    assert_eq!(store.commit(&with_contact(&run, &[], &[], 0)).await.unwrap(), Commit::Applied);
    run.revision = 1;
    let mut bounce = with_contact(&run, &[], &[], 1);
    let key = bounce.contact.as_ref().unwrap().key.clone();
    let closed = AddressChange { name: "a".to_owned(), suppressed: Some(Suppression::Bounced) };
    bounce.contact.as_mut().unwrap().address = Some(closed);
    meter.spent();
    // Run, contact and address, in a transaction, which costs twice; the run stays where it was in the index.
    assert_eq!(store.commit(&bounce).await.unwrap(), Commit::Applied);
    assert_eq!(meter.spent(), (1, 0.0, 6.0));

    let names = ["a".to_owned(), "b".to_owned()];
    let (nobody, closed) = store.contacts_and_suppressed(&[], &names[..1]).await.unwrap();
    assert!(nobody.is_empty() && closed == BTreeMap::from([("a".to_owned(), Suppression::Bounced)]));
    assert_eq!(meter.spent(), (1, 1.0, 0.0));

    let (contacts, closed) = store.contacts_and_suppressed(&[key.clone(), key.clone()], &names).await.unwrap();
    assert_eq!((contacts.len(), closed.len()), (2, 1));
    assert_eq!(meter.spent(), (1, 3.0, 0.0));

    // A hundred of both are one request. S26: who is erased leaves the address closed.
    store.erase_contact(&key, &[]).await.unwrap();
    meter.spent();
    let many: Vec<String> = (0..99).map(|n| format!("n{n}")).chain(["a".to_owned()]).collect();
    let (contacts, closed) = store.contacts_and_suppressed(&[key], &many).await.unwrap();
    assert_eq!((contacts.len(), closed.len(), meter.spent().0), (0, 1, 2));
}

/// S26: an address is opened with the contact that has it, or not at all. Opening one that is open changes nothing.
#[tokio::test]
async fn an_address_opens_in_the_commit_of_its_contact_and_in_no_other() {
    let store = sound().await;
    let run = run(&ready());
    let becomes = |revision: u64, suppressed: Option<Suppression>| {
        let mut change = Change { runs: Vec::new(), ..with_contact(&run, &[], &[], revision) };
        let contact = change.contact.as_mut().unwrap();
        contact.address = Some(AddressChange { name: "a".to_owned(), suppressed });
        change
    };
    let closed = async || {
        let (_, closed) = store.contacts_and_suppressed(&[], &["a".to_owned()]).await.unwrap();
        closed.get("a").copied()
    };
    assert_eq!(store.commit(&becomes(0, Some(Suppression::Complained))).await.unwrap(), Commit::Applied);
    assert_eq!(store.commit(&becomes(0, None)).await.unwrap(), Commit::LostRace);
    assert_eq!(closed().await, Some(Suppression::Complained));
    for revision in [1, 2] {
        assert_eq!(store.commit(&becomes(revision, None)).await.unwrap(), Commit::Applied);
        assert_eq!(closed().await, None);
    }
    assert_eq!(store.commit(&becomes(3, Some(Suppression::Bounced))).await.unwrap(), Commit::Applied);
    assert_eq!(closed().await, Some(Suppression::Bounced));
}
