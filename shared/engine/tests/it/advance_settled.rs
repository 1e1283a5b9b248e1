//! What the transition table brought to light: ends that leave nothing open, and pauses that lose nothing.

use carepath_engine::Phi;
use carepath_engine::advance::{Alarm, Answer, EngagementKind, Input, Stale};
use carepath_engine::run::{Edge, MessageState, Outcome, State};
use jiff::SignedDuration;
use serde_json::json;

use crate::play::{Play, accepted, after, answered, engaged, event, onboarding, sent, start, version};

/// At a mail after which its run is over.
fn last_mail() -> Play {
    let mut play = Play::new(version(&json!({
        "id": "short", "class": "care", "entry": { "api": true },
        "steps": { "welcome": { "send": { "template": "welcome" }, "next": "end" } }
    })));
    play.take(&Input::Claim, start());
    play
}

fn mail(play: &Play) -> (MessageState, Option<&str>) {
    let message = &play.run.messages[&0];
    (message.state, message.reason.as_deref())
}

#[test]
fn a_run_that_ends_by_the_answer_to_its_mail_leaves_nothing_to_settle() {
    for (answer, state) in
        [(accepted("m1"), MessageState::Sent), (Answer::Refused("refused".into()), MessageState::Failed)]
    {
        let mut play = last_mail();
        play.take(&answered(0, 1, answer), after(1));
        assert_eq!((play.outcome(), play.run.state.due()), (Some(&Outcome::Completed), None));
        assert_eq!(play.take(&Input::Due, after(100_000)), Some(Stale::Ended));
        assert_eq!(mail(&play).0, state, "time does not change what the mail service said");
        assert_eq!(play.alarms, []);
    }
}

/// S8
#[test]
fn s8_a_mail_that_outlived_its_run_and_became_unknown_is_given_a_day() {
    let mut play = last_mail();
    play.take(&Input::Cancel, after(1));
    play.take(&answered(0, 1, Answer::Unknown), after(2));
    assert_eq!(play.run.state.due(), Some(after(2) + SignedDuration::from_hours(24)));
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert_eq!((mail(&play), play.run.state.due()), ((MessageState::Sent, Some("treated_as_sent")), None));
    assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled]);
}

#[test]
fn s8_a_rejection_settles_the_mail_that_outlived_its_run() {
    let mut play = last_mail();
    play.take(&Input::Cancel, after(1));
    play.take(&engaged(0, EngagementKind::Rejected, after(2), false), after(2));
    assert_eq!((mail(&play), play.run.state.due()), ((MessageState::Failed, Some("rejected")), None));
}

#[test]
fn s10_a_rejection_of_an_earlier_attempt_says_nothing_of_the_one_under_way() {
    let mut play = last_mail();
    play.take(&answered(0, 1, Answer::Throttled { until: after(30) }), after(1));
    play.take(&Input::Claim, after(30));
    let late = engaged(0, EngagementKind::Rejected, after(31), false);
    assert_eq!(play.take(&late, after(31)), Some(Stale::NotThere));
    assert_eq!(mail(&play).0, MessageState::Claimed);
}

/// S15, S17
#[test]
fn s15_an_event_for_a_wait_that_a_pause_holds_up_is_not_lost() {
    // Entered while paused: the wait has not begun.
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    play.paused = true;
    play.take(&answered(0, 1, accepted("m1")), after(1));
    assert!(matches!(play.run.state, State::Paused { .. }));
    assert_eq!(play.take(&event("e1", "called", after(10)), after(10)), None);
    assert_eq!(play.take(&event("e1", "called", after(10)), after(11)), Some(Stale::Known));
    play.paused = false;
    play.take(&Input::Resume, after(100));
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert_eq!((play.outcome(), &play.run.visits[2].edge), (Some(&Outcome::Completed), &Some(Edge::Nth(1))));

    // Held at the end of its patience: what happened in time and comes in late still wins.
    let mut play = sent();
    play.paused = true;
    play.take(&Input::Due, play.run.state.due().unwrap());
    play.take(&event("e2", "called", after(3_000)), after(9_000));
    play.paused = false;
    play.take(&Input::Resume, after(10_000));
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert_eq!(play.run.visits[2].edge, Some(Edge::Nth(1)));
}

#[test]
fn s15_what_came_true_in_a_pause_is_done_when_it_is_over_and_not_when_the_wait_would_have_been() {
    for input in [event("e1", "called", after(60)), engaged(0, EngagementKind::Opened, after(60), false)] {
        let mut play = sent();
        play.paused = true;
        play.take(&input, after(60));
        play.paused = false;
        play.take(&Input::Resume, after(120));
        let due = play.run.state.due().unwrap();
        assert!(due <= after(120) + SignedDuration::from_mins(15), "the wait itself ends later");
        play.take(&Input::Due, due);
        assert_ne!(play.at(), Some("read"));
    }
}

/// S11: a bounce closes the address that the mail went to, not the one that the contact has got since.
#[test]
fn s11_a_late_bounce_of_an_old_address_closes_nothing_of_the_new_one() {
    let bounce = || engaged(0, EngagementKind::Bounced { permanent: true }, after(90), false);
    let mut play = sent();
    play.contact.email = Some(Phi("new@example.org".to_owned()));
    play.take(&bounce(), after(90));
    assert_eq!(play.contact.suppressed, None);
    assert!(play.run.messages[&0].bounced.is_some(), "the mail bounced all the same");
    let mut play = sent();
    play.contact.email = Some(Phi("PAT@example.org".to_owned()));
    play.take(&bounce(), after(90));
    assert!(play.contact.suppressed.is_some(), "another way to write it is no other address");
    // S26: what was kept to know this goes with the contact.
    play.take(&Input::Delete, after(100));
    assert_eq!(play.run.messages[&0].to, None);
}
