//! A contact says no to a topic while runs of theirs are under way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::Stale;
use carepath_engine::advance::{Answer, Input};
use carepath_engine::contact::Subscription;
use carepath_engine::run::{MessageState, Outcome, Place};
use serde_json::json;

use crate::play::{Play, accepted, after, answered, changed, start, version};

/// A run of this class about `tips` that has sent its first mail and waits a day for the second.
fn waiting(class: &str) -> Play {
    let mut play = Play::new(version(&json!({
        "id": "news", "class": class, "topic": "tips", "entry": { "event": "joined" },
        "steps": {
            "first": { "send": { "template": "welcome" }, "next": "day" },
            "day": { "wait": { "for": "1d" }, "next": "second" },
            "second": { "send": { "template": "more" }, "next": "end" }
        }
    })));
    says(&mut play, "tips", Subscription::Subscribed);
    play.take(&Input::Claim, start());
    play.take(&answered(0, 1, accepted("m1")), after(1));
    assert_eq!(play.at(), Some("day"));
    play
}

fn says(play: &mut Play, topic: &str, answer: Subscription) {
    play.contact.topics.insert(topic.parse().unwrap(), answer);
}

/// The contact has said something else about this topic than before.
fn about(topic: &str) -> Input {
    Input::Changed { topics: [topic.parse().unwrap()].into() }
}

/// S6, S11
#[test]
fn s11_who_unsubscribes_is_through_with_a_marketing_run_at_once() {
    let mut play = waiting("marketing");
    says(&mut play, "tips", Subscription::Unsubscribed);
    assert_eq!(play.take(&about("tips"), after(60)), None);
    assert_eq!(play.outcome(), Some(&Outcome::Unsubscribed));
    let end = play.run.visits.last().unwrap();
    assert_eq!((end.place, end.at), (Place::End, after(60)));
    assert_eq!(&*end.explanation[0].test, "subscribed to tips");
    // Heard of again it stays as it is.
    assert_eq!(play.take(&about("tips"), after(61)), Some(Stale::Ended));
}

/// S11: care and operational mail asks for no subscription, and another topic is another matter.
#[test]
fn s11_what_is_no_marketing_or_about_something_else_goes_on() {
    for class in ["care", "operational"] {
        let mut play = waiting(class);
        says(&mut play, "tips", Subscription::Unsubscribed);
        assert_eq!(play.take(&about("tips"), after(60)), Some(Stale::Irrelevant), "{class}");
        assert_eq!(play.at(), Some("day"));
    }
    let mut play = waiting("marketing");
    says(&mut play, "events", Subscription::Unsubscribed);
    assert_eq!(play.take(&about("events"), after(60)), Some(Stale::Irrelevant));
}

/// S11: what counts is the answer that stands by the time anybody acts on it. One from before the run is no news: the claim
/// of its next mail asks for it.
#[test]
fn s11_who_subscribes_again_goes_on() {
    let mut play = waiting("marketing");
    assert_eq!(play.take(&about("tips"), after(60)), Some(Stale::Irrelevant));
    says(&mut play, "tips", Subscription::Unsubscribed);
    assert_eq!(play.take(&changed(), after(61)), Some(Stale::Irrelevant), "nothing was said about topics");
    says(&mut play, "tips", Subscription::Subscribed);
    let due = play.run.state.due().unwrap();
    play.take(&Input::Due, due);
    play.take(&Input::Claim, due);
    assert_eq!(play.at(), Some("second"));
}

/// S7, S11: a mail that is under way when its reader unsubscribes is settled after the end.
#[test]
fn s11_a_mail_that_was_under_way_is_settled_after_the_end() {
    let mut play = waiting("marketing");
    let due = play.run.state.due().unwrap();
    play.take(&Input::Due, due);
    play.take(&Input::Claim, due);
    says(&mut play, "tips", Subscription::Unsubscribed);
    assert_eq!(play.take(&about("tips"), due), None);
    assert_eq!(play.outcome(), Some(&Outcome::Unsubscribed));
    assert_eq!(play.run.messages[&2].state, MessageState::Claimed);
    assert_eq!(play.take(&answered(2, 1, accepted("m2")), due), None);
    assert_eq!(play.run.messages[&2].state, MessageState::Sent);
}

/// S11, S23: a mail that waits for its window, or was given back, says why it does not go out.
#[test]
fn s11_a_mail_that_was_put_off_says_that_it_is_left_out() {
    let mut play = waiting("marketing");
    let due = play.run.state.due().unwrap();
    play.take(&Input::Due, due);
    play.take(&Input::Claim, due);
    play.take(&answered(2, 1, Answer::Throttled { until: after(100_000) }), due);
    says(&mut play, "tips", Subscription::Unsubscribed);
    play.take(&about("tips"), due);
    let mail = &play.run.messages[&2];
    assert_eq!((mail.state, mail.reason.as_deref()), (MessageState::Skipped, Some("unsubscribed")));
}

/// S11, S15: a pause holds nobody who does not want to be held.
#[test]
fn s11_a_paused_run_ends_as_well() {
    let mut play = waiting("marketing");
    play.paused = true;
    let due = play.run.state.due().unwrap();
    play.take(&Input::Due, due);
    says(&mut play, "tips", Subscription::Unsubscribed);
    play.take(&about("tips"), due);
    assert_eq!(play.outcome(), Some(&Outcome::Unsubscribed));
}
