//! What a run does with its inputs: by rule, and under any sequence of them.

use std::collections::BTreeSet;

use carepath_engine::Run;
use carepath_engine::advance::{Admission, Alarm, Answer, EngagementKind, Input, Refusal, Stale, admit};
use carepath_engine::contact::Attributes;
use carepath_engine::run::{Edge, MessageState, Outcome, Place, State};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use crate::play::{
    Play, accepted, after, answered, changed, contact, engaged, event, moment, onboarding, sent, start, version,
};

#[test]
fn s7_a_claimed_mail_cannot_be_claimed_again() {
    let mut play = Play::new(onboarding());
    assert_eq!(play.take(&Input::Claim, start()), None);
    assert_eq!(play.take(&Input::Claim, after(1)), Some(Stale::NotThere));
}

#[test]
fn s7_a_claim_that_ran_out_is_unknown_and_never_sent_again_in_strict_mode() {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    assert_eq!(play.take(&Input::Due, after(60)), Some(Stale::NotDue));
    let mut now = after(0);
    for _ in 0..5 {
        now = play.run.state.due().unwrap();
        play.take(&Input::Due, now);
        assert!(!matches!(play.run.state, State::Ready { .. }), "an unknown send must not become ready");
    }
    assert!(now > after(24 * 3_600));
    assert_eq!(play.run.messages[&0].attempt, 1);
}

#[test]
fn s8_a_send_event_settles_what_was_unknown() {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, Answer::Unknown), after(10));
    assert_eq!(play.run.messages[&0].state, MessageState::Unknown);
    assert_eq!(play.take(&engaged(0, EngagementKind::Sent, after(11), false), after(12)), None);
    assert_eq!((play.run.messages[&0].state, play.at()), (MessageState::Sent, Some("read")));
    assert_eq!(play.alarms, [Alarm::Unknown, Alarm::UnknownSettled]);
}

#[test]
fn s9_a_second_message_id_raises_the_alarm() {
    let mut play = sent();
    assert_eq!(play.take(&answered(0, 1, accepted("m1")), after(2)), Some(Stale::Known));
    assert_eq!(play.take(&answered(0, 1, accepted("m2")), after(3)), None);
    assert_eq!(play.alarms, [Alarm::DuplicateSend]);
}

#[test]
fn s10_a_throttle_gives_the_claim_back() {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, Answer::Throttled { until: after(30) }), after(1));
    assert_eq!(play.take(&Input::Claim, after(10)), Some(Stale::NotDue));
    assert_eq!(play.take(&Input::Claim, after(30)), None);
    assert_eq!(play.run.messages[&0].attempt, 2);
}

#[test]
fn s11_a_contact_without_an_address_is_skipped_with_the_reason() {
    let mut play = Play::new(onboarding());
    play.contact.email = None;
    play.take(&Input::Claim, start());
    assert_eq!(play.run.messages[&0].state, MessageState::Skipped);
    assert_eq!(play.run.messages[&0].reason.as_deref(), Some("no_address"));
}

#[test]
fn s16_an_open_by_the_deadline_wins_until_the_time_out_is_decided() {
    let deadline = after(1 + 3_600);
    let mut play = sent();
    assert_eq!(play.take(&Input::Due, deadline), Some(Stale::NotDue), "the grace is not over");
    play.take(&engaged(0, EngagementKind::Opened, deadline, false), after(3_602));
    assert_eq!(play.at(), Some("more"));

    let mut late = sent();
    late.take(&engaged(0, EngagementKind::Opened, after(3_602), false), after(3_603));
    assert_eq!(late.at(), Some("read"), "an open after the deadline moves nothing");
    late.take(&Input::Due, late.run.state.due().unwrap());
    assert_eq!(late.outcome(), Some(&Outcome::Completed));
}

#[test]
fn s16_an_event_that_happened_after_the_deadline_loses_though_it_comes_in_before_the_decision() {
    let mut play = sent();
    play.take(&event("e1", "called", after(3_602)), after(3_603));
    assert_eq!(play.at(), Some("read"));
    let mut in_time = sent();
    in_time.take(&event("e1", "called", after(3_601)), after(3_603));
    assert_eq!(in_time.outcome(), Some(&Outcome::Completed));
    assert_eq!(in_time.run.visits[2].edge, Some(Edge::Nth(1)));
}

#[test]
fn s17_an_event_before_its_wait_counts() {
    let mut play = Play::new(onboarding());
    assert_eq!(play.take(&event("e1", "called", after(1)), after(1)), None);
    play.take(&Input::Claim, after(2));
    play.take(&answered(0, 1, accepted("m1")), after(3));
    assert_eq!(play.outcome(), Some(&Outcome::Completed));
    assert_eq!(play.run.visits[2].edge, Some(Edge::Nth(1)));
}

#[test]
fn s18_exit_rules_and_goals_act_when_the_event_comes_even_while_a_mail_is_out() {
    let mut play = Play::new(onboarding());
    play.take(&Input::Claim, start());
    play.take(&event("e1", "left", after(1)), after(1));
    assert!(matches!(play.outcome(), Some(Outcome::Exited(_))));
    assert!(play.run.state.due().is_some(), "the open send is still to be settled");
    play.take(&answered(0, 1, accepted("m1")), after(2));
    assert_eq!((play.run.messages[&0].state, play.run.state.due()), (MessageState::Sent, None));

    let mut goal = sent();
    goal.take(&event("e1", "activated", after(5)), after(5));
    assert_eq!(goal.outcome(), Some(&Outcome::Goal));
}

#[test]
fn s20_a_machine_that_opens_moves_nothing() {
    let mut play = sent();
    assert_eq!(play.take(&engaged(0, EngagementKind::Opened, after(5), true), after(5)), None);
    assert_eq!(play.at(), Some("read"));
    assert!(play.run.messages[&0].opened.machine.is_some());
}

#[test]
fn s15_a_paused_run_is_held_and_goes_on_within_fifteen_minutes_of_the_resumption() {
    let mut play = sent();
    play.paused = true;
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert!(matches!(play.run.state, State::Paused { .. }));
    assert_eq!(play.take(&Input::Due, after(90_000)), Some(Stale::Paused));
    play.paused = false;
    let resumed = after(100_000);
    assert_eq!(play.take(&Input::Resume, resumed), None);
    let due = play.run.state.due().unwrap();
    assert!(resumed <= due && due <= resumed + SignedDuration::from_mins(15));
}

#[test]
fn s2_a_jump_back_ends_the_run_as_a_revisit() {
    let mut play = Play::new(version(&json!({
        "id": "loop", "class": "care", "entry": { "api": true },
        "steps": { "a": { "wait": { "for": "1h" }, "next": "b" }, "b": { "jump": { "step": "a" } } }
    })));
    play.take(&Input::Due, after(3_600));
    assert_eq!(play.outcome(), Some(&Outcome::Revisit));
}

#[test]
fn s4_a_contact_comes_in_once_and_a_repeat_of_the_cause_is_no_second_entry() {
    let play = sent();
    let (version, contact) = (onboarding(), contact());
    let ask = |prior: &[&Run], cause: &str| {
        admit(prior, cause, None, &Attributes::new(), moment(&version, &contact, after(9), false))
    };
    let refusal = |admission| match admission {
        Admission::Refused { refusal, .. } => Some(refusal),
        Admission::Admitted { .. } => None,
    };
    assert_eq!(refusal(ask(&[], "cause")), None);
    assert_eq!(refusal(ask(&[&play.run], "cause")), Some(Refusal::SameCause));
    assert_eq!(refusal(ask(&[&play.run], "other")), Some(Refusal::LiveRun));
    let mut over = sent();
    over.take(&Input::Cancel, after(8));
    assert_eq!(refusal(ask(&[&over.run], "other")), Some(Refusal::EnteredBefore));
}

fn any_input() -> impl Strategy<Value = (Input, i64)> {
    let answers = prop_oneof![
        Just(accepted("m1")),
        Just(accepted("m2")),
        Just(Answer::Refused("refused".into())),
        Just(Answer::Throttled { until: after(100) }),
        Just(Answer::Unknown),
    ];
    let kinds = prop_oneof![
        Just(EngagementKind::Sent),
        Just(EngagementKind::Rejected),
        Just(EngagementKind::Opened),
        Just(EngagementKind::Bounced { permanent: true }),
    ];
    let inputs = prop_oneof![
        4 => Just(Input::Due),
        2 => Just(Input::Silent),
        4 => Just(Input::Claim),
        3 => (0_u16..3, 1_u32..3, answers).prop_map(|(step, attempt, answer)| answered(step, attempt, answer)),
        3 => (0_u16..3, kinds, any::<bool>()).prop_map(|(step, kind, machine)| engaged(step, kind, after(50), machine)),
        2 => prop_oneof![Just("called"), Just("left"), Just("other")].prop_map(|name| event(name, name, after(60))),
        1 => Just(changed()),
        1 => Just(Input::Resume),
        1 => any::<bool>().prop_map(|sent| Input::Settle { attempt: None, sent, by: "key_1".to_owned() }),
        1 => Just(Input::Fail("template".into())),
    ];
    (inputs, 0_i64..40_000)
}

proptest! {
    /// S1, S5: whatever comes in whatever order, no step is visited twice, a live run has a time to be looked at or is
    /// paused, what is over stays over, and a repeat of the same input at the same moment sends nothing more.
    #[test]
    fn s1_s5_any_sequence_of_inputs_keeps_a_run_sound(inputs in prop::collection::vec(any_input(), 0..40), pauses in any::<u64>()) {
        let mut play = Play::new(onboarding());
        let mut now = 0;
        for (nth, (input, later)) in inputs.iter().enumerate() {
            now += later;
            play.paused = pauses >> (nth % 64) & 1 == 1;
            let ended = play.outcome().cloned();
            play.take(input, after(now));
            let steps: Vec<_> = play.run.visits.iter().map(|visit| visit.place).collect();
            prop_assert_eq!(steps.iter().collect::<BTreeSet<_>>().len(), steps.len());
            let held = matches!(play.run.state, State::Paused { .. } | State::Ended { .. });
            prop_assert!(held || play.run.state.due().is_some());
            prop_assert_eq!(play.run.is_ended(), steps.last() == Some(&Place::End));
            if let Some(ended) = ended {
                prop_assert_eq!(play.outcome(), Some(&ended));
            }
            let attempts = |run: &Run| run.messages.values().map(|message| message.attempt).sum::<u32>();
            if matches!(play.run.state, State::Claimed { .. }) {
                let claimed = attempts(&play.run);
                play.take(&Input::Claim, after(now));
                prop_assert_eq!(attempts(&play.run), claimed);
            }
        }
    }
}
