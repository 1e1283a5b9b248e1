//! The figures of a journey.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::Load;
use super::journey::{Runs, opens};
use super::tally::{Tally, percentile};
use crate::output;

/// All figures. Times are in seconds, latencies in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    contacts: u32,
    openers: u32,
    /// From the first batch to the last end, the ten seconds in which those who do not open wait included.
    seconds: f64,
    visits: u64,
    visits_per_second: f64,
    mails: u64,
    /// Mails that came to a contact that had the very same before.
    duplicates: u64,
    /// Contacts that did not get exactly their mails, once.
    wrong_mails: u64,
    /// Runs that have not ended.
    stuck: u64,
    /// Runs that ended otherwise than they should, or contacts without their one run.
    wrong_runs: u64,
    /// Contacts that opened, and went the way of those who did not.
    openers_timed_out: u64,
    /// Sends of which the server does not know whether they happened.
    unknown: i64,
    requests_per_visit: f64,
    batch_ms: Latency,
    event_to_welcome_ms: Latency,
    open_to_second_mail_ms: Latency,
    /// Processor seconds of the server for a thousand visits; absent where it does not run on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_seconds_per_1000_visits: Option<f64>,
    /// The most memory that the server ever held.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_megabytes: Option<f64>,
}

/// A latency, in milliseconds.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    fn of(mut figures: Vec<Duration>) -> Self {
        let mut at = |percent| percentile(&mut figures, percent).as_secs_f64() * 1_000.0;
        Self { p50: at(50), p99: at(99), max: at(100) }
    }

    fn text(&self) -> String {
        format!("{:.0} ms half of them, {:.0} ms 99 of 100, {:.0} ms the longest", self.p50, self.p99, self.max)
    }
}

fn requests(metrics: &Value) -> u64 {
    let operations = metrics["dynamodb"].as_object();
    operations.into_iter().flatten().filter_map(|(_, operation)| operation["requests"].as_u64()).sum()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people: they are far below 2^52")]
fn per(amount: u64, of: f64) -> f64 {
    if of > 0.0 { amount as f64 / of } else { 0.0 }
}

impl Report {
    /// Puts the figures together.
    pub(super) fn of(
        load: &Load,
        tally: &Tally,
        runs: &Runs,
        seconds: f64,
        (before, after): (&Value, &Value),
        process: Option<(f64, f64)>,
    ) -> Self {
        let requests = requests(after).saturating_sub(requests(before));
        let visits = per(runs.visits, 1.0);
        Self {
            contacts: load.contacts,
            openers: (0..load.contacts).map(|n| u32::from(opens(n))).sum(),
            seconds,
            visits: runs.visits,
            visits_per_second: per(runs.visits, seconds),
            mails: tally.mails,
            duplicates: tally.duplicates(),
            wrong_mails: tally.wrong_mails(),
            stuck: runs.stuck,
            wrong_runs: runs.wrong + runs.not_one,
            openers_timed_out: runs.openers_timed_out,
            unknown: after["unknown_open"].as_i64().unwrap_or_default(),
            requests_per_visit: per(requests, visits),
            batch_ms: Latency::of(tally.batches.clone()),
            event_to_welcome_ms: Latency::of(tally.to_welcome.clone()),
            open_to_second_mail_ms: Latency::of(tally.to_second.clone()),
            cpu_seconds_per_1000_visits: process
                .map(|(cpu, _)| if visits > 0.0 { cpu * 1_000.0 / visits } else { 0.0 }),
            peak_megabytes: process.map(|(_, peak)| peak),
        }
    }

    /// Whether everybody got what they should, once.
    pub(super) const fn right(&self) -> bool {
        self.duplicates == 0 && self.wrong_mails == 0 && self.stuck == 0 && self.wrong_runs == 0
    }

    /// The figures as a table for people.
    pub(super) fn table(&self) -> String {
        let mut table = output::table(&[]);
        let figure = |figure: Option<f64>, unit: &str| match figure {
            Some(figure) => format!("{figure:.2} {unit}"),
            None => "not known: the server is not on this machine".to_owned(),
        };
        table.add_row(["contacts", &format!("{}, {} of them open", self.contacts, self.openers)]);
        table.add_row(["time", &format!("{:.1} s, waits of 10 s included", self.seconds)]);
        table.add_row(["visits", &format!("{}, {:.0} a second", self.visits, self.visits_per_second)]);
        table.add_row(["processor", &figure(self.cpu_seconds_per_1000_visits, "s for 1,000 visits")]);
        table.add_row(["memory", &figure(self.peak_megabytes, "MB at most")]);
        table.add_row(["requests", &format!("{:.2} a visit to the database", self.requests_per_visit)]);
        table.add_row(["batches", &self.batch_ms.text()]);
        table.add_row(["event to welcome", &self.event_to_welcome_ms.text()]);
        table.add_row(["open to second mail", &self.open_to_second_mail_ms.text()]);
        table.add_row(["mails", &self.mails.to_string()]);
        table.add_row(["duplicates", &self.duplicates.to_string()]);
        table.add_row(["wrong mails", &self.wrong_mails.to_string()]);
        table.add_row(["stuck runs", &self.stuck.to_string()]);
        table.add_row(["wrong runs", &self.wrong_runs.to_string()]);
        table.add_row(["openers timed out", &self.openers_timed_out.to_string()]);
        table.add_row(["unknown sends", &self.unknown.to_string()]);
        output::lines(&table)
    }
}
