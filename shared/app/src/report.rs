//! The report of a workflow: what was counted, by the names that its author gave to steps (S22).

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::ids::{ContactId, StepId, WorkflowId};
use carepath_engine::report::{Next, Seen, Tally, What};
use carepath_engine::run::Place;
use jiff::Timestamp;
use serde::Serialize;

use crate::App;
use crate::error::{Conflict, FieldError, UseError};
use crate::ports::{Activity, Page, Period, Ports, Position, Reports, Retry, StepState, Store, Visitor};
use crate::workflows;

/// Of which versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    /// The one that contacts enter; once there is none any more, the last one.
    #[default]
    Published,
    /// This one.
    One(u32),
    /// All of them together, by the ids of their steps.
    All,
}

/// What happened at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Its id: `entry` and `end` are places too, of the kinds `entry` and `end`.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Runs that came here. Each counts once in a version.
    pub entered: i64,
    /// Of those: runs that were moved here from another version.
    pub moved_in: i64,
    /// Runs that are here now.
    pub waiting: i64,
    /// Runs that went on.
    pub moved_on: i64,
    /// Runs that ended here, by reason.
    pub ended: BTreeMap<String, i64>,
    /// Where they went on to: a step, `end`, or `version:N` where they were moved to another version.
    pub edges: BTreeMap<String, i64>,
    /// Mails sent.
    pub sent: i64,
    /// Mails left out, by reason.
    pub skipped: BTreeMap<String, i64>,
    /// Mails that were refused or could not be made, by reason.
    pub failed: BTreeMap<String, i64>,
    /// Mails that reached the mailbox.
    pub delivered: i64,
    /// Mails that bounced.
    pub bounced: i64,
    /// Mails that were called spam.
    pub complained: i64,
    /// Mails by which their readers unsubscribed.
    pub unsubscribed: i64,
    /// Mails of which nobody knows whether they were sent.
    pub unknown: i64,
    /// Mails opened.
    pub opened: BySeen,
    /// Mails clicked in.
    pub clicked: Clicks,
}

/// Mails by who did something with them. Each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BySeen {
    /// A person.
    pub human: i64,
    /// A machine.
    pub machine: i64,
}

/// Mails clicked in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Clicks {
    /// By a person.
    pub human: i64,
    /// By a machine.
    pub machine: i64,
    /// Mails of which a person clicked a link, by its name.
    pub links: BTreeMap<String, i64>,
}

/// What the runs come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Runs that began.
    pub entered: i64,
    /// Runs that were moved in from another version.
    pub moved_in: i64,
    /// Runs that were moved out to another version.
    pub moved_out: i64,
    /// Runs that are under way now.
    pub active: i64,
    /// Runs that ended, by reason.
    pub ended: BTreeMap<String, i64>,
    /// Runs that reached the workflow's goal.
    pub goal: i64,
}

/// The report of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Of which version; `None` of all together.
    pub version: Option<u32>,
    /// The highest version that there is.
    pub latest: u32,
    /// When it was asked for. What happened in the last moments may not be in it.
    pub as_of: Timestamp,
    /// The first moment that counts; `None` where all do. Who is waiting is as of now in any case.
    pub from: Option<Timestamp>,
    /// The first moment that does not count any more.
    pub to: Option<Timestamp>,
    /// The places, in the order of the document.
    pub steps: Vec<Figures>,
    /// All of them.
    pub totals: Totals,
}

/// The report of a workflow.
///
/// # Errors
/// `NotFound`, `Conflict` where it was never published, `Invalid` for a version that there is not, and what the store cannot
/// do.
pub async fn report<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    versions: Versions,
    period: Option<Period>,
) -> Result<Report, UseError> {
    let (known, latest) = known(app, id, versions).await?;
    let one = known.first().filter(|_| versions != Versions::All).map(|version| version.number);
    let tally = app.ports.reports().report(id, one, period).await?;
    let moment = |hour: i64| Timestamp::from_second(hour.saturating_mul(3_600)).ok();
    let (steps, totals) = shaped(&known, &tally);
    Ok(Report {
        workflow: id.clone(),
        version: one,
        latest,
        as_of: app.now(),
        from: period.and_then(|period| moment(period.from)),
        to: period.and_then(|period| moment(period.to)),
        steps,
        totals,
    })
}

/// The versions that are asked for, the newest first, and the highest number.
async fn known<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    versions: Versions,
) -> Result<(Vec<Arc<Version>>, u32), UseError> {
    let state = workflows::get(app, id).await?.value;
    if state.latest == 0 {
        return Err(UseError::conflict(Conflict::NotPublished, "it has never been published: publish it first"));
    }
    let numbers = match versions {
        Versions::Published => vec![state.published.unwrap_or(state.latest)],
        Versions::One(number) => vec![number],
        Versions::All => (1..=state.latest).rev().collect(),
    };
    let mut known = Vec::with_capacity(numbers.len());
    for number in numbers {
        // A publication that was cut off in the middle leaves a gap in the numbers.
        known.extend(app.catalog.version(app.store(), id, number).await?);
    }
    if known.is_empty() {
        let fault = FieldError::new("version", "version", "must be the number of a version of this workflow, or `all`");
        return Err(UseError::Invalid(vec![fault]));
    }
    Ok((known, state.latest))
}

/// The id and the kind of a place.
pub fn named(version: &Version, place: Place) -> (&str, &'static str) {
    match place {
        Place::Entry => ("entry", "entry"),
        Place::End => ("end", "end"),
        Place::Step(index) => version.step(index).map_or(("?", "?"), |step| (step.id.as_str(), step.kind.name())),
    }
}

/// The figures under their names, and what they come to.
fn shaped(versions: &[Arc<Version>], tally: &Tally) -> (Vec<Figures>, Totals) {
    let mut order: Vec<(&str, &'static str)> = vec![("entry", "entry")];
    for version in versions {
        for step in &version.steps {
            // A step that is of another kind in another version is another step.
            let here = (step.id.as_str(), step.kind.name());
            if !order.contains(&here) {
                order.push(here);
            }
        }
    }
    order.push(("end", "end"));
    let figures =
        |(id, kind): &(&str, &str)| Figures { id: (*id).to_owned(), kind: (*kind).to_owned(), ..Figures::default() };
    let mut steps: Vec<Figures> = order.iter().map(figures).collect();
    let mut totals = Totals::default();
    for (cell, count) in tally.iter() {
        let Some(version) = versions.iter().find(|version| version.number == cell.version) else { continue };
        let place = cell.counter.place;
        let at = order.iter().position(|known| *known == named(version, place));
        let Some(figures) = at.and_then(|at| steps.get_mut(at)) else { continue };
        note(figures, version, &cell.counter.what, count);
        total(&mut totals, place, &cell.counter.what, count);
    }
    totals.goal = totals.ended.get("goal").copied().unwrap_or_default();
    (steps, totals)
}

fn add(to: &mut BTreeMap<String, i64>, name: &str, count: i64) {
    *to.entry(name.to_owned()).or_default() += count;
}

fn note(figures: &mut Figures, version: &Version, what: &What, count: i64) {
    match what {
        What::Entered => figures.entered += count,
        What::Arrived => {
            figures.entered += count;
            figures.moved_in += count;
        }
        What::Waiting => figures.waiting += count,
        What::MovedOn(next) => {
            figures.moved_on += count;
            match next {
                Next::Place(place) => add(&mut figures.edges, named(version, *place).0, count),
                Next::Version(number) => add(&mut figures.edges, &format!("version:{number}"), count),
            }
        }
        What::Ended(reason) => add(&mut figures.ended, reason, count),
        What::Sent => figures.sent += count,
        What::Skipped(reason) => add(&mut figures.skipped, reason, count),
        What::Failed(reason) => add(&mut figures.failed, reason, count),
        What::Unknown => figures.unknown += count,
        What::Delivered => figures.delivered += count,
        What::Bounced => figures.bounced += count,
        What::Complained => figures.complained += count,
        What::Unsubscribed => figures.unsubscribed += count,
        What::Opened(Seen::Human) => figures.opened.human += count,
        What::Opened(Seen::Machine) => figures.opened.machine += count,
        What::Clicked(Seen::Human) => figures.clicked.human += count,
        What::Clicked(Seen::Machine) => figures.clicked.machine += count,
        What::Link(name) => add(&mut figures.clicked.links, name, count),
    }
}

fn total(totals: &mut Totals, place: Place, what: &What, count: i64) {
    match what {
        What::Entered if place == Place::Entry => totals.entered += count,
        What::Arrived => totals.moved_in += count,
        What::MovedOn(Next::Version(_)) => totals.moved_out += count,
        What::Waiting => totals.active += count,
        What::Ended(reason) => add(&mut totals.ended, reason, count),
        What::Entered
        | What::MovedOn(Next::Place(_))
        | What::Sent
        | What::Skipped(_)
        | What::Failed(_)
        | What::Unknown
        | What::Delivered
        | What::Bounced
        | What::Complained
        | What::Unsubscribed
        | What::Opened(_)
        | What::Clicked(_)
        | What::Link(_) => {}
    }
}

/// Somebody in a step, or who was.
#[derive(Debug, Clone, PartialEq)]
pub struct InStep {
    /// Who; `None` once the contact is deleted.
    pub contact: Option<ContactId>,
    /// In which version.
    pub version: u32,
    /// What is known of the stay.
    pub visitor: Visitor,
}

/// Who is in a step, or was, one page. With several versions a page is of one of them.
///
/// # Errors
/// As [`report`]; `NotFound` for a step that none of the versions has, `Invalid` for a cursor that no page gave out.
pub async fn in_step<P: Ports>(
    app: &App<P>,
    (id, step): (&WorkflowId, &StepId),
    versions: Versions,
    state: StepState,
    (limit, cursor): (usize, Option<&str>),
) -> Result<Page<InStep>, UseError> {
    let (known, _) = known(app, id, versions).await?;
    let at = |version: &Arc<Version>| {
        Some(Position { workflow: id.clone(), version: version.number, step: version.index_of(step)? })
    };
    let all: Vec<Position> = known.iter().filter_map(at).collect();
    let bad = || UseError::invalid("cursor", "cursor", "must be the `next` of a page");
    let (place, inner) = match cursor {
        None => (0, None),
        Some(cursor) => {
            let (version, inner) = cursor.split_once('.').ok_or_else(bad)?;
            let version = version.parse::<u32>().map_err(|_| bad())?;
            let place = all.iter().position(|at| at.version == version).ok_or_else(bad)?;
            (place, (!inner.is_empty()).then_some(inner))
        }
    };
    let at = all.get(place).ok_or(UseError::NotFound { what: "step" })?;
    let page = app.ports.reports().in_step(at, state, limit, inner).await.map_err(|error| match inner {
        Some(_) if error.retry == Retry::Never => bad(),
        _ => error.into(),
    })?;
    let after = || all.get(place + 1).map(|after| format!("{}.", after.version));
    let next = page.next.map_or_else(after, |next| Some(format!("{}.{next}", at.version)));
    let ids: Vec<_> = page.items.iter().map(|visitor| visitor.run.clone()).collect();
    let runs: BTreeMap<_, _> =
        app.store().runs(&ids).await?.into_iter().map(|run| (run.id.clone(), run.contact)).collect();
    let who = |visitor: &Visitor| {
        let run = &visitor.run;
        // What stands in the place of somebody who was deleted is the name of nobody.
        runs.get(run).filter(|contact| contact.as_str() != run.contact().as_str()).cloned()
    };
    let items = page.items.into_iter().map(|visitor| InStep { contact: who(&visitor), version: at.version, visitor });
    Ok(Page { items: items.collect(), next })
}

/// How busy each workflow is, in a period and now.
///
/// # Errors
/// What the store cannot do.
pub async fn activity<P: Ports>(app: &App<P>, period: Period) -> Result<BTreeMap<WorkflowId, Activity>, UseError> {
    let all: Vec<WorkflowId> = workflows::list(app).await?.into_iter().map(|(id, _)| id).collect();
    Ok(app.ports.reports().activity(&all, period).await?)
}
