//! The shapes of what is done about runs by hand: unknown sends, parked work, migrations.

use serde_json::{Value, json};

use super::{flag, list, map, maybe_text, object, one_of, page_of, text, time, whole, whole_object};

pub(super) fn recovery() -> Vec<(&'static str, Value)> {
    let unknown = json!({
        "run": text(), "workflow": text(), "version": whole(), "contact": text(), "step": text(), "attempt": whole(),
        "since": time(),
        "next_look": { "type": "string", "format": "date-time", "description": "When evidence is looked for again" },
        "decided_at": { "type": "string", "format": "date-time", "description": "When `then` is done without any" },
        "then": one_of(&["treat_as_sent", "resend"]),
    });
    let sweep = json!({
        "at": { "type": ["string", "null"], "format": "date-time", "description": "When it was swept last" },
        "late_seconds": {
            "type": "integer", "minimum": 0,
            "description": "For how long the oldest thing is due that nobody has done; 0 where nothing is late",
        },
    });
    let mut sending = whole_object(&json!({
        "second": { "type": "string", "format": "date-time", "description": "The last second in which mail went out" },
        "taken": { "type": "integer", "minimum": 0, "description": "How many mails were let through in it" },
        "limit": { "type": "integer", "minimum": 0, "description": "How many the account may send in a second" },
    }));
    sending["type"] = json!(["object", "null"]);
    let mut runs = whole_object(&json!({
        "counted_at": time(),
        "live": { "type": "integer", "minimum": 0, "description": "Runs that had not ended" },
        "without_wakeup": { "type": "integer", "minimum": 0, "description": "Of those, runs that nothing would wake" },
    }));
    runs["type"] = json!(["object", "null"]);
    let mut reports = whole_object(&json!({
        "started_at": time(),
        "finished_at": { "type": ["string", "null"], "format": "date-time", "description": "null while it is under way" },
        "wrong": { "type": "integer", "minimum": 0, "description": "What was found wrong so far" },
    }));
    reports["type"] = json!(["object", "null"]);
    reports["description"] = json!("The last proof of all reports");
    let most = json!({ "type": "integer", "minimum": 0, "maximum": 100, "description": "100 where there are more" });
    let operations = json!({
        "now": time(), "sweep": whole_object(&sweep), "sending": sending, "runs": runs, "reports": reports,
        "unknown_open": most, "work_parked": most,
    });
    let settle = json!({
        "sent": flag(),
        "attempt": { "type": "integer", "minimum": 1, "description": "Which attempt is meant, if not whichever is unknown" },
    });
    let parked = json!({
        "id": text(),
        "kind": one_of(&["event", "contact", "run", "task"]),
        "since": time(),
        "code": { "type": "string", "description": "What is wrong: unreadable, contradiction, store, panicked, …" },
    });
    vec![
        ("Operations", whole_object(&operations)),
        ("Settle", object(&["sent"], &settle)),
        ("UnknownSend", whole_object(&unknown)),
        ("UnknownSendPage", page_of("UnknownSend")),
        ("Parked", whole_object(&parked)),
        ("ParkedPage", page_of("Parked")),
        ("Redrive", object(&[], &json!({ "ids": list(&text()), "all": flag() }))),
        ("Redriven", whole_object(&json!({ "redriven": whole() }))),
    ]
}

pub(super) fn migration() -> Vec<(&'static str, Value)> {
    let version = json!({ "type": "integer", "minimum": 1 });
    let figures = json!({ "runs": whole(), "moves": whole(), "ends": whole(), "later": whole() });
    let (mut totals, mut step) = (figures.clone(), figures);
    (totals["cannot"], totals["there"]) = (whole(), whole());
    (step["step"], step["kind"], step["goes_to"]) = (text(), text(), maybe_text());
    step["cannot"] = list(&whole_object(&json!({ "code": text(), "message": text(), "runs": whole() })));
    let wanted = json!({
        "action": one_of(&["plan", "apply"]), "to": version, "from": version, "map": map(&text()), "cursor": text(),
    });
    let answer = json!({
        "workflow": text(), "action": one_of(&["plan", "apply"]), "to": version, "totals": whole_object(&totals),
        "versions": list(&whole_object(&json!({ "version": version, "steps": list(&whole_object(&step)) }))),
        "next": { "type": ["string", "null"], "description": "The `cursor` of the next page; null on the last" },
    });
    vec![("Migrate", object(&["action"], &wanted)), ("Migration", whole_object(&answer))]
}
