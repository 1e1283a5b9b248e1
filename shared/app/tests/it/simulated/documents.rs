//! The workflows that simulated histories are made of.

use jiff::SignedDuration;
use serde_json::{Value, json};

/// The send step of `journey` that is sent again where nobody knows, and so at most three times.
pub(super) const RESENT: u16 = 3;
/// The step of `journey` whose change of the contact must be made once a visit.
pub(super) const NOTE: u16 = 4;
/// The wait of `journey` for its welcome to be opened.
pub(super) const READ: u16 = 1;

pub(super) const ALL: [&str; 14] = [
    "left", "far", "right", "fork", "journey", "visit", "first", "second", "third", "night", "offer", "deal", "silent",
    "day",
];

/// The workflows whose mails count: how many may come to one contact in how long.
pub(super) const CAPS: [(&str, usize, SignedDuration); 4] = [
    ("first", 5, SignedDuration::from_hours(7 * 24)),
    ("second", 5, SignedDuration::from_hours(7 * 24)),
    ("offer", 1, SignedDuration::from_hours(7 * 24)),
    ("deal", 2, SignedDuration::from_hours(2 * 24)),
];

/// The journey, in one of its versions: they differ in how long they wait.
pub(super) fn journey(days: u64) -> Value {
    json!({
        "id": "journey", "class": "care", "entry": { "event": "joined" },
        "goal": { "when": { "attribute": "done", "eq": true } },
        "steps": {
            "welcome": { "send": { "template": "welcome", "on_failure": "note" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "which" }],
                "timeout": format!("{days}d"), "next": "which"
            } },
            "which": { "branch": {
                "cases": [{ "when": { "attribute": "plan", "eq": "gold" }, "next": "more" }], "next": "note"
            } },
            "more": { "send": { "template": "more", "on_failure": "note", "on_unknown": "resend" }, "next": "note" },
            "note": { "update": { "set": { "welcomed": true }, "increment": { "journeys": 1 } }, "next": "reach" },
            "reach": { "segment": { "add": "reached" }, "next": "end" }
        }
    })
}

/// Runs told apart by a key, begun and ended by events.
fn visit() -> Value {
    json!({
        "id": "visit", "class": "care",
        "entry": { "event": "booked", "key": "appointment", "reentry": { "mode": "always" } },
        "exit": [{ "event": "cancelled", "where": { "event": "appointment", "eq_entry": "appointment" } }],
        "steps": {
            "rest": { "wait": { "for": "1d" }, "next": "remind" },
            "remind": { "send": { "template": "more" }, "next": "answer" },
            "answer": { "wait_for": { "paths": [{ "event": "confirmed", "next": "thank" }], "timeout": "5m", "next": "end" } },
            "thank": { "send": { "template": "welcome" }, "next": "end" }
        }
    })
}

fn on(id: &str, attribute: &str, last: &Value) -> Value {
    json!({
        "id": id, "class": "care", "entry": { "attribute": attribute, "to": true },
        "send_policy": { "cap": { "max": 5, "per": "7d" } },
        "steps": { "tell": { "send": { "template": "welcome" }, "next": "last" }, "last": last }
    })
}

/// Mails in office hours only, and a wait for an event that may come before it.
fn night() -> Value {
    json!({
        "id": "night", "class": "care", "entry": { "event": "joined" },
        "send_policy": { "window": "08:00-11:00", "zone": "America/Chicago" },
        "steps": {
            "tell": { "send": { "template": "welcome" }, "next": "labs" },
            "labs": { "wait_for": { "paths": [{ "event": "confirmed", "next": "more" }], "timeout": "2d", "next": "end" } },
            "more": { "send": { "template": "more" }, "next": "end" }
        }
    })
}

/// Mails of which few may come: several workflows want the last place at the same moment.
fn capped(id: &str, cap: &Value) -> Value {
    json!({
        "id": id, "class": "care", "entry": { "event": "offered", "reentry": { "mode": "always" } },
        "send_policy": { "cap": cap },
        "steps": {
            "tell": { "send": { "template": "welcome" }, "next": "rest" },
            "rest": { "wait": { "for": "1d" }, "next": "again" },
            "again": { "send": { "template": "more" }, "next": "end" }
        }
    })
}

/// What time starts: a silence that has lasted two days, and the day before a date.
fn timed(id: &str, entry: &Value) -> Value {
    json!({ "id": id, "class": "care", "entry": entry,
        "steps": { "tell": { "send": { "template": "more" }, "next": "end" } } })
}

fn greeting(id: &str) -> Value {
    json!({ "id": id, "class": "care", "entry": { "api": true },
        "steps": { "greet": { "send": { "template": "welcome" }, "next": "end" } } })
}

/// All of them; one that jumps comes after the one that it jumps into.
pub(super) fn all() -> Vec<Value> {
    let stay = |to: &str, next: &str| json!({ "jump": { "workflow": to, "stay": true }, "next": next });
    let fork = json!({ "id": "fork", "class": "care",
        "entry": { "event": "forked", "reentry": { "mode": "after_exit" } },
        "steps": { "first": stay("left", "second"), "second": stay("right", "note"),
            "note": { "update": { "increment": { "jumps": 1 } }, "next": "end" } } });
    let right = json!({ "id": "right", "class": "care", "entry": { "api": true },
        "steps": { "on": { "jump": { "workflow": "far" } } } });
    let set = json!({ "update": { "set": { "second": true }, "increment": { "count": 1 } }, "next": "end" });
    let reach = json!({ "segment": { "add": "reached" }, "next": "end" });
    let third = json!({ "id": "third", "class": "care", "entry": { "segment": "reached", "on": "enter" },
        "steps": { "tell": { "send": { "template": "more" }, "next": "end" } } });
    let first = on("first", "first", &set);
    let second = on("second", "second", &reach);
    let offer = capped("offer", &json!({ "max": 1, "per": "7d", "on_capped": "skip" }));
    let deal = capped("deal", &json!({ "max": 2, "per": "2d", "on_capped": "defer" }));
    let silent = timed("silent", &json!({ "inactivity": { "for": "2d", "without": ["joined", "booked"] } }));
    let milestone = json!({ "attribute": "due", "every": "once", "offset": "-1d", "at": "09:00" });
    let day = timed("day", &json!({ "milestone": milestone }));
    let plain = [greeting("left"), greeting("far"), right, fork, journey(3), visit(), first, second, third, night()];
    plain.into_iter().chain([offer, deal, silent, day]).collect()
}
