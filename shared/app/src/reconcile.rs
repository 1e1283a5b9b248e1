//! Proof that reports are right: what is kept is compared with a count of the runs themselves, and put right where it
//! differs (S22).
//!
//! Runs go on while they are counted, and what is kept lags behind them by moments. So one look that finds a difference proves
//! nothing: only what differs by as much at a second look, while nothing was added in between, is wrong and is mended.

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::ids::WorkflowId;
use carepath_engine::report::{Cell, Counter, Tally};
use carepath_engine::run::Place;

use crate::App;
use crate::error::{FieldError, UseError};
use crate::ports::{Ports, Reports};
use crate::recount;
use crate::report::named;
use crate::workflows;

/// A number that is kept, and is not what the runs come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub cell: Cell,
    /// The id of its step.
    pub step: String,
    /// As it is kept.
    pub kept: i64,
    /// What the runs come to.
    pub counted: i64,
}

/// A law that does not hold of the runs themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlawful {
    /// In which version.
    pub version: u32,
    /// At which step; `None` of the version as a whole.
    pub step: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// What came of looking at a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// Which.
    pub workflow: WorkflowId,
    /// How many runs were counted.
    pub runs: u64,
    /// Whether numbers are kept at all: where they are not, each report is a count, and only the law can be broken.
    pub kept: bool,
    /// Whether what is kept stayed the same while the runs were counted.
    pub quiet: bool,
    /// Where the law does not hold of the runs.
    pub unlawful: Vec<Unlawful>,
    /// Where what is kept differs.
    pub differences: Vec<Difference>,
    /// How many numbers were put right.
    pub mended: usize,
}

/// A difference as it was found before: the version, the hour, the counter, and by how much it differed.
pub type Before = (u32, Option<i64>, Counter, i64);

/// Compares what is kept of a workflow with its runs. What differs by as much as `before` is put right.
///
/// # Errors
/// `NotFound`, and what the store cannot do; doing it again does no harm.
pub async fn reconcile<P: Ports>(app: &App<P>, id: &WorkflowId, before: &[Before]) -> Result<Reconciled, UseError> {
    let state = workflows::get(app, id).await?.value;
    let mut versions: BTreeMap<u32, Arc<Version>> = BTreeMap::new();
    for number in 1..=state.latest {
        versions.extend(app.catalog.version(app.store(), id, number).await?.map(|version| (number, version)));
    }
    let reports = app.ports.reports();
    let at_first = reports.kept(id).await?;
    let (counted, runs) = recount::whole(app.store(), id).await?;
    let kept = reports.kept(id).await?;
    let name = |version: u32, place: Place| {
        versions.get(&version).map_or_else(|| "?".to_owned(), |version| named(version, place).0.to_owned())
    };
    let unlawful = counted.broken().into_iter().map(|broken| Unlawful {
        version: broken.version,
        step: broken.place.map(|place| name(broken.version, place)),
        what: broken.to_string(),
    });
    let mut found = Reconciled {
        workflow: id.clone(),
        runs,
        kept: kept.is_some(),
        quiet: at_first == kept,
        unlawful: unlawful.collect(),
        differences: Vec::new(),
        mended: 0,
    };
    let Some(kept) = kept else { return Ok(found) };
    let mut differs = kept.clone();
    differs.add(&counted, -1);
    found.differences = differs
        .iter()
        .map(|(cell, _)| Difference {
            step: name(cell.version, cell.counter.place),
            kept: kept.get(cell),
            counted: counted.get(cell),
            cell: cell.clone(),
        })
        .collect();
    if found.quiet && !before.is_empty() {
        let mut by = Tally::default();
        for (version, hour, counter, differed) in before {
            let cell = Cell { version: *version, hour: *hour, counter: counter.clone() };
            if *differed != 0 && differs.get(&cell) == *differed {
                by.add_to(cell, -differed);
            }
        }
        if !by.is_empty() {
            reports.mend(id, &by).await?;
            found.mended = by.iter().count();
        }
    }
    Ok(found)
}

/// The same for all workflows, after drawing together what is kept apart for no reason any more: what a nightly run does. It
/// changes no number; what differs is logged, and stays until somebody looks at it.
///
/// # Errors
/// What the store cannot do.
pub async fn nightly<P: Ports>(app: &App<P>) -> Result<Vec<Reconciled>, UseError> {
    let mut all = Vec::new();
    for (id, stored) in workflows::list(app).await? {
        if stored.value.latest == 0 {
            continue;
        }
        app.ports.reports().tidy(&id, app.now()).await?;
        let found = reconcile(app, &id, &[]).await?;
        let (differences, unlawful) = (found.differences.len(), found.unlawful.len());
        if unlawful > 0 || (differences > 0 && found.quiet) {
            tracing::error!(workflow = %id, runs = found.runs, differences, unlawful, "reports do not add up");
        } else {
            tracing::info!(workflow = %id, runs = found.runs, differences, quiet = found.quiet, "reports were compared");
        }
        all.push(found);
    }
    Ok(all)
}

/// The difference that somebody tells to have found before.
///
/// # Errors
/// Where its counter is none.
pub fn before(version: u32, hour: Option<i64>, counter: &str, differed: i64) -> Result<Before, FieldError> {
    let counter: Counter =
        counter.parse().map_err(|_| FieldError::new("counter", "counter", "must be as an answer gave it out"))?;
    Ok((version, hour, counter, differed))
}
