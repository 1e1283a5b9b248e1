//! Runs that stand where the rows of the transition table want them, and what has become of their contacts.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use carepath_engine::Phi;
use carepath_engine::advance::{Answer, Input};
use carepath_engine::contact::Subscription;
use serde_json::{Value, json};

use crate::play::{Play, accepted, after, answered, start, version};
use crate::transition_rows::again;

/// At the mail that the workflow begins with.
pub(crate) fn mail() -> Play {
    Play::new(version(&document()))
}

pub(crate) fn document() -> Value {
    json!({
        "id": "table", "class": "care", "entry": { "event": "joined" },
        "exit": [{ "event": "left" }, { "when": { "attribute": "gone", "eq": true } }],
        "goal": { "event": "activated" },
        "steps": {
            "welcome": { "send": { "template": "welcome", "on_failure": "sorry" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "rest" }, { "event": "called", "next": "hand_over" }],
                "timeout": "1h", "next": "rest" } },
            "rest": { "wait": { "for": "1d" }, "next": "more" },
            "more": { "send": { "template": "more", "on_unknown": "resend" }, "next": "hand_over" },
            "hand_over": { "jump": { "workflow": "elsewhere" } },
            "sorry": { "update": { "set": { "unreachable": true } }, "next": "end" }
        }
    })
}

/// At the webhook that the workflow begins with.
pub(crate) fn call() -> Play {
    Play::new(version(&json!({
        "id": "outside", "class": "care", "entry": { "event": "joined" },
        "exit": [{ "event": "left" }, { "when": { "attribute": "gone", "eq": true } }],
        "goal": { "event": "activated" },
        "steps": {
            "score": {
                "webhook": { "url": "https://risk.example/score", "save_as": "score", "on_failure": "sorry" }, "next": "which"
            },
            "which": { "branch": {
                "cases": [{ "when": { "saved": "score.band", "eq": "high" }, "next": "tell" }], "next": "end"
            } },
            "tell": { "emit": { "event": "at_risk", "properties": { "band": "{{ saved.score.band }}" } }, "next": "rest" },
            "rest": { "wait_for": { "paths": [{ "event": "called", "next": "end" }], "timeout": "1d", "next": "end" } },
            "sorry": { "update": { "set": { "unreachable": true } }, "next": "end" }
        }
    })))
}

pub(crate) fn calling() -> Play {
    let mut play = call();
    play.take(&Input::Claim, start());
    play
}

pub(crate) fn put_off() -> Play {
    let mut play = calling();
    play.take(&Input::Called { step: 0, attempt: 1, reply: again(None) }, after(1));
    play
}

pub(crate) fn calling_for_the_last_time() -> Play {
    let mut play = calling();
    for attempt in 1..5 {
        let now = play.run.state.due().unwrap();
        play.take(&Input::Called { step: 0, attempt, reply: again(None) }, now);
        play.take(&Input::Claim, play.run.state.due().unwrap());
    }
    play
}

pub(crate) fn deferred() -> Play {
    let mut play = mail();
    play.take(&Input::Defer { until: after(3_600), reason: "rate".into() }, start());
    play
}

pub(crate) fn claimed() -> Play {
    let mut play = mail();
    play.take(&Input::Claim, start());
    play
}

/// It was claimed where it stood in the index of due things, and stays there.
pub(crate) fn staying(mut play: Play) -> Play {
    play.run.state.stay(&mail().run.state, start());
    play
}

pub(crate) fn unknown() -> Play {
    let mut play = claimed();
    play.take(&answered(0, 1, Answer::Unknown), after(1));
    play
}

pub(crate) fn unknown_resend() -> Play {
    let mut play = resting();
    let due = play.run.state.due().unwrap();
    play.take(&Input::Due, due);
    play.take(&Input::Claim, due);
    let step = play.run.state.step().unwrap();
    play.take(&answered(step, 1, Answer::Unknown), due);
    play
}

pub(crate) fn at_last_look(mut play: Play) -> Play {
    for _ in 0..3 {
        play.take(&Input::Due, play.run.state.due().unwrap());
    }
    play
}

pub(crate) fn reading() -> Play {
    let mut play = claimed();
    play.take(&answered(0, 1, accepted("m1")), after(1));
    play
}

pub(crate) fn resting() -> Play {
    let mut play = reading();
    play.take(&Input::Due, play.run.state.due().unwrap());
    play
}

pub(crate) fn paused(mut play: Play) -> Play {
    play.paused = true;
    play
}

pub(crate) fn unpaused(mut play: Play) -> Play {
    play.paused = false;
    play
}

pub(crate) fn frozen() -> Play {
    let mut play = paused(reading());
    play.take(&Input::Due, play.run.state.due().unwrap());
    play
}

/// Entered a wait while its workflow was paused, and was let go on.
pub(crate) fn held() -> Play {
    let mut play = paused(claimed());
    play.take(&answered(0, 1, accepted("m1")), after(1));
    let mut play = unpaused(play);
    play.take(&Input::Resume, after(60));
    play
}

pub(crate) fn ended(mut play: Play) -> Play {
    play.take(&Input::Cancel, after(5));
    play
}

/// At the first of two marketing mails, for somebody who wants them.
pub(crate) fn marketing() -> Play {
    let mut play = Play::new(version(&json!({
        "id": "news", "class": "marketing", "topic": "tips", "entry": { "event": "joined" },
        "exit": [{ "event": "left" }, { "when": { "attribute": "gone", "eq": true } }],
        "goal": { "event": "activated" },
        "steps": {
            "first": { "send": { "template": "welcome" }, "next": "day" },
            "day": { "wait": { "for": "1d" }, "next": "second" },
            "second": { "send": { "template": "more" }, "next": "end" }
        }
    })));
    says(&mut play, Subscription::Subscribed);
    play
}

pub(crate) fn marketing_deferred() -> Play {
    let mut play = marketing();
    play.take(&Input::Defer { until: after(3_600), reason: "rate".into() }, start());
    play
}

pub(crate) fn marketing_claimed() -> Play {
    let mut play = marketing();
    play.take(&Input::Claim, start());
    play
}

pub(crate) fn marketing_resting() -> Play {
    let mut play = marketing_claimed();
    play.take(&answered(0, 1, accepted("m1")), after(1));
    play
}

pub(crate) fn marketing_frozen() -> Play {
    let mut play = paused(marketing());
    play.take(&Input::Claim, start());
    play
}

/// The contact has said something else about the topic of the marketing.
pub(crate) fn answers_topic() -> Input {
    Input::Changed { topics: ["tips".parse().unwrap()].into() }
}

pub(crate) fn says(play: &mut Play, answer: Subscription) {
    play.contact.topics.insert("tips".parse().unwrap(), answer);
}

/// The contact as one whom an exit rule lets go.
pub(crate) fn gone(play: &mut Play) {
    play.contact.attributes = Phi([("gone".to_owned(), json!(true))].into_iter().collect());
}
