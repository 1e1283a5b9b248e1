//! `carepath reconcile`: proof that reports are right.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{ApiError, Client, Connection};
use crate::failure::{Failure, answer};
use crate::output;

/// How long after the first look the second one is: what is kept lags behind the runs by seconds, and what still differs by as
/// much then is wrong.
const BETWEEN: Duration = Duration::from_secs(30);

/// Prove that reports are right: compare what they count with the runs themselves
///
/// It reads all runs. In AWS the numbers of reports are kept beside the runs: where they differ, --repair looks again half a
/// minute later, and puts right what differs by as much as before. On one machine reports are counted from the runs each
/// time, so that nothing can differ; there it proves that everybody who came to a step is there, went on, or ended there.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true).args(["workflow", "all"]),
    after_help = "Examples:
  carepath reconcile new-member-onboarding --to http://127.0.0.1:8787
  carepath reconcile --all
  carepath reconcile new-member-onboarding --repair"
)]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "WORKFLOW")]
    workflow: Option<String>,
    /// All workflows that were ever published
    #[arg(long)]
    all: bool,
    /// Put right what is wrong
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    connection: Connection,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Compares. That something differs, or does not add up, is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let client = args.connection.client()?;
    let failed = |error| Failure::api("could not compare the reports with the runs", error);
    let workflows = match &args.workflow {
        Some(workflow) => vec![workflow.clone()],
        None => published(&client).await.map_err(failed)?,
    };
    let mut all = Vec::with_capacity(workflows.len());
    for workflow in &workflows {
        match compare(&client, workflow, args.repair).await {
            Ok(found) => all.push(found),
            Err(error) if error.is_refusal() || error.is_missing() => {
                output::say_error(&error.to_string());
                return Ok(answer(false));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    if args.json {
        output::say_json(&Value::Array(all.clone()))?;
    } else {
        tell(&all)?;
    }
    Ok(answer(all.iter().all(is_fine)))
}

async fn published(client: &Client) -> Result<Vec<String>, ApiError> {
    let all = client.all("/v1/workflows").await?;
    let ever = all.iter().filter(|workflow| workflow.get("latest").and_then(Value::as_u64).unwrap_or_default() > 0);
    Ok(ever.filter_map(|workflow| workflow.get("id")?.as_str().map(str::to_owned)).collect())
}

async fn compare(client: &Client, workflow: &str, repair: bool) -> Result<Value, ApiError> {
    const PATH: &str = "/v1/reports/reconcile";
    let found = client.post(PATH, &json!({ "workflow": workflow })).await?;
    if !repair || list(&found, "differences").is_empty() {
        return Ok(found);
    }
    output::note(&format!("{workflow}: looking again in {} seconds.", BETWEEN.as_secs()));
    tokio::time::sleep(BETWEEN).await;
    let mended = client.post(PATH, &json!({ "workflow": workflow, "repair": found["differences"] })).await?;
    let count = mended.get("mended").cloned().unwrap_or_default();
    // What it looks like now is what counts.
    let mut now = client.post(PATH, &json!({ "workflow": workflow })).await?;
    now["mended"] = count;
    Ok(now)
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_fine(found: &Value) -> bool {
    list(found, "differences").is_empty() && list(found, "unlawful").is_empty()
}

fn tell(all: &[Value]) -> Result<(), Failure> {
    let text = |of: &Value, name: &str| match of.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => output::plain(text).into_owned(),
        Some(other) => other.to_string(),
    };
    for found in all {
        let workflow = text(found, "workflow");
        let runs = text(found, "runs");
        let mended = found.get("mended").and_then(Value::as_u64).unwrap_or_default();
        let note = if mended > 0 { format!(", {mended} numbers were put right") } else { String::new() };
        if is_fine(found) {
            let kept = found.get("kept").and_then(Value::as_bool).unwrap_or_default();
            let what = if kept { "what is kept is what they come to" } else { "they add up, step by step" };
            output::say(&format!("{workflow}: {runs} runs, {what}{note}."))?;
            continue;
        }
        output::say(&format!("{workflow}: {runs} runs{note}."))?;
        let mut table = output::table(&["VERSION", "STEP", "HOUR", "COUNTER", "KEPT", "RUNS"]);
        for difference in list(found, "differences") {
            table.add_row(["version", "step", "hour", "counter", "kept", "counted"].map(|name| text(difference, name)));
        }
        if !list(found, "differences").is_empty() {
            output::say(&output::lines(&table))?;
        }
        for broken in list(found, "unlawful") {
            output::say(&format!(
                "version {}, {}: {}",
                text(broken, "version"),
                text(broken, "step"),
                text(broken, "what")
            ))?;
        }
        if found.get("quiet").and_then(Value::as_bool) == Some(false) {
            output::note("Runs went on while they were counted, so some of this may be on its way: look again.");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_or_does_not_add_up_is_not_fine() {
        assert!(is_fine(&json!({ "differences": [], "unlawful": [] })));
        assert!(!is_fine(&json!({ "differences": [{}], "unlawful": [] })));
        assert!(!is_fine(&json!({ "differences": [], "unlawful": [{}] })));
    }
}
