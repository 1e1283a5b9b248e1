//! The benchmark journey: its documents, and what its runs have to look like at their end.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::Load;
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::files;
use crate::{output, publish};

/// The workflow's id.
pub(super) const WORKFLOW: &str = "benchmark-journey";
/// The event that starts it.
pub(super) const EVENT: &str = "member_enrolled";
/// Visits of a run whose contact opens its welcome, and of one whose contact does not.
const VISITS: [usize; 2] = [8, 6];
const AT_ONCE: usize = 16;

macro_rules! documents {
    ($($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../../tests/bench/journey/", $file)))),+]
    };
}

const DOCUMENTS: &[(&str, &str)] = documents!(
    "schema.yaml",
    "segments/benchmark-started.yaml",
    "templates/benchmark-welcome.yaml",
    "templates/benchmark-getting-started.yaml",
    "templates/benchmark-reminder.yaml",
    "workflow.yaml",
);

/// Which mail of the journey it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mail {
    /// The first, for everybody.
    Welcome,
    /// For those who opened it.
    GettingStarted,
    /// For those who did not.
    Reminder,
}

impl Mail {
    /// By its subject.
    pub(super) fn by_subject(subject: &str) -> Option<Self> {
        match subject {
            "Welcome to Harbor Health" => Some(Self::Welcome),
            "Getting started" => Some(Self::GettingStarted),
            "Your portal is ready for you" => Some(Self::Reminder),
            _ => None,
        }
    }
}

/// Whether the nth contact opens its welcome.
pub(super) const fn opens(n: u32) -> bool {
    n.is_multiple_of(2)
}

/// Publishes the journey where the server does not have it.
pub(super) async fn publish(client: &Client) -> Result<(), Failure> {
    let found = files::built_in(DOCUMENTS)?;
    let plan = publish::plan(client, &found.documents).await?;
    if publish::apply(client, &plan, false).await? {
        return Ok(());
    }
    Err(Failure::File("the server does not take the benchmark journey".into()))
}

/// What became of the runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// Contacts without a run, or with several.
    pub(super) not_one: u64,
    /// Runs that have not ended.
    pub(super) stuck: u64,
    /// Runs that ended otherwise than they should, or went another way.
    pub(super) wrong: u64,
    /// Contacts that opened, and went the way of those who did not.
    pub(super) openers_timed_out: u64,
    /// Visits of all runs.
    pub(super) visits: u64,
}

/// Looks at the run of each contact.
pub(super) async fn look_at_runs(load: &Arc<Load>) -> Result<Runs, Failure> {
    let bar = output::progress(load.contacts.into(), "looking at the runs");
    let mut looks = stream::iter(0..load.contacts)
        .map(|n| async move {
            let path = format!("/v1/contacts/{}/runs", segment(&load.contact(n)));
            Ok((n, load.client.find(&path).await?))
        })
        .buffer_unordered(AT_ONCE);
    let mut all = Runs::default();
    while let Some(look) = looks.next().await {
        let (n, found) = look.map_err(|error| Failure::api("could not read a run", error))?;
        all.count(opens(n), found.as_ref());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(all)
}

impl Runs {
    fn count(&mut self, opener: bool, found: Option<&Value>) {
        let runs = found.and_then(|found| found.get("items")).and_then(Value::as_array);
        let mut own = runs.into_iter().flatten().filter(|run| run["workflow"] == WORKFLOW);
        let (Some(run), None) = (own.next(), own.next()) else {
            self.not_one += 1;
            return;
        };
        let visits: Vec<&str> =
            run["visits"].as_array().into_iter().flatten().filter_map(|visit| visit["step"].as_str()).collect();
        self.visits += visits.len() as u64;
        if run["status"] != "ended" {
            self.stuck += 1;
            return;
        }
        let (wanted, other) = if opener { ("getting_started", "reminder") } else { ("reminder", "getting_started") };
        if opener && visits.contains(&other) {
            self.openers_timed_out += 1;
        }
        let right = run["ended"] == "completed" && visits.contains(&wanted) && !visits.contains(&other);
        if !right || visits.len() != VISITS[usize::from(!opener)] {
            self.wrong += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_journey_has_no_errors() {
        let findings = crate::check::examine(&files::built_in(DOCUMENTS).unwrap());
        let errors =
            findings.iter().filter(|found| found.finding.severity == carepath_engine::document::Severity::Error);
        assert_eq!(errors.count(), 0);
    }

    #[test]
    fn a_run_on_the_wrong_way_or_without_an_end_is_counted() {
        let run = |status: &str, steps: &[&str]| {
            let visits: Vec<Value> = steps.iter().map(|step| json!({ "step": step })).collect();
            json!({ "items": [{ "workflow": WORKFLOW, "status": status, "ended": "completed", "visits": visits }] })
        };
        let opened = ["entry", "welcome", "read", "which", "getting_started", "note", "started", "end"];
        let not_opened = ["entry", "welcome", "read", "which", "reminder", "end"];
        let mut runs = Runs::default();
        runs.count(true, Some(&run("ended", &opened)));
        runs.count(false, Some(&run("ended", &not_opened)));
        assert_eq!(runs, Runs { visits: 14, ..Runs::default() });
        runs.count(true, Some(&run("ended", &not_opened)));
        assert_eq!((runs.wrong, runs.openers_timed_out), (1, 1));
        runs.count(false, Some(&run("waiting", &not_opened[..3])));
        runs.count(false, None);
        assert_eq!((runs.stuck, runs.not_one), (1, 1));
    }
}
