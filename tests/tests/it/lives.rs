//! What happens to runs while they live: pauses, new versions, entries again, ends.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{hello, steps, text, workflow};

/// A day's wait, and a mail.
fn patience() -> Value {
    json!({ "day": { "wait": { "for": "1d" }, "next": "hello" }, "hello": { "send": { "template": "note" }, "next": "end" } })
}

async fn office() -> Dev {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.note("other").await;
    dev
}

#[tokio::test]
async fn s15_a_pause_freezes_and_nobody_is_lost_when_it_ends() {
    let dev = office().await;
    dev.publish(workflow("slow", "joined", patience())).await;
    let people: Vec<String> = (0..20).map(|nth| format!("p{nth}")).collect();
    for id in &people {
        dev.person(id).await;
        dev.post(&format!("/v1/contacts/{id}/events"), json!({ "name": "joined" })).await;
    }
    dev.settle().await;
    dev.post("/v1/workflows/slow/pause", json!({})).await;
    dev.advance("5d").await;
    // Who comes in meanwhile is held at the first step.
    dev.person("late").await;
    dev.happens("late", "joined").await;
    assert_eq!(text(&dev.run("late").await, "status"), "paused");
    for id in &people {
        let run = dev.run(id).await;
        assert_eq!((text(&run, "status"), steps(&run)), ("paused", vec!["day"]));
    }
    assert_eq!(dev.get("/_dev/mailbox").await, json!([]));

    dev.post("/v1/workflows/slow/resume", json!({})).await;
    dev.settle().await;
    let at_once = dev.get("/_dev/mailbox").await.as_array().unwrap().len();
    assert!(at_once < people.len(), "they do not go out all at once");
    dev.advance("15m").await;
    for id in &people {
        assert_eq!(text(&dev.run(id).await, "ended"), "completed");
        assert_eq!(dev.subjects(id).await, ["note"], "{id}");
    }
    assert!(dev.mails("late").await.is_empty(), "the day's wait begins when the pause ends");
    dev.advance("25h").await;
    assert_eq!(dev.subjects("late").await, ["note"]);
}

#[tokio::test]
async fn s3_a_new_version_does_not_change_runs_that_are_under_way() {
    let dev = office().await;
    assert_eq!(dev.publish(workflow("slow", "joined", patience())).await, 1);
    dev.person("old").await;
    dev.happens("old", "joined").await;
    let mut shorter = patience();
    shorter["day"]["wait"]["for"] = json!("1h");
    shorter["hello"]["send"]["template"] = json!("other");
    assert_eq!(dev.publish(workflow("slow", "joined", shorter)).await, 2);
    // A template is pinned as well.
    let html = "<p>Rewritten.</p>";
    let body = json!({ "id": "note", "class": "operational", "subject": "rewritten", "html": html });
    dev.put("/v1/templates/note", body).await;
    dev.person("new").await;
    dev.happens("new", "joined").await;
    dev.advance("2h").await;
    assert_eq!((dev.subjects("old").await.len(), dev.subjects("new").await), (0, vec!["other".to_owned()]));
    dev.advance("22h").await;
    assert_eq!(dev.subjects("old").await, ["note"]);
    assert_eq!(
        (dev.run("old").await["version"].clone(), dev.run("new").await["version"].clone()),
        (json!(1), json!(2))
    );
    let frozen = dev.get("/v1/workflows/slow/versions/1").await;
    assert_eq!(frozen["document"]["steps"]["day"]["wait"]["for"], "1d");
}

async fn entries(dev: &Dev, id: &str) -> usize {
    dev.happens("ann", id).await;
    dev.runs("ann").await.iter().filter(|run| run["workflow"] == id).count()
}

#[tokio::test]
async fn s4_whether_somebody_comes_in_again_is_as_the_workflow_says() {
    let dev = office().await;
    for (id, entry) in [
        ("once", json!({ "event": "once" })),
        ("after", json!({ "event": "after", "reentry": "after_exit" })),
        ("often", json!({ "event": "often", "reentry": { "mode": "always", "min_gap": "1h", "max_entries": 2 } })),
    ] {
        let mut document = workflow(id, id, patience());
        document["entry"] = entry;
        dev.publish(document).await;
    }
    dev.person("ann").await;
    assert_eq!(entries(&dev, "once").await, 1);
    assert_eq!(entries(&dev, "after").await, 1);
    assert_eq!(entries(&dev, "after").await, 1, "the first run is not over");
    assert_eq!(entries(&dev, "often").await, 1);
    assert_eq!(entries(&dev, "often").await, 1, "the first run is not over");
    dev.advance("25h").await;
    assert_eq!(entries(&dev, "once").await, 1, "never again");
    assert_eq!(entries(&dev, "after").await, 2);
    assert_eq!(entries(&dev, "often").await, 2);
    dev.advance("25h").await;
    assert_eq!(entries(&dev, "often").await, 2, "two are as many as there may be");
    assert_eq!(entries(&dev, "after").await, 3);
}

#[tokio::test]
async fn s4_the_gap_counts_from_the_last_entry_and_a_key_tells_runs_apart() {
    let dev = office().await;
    let mut document = workflow("visits", "visit", hello());
    document["entry"] =
        json!({ "event": "visit", "key": "visit_id", "reentry": { "mode": "always", "min_gap": "2h" } });
    dev.publish(document).await;
    dev.person("bo").await;
    let visits = async |key: &str| {
        dev.tell("bo", json!({ "name": "visit", "properties": { "visit_id": key } })).await;
        dev.mails("bo").await.len()
    };
    assert_eq!(visits("a").await, 1);
    assert_eq!(visits("a").await, 1, "too soon");
    assert_eq!(visits("b").await, 2, "another visit is another run");
    dev.advance("119m").await;
    assert_eq!(visits("a").await, 2);
    dev.advance("1m").await;
    assert_eq!(visits("a").await, 3);
    let keys: Vec<Value> = dev.runs("bo").await.iter().map(|run| run["key"].clone()).collect();
    assert_eq!(keys.iter().filter(|key| *key == "a").count(), 2, "{keys:?}");
}

#[tokio::test]
async fn s19_an_event_that_is_sent_again_counts_once() {
    let dev = office().await;
    let mut document = workflow("visits", "visit", hello());
    document["entry"] = json!({ "event": "visit", "reentry": "always" });
    dev.publish(document).await;
    dev.person("cy").await;
    let event = json!({ "name": "visit", "id": "v-1" });
    assert_eq!(dev.tell("cy", event.clone()).await["duplicate"], false);
    assert_eq!(dev.tell("cy", event.clone()).await["duplicate"], true);
    let twice = json!({ "entries": [{ "event": { "contact": "cy", "name": "visit", "id": "v-1" } },
        { "event": { "contact": "cy", "name": "visit", "id": "v-1" } }] });
    let results = dev.post("/v1/batch", twice).await["results"].clone();
    assert!(results.as_array().unwrap().iter().all(|result| result["duplicate"] == true), "{results}");
    dev.advance("7d").await;
    assert_eq!(dev.tell("cy", event).await["duplicate"], true, "after a week, too");
    assert_eq!((dev.mails("cy").await.len(), dev.runs("cy").await.len()), (1, 1));
    assert_eq!(dev.tell("cy", json!({ "name": "visit", "id": "v-2" })).await["duplicate"], false);
    assert_eq!(dev.mails("cy").await.len(), 2);
}

#[tokio::test]
async fn s6_every_run_ends_with_a_reason() {
    let dev = office().await;
    let mut document = workflow("ends", "joined", patience());
    document["goal"] = json!({ "event": "reached", "within": "30d" });
    document["exit"] = json!([{ "event": "left" }]);
    document["send_policy"] = json!({ "cap": { "max": 1, "per": "30d", "on_capped": "exit" } });
    dev.publish(document).await;
    let round = json!({
        "first": { "send": { "template": "note" }, "next": "again" },
        "again": { "wait_for": { "paths": [{ "event": "enough", "next": "end" }], "timeout": "1h", "next": "round" } },
        "round": { "jump": { "step": "first" } },
    });
    dev.publish(workflow("circle", "went_round", round)).await;
    for id in ["completed", "goal", "exited", "cancelled", "revisit"] {
        dev.person(id).await;
        dev.happens(id, if id == "revisit" { "went_round" } else { "joined" }).await;
    }
    dev.advance("2h").await;
    dev.happens("goal", "reached").await;
    dev.happens("exited", "left").await;
    let cancelled = dev.run("cancelled").await;
    dev.post(&format!("/v1/runs/{}/cancel", text(&cancelled, "id")), json!({})).await;
    dev.advance("2d").await;
    for id in ["completed", "goal", "exited", "cancelled", "revisit"] {
        let run = dev.run(id).await;
        assert_eq!((text(&run, "status"), text(&run, "ended")), ("ended", id));
        assert_eq!(run["visits"].as_array().unwrap().last().unwrap()["step"], "end");
    }
    let again = dev.try_post(&format!("/v1/runs/{}/cancel", text(&cancelled, "id")), &json!({})).await;
    assert_eq!(again.problem(), (409, "run_ended"));
}

/// S6, S26: who is deleted leaves a run that has ended as deleted, and nothing else.
#[tokio::test]
async fn s26_deleting_a_contact_ends_its_runs_and_leaves_nothing_of_it() {
    let dev = office().await;
    let mut document = workflow("slow", "joined", patience());
    document["entry"] = json!({ "event": "joined", "key": "case",
        "where": { "event": "case", "exists": true }, "filter": { "attribute": "risk", "ne": "none" } });
    dev.publish(document).await;
    dev.publish(workflow("quick", "joined", hello())).await;
    dev.put("/v1/segments/vips", json!({ "id": "vips", "name": "VIPs" })).await;
    for id in ["canary", "stays"] {
        dev.person(id).await;
        dev.patch(&format!("/v1/contacts/{id}"), json!({ "attributes": { "risk": "canary-risk" } })).await;
        dev.tell(id, json!({ "name": "joined", "properties": { "case": "canary-case" } })).await;
    }
    dev.post("/v1/segments/vips/members", json!({ "add": ["canary", "stays"] })).await;
    let runs = dev.runs("canary").await;
    assert!(runs.iter().any(|run| run.to_string().contains("canary-risk")), "{runs:?}");
    assert_eq!(dev.try_delete("/v1/contacts/canary").await.status, 204);
    dev.advance("3d").await;
    assert_eq!((dev.mails("canary").await.len(), dev.mails("stays").await.len()), (1, 2));
    for path in ["", "/runs", "/timeline"] {
        assert_eq!(dev.try_get(&format!("/v1/contacts/canary{path}")).await.problem(), (404, "not_found"), "{path}");
    }
    for run in &runs {
        let left = dev.get(&format!("/v1/runs/{}", text(run, "id"))).await;
        let reason = if run["workflow"] == "slow" { "deleted" } else { "completed" };
        assert_eq!((text(&left, "status"), text(&left, "ended")), ("ended", reason));
        assert!(!left.to_string().contains("canary"), "{left}");
    }
    assert_eq!(dev.members("vips").await, ["stays"]);
    assert_eq!(dev.get("/v1/contacts?email=canary@example.org").await["items"], json!([]));
    assert_eq!(dev.try_delete("/v1/contacts/canary").await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn s26_whoever_comes_under_the_id_of_somebody_who_was_deleted_is_somebody_new() {
    let dev = office().await;
    for (id, key) in [("plain", json!(null)), ("keyed", json!("case"))] {
        let mut document = workflow(id, id, hello());
        document["entry"] = json!({ "event": id, "reentry": { "mode": "always", "max_entries": 1 } });
        if key.is_string() {
            document["entry"]["key"] = key;
        }
        dev.publish(document).await;
    }
    for round in 1..=3 {
        dev.person("ann").await;
        for name in ["plain", "keyed"] {
            for _ in 0..2 {
                dev.tell("ann", json!({ "name": name, "properties": { "case": "c-1" } })).await;
            }
        }
        assert_eq!(dev.runs("ann").await.len(), 2, "once each, and nothing of before");
        assert_eq!(dev.mails("ann").await.len(), 2 * round);
        assert_eq!(dev.try_delete("/v1/contacts/ann").await.status, 204);
    }
}

/// S3: runs are moved by a command, killed half-way or not.
#[tokio::test]
async fn s3_runs_are_moved_by_command_and_a_kill_half_way_is_mended_by_asking_again() {
    let dev = office().await;
    dev.publish(workflow("slow", "joined", patience())).await;
    let people: Vec<String> = (0..40).map(|nth| format!("p{nth}")).collect();
    for id in &people {
        dev.person(id).await;
        dev.post(&format!("/v1/contacts/{id}/events"), json!({ "name": "joined" })).await;
    }
    dev.settle().await;
    let mut renamed = json!({ "first": { "wait": { "for": "1h" }, "next": "day" } });
    renamed["night"] = json!({ "wait": { "for": "2d" }, "next": "hello" });
    renamed["hello"] = patience()["hello"].clone();
    renamed["day"] = json!({ "branch": { "cases": [{ "when": { "attribute": "vip", "eq": true }, "next": "hello" }], "next": "night" } });
    dev.publish(workflow("slow", "joined", renamed)).await;

    let plan = dev.command(&["migrate", "slow", "--json"]);
    assert_eq!((plan.code, &plan.json()["totals"]["cannot"]), (Some(1), &json!(40)));
    let plan = dev.command(&["migrate", "slow", "--map", "day=night"]);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.stdout.contains("night") && plan.stderr.contains("--apply"), "{plan:?}");
    assert_eq!(dev.run(&people[0]).await["version"], 1, "a plan changes nothing");
    let unknown = dev.command(&["migrate", "slow", "--map", "day=nowhere", "--apply"]);
    assert_eq!(unknown.code, Some(1));

    // The process dies over it, wherever it is by then.
    let request = dev.request(reqwest::Method::POST, "/v1/workflows/slow/migrate");
    let request = request.json(&json!({ "action": "apply", "map": { "day": "night" } }));
    let asked = tokio::spawn(request.send());
    tokio::task::yield_now().await;
    let dev = Dev::over(dev.kill());
    asked.abort();
    let done = dev.command(&["migrate", "slow", "--map", "day=night", "--apply", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let totals = done.json()["totals"].clone();
    assert_eq!(totals["moves"].as_u64().unwrap() + totals["there"].as_u64().unwrap(), 40, "{totals}");
    dev.advance("25h").await;
    for id in &people {
        let run = dev.run(id).await;
        assert_eq!((run["version"].clone(), text(&run, "current")), (json!(2), "night"), "the wait is two days now");
        assert_eq!(steps(&run), ["day"], "the visit is told as it was made");
    }
    dev.advance("24h").await;
    for id in &people {
        assert_eq!(dev.subjects(id).await, ["note"], "{id}");
    }
}
