//! The records of who is where, compared with the runs that they tell of.
//!
//! A record that is not as its run says is a suspect: it may be on its way. It is wrong if it still is so once everything that was
//! on its way has arrived, and the run has not moved since.

use carepath_engine::Run;
use carepath_engine::ids::RunId;
use carepath_engine::report::hour_of;

use super::Reconciliation;
use crate::App;
use crate::error::UseError;
use crate::ports::{Ports, Position, Reports, StayRecord, Store, StoreError};
use crate::project::stays_of;

/// In how many proofs of all workflows each run has its turn once. To read the records of a run costs more than the run.
const TURNS: u64 = 8;
/// How many suspects are looked at again: where there are more, these are enough to say so.
const MOST: usize = 100;

type Stay = (Position, RunId, StayRecord);

/// Whether the records of a run are compared this time.
fn has_its_turn(go: &Reconciliation, run: &RunId) -> bool {
    let number = |text: &str| text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let day = u64::try_from(hour_of(go.started_at) / 24).unwrap_or_default();
    go.workflow.is_some() || number(run.as_str()) % TURNS == day % TURNS
}

/// The stays of which there is no record, or another.
async fn wrong<R: Reports>(reports: &R, runs: impl Iterator<Item = &Run>) -> Result<Vec<Stay>, StoreError> {
    let said: Vec<Stay> = runs.flat_map(stays_of).collect();
    let keys: Vec<(Position, RunId)> = said.iter().map(|(at, run, _)| (at.clone(), run.clone())).collect();
    let Some(known) = reports.recorded(&keys).await? else { return Ok(Vec::new()) };
    let pairs = said.into_iter().zip(known);
    Ok(pairs.filter(|((_, _, stay), known)| known.as_ref() != Some(stay)).map(|(stay, _)| stay).collect())
}

/// Looks for suspects among some runs.
pub(super) async fn suspect<P: Ports>(app: &App<P>, go: &mut Reconciliation, runs: &[Run]) -> Result<(), UseError> {
    if go.suspects.len() >= MOST {
        return Ok(());
    }
    let found = wrong(app.ports.reports(), runs.iter().filter(|run| has_its_turn(go, &run.id))).await?;
    for run in runs.iter().filter(|run| found.iter().any(|(_, id, _)| *id == run.id)) {
        if go.suspects.len() < MOST {
            go.suspects.push((run.id.clone(), run.revision));
        }
    }
    Ok(())
}

/// Looks at the suspects again, and puts right what is wrong with those that have not moved since.
pub(super) async fn settle<P: Ports>(app: &App<P>, go: &mut Reconciliation) -> Result<(), UseError> {
    let ids: Vec<RunId> = go.suspects.iter().map(|(id, _)| id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let same = |run: &Run| go.suspects.iter().any(|(id, revision)| *id == run.id && *revision == run.revision);
    let runs: Vec<Run> = app.store().runs(&ids).await?.into_iter().filter(same).collect();
    let wrong = wrong(app.ports.reports(), runs.iter()).await?;
    if go.repair && !wrong.is_empty() {
        tracing::warn!(records = wrong.len(), "records of who is where are put right");
        app.ports.reports().restore(&wrong).await?;
    }
    for (at, ..) in &wrong {
        if let Some(found) = go.found.iter_mut().find(|found| found.workflow == at.workflow) {
            let counter = if go.repair { &mut found.mended } else { &mut found.stays };
            *counter += 1;
        }
    }
    Ok(())
}
