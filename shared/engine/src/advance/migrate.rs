//! Migration: a live run moves to another version of its workflow, and its visits move along (S3).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::walk::Walk;
use super::{Decision, Fault, Moment, Stale, heard, wait};
use crate::explain::Explanation;
use crate::ids::StepId;
use crate::run::{Heard, Kept, Outcome, Past, Place, Run, State};
use crate::version::{PathWhen, SharedVersion, StepIndex, Target, Version};

/// Where to, and in whose name.
#[derive(Debug, Clone)]
pub struct Migration {
    /// The version that the run is to be in.
    pub to: SharedVersion,
    /// Where runs go whose step is named here; `None` ends them. All others go to the step of the same id.
    pub map: BTreeMap<StepId, Option<StepId>>,
    /// Who moves it: the id of a key, or the subject of a token.
    pub by: String,
}

/// Why a run cannot move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoPlace {
    /// Not now: a mail of it is under way, or may be. Once that is settled, it can.
    Unsettled,
    /// The version has no such step.
    Gone,
    /// The step is of another kind there.
    OtherKind,
    /// The run has been at that step already, and no step is visited twice (S1, S2).
    Visited,
    /// It was moved so often that its mails could not be told apart any more.
    TooOften,
}

/// Where a run that is under way would go. `from` is the version that it is in.
///
/// # Errors
/// Why it has no place there.
pub fn destination(run: &Run, from: &Version, migration: &Migration) -> Result<Target, NoPlace> {
    let state = if let State::Paused { at, .. } = &run.state { at } else { &run.state };
    match state {
        State::Ready { .. } | State::Waiting { .. } => {}
        State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Paused { .. }
        | State::Ended { .. } => {
            return Err(NoPlace::Unsettled);
        }
    }
    let here = run.state.step().and_then(|step| from.step(step)).ok_or(NoPlace::Gone)?;
    let wanted = match migration.map.get(&here.id) {
        Some(None) => return Ok(Target::End),
        Some(Some(wanted)) => wanted,
        None => &here.id,
    };
    let to = &*migration.to;
    let at = to.index_of(wanted).ok_or(NoPlace::Gone)?;
    if to.step(at).is_none_or(|step| step.kind.name() != here.kind.name()) {
        return Err(NoPlace::OtherKind);
    }
    let other = *wanted != here.id;
    if other && (run.visited_steps(from).contains(wanted) || run.lineage_visited(&to.workflow, wanted)) {
        return Err(NoPlace::Visited);
    }
    let tags = usize::from(run.first_tag()) + from.steps.len() + to.steps.len() + run.visits.len();
    if StepIndex::try_from(tags).is_err() {
        return Err(NoPlace::TooOften);
    }
    Ok(Target::Step(at))
}

/// Moves the run, if it has a place in the other version. It stays at its step unless what it waits for has come true
/// there: then it goes on at once, as it would by a change of its contact.
pub(super) fn migrate(walk: Walk<'_>, migration: &Migration) -> Result<Decision, Fault> {
    let (from, to) = (walk.moment.version, &*migration.to);
    if to.workflow != from.workflow {
        return Err(Fault::WrongVersion);
    }
    if to.number == from.number {
        return Ok(Decision::Ignore(Stale::Known));
    }
    let here = walk.run.state.step();
    let mut why = Explanation::new(format!("moved to version {}", to.number), true, migration.by.clone());
    if let Some(here) = here.and_then(|here| from.step(here)) {
        why = why.observed(here.id.as_str());
    }
    match destination(&walk.run, from, migration) {
        Err(NoPlace::Unsettled) => Ok(Decision::Ignore(Stale::Unsettled)),
        Err(NoPlace::Gone | NoPlace::OtherKind | NoPlace::Visited | NoPlace::TooOften) => {
            Ok(Decision::Ignore(Stale::NoPlace))
        }
        Ok(Target::End) => walk.end(Outcome::Exited("migrated".into()), vec![why.expected("end")]),
        Ok(Target::Step(at)) => {
            let expected = to.step(at).map_or("", |step| step.id.as_str());
            let mut run = carried(&walk.run, from, migration, (at, walk.now()));
            if let Some(visit) = run.visits.last_mut() {
                visit.explanation.push(why.expected(expected));
            }
            settle(&run, Moment { version: to, ..walk.moment }, at)
        }
    }
}

/// The run as it stands in its new version: exit rules and goals that hold there end it, and a wait goes on since the same
/// moment, until the time that the new version says.
fn settle(run: &Run, mut moment: Moment<'_>, at: StepIndex) -> Result<Decision, Fault> {
    let (since, inner) =
        if let State::Paused { since, at } = &run.state { (Some(*since), &**at) } else { (None, &run.state) };
    // A run that a pause holds stays where it is, even if the pause is over and it is about to go on.
    moment.paused |= since.is_some();
    let mut walk = Walk::new(run, moment);
    if let Some((outcome, why)) = heard::condition_ends(&walk) {
        return walk.end(outcome, why);
    }
    let decision = match inner {
        State::Waiting { since, .. } => {
            walk.noted = true;
            wait::carry(walk, at, *since)?
        }
        State::Ready { due, .. } => walk.rest(State::Ready { step: at, due: *due })?,
        State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Paused { .. }
        | State::Ended { .. } => {
            return Err(Fault::WrongKind);
        }
    };
    Ok(match (decision, since) {
        (Decision::Move(mut transition), Some(since)) => {
            let state = transition.run.state;
            let at = if let State::Paused { at, .. } = state { at } else { Box::new(state) };
            transition.run.state = State::Paused { since, at };
            Decision::Move(transition)
        }
        (decision, _) => decision,
    })
}

/// The run with all that it knows of steps written under their places in the new version. It is at `at` there.
fn carried(run: &Run, from: &Version, migration: &Migration, (at, moved_at): (StepIndex, Timestamp)) -> Run {
    let to = &*migration.to;
    let here = run.state.step();
    let now = places(run, from, to, at);
    let moved = |step: &mut StepIndex| *step = now.get(step).copied().unwrap_or(*step);
    let mut run = run.clone();
    // The visit that a migration carried here was made in the version before, and its mail perhaps in this one.
    let first = run.past.last().map_or(0, |past| past.visits.saturating_sub(1));
    let visited = run.visits.iter().skip(first).filter_map(|visit| match visit.place {
        Place::Entry | Place::End => None,
        Place::Step(was) => {
            Some(Kept { id: from.step(was)?.id.clone(), was, now: now.get(&was).copied().unwrap_or(was) })
        }
    });
    let visited = visited.collect();
    for kept in run.past.iter_mut().flat_map(|past| &mut past.visited) {
        moved(&mut kept.now);
    }
    let steps = StepIndex::try_from(from.steps.len()).unwrap_or(StepIndex::MAX);
    let (visits, moved_at) = (run.visits.len(), Some(moved_at));
    run.past.push(Past { version: from.number, steps, at: moved_at, visits, visited });
    for visit in &mut run.visits {
        if let Place::Step(step) = &mut visit.place {
            moved(step);
        }
    }
    run.messages = std::mem::take(&mut run.messages)
        .into_iter()
        .map(|(mut step, message)| {
            moved(&mut step);
            (step, message)
        })
        .collect();
    let heard = std::mem::take(&mut run.heard);
    run.heard =
        heard.into_iter().filter_map(|heard| heard_there(heard, from, migration, here.map(|h| (h, at)))).collect();
    run.version = to.number;
    run
}

/// The place in the new version of each step that the run was in: that of the same id, or one behind the last.
fn places(run: &Run, from: &Version, to: &Version, at: StepIndex) -> BTreeMap<StepIndex, StepIndex> {
    let here = run.state.step();
    let mut free = to.steps.len();
    let mut places = BTreeMap::new();
    let visited = run.visits.iter().filter_map(|visit| match visit.place {
        Place::Step(step) => Some(step),
        Place::Entry | Place::End => None,
    });
    for was in visited {
        let same = || to.index_of(run.step_id(was, from)?);
        let now = if here == Some(was) { Some(at) } else { same() };
        let now = now.unwrap_or_else(|| {
            free += 1;
            StepIndex::try_from(free - 1).unwrap_or(StepIndex::MAX)
        });
        places.insert(was, now);
    }
    places
}

/// An event that was heard for a `wait_for`, as far as the new version waits for the same thing there.
fn heard_there(
    heard: Heard,
    from: &Version,
    migration: &Migration,
    here: Option<(StepIndex, StepIndex)>,
) -> Option<Heard> {
    let to = &*migration.to;
    let was = from.step(heard.step)?;
    let step = match here {
        Some((here, at)) if here == heard.step => at,
        _ => to.index_of(&was.id).or_else(|| to.index_of(migration.map.get(&was.id)?.as_ref()?))?,
    };
    let waited = &was.kind.paths().get(usize::from(heard.path))?.when;
    let paths = &to.step(step)?.kind.paths();
    let (path, _) = (0_u16..).zip(paths.iter()).find(|(_, path)| same_event(waited, &path.when))?;
    Some(Heard { step, path, ..heard })
}

/// Whether two paths wait for the same event. Conditions have no equality of their own (a span of 24 hours and one of a
/// day are not the same and not different), so their texts are compared.
fn same_event(a: &PathWhen, b: &PathWhen) -> bool {
    match (a, b) {
        (PathWhen::Event { name: a, filter: when_a }, PathWhen::Event { name: b, filter: when_b }) => {
            a == b && format!("{when_a:?}") == format!("{when_b:?}")
        }
        (PathWhen::Condition(_), _) | (_, PathWhen::Condition(_)) => false,
    }
}
