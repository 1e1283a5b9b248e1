//! Segments: named sets of contacts.

use std::collections::BTreeSet;

use carepath_engine::compile;
use carepath_engine::history::Tracked;
use carepath_engine::ids::SegmentId;
use carepath_engine::segment::{Membership, Segment};
use carepath_engine::version::{StepKind, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::App;
use crate::documents::{self, Expect, Stored};
use crate::error::{Conflict, FieldError, UseError};
use crate::fill::{self, Fill, Filling};
use crate::ports::{DocumentKind, Ports, Store};
use crate::templates::named;

/// A segment as it is kept. A deleted one leaves its place, so that its revisions never come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentState {
    /// What its author wrote; `None` once it is deleted.
    pub(crate) source: Option<Value>,
}

/// Creates or replaces a segment. `true` where it is new.
///
/// # Errors
/// `Invalid` with every fault of it, `Stale` where `expect` does not hold.
pub async fn put<P: Ports>(
    app: &App<P>,
    id: &SegmentId,
    source: Value,
    expect: Expect,
) -> Result<(Stored<Value>, bool), UseError> {
    let source = named(source, id.as_str())?;
    let segment = compile::segment(&source).map_err(|report| {
        let faults = report.findings.into_iter().map(|found| FieldError::new(found.pointer, "segment", found.message));
        UseError::Invalid(faults.collect())
    })?;
    let published = app.published().await?;
    let others = published.segments.values().map(|other| (other.id.clone(), compile::named_by(other))).collect();
    if let Some(message) = compile::goes_round(&segment, &others) {
        return Err(UseError::Invalid(vec![FieldError::new("/when", "segment", message)]));
    }
    let before = read(app, id).await?;
    let known = before.as_ref().filter(|before| before.value.source.is_some()).map(|before| before.revision);
    expect.check(known)?;
    let same = before.as_ref().is_some_and(|before| before.value.source.as_ref() == Some(&source));
    let revision = before.map_or(0, |before| before.revision);
    let fills = !same && matches!(segment.membership, Membership::When(_));
    if fills {
        let mut asked = Tracked::default();
        if let Membership::When(condition) = &segment.membership {
            asked.add(condition);
        }
        let news = fill::news(&asked, &app.published().await?.watched.tracked);
        fill::begin(app, &Filling::Segment(id.clone()), &news).await?;
    }
    write(app, id, &SegmentState { source: Some(source.clone()) }, revision).await?;
    if fills {
        fill::now(app, &Filling::Segment(id.clone())).await;
    }
    Ok((Stored { value: source, revision: revision + 1 }, known.is_none()))
}

/// A segment as its author wrote it.
///
/// # Errors
/// `NotFound`.
pub async fn get<P: Ports>(app: &App<P>, id: &SegmentId) -> Result<Stored<Value>, UseError> {
    let found = read(app, id).await?;
    found
        .and_then(|found| Some(Stored { value: found.value.source?, revision: found.revision }))
        .ok_or(UseError::NotFound { what: "segment" })
}

/// All segments, by id.
///
/// # Errors
/// Where the store fails.
pub async fn list<P: Ports>(app: &App<P>) -> Result<Vec<Stored<Value>>, UseError> {
    let mut segments = Vec::new();
    for document in app.store().documents(DocumentKind::Segment).await? {
        let state: SegmentState = documents::parse(document.body, "segment")?;
        segments.extend(state.source.map(|value| Stored { value, revision: document.revision }));
    }
    Ok(segments)
}

/// A segment whose members are kept by hand.
///
/// # Errors
/// `NotFound`, and `Conflict` where a condition decides who is in it.
pub async fn manual<P: Ports>(app: &App<P>, id: &SegmentId) -> Result<std::sync::Arc<Segment>, UseError> {
    let published = app.published().await?;
    let segment = published.segments.get(id).ok_or(UseError::NotFound { what: "segment" })?;
    match segment.membership {
        Membership::Manual => Ok(std::sync::Arc::clone(segment)),
        Membership::When(_) => Err(UseError::conflict(
            Conflict::SegmentByCondition,
            "its condition decides who is in it: change that instead",
        )),
    }
}

/// Deletes a segment.
///
/// # Errors
/// `NotFound`, `Stale`, and `Conflict` while a published workflow starts from it or changes it.
pub async fn delete<P: Ports>(app: &App<P>, id: &SegmentId, expect: Expect) -> Result<(), UseError> {
    let found = get(app, id).await?;
    expect.check(Some(found.revision))?;
    let published = app.published().await?;
    let user = published.workflows.values().filter(|live| !live.archived).find(|live| {
        let starts = match &live.version.entry.trigger {
            Trigger::Segment { segment, .. } => segment == id,
            Trigger::Schedule(schedule) => schedule.segment == *id,
            Trigger::Event { .. }
            | Trigger::Attribute { .. }
            | Trigger::Milestone(_)
            | Trigger::Inactivity(_)
            | Trigger::Api => false,
        };
        let changes = |kind: &StepKind| {
            matches!(kind, StepKind::Segment { add, remove, .. } if add.contains(id) || remove.contains(id))
        };
        starts || live.version.steps.iter().any(|step| changes(&step.kind))
    });
    if let Some(user) = user {
        let detail = format!("workflow `{}` uses it: archive or republish that first", user.version.workflow);
        return Err(UseError::conflict(Conflict::InUse, detail));
    }
    // Its members leave it, as everybody does to whom its condition no longer applies.
    let filling = Filling::Segment(id.clone());
    fill::begin(app, &filling, &BTreeSet::new()).await?;
    write(app, id, &SegmentState { source: None }, found.revision).await?;
    fill::now(app, &filling).await;
    Ok(())
}

/// How many contacts are in a segment, and how far it has been filled where a condition decides about them.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its members.
    pub size: u64,
    /// The last fill, where there was one.
    pub fill: Option<Fill>,
}

/// How a segment stands.
///
/// # Errors
/// Where the store fails.
pub async fn standing<P: Ports>(app: &App<P>, id: &SegmentId) -> Result<Standing, UseError> {
    let size = app.store().count_members(id).await?;
    Ok(Standing { size, fill: fill::progress(app, &Filling::Segment(id.clone())).await? })
}

async fn read<P: Ports>(app: &App<P>, id: &SegmentId) -> Result<Option<Stored<SegmentState>>, UseError> {
    documents::read(app.store(), DocumentKind::Segment, id.as_str(), "segment").await
}

async fn write<P: Ports>(app: &App<P>, id: &SegmentId, state: &SegmentState, revision: u64) -> Result<(), UseError> {
    if !documents::write(app.store(), DocumentKind::Segment, id.as_str(), state, revision).await? {
        return Err(UseError::Stale);
    }
    app.catalog.invalidate();
    Ok(())
}
