//! The rows and columns of the transition table: where a run may stand, and what may come in.
//!
//! Each list is made together with a `match` without a wildcard: a new state, input, answer or kind of engagement does
//! not compile until it has a row.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use carepath_engine::Phi;
use carepath_engine::advance::{Answer, EngagementKind, Input, Migration, Reply};
use carepath_engine::contact::Subscription;
use carepath_engine::run::{Place, State};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::play::{Play, accepted, after, answered, changed, engaged, event, numbered, start};
use crate::transition_plays::{
    answers_topic, at_last_look, call, calling, calling_for_the_last_time, claimed, deferred, document, ended, frozen,
    gone, held, mail, marketing_claimed, marketing_deferred, marketing_frozen, marketing_resting, paused, put_off,
    reading, resting, says, staying, unknown, unknown_resend, unpaused,
};

/// Where a run stands, and at which moment.
pub(crate) struct Stand {
    pub(crate) words: &'static str,
    pub(crate) play: Play,
    pub(crate) now: Timestamp,
}

/// What comes in.
pub(crate) struct Ask {
    pub(crate) words: &'static str,
    pub(crate) input: fn(&Stand) -> Input,
    /// What has become of the contact when it comes in.
    pub(crate) contact: fn(&mut Play),
}

const fn ask(words: &'static str, input: fn(&Stand) -> Input) -> Ask {
    Ask { words, input, contact: |_| {} }
}

macro_rules! rows {
    ($kind:ident, $all:ident: $of:ident => $row:ty; $($variant:ident { $($row_of:expr),+ $(,)? })+) => {
        /// The name of the variant.
        pub(crate) fn $kind(of: &$of) -> &'static str {
            match of {
                $($of::$variant { .. } => stringify!($variant),)+
            }
        }

        /// All rows, each with the variant that it is of.
        pub(crate) fn $all() -> Vec<(&'static str, $row)> {
            vec![$($((stringify!($variant), $row_of),)+)+]
        }
    };
}

rows! { state_kind, stands: State => Stand;
    Ready {
        stand("at a mail that is due", mail(), start()),
        stand("at a mail that is due, its workflow paused", paused(mail()), start()),
        stand("at a mail that is deferred", deferred(), after(5)),
        stand("at a wait that a pause held up", held(), after(90_000)),
        stand("at a call that is due", call(), start()),
        stand("at a call that is put off", put_off(), after(2)),
        stand("at a marketing mail that is deferred", marketing_deferred(), after(5)),
    }
    Claimed {
        stand("with its time running", claimed(), after(1)),
        looked_at("when it has run out", claimed()),
        stand("with its time running, for marketing", marketing_claimed(), after(1)),
        stand("with its time running, where it stood before", staying(claimed()), after(1)),
    }
    Unknown {
        stand("between two looks", unknown(), after(60)),
        looked_at("at a look", unknown()),
        looked_at("at the last look", at_last_look(unknown())),
        looked_at("at the last look, to be sent again", at_last_look(unknown_resend())),
    }
    Calling {
        stand("with its time running", calling(), after(1)),
        stand("with its time running, its workflow paused", paused(calling()), after(1)),
        stand("with its time running, where it stood before", staying(calling()), after(1)),
        looked_at("when it has run out", calling()),
        looked_at("when the last one has run out", calling_for_the_last_time()),
    }
    Waiting {
        stand("for one of several things", reading(), after(60)),
        looked_at("for one of several things, time and grace over", reading()),
        looked_at("for one of several things, over, its workflow paused", paused(reading())),
        stand("for a time", resting(), after(7_200)),
        looked_at("for a time that has come", resting()),
        stand("for a time, between marketing mails", marketing_resting(), after(60)),
    }
    Paused {
        stand("while the pause lasts", frozen(), after(9_000)),
        stand("when the pause is over", unpaused(frozen()), after(9_000)),
        stand("at a marketing mail", marketing_frozen(), after(5)),
    }
    Ended {
        stand("and settled", ended(reading()), after(60)),
        stand("with a mail under way", ended(claimed()), after(60)),
        looked_at("with a mail under way, its time over", ended(claimed())),
        stand("with a mail of which nobody knows", ended(unknown()), after(60)),
        stand("with a call under way", ended(calling()), after(6)),
    }
}

rows! { input_kind, asks: Input => Ask;
    Due { ask("", |_| Input::Due) }
    Claim { ask("", |_| Input::Claim) }
    Defer { ask("", |stand| Input::Defer { until: hour_after(stand.now), reason: "rate".into() }) }
    Fail { ask("", |_| Input::Fail("template".into())) }
    Answered {
        ask("Accepted", |stand| answer(stand, accepted("m1"))),
        ask("Accepted under a second id", |stand| answer(stand, accepted("m2"))),
        ask("Refused", |stand| answer(stand, Answer::Refused("refused".into()))),
        ask("Throttled", |stand| answer(stand, Answer::Throttled { until: hour_after(stand.now) })),
        ask("Unknown", |stand| answer(stand, Answer::Unknown)),
    }
    Called {
        ask("Taken", |stand| called(stand, Reply::Taken { status: 200, answer: Some(Phi(json!({ "band": "high" }))) })),
        ask("Refused", |stand| called(stand, Reply::Refused { status: Some(404), code: "not_taken".into() })),
        ask("Not made", |stand| called(stand, Reply::NotMade { until: hour_after(stand.now) })),
        ask("Again", |stand| called(stand, again(None))),
        ask("Again, and asks for an hour", |stand| called(stand, again(Some(SignedDuration::from_hours(1))))),
        ask("of another attempt", |_| Input::Called { step: 0, attempt: 9, reply: again(None) }),
    }
    Engaged {
        ask("Sent", |stand| engagement(stand, EngagementKind::Sent, false)),
        ask("Rejected", |stand| engagement(stand, EngagementKind::Rejected, false)),
        ask("Delivered", |stand| engagement(stand, EngagementKind::Delivered, false)),
        ask("Opened", |stand| engagement(stand, EngagementKind::Opened, false)),
        ask("Opened by a machine", |stand| engagement(stand, EngagementKind::Opened, true)),
        ask("Clicked", |stand| engagement(stand, EngagementKind::Clicked { link: "go".to_owned() }, false)),
        ask("Bounced for good", |stand| engagement(stand, EngagementKind::Bounced { permanent: true }, false)),
        ask("Bounced", |stand| engagement(stand, EngagementKind::Bounced { permanent: false }, false)),
        ask("Complained", |stand| engagement(stand, EngagementKind::Complained, false)),
        ask("Unsubscribed", |stand| engagement(stand, EngagementKind::Unsubscribed, false)),
    }
    Heard {
        ask("what a path waits for", |stand| event("e1", "called", stand.now)),
        ask("an exit rule", |stand| event("e1", "left", stand.now)),
        ask("the goal", |stand| event("e1", "activated", stand.now)),
        ask("anything else", |stand| event("e1", "other", stand.now)),
    }
    Changed {
        ask("nothing that counts", |_| changed()),
        Ask { words: "an exit rule holds", input: |_| changed(), contact: gone },
        Ask { words: "it unsubscribes", input: |_| answers_topic(), contact: |play| says(play, Subscription::Unsubscribed) },
        Ask {
            words: "it unsubscribes, and subscribes again",
            input: |_| answers_topic(),
            contact: |play| says(play, Subscription::Subscribed),
        },
    }
    Cancel { ask("", |_| Input::Cancel) }
    Delete { ask("", |_| Input::Delete) }
    Resume { ask("", |_| Input::Resume) }
    Silent { ask("", |_| Input::Silent) }
    Migrate {
        ask("where the step is", |_| migration(&document(), &[])),
        ask("where it is not", |_| migration(&document_of_nothing(), &[])),
        ask("where it ends", |_| migration(&document(), &["welcome", "read", "rest", "more"])),
    }
    Settle {
        ask("sent", |_| Input::Settle { attempt: None, sent: true, by: "key_1".to_owned() }),
        ask("not sent", |_| Input::Settle { attempt: None, sent: false, by: "key_1".to_owned() }),
    }
}

rows! { answer_kind, answers: Answer => &'static str;
    Accepted { "Accepted", "Accepted under a second id" }
    Refused { "Refused" }
    Throttled { "Throttled" }
    Unknown { "Unknown" }
}

rows! { engagement_kind, engagements: EngagementKind => &'static str;
    Sent { "Sent" }
    Rejected { "Rejected" }
    Delivered { "Delivered" }
    Opened { "Opened", "Opened by a machine" }
    Clicked { "Clicked" }
    Bounced { "Bounced for good", "Bounced" }
    Complained { "Complained" }
    Unsubscribed { "Unsubscribed" }
}

rows! { reply_kind, replies: Reply => &'static str;
    Taken { "Taken" }
    Refused { "Refused" }
    NotMade { "Not made" }
    Again { "Again", "Again, and asks for an hour", "of another attempt" }
}

pub(crate) fn again(after: Option<SignedDuration>) -> Reply {
    Reply::Again { status: Some(503), code: "not_now".into(), after }
}

/// The answer to the last attempt of the webhook that the run is at, or was.
fn called(stand: &Stand, reply: Reply) -> Input {
    let (step, attempt) = stand.play.run.calls.last_key_value().map_or((0, 1), |(step, attempts)| (*step, *attempts));
    Input::Called { step, attempt, reply }
}

fn hour_after(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_hours(1)
}

/// The mail step that the run is at, or came by last.
fn mail_step(stand: &Stand) -> u16 {
    let visited = stand.play.run.visits.iter().rev().find_map(|visit| match visit.place {
        Place::Step(step) if stand.play.run.messages.contains_key(&step) => Some(step),
        Place::Step(_) | Place::Entry | Place::End => None,
    });
    visited.unwrap_or_default()
}

fn answer(stand: &Stand, answer: Answer) -> Input {
    answered(mail_step(stand), 1, answer)
}

fn engagement(stand: &Stand, kind: EngagementKind, machine: bool) -> Input {
    engaged(mail_step(stand), kind, stand.now, machine)
}

const fn stand(words: &'static str, play: Play, now: Timestamp) -> Stand {
    Stand { words, play, now }
}

/// At the very moment at which the run asked to be looked at.
fn looked_at(words: &'static str, play: Play) -> Stand {
    let now = play.run.state.due().unwrap();
    Stand { words, play, now }
}

/// To version 2, which reads so; runs at these steps end.
fn migration(document: &Value, ends: &[&str]) -> Input {
    let to = Arc::new(numbered(document, 2));
    let map = ends.iter().map(|step| (step.parse().unwrap(), None)).collect();
    Input::Migrate(Migration { to, map, by: "key_1".to_owned() })
}

fn document_of_nothing() -> Value {
    json!({
        "id": "table", "class": "care", "entry": { "event": "joined" },
        "steps": { "nothing": { "wait": { "for": "1h" }, "next": "end" } }
    })
}
