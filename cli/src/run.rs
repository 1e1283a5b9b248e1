//! `carepath run`: the story of a run.

use std::process::ExitCode;

use serde_json::Value;

use crate::client::{Connection, segment};
use crate::failure::{Failure, answer};
use crate::output::{self, Ink};

/// Tell the story of a run: each step, and why it went the way it did
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  carepath run run_abcdefghij234567abcd_abcdefghij234567abcd --to http://127.0.0.1:8787"
)]
pub(crate) struct Args {
    /// The run, as timelines and `GET /v1/contacts/{id}/runs` name it
    #[arg(value_name = "RUN_ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
    /// Print the run as the API tells it
    #[arg(long)]
    json: bool,
}

/// Reads and tells. A run that is not there is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let client = args.connection.client()?;
    let found = client.find(&format!("/v1/runs/{}", segment(&args.id))).await;
    let Some(run) = found.map_err(|error| Failure::api("could not read the run", error))? else {
        output::say_error("there is no such run");
        return Ok(answer(false));
    };
    if args.json {
        output::say_json(&run)?;
    } else {
        output::say(&story(&run, output::stdout_coloured()))?;
    }
    Ok(answer(true))
}

/// The story, a line for each thing that happened.
fn story(run: &Value, colour: bool) -> String {
    let text = |name: &str| run.get(name).and_then(Value::as_str).unwrap_or_default();
    let version = run.get("version").and_then(Value::as_u64).unwrap_or_default();
    let title = format!("{}, version {version}, contact {}", text("workflow"), output::plain(text("contact")));
    let mut lines = vec![Ink::Bold.paint(&title, colour)];
    for visit in run.get("visits").and_then(Value::as_array).into_iter().flatten() {
        tell_visit(visit, colour, &mut lines);
    }
    let last = match (text("status"), text("ended")) {
        ("ended", reason) => format!("The run has ended: {reason}."),
        (status, _) if text("due").is_empty() => format!("The run is {status} at {}.", text("current")),
        (status, _) => format!("The run is {status} at {}, due {}.", text("current"), text("due")),
    };
    lines.push(last);
    lines.join("\n")
}

fn tell_visit(visit: &Value, colour: bool, lines: &mut Vec<String>) {
    let text = |name: &str| visit.get(name).and_then(Value::as_str).unwrap_or_default();
    let edge = match visit.get("edge") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(edge)) => format!(" → {edge}"),
        Some(edge) => format!(" → {edge}"),
    };
    let at = Ink::Dim.paint(text("at"), colour);
    lines.push(format!("{at}  {} ({}){edge}", Ink::Bold.paint(text("step"), colour), text("kind")));
    if let Some(message) = visit.get("message").filter(|message| message.is_object()) {
        lines.push(format!("    {}", tell_message(message)));
    }
    for explanation in visit.get("explanation").and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!("    {}", tell_decision(explanation)));
    }
}

fn tell_message(message: &Value) -> String {
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    let reason = if text("reason").is_empty() { String::new() } else { format!(" ({})", text("reason")) };
    let attempt = message.get("attempt").and_then(Value::as_u64).unwrap_or_default();
    let mut line = format!("The mail is {}{reason}, attempt {attempt}", text("state"));
    for seen in ["opened", "clicked"] {
        if message.get(seen).is_some_and(|value| !value.is_null() && *value != Value::Bool(false)) {
            line.push_str(", ");
            line.push_str(seen);
        }
    }
    line.push('.');
    line
}

/// One sentence for one comparison.
fn tell_decision(explanation: &Value) -> String {
    let shown = |name: &str| match explanation.get(name) {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => output::plain(text).into_owned(),
        Some(value) => output::plain(&value.to_string()).into_owned(),
    };
    let verdict = match explanation.get("result").and_then(Value::as_bool) {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "is noted",
    };
    let source = match explanation.get("source").and_then(Value::as_str) {
        Some(source) if !source.is_empty() => format!(" (from {source})"),
        Some(_) | None => String::new(),
    };
    // What was noted, and not compared with anything, was not asked for either.
    let is_there = |name: &str| explanation.get(name).is_some_and(|value| !value.is_null());
    let compared = match (is_there("observed"), is_there("expected")) {
        (false, false) => String::new(),
        (true, false) => format!(": found {}", shown("observed")),
        (_, true) => format!(": found {}, asked for {}", shown("observed"), shown("expected")),
    };
    format!("`{}` {verdict}{compared}{source}.", shown("test"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// S23: every comparison is told with what was found and what was asked for.
    #[test]
    fn a_run_is_told_step_by_step_with_a_sentence_for_each_decision() {
        let run = json!({
            "id": "run_a_b", "workflow": "reminder", "version": 2, "contact": "patient-1", "status": "ended",
            "ended": "completed",
            "visits": [{
                "step": "remind", "kind": "send", "at": "2026-11-24T10:00:00Z", "edge": "confirmed",
                "message": { "state": "sent", "attempt": 1, "opened": "2026-11-24T10:05:00Z", "clicked": null },
                "explanation": [
                    { "test": "attribute email_ok eq", "observed": true, "expected": true, "result": true, "source": "contact" },
                    { "test": "attribute plan eq", "observed": null, "expected": "gold", "result": false, "source": "contact" },
                    { "test": "send window open", "observed": "Tue 10:00", "expected": null, "result": true, "source": "workflow" },
                    { "test": "emit told", "observed": null, "expected": null, "result": true, "source": "workflow" },
                ],
            }],
        });
        let expected = "reminder, version 2, contact patient-1\n\
            2026-11-24T10:00:00Z  remind (send) → confirmed\n    \
            The mail is sent, attempt 1, opened.\n    \
            `attribute email_ok eq` holds: found true, asked for true (from contact).\n    \
            `attribute plan eq` does not hold: found nothing, asked for gold (from contact).\n    \
            `send window open` holds: found Tue 10:00 (from workflow).\n    \
            `emit told` holds (from workflow).\n\
            The run has ended: completed.";
        assert_eq!(story(&run, false), expected);
    }
}
