//! How the runs stand, counted over the table.

use std::sync::Arc;

use carepath_app::ports::{Health, Store, Wanted};
use carepath_aws::{DynamoStore, Options};
use serde_json::json;

use crate::database::{self, Durability};
use crate::store::{NOW, change, ready, run, secret, sound};

/// S5: what the metrics say comes from the table, and not from what a process remembers.
#[tokio::test]
async fn s5_a_run_that_nothing_would_wake_is_counted_by_looking_at_the_table() {
    let database = Arc::new(database::open(None, Durability::Full).unwrap());
    let handler = {
        let database = Arc::clone(&database);
        move |target: &str, body: &[u8]| database::prepare(&database, target, body, true)()
    };
    let store = DynamoStore::in_process(handler, &Options::default());
    store.set_secret(secret());
    store.create_tables().await.unwrap();
    assert_eq!(store.health().await.unwrap(), Health::default());

    let mut first = run(&ready());
    store.commit(&change(&first)).await.unwrap();
    assert_eq!(store.health().await.unwrap(), Health { live: 1, ..Health::default() });

    // Somebody takes the run out of the index behind our back.
    let key = json!({ "pk": { "S": first.id.contact().as_str() }, "sk": { "S": first.id.as_str() } });
    let update = json!({ "TableName": "carepath-runs", "Key": key, "UpdateExpression": "REMOVE dpk, dsk" });
    let (status, _) =
        database::prepare(&database, "DynamoDB_20120810.UpdateItem", update.to_string().as_bytes(), true)();
    assert_eq!(status, 200);
    assert_eq!(store.health().await.unwrap(), Health { live: 1, without_wakeup: 1, unknown: 0, parked: 0 });

    first.revision = 1;
    first.state = serde_json::from_value(json!({ "k": "ended", "o": { "r": "completed" }, "a": NOW })).unwrap();
    store.commit(&change(&first)).await.unwrap();
    assert_eq!(store.health().await.unwrap(), Health::default());
}

/// S3: the live runs of a workflow are found page by page, and nobody else's.
#[tokio::test]
async fn s3_the_live_runs_of_a_workflow_are_found_by_looking_through_all() {
    let store = sound().await;
    let mut expected = Vec::new();
    for nth in 1..=25_u32 {
        let mut run = run(&ready());
        run.id = secret().run_id(&run.id.contact(), &"onboarding".parse().unwrap(), Some(&nth.to_string()), nth);
        match nth % 5 {
            0 => run.workflow = "another".parse().unwrap(),
            1 => {
                run.state =
                    serde_json::from_value(json!({ "k": "ended", "o": { "r": "completed" }, "a": NOW })).unwrap();
            }
            _ => expected.push(run.id.clone()),
        }
        store.commit(&change(&run)).await.unwrap();
    }
    let id = "onboarding".parse().unwrap();
    let live = Wanted { workflow: Some(&id), live: true };
    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.runs_that(live, 4, cursor.as_deref()).await.unwrap();
        found.extend(page.items.into_iter().map(|run| run.id));
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(pages >= 6, "{pages} pages of 4 for 25 runs");
    let whole = store.runs_that(live, 1_000, None).await.unwrap();
    assert_eq!((whole.items.len(), whole.next), (expected.len(), None));
    let all = store.runs_that(Wanted { live: false, ..live }, 1_000, None).await.unwrap();
    assert_eq!(all.items.len(), 20, "those that have ended too");
    let everybody = store.runs_that(Wanted { workflow: None, live: false }, 1_000, None).await.unwrap();
    assert_eq!(everybody.items.len(), 25);
    let ids = [expected[0].clone(), expected[1].clone(), secret().run_id(&expected[0].contact(), &id, None, 99)];
    assert_eq!(store.runs(&ids).await.unwrap().len(), 2, "one of them never was");
    assert!(store.runs_that(live, 4, Some("no run")).await.is_err(), "a cursor that no page gave out");
}
