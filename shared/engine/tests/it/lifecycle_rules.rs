//! How runs end, that they do, and that none is forgotten on the way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::advance::{Answer, Begin, EngagementKind, Input, begin};
use carepath_engine::contact::{Subscription, Suppression};
use carepath_engine::run::{Ancestor, Edge, MAX_HOPS, MessageState, Outcome, State};
use carepath_engine::version::Version;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::play::{Play, accepted, after, answered, contact, engaged, event, first, moment, start, version};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The contact's first run in a version, begun with whatever `edit` makes of it.
fn begun_with(version: Version, edit: impl FnOnce(&mut Begin)) -> Play {
    let mut new = first(&version);
    edit(&mut new);
    let contact = contact();
    let run = begin(new, moment(&version, &contact, start(), false)).unwrap().run;
    Play { version, contact, run, alarms: Vec::new(), events: Vec::new(), paused: false }
}

fn mails(class: &str, policy: &Value) -> Version {
    version(&json!({
        "id": "mails", "class": class, "topic": "news", "entry": { "event": "joined" }, "send_policy": policy,
        "exit": [{ "event": "left" }], "goal": { "event": "activated" },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "more" },
            "more": { "send": { "template": "more" }, "next": "end" }
        }
    }))
}

#[test]
fn s2_a_step_that_the_lineage_has_visited_in_another_run_is_not_entered() {
    let again = |steps: &[&str]| {
        let steps = steps.iter().map(|id| id.parse().unwrap()).collect();
        begun_with(mails("care", &json!({})), |new| {
            let other = new.id.contact();
            let run = crate::play::secret().run_id(&other, &"mails".parse().unwrap(), None, 7);
            new.lineage = vec![Ancestor { run, workflow: "mails".parse().unwrap(), steps }];
        })
    };
    let play = again(&["welcome"]);
    assert_eq!(play.outcome(), Some(&Outcome::Revisit));
    assert!(play.run.messages.is_empty());

    let mut play = again(&["more"]);
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, accepted("m1")), after(1));
    assert_eq!(play.outcome(), Some(&Outcome::Revisit), "the step after the first is the one that was visited");
}

#[test]
fn s2_a_lineage_ends_at_a_thousand_steps() {
    let play = begun_with(mails("care", &json!({})), |new| new.hops = MAX_HOPS);
    assert_eq!(play.outcome(), Some(&Outcome::Failed("hop_limit".into())));
    let mut play = begun_with(mails("care", &json!({})), |new| new.hops = MAX_HOPS - 1);
    assert_eq!(play.at(), Some("welcome"));
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, accepted("m1")), after(1));
    assert_eq!(play.outcome(), Some(&Outcome::Failed("hop_limit".into())));
}

macro_rules! endings {
    ($($outcome:ident => $play:expr;)+) => {
        /// The name of the reason; one that is not in the list below does not compile.
        fn reason(outcome: &Outcome) -> &'static str {
            match outcome {
                $(Outcome::$outcome { .. } => stringify!($outcome),)+
            }
        }

        fn endings() -> Vec<(&'static str, Play)> {
            vec![$((stringify!($outcome), $play),)+]
        }
    };
}

endings! {
    Completed => after_inputs("care", |play| {
        play.contact.email = None;
        play.take(&Input::Claim, start());
        play.take(&Input::Claim, start());
    });
    Exited => after_inputs("care", |play| assert_eq!(play.take(&event("e", "left", start()), start()), None));
    Goal => after_inputs("care", |play| assert_eq!(play.take(&event("e", "activated", start()), start()), None));
    Revisit => {
        let mut play = Play::new(version(&json!({
            "id": "loop", "class": "care", "entry": { "api": true },
            "steps": { "a": { "wait": { "for": "1h" }, "next": "b" }, "b": { "jump": { "step": "a" } } }
        })));
        play.take(&Input::Due, after(3_600));
        play
    };
    Cancelled => after_inputs("care", |play| assert_eq!(play.take(&Input::Cancel, start()), None));
    Unsubscribed => after_inputs("marketing", |play| {
        play.contact.topics.insert("news".parse().unwrap(), Subscription::Unsubscribed);
        play.take(&Input::Claim, start());
    });
    Suppressed => after_inputs("marketing", |play| {
        play.contact.suppressed = Some(Suppression::Complained);
        play.take(&Input::Claim, start());
    });
    Deleted => after_inputs("care", |play| assert_eq!(play.take(&Input::Delete, start()), None));
    Failed => begun_with(mails("care", &json!({})), |new| new.hops = MAX_HOPS);
}

fn after_inputs(class: &str, inputs: impl FnOnce(&mut Play)) -> Play {
    let mut play = Play::new(mails(class, &json!({})));
    inputs(&mut play);
    play
}

#[test]
fn s6_every_reason_to_end_is_one_that_a_run_can_end_for() {
    for (expected, play) in endings() {
        let outcome = play.outcome().unwrap_or_else(|| panic!("a run for {expected} has not ended"));
        assert_eq!(reason(outcome), expected);
    }
}

#[test]
fn s11_care_goes_on_without_the_mail_where_marketing_ends() {
    for (class, ends) in [("care", false), ("operational", false), ("marketing", true)] {
        let mut play = Play::new(mails(class, &json!({})));
        play.contact.suppressed = Some(Suppression::Bounced);
        play.take(&Input::Claim, start());
        let message = &play.run.messages[&0];
        assert_eq!((message.state, message.reason.as_deref()), (MessageState::Skipped, Some("suppressed")));
        assert_eq!((play.run.is_ended(), play.at() == Some("more")), (ends, !ends), "{class}");
    }
}

#[test]
fn s11_marketing_needs_a_yes_and_the_answer_is_the_one_at_the_moment_of_the_claim() {
    let ask = |answer: Option<Subscription>| {
        let mut play = Play::new(mails("marketing", &json!({})));
        if let Some(answer) = answer {
            play.contact.topics.insert("news".parse().unwrap(), answer);
        }
        play.take(&Input::Claim, start());
        play.run.messages[&0].state
    };
    assert_eq!(ask(Some(Subscription::Subscribed)), MessageState::Claimed);
    assert_eq!(ask(Some(Subscription::Unsubscribed)), MessageState::Skipped);
    assert_eq!(ask(None), MessageState::Skipped);
}

#[test]
fn s8_a_mail_that_is_sent_again_where_nobody_knows_is_tried_three_times_and_no_more() {
    let mut play = Play::new(version(&json!({
        "id": "again", "class": "care", "entry": { "api": true },
        "steps": { "welcome": { "send": { "template": "welcome", "on_unknown": "resend" }, "next": "end" } }
    })));
    let mut attempts = 0;
    while let Some(due) = play.run.state.due() {
        if matches!(play.run.state, State::Ready { .. }) {
            attempts += 1;
            play.take(&Input::Claim, due);
        } else {
            // What became of a claim is unknown at first; from then on all is silent.
            let unknown = matches!(play.run.state, State::Unknown { .. });
            play.take(if unknown { &Input::Silent } else { &Input::Due }, due);
        }
        assert!(attempts < 10, "it is sent for ever");
    }
    assert_eq!((attempts, play.outcome()), (3, Some(&Outcome::Completed)));
}

/// A run that waits for a date of its entry that is past by so long.
fn late_by(late: SignedDuration) -> Play {
    let wait = version(&json!({
        "id": "late", "class": "care", "entry": { "event": "booked" },
        "steps": {
            "remind": { "wait": { "until": { "entry": "at" }, "else": "call" }, "next": "end" },
            "call": { "segment": { "add": "needs-a-call" }, "next": "end" }
        }
    }));
    let date = start() - late;
    begun_with(wait, |new| drop(new.payload.insert("at".to_owned(), date.to_string().into())))
}

#[test]
fn s14_a_time_that_is_past_by_less_than_a_day_passes_and_one_by_more_goes_the_other_way() {
    let edge = |late| late_by(late).run.visits[1].edge.clone();
    let minutes = SignedDuration::from_mins;
    assert_eq!(edge(minutes(23 * 60 + 59)), Some(Edge::Next));
    assert_eq!(edge(minutes(24 * 60 + 1)), Some(Edge::Else));
    assert_eq!(edge(minutes(0)), Some(Edge::Next));
    let ahead = late_by(minutes(-1));
    assert_eq!((ahead.at(), ahead.run.state.due()), (Some("remind"), Some(after(60))));
}

/// Fridays, from eight in the evening until six in the morning.
fn nights() -> Play {
    Play::new(mails("care", &json!({ "window": "20:00-06:00", "days": ["fri"] })))
}

#[test]
fn s12_a_mail_is_deferred_to_a_window_over_midnight_and_goes_out_in_both_halves_of_it() {
    let claim = |now: &str| {
        let mut play = nights();
        play.take(&Input::Claim, at(now));
        play.run.state
    };
    for open in ["2026-11-27T20:00:00Z", "2026-11-27T23:59:59Z", "2026-11-28T00:00:00Z", "2026-11-28T05:59:59Z"] {
        assert!(matches!(claim(open), State::Claimed { .. }), "{open}");
    }
    let (friday, next) = (at("2026-11-27T20:00:00Z"), at("2026-12-04T20:00:00Z"));
    for (shut, opens) in [
        ("2026-11-27T05:00:00Z", friday), // that night is Thursday's
        ("2026-11-27T19:59:59Z", friday),
        ("2026-11-28T06:00:00Z", next),
        ("2026-11-28T20:00:00Z", next),
    ] {
        assert_eq!(claim(shut), State::Ready { step: 0, due: opens }, "{shut}");
    }
}

#[test]
fn s5_a_deferred_mail_is_due_when_its_window_opens_and_no_earlier() {
    let mut play = nights();
    play.take(&Input::Claim, at("2026-11-27T12:00:00Z"));
    let due = play.run.state.due().unwrap();
    assert_eq!(due, at("2026-11-27T20:00:00Z"));
    assert!(play.take(&Input::Claim, due - SignedDuration::from_secs(1)).is_some());
    assert_eq!(play.take(&Input::Claim, due), None);
    assert!(matches!(play.run.state, State::Claimed { .. }));
}

/// S5, S6: whatever a mail service does, and if nothing but time ever moves the run, it comes to an end.
#[test]
fn s5_s6_time_alone_brings_every_run_to_its_end() {
    let answers =
        [accepted("m1"), Answer::Refused("refused".into()), Answer::Unknown, Answer::Throttled { until: after(30) }];
    for first in answers {
        let mut play = Play::new(crate::play::onboarding());
        play.take(&Input::Claim, start());
        play.take(&answered(0, 1, first), after(1));
        let mut turns = 0;
        while let Some(due) = play.run.state.due() {
            let claims = matches!(play.run.state, State::Ready { .. });
            play.take(if claims { &Input::Claim } else { &Input::Due }, due);
            turns += 1;
            assert!(turns < 50, "{:?}", play.run.state);
        }
        assert!(play.run.is_ended());
    }
}

#[test]
fn s9_a_late_send_event_of_another_attempt_is_the_duplicate_that_it_is() {
    let mut play = Play::new(mails("care", &json!({})));
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, accepted("m2")), after(1));
    play.take(&engaged(0, EngagementKind::Sent, after(2), false), after(2));
    assert_eq!(play.alarms, [carepath_engine::advance::Alarm::DuplicateSend]);
    assert_eq!(play.run.messages[&0].ids, ["m2", "m1"]);
}
