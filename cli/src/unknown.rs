//! `carepath unknown`: sends of which nobody knows whether they happened.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::client::{Client, Connection, segment};
use crate::failure::{Failure, answer};
use crate::output::{self, Ink};

/// List and settle sends of which nobody knows whether they happened
///
/// A mail service that takes a mail and does not say so leaves a send unknown. It is never repeated on its own in the
/// strict mode: evidence settles it, or after a day what the step says in `on_unknown`. Whoever knows earlier, from the
/// mail service's own log say, settles it here.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  carepath unknown list --to http://127.0.0.1:8787
  carepath unknown settle run_abcdefghij234567abcd_abcdefghij234567abcd --attempt 1 --sent")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List them, the longest first, with what will be decided about each and when
    List {
        #[command(flatten)]
        connection: Connection,
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what became of the send of a run
    #[command(group = clap::ArgGroup::new("what").required(true).args(["sent", "not_sent"]))]
    Settle {
        /// The run, as the list names it
        #[arg(value_name = "RUN_ID")]
        run: String,
        /// The mail was sent: the run goes on
        #[arg(long)]
        sent: bool,
        /// The mail was not sent: it is sent again
        #[arg(long)]
        not_sent: bool,
        /// The attempt that is meant, as the list has it: nothing is said of another one that became unknown since
        #[arg(long, value_name = "N")]
        attempt: Option<u32>,
        #[command(flatten)]
        connection: Connection,
        /// Print the run as the API tells it
        #[arg(long)]
        json: bool,
    },
}

/// Does it. A run that has no such send is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::List { connection, json } => list(&connection.client()?, *json).await,
        Action::Settle { run, sent, not_sent: _, attempt, connection, json: as_json } => {
            let mut said = json!({ "sent": sent });
            if let Some(attempt) = attempt {
                said["attempt"] = json!(attempt);
            }
            settle(&connection.client()?, run, &said, *as_json).await
        }
    }
}

async fn list(client: &Client, as_json: bool) -> Result<ExitCode, Failure> {
    let all = client.all("/v1/unknown-sends").await;
    let all = all.map_err(|error| Failure::api("could not list the unknown sends", error))?;
    if as_json {
        output::say_json(&Value::Array(all))?;
    } else if all.is_empty() {
        output::say("No send is unknown.")?;
    } else {
        output::say(&table(&all))?;
        output::note(
            "Why one stands where it does: carepath run RUN. To settle it: carepath unknown settle RUN --attempt N --sent",
        );
    }
    Ok(answer(true))
}

fn table(all: &[Value]) -> String {
    let mut table = output::table(&["SINCE", "RUN", "WORKFLOW", "STEP", "ATTEMPT", "NEXT LOOK", "THEN"]);
    for one in all {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let attempt = one.get("attempt").map(Value::to_string).unwrap_or_default();
        let then = format!("{} at {}", text("then"), text("decided_at"));
        table.add_row([text("since"), text("run"), text("workflow"), text("step"), attempt, text("next_look"), then]);
    }
    output::lines(&table)
}

async fn settle(client: &Client, run: &str, said: &Value, as_json: bool) -> Result<ExitCode, Failure> {
    let path = format!("/v1/runs/{}/settle", segment(run));
    match client.post(&path, said).await {
        Ok(run) if as_json => output::say_json(&run)?,
        Ok(_) => {
            let done = if said["sent"] == true {
                "Settled: it was sent, and the run goes on."
            } else {
                "Settled: it is sent again."
            };
            output::say(&Ink::Green.paint(done, output::stdout_coloured()))?;
        }
        Err(error) if error.is_refusal() || error.is_missing() => {
            output::say_error(&error.to_string());
            return Ok(answer(false));
        }
        Err(error) => return Err(Failure::api("could not settle the send", error)),
    }
    Ok(answer(true))
}
