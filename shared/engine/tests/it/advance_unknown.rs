//! Sends of which nobody knows: when they are looked at, who settles them, and evidence that comes late.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::advance::{Alarm, Answer, EngagementKind, Input, Stale, unknown_send};
use carepath_engine::run::{Edge, MessageState, Outcome, State};
use carepath_engine::version::OnUnknown;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::play::{Play, accepted, after, answered, engaged, onboarding, start, version};

/// A run whose first mail became unknown a second after the start.
fn unknown() -> Play {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, Answer::Unknown), after(1));
    play
}

fn treated_as_sent() -> Play {
    let mut play = unknown();
    while matches!(play.run.state, State::Unknown { .. }) {
        play.take(&Input::Due, play.run.state.due().unwrap());
    }
    play
}

fn settle(sent: bool) -> Input {
    Input::Settle { attempt: None, sent, by: "key_1".to_owned() }
}

fn mail(play: &Play) -> (MessageState, Option<&str>) {
    let message = &play.run.messages[&0];
    (message.state, message.reason.as_deref())
}

#[test]
fn s8_an_unknown_send_is_looked_at_after_a_quarter_one_six_and_twenty_four_hours_and_then_decided() {
    let mut play = unknown();
    let mut looks = Vec::new();
    while let State::Unknown { since, .. } = play.run.state {
        let known = unknown_send(&play.run, &play.version).unwrap();
        assert_eq!((known.since, known.decided_at), (since, since + SignedDuration::from_hours(24)));
        assert_eq!((known.then, Some(known.next_look)), (OnUnknown::TreatAsSent, play.run.state.due()));
        looks.push(known.next_look.duration_since(since).as_mins());
        assert_eq!(play.take(&Input::Due, known.next_look - SignedDuration::from_secs(1)), Some(Stale::NotDue));
        play.take(&Input::Due, known.next_look);
    }
    assert_eq!(looks, [15, 60, 6 * 60, 24 * 60]);
    assert_eq!((mail(&play), play.at()), ((MessageState::Sent, Some("treated_as_sent")), Some("read")));
    assert_eq!(unknown_send(&play.run, &play.version), None);
    assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled]);
}

/// Whoever looks for evidence begins there: what became known late began long before.
#[test]
fn s8_an_unknown_send_says_until_when_it_was_claimed_however_late_it_became_unknown() {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    let claimed = play.run.state.deadline();
    assert!(claimed.is_some_and(|deadline| deadline > start() && deadline < after(60)));
    play.take(&Input::Due, after(50_000));
    while matches!(play.run.state, State::Unknown { .. }) {
        assert_eq!(play.run.state.deadline(), claimed);
        let mut earlier = serde_json::to_value(&play.run.state).unwrap();
        earlier.as_object_mut().unwrap().remove("d").unwrap();
        let earlier: State = serde_json::from_value(earlier).unwrap();
        assert_eq!(earlier.deadline(), Some(Timestamp::UNIX_EPOCH), "an item of an earlier release");
        play.take(&Input::Due, play.run.state.due().unwrap());
    }
    assert_eq!(play.run.state.deadline(), None);
}

#[test]
fn s8_what_will_be_decided_is_said_as_it_will_be() {
    let mut play = Play::new(version(&json!({
        "id": "again", "class": "care", "entry": { "api": true },
        "steps": { "welcome": { "send": { "template": "welcome", "on_unknown": "resend" }, "next": "end" } }
    })));
    let mut said = Vec::new();
    while let Some(due) = play.run.state.due() {
        let expected = unknown_send(&play.run, &play.version).filter(|known| known.next_look == known.decided_at);
        let input = match play.run.state {
            State::Ready { .. } => Input::Claim,
            State::Unknown { .. } => Input::Silent,
            State::Claimed { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Paused { .. }
            | State::Ended { .. } => Input::Due,
        };
        play.take(&input, due);
        if let Some(known) = expected {
            let resent = matches!(play.run.state, State::Ready { .. });
            assert_eq!(resent, known.then == OnUnknown::Resend);
            said.push(known.then);
        }
    }
    assert_eq!(said, [OnUnknown::Resend, OnUnknown::Resend, OnUnknown::TreatAsSent]);
}

#[test]
fn s8_what_may_still_be_heard_of_is_not_sent_again() {
    let mut play = Play::new(version(&json!({
        "id": "again", "class": "care", "entry": { "api": true },
        "steps": { "welcome": { "send": { "template": "welcome", "on_unknown": "resend" }, "next": "end" } }
    })));
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, Answer::Unknown), after(1));
    assert_eq!(play.take(&Input::Silent, after(2)), Some(Stale::NotDue));
    while matches!(play.run.state, State::Unknown { .. }) {
        play.take(&Input::Due, play.run.state.due().unwrap());
    }
    assert_eq!((mail(&play), play.run.messages[&0].attempt), ((MessageState::Sent, Some("treated_as_sent")), 1));
    let why = &play.run.visits[1].explanation;
    assert!(why.iter().any(|why| why.source.contains("on its way")), "{why:?}");
}

#[test]
fn s8_a_send_event_after_the_decision_corrects_the_visit() {
    let mut play = treated_as_sent();
    let late = after(100_000);
    assert_eq!(play.take(&engaged(0, EngagementKind::Sent, after(2), false), late), None);
    assert_eq!((mail(&play), play.at()), ((MessageState::Sent, None), Some("read")));
    assert_eq!(play.run.messages[&0].ids.len(), 1);
    assert_eq!(play.take(&engaged(0, EngagementKind::Sent, after(2), false), late), Some(Stale::Known));
    assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled], "one mail is no duplicate");
}

#[test]
fn s8_a_rejection_after_the_decision_corrects_the_visit() {
    let mut play = treated_as_sent();
    play.take(&engaged(0, EngagementKind::Rejected, after(2), false), after(100_000));
    assert_eq!(mail(&play), (MessageState::Failed, Some("rejected")));
}

#[test]
fn s8_s9_evidence_after_the_end_corrects_the_visit_and_a_second_id_is_a_duplicate() {
    let mut play = treated_as_sent();
    play.take(&Input::Cancel, after(100_000));
    assert_eq!(play.take(&answered(0, 1, accepted("m1")), after(100_001)), None);
    assert_eq!((mail(&play), play.outcome()), ((MessageState::Sent, None), Some(&Outcome::Cancelled)));
    play.alarms.clear();
    play.take(&answered(0, 1, accepted("m2")), after(100_002));
    assert_eq!((play.run.messages[&0].ids.len(), play.alarms), (2, vec![Alarm::DuplicateSend]));
}

#[test]
fn s8_who_knows_that_it_was_sent_lets_the_run_go_on_and_is_named() {
    let mut play = unknown();
    let other = Input::Settle { attempt: Some(2), sent: false, by: "key_1".to_owned() };
    assert_eq!(play.take(&other, after(60)), Some(Stale::NotThere), "another attempt is meant");
    assert_eq!(play.take(&settle(true), after(60)), None);
    assert_eq!((mail(&play), play.at()), ((MessageState::Sent, Some("settled_by_hand")), Some("read")));
    assert_eq!(play.run.visits[1].edge, Some(Edge::Next));
    let why = &play.run.visits[1].explanation;
    let told = why.iter().find(|why| &*why.test == "settled by hand").unwrap();
    assert_eq!((told.source.as_ref(), told.observed.expose()), ("key_1", &json!("sent")));
    assert_eq!(play.take(&settle(false), after(61)), Some(Stale::NotThere), "it is settled once");
    assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled]);
}

#[test]
fn s8_who_knows_that_it_was_not_sent_has_it_sent_again() {
    let mut play = unknown();
    assert_eq!(play.take(&settle(false), after(60)), None);
    assert_eq!(mail(&play), (MessageState::Released, None));
    assert_eq!(play.take(&Input::Claim, after(60)), None);
    assert_eq!((mail(&play).0, play.run.messages[&0].attempt), (MessageState::Claimed, 2));
}

#[test]
fn s8_a_mail_that_outlived_its_run_is_settled_by_hand_and_never_sent_again() {
    for (sent, expected) in
        [(true, (MessageState::Sent, Some("settled_by_hand"))), (false, (MessageState::Failed, Some("not_sent")))]
    {
        let mut play = unknown();
        play.take(&Input::Cancel, after(5));
        let known = unknown_send(&play.run, &play.version).unwrap();
        assert_eq!((known.then, known.decided_at), (OnUnknown::TreatAsSent, after(1 + 24 * 3_600)));
        assert_eq!(play.take(&settle(sent), after(60)), None);
        assert_eq!((mail(&play), play.run.state.due()), (expected, None));
        assert_eq!(play.outcome(), Some(&Outcome::Cancelled));
        assert!(play.run.visits[1].explanation.iter().any(|why| why.source == "key_1"));
        assert_eq!(play.take(&settle(sent), after(61)), Some(Stale::Ended));
        assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled]);
    }
}

/// S5: a claim leaves its run where it stood in the index of due things, which the next sweep still looks at; whoever looks at it
/// there puts it where it is due.
#[test]
fn s5_a_run_that_is_claimed_stays_in_the_index_until_somebody_looks_at_it() {
    let ready = Play::new(onboarding());
    for (claimed_after, stays) in [(0, true), (60, true), (61, false)] {
        let mut play = ready.clone();
        play.take(&Input::Claim, after(claimed_after));
        let due = play.run.state.due().unwrap();
        play.run.state.stay(&ready.run.state, after(claimed_after));
        assert_eq!(play.run.state.place(), Some(if stays { start() } else { due }), "claimed after {claimed_after} s");
        assert_eq!(play.run.state.due(), Some(due), "when it is due is another matter");
    }
    let mut play = ready.clone();
    play.take(&Input::Claim, start());
    let claimed = play.run.clone();
    play.run.state.stay(&ready.run.state, start());
    // Something else that is written meanwhile changes nothing about it.
    let staying = play.run.clone();
    play.run.state.stay(&staying.state, after(5));
    assert_eq!(play.run, staying);
    assert_eq!(play.take(&Input::Due, after(6)), None);
    assert_eq!((play.run.state.place(), &play.run.state), (claimed.state.due(), &claimed.state));
    assert_eq!(play.take(&Input::Due, after(7)), Some(Stale::NotDue));
    play.take(&answered(0, 1, accepted("m1")), after(8));
    assert_eq!(play.at(), Some("read"));
    // A run that was not due yet does not stay where nobody would find it.
    let waiting = play.run.state.clone();
    let mut state = claimed.state;
    state.stay(&waiting, after(9));
    assert_eq!(state.place(), state.due());
}
