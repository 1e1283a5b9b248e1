//! The law as a table that people review: every state × every input, decided by the real [`advance`].
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use carepath_engine::advance::{Fault, Input, advance};
use carepath_engine::run::{Message, State};
use carepath_engine::{Decision, Transition};
use jiff::Timestamp;
use serde_json::json;

use crate::play::{Play, after, begun, moment, start, version};
use crate::transition_plays::mail;
use crate::transition_rows::{
    Ask, Stand, answer_kind, answers, asks, engagement_kind, engagements, input_kind, replies, reply_kind, stands,
    state_kind,
};

/// One cell of the table.
struct Cell {
    input: &'static str,
    words: &'static str,
    decision: Result<Decision, Fault>,
}

impl Cell {
    fn input(&self) -> String {
        if self.words.is_empty() { self.input.to_owned() } else { format!("{}: {}", self.input, self.words) }
    }
}

/// What each input does to a run that stands so.
fn cells(stand: &Stand) -> Vec<Cell> {
    let decide = |(input, ask): (&'static str, Ask)| {
        let mut play = stand.play.clone();
        (ask.contact)(&mut play);
        let moment = moment(&play.version, &play.contact, stand.now, play.paused);
        Cell { input, words: ask.words, decision: advance(&play.run, &(ask.input)(stand), moment) }
    };
    asks().into_iter().map(decide).collect()
}

/// Every stand of the table with its cells.
fn table() -> Vec<(&'static str, Stand, Vec<Cell>)> {
    let row = |(kind, stand): (_, Stand)| {
        let cells = cells(&stand);
        (kind, stand, cells)
    };
    stands().into_iter().map(row).collect()
}

fn step(play: &Play, index: u16) -> &str {
    play.version.step(index).unwrap().id.as_str()
}

/// A state in words, with how long from `now` it asks to be left alone.
fn state(play: &Play, state: &State, now: Timestamp) -> String {
    let place = state.step().map(|at| format!(" at {}", step(play, at))).unwrap_or_default();
    let inner = match state {
        State::Paused { at, .. } => format!(" ({})", state_kind(at)),
        State::Ended { outcome, .. } => format!(" as {}", outcome.reason()),
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. } => String::new(),
    };
    let due = match state.due().map(|due| due.duration_since(now)) {
        None => String::new(),
        Some(left) if left.is_positive() => format!(", due in {left:#}"),
        Some(_) => ", due".to_owned(),
    };
    format!("{}{place}{inner}{due}", state_kind(state))
}

/// What else a transition brings, by name.
fn effects(play: &Play, transition: &Transition) -> Vec<String> {
    let (before, after) = (&play.run, &transition.run);
    let mut effects = Vec::new();
    for (at, mail) in &after.messages {
        if before.messages.get(at) != Some(mail) {
            effects.push(format!("mail {} {}", step(play, *at), became(before.messages.get(at), mail)));
        }
    }
    let new = |now: usize, was: usize, what: &str| (now > was).then(|| format!("{what} noted"));
    effects.extend(new(after.heard.len(), before.heard.len(), "event"));
    effects.extend(transition.contact.as_ref().map(|contact| match contact.suppressed {
        Some(why) => format!("contact suppressed: {why:?}"),
        None => "contact changes".to_owned(),
    }));
    effects.extend(transition.jumps.iter().map(|jump| format!("run in {} begins", jump.workflow)));
    effects.extend(transition.events.iter().map(|event| format!("event {} comes to be", event.name)));
    effects.extend(
        after
            .saved
            .expose()
            .keys()
            .filter(|name| !before.saved.expose().contains_key(*name))
            .map(|name| format!("{name} saved")),
    );
    effects.extend(transition.alarms.iter().map(|alarm| format!("alarm {alarm:?}")));
    effects
}

fn became(before: Option<&Message>, mail: &Message) -> String {
    let reason = mail.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    match before {
        Some(before) if before.state == mail.state && before.ids == mail.ids => "noted".to_owned(),
        Some(before) if before.state == mail.state => format!("{} ids", mail.ids.len()),
        Some(_) | None => format!("{:?}{reason}", mail.state),
    }
}

fn printed() -> String {
    let mut text = String::new();
    for (kind, stand, cells) in table() {
        let heading = state(&stand.play, &stand.play.run.state, stand.now);
        writeln!(text, "{kind} {}  [{heading}]", stand.words).unwrap();
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for cell in &cells {
            match &cell.decision {
                Ok(Decision::Move(transition)) => {
                    let effects = effects(&stand.play, transition).join(", ");
                    let to = state(&stand.play, &transition.run.state, stand.now);
                    let row = format!("    {:<38} Move   {to:<52} {effects}", cell.input());
                    writeln!(text, "{}", row.trim_end()).unwrap();
                }
                Ok(Decision::Ignore(why)) => {
                    others.entry(format!("Ignore {why:?}")).or_default().push(cell.input());
                }
                Err(fault) => others.entry(format!("Fault  {fault:?}")).or_default().push(cell.input()),
            }
        }
        for (answer, inputs) in others {
            for (nth, input) in inputs.iter().enumerate() {
                let answer = if nth == 0 { answer.as_str() } else { "" };
                let row = format!("    {input:<38} {answer}");
                writeln!(text, "{}", row.trim_end()).unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// The kinds of state, in the order of the table.
fn kinds(table: &[(&'static str, Stand, Vec<Cell>)]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = table.iter().map(|(kind, ..)| *kind).collect();
    kinds.dedup();
    kinds
}

/// The moves from kind of state to kind of state, each with the kinds of input that bring it about.
fn moves(table: &[(&'static str, Stand, Vec<Cell>)]) -> BTreeMap<(usize, usize), BTreeSet<&'static str>> {
    let kinds = kinds(table);
    let place = |kind: &str| kinds.iter().position(|known| *known == kind).unwrap();
    let mut moves: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (kind, _, cells) in table {
        for cell in cells {
            if let Ok(Decision::Move(transition)) = &cell.decision {
                let to = place(state_kind(&transition.run.state));
                moves.entry((place(kind), to)).or_default().insert(cell.input);
            }
        }
    }
    moves
}

/// The states that a run may begin in.
fn beginnings() -> BTreeSet<&'static str> {
    let of = |steps: serde_json::Value| {
        version(&json!({ "id": "new", "class": "care", "entry": { "api": true }, "steps": steps }))
    };
    let steps = [
        json!({ "a": { "send": { "template": "welcome" }, "next": "end" } }),
        json!({ "a": { "wait": { "for": "1h" }, "next": "end" } }),
        json!({ "a": { "exit": { "reason": "done" } } }),
    ];
    let runs = steps.into_iter().flat_map(|steps| [false, true].map(|paused| begun(&of(steps.clone()), paused)));
    runs.map(|run| state_kind(&run.state)).collect()
}

fn diagram() -> String {
    let table = table();
    let (kinds, beginnings) = (kinds(&table), beginnings());
    let mut text = String::from(
        "# Transitions\n\nMade by the test `the_diagram_in_the_documentation_is_the_one_of_the_law`; do not edit it by \
         hand.\n\nWhat moves a run from state to state, as the engine decides it. Each arrow names the inputs that can \
         take it; what\nan input does in which moment, and which inputs are ignored and why, is in\n[the reviewed \
         table](../shared/engine/tests/it/snapshots/it__transition_table__transitions.snap).\n\n```mermaid\n\
         stateDiagram-v2\n",
    );
    for kind in kinds.iter().filter(|kind| beginnings.contains(*kind)) {
        writeln!(text, "    [*] --> {kind}").unwrap();
    }
    let moves = moves(&table);
    for ((from, to), inputs) in moves.iter().filter(|((from, to), _)| from != to) {
        let inputs: Vec<_> = inputs.iter().copied().collect();
        writeln!(text, "    {} --> {}: {}", kinds[*from], kinds[*to], inputs.join(", ")).unwrap();
    }
    text.push_str("    Ended --> [*]\n```\n\nWhat changes a run and leaves it in the same kind of state:\n\n");
    text.push_str("| state | inputs |\n| --- | --- |\n");
    for ((from, _), inputs) in moves.iter().filter(|((from, to), _)| from == to) {
        let inputs: Vec<_> = inputs.iter().copied().collect();
        writeln!(text, "| {} | {} |", kinds[*from], inputs.join(", ")).unwrap();
    }
    text
}

#[test]
fn every_input_in_every_state_is_decided_as_reviewed() {
    insta::assert_snapshot!("transitions", printed());
}

/// `UPDATE_SNAPSHOTS=1` writes it anew.
#[expect(clippy::disallowed_methods, reason = "a test that compares a file, and writes it where it is asked to")]
#[test]
fn the_diagram_in_the_documentation_is_the_one_of_the_law() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/TRANSITIONS.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, diagram()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), diagram(), "docs/TRANSITIONS.md is out of date");
}

/// S5: exactly one time, or a claim with its deadline; none only where the end of a pause wakes the run.
#[test]
fn s5_whatever_comes_in_a_run_that_has_not_ended_is_looked_at_again() {
    let watched = |state: &State| match state {
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. } => state.due().is_some(),
        State::Paused { at, .. } => at.due().is_some() && state.due().is_none(),
        State::Ended { .. } => true,
    };
    for (kind, stand, cells) in table() {
        for cell in cells {
            if let Ok(Decision::Move(transition)) = &cell.decision {
                assert!(watched(&transition.run.state), "{kind} {}, {}", stand.words, cell.input());
            }
        }
    }
}

#[test]
fn each_row_of_the_table_is_what_it_says() {
    for (kind, stand) in stands() {
        assert_eq!(state_kind(&stand.play.run.state), kind, "{}", stand.words);
    }
    let mut said = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let stand = Stand { words: "", play: mail(), now: start() };
    for (kind, ask) in asks() {
        let input = (ask.input)(&stand);
        assert_eq!(input_kind(&input), kind, "{}", ask.words);
        if let Input::Answered { answer, .. } = &input {
            said.0.insert((answer_kind(answer), ask.words));
        }
        if let Input::Called { reply, .. } = &input {
            said.2.insert((reply_kind(reply), ask.words));
        }
        if let Input::Engaged(engagement) = &input {
            said.1.insert((engagement_kind(&engagement.kind), ask.words));
        }
    }
    assert_eq!(said.0, answers().into_iter().collect());
    assert_eq!(said.1, engagements().into_iter().collect());
    assert_eq!(said.2, replies().into_iter().collect());
}

/// Where run and version contradict each other, nothing is decided: whatever sends such a run says so.
#[test]
fn a_run_that_its_version_contradicts_is_a_fault() {
    let decide = |play: &Play, input: &Input| {
        let moment = moment(&play.version, &play.contact, after(90_000), false);
        advance(&play.run, input, moment).map(|_| ())
    };
    let mut play = mail();
    play.run.version = 2;
    assert_eq!(decide(&play, &Input::Due), Err(Fault::WrongVersion));
    let mut play = mail();
    play.run.state = State::Waiting { step: 0, since: start(), until: start(), due: start() };
    assert_eq!(decide(&play, &Input::Due), Err(Fault::WrongKind));
    play.run.state = State::Unknown { step: 1, attempt: 1, since: start(), looks: 3, deadline: start() };
    assert_eq!(decide(&play, &Input::Due), Err(Fault::WrongKind));
    play.run.state = State::Waiting { step: 99, since: start(), until: start(), due: start() };
    assert_eq!(decide(&play, &Input::Due), Err(Fault::NoSuchStep));
    assert_eq!(decide(&play, &Input::Cancel), Ok(()), "what ends a run ends such a one too");
}
