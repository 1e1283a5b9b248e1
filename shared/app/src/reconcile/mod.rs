//! Proof that reports are right: what is kept is compared with a count of the runs themselves, and put right where it
//! differs (S22).
//!
//! It is a task, for all workflows at once or for one. The runs are read once, in steps of bounded size, and what they come to so
//! far is stored between two steps ([`parts`]), so that it goes on wherever it was cut off. Runs go on meanwhile, and what is kept
//! lags behind them by moments: [`compare`] says what can be judged all the same.

mod compare;
mod parts;
mod stays;
mod steps;

use std::collections::BTreeMap;

use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::{Tally, hour_of};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::error::UseError;
use crate::ports::Ports;
use crate::tasks;
use crate::workflows;

pub(crate) use steps::go_on;

/// What the names of these tasks begin with.
pub(crate) const KIND: &str = "reconcile";
/// For all workflows, the hours of so many days are compared one by one, and those before them as one sum.
const FINE_DAYS: i64 = 7;
/// How old the beginning of a proof may be that somebody else has begun, to be taken for one under way.
const ABANDONED: SignedDuration = SignedDuration::from_hours(23);

/// The hour under which all hours stand together that are not compared one by one.
pub const EARLIER: i64 = -1;

/// A number that is kept, and is not what the runs come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In which version.
    pub version: u32,
    /// Of which hour; `None` for all time, [`EARLIER`] for all hours that are compared as one.
    pub hour: Option<i64>,
    /// The id of its step.
    pub step: String,
    /// Which number, by the name it is kept under.
    pub counter: String,
    /// As it is kept.
    pub kept: i64,
    /// What the runs come to.
    pub counted: i64,
}

/// A law that does not hold of the runs themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlawful {
    /// In which version.
    pub version: u32,
    /// At which step; `None` of the version as a whole.
    pub step: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// What came of looking at a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Which.
    pub workflow: WorkflowId,
    /// How many runs were counted.
    pub runs: u64,
    /// Whether numbers are kept at all: where they are not, each report is a count, and only the law can be broken.
    pub kept: bool,
    /// Whether all that is kept stayed the same while the runs were counted. What did not was compared only as far as it can be.
    pub quiet: bool,
    /// Where the law does not hold of the runs.
    pub unlawful: Vec<Unlawful>,
    /// Where what is kept differs, the first [`compare::MOST`] of them.
    pub differences: Vec<Difference>,
    /// How many numbers differ.
    pub differing: u64,
    /// How many records of who is where are not as their runs say.
    pub stays: u64,
    /// How many numbers and records were put right.
    pub mended: u64,
}

impl Reconciled {
    /// How much is wrong.
    pub fn wrong(&self) -> u64 {
        self.differing + self.stays + self.unlawful.len() as u64
    }
}

/// A proof, under way or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Of which workflow; `None` of all.
    pub workflow: Option<WorkflowId>,
    /// Whether what is found wrong is put right.
    pub repair: bool,
    /// Since when.
    pub started_at: Timestamp,
    /// When it was done; `None` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// How many runs were read so far.
    pub runs: u64,
    /// What was found so far: final once it is done.
    pub found: Vec<Reconciled>,
    /// What comes next, and not before when.
    phase: Phase,
    not_before: Timestamp,
    /// Behind which run, or which workflow, it goes on.
    cursor: Option<String>,
    /// The first hour that is compared by itself.
    fine_from: i64,
    /// Whether numbers are kept at all.
    kept: bool,
    /// Where the sums so far are.
    parts: parts::Parts,
    /// Runs whose records were not as they say, with their revisions then.
    suspects: Vec<(RunId, u64)>,
}

/// The stretches of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// What is kept is read, workflow by workflow.
    First,
    /// The runs are read, page by page.
    Reading,
    /// What is kept is compared, workflow by workflow.
    Look,
    /// It is compared again: what differs now as it did before is wrong.
    Again,
}

/// What is known of a workflow while its runs are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sums {
    /// What was kept when it began.
    first: Tally,
    /// What the runs so far come to.
    counted: Tally,
    /// How many they are.
    runs: u64,
}

/// Of all workflows that are looked at.
type All = BTreeMap<WorkflowId, Sums>;

fn name_of(workflow: Option<&WorkflowId>) -> String {
    // No id of a workflow begins with a dot.
    format!("{KIND}/{}", workflow.map_or(".all", WorkflowId::as_str))
}

impl Reconciliation {
    fn new(workflow: Option<WorkflowId>, repair: bool, now: Timestamp) -> Self {
        // Of one workflow every hour is compared by itself; of all of them that would be too much to keep.
        let fine_from = if workflow.is_some() { 0 } else { hour_of(now) - FINE_DAYS * 24 };
        Self {
            workflow,
            repair,
            started_at: now,
            finished_at: None,
            runs: 0,
            found: Vec::new(),
            phase: Phase::First,
            not_before: now,
            cursor: None,
            fine_from,
            kept: true,
            parts: parts::Parts::default(),
            suspects: Vec::new(),
        }
    }

    /// From the beginning, since what was counted so far is lost.
    fn restart(&mut self, now: Timestamp) {
        let new = Self::new(self.workflow.take(), self.repair, now);
        *self = Self { started_at: self.started_at, parts: std::mem::take(&mut self.parts), ..new };
    }

    /// How much was found wrong.
    pub fn wrong(&self) -> u64 {
        self.found.iter().map(Reconciled::wrong).sum()
    }
}

/// Begins to compare what is kept of a workflow, or of all, with the runs, and to put it right where `repair` says so. One that
/// is under way is the answer instead, unless it only looks and this one is to repair.
///
/// # Errors
/// `NotFound`, `Busy` where one is under way that cannot be this one, and what the store cannot do.
pub async fn begin<P: Ports>(
    app: &App<P>,
    workflow: Option<WorkflowId>,
    repair: bool,
) -> Result<Reconciliation, UseError> {
    if let Some(id) = &workflow {
        workflows::get(app, id).await?;
    }
    let (name, now) = (name_of(workflow.as_ref()), app.now());
    let known = tasks::read::<P, Reconciliation>(app, &name).await?;
    let mut new = Reconciliation::new(workflow, repair, now);
    let mut revision = 0;
    if let Some(known) = known {
        let old = known.value;
        if old.finished_at.is_none() && now.duration_since(old.started_at) < ABANDONED {
            // Should its word have got lost, here is another.
            tasks::hint(app, &name, old.not_before).await;
            return if old.repair || !repair { Ok(old) } else { Err(UseError::Busy) };
        }
        // Its sums are written over.
        (new.parts, revision) = (old.parts, known.revision);
    }
    let due = now.saturating_add(tasks::GRACE).unwrap_or(now);
    if !tasks::write(app, &name, &new, (Some(due), revision)).await? {
        return Err(UseError::Busy);
    }
    tasks::hint(app, &name, now).await;
    Ok(new)
}

/// How the last proof of a workflow, or of all, stands.
///
/// # Errors
/// `NotFound` where none was begun.
pub async fn get<P: Ports>(app: &App<P>, workflow: Option<&WorkflowId>) -> Result<Reconciliation, UseError> {
    let found = tasks::read::<P, Reconciliation>(app, &name_of(workflow)).await?;
    found.map(|found| found.value).ok_or(UseError::NotFound { what: "reconciliation" })
}
