//! Appointments, as the example reminds of them.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{steps, text, visit, workflow};

const BOOKED: &str = "Your appointment is booked";
const REMINDER: &str = "We look forward to seeing you soon";

async fn clinic() -> Dev {
    let dev = Dev::start().await;
    dev.example("appointment-reminder");
    dev
}

async fn patient(dev: &Dev, id: &str) {
    let fields = json!({ "email": format!("{id}@example.org"), "zone": "America/New_York",
        "attributes": { "first_name": "Maria", "email_ok": true } });
    dev.put(&format!("/v1/contacts/{id}"), fields).await;
}

/// Booked for Friday, half past ten on the patient's own clock.
fn booking(appointment: &str) -> Value {
    json!({ "name": "appointment_booked", "id": format!("booked-{appointment}"),
        "properties": { "appointment_id": appointment, "appointment_at": "2040-01-06T10:30:00" } })
}

#[tokio::test]
async fn a_patient_is_reminded_the_day_before_at_ten_and_confirms_by_a_click() {
    let dev = clinic().await;
    patient(&dev, "maria").await;
    dev.tell("maria", booking("a-1")).await;
    assert_eq!(dev.subjects("maria").await, [BOOKED]);
    let first = dev.newest("maria").await;
    assert!(text(&first, "html").contains("Friday, January 6"), "{first}");
    assert!(text(&first, "text").contains("10:30 AM"), "{first}");

    dev.to("2040-01-05T14:59:59Z").await;
    assert_eq!(dev.subjects("maria").await, [BOOKED]);
    dev.to("2040-01-05T15:00:00Z").await;
    assert_eq!(dev.subjects("maria").await, [BOOKED, REMINDER]);
    dev.clicks("maria", "change").await;
    assert_eq!(text(&dev.run("maria").await, "current"), "confirmed", "another link is no confirmation");
    dev.clicks("maria", "confirm").await;
    let run = dev.run("maria").await;
    assert_eq!(steps(&run), ["confirm", "day_before", "remind", "confirmed", "thank"]);
    assert_eq!((text(&run, "ended"), text(&run, "key")), ("completed", "a-1"));
    assert_eq!(dev.get("/v1/contacts/maria").await["attributes"]["appointment_confirmed"], true);
    dev.advance("3d").await;
    assert!(dev.members("needs-a-call").await.is_empty());
}

#[tokio::test]
async fn who_does_not_answer_in_twenty_hours_is_to_be_called() {
    let dev = clinic().await;
    patient(&dev, "nils").await;
    dev.tell("nils", booking("a-1")).await;
    dev.to("2040-01-06T11:00:00Z").await;
    assert!(dev.members("needs-a-call").await.is_empty(), "the grace is not over");
    dev.to("2040-01-06T11:00:30Z").await;
    assert_eq!(dev.members("needs-a-call").await, ["nils"]);
}

#[tokio::test]
async fn a_mail_that_falls_into_the_night_goes_out_when_the_patients_window_opens() {
    let dev = clinic().await;
    patient(&dev, "olga").await;
    dev.to("2040-01-03T02:00:00Z").await;
    dev.tell("olga", booking("a-1")).await;
    assert!(dev.mails("olga").await.is_empty(), "it is nine in the evening");
    let run = dev.run("olga").await;
    assert_eq!((text(&run, "current"), text(&run, "due")), ("confirm", "2040-01-03T13:00:00Z"));
    let why = visit(&run, "confirm")["explanation"].as_array().unwrap().clone();
    assert!(why.iter().any(|it| it["test"] == "send window open" && it["observed"] == "Mon 21:00"), "{why:?}");
    assert!(why.iter().any(|it| it["source"] == "zone of the contact"), "whose zone it is, is told: {why:?}");
    dev.to("2040-01-03T13:00:00Z").await;
    assert_eq!(dev.subjects("olga").await, [BOOKED]);
}

#[tokio::test]
async fn s18_a_cancellation_ends_the_run_of_its_appointment_at_once_and_no_other() {
    let dev = clinic().await;
    patient(&dev, "pia").await;
    dev.tell("pia", booking("a-1")).await;
    dev.tell("pia", booking("a-2")).await;
    dev.advance("1h").await;
    dev.tell("pia", json!({ "name": "appointment_cancelled", "properties": { "appointment_id": "a-1" } })).await;
    let runs = dev.runs("pia").await;
    let of = |key: &str| runs.iter().find(|run| run["key"] == key).unwrap();
    assert_eq!((text(of("a-1"), "ended"), text(of("a-1"), "ended_at")), ("exited", "2040-01-02T16:00:00Z"));
    assert_eq!(text(of("a-2"), "status"), "waiting");
    dev.to("2040-01-05T15:00:00Z").await;
    assert_eq!(dev.subjects("pia").await, [BOOKED, BOOKED, REMINDER]);
}

#[tokio::test]
async fn s18_a_condition_that_comes_true_ends_the_run_at_once() {
    let dev = clinic().await;
    patient(&dev, "quinn").await;
    dev.tell("quinn", booking("a-1")).await;
    dev.advance("2h").await;
    dev.patch("/v1/contacts/quinn", json!({ "attributes": { "deceased": true } })).await;
    dev.settle().await;
    let run = dev.run("quinn").await;
    assert_eq!((text(&run, "ended"), text(&run, "ended_at")), ("exited", "2040-01-02T17:00:00Z"));
    dev.advance("10d").await;
    assert_eq!(dev.subjects("quinn").await, [BOOKED]);
}

#[tokio::test]
async fn who_did_not_agree_to_mail_and_a_booking_without_a_date_start_nothing() {
    let dev = clinic().await;
    patient(&dev, "ravi").await;
    dev.tell("ravi", json!({ "name": "appointment_booked", "properties": { "appointment_id": "a-1" } })).await;
    dev.patch("/v1/contacts/ravi", json!({ "attributes": { "email_ok": false } })).await;
    dev.tell("ravi", booking("a-2")).await;
    assert!(dev.runs("ravi").await.is_empty());
    assert!(dev.mails("ravi").await.is_empty());
}

/// A workflow that is bound to the date of a contact, and not to the one that it began with.
fn checkup() -> Value {
    let steps = json!({
        "before": { "wait": { "until": { "attribute": "visit_at" }, "offset": "-1d", "at": "10:00", "else": "end" },
            "next": "remind" },
        "remind": { "send": { "template": "note" }, "next": "end" },
    });
    workflow("checkup", "visit_booked", steps)
}

#[tokio::test]
async fn s13_when_the_appointment_moves_its_reminder_moves() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(checkup()).await;
    for id in ["sam", "tia"] {
        dev.person(id).await;
        dev.patch(&format!("/v1/contacts/{id}"), json!({ "attributes": { "visit_at": "2040-01-10T09:00:00" } })).await;
        dev.happens(id, "visit_booked").await;
        assert_eq!(text(&dev.run(id).await, "due"), "2040-01-09T16:00:00Z", "ten in Chicago, the day before");
    }
    dev.patch("/v1/contacts/sam", json!({ "attributes": { "visit_at": "2040-01-20T09:00:00" } })).await;
    dev.patch("/v1/contacts/tia", json!({ "attributes": { "visit_at": "2040-01-05T09:00:00" } })).await;
    dev.settle().await;
    assert_eq!(text(&dev.run("sam").await, "due"), "2040-01-19T16:00:00Z");
    assert_eq!(text(&dev.run("tia").await, "due"), "2040-01-04T16:00:00Z");
    dev.to("2040-01-04T16:00:00Z").await;
    assert_eq!((dev.mails("sam").await.len(), dev.mails("tia").await.len()), (0, 1));
    dev.to("2040-01-19T15:59:59Z").await;
    assert_eq!(dev.mails("sam").await.len(), 0, "at the old time nothing happened");
    dev.to("2040-01-19T16:00:00Z").await;
    assert_eq!((dev.mails("sam").await.len(), dev.mails("tia").await.len()), (1, 1));
}

#[tokio::test]
async fn s14_a_date_less_than_a_day_past_passes_and_one_longer_past_takes_the_other_edge() {
    let dev = Dev::start().await;
    dev.note("note").await;
    dev.publish(checkup()).await;
    // The reminder would have been due on the day before at ten: on Monday at ten it is five minutes late, or two days.
    dev.to("2040-01-02T16:05:00Z").await;
    for (id, date) in [("uma", Some("2040-01-03T09:00:00")), ("vic", Some("2040-01-01T09:00:00")), ("wim", None)] {
        dev.person(id).await;
        if let Some(date) = date {
            dev.patch(&format!("/v1/contacts/{id}"), json!({ "attributes": { "visit_at": date } })).await;
        }
        dev.happens(id, "visit_booked").await;
    }
    assert_eq!(dev.mails("uma").await.len(), 1);
    for late in ["vic", "wim"] {
        let run = dev.run(late).await;
        assert_eq!((text(&run, "ended"), text(visit(&run, "before"), "via")), ("completed", "else"), "{run}");
        assert!(dev.mails(late).await.is_empty());
    }
}
