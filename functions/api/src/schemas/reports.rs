//! The shapes of reports.

use serde_json::{Value, json};

use super::{flag, list, map, maybe_text, object, page_of, text, time, whole, whole_object};

fn maybe_time() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

pub(super) fn reports() -> Vec<(&'static str, Value)> {
    let by_name = map(&whole());
    let step = json!({
        "id": { "type": "string", "description": "Of a step; `entry` and `end` are places too, of those kinds" },
        "kind": text(),
        "entered": { "type": "integer", "minimum": 0, "description": "The same as waiting, moved_on and all of ended together" },
        "moved_in": { "type": "integer", "minimum": 0, "description": "Of those entered: moved here from another version" },
        "waiting": whole(), "moved_on": whole(), "ended": by_name,
        "edges": { "type": "object", "additionalProperties": whole(),
            "description": "Where they went on to: a step, `end`, or `version:N` where they were moved to another version" },
        "sent": whole(), "skipped": by_name, "failed": by_name, "delivered": whole(), "bounced": whole(),
        "complained": whole(), "unsubscribed": whole(), "unknown": whole(),
        "opened": whole_object(&json!({ "human": whole(), "machine": whole() })),
        "clicked": whole_object(&json!({ "human": whole(), "machine": whole(), "links": by_name })),
    });
    let totals = json!({
        "entered": whole(), "moved_in": whole(), "moved_out": whole(), "active": whole(), "ended": by_name, "goal": whole(),
    });
    let report = json!({
        "workflow": text(),
        "version": { "type": ["integer", "null"], "description": "null: all versions together" },
        "latest": { "type": "integer", "minimum": 1, "description": "The highest version that there is" },
        "as_of": time(), "from": maybe_time(), "to": maybe_time(),
        "steps": list(&whole_object(&step)), "totals": whole_object(&totals),
    });
    vec![
        ("WorkflowReport", whole_object(&report)),
        ("InStep", in_step()),
        ("InStepPage", page_of("InStep")),
        (
            "Activity",
            whole_object(&json!({ "workflow": text(), "live": whole(), "entered": whole(), "ended": whole() })),
        ),
        (
            "Activities",
            whole_object(&json!({ "as_of": time(), "items": list(&super::named("Activity")), "next": maybe_text() })),
        ),
    ]
    .into_iter()
    .chain(reconciliation())
    .collect()
}

fn in_step() -> Value {
    let seen = whole_object(&json!({ "human": maybe_time(), "machine": maybe_time() }));
    let message = json!({
        "state": text(), "at": time(), "reason": maybe_text(), "delivered": maybe_time(), "bounced": maybe_time(),
        "complained": maybe_time(), "unsubscribed": maybe_time(), "opened": seen, "clicked": seen,
    });
    let shown = json!({
        "contact": { "type": ["string", "null"], "description": "null once the contact is deleted" },
        "run": text(), "version": whole(), "state": super::one_of(&["waiting", "moved_on", "ended"]),
        "entered": time(), "left": maybe_time(), "ended": maybe_text(), "message": whole_object(&message),
    });
    object(&["contact", "run", "version", "state", "entered", "left", "ended"], &shown)
}

fn reconciliation() -> Vec<(&'static str, Value)> {
    let difference = json!({
        "version": whole(),
        "hour": { "type": ["integer", "null"], "description": "Hours since 1970, UTC; null for all time; -1 for all the hours of more than a week ago" },
        "step": text(), "counter": text(), "kept": { "type": "integer" }, "counted": { "type": "integer" },
    });
    let unlawful = json!({ "version": whole(), "step": maybe_text(), "what": text() });
    let wanted = json!({
        "workflow": { "type": "string", "description": "Left out: all workflows" },
        "repair": { "type": "boolean", "description": "Put right what is found wrong" },
    });
    let found = json!({
        "workflow": text(), "runs": whole(),
        "kept": { "type": "boolean", "description": "Whether numbers are kept; where they are not, each report is a count" },
        "quiet": { "type": "boolean", "description": "Whether all that is kept rested; what did not was compared with its own hours" },
        "unlawful": list(&whole_object(&unlawful)), "differences": list(&super::named("Difference")),
        "differing": { "type": "integer", "description": "How many numbers differ; the first 200 are shown" },
        "stays": { "type": "integer", "description": "How many records of who is where are not as their runs say" },
        "mended": whole(),
    });
    let shown = json!({
        "workflow": maybe_text(), "repair": flag(), "started_at": time(), "finished_at": maybe_time(),
        "runs": { "type": "integer", "description": "How many runs were read so far" },
        "found": list(&super::named("Reconciled")),
    });
    vec![
        ("Difference", whole_object(&difference)),
        ("Reconcile", object(&[], &wanted)),
        ("Reconciled", whole_object(&found)),
        ("Reconciliation", whole_object(&shown)),
    ]
}
