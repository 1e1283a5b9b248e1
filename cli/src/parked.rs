//! `carepath parked`: work that no trial can do.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::client::{Client, Connection};
use crate::failure::{Failure, answer};
use crate::output;

/// List work that no trial can do, and have it done again once the cause is mended
///
/// An item that a newer release has written, a run that contradicts its version, a fault of Carepath: work that comes upon
/// one is set down with the code of what is wrong, so that it holds up nothing else and is not lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  carepath parked list --to http://127.0.0.1:8787
  carepath parked redrive --all")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List it, the longest first, with what is wrong
    List {
        #[command(flatten)]
        connection: Connection,
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Have it done again
    #[command(group = clap::ArgGroup::new("which").required(true).args(["ids", "all"]))]
    Redrive {
        /// Which, as the list names them
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// All that is parked at this moment
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        connection: Connection,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does it. To have nothing done again is the answer "no".
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::List { connection, json } => list(&connection.client()?, *json).await,
        Action::Redrive { ids, all, connection, json } => {
            let wanted = if *all { json!({ "all": true }) } else { json!({ "ids": ids }) };
            redrive(&connection.client()?, &wanted, *json).await
        }
    }
}

async fn list(client: &Client, as_json: bool) -> Result<ExitCode, Failure> {
    let all = client.all("/v1/parked").await;
    let all = all.map_err(|error| Failure::api("could not list what is parked", error))?;
    if as_json {
        output::say_json(&Value::Array(all))?;
    } else if all.is_empty() {
        output::say("Nothing is parked.")?;
    } else {
        let mut table = output::table(&["SINCE", "KIND", "CODE", "ID"]);
        for one in &all {
            table.add_row(
                ["since", "kind", "code", "id"].map(|name| one.get(name).and_then(Value::as_str).unwrap_or("")),
            );
        }
        output::say(&output::lines(&table))?;
    }
    Ok(answer(true))
}

async fn redrive(client: &Client, wanted: &Value, as_json: bool) -> Result<ExitCode, Failure> {
    let done = match client.post("/v1/parked/redrive", wanted).await {
        Ok(done) => done,
        Err(error) if error.is_refusal() => {
            output::say_error(&error.to_string());
            return Ok(answer(false));
        }
        Err(error) => return Err(Failure::api("could not redrive", error)),
    };
    let count = done.get("redriven").and_then(Value::as_u64).unwrap_or_default();
    if as_json {
        output::say_json(&done)?;
    } else {
        output::say(&format!("{count} done again; what fails once more is parked once more."))?;
    }
    Ok(answer(count > 0))
}
