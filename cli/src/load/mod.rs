//! `carepath load`: the benchmark journey against a running `carepath dev`, counted at the receiving end.
//!
//! Every contact comes in with an event, and gets a welcome. Even contacts open it at once and get a second mail for
//! it; odd ones never do and are reminded ten seconds later. A run is right when its contact got exactly its mails,
//! once, on its own way through the workflow.

mod drive;
mod journey;
mod process;
mod report;
mod stored;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Connection};
use crate::failure::{Failure, answer};
use crate::output;

use process::Process;
use report::Report;

/// Send contacts through the benchmark journey of a running `carepath dev`, and count what came of it
///
/// The answer is no (exit code 1) where a mail came twice or not at all, a contact took the wrong way, or a run is stuck.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  carepath load --contacts 10000 --to http://127.0.0.1:8787")]
pub(crate) struct Args {
    /// How many contacts come in
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    contacts: u32,
    #[command(flatten)]
    connection: Connection,
    /// How many other contacts are stored first, which take no part
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    stored: u32,
    /// How many batches are on their way at a time
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    batches: u8,
    /// Give up when nothing has moved for so many seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    patience: u64,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// What one journey needs.
struct Load {
    client: Client,
    /// Tells the contacts of this journey from those of others.
    tag: String,
    contacts: u32,
    batches: usize,
    patience: Duration,
}

impl Load {
    /// The id of the nth contact.
    fn contact(&self, n: u32) -> String {
        format!("load-{}-{n}", self.tag)
    }

    /// Its address, in a domain that leads nowhere.
    fn address(&self, n: u32) -> String {
        format!("{}@load.invalid", self.contact(n))
    }

    /// Which contact an address is of.
    fn number(&self, address: &str) -> Option<u32> {
        let number = address.strip_prefix("load-")?.strip_prefix(self.tag.as_str())?.strip_prefix('-')?;
        number.strip_suffix("@load.invalid")?.parse().ok().filter(|n| *n < self.contacts)
    }
}

/// Publishes the journey, lets the contacts in, waits for the end, and looks at every run.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let client = args.connection.client()?;
    let process = Process::of(args.connection.dev_file()?.and_then(|dev| dev.pid));
    journey::publish(&client).await?;
    let load = Arc::new(Load {
        client,
        tag: uuid::Uuid::new_v4().simple().to_string()[..8].to_owned(),
        contacts: args.contacts,
        batches: args.batches.into(),
        patience: Duration::from_secs(args.patience),
    });
    if args.stored > 0 {
        stored::store(&load, args.stored).await?;
    }
    let before = metrics(&load.client).await?;
    let (cpu, began) = (process.cpu_seconds(), Instant::now());
    let tally = drive::drive(&load).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = process.cpu_seconds().zip(cpu).map(|(after, before)| after - before);
    let (after, peak) = (metrics(&load.client).await?, process.peak_megabytes());
    let runs = journey::look_at_runs(&load).await?;
    let report = Report::of(&load, &tally, &runs, seconds, (&before, &after), cpu.zip(peak));
    if args.json {
        output::say_json(&json!(report))?;
    } else {
        output::say(&report.table())?;
    }
    Ok(answer(report.right()))
}

/// What the server counts.
async fn metrics(client: &Client) -> Result<Value, Failure> {
    let failed = |error| Failure::api("could not read /_dev/metrics: `load` needs a running `carepath dev`", error);
    client.get("/_dev/metrics").await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_by_its_journey_and_its_number() {
        let client = Client::new("http://127.0.0.1:1", "key").unwrap();
        let load = Load { client, tag: "a1".into(), contacts: 5, batches: 1, patience: Duration::ZERO };
        assert_eq!(load.number(&load.address(4)), Some(4));
        assert_eq!(load.number(&load.address(5)), None);
        assert_eq!(load.number("load-b2-4@load.invalid"), None);
        assert_eq!(load.number("patient@example.org"), None);
    }
}
