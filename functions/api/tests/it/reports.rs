use carepath_app::engage::engage;
use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{Mishap, World, workflow};

const PROOF: &str = "/v1/reports/reconcile";
const REPORT: &str = "/v1/workflows/welcome/report";

/// Three contacts come in: the mail of one is opened and clicked, one has no address, one is on its way still.
async fn some() -> World {
    let world = World::new().await;
    world.publish_welcome().await;
    for (id, email) in [("p-1", Some("a@example.org")), ("p-2", None), ("=p-3", Some("c@example.org"))] {
        let body = email.map_or_else(|| json!({}), |email| json!({ "email": email }));
        world.ok("PUT", &format!("/v1/contacts/{}", id.replace('=', "%3D")), body).await;
        let path = format!("/v1/contacts/{}/events", id.replace('=', "%3D"));
        world.ok("POST", &path, json!({ "name": "joined", "id": "e-1" })).await;
        world.settle(SignedDuration::ZERO).await;
        if id == "p-2" {
            world.settle(SignedDuration::from_hours(80)).await;
        }
    }
    let mail = world.mails().pop().unwrap().attempt;
    for (kind, machine) in [
        (EngagementKind::Opened, true),
        (EngagementKind::Opened, false),
        (EngagementKind::Opened, false),
        (EngagementKind::Clicked { link: "go".to_owned() }, false),
        (EngagementKind::Clicked { link: "stop".to_owned() }, false),
        (EngagementKind::Complained, false),
    ] {
        let (step, attempt, message) = (mail.step, mail.attempt, "m-2".to_owned());
        let told = Engagement { step, attempt, message, kind, at: world.app.now(), by: Reader::of(machine) };
        engage(&world.app, &mail.run, &told).await.unwrap();
    }
    world
}

fn step<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap()
}

fn sum(by_name: &Value) -> i64 {
    by_name.as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum()
}

fn assert_adds_up(report: &Value) {
    for step in report["steps"].as_array().unwrap() {
        let whole = step["waiting"].as_i64().unwrap() + step["moved_on"].as_i64().unwrap() + sum(&step["ended"]);
        assert_eq!(step["entered"].as_i64().unwrap(), whole, "{step}");
        assert_eq!(step["moved_on"].as_i64().unwrap(), sum(&step["edges"]), "{step}");
    }
    let totals = &report["totals"];
    let number = |name: &str| totals[name].as_i64().unwrap();
    assert_eq!(
        number("entered") + number("moved_in"),
        number("active") + number("moved_out") + sum(&totals["ended"]),
        "{totals}"
    );
}

/// S22: each number is that of the visits behind it, and each place adds up.
#[tokio::test]
async fn s22_a_report_counts_each_visit_and_each_mail_once() {
    let world = some().await;
    let report = world.ok("GET", REPORT, Value::Null).await;
    assert_adds_up(&report);
    assert_eq!((&report["workflow"], &report["version"]), (&json!("welcome"), &json!(1)));
    let ids: Vec<&Value> = report["steps"].as_array().unwrap().iter().map(|step| &step["id"]).collect();
    assert_eq!(ids, ["entry", "greet", "rest", "end"]);
    let greet = step(&report, "greet");
    assert_eq!((&greet["entered"], &greet["moved_on"], &greet["edges"]), (&json!(3), &json!(3), &json!({ "rest": 3 })));
    assert_eq!((&greet["sent"], &greet["skipped"]), (&json!(2), &json!({ "no_address": 1 })));
    assert_eq!((&greet["delivered"], &greet["complained"]), (&json!(2), &json!(1)));
    assert_eq!(greet["opened"], json!({ "human": 1, "machine": 1 }));
    assert_eq!(greet["clicked"], json!({ "human": 1, "machine": 0, "links": { "go": 1, "stop": 1 } }));
    let rest = step(&report, "rest");
    assert_eq!((&rest["waiting"], &rest["edges"]), (&json!(1), &json!({ "end": 2 })));
    assert_eq!(step(&report, "end")["ended"], json!({ "completed": 2 }));
    let totals =
        json!({ "entered": 3, "moved_in": 0, "moved_out": 0, "active": 1, "ended": { "completed": 2 }, "goal": 0 });
    assert_eq!(report["totals"], totals);
}

/// S22: a run that is moved counts in each version for as long as it was there.
#[tokio::test]
async fn s22_a_run_that_is_moved_adds_up_in_both_versions() {
    let world = some().await;
    let mut newer = workflow();
    newer["steps"]["rest"] = json!({ "wait": { "for": "9d" }, "next": "bye" });
    newer["steps"]["bye"] = json!({ "exit": { "reason": "done" } });
    world.ok("PUT", "/v1/workflows/welcome", newer).await;
    world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    world.ok("POST", "/v1/workflows/welcome/migrate", json!({ "action": "apply" })).await;
    let old = world.ok("GET", &format!("{REPORT}?version=1"), Value::Null).await;
    let new = world.ok("GET", REPORT, Value::Null).await;
    let all = world.ok("GET", &format!("{REPORT}?version=all"), Value::Null).await;
    for report in [&old, &new, &all] {
        assert_adds_up(report);
    }
    assert_eq!(step(&old, "rest")["edges"], json!({ "end": 2, "version:2": 1 }));
    let there = step(&new, "rest");
    assert_eq!((&there["entered"], &there["moved_in"], &there["waiting"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&old["totals"]["moved_out"], &new["totals"]["moved_in"]), (&json!(1), &json!(1)));
    assert_eq!(step(&new, "greet")["sent"], 0);
    assert_eq!((&all["version"], &all["latest"], &step(&all, "greet")["sent"]), (&Value::Null, &json!(2), &json!(2)));
    world.settle(SignedDuration::from_hours(240)).await;
    let new = world.ok("GET", REPORT, Value::Null).await;
    assert_adds_up(&new);
    assert_eq!(step(&new, "bye")["ended"], json!({ "exited": 1 }));
    assert_eq!(step(&new, "end")["entered"], 0, "who leaves in the middle of a step ends there");
}

/// S22: a period counts what happened in its hours, and who is waiting now.
#[tokio::test]
async fn s22_a_period_counts_what_happened_in_its_hours() {
    let world = some().await;
    let first =
        world.ok("GET", &format!("{REPORT}?from=2026-03-02T10:00:00Z&to=2026-03-02T10:00:01Z"), Value::Null).await;
    assert_eq!((&first["from"], &first["to"]), (&json!("2026-03-02T10:00:00Z"), &json!("2026-03-02T11:00:00Z")));
    assert_eq!((&first["totals"]["entered"], &first["totals"]["active"]), (&json!(2), &json!(1)));
    assert_eq!(step(&first, "greet")["sent"], 1);
    let later = world.ok("GET", &format!("{REPORT}?from=2026-03-03"), Value::Null).await;
    assert_eq!((&later["totals"]["entered"], &later["totals"]["ended"]), (&json!(1), &json!({ "completed": 2 })));
    let nothing = world.ok("GET", &format!("{REPORT}?from=2020-01-01&to=2020-02-01"), Value::Null).await;
    assert_eq!((&nothing["totals"]["entered"], &nothing["totals"]["active"]), (&json!(0), &json!(1)));
    let busy = world.ok("GET", "/v1/activity", Value::Null).await;
    assert_eq!(busy["items"], json!([{ "workflow": "welcome", "live": 1, "entered": 1, "ended": 2 }]));
}

#[tokio::test]
async fn who_is_in_a_step_is_listed_page_by_page_and_as_a_table() {
    let world = some().await;
    let path = |query: &str| format!("/v1/workflows/welcome/steps/{query}");
    let who = async |query: &str| {
        let page = world.ok("GET", &path(query), Value::Null).await;
        page["items"].as_array().unwrap().iter().map(|item| item["contact"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(who("rest/contacts?state=waiting").await, ["=p-3"]);
    assert_eq!(who("greet/contacts?state=opened").await, ["=p-3"]);
    assert_eq!(who("greet/contacts?state=skipped").await, ["p-2"]);
    assert_eq!(who("rest/contacts?state=ended").await, [Value::Null; 0]);
    let mut found = Vec::new();
    let mut query = "greet/contacts?limit=1&version=all".to_owned();
    loop {
        let page = world.ok("GET", &path(&query), Value::Null).await;
        assert!(page["items"].as_array().unwrap().len() <= 1);
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["contact"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("greet/contacts?limit=1&version=all&cursor={next}");
    }
    found.sort();
    assert_eq!(found, ["=p-3", "p-1", "p-2"]);

    let table = world.call("GET", &path("greet/contacts?state=clicked&format=csv"), None).await;
    assert_eq!(table.kind, "text/csv; charset=utf-8");
    let lines: Vec<&str> = table.text.split("\r\n").collect();
    assert!(lines[0].starts_with("contact,run,version,state,entered,left,ended,mail,"), "{}", lines[0]);
    assert!(lines[1].starts_with("'=p-3,run_"), "a formula is text: {}", lines[1]);
    let accepted = world.call_with("GET", REPORT, None, &[("accept", "text/csv")]).await;
    assert!(accepted.text.starts_with("step,kind,entered,"), "{}", accepted.text);
    assert!(accepted.text.contains("\r\ngreet,send,3,"), "{}", accepted.text);

    // Whoever is deleted has no name, and counts.
    assert_eq!(world.call("DELETE", "/v1/contacts/p-1", None).await.status, StatusCode::NO_CONTENT);
    world.settle(SignedDuration::ZERO).await;
    let who: Vec<Value> = who("greet/contacts").await;
    assert_eq!(who.iter().filter(|contact| contact.is_null()).count(), 1, "{who:?}");
}

#[tokio::test]
async fn what_a_report_is_asked_has_to_make_sense() {
    let world = some().await;
    for (query, fault) in [
        ("report?version=x", "version version"),
        ("report?version=9", "version version"),
        ("report?from=yesterday", "from time"),
        ("report?to=2026-13-01", "to time"),
        ("report?from=2026-03-02&to=2026-03-01", "from period"),
        ("report?format=xml", "format format"),
        ("steps/rest/contacts?state=here", "state state"),
        ("steps/rest/contacts?limit=0", "limit limit"),
        ("steps/rest/contacts?cursor=x", "cursor cursor"),
        ("steps/rest/contacts?cursor=7.0.", "cursor cursor"),
        ("steps/rest/contacts?cursor=1.x", "cursor cursor"),
    ] {
        let reply = world.refused("GET", &format!("/v1/workflows/welcome/{query}"), None, "invalid").await;
        assert_eq!(reply.faults(), [fault], "{query}");
    }
    for path in ["/v1/workflows/none/report", "/v1/workflows/welcome/steps/none/contacts"] {
        world.refused("GET", path, None, "not_found").await;
    }
    world.ok("PUT", "/v1/workflows/draft", workflow()).await;
    world.refused("GET", "/v1/workflows/draft/report", None, "not_published").await;
    *world.mishap.lock().unwrap() = Some(Mishap::Error(500, "InternalServerError", "canary"));
    let reply = world.call("GET", REPORT, None).await;
    assert_eq!((reply.status, reply.text.contains("canary")), (StatusCode::SERVICE_UNAVAILABLE, false));
}

/// S22: where runs are counted each time nothing is kept that could differ, and what is proved is that they add up.
#[tokio::test]
async fn s22_runs_that_are_counted_each_time_add_up() {
    let world = some().await;
    world.refused("GET", &format!("{PROOF}?workflow=welcome"), None, "not_found").await;
    let begun = world.call("POST", PROOF, Some(json!({ "workflow": "welcome" }))).await;
    assert_eq!((begun.status, &begun.json()["finished_at"]), (StatusCode::ACCEPTED, &Value::Null));
    let again = world.call("POST", PROOF, Some(json!({ "workflow": "welcome" }))).await.json();
    assert_eq!(again, begun.json(), "one that is under way is the answer");
    let repair = json!({ "workflow": "welcome", "repair": true });
    assert_ne!(world.call("POST", PROOF, Some(repair)).await.status, StatusCode::ACCEPTED, "and it repairs nothing");
    world.call("POST", PROOF, Some(json!({}))).await;
    world.settle(SignedDuration::ZERO).await;
    let found = json!([{ "workflow": "welcome", "runs": 3, "kept": false, "quiet": true, "unlawful": [],
        "differences": [], "differing": 0, "stays": 0, "mended": 0 }]);
    for query in ["?workflow=welcome", ""] {
        let done = world.ok("GET", &format!("{PROOF}{query}"), Value::Null).await;
        assert!(done["finished_at"].is_string(), "{done}");
        assert_eq!((&done["runs"], &done["found"]), (&json!(3), &found), "{query}");
    }
    assert_eq!(world.app.counters.read().reconciled, 1, "that of all workflows");
    for body in [json!({ "workflow": 1 }), json!({ "repair": [{}] }), json!({ "workflow": "welcome", "x": 1 })] {
        world.refused("POST", PROOF, Some(body), "invalid").await;
    }
    world.refused("POST", PROOF, Some(json!({ "workflow": "nothing" })), "not_found").await;
}
