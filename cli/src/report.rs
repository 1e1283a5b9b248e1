//! `carepath report`: what became of everybody in a workflow.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;

use crate::client::{Connection, segment};
use crate::failure::{Failure, answer};
use crate::output;

/// Show what became of everybody in a workflow, step by step
///
/// ENTERED is what WAITING, ON and ENDED come to: everybody who came to a step is there, went on, or ended there. OPENED and
/// CLICKED are people; machines are in --json. With --since or --until it counts what happened in these hours, and WAITING is
/// as of now.
#[derive(Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Examples:
  carepath report new-member-onboarding --to http://127.0.0.1:8787
  carepath report new-member-onboarding --version all --since 2026-11-01 --until 2026-12-01
  carepath report new-member-onboarding --csv > report.csv"
)]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "WORKFLOW")]
    workflow: String,
    /// The version: a number, or `all` for all of them together; the published one where it is not given
    #[arg(long = "version", value_name = "N")]
    of_version: Option<String>,
    /// Only what happened from then on: a day, or a time such as 2026-11-24T10:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what happened before
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    connection: Connection,
    /// Print the report as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print the report as CSV
    #[arg(long)]
    csv: bool,
}

impl Args {
    fn path(&self) -> String {
        let mut path = format!("/v1/workflows/{}/report", segment(&self.workflow));
        let asked = [("version", &self.of_version), ("from", &self.since), ("to", &self.until)];
        let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        for (nth, (name, value)) in asked.enumerate() {
            let mark = if nth == 0 { '?' } else { '&' };
            let _ = write!(path, "{mark}{name}={}", segment(value));
        }
        path
    }
}

/// Shows it. That there is nothing to report on is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let client = args.connection.client()?;
    let path = args.path();
    let shown = if args.csv { client.get_csv(&path).await.map(Value::String) } else { client.get(&path).await };
    let report = match shown {
        Ok(report) => report,
        Err(error) if error.is_refusal() || error.is_missing() => {
            output::say_error(&error.to_string());
            return Ok(answer(false));
        }
        Err(error) => return Err(Failure::api("could not read the report", error)),
    };
    if let Some(table) = report.as_str() {
        output::say(table.trim_end())?;
    } else if args.json {
        output::say_json(&report)?;
    } else {
        tell(&report)?;
    }
    Ok(answer(true))
}

fn number(of: &Value, pointer: &str) -> i64 {
    of.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn sum(of: &Value, name: &str) -> i64 {
    let counts = of.get(name).and_then(Value::as_object).into_iter().flatten();
    counts.filter_map(|(_, count)| count.as_i64()).sum()
}

/// The counts under their names, the highest first.
fn named(of: &Value, name: &str) -> String {
    let counts = of.get(name).and_then(Value::as_object).into_iter().flatten();
    let mut counts: Vec<(&str, i64)> =
        counts.filter_map(|(name, count)| Some((name.as_str(), count.as_i64()?))).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    counts.join(", ")
}

/// The head of a column, and what a step has in it.
type Column<'a> = (&'a str, &'a dyn Fn(&Value) -> i64);

fn tell(report: &Value) -> Result<(), Failure> {
    let steps: Vec<&Value> = report.get("steps").and_then(Value::as_array).into_iter().flatten().collect();
    let columns: [Column<'_>; 12] = [
        ("ENTERED", &|step| number(step, "/entered")),
        ("WAITING", &|step| number(step, "/waiting")),
        ("ON", &|step| number(step, "/moved_on")),
        ("ENDED", &|step| sum(step, "ended")),
        ("SENT", &|step| number(step, "/sent")),
        ("LEFT OUT", &|step| sum(step, "skipped") + sum(step, "failed")),
        ("DELIVERED", &|step| number(step, "/delivered")),
        ("OPENED", &|step| number(step, "/opened/human")),
        ("CLICKED", &|step| number(step, "/clicked/human")),
        ("BOUNCED", &|step| number(step, "/bounced")),
        ("COMPLAINED", &|step| number(step, "/complained")),
        ("UNKNOWN", &|step| number(step, "/unknown")),
    ];
    let heads: Vec<&str> = ["STEP", "KIND"].into_iter().chain(columns.iter().map(|(head, _)| *head)).collect();
    let mut table = output::table(&heads);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    for step in &steps {
        let text = |name: &str| output::plain(step.get(name).and_then(Value::as_str).unwrap_or("?")).into_owned();
        let counts = columns.iter().map(|(_, of)| of(step)).map(|count| match count {
            0 => "-".to_owned(),
            count => count.to_string(),
        });
        table.add_row([text("id"), text("kind")].into_iter().chain(counts));
    }
    output::say(&output::lines(&table))?;
    let (entered, active) = (number(report, "/totals/entered"), number(report, "/totals/active"));
    let ended = report.get("totals").map(|totals| named(totals, "ended")).unwrap_or_default();
    let ended = if ended.is_empty() { "none ended".to_owned() } else { format!("ended: {ended}") };
    output::note(&format!("{entered} runs began, {active} are under way, {ended}."));
    let (moved_in, moved_out) = (number(report, "/totals/moved_in"), number(report, "/totals/moved_out"));
    if moved_in + moved_out > 0 {
        output::note(&format!("{moved_in} were moved in from other versions, and {moved_out} out to others."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_told_with_the_highest_first() {
        let totals = json!({ "ended": { "goal": 2, "completed": 5 } });
        assert_eq!((named(&totals, "ended").as_str(), sum(&totals, "ended")), ("completed 5, goal 2", 7));
    }
}
