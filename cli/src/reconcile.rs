//! `carepath reconcile`: proof that reports are right.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{ApiError, Client, Connection, segment};
use crate::failure::{Failure, answer};
use crate::output;

/// How often it is asked how far the comparison has come.
const BETWEEN: Duration = Duration::from_secs(1);
/// After so long without a change of it somebody is told that it goes on elsewhere.
const PATIENCE: Duration = Duration::from_mins(10);

/// Prove that reports are right: compare what they count with the runs themselves
///
/// The server reads all runs, in steps; this waits for it, and may be stopped and called again meanwhile. In AWS the numbers of
/// reports are kept beside the runs, and what differs by as much at two looks, half a minute apart, is wrong: --repair puts it
/// right. With --all the hours of more than a week ago are compared as one; --repair looks closer where they differ. On one machine reports are counted from the runs each
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
    let all = match compare(&client, args.workflow.as_deref(), args.repair).await {
        Ok(all) => all,
        Err(error) if error.is_refusal() || error.is_missing() => {
            output::say_error(&error.to_string());
            return Ok(answer(false));
        }
        Err(error) => return Err(failed(error)),
    };
    let Some(all) = all else {
        output::say_error("It has not come further for ten minutes. The server goes on with it: ask again later.");
        return Ok(answer(false));
    };
    if args.json {
        output::say_json(&Value::Array(all.clone()))?;
    } else {
        tell(&all)?;
    }
    Ok(answer(all.iter().all(is_fine)))
}

/// What was found, workflow by workflow; `None` where it does not come to its end.
async fn compare(client: &Client, workflow: Option<&str>, repair: bool) -> Result<Option<Vec<Value>>, ApiError> {
    let Some(mut all) = once(client, workflow, repair).await? else { return Ok(None) };
    if workflow.is_none() && repair {
        // Of hours that were compared as one nobody knows which is wrong: those workflows are looked at by themselves.
        for found in all.iter_mut().filter(|found| !list(found, "differences").is_empty()) {
            let id = found.get("workflow").and_then(Value::as_str).unwrap_or_default().to_owned();
            let Some(closer) = once(client, Some(&id), true).await? else { return Ok(None) };
            if let Some(closer) = closer.into_iter().next() {
                *found = closer;
            }
        }
    }
    Ok(Some(all))
}

async fn once(client: &Client, workflow: Option<&str>, repair: bool) -> Result<Option<Vec<Value>>, ApiError> {
    const PATH: &str = "/v1/reports/reconcile";
    let wanted = workflow.map_or_else(|| json!({}), |workflow| json!({ "workflow": workflow }));
    let mut body = wanted;
    body["repair"] = Value::Bool(repair);
    let mut now = client.post(PATH, &body).await?;
    let path = workflow.map_or_else(|| PATH.to_owned(), |workflow| format!("{PATH}?workflow={}", segment(workflow)));
    let (mut moved, mut seen) = (Instant::now(), 0);
    // On one machine it is done at once.
    let mut pause = Duration::from_millis(20);
    while now.get("finished_at").is_none_or(Value::is_null) {
        let runs = now.get("runs").and_then(Value::as_u64).unwrap_or_default();
        if runs != seen {
            (moved, seen) = (Instant::now(), runs);
            output::note(&format!("{}: {runs} runs were read.", workflow.unwrap_or("all workflows")));
        }
        if moved.elapsed() > PATIENCE {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BETWEEN);
        now = client.get(&path).await?;
    }
    Ok(Some(list(&now, "found").to_vec()))
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_fine(found: &Value) -> bool {
    list(found, "differences").is_empty()
        && list(found, "unlawful").is_empty()
        && found.get("stays").and_then(Value::as_u64).unwrap_or_default() == 0
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
        let note = if mended > 0 { format!(", {mended} numbers and records were put right") } else { String::new() };
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
        let stays = found.get("stays").and_then(Value::as_u64).unwrap_or_default();
        if stays > 0 {
            output::say(&format!("{stays} records of who is in a step are not as their runs say"))?;
        }
        let (told, differing) = (list(found, "differences").len() as u64, text(found, "differing"));
        if differing.parse::<u64>().is_ok_and(|differing| differing > told) {
            output::note(&format!("{told} of {differing} numbers that differ are shown."));
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
        assert!(!is_fine(&json!({ "differences": [], "unlawful": [], "stays": 1 })));
        assert!(!is_fine(&json!({ "differences": [], "unlawful": [{}] })));
    }
}
