//! `kill -9`, at any moment.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::dev::Dev;
use crate::support::home::Home;
use crate::support::members::{acknowledged, batch};
use crate::support::smtp::Silent;
use crate::support::story::{steps, text, visit};
use carepath_tests::dice::Dice;

const KILLS: usize = 5;
/// Batches of a round, and contacts of a batch.
const BATCHES: usize = 8;
const PEOPLE: usize = 5;

/// Another number at each run of the test.
fn any_of(range: std::ops::Range<usize>) -> usize {
    range.start + usize::try_from(Dice::fresh().below(u64::try_from(range.len()).unwrap())).unwrap()
}

/// Sends all of it at once, kills the process after some answers, and gives what was acknowledged until then.
async fn killed_under_load(dev: Dev, people: &[String]) -> (Home, Vec<String>) {
    let mut flying = JoinSet::new();
    for some in people.chunks(PEOPLE) {
        let request = dev.request(Method::POST, "/v1/batch");
        flying.spawn(acknowledged(request, some.to_vec()));
    }
    let mut safe = Vec::new();
    for _ in 0..any_of(1..BATCHES) {
        if let Some(done) = flying.join_next().await {
            safe.extend(done.unwrap());
        }
    }
    let home = dev.kill();
    while let Some(done) = flying.join_next().await {
        safe.extend(done.unwrap());
    }
    (home, safe)
}

/// How many mails each address has, by subject.
async fn mails(dev: &Dev) -> BTreeMap<(String, String), usize> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = dev.get(&format!("/_dev/mailbox?limit=1000{cursor}")).await;
        let page = page.as_array().unwrap();
        for mail in page {
            *found.entry((text(mail, "to").to_owned(), text(mail, "subject").to_owned())).or_default() += 1;
        }
        let Some(last) = page.last() else { return found };
        cursor = format!("&cursor={}", text(last, "id"));
    }
}

fn once_each<'a>(people: impl IntoIterator<Item = &'a String>, subject: &str) -> BTreeMap<(String, String), usize> {
    people.into_iter().map(|id| ((format!("{id}@example.org"), subject.to_owned()), 1)).collect()
}

/// S1, S7, S28: what was acknowledged happens, once, whenever the process dies.
#[tokio::test]
async fn s28_kills_under_load_lose_nothing_and_repeat_nothing() {
    let mut dev = Dev::start().await;
    dev.example("new-member-onboarding");
    let mut safe: BTreeSet<String> = BTreeSet::new();
    let mut sent: BTreeSet<String> = BTreeSet::new();
    for round in 0..KILLS {
        let mut people: Vec<String> = (0..BATCHES * PEOPLE).map(|nth| format!("m{round}-{nth}")).collect();
        sent.extend(people.iter().cloned());
        // Who got no answer sends again, at least some of them, and a few do so who had one.
        people.extend(sent.difference(&safe).step_by(2).take(PEOPLE).cloned().collect::<Vec<_>>());
        people.extend(safe.iter().take(PEOPLE).cloned());
        let (home, more) = killed_under_load(dev, &people).await;
        safe.extend(more);
        dev = Dev::over(home);
    }
    assert!(!safe.is_empty());
    dev.settle().await;
    // A claim whose process died is decided when it has run out.
    dev.advance("20m").await;
    let welcomed = mails(&dev).await;
    assert!(welcomed.values().all(|count| *count == 1), "a second mail");
    for who in once_each(&safe, "Welcome to Harbor Health").keys() {
        assert!(welcomed.contains_key(who), "{who:?} was acknowledged and got no mail");
    }

    // Who never had an answer sends again without harm; then everybody gets on, and out.
    let rest: Vec<String> = sent.difference(&safe).cloned().collect();
    for some in rest.chunks(PEOPLE) {
        dev.post("/v1/batch", batch(some)).await;
    }
    dev.advance("3d 1h").await;
    let mut expected = once_each(&sent, "Welcome to Harbor Health");
    expected.append(&mut once_each(&sent, "Your portal is ready for you"));
    assert!(mails(&dev).await == expected, "each contact has a welcome and a reminder");
    dev.advance("8d").await;
    for id in &sent {
        let run = dev.run(id).await;
        assert_eq!(text(&run, "ended"), "completed", "{run}");
        assert_eq!(steps(&run), ["welcome", "read", "remind", "late_read", "call"]);
    }
    let metrics = dev.get("/_dev/metrics").await;
    for none in ["duplicate_send", "unknown_open", "runs_without_wakeup", "runs_live"] {
        assert_eq!(metrics[none], 0, "{none}");
    }
}

/// S7, S8: nobody knows whether the mail went out, so it is said so, and not sent again.
#[tokio::test]
async fn s8_a_mail_that_was_under_way_when_the_process_died_is_shown_as_unknown_and_not_repeated() {
    let server = Silent::listen();
    let dev = Dev::with(Home::new(), &["--smtp", &server.url]);
    dev.to(crate::support::dev::START).await;
    dev.example("new-member-onboarding");
    dev.person("ann").await;
    dev.post("/v1/contacts/ann/events", json!({ "name": "member_joined" })).await;
    server.has_a_mail();
    assert_eq!(text(&visit(&dev.run("ann").await, "welcome")["message"], "state"), "claimed");
    let dev = Dev::with(dev.kill(), &["--smtp", &server.url]);
    dev.settle().await;
    assert_eq!(
        text(&visit(&dev.run("ann").await, "welcome")["message"], "state"),
        "claimed",
        "it may still be heard of"
    );
    dev.advance("30m").await;
    assert_eq!(text(&visit(&dev.run("ann").await, "welcome")["message"], "state"), "unknown");
    assert_eq!(dev.get("/_dev/metrics").await["unknown_open"], 1);
    let dev = Dev::with(dev.kill(), &["--smtp", &server.url]);
    assert_eq!(dev.get("/_dev/metrics").await["unknown_open"], 1, "the next process knows of it");
    dev.advance("25h").await;
    let run = dev.run("ann").await;
    assert_eq!(
        (text(&run, "current"), text(&visit(&run, "welcome")["message"], "reason")),
        ("read", "treated_as_sent")
    );
    assert_eq!(dev.get("/_dev/metrics").await["unknown_open"], 0);
    assert_eq!(server.mails(), 1, "it was handed over once");
}

#[tokio::test]
async fn a_mail_that_is_under_way_to_somebody_who_is_deleted_is_settled_and_forgotten() {
    let server = Silent::listen();
    let dev = Dev::with(Home::new(), &["--smtp", &server.url]);
    dev.to(crate::support::dev::START).await;
    dev.example("new-member-onboarding");
    dev.person("ann").await;
    dev.post("/v1/contacts/ann/events", json!({ "name": "member_joined", "properties": { "said": "canary" } })).await;
    server.has_a_mail();
    let run = dev.run("ann").await;
    assert_eq!(dev.try_delete("/v1/contacts/ann").await.status, 204);
    let dev = Dev::with(dev.kill(), &["--smtp", &server.url]);
    dev.advance("3d").await;
    let left = dev.get(&format!("/v1/runs/{}", text(&run, "id"))).await;
    let message = &visit(&left, "welcome")["message"];
    assert_eq!((text(&left, "ended"), text(message, "reason")), ("deleted", "treated_as_sent"), "{left}");
    assert!(!left.to_string().contains("canary"), "{left}");
    assert_eq!(dev.try_get("/v1/contacts/ann/runs").await.problem(), (404, "not_found"));
    assert_eq!(server.mails(), 1);
    let settled = dev.post("/_dev/settle", json!({})).await;
    assert_eq!(
        (&settled["settled"], &settled["runs_waiting"]),
        (&json!(true), &json!(0)),
        "nothing is left to look at"
    );
}
