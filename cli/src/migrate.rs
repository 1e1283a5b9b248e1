//! `carepath migrate`: live runs of a workflow, moved to another version. Plan first, then apply.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::client::{ApiError, Client, Connection, segment};
use crate::failure::{Failure, answer};
use crate::output::{self, Ink};

/// Move the live runs of a workflow to another version: plan first, then apply
///
/// Publishing never changes a live run. This does: each run goes to the step of the same id and kind, its visits and mails
/// move along, and a wait goes on from when it began. Runs whose step is gone need a place in `--map`. Without `--apply`
/// nothing is changed. Being cut short does no harm: the same command goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  carepath migrate appointment-reminder --to http://127.0.0.1:8787
  carepath migrate appointment-reminder --map day_before=two_days_before --map call_list=end --apply")]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "WORKFLOW")]
    workflow: String,
    /// The version to move to; the published one where it is not given
    #[arg(long, value_name = "N")]
    into_version: Option<u32>,
    /// Only runs in this version
    #[arg(long, value_name = "N")]
    from_version: Option<u32>,
    /// Where runs at a step go: another step, or `end`
    #[arg(long, value_name = "STEP=STEP", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Do it
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    connection: Connection,
    /// Print the plan, or what came of it, as JSON
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        Some(_) | None => Err("write it as OLD_STEP=NEW_STEP, or OLD_STEP=end".to_owned()),
    }
}

/// Plans or applies. That some runs cannot move, or not yet, is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let client = args.connection.client()?;
    let map: Map<String, Value> = args.map.iter().map(|(from, to)| (from.clone(), json!(to))).collect();
    let action = if args.apply { "apply" } else { "plan" };
    let mut wanted = json!({ "action": action, "map": map });
    for (name, version) in [("to", args.into_version), ("from", args.from_version)] {
        if let Some(version) = version {
            wanted[name] = json!(version);
        }
    }
    let all = match ask(&client, &args.workflow, wanted).await {
        Ok(all) => all,
        Err(error) if error.is_refusal() || error.is_missing() => {
            output::say_error(&error.to_string());
            return Ok(answer(false));
        }
        Err(error) => return Err(Failure::api("could not move the runs: the same command goes on", error)),
    };
    if args.json {
        output::say_json(&all)?;
    } else {
        tell(&all, args.apply)?;
    }
    Ok(answer(count(&all, "/totals/cannot") + count(&all, "/totals/later") == 0))
}

/// Asks page by page until all runs have been looked at, and adds up what came of it.
pub(crate) async fn ask(client: &Client, workflow: &str, mut wanted: Value) -> Result<Value, ApiError> {
    let path = format!("/v1/workflows/{}/migrate", segment(workflow));
    let bar = output::progress(0, "looking through the runs");
    let mut sum = Sum::default();
    let mut first = Value::Null;
    loop {
        let page = client.post(&path, &wanted).await?;
        sum.add(&page);
        bar.set_length(sum.runs());
        bar.set_position(sum.runs());
        let next = page.get("next").cloned().unwrap_or_default();
        if first.is_null() {
            first = page;
        }
        // Later pages are of the same version, even if another is published meanwhile.
        wanted["to"] = first["to"].clone();
        if next.is_null() {
            break;
        }
        wanted["cursor"] = next;
    }
    bar.finish_and_clear();
    Ok(sum.shown(first))
}

/// What the pages come to together.
#[derive(Default)]
struct Sum {
    totals: BTreeMap<String, u64>,
    steps: BTreeMap<u64, BTreeMap<String, Value>>,
}

impl Sum {
    fn runs(&self) -> u64 {
        self.totals.values().sum()
    }

    fn add(&mut self, page: &Value) {
        for (name, value) in page.get("totals").and_then(Value::as_object).into_iter().flatten() {
            *self.totals.entry(name.clone()).or_default() += value.as_u64().unwrap_or_default();
        }
        for version in array(page, "versions") {
            let steps = self.steps.entry(count(version, "/version")).or_default();
            for step in array(version, "steps") {
                let name = step.get("step").and_then(Value::as_str).unwrap_or_default().to_owned();
                match steps.get_mut(&name) {
                    Some(known) => join(known, step),
                    None => {
                        steps.insert(name, step.clone());
                    }
                }
            }
        }
    }

    fn shown(self, mut first: Value) -> Value {
        let versions = self.steps.into_iter();
        let versions: Vec<Value> = versions
            .map(|(version, steps)| json!({ "version": version, "steps": steps.into_values().collect::<Vec<_>>() }))
            .collect();
        first["versions"] = json!(versions);
        first["totals"] = json!(self.totals);
        first["next"] = Value::Null;
        first
    }
}

/// Adds the figures of a step on one page to those of the pages before.
fn join(known: &mut Value, more: &Value) {
    for name in ["runs", "moves", "ends", "later"] {
        known[name] = json!(count(known, &format!("/{name}")) + count(more, &format!("/{name}")));
    }
    if known["goes_to"].is_null() {
        known["goes_to"] = more["goes_to"].clone();
    }
    for reason in array(more, "cannot") {
        let same =
            known["cannot"].as_array_mut().and_then(|all| all.iter_mut().find(|old| old["code"] == reason["code"]));
        if let Some(old) = same {
            old["runs"] = json!(count(old, "/runs") + count(reason, "/runs"));
        } else if let Some(all) = known["cannot"].as_array_mut() {
            all.push(reason.clone());
        }
    }
}

fn array<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn count(of: &Value, pointer: &str) -> u64 {
    of.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

fn tell(all: &Value, applied: bool) -> Result<(), Failure> {
    let colour = output::stdout_coloured();
    let heads = if applied { ["MOVED", "ENDED"] } else { ["MOVE", "END"] };
    let mut table = output::table(&["VERSION", "STEP", "RUNS", "GO TO", heads[0], heads[1], "LATER", "CANNOT"]);
    let mut reasons = Vec::new();
    for version in array(all, "versions") {
        for step in array(version, "steps") {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            let figure = |name: &str| count(step, &format!("/{name}")).to_string();
            let cannot: u64 = array(step, "cannot").map(|reason| count(reason, "/runs")).sum();
            table.add_row([
                count(version, "/version").to_string(),
                text("step"),
                figure("runs"),
                text("goes_to"),
                figure("moves"),
                figure("ends"),
                figure("later"),
                cannot.to_string(),
            ]);
            for reason in array(step, "cannot") {
                let why = reason.get("message").and_then(Value::as_str).unwrap_or_default();
                reasons.push(format!("{} runs at {} cannot move: {why}.", count(reason, "/runs"), text("step")));
            }
        }
    }
    let to = count(all, "/to");
    if count(all, "/totals/runs") == 0 {
        return output::say(&format!("No live run is in another version than {to}."));
    }
    output::say(&output::lines(&table))?;
    for reason in &reasons {
        output::say(&Ink::Yellow.paint(reason, colour))?;
    }
    if count(all, "/totals/later") > 0 {
        output::note("Runs under LATER have a mail under way: once that is settled, the same command moves them.");
    }
    if applied {
        output::note(&format!(
            "{} runs are in version {to} now.",
            count(all, "/totals/moves") + count(all, "/totals/there")
        ));
    } else {
        output::note("Nothing has changed yet: --apply does it.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_add_up() {
        let page = |moves: u64, code: &str| {
            let cannot = json!([{ "code": code, "runs": 1, "message": "m" }]);
            let step = json!({ "step": "a", "goes_to": "a", "runs": moves + 1, "moves": moves, "ends": 0, "later": 0,
                "cannot": cannot });
            json!({ "to": 2, "versions": [{ "version": 1, "steps": [step] }], "totals": { "moves": moves, "cannot": 1 } })
        };
        let mut sum = Sum::default();
        for page in [page(2, "gone"), page(3, "gone"), page(4, "visited")] {
            sum.add(&page);
        }
        let all = sum.shown(page(2, "gone"));
        let step = &all["versions"][0]["steps"][0];
        assert_eq!((count(step, "/moves"), count(step, "/runs"), count(&all, "/totals/moves")), (9, 12, 9));
        assert_eq!((count(&step["cannot"][0], "/runs"), count(&step["cannot"][1], "/runs")), (2, 1));
    }

    #[test]
    fn a_mapping_is_two_names() {
        assert_eq!(pair("a=end"), Ok(("a".to_owned(), "end".to_owned())));
        assert!(pair("a").is_err() && pair("=b").is_err() && pair("a=").is_err());
    }
}
