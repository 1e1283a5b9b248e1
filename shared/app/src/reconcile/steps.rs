//! The steps of a proof. Each is short, and ends by writing down how far it came, over what it began with: of two workers at the
//! same step one comes to nothing.

use carepath_engine::ids::WorkflowId;
use jiff::{SignedDuration, Timestamp};

use super::{All, Phase, Reconciliation, Sums, compare, parts, stays};
use crate::App;
use crate::error::UseError;
use crate::ports::{Ports, Reports, Store, Wanted};
use crate::tasks;
use crate::workflows;

/// How many runs are read in one request.
const PAGE: usize = 1_000;
/// After so long a step begins nothing new: a Lambda has a minute.
const STEP: SignedDuration = SignedDuration::from_secs(15);
/// How long what happened may take to be counted: so long after the last run was read the first look is, and after it the second.
const LAG: SignedDuration = SignedDuration::from_secs(30);

/// One step.
pub(crate) async fn go_on<P: Ports>(app: &App<P>, name: &str, now: Timestamp) -> Result<(), UseError> {
    let Some(stored) = tasks::read::<P, Reconciliation>(app, name).await? else { return Ok(()) };
    let mut go = stored.value;
    if go.finished_at.is_some() {
        return Ok(());
    }
    if now < go.not_before {
        tasks::hint(app, name, go.not_before).await;
        return Ok(());
    }
    let mut all = if let Some(all) = parts::load(app, name, &go.parts).await? {
        all
    } else {
        tracing::warn!("what was counted so far cannot be read: the comparison begins anew");
        go.restart(now);
        All::new()
    };
    let sums_changed = match go.phase {
        Phase::First => first(app, &mut go, &mut all, now).await?,
        Phase::Reading => read(app, &mut go, &mut all, now).await?,
        Phase::Look | Phase::Again => look(app, &mut go, &all, now).await?,
    };
    if sums_changed {
        go.parts = parts::save(app, name, &go.parts, &all).await?;
    }
    let next = go.finished_at.is_none().then_some(go.not_before.max(now));
    let due = next.map(|at| at.saturating_add(tasks::GRACE).unwrap_or(at));
    if !tasks::write(app, name, &go, (due, stored.revision)).await? {
        // Who was faster goes on.
        return Ok(());
    }
    if let Some(at) = next {
        tasks::hint(app, name, at).await;
        return Ok(());
    }
    tell(app, &go);
    parts::clear(app, name, &go.parts).await
}

fn in_time<P: Ports>(app: &App<P>, since: Timestamp) -> bool {
    app.now().duration_since(since) < STEP
}

/// What is kept when it begins, as far as a step comes.
async fn first<P: Ports>(
    app: &App<P>,
    go: &mut Reconciliation,
    all: &mut All,
    now: Timestamp,
) -> Result<bool, UseError> {
    let scope: Vec<WorkflowId> = if let Some(id) = &go.workflow {
        vec![id.clone()]
    } else {
        let known = workflows::list(app).await?;
        known.into_iter().filter(|(_, stored)| stored.value.latest > 0).map(|(id, _)| id).collect()
    };
    for id in scope {
        if all.contains_key(&id) {
            continue;
        }
        if !in_time(app, now) {
            return Ok(true);
        }
        let kept = app.ports.reports().kept(&id).await?;
        go.kept = kept.is_some();
        let first = kept.map(|kept| compare::coarse(&kept, go.fine_from)).unwrap_or_default();
        all.insert(id, Sums { first, ..Sums::default() });
    }
    go.phase = Phase::Reading;
    Ok(true)
}

/// Some pages of runs.
async fn read<P: Ports>(
    app: &App<P>,
    go: &mut Reconciliation,
    all: &mut All,
    now: Timestamp,
) -> Result<bool, UseError> {
    let most = app.ports.runs_a_step();
    let mut looked_at = 0;
    loop {
        let wanted = Wanted { workflow: go.workflow.as_ref(), live: false };
        let page = app.store().runs_that(wanted, PAGE.min(most), go.cursor.as_deref()).await?;
        for run in &page.items {
            let Some(sums) = all.get_mut(&run.workflow) else { continue };
            let mut tally = carepath_engine::report::Tally::of(run);
            if go.fine_from > 0 {
                tally = compare::coarse(&tally, go.fine_from);
            }
            sums.counted.add(&tally, 1);
            sums.runs += 1;
        }
        go.runs += page.items.len() as u64;
        if go.kept {
            stays::suspect(app, go, &page.items).await?;
        }
        go.cursor = page.next;
        if go.cursor.is_none() {
            // Where reports are counted from the runs nothing is on its way.
            go.phase = if go.kept { Phase::Look } else { Phase::Again };
            go.not_before = if go.kept { later(app.now()) } else { now };
            return Ok(true);
        }
        looked_at += PAGE.min(most);
        if looked_at >= most || !in_time(app, now) {
            return Ok(true);
        }
    }
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(LAG).unwrap_or(now)
}

/// Looks at some workflows.
async fn look<P: Ports>(app: &App<P>, go: &mut Reconciliation, all: &All, now: Timestamp) -> Result<bool, UseError> {
    let again = go.phase == Phase::Again;
    let behind: Option<WorkflowId> = go.cursor.as_deref().and_then(|id| id.parse().ok());
    for (id, sums) in all.iter().filter(|(id, _)| behind.as_ref().is_none_or(|behind| *id > behind)) {
        if !in_time(app, now) {
            return Ok(false);
        }
        if again && go.kept {
            app.ports.reports().tidy(id, app.now()).await?;
        }
        let before = go.found.iter().position(|found| found.workflow == *id);
        let how = (go.fine_from, before.and_then(|nth| go.found.get(nth)), again && go.repair);
        let found = compare::look(app, id, sums, how).await?;
        match before.and_then(|nth| go.found.get_mut(nth)) {
            Some(known) => *known = found,
            None => go.found.push(found),
        }
        go.cursor = Some(id.to_string());
    }
    go.cursor = None;
    if again {
        stays::settle(app, go).await?;
        go.suspects.clear();
        go.finished_at = Some(app.now());
    } else {
        (go.phase, go.not_before) = (Phase::Again, later(app.now()));
    }
    Ok(false)
}

/// What came of it, in the log, and of all workflows in the numbers that are watched.
fn tell<P: Ports>(app: &App<P>, go: &Reconciliation) {
    for found in &go.found {
        let (differences, unlawful, stays) = (found.differing, found.unlawful.len(), found.stays);
        let (workflow, runs, quiet) = (&found.workflow, found.runs, found.quiet);
        if found.wrong() > 0 {
            tracing::error!(%workflow, runs, differences, unlawful, stays, "reports do not add up");
        } else {
            tracing::info!(%workflow, runs, quiet, "reports were compared");
        }
    }
    if go.workflow.is_none() {
        app.counters.reconciled(go.wrong());
    }
}
