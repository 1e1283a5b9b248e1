//! Live runs move to another version (S3), and all that they know moves along.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carepath_engine::advance::{Answer, EngagementKind, Input, Migration, NoPlace, Stale, destination};
use carepath_engine::report::Tally;
use carepath_engine::run::{MessageState, Outcome, Place, State};
use carepath_engine::{Phi, Version};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::play::{Play, accepted, after, answered, changed, engaged, event, numbered, sent, start, told};

/// A version of the workflow of [`sent`], whose run waits at `read` after `welcome`.
fn onboarding(number: u32, steps: &Value) -> Arc<Version> {
    let document = json!({
        "id": "onboarding", "class": "care", "entry": { "event": "joined" }, "exit": [{ "event": "left" }], "steps": steps,
    });
    Arc::new(numbered(&document, number))
}

fn wait_for(paths: &Value, timeout: &str, next: &str) -> Value {
    json!({ "wait_for": { "paths": paths, "timeout": timeout, "next": next } })
}

fn send(next: &str) -> Value {
    json!({ "send": { "template": "more" }, "next": next })
}

fn rest(time: &str, next: &str) -> Value {
    json!({ "wait": { "for": time }, "next": next })
}

fn migration(to: &Arc<Version>, map: &[(&str, &str)]) -> Migration {
    let target = |to: &str| (to != "end").then(|| to.parse().unwrap());
    let map = map.iter().map(|(from, to)| (from.parse().unwrap(), target(to))).collect();
    Migration { to: Arc::clone(to), map, by: "key_1".to_owned() }
}

impl Play {
    /// Moves the run, and says why not where it stays.
    fn migrate(&mut self, to: &Arc<Version>, map: &[(&str, &str)], seconds: i64) -> Option<Stale> {
        let stale = self.take(&Input::Migrate(migration(to, map)), after(seconds));
        if self.run.version == to.number {
            self.version = (**to).clone();
        }
        stale
    }

    fn no_place(&self, to: &Arc<Version>, map: &[(&str, &str)]) -> NoPlace {
        destination(&self.run, &self.version, &migration(to, map)).unwrap_err()
    }

    fn visited(&self) -> Vec<String> {
        self.run.visited_steps(&self.version).iter().map(ToString::to_string).collect()
    }
}

/// Another order, a step before, a mail that is gone.
fn reordered(number: u32) -> Arc<Version> {
    let opened = json!([{ "when": { "opened": "welcome" }, "next": "more" }]);
    onboarding(
        number,
        &json!({
            "intro": rest("1h", "read"),
            "more": send("welcome"),
            "read": wait_for(&opened, "3h", "end"),
            "welcome": { "send": { "template": "welcome" }, "next": "read" }
        }),
    )
}

/// S3: what was visited stays visited, under whichever place.
#[test]
fn s3_a_run_moves_with_its_visits_and_enters_none_of_their_steps_again() {
    let mut play = sent();
    assert_eq!(play.migrate(&reordered(2), &[], 60), None);
    assert_eq!((play.run.version, play.at()), (2, Some("read")));
    let last = play.run.visits.last().unwrap();
    let moved = last.explanation.iter().find(|why| &*why.test == "moved to version 2").unwrap();
    assert_eq!(
        (moved.source.as_ref(), &moved.observed.0, &moved.expected.0),
        ("key_1", &json!("read"), &json!("read"))
    );
    let State::Waiting { since, until, .. } = play.run.state else { panic!("{:?}", play.run.state) };
    assert_eq!(until.duration_since(since), SignedDuration::from_hours(3));
    assert_eq!(since, after(1));
    // The mail that went out in version 1 is the one that the condition of version 2 is about.
    assert_eq!(play.take(&engaged(0, EngagementKind::Opened, after(70), false), after(71)), None);
    assert_eq!(play.at(), Some("more"));
    play.take(&Input::Claim, after(72));
    // The tag of this mail is none that version 1 gave out: it had three steps.
    let (place, tag) = (play.run.state.step().unwrap(), play.run.tag(play.run.state.step().unwrap()));
    assert_eq!((place, tag), (1, 4));
    assert_eq!(play.take(&answered(tag, 1, accepted("m2")), after(73)), None);
    assert_eq!(play.outcome(), Some(&Outcome::Revisit), "`welcome` comes next, which the run was at in version 1");
    assert_eq!(play.visited(), ["welcome", "read", "more"]);
}

/// S3: what was handed out of the run under the old version still finds its mail.
#[test]
fn s3_word_of_a_mail_of_the_old_version_finds_it_even_where_its_step_is_gone() {
    let mut play = sent();
    let to = onboarding(2, &json!({ "first": rest("1h", "read"), "read": rest("1d", "more"), "more": send("end") }));
    assert_eq!(play.no_place(&to, &[]), NoPlace::OtherKind);
    let to = onboarding(
        2,
        &json!({ "more": send("end"), "read": wait_for(&json!([{ "event": "called", "next": "more" }]), "1d", "more") }),
    );
    assert_eq!(play.migrate(&to, &[], 60), None);
    assert_eq!(play.take(&engaged(0, EngagementKind::Delivered, after(61), false), after(61)), None);
    let welcome = play.run.messages.iter().next().unwrap();
    assert!(play.version.step(*welcome.0).is_none(), "its place is behind the last step of the version");
    assert_eq!(welcome.1.delivered, Some(after(61)));
    let twice = Input::Engaged(told(0, "m9", EngagementKind::Sent, after(62)));
    play.take(&twice, after(62));
    assert_eq!(play.run.messages[welcome_place(&play)].ids, ["m1", "m9"]);
    assert_eq!(play.take(&engaged(2, EngagementKind::Opened, after(63), false), after(63)), Some(Stale::NotThere));
    // The next mail has the tag 3, though its place is the old one of `welcome`.
    play.take(&event("e1", "called", after(64)), after(64));
    play.take(&Input::Claim, after(65));
    assert_eq!((play.run.state.step(), play.run.tag(0)), (Some(0), 3));
    play.take(&answered(3, 1, accepted("m2")), after(66));
    assert_eq!(play.run.messages[&0].ids, ["m2"]);
    assert_eq!(play.run.made_in(1), Some((1, Place::Step(0))), "`welcome`, as version 1 counts");
    assert_eq!(play.run.made_in(3), Some((2, Place::Step(0))), "`more`, as version 2 counts");
}

fn welcome_place(play: &Play) -> &u16 {
    play.run.messages.iter().find(|(_, message)| message.ids.contains(&"m1".to_owned())).unwrap().0
}

#[test]
fn s3_a_run_whose_step_is_gone_goes_where_it_is_sent_or_stays() {
    let to = onboarding(
        2,
        &json!({ "welcome": send("look"), "look": wait_for(&json!([{ "event": "called", "next": "end" }]), "2h", "end") }),
    );
    let mut play = sent();
    assert_eq!(play.no_place(&to, &[]), NoPlace::Gone);
    assert_eq!(play.migrate(&to, &[], 60), Some(Stale::NoPlace));
    assert_eq!((play.run.version, play.at()), (1, Some("read")));
    assert_eq!(play.no_place(&to, &[("read", "welcome")]), NoPlace::OtherKind);
    let mut other = play.clone();
    assert_eq!(play.migrate(&to, &[("read", "look")], 60), None);
    assert_eq!(play.at(), Some("look"));
    assert_eq!(play.visited(), ["welcome", "read", "look"]);
    assert_eq!(other.migrate(&to, &[("read", "end")], 60), None);
    assert_eq!(other.outcome(), Some(&Outcome::Exited("migrated".into())));
    assert_eq!(other.migrate(&to, &[], 61), Some(Stale::Ended), "who is through stays where it ended");
}

/// S3: nobody is sent back to where they were.
#[test]
fn s3_a_mapping_leads_to_no_step_that_the_run_has_been_at() {
    let steps = json!({ "one": rest("1h", "two"), "two": rest("1h", "three"), "three": rest("1h", "end") });
    let mut play = Play::new((*onboarding(1, &steps)).clone());
    play.take(&Input::Due, after(3_600));
    assert_eq!(play.at(), Some("two"));
    let to = onboarding(2, &steps);
    assert_eq!(play.no_place(&to, &[("two", "one")]), NoPlace::Visited);
    assert_eq!(play.migrate(&to, &[("two", "three")], 3_700), None);
    // `two` is still there, and was visited: sent back by a third version, it is not entered again.
    let back = onboarding(3, &json!({ "three": rest("1h", "two"), "two": rest("1h", "end") }));
    assert_eq!(play.no_place(&back, &[("three", "two")]), NoPlace::Visited);
    assert_eq!(play.migrate(&back, &[], 3_800), None);
    play.take(&Input::Due, after(90_000));
    assert_eq!(play.outcome(), Some(&Outcome::Revisit));
}

/// S3: a mail that is under way holds the run where it is until it is settled.
#[test]
fn s3_a_run_with_a_mail_under_way_moves_once_that_is_settled() {
    let mut play = Play::new((*onboarding(1, &json!({ "welcome": send("read"), "read": rest("1d", "end") }))).clone());
    play.take(&Input::Claim, start());
    let to =
        onboarding(2, &json!({ "new": rest("1h", "welcome"), "welcome": send("read"), "read": rest("2d", "end") }));
    assert_eq!(play.no_place(&to, &[]), NoPlace::Unsettled);
    assert_eq!(play.migrate(&to, &[], 1), Some(Stale::Unsettled));
    play.take(&answered(0, 1, Answer::Unknown), after(2));
    assert_eq!(play.migrate(&to, &[], 3), Some(Stale::Unsettled));
    let settle = Input::Settle { attempt: None, sent: false, by: "key_1".to_owned() };
    assert_eq!(play.take(&settle, after(4)), None);
    assert_eq!(play.migrate(&to, &[], 5), None, "ready to be sent again, it moves");
    play.take(&Input::Claim, after(6));
    let tag = play.run.tag(1);
    assert_eq!((tag, play.run.messages[&1].attempt), (3, 2), "the second attempt, with a tag of the new version");
    // The first was sent after all, and its word comes late: that is a second mail (S9), and told as one.
    assert_eq!(play.take(&answered(tag, 2, accepted("m2")), after(7)), None);
    play.take(&Input::Engaged(told(0, "m1", EngagementKind::Sent, after(8))), after(8));
    assert_eq!(play.run.messages[&1].ids, ["m2", "m1"]);
    assert_eq!(play.run.messages[&1].state, MessageState::Sent);
}

/// S3: a wait's time is that of the new version, counted from when the wait began, and it follows its attribute.
#[test]
fn s3_a_wait_goes_on_from_when_it_began_and_follows_what_the_new_version_binds_it_to() {
    let mut play = Play::new((*onboarding(1, &json!({ "rest": rest("3d", "end") }))).clone());
    let shape = json!({ "rest": { "wait": { "until": { "attribute": "visit_at" }, "offset": "-1d", "else": "end" }, "next": "soon" },
        "soon": send("end") });
    let to = onboarding(2, &shape);
    play.contact.attributes = Phi([("visit_at".to_owned(), json!("2026-12-10T12:00:00Z"))].into_iter().collect());
    assert_eq!(play.migrate(&to, &[], 60), None);
    assert_eq!(play.run.state.due(), Some("2026-12-09T12:00:00Z".parse().unwrap()));
    play.contact.attributes = Phi([("visit_at".to_owned(), json!("2026-12-05T12:00:00Z"))].into_iter().collect());
    assert_eq!(play.take(&changed(), after(70)), None);
    assert_eq!(play.run.state.due(), Some("2026-12-04T12:00:00Z".parse().unwrap()));
    // A date that is missing takes the other edge, as it would on the way in.
    let mut play = Play::new((*onboarding(1, &json!({ "rest": rest("3d", "end") }))).clone());
    assert_eq!(play.migrate(&to, &[], 60), None);
    assert_eq!(play.outcome(), Some(&Outcome::Completed));
    // One that is over by now is due at once.
    let mut play = Play::new((*onboarding(1, &json!({ "rest": rest("3d", "end") }))).clone());
    assert_eq!(
        play.migrate(&onboarding(2, &json!({ "rest": rest("1h", "soon"), "soon": send("end") })), &[], 7_200),
        None
    );
    assert_eq!((play.at(), play.run.state.due()), (Some("rest"), Some(after(3_600))));
    play.take(&Input::Due, after(7_200));
    assert_eq!(play.at(), Some("soon"));
}

#[test]
fn s3_what_was_heard_for_a_wait_ahead_is_heard_there_if_it_waits_for_the_same_thing() {
    let first = json!({ "rest": rest("1d", "answer"),
        "answer": wait_for(&json!([{ "event": "called", "next": "end" }, { "event": "wrote", "next": "more" }]), "1d", "end"),
        "more": send("end") });
    let mut play = Play::new((*onboarding(1, &first)).clone());
    play.take(&event("e1", "called", after(10)), after(10));
    play.take(&event("e2", "wrote", after(11)), after(11));
    assert_eq!(play.run.heard.len(), 2);
    let second = json!({ "more": send("end"),
        "answer": wait_for(&json!([{ "event": "wrote", "next": "more" }]), "1d", "end"), "rest": rest("1d", "answer") });
    assert_eq!(play.migrate(&onboarding(2, &second), &[], 20), None);
    assert_eq!(play.run.heard.len(), 1, "nobody waits for the call any more");
    play.take(&Input::Due, after(86_400));
    assert_eq!(play.at(), Some("more"));
    assert_eq!(play.take(&event("e2", "wrote", after(11)), after(86_500)), Some(Stale::Known), "S19: it counted once");
}

/// S3: a pause holds a run in its new version too, and what ends it there ends it at once.
#[test]
fn s3_a_paused_run_moves_and_stays_held_and_an_exit_rule_of_the_new_version_acts() {
    let mut play = sent();
    play.paused = true;
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert!(matches!(play.run.state, State::Paused { .. }));
    assert_eq!(play.migrate(&reordered(2), &[], 4_000), None);
    let State::Paused { at, .. } = &play.run.state else { panic!("{:?}", play.run.state) };
    assert!(matches!(**at, State::Waiting { step: 2, .. }));
    play.paused = false;
    play.take(&Input::Resume, after(4_100));
    assert_eq!(play.at(), Some("read"));
    play.take(&Input::Due, play.run.state.due().unwrap());
    assert_eq!(play.outcome(), Some(&Outcome::Completed), "the time of the new version was up");

    let mut play = sent();
    play.contact.attributes = Phi([("gone".to_owned(), json!(true))].into_iter().collect());
    let document = json!({ "id": "onboarding", "class": "care", "entry": { "event": "joined" },
        "exit": [{ "when": { "attribute": "gone", "eq": true } }], "steps": { "read": wait_for(&json!([{ "event": "called", "next": "end" }]), "1d", "end") } });
    assert_eq!(play.migrate(&Arc::new(numbered(&document, 2)), &[], 60), None);
    assert_eq!(play.outcome(), Some(&Outcome::Exited("exit rule".into())));
}

/// S3: what counts against a cap goes on counting, and is given back for the mail that was not sent alone.
#[test]
fn s3_a_mail_that_counts_against_a_cap_counts_after_the_move() {
    let capped = |number, steps: Value| {
        let document = json!({ "id": "onboarding", "class": "care", "entry": { "event": "joined" },
            "send_policy": { "cap": { "max": 2, "per": "7d" } }, "steps": steps });
        Arc::new(numbered(&document, number))
    };
    let mut play = Play::new((*capped(1, json!({ "a": send("rest"), "rest": rest("1h", "end") }))).clone());
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, accepted("m1")), after(1));
    let to = capped(2, json!({ "b": send("end"), "rest": rest("1h", "b") }));
    assert_eq!(play.migrate(&to, &[], 60), None);
    play.take(&Input::Due, after(3_700));
    play.take(&Input::Claim, after(3_701));
    assert_eq!(play.contact.capped_mails.len(), 2);
    play.take(&answered(play.run.tag(0), 1, Answer::Throttled { until: after(3_800) }), after(3_702));
    let left: Vec<_> = play.contact.capped_mails.iter().map(|mail| mail.step).collect();
    assert_eq!(left, [0], "the mail of version 1 was sent, and goes on counting");
}

/// Two moves, the second back to the version that it came from.
#[test]
fn s3_a_run_may_move_twice_and_back() {
    let mut play = sent();
    let first = Arc::new(play.version.clone());
    assert_eq!(play.migrate(&reordered(2), &[], 60), None);
    assert_eq!(play.migrate(&first, &[], 70), None);
    assert_eq!((play.run.version, play.at(), play.run.tag(0)), (1, Some("read"), 7));
    assert_eq!(play.take(&engaged(0, EngagementKind::Opened, after(80), false), after(80)), None);
    assert_eq!(play.at(), Some("more"));
    assert_eq!(play.run.made_in(1), Some((1, Place::Step(0))));
    assert_eq!(play.run.made_in(3), Some((1, Place::Step(2))));
    assert_eq!(play.migrate(&first, &[], 90), Some(Stale::Known));
    let mut back: carepath_engine::Run = serde_json::from_value(serde_json::to_value(&play.run).unwrap()).unwrap();
    back.revision = play.run.revision;
    assert_eq!(back, play.run, "what is stored is what was decided");
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A version of steps in some order, each of some kind, each leading to the next.
fn any_version() -> impl Strategy<Value = Vec<(&'static str, u8)>> {
    let steps = prop::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len()).prop_shuffle();
    (steps, prop::collection::vec(0_u8..3, NAMES.len()))
        .prop_map(|(steps, kinds)| steps.into_iter().zip(kinds).collect())
}

fn chain(number: u32, steps: &[(&str, u8)]) -> Arc<Version> {
    let mut made = serde_json::Map::new();
    for (at, (name, kind)) in steps.iter().enumerate() {
        let next = steps.get(at + 1).map_or("end", |(next, _)| next);
        let step = match kind {
            0 => send(next),
            1 => rest("1h", next),
            _ => wait_for(&json!([{ "event": "called", "next": next }]), "1h", next),
        };
        made.insert((*name).to_owned(), step);
    }
    onboarding(number, &Value::Object(made))
}

#[derive(Debug, Clone)]
enum Act {
    Take(u8),
    Move(Vec<(&'static str, u8)>, BTreeMap<&'static str, &'static str>),
}

fn any_act() -> impl Strategy<Value = Act> {
    let name = || prop::sample::select(NAMES.to_vec());
    prop_oneof![
        3 => (0_u8..6).prop_map(Act::Take),
        1 => (any_version(), prop::collection::btree_map(name(), name(), 0..3)).prop_map(|(steps, map)| Act::Move(steps, map)),
    ]
}

proptest! {
    /// S3, S22: whatever versions a run is moved to, no step is visited twice by its id, a live run is woken, it is at a step of
    /// the kind that it was at, and each mail that went out is found by its tag, and it counts in
    /// every version as often as it was there.
    #[test]
    fn s3_whatever_versions_a_run_moves_through_it_stays_sound(first in any_version(), acts in prop::collection::vec(any_act(), 0..30)) {
        let mut play = Play::new((*chain(1, &first)).clone());
        let (mut now, mut number) = (0_i64, 1_u32);
        let mut entered: Vec<String> = play.at().map(str::to_owned).into_iter().collect();
        let mut mails: BTreeMap<u16, String> = BTreeMap::new();
        for act in acts {
            now += 1_000;
            let (before, visits) = (play.clone(), play.run.visits.len());
            match act {
                Act::Take(0) => { play.take(&Input::Due, after(now)); }
                Act::Take(1) => { play.take(&Input::Claim, after(now)); }
                Act::Take(2) => { play.take(&event(&format!("e{now}"), "called", after(now)), after(now)); }
                Act::Take(what) => {
                    if let State::Claimed { step, claim } = &before.run.state {
                        let tag = before.run.tag(*step);
                        let id = format!("m{now}");
                        let answer = if what == 3 { Answer::Throttled { until: after(now) } } else { accepted(&id) };
                        play.take(&answered(tag, claim.attempt, answer), after(now));
                        if what != 3 {
                            prop_assert!(mails.insert(tag, id).is_none(), "two mails with one tag");
                        }
                    }
                }
                Act::Move(steps, map) => {
                    number += 1;
                    let (to, map) = (chain(number, &steps), map.into_iter().collect::<Vec<_>>());
                    let map: Vec<(&str, &str)> = map.iter().filter(|(_, to)| steps.iter().any(|(name, _)| name == to)).copied().collect();
                    let kind = |play: &Play| play.run.state.step().and_then(|at| play.version.step(at)).map(|step| step.kind.name());
                    if play.migrate(&to, &map, now).is_none() && !play.run.is_ended() {
                        prop_assert_eq!(kind(&play), kind(&before));
                        prop_assert_eq!(play.run.visits.len(), visits);
                        let here = play.at().unwrap().to_owned();
                        if before.at() != Some(&here) { entered.push(here); }
                    }
                }
            }
            for visit in play.run.visits.iter().skip(visits) {
                if let Place::Step(step) = visit.place {
                    entered.push(play.version.step(step).unwrap().id.to_string());
                }
            }
            prop_assert_eq!(entered.iter().collect::<BTreeSet<_>>().len(), entered.len(), "twice at a step: {:?}", entered);
            let places: BTreeSet<_> = play.run.visits.iter().map(|visit| visit.place).collect();
            prop_assert_eq!(places.len(), play.run.visits.len());
            prop_assert!(play.run.is_ended() || play.run.state.due().is_some());
            prop_assert_eq!(Tally::of(&play.run).broken(), Vec::new());
            for (tag, id) in &mails {
                let place = play.run.tagged(*tag).unwrap();
                prop_assert!(play.run.messages[&place].ids.contains(id), "the mail of tag {}", tag);
            }
        }
    }
}
