//! What time alone does to a run: rules and paths that come true with nobody changing anything.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::Input;
use carepath_engine::advance::EngagementKind;
use carepath_engine::contact::OPENED;
use carepath_engine::history::Tracked;
use carepath_engine::review::{self, Timed};
use carepath_engine::run::{Outcome, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::play::{Play, after, changed, contact, engaged, moment, sent, start, version};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn waiting(exit: &serde_json::Value, attributes: &serde_json::Value) -> Play {
    let document = json!({
        "id": "follow-up", "class": "care", "entry": { "api": true }, "exit": [{ "when": exit }],
        "steps": { "rest": { "wait": { "for": "30d" }, "next": "end" } }
    });
    let version = version(&document);
    let mut patient = contact();
    patient.attributes = attributes.as_object().unwrap().clone().into();
    let begun =
        carepath_engine::advance::begin(crate::play::first(&version), moment(&version, &patient, start(), false));
    Play { version, contact: patient, run: begun.unwrap().run, alarms: Vec::new(), events: Vec::new(), paused: false }
}

/// S18, S21: an exit rule that time makes true ends the run then, not at the end of the step.
#[test]
fn an_exit_rule_acts_when_time_makes_it_true() {
    let mut play = waiting(&json!({ "attribute": "visit", "before": "now" }), &json!({ "visit": "2026-12-01" }));
    let due = play.run.state.due().unwrap();
    assert_eq!(due, at("2026-12-01T00:00:01Z"));
    assert_eq!(play.take(&Input::Due, due), None);
    assert_eq!(play.outcome(), Some(&Outcome::Exited("exit rule".into())));
}

#[test]
fn a_date_that_moves_moves_the_moment_at_which_the_run_is_looked_at() {
    let mut play = waiting(&json!({ "attribute": "visit", "before": "now" }), &json!({ "visit": "2026-12-20" }));
    assert_eq!(play.run.state.due(), Some(at("2026-12-20T00:00:01Z")));
    play.contact.attributes = json!({ "visit": "2026-12-02" }).as_object().unwrap().clone().into();
    assert_eq!(play.take(&changed(), after(60)), None);
    assert_eq!(play.run.state.due(), Some(at("2026-12-02T00:00:01Z")));
    // Moved away: the run is looked at all the same, and rests until it is time.
    play.contact.attributes = json!({ "visit": "2027-12-02" }).as_object().unwrap().clone().into();
    assert_eq!(play.take(&Input::Due, at("2026-12-02T00:00:01Z")), None);
    assert!(matches!(play.run.state, State::Waiting { .. }));
    assert_eq!(play.run.state.due(), Some(at("2026-12-24T12:00:00Z")), "the wait itself");
}

#[test]
fn a_path_is_taken_when_time_makes_it_true() {
    let document = json!({
        "id": "countdown", "class": "care", "entry": { "api": true },
        "steps": {
            "near": { "wait_for": {
                "paths": [{ "when": { "attribute": "visit", "within_next": "3d" }, "next": "soon" }],
                "timeout": "60d", "next": "end" } },
            "soon": { "exit": { "reason": "soon" } }
        }
    });
    let version = version(&document);
    let mut patient = contact();
    patient.attributes = json!({ "visit": "2026-12-10T09:00:00Z" }).as_object().unwrap().clone().into();
    let begun =
        carepath_engine::advance::begin(crate::play::first(&version), moment(&version, &patient, start(), false));
    let mut play = Play {
        version,
        contact: patient,
        run: begun.unwrap().run,
        alarms: Vec::new(),
        events: Vec::new(),
        paused: false,
    };
    let due = play.run.state.due().unwrap();
    assert_eq!(due, at("2026-12-07T09:00:00Z"));
    assert_eq!(play.take(&Input::Due, due), None);
    assert_eq!(play.outcome(), Some(&Outcome::Exited("soon".into())));
}

/// S20: what a person does with any mail is remembered where somebody asks for it, and what a machine does is not.
#[test]
fn opens_are_remembered_where_somebody_asks_for_them() {
    let quiet = version(&json!({
        "id": "come-back", "class": "care",
        "entry": { "inactivity": { "for": "90d", "without": ["opened"] } },
        "steps": { "hello": { "send": { "template": "welcome" } } }
    }));
    let mut tracked = Tracked::default();
    tracked.add_version(&quiet);
    let play = sent();
    let opened = |machine, seconds| {
        let mut moment = moment(&play.version, &play.contact, after(seconds), false);
        moment.tracked = &tracked;
        let input = engaged(0, EngagementKind::Opened, after(seconds), machine);
        match carepath_engine::advance::advance(&play.run, &input, moment).unwrap() {
            carepath_engine::Decision::Move(transition) => transition.contact,
            carepath_engine::Decision::Ignore(_) => None,
        }
    };
    assert!(opened(true, 100).is_none());
    let after_it = opened(false, 100).unwrap();
    let name = OPENED.parse().unwrap();
    assert_eq!(after_it.facts[&name][0].at, after(100));

    // From then on the silence is counted, and when it has lasted is known.
    let timed = Timed { versions: vec![quiet.into()], conditions: Vec::new() };
    let next = review::next(&timed, &after_it, after(100), after(100), &TimeZone::UTC);
    assert_eq!(next, Some(at("2027-02-22T12:01:40Z")));
    let started = |now| review::start(&timed.versions[0], &after_it, after(100), now, &TimeZone::UTC);
    assert_eq!(started(at("2027-02-22T12:01:39Z")), None);
    assert_eq!(started(at("2027-02-22T12:01:40Z")).unwrap().payload["since"], after(100).to_string());
}

#[test]
fn a_milestone_starts_a_run_on_its_day_and_hardly_later() {
    let birthday = version(&json!({
        "id": "birthday", "class": "care",
        "entry": { "milestone": { "attribute": "born", "every": "year", "at": "09:00" } },
        "steps": { "hello": { "send": { "template": "welcome" } } }
    }));
    let mut patient = contact();
    patient.attributes = json!({ "born": "1976-12-01" }).as_object().unwrap().clone().into();
    let timed = Timed { versions: vec![birthday.into()], conditions: Vec::new() };
    let next = |since| review::next(&timed, &patient, since, since, &TimeZone::UTC).unwrap().to_string();
    assert_eq!(next(start()), "2026-12-01T09:00:00Z");
    assert_eq!(next(at("2026-12-01T09:00:00Z")), "2027-12-01T09:00:00Z");
    let begins = |now| review::start(&timed.versions[0], &patient, start(), at(now), &TimeZone::UTC);
    assert_eq!(begins("2026-12-01T08:59:59Z"), None);
    let begun = begins("2026-12-02T08:59:59Z").unwrap();
    assert_eq!((begun.payload["date"].as_str(), begun.payload["years"].as_i64()), (Some("2026-12-01"), Some(50)));
    assert_eq!(begins("2026-12-02T09:00:00Z"), None, "S14: a day late is too late");
}
