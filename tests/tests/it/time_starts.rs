//! What time starts: dates that come round, silence, and schedules.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{hello, text, workflow};

async fn office() -> Dev {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev
}

fn started_by(id: &str, entry: Value) -> Value {
    let mut document = workflow(id, "x", hello());
    document["entry"] = entry;
    document
}

async fn contact(dev: &Dev, id: &str, attributes: Value) {
    let email = format!("{id}@example.org");
    let fields = json!({ "email": email, "zone": "America/Chicago", "attributes": attributes });
    dev.put(&format!("/v1/contacts/{id}"), fields).await;
}

async fn times(dev: &Dev, contact: &str) -> Vec<String> {
    dev.settle().await;
    dev.mails(contact).await.iter().map(|mail| text(mail, "at").to_owned()).collect()
}

/// S12: birthdays come round each year at the contact's own nine o'clock, and who is in the store before the workflow
/// is published is no worse off than who comes after.
#[tokio::test]
async fn a_birthday_comes_round_each_year() {
    let dev = office().await;
    contact(&dev, "before", json!({ "born": "1990-03-05" })).await;
    let entry = json!({
        "milestone": { "attribute": "born", "every": "year", "at": "09:00" }, "reentry": "after_exit",
        "filter": { "age": "born", "gte": 18 }
    });
    dev.publish(started_by("birthday", entry)).await;
    contact(&dev, "after", json!({ "born": "1980-02-29" })).await;
    contact(&dev, "child", json!({ "born": "2030-03-05" })).await;
    contact(&dev, "nobody", json!({ "born": "unknown" })).await;
    dev.to("2042-12-31T00:00:00Z").await;
    assert_eq!(times(&dev, "before").await, ["2040-03-05T15:00:00Z", "2041-03-05T15:00:00Z", "2042-03-05T15:00:00Z"]);
    assert_eq!(times(&dev, "after").await, ["2040-02-29T15:00:00Z", "2041-02-28T15:00:00Z", "2042-02-28T15:00:00Z"]);
    assert_eq!(times(&dev, "nobody").await, [""; 0]);
    // Who is too young is told why, in the timeline.
    assert_eq!(times(&dev, "child").await, [""; 0]);
    let timeline = dev.get("/v1/contacts/child/timeline").await;
    let refused = timeline["items"].as_array().unwrap();
    assert_eq!(refused.len(), 3, "{timeline}");
    assert_eq!((text(&refused[0], "type"), text(&refused[0], "why")), ("not_admitted", "filter"));
    assert_eq!((text(&refused[0], "workflow"), text(&refused[0], "trigger")), ("birthday", "milestone"));
    assert_eq!(refused[0]["explanation"][0]["observed"], 12);
    assert_eq!(dev.get("/_dev/metrics").await["runs_without_wakeup"], 0);
}

#[tokio::test]
async fn a_date_that_moves_moves_what_it_starts_and_once_is_once() {
    let dev = office().await;
    let entry = json!({ "milestone": { "attribute": "visit", "every": "once", "offset": "30d" }, "reentry": "always" });
    dev.publish(started_by("check-up", entry)).await;
    contact(&dev, "ann", json!({ "visit": "2040-01-10T10:00" })).await;
    dev.to("2040-01-20T00:00:00Z").await;
    dev.patch("/v1/contacts/ann", json!({ "attributes": { "visit": "2040-02-10T10:00" } })).await;
    dev.to("2040-12-31T00:00:00Z").await;
    assert_eq!(times(&dev, "ann").await, ["2040-03-11T15:00:00Z"]);
    // A date that is past already starts nothing.
    dev.patch("/v1/contacts/ann", json!({ "attributes": { "visit": "2040-05-10T10:00" } })).await;
    dev.advance("60d").await;
    assert_eq!(times(&dev, "ann").await.len(), 1);
}

#[tokio::test]
async fn silence_starts_a_run_once_until_somebody_is_heard_of_again() {
    let dev = office().await;
    contact(&dev, "quiet", json!({})).await;
    contact(&dev, "opener", json!({})).await;
    contact(&dev, "buyer", json!({})).await;
    dev.publish(started_by("news", json!({ "event": "news", "reentry": "always" }))).await;
    let entry = json!({ "inactivity": { "for": "90d", "without": ["opened", "bought"] }, "reentry": "always" });
    dev.publish(started_by("come-back", entry)).await;
    for id in ["quiet", "opener"] {
        dev.happens(id, "news").await;
    }
    dev.advance("40d").await;
    dev.opens("opener").await;
    dev.happens("buyer", "bought").await;
    dev.advance("200d").await;
    let starts = async |id: &str| {
        dev.settle().await;
        let runs = dev.runs(id).await;
        let back = runs.into_iter().filter(|run| run["workflow"] == "come-back");
        back.map(|run| text(&run["visits"][0], "at").to_owned()).collect::<Vec<_>>()
    };
    // Days are counted on the clock of the contact, which changed to summer time meanwhile.
    assert_eq!(starts("quiet").await, ["2040-04-01T14:00:00Z"]);
    assert_eq!(starts("opener").await, ["2040-05-11T14:00:00Z"]);
    assert_eq!(starts("buyer").await, ["2040-05-11T14:00:00Z"]);
    dev.happens("buyer", "bought").await;
    dev.advance("100d").await;
    assert_eq!(starts("buyer").await.len(), 2, "heard of again, and silent again");
}

#[tokio::test]
async fn who_has_been_silent_for_long_comes_in_when_the_workflow_begins() {
    let dev = office().await;
    contact(&dev, "quiet", json!({})).await;
    contact(&dev, "buyer", json!({})).await;
    dev.advance("200d").await;
    // Nothing asked for it then: what is in the store tells.
    dev.happens("buyer", "bought").await;
    dev.advance("10d").await;
    let entry = json!({ "inactivity": { "for": "90d", "without": ["bought"] }, "reentry": "always" });
    dev.publish(started_by("come-back", entry)).await;
    assert_eq!(times(&dev, "quiet").await.len(), 1);
    assert_eq!(times(&dev, "buyer").await.len(), 0);
    dev.advance("79d").await;
    assert_eq!(times(&dev, "buyer").await.len(), 0);
    dev.advance("2d").await;
    assert_eq!((times(&dev, "buyer").await.len(), times(&dev, "quiet").await.len()), (1, 1));
}

#[tokio::test]
async fn a_schedule_lets_everybody_in_a_segment_in_when_its_time_comes() {
    let dev = office().await;
    dev.put("/v1/segments/members", json!({ "when": { "attribute": "member", "eq": true } })).await;
    for n in 0..120 {
        contact(&dev, &format!("m{n}"), json!({ "member": n % 2 == 0 })).await;
    }
    let once = json!({ "segment": "members", "at": "2040-02-01T09:00", "zone": "Europe/Berlin" });
    dev.publish(started_by("announcement", json!({ "schedule": once }))).await;
    let weekly = json!({ "segment": "members", "cron": "0 9 * * mon", "zone": "Europe/Berlin" });
    let filter = json!({ "attribute": "tired", "exists": false });
    dev.publish(started_by("weekly", json!({ "schedule": weekly, "reentry": "always", "filter": filter }))).await;
    dev.to("2040-01-31T12:00:00Z").await;
    dev.patch("/v1/contacts/m2", json!({ "attributes": { "tired": true } })).await;
    dev.patch("/v1/contacts/m4", json!({ "attributes": { "member": false } })).await;
    dev.to("2040-02-07T00:00:00Z").await;
    let mondays = ["2040-01-09", "2040-01-16", "2040-01-23", "2040-01-30"].map(|day| format!("{day}T08:00:00Z"));
    let told = times(&dev, "m0").await;
    assert_eq!(told[..4], mondays);
    assert_eq!(told[4..], ["2040-02-01T08:00:00Z", "2040-02-06T08:00:00Z"]);
    assert_eq!(times(&dev, "m118").await, told);
    assert_eq!(times(&dev, "m1").await, [""; 0]);
    assert_eq!(times(&dev, "m4").await, mondays, "who has left the segment is not meant any more");
    assert_eq!(times(&dev, "m2").await.len(), 5);
    let timeline = dev.get("/v1/contacts/m2/timeline?limit=1").await;
    assert_eq!(timeline["items"][0]["why"], "filter", "{timeline}");
    // An archived workflow lets nobody in.
    dev.post("/v1/workflows/weekly/archive", json!({})).await;
    dev.advance("30d").await;
    assert_eq!(times(&dev, "m0").await.len(), 6);
}

/// S28: a schedule whose process is killed while it lets people in lets in the rest, and nobody twice.
#[tokio::test]
async fn s28_a_schedule_that_is_cut_off_goes_on() {
    const PEOPLE: usize = 230;
    let dev = office().await;
    dev.put("/v1/segments/all", json!({})).await;
    for n in 0..PEOPLE {
        contact(&dev, &format!("p{n}"), json!({})).await;
    }
    let ids: Vec<String> = (0..PEOPLE).map(|n| format!("p{n}")).collect();
    dev.post("/v1/segments/all/members", json!({ "add": ids })).await;
    let at = json!({ "segment": "all", "at": "2040-01-03T09:00:00Z" });
    dev.publish(started_by("announcement", json!({ "schedule": at }))).await;
    dev.to("2040-01-03T08:59:59Z").await;
    let moved = dev.request(reqwest::Method::POST, "/_dev/clock").json(&json!({ "advance": "2s" })).send();
    let moving = tokio::spawn(moved);
    while dev.mails("p0").await.is_empty() && dev.mails("p7").await.is_empty() && dev.mails("p99").await.is_empty() {
        tokio::task::yield_now().await;
    }
    let home = dev.kill();
    let _ = moving.await;
    let dev = Dev::over(home);
    dev.to("2040-01-03T10:00:00Z").await;
    dev.settle().await;
    let mut mails = 0;
    for n in 0..PEOPLE {
        let count = dev.mails(&format!("p{n}")).await.len();
        assert!(count <= 1, "p{n} got {count}");
        mails += count;
    }
    let unknown = dev.get("/v1/unknown-sends").await["items"].as_array().unwrap().len();
    assert_eq!(mails + unknown, PEOPLE);
    assert_eq!(dev.runs("p0").await.len(), 1);
}
