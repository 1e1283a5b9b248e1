//! Steps that others hear of: events that a workflow tells, and webhooks.

use carepath_engine::Phi;
use carepath_engine::advance::{Begin, Input, MOST_SAVED, Reply, Stale, begin};
use carepath_engine::run::{CALL_TIME, Edge, MAX_HOPS, Outcome, Run, State};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::play::{Play, after, contact, event, first, moment, start, version};
use crate::transition_plays::{call, calling};
use crate::transition_rows::again;

fn came_back(attempt: u32, reply: Reply) -> Input {
    Input::Called { step: 0, attempt, reply }
}

fn taken(answer: Value) -> Reply {
    Reply::Taken { status: 200, answer: Some(Phi(answer)) }
}

/// What the visit says of the attempts.
fn told(run: &Run) -> Vec<(String, Value)> {
    let why = run.visits[1].explanation.iter();
    why.map(|why| (why.test.to_string(), why.observed.expose().clone())).collect()
}

#[test]
fn an_answer_is_kept_and_decides_and_can_be_told_on() {
    let mut play = calling();
    assert_eq!(play.take(&came_back(1, taken(json!({ "band": "high" }))), after(2)), None);
    assert_eq!(play.at(), Some("rest"));
    assert_eq!(play.run.visits[1].edge, Some(Edge::Next));
    let [event] = &play.events[..] else { panic!("one event is told: {:?}", play.events) };
    assert_eq!((event.name.as_str(), event.properties.expose()["band"].clone()), ("at_risk", json!("high")));
    assert_eq!(event.hops, play.run.hops - 1, "the steps up to the one that tells it");
    assert_eq!(told(&play.run), [("attempt 1 of the call".to_owned(), json!(200))], "no body on the visit");
    let mut play = calling();
    play.take(&came_back(1, taken(json!({ "band": "low" }))), after(2));
    assert_eq!((play.outcome(), play.events.len()), (Some(&Outcome::Completed), 0));
}

#[test]
fn a_refusal_takes_the_failure_edge_at_once() {
    let mut play = calling();
    play.take(&came_back(1, Reply::Refused { status: Some(404), code: "not_taken".into() }), after(2));
    assert_eq!(play.run.visits[1].edge, Some(Edge::OnFailure));
    assert_eq!(play.contact.attribute("unreachable"), Some(&json!(true)));
    assert_eq!(told(&play.run), [("attempt 1 of the call".to_owned(), json!("404 not_taken"))]);
}

/// S5: a call that nobody answers is made again later and later, five times in all, and then it has failed.
#[test]
fn s5_what_is_not_taken_now_is_tried_again_until_the_attempts_are_used_up() {
    let mut play = call();
    let (mut now, mut pauses) = (start(), Vec::new());
    for attempt in 1..=5 {
        assert_eq!(play.take(&Input::Claim, now), None);
        assert!(matches!(&play.run.state, State::Calling { claim, .. } if claim.attempt == attempt));
        assert_eq!(play.take(&came_back(attempt, again(None)), now), None);
        let Some(due) = play.run.state.due() else { break };
        assert_eq!(play.take(&Input::Claim, due - SignedDuration::from_secs(1)), Some(Stale::NotDue));
        pauses.push(due.duration_since(now).as_secs());
        now = due;
    }
    assert_eq!(pauses, [30, 300, 1_800, 10_800]);
    assert_eq!(play.run.visits[1].edge, Some(Edge::OnFailure));
    assert_eq!(told(&play.run).len(), 5);
}

#[test]
fn whoever_is_called_may_ask_for_more_time_but_not_for_less_and_not_for_ever() {
    let pause = |asked: SignedDuration| {
        let mut play = calling();
        play.take(&came_back(1, again(Some(asked))), after(0));
        play.run.state.due().unwrap().duration_since(start()).as_secs()
    };
    assert_eq!(pause(SignedDuration::from_secs(1)), 30);
    assert_eq!(pause(SignedDuration::from_secs(90)), 90);
    assert_eq!(pause(SignedDuration::from_hours(1_000)), 6 * 3_600);
}

/// S5, S1: a claim that runs out is one attempt less; whoever comes back late changes nothing.
#[test]
fn s5_a_claim_that_runs_out_is_another_attempt_and_its_own_answer_is_too_late() {
    let mut play = calling();
    let over = start() + CALL_TIME;
    assert_eq!(play.run.state.due(), Some(over));
    assert_eq!(play.take(&Input::Due, over - SignedDuration::from_secs(1)), Some(Stale::NotDue));
    assert_eq!(play.take(&Input::Due, over), None);
    assert_eq!(play.run.state, State::Ready { step: 0, due: over });
    assert_eq!(play.take(&Input::Claim, over), None);
    assert_eq!(play.take(&came_back(1, taken(json!({}))), over), Some(Stale::NotThere));
    assert_eq!(play.take(&came_back(2, taken(json!({ "band": "low" }))), over), None);
    assert_eq!(play.take(&came_back(2, taken(json!({}))), over), Some(Stale::Ended));
}

/// S18: exit rules act while a call is under way, and its answer comes too late.
#[test]
fn s18_an_exit_rule_ends_a_run_whose_call_is_under_way() {
    let mut play = calling();
    assert_eq!(play.take(&event("e1", "left", after(1)), after(1)), None);
    assert_eq!(play.outcome(), Some(&Outcome::Exited("exit rule".into())));
    assert_eq!(play.take(&came_back(1, taken(json!({}))), after(2)), Some(Stale::Ended));
    assert_eq!((play.run.state.due(), play.run.saved.expose().len()), (None, 0));
}

/// S15
#[test]
fn s15_nobody_is_called_while_a_workflow_is_paused() {
    let mut play = call();
    play.paused = true;
    assert_eq!(play.take(&Input::Claim, start()), None);
    assert!(matches!(play.run.state, State::Paused { .. }));
    assert_eq!(play.take(&Input::Claim, after(1)), Some(Stale::NotThere));
    play.paused = false;
    play.take(&Input::Resume, after(60));
    play.take(&Input::Claim, play.run.state.due().unwrap());
    assert!(matches!(play.run.state, State::Calling { .. }), "{:?}", play.run.state);
}

#[test]
fn a_body_that_cannot_be_made_and_an_answer_that_is_too_large_have_failed() {
    let mut play = call();
    play.take(&Input::Fail("template".into()), start());
    assert_eq!(play.run.visits[1].edge, Some(Edge::OnFailure));
    let mut play = calling();
    play.take(&came_back(1, taken(json!("x".repeat(MOST_SAVED)))), after(1));
    assert_eq!(told(&play.run), [("attempt 1 of the call".to_owned(), json!("200 answer_too_large"))]);
    assert_eq!(play.run.saved.expose().len(), 0);
}

/// S26
#[test]
fn s26_a_deletion_takes_the_answers_along() {
    let mut play = calling();
    play.take(&came_back(1, taken(json!({ "band": "high" }))), after(2));
    assert_eq!(play.run.saved.expose().len(), 1);
    play.take(&Input::Delete, after(3));
    assert_eq!(play.run.saved.expose().len(), 0);
}

/// S17: an event that a run tells itself is heard by the wait that it comes to, and moves it once.
#[test]
fn s17_a_run_hears_what_it_has_told_itself() {
    let mut play = calling();
    play.take(&came_back(1, taken(json!({ "band": "high" }))), after(2));
    assert_eq!(play.at(), Some("rest"));
    assert_eq!(play.take(&event("own", "called", after(2)), after(3)), None);
    assert_eq!(play.outcome(), Some(&Outcome::Completed));
}

fn emits(steps: &Value) -> carepath_engine::Version {
    version(&json!({ "id": "told", "class": "care", "entry": { "event": "x" }, "steps": steps }))
}

/// S2: what is told carries the steps that led to it, and so workflows that start each other come to an end.
#[test]
fn s2_the_steps_of_whoever_told_the_event_count_for_the_run_that_it_starts() {
    let version = emits(&json!({ "tell": { "emit": { "event": "x" }, "next": "end" } }));
    let contact = contact();
    let now: Timestamp = start();
    let of = |hops| begin(Begin { hops, ..first(&version) }, moment(&version, &contact, now, false)).unwrap();
    let told = of(41);
    assert_eq!(told.events[0].hops, 42);
    let last = of(MAX_HOPS);
    assert_eq!(last.events, []);
    assert!(matches!(&last.run.state, State::Ended { outcome: Outcome::Failed(code), .. } if code == "hop_limit"));
}

#[test]
fn many_events_are_told_in_several_commits() {
    let steps: serde_json::Map<_, _> = (0..45)
        .map(|n| {
            (
                format!("s{n}"),
                json!({ "emit": { "event": "x", "properties": { "n": n } }, "next": format!("s{}", n + 1) }),
            )
        })
        .chain([("s45".to_owned(), json!({ "exit": { "reason": "done" } }))])
        .collect();
    let version = emits(&Value::Object(steps));
    let begun = begin(first(&version), moment(&version, &contact(), start(), false)).unwrap();
    let mut told = vec![begun.events.len()];
    let mut play = Play { run: begun.run, ..Play::new(version) };
    while play.outcome().is_none() {
        assert_eq!(play.run.state.due(), Some(start()));
        play.events.clear();
        assert_eq!(play.take(&Input::Due, start()), None);
        told.push(play.events.len());
    }
    assert_eq!(told, [20, 20, 5]);
}

#[test]
fn an_event_that_cannot_be_made_ends_the_run_and_is_not_told() {
    for (properties, code) in
        [(json!({ "x": "{{ entry.missing }}" }), "template"), (json!({ "x": "y".repeat(70_000) }), "event_too_large")]
    {
        let version = emits(&json!({ "tell": { "emit": { "event": "x", "properties": properties }, "next": "end" } }));
        let begun = begin(first(&version), moment(&version, &contact(), start(), false)).unwrap();
        assert_eq!(begun.events, []);
        assert!(matches!(&begun.run.state, State::Ended { outcome: Outcome::Failed(found), .. } if found == code));
    }
}
