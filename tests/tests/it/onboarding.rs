//! New members, as the example welcomes them.

use serde_json::json;

use crate::support::dev::Dev;
use crate::support::story::{steps, text, visit};

const WELCOME: &str = "Welcome to Harbor Health";
const STARTED: &str = "Getting started: your first two steps";
const REMINDER: &str = "Your portal is ready for you";

async fn clinic(members: &[&str]) -> Dev {
    let dev = Dev::start().await;
    dev.example("new-member-onboarding");
    for id in members {
        dev.person(id).await;
        dev.tell(id, json!({ "name": "member_joined", "id": format!("joined-{id}"), "properties": { "plan": "x" } }))
            .await;
    }
    dev
}

/// S23: what was looked for, what was found, where from, and which way it led.
#[tokio::test]
async fn who_opens_the_welcome_gets_the_second_mail_at_once_and_the_run_says_why() {
    let dev = clinic(&["ann"]).await;
    assert_eq!(dev.subjects("ann").await, [WELCOME]);
    let run = dev.run("ann").await;
    assert_eq!((text(&run, "status"), text(&run, "current")), ("waiting", "read"));
    assert_eq!(text(&run, "due"), "2040-01-05T15:00:30Z", "three days, and the grace");

    dev.advance("5h").await;
    dev.opens("ann").await;
    assert_eq!(dev.subjects("ann").await, [WELCOME, STARTED]);
    let run = dev.run("ann").await;
    assert_eq!((text(&run, "status"), text(&run, "ended")), ("ended", "completed"));
    assert_eq!(steps(&run), ["welcome", "read", "getting_started", "note", "engaged"]);
    assert_eq!(run["entry"]["payload"], json!({ "plan": "x" }));
    let sent = visit(&run, "welcome");
    assert_eq!((text(sent, "kind"), text(sent, "edge")), ("send", "read"));
    let message = &sent["message"];
    assert_eq!((text(message, "state"), message["attempt"].as_u64()), ("sent", Some(1)));
    assert_eq!(message["id"], dev.mails("ann").await[0]["id"]);
    assert_eq!(text(&message["opened"], "human"), "2040-01-02T20:00:00Z");
    let read = visit(&run, "read");
    assert_eq!((text(read, "at"), text(read, "edge")), ("2040-01-02T15:00:00Z", "getting_started"));
    let why = &read["explanation"][0];
    assert_eq!((text(why, "test"), text(why, "observed")), ("opened welcome", "2040-01-02T20:00:00Z"), "{read}");
    assert_eq!(why["result"], true);
    assert!(!text(why, "source").is_empty());
    assert_eq!(dev.get("/v1/contacts/ann").await["attributes"]["onboarding"], "engaged");
    assert_eq!(dev.members("engaged-members").await, ["ann"]);
}

#[tokio::test]
async fn who_never_opens_is_reminded_after_three_days_and_called_after_seven_more() {
    let dev = clinic(&["bob"]).await;
    dev.advance("71h").await;
    assert_eq!(dev.subjects("bob").await, [WELCOME]);
    dev.advance("1h 1m").await;
    assert_eq!(dev.subjects("bob").await, [WELCOME, REMINDER]);
    let run = dev.run("bob").await;
    let read = visit(&run, "read");
    assert_eq!((text(read, "via"), text(read, "edge")), ("timeout", "remind"));
    assert_eq!(text(&read["explanation"][0], "test"), "time is up");
    dev.advance("8d").await;
    let run = dev.run("bob").await;
    assert_eq!(steps(&run), ["welcome", "read", "remind", "late_read", "call"]);
    assert_eq!(text(&run, "ended"), "completed");
    assert_eq!(dev.members("onboarding-call").await, ["bob"]);
    assert_eq!(dev.subjects("bob").await.len(), 2);
}

#[tokio::test]
async fn a_click_is_as_good_as_an_open_and_the_late_reader_is_no_call() {
    let dev = clinic(&["cem"]).await;
    dev.advance("3d 1m").await;
    dev.clicks("cem", "portal").await;
    let run = dev.run("cem").await;
    assert_eq!(steps(&run), ["welcome", "read", "remind", "late_read", "note", "engaged"]);
    assert!(dev.members("onboarding-call").await.is_empty());
    assert_eq!(text(&visit(&run, "remind")["message"]["clicked"]["portal"], "human"), "2040-01-05T15:01:00Z");
}

#[tokio::test]
async fn s18_a_goal_that_is_reached_ends_the_run_at_once() {
    let dev = clinic(&["dee"]).await;
    dev.advance("1d").await;
    dev.happens("dee", "portal_activated").await;
    let run = dev.run("dee").await;
    assert_eq!((text(&run, "ended"), text(&run, "ended_at")), ("goal", "2040-01-03T15:00:00Z"));
    dev.advance("30d").await;
    assert_eq!(dev.subjects("dee").await, [WELCOME]);
}

#[tokio::test]
async fn the_timeline_tells_all_of_it_newest_first() {
    let dev = clinic(&["eva"]).await;
    dev.advance("1h").await;
    dev.opens("eva").await;
    let mut told = Vec::new();
    let mut at = Vec::new();
    let mut path = "/v1/contacts/eva/timeline?limit=4".to_owned();
    loop {
        let page = dev.get(&path).await;
        for item in page["items"].as_array().unwrap() {
            let what = ["name", "step", "what"].map(|name| item[name].as_str().unwrap_or_default());
            told.push(format!("{} {}", text(item, "type"), what.join(" ").trim()));
            at.push(text(item, "at").to_owned());
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/contacts/eva/timeline?limit=4&cursor={next}");
    }
    assert!(at.is_sorted_by(|newer, older| newer >= older), "{at:?}");
    for wanted in [
        "event member_joined",
        "visit welcome",
        "message welcome",
        "engagement welcome opened",
        "visit getting_started",
        "message getting_started",
        "visit engaged",
    ] {
        assert_eq!(told.iter().filter(|entry| *entry == wanted).count(), 1, "{wanted} once in {told:?}");
    }
    let place = |wanted: &str| told.iter().position(|entry| entry == wanted).unwrap();
    assert!(place("engagement welcome opened") < place("visit welcome"), "{told:?}");
    assert!(place("visit engaged") < place("visit getting_started"), "{told:?}");
}
