//! Runs as the API shows them: with the names that their authors gave to steps.

use carepath_app::contacts_read::KnownRun;
use carepath_engine::Version;
use carepath_engine::explain::Explanation;
use carepath_engine::run::{Edge, FirstSeen, Message, MessageState, Outcome, Place, Run, State, Visit};
use serde_json::{Map, Value, json};

/// A run.
pub(crate) fn show(known: &KnownRun) -> Value {
    let KnownRun { run, version, past: _, paused } = known;
    let mut shown = Map::new();
    shown.insert("id".into(), json!(run.id));
    shown.insert("workflow".into(), json!(run.workflow));
    shown.insert("version".into(), json!(run.version));
    shown.insert("contact".into(), json!(run.contact));
    shown.insert("key".into(), json!(run.key));
    shown.insert("status".into(), json!(status(run, *paused)));
    if let State::Ended { outcome, at, .. } = &run.state {
        shown.insert("ended".into(), json!(outcome.reason()));
        shown.insert("ended_at".into(), json!(at));
        if let Outcome::Exited(detail) | Outcome::Failed(detail) = outcome {
            shown.insert("detail".into(), json!(detail));
        }
    }
    if let Some(step) = run.state.step() {
        shown.insert("current".into(), json!(place(version, Place::Step(step)).0));
    }
    if let Some(due) = run.state.due().filter(|_| !run.is_ended()) {
        shown.insert("due".into(), json!(due));
    }
    let entry = &run.entry;
    shown.insert("entry".into(), json!({ "at": entry.at, "number": entry.number, "payload": entry.payload }));
    let visits = (0..run.visits.len()).filter_map(|at| visit(known, at)).map(Value::Object);
    shown.insert("visits".into(), visits.collect());
    Value::Object(shown)
}

fn status(run: &Run, paused: bool) -> &'static str {
    match &run.state {
        State::Ended { .. } => "ended",
        State::Paused { .. } => "paused",
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
            if paused =>
        {
            "paused"
        }
        State::Ready { .. } | State::Claimed { .. } | State::Unknown { .. } | State::Calling { .. } => "active",
        State::Waiting { .. } => "waiting",
    }
}

/// What was compared with what.
pub(crate) fn explanation(found: &Explanation) -> Value {
    json!({
        "test": found.test,
        "observed": found.observed,
        "expected": found.expected,
        "result": found.result,
        "source": found.source,
    })
}

/// The visit at a place in the run's history.
pub(crate) fn visit(known: &KnownRun, at: usize) -> Option<Map<String, Value>> {
    let run = &known.run;
    let visit = run.visits.get(at)?;
    let (step, kind) = made(known, at)?;
    let mut shown = Map::new();
    shown.insert("step".into(), json!(step));
    shown.insert("kind".into(), json!(kind));
    shown.insert("at".into(), json!(visit.at));
    if !run.past.is_empty() {
        shown.insert("version".into(), json!(run.made_in(at).map(|(version, _)| version)));
    }
    // A run's next visit is where its edge led.
    let target = made(known, at + 1).map(|(step, _)| step);
    shown.insert("edge".into(), json!(target));
    shown.insert("via".into(), json!(visit.edge.as_ref().map(|edge| via(kind, edge))));
    shown.insert("explanation".into(), visit.explanation.iter().map(explanation).collect());
    if let Some(mail) = message_of(run, visit) {
        shown.insert("message".into(), message(mail));
    }
    Some(shown)
}

/// The mail of a visit.
pub(crate) fn message_of<'a>(run: &'a Run, visit: &Visit) -> Option<&'a Message> {
    match visit.place {
        Place::Step(step) => run.messages.get(&step),
        Place::Entry | Place::End => None,
    }
}

/// The name and the kind of the place of a visit, in the version in which it was made.
pub(crate) fn made(known: &KnownRun, at: usize) -> Option<(&str, &'static str)> {
    let (number, place) = known.run.made_in(at)?;
    let version = known.past.get(&number).filter(|_| number != known.run.version);
    Some(self::place(version.unwrap_or(&known.version), place))
}

/// The name and the kind of a place.
pub(crate) fn place(version: &Version, place: Place) -> (&str, &'static str) {
    match place {
        Place::Entry => ("entry", "entry"),
        Place::End => ("end", "end"),
        Place::Step(index) => version.step(index).map_or(("?", "?"), |step| (step.id.as_str(), step.kind.name())),
    }
}

fn via(kind: &str, edge: &Edge) -> String {
    match edge {
        Edge::Next => "next".to_owned(),
        Edge::OnFailure => "on_failure".to_owned(),
        Edge::Else => "else".to_owned(),
        Edge::Timeout => "timeout".to_owned(),
        Edge::Skipped => "skipped".to_owned(),
        Edge::Left => "left".to_owned(),
        Edge::Nth(index) => {
            let name = match kind {
                "branch" => "case",
                "split" => "share",
                _ => "path",
            };
            format!("{name} {index}")
        }
    }
}

/// A mail and what became of it.
pub(crate) fn message(mail: &Message) -> Value {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(mail.ids.first()));
    shown.insert("state".into(), json!(state(mail.state)));
    shown.insert("attempt".into(), json!(mail.attempt));
    shown.insert("at".into(), json!(mail.at));
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value);
        }
    };
    add("reason", mail.reason.as_ref().map(|reason| json!(reason)));
    add("delivered", mail.delivered.map(|at| json!(at)));
    add("bounced", mail.bounced.map(|at| json!(at)));
    add("complained", mail.complained.map(|at| json!(at)));
    add("unsubscribed", mail.unsubscribed.map(|at| json!(at)));
    add("opened", (!mail.opened.is_empty()).then(|| seen(&mail.opened)));
    let clicked: Map<String, Value> = mail.clicked.iter().map(|(link, first)| (link.clone(), seen(first))).collect();
    add("clicked", (!clicked.is_empty()).then_some(Value::Object(clicked)));
    add("duplicates", (mail.ids.len() > 1).then(|| json!(mail.ids.get(1..))));
    Value::Object(shown)
}

fn seen(first: &FirstSeen) -> Value {
    let mut shown = json!({ "human": first.human, "machine": first.machine });
    if first.corrected.is_some() {
        shown["corrected"] = json!(true);
    }
    shown
}

const fn state(state: MessageState) -> &'static str {
    match state {
        MessageState::Claimed => "claimed",
        MessageState::Released => "released",
        MessageState::Sent => "sent",
        MessageState::Unknown => "unknown",
        MessageState::Failed => "failed",
        MessageState::Skipped => "skipped",
    }
}
