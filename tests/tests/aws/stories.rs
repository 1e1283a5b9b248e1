//! The stories.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::installation::{Installation, example, mail, steps};

/// How long somebody has to open a mail here, where an author would say days.
const READING: &str = "40s";

/// Publishes two of the examples, with waits that a test can sit through.
pub(crate) async fn publish(on: &Installation) {
    let settings = json!({
        "zone": "America/Chicago", "sender": "Harbor Health <clinic@example.org>", "base_url": "https://care.example.org",
        "links": { "portal": "https://portal.example.org" },
    });
    on.put("/v1/settings", &settings).await;
    let attributes = json!({ "attributes": {
        "first_name": { "type": "string", "class": "identifier" }, "email_ok": { "type": "boolean", "class": "public" },
        "deceased": { "type": "boolean", "class": "sensitive" }, "onboarding": { "type": "string", "class": "public" },
        "appointment_confirmed": { "type": "boolean", "class": "phi" },
    } });
    on.put("/v1/schema", &attributes).await;
    for (folder, segments, templates) in [
        (
            "new-member-onboarding",
            &["engaged-members", "onboarding-call"][..],
            &["welcome", "getting-started", "reminder"][..],
        ),
        (
            "appointment-reminder",
            &["deceased", "needs-a-call"][..],
            &["appointment-confirmation", "appointment-reminder"][..],
        ),
    ] {
        for (kind, ids) in [("segments", segments), ("templates", templates)] {
            for id in ids {
                on.put(&format!("/v1/{kind}/{id}"), &example(&format!("{folder}/{kind}/{id}.yaml"))).await;
            }
        }
    }
    let mut onboarding = example("new-member-onboarding/workflow.yaml");
    onboarding["steps"]["read"]["wait_for"]["timeout"] = json!(READING);
    onboarding["steps"]["late_read"]["wait_for"]["timeout"] = json!("20s");
    let mut reminder = example("appointment-reminder/workflow.yaml");
    reminder.as_object_mut().unwrap().remove("send_policy");
    reminder["steps"]["day_before"]["wait"] = json!({ "until": { "entry": "appointment_at" }, "offset": "-1d" });
    for workflow in [onboarding, reminder, patience()] {
        let id = workflow["id"].as_str().unwrap().to_owned();
        on.put(&format!("/v1/workflows/{id}"), &workflow).await;
        on.post(&format!("/v1/workflows/{id}/publish"), None).await;
    }
}

/// A wait and nothing else.
fn patience() -> Value {
    json!({
        "id": "patience", "name": "Patience", "class": "care", "entry": { "event": "waiting_began" }, "start": "wait",
        "steps": { "wait": { "wait": { "for": "45s" }, "next": "end" } },
    })
}

async fn member(on: &Installation, id: &str) {
    let contact =
        json!({ "email": format!("{id}@example.org"), "attributes": { "first_name": "Canary", "email_ok": true } });
    on.put(&format!("/v1/contacts/{id}"), &contact).await;
}

/// S17, S7: the open moves the run on, through queue, topic and two functions, and each mail goes out once.
pub(crate) async fn an_onboarding_that_is_opened(on: &Installation) {
    member(on, "ada").await;
    on.tell("ada", "member_joined", json!({})).await;
    let run = on.run_with_mail("ada", "welcome").await;
    let phone = json!({ "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)", "ipAddress": "192.0.2.1" });
    on.notify(&run, "welcome", "Delivery", json!({ "recipients": ["ada@example.org"] })).await;
    // SES tells some things more than once.
    on.notify(&run, "welcome", "Open", phone.clone()).await;
    on.notify(&run, "welcome", "Open", phone).await;
    let run = on.run_over("ada").await;
    assert_eq!(run["ended"], "completed", "{run}");
    assert_eq!(steps(&run), ["entry", "welcome", "read", "getting_started", "note", "engaged", "end"]);
    assert!(mail(&run, "welcome")["delivered"].is_string() && mail(&run, "welcome")["opened"]["human"].is_string());
    assert_eq!(on.mails_to("ada@example.org").await.len(), 2);
    let contact = on.get("/v1/contacts/ada").await;
    assert_eq!(contact["attributes"]["onboarding"], "engaged");
    assert_eq!(contact["segments"], json!(["engaged-members"]));
    println!("  an onboarding that is opened: played");
}

/// S16: waits of a run end by their schedules.
pub(crate) async fn an_onboarding_that_nobody_opens(on: &Installation) {
    member(on, "ben").await;
    on.tell("ben", "member_joined", json!({})).await;
    let run = on.run_over("ben").await;
    assert_eq!(steps(&run), ["entry", "welcome", "read", "remind", "late_read", "call", "end"]);
    assert_eq!(on.mails_to("ben@example.org").await.len(), 2);
    assert_eq!(on.get("/v1/contacts/ben").await["segments"], json!(["onboarding-call"]));
    println!("  an onboarding that nobody opens: played");
}

fn appointment(number: &str) -> Value {
    let at = Timestamp::now() + SignedDuration::from_hours(24) + SignedDuration::from_secs(25);
    json!({ "appointment_id": number, "appointment_at": at.to_string() })
}

/// The reminder goes out a day before, and a click confirms.
pub(crate) async fn an_appointment_that_is_confirmed(on: &Installation) {
    member(on, "cho").await;
    on.tell("cho", "appointment_booked", appointment("A-1")).await;
    let run = on.run_with_mail("cho", "remind").await;
    let click = json!({
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)", "ipAddress": "192.0.2.1", "link": "https://portal.example.org",
        "linkTags": { "name": ["confirm"] },
    });
    on.notify(&run, "remind", "Click", click).await;
    let run = on.run_over("cho").await;
    assert_eq!(steps(&run), ["entry", "confirm", "day_before", "remind", "confirmed", "thank", "end"]);
    assert_eq!(on.get("/v1/contacts/cho").await["attributes"]["appointment_confirmed"], true);
    println!("  an appointment that is confirmed: played");
}

/// S18: what ends a run ends it when it happens, in the middle of a wait.
pub(crate) async fn an_appointment_that_is_cancelled(on: &Installation) {
    member(on, "dan").await;
    on.tell("dan", "appointment_booked", appointment("A-2")).await;
    on.run_with_mail("dan", "confirm").await;
    on.tell("dan", "appointment_cancelled", json!({ "appointment_id": "A-2" })).await;
    let run = on.run_over("dan").await;
    assert_eq!(run["ended"], "exited", "{run}");
    assert_eq!(on.mails_to("dan@example.org").await.len(), 1);
    println!("  an appointment that is cancelled: played");
}

/// S5: a wait whose schedule is gone is ended by the sweep.
pub(crate) async fn a_wait_whose_schedule_is_lost(on: &Installation) {
    member(on, "eve").await;
    on.tell("eve", "waiting_began", json!({})).await;
    let run = on.run_that("eve", "waiting", |run| run["status"] == "waiting").await;
    let group = on.text("/schedule_group").to_owned();
    let id = run["id"].as_str().unwrap().to_owned();
    let name = on.cloud.schedules(&group).await.into_iter().find(|name| name.starts_with(&id));
    assert!(on.cloud.lose(&group, &name.expect("its wait has a schedule")).await);
    let run = on.run_over("eve").await;
    assert_eq!((steps(&run), &run["ended"]), (vec!["entry", "wait", "end"], &json!("completed")));
    println!("  a wait whose schedule is lost: played");
}

/// S11: an address that is dead for good gets nothing more.
pub(crate) async fn a_mail_that_bounces(on: &Installation) {
    member(on, "fay").await;
    on.tell("fay", "member_joined", json!({})).await;
    let run = on.run_with_mail("fay", "welcome").await;
    let bounce = json!({
        "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "x", "reportingMTA": "dsn; a.example",
        "bouncedRecipients": [{ "emailAddress": "fay@example.org", "status": "5.1.1", "action": "failed" }],
    });
    on.notify(&run, "welcome", "Bounce", bounce).await;
    on.run_that("fay", "bounced", |run| mail(run, "welcome")["bounced"].is_string()).await;
    let run = on.run_over("fay").await;
    assert_eq!(on.mails_to("fay@example.org").await.len(), 1, "{run}");
    assert!(on.get("/v1/contacts/fay").await["suppressed"].is_string());
    println!("  a mail that bounces: played");
}

/// S22: what the stream of runs tells comes into the report, each visit once, and it adds up in every step.
pub(crate) async fn the_report_of_the_projector(on: &Installation) {
    let begun = std::time::Instant::now();
    let report = loop {
        let report = on.get("/v1/workflows/new-member-onboarding/report?version=1").await;
        if report["totals"]["entered"] == 3 && report["totals"]["active"] == 0 {
            break report;
        }
        assert!(begun.elapsed().as_secs() < 90, "the report does not come to what happened: {report}");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    };
    let steps = report["steps"].as_array().unwrap();
    let of = |id: &str| steps.iter().find(|step| step["id"] == id).unwrap();
    for step in steps {
        let ended: u64 = step["ended"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        let number = |name: &str| step[name].as_u64().unwrap();
        assert_eq!(number("entered"), number("waiting") + number("moved_on") + ended, "{step}");
    }
    let welcome = of("welcome");
    assert_eq!((&welcome["sent"], &welcome["bounced"], &welcome["opened"]["human"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!((&of("getting_started")["sent"], &of("remind")["sent"]), (&json!(1), &json!(1)));
    let who = on.get("/v1/workflows/new-member-onboarding/steps/welcome/contacts?state=opened").await;
    assert_eq!(who["items"].as_array().map(Vec::len), Some(1), "{who}");
    assert_eq!(who["items"][0]["contact"], "ada", "{who}");
    // The order of the nightly clock, as its schedule leaves it: over the timer and the executor to the end.
    on.cloud.leave(on.text("/queue_urls/timers"), r#"{"do":"reconcile"}"#).await;
    let begun = std::time::Instant::now();
    let proof = loop {
        let (status, proof) = on.ask(reqwest::Method::GET, "/v1/reports/reconcile", None).await;
        if status == 200 && proof["finished_at"].is_string() {
            break proof;
        }
        assert!(begun.elapsed().as_secs() < 180, "the proof does not come to its end: {status} {proof}");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    };
    for found in proof["found"].as_array().unwrap() {
        let wrong = (&found["differences"], &found["unlawful"], &found["stays"]);
        assert_eq!(wrong, (&json!([]), &json!([]), &json!(0)), "{proof}");
        assert_eq!(found["kept"], true, "{proof}");
    }
    assert!(proof["found"].as_array().is_some_and(|found| !found.is_empty()), "{proof}");
    println!("  the report of the projector: read, and counted again");
}

/// What nobody can read is laid down with its reason, and holds up nothing that came with it.
pub(crate) async fn messages_that_nobody_can_read(on: &Installation) {
    member(on, "gil").await;
    for queue in ["work", "engagement", "timers"] {
        on.cloud.leave(on.text(&format!("/queue_urls/{queue}")), "nobody can read this").await;
    }
    on.tell("gil", "waiting_began", json!({})).await;
    on.run_that("gil", "waiting", |run| run["status"] == "waiting").await;
    for queue in ["work", "engagement", "timers"] {
        let url = on.text(&format!("/dead_letter_urls/{queue}")).to_owned();
        let found = loop {
            let found = on.cloud.look_into(&url).await;
            if !found.is_empty() {
                break found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        };
        assert_eq!(found.len(), 1, "{queue}");
        assert_eq!(found[0]["MessageAttributes"]["reason"]["StringValue"], "unreadable", "{queue}");
    }
    println!("  messages that nobody can read: played");
}

/// S24: of a contact nothing is in what lies around outside of the tables.
pub(crate) fn nothing_of_a_contact_is_in_queues_schedules_and_logs(on: &Installation) {
    let log = std::fs::read_to_string(on.text("/log")).unwrap();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        for secret in ["Canary", "ada@", "fay@", "A-1", "192.0.2.1", "iPhone"] {
            assert!(!line.contains(secret), "{secret} is in {line}");
        }
    }
    assert!(
        log.lines().any(|line| line.starts_with('{') && line.contains("\"sent\"")),
        "the functions have said something"
    );
    println!("  nothing of a contact is in the logs: seen");
}
