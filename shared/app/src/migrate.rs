//! Migration: the live runs of a workflow move to another version, after somebody has seen how many and where (S3).
//!
//! There is no index of runs by workflow: both the plan and the move look through the table, a bounded part a request, and
//! say where to go on. Each run is a commit of its own and one that is moved is not found again, so that what is cut short
//! anywhere is finished by asking once more.

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::advance::{Migration, NoPlace, destination};
use carepath_engine::ids::{StepId, WorkflowId};
use carepath_engine::version::Target;
use carepath_engine::{Input, Run, Version};

use crate::App;
use crate::drive;
use crate::error::{Conflict, FieldError, UseError};
use crate::ports::{Ports, Retry, Store, Wanted};
use crate::workflows;

/// How many runs are looked at for a page of a plan, and for a page of moves, which are a write each.
const PLANNED: usize = 10_000;
const MOVED: usize = 500;
/// The code of a run that cannot be read, or contradicts its version.
const UNREADABLE: &str = "unreadable";

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Whether to do it, or only to say what it would come to.
    pub apply: bool,
    /// The version to move to; the published one where it is not given.
    pub to: Option<u32>,
    /// Only runs in this version.
    pub from: Option<u32>,
    /// Where runs at a step go that the version does not have, or that are to go elsewhere; `None` ends them.
    pub map: BTreeMap<StepId, Option<StepId>>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// What a page of it comes to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The version that runs move to.
    pub to: u32,
    /// The runs in other versions, by version and step.
    pub steps: BTreeMap<(u32, StepId), AtStep>,
    /// How many live runs are in that version already.
    pub there: u64,
    /// Where the next page begins; `None` where all runs have been looked at.
    pub next: Option<String>,
}

/// The live runs at a step.
#[derive(Debug, Clone, Default)]
pub struct AtStep {
    /// Its kind.
    pub kind: &'static str,
    /// Where they are to go: a step, or `end`.
    pub goes_to: String,
    /// How many they are.
    pub runs: u64,
    /// Of those: how many move, or were moved.
    pub moves: u64,
    /// How many end.
    pub ends: u64,
    /// How many cannot move yet, since a mail of theirs is under way.
    pub later: u64,
    /// How many cannot move, by a stable code of the reason.
    pub cannot: BTreeMap<&'static str, u64>,
}

/// The stable code of why a run has no place in a version. `None` where that is only for now.
const fn code(why: NoPlace) -> Option<&'static str> {
    match why {
        NoPlace::Unsettled => None,
        NoPlace::Gone => Some("gone"),
        NoPlace::OtherKind => Some("other_kind"),
        NoPlace::Visited => Some("visited"),
        NoPlace::TooOften => Some("too_often"),
    }
}

/// Why runs at a step cannot move, in the words of whoever writes workflows, and how to mend it.
pub fn reason(code: &str, step: &StepId, kind: &str, target: &str, to: u32) -> String {
    match code {
        "gone" => format!("version {to} has no step `{step}`: say in `map` where its runs go, to a step or to `end`"),
        "other_kind" => {
            format!("`{target}` is no `{kind}` in version {to}: name a step that is one in `map`, or `end`")
        }
        "visited" => {
            format!("they have been at `{target}` before, and no step is visited twice: name another one, or `end`")
        }
        "too_often" => "they were moved so often that their mails could not be told apart any more".to_owned(),
        _ => "they cannot be read, or contradict their version: see the list of parked work".to_owned(),
    }
}

/// Plans a migration, or carries it out, one page of it.
///
/// # Errors
/// `NotFound`, `Conflict` where nothing is published, `Invalid` for versions and steps that there are not, and what the
/// store cannot do: asking again goes on.
pub async fn migrate<P: Ports>(app: &App<P>, id: &WorkflowId, order: Order, by: &str) -> Result<Answer, UseError> {
    let to = target(app, id, &order).await?;
    let mut answer = Answer { to: to.number, steps: BTreeMap::new(), there: 0, next: None };
    let migration = Migration { to, map: order.map, by: by.to_owned() };
    let looked_at = if order.apply { MOVED } else { PLANNED };
    let page =
        app.store().runs_that(Wanted { workflow: Some(id), live: true }, looked_at, order.cursor.as_deref()).await;
    let page = page.map_err(|error| match &order.cursor {
        Some(_) if error.retry == Retry::Never => {
            UseError::invalid("/cursor", "cursor", "must be the `next` of a page")
        }
        _ => error.into(),
    })?;
    answer.next = page.next;
    for run in page.items {
        if run.version == migration.to.number {
            answer.there += 1;
        } else if order.from.is_none_or(|from| from == run.version) {
            one(app, run, &migration, order.apply, &mut answer).await?;
        }
    }
    Ok(answer)
}

/// The version to move to, where all that the order names is there.
async fn target<P: Ports>(app: &App<P>, id: &WorkflowId, order: &Order) -> Result<Arc<Version>, UseError> {
    let state = workflows::get(app, id).await?.value;
    let never = || UseError::conflict(Conflict::NotPublished, "it has never been published: publish it first");
    let number = order.to.or(state.published).ok_or_else(never)?;
    let missing = |field: &str| FieldError::new(field, "version", "must be the number of a version of this workflow");
    let to = app.catalog.version(app.store(), id, number).await?;
    let to = to.ok_or_else(|| UseError::Invalid(vec![missing("/to")]))?;
    let mut faults = Vec::new();
    let mut unknown: Vec<&StepId> = order.map.keys().collect();
    for from in (1..=state.latest).rev().filter(|from| *from != number) {
        if order.from.is_some_and(|only| only != from) {
            continue;
        }
        match app.catalog.version(app.store(), id, from).await? {
            Some(version) => unknown.retain(|step| version.index_of(step).is_none()),
            None if order.from.is_some() => faults.push(missing("/from")),
            None => {}
        }
        if unknown.is_empty() && order.from.is_none() {
            break;
        }
    }
    if order.from.is_some_and(|from| from == 0 || from > state.latest || from == number) {
        faults.push(FieldError::new("/from", "version", "must be another version of this workflow than `to`"));
    }
    let at = |step: &StepId| format!("/map/{step}");
    faults.extend(unknown.into_iter().map(|step| FieldError::new(at(step), "step", "no other version has this step")));
    for (step, wanted) in &order.map {
        if wanted.as_ref().is_some_and(|wanted| to.index_of(wanted).is_none()) {
            let fault = format!("must be `end` or a step of version {number}");
            faults.push(FieldError::new(at(step), "step", fault));
        }
    }
    if faults.is_empty() { Ok(to) } else { Err(UseError::Invalid(faults)) }
}

/// Counts what becomes of a run, after it has become so where it is to.
async fn one<P: Ports>(
    app: &App<P>,
    run: Run,
    migration: &Migration,
    apply: bool,
    answer: &mut Answer,
) -> Result<(), UseError> {
    let from = drive::version_of(app, &run).await?;
    let Some(step) = run.state.step().and_then(|step| from.step(step)) else { return Ok(()) };
    let wanted = migration.map.get(&step.id).cloned().unwrap_or_else(|| Some(step.id.clone()));
    let at = answer.steps.entry((run.version, step.id.clone())).or_default();
    at.kind = step.kind.name();
    at.runs += 1;
    at.goes_to = wanted.map_or_else(|| "end".to_owned(), |step| step.to_string());
    let became = if apply { moved(app, run, migration).await } else { Ok(destination(&run, &from, migration)) };
    match became {
        Ok(Ok(Target::Step(_))) => at.moves += 1,
        Ok(Ok(Target::End)) => at.ends += 1,
        Ok(Err(why)) => match code(why) {
            Some(code) => *at.cannot.entry(code).or_default() += 1,
            None => at.later += 1,
        },
        Err(error) if error.retry() == Retry::Never => *at.cannot.entry(UNREADABLE).or_default() += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Moves a run as it stands by now, and says what came of it.
async fn moved<P: Ports>(app: &App<P>, run: Run, migration: &Migration) -> Result<Result<Target, NoPlace>, UseError> {
    let (Some(run), Some(contact)) = app.store().run_and_contact(&run.id).await? else {
        // Its contact was deleted, and it ends with it.
        return Ok(Err(NoPlace::Unsettled));
    };
    let from = drive::version_of(app, &run).await?;
    let planned = destination(&run, &from, migration);
    if planned.is_err() {
        return Ok(planned);
    }
    let after = Box::pin(drive::applied(app, run, contact, Input::Migrate(migration.clone()))).await?;
    if after.version == migration.to.number || after.is_ended() {
        return Ok(planned);
    }
    // Something else was faster, and it stands elsewhere now.
    let from = drive::version_of(app, &after).await?;
    Ok(Err(destination(&after, &from, migration).err().unwrap_or(NoPlace::Unsettled)))
}
