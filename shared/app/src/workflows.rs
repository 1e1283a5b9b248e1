//! Workflows: a draft that anybody may be halfway through, and the versions that were published from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::compile::{self, Context, WayOut};
use carepath_engine::document::Report;
use carepath_engine::ids::{SegmentId, TemplateId, WorkflowId};
use carepath_engine::segment::Membership;
use carepath_engine::version::{Trigger, Version};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::App;
use crate::catalog::template_facts;
use crate::documents::{self, Expect, Stored, TRIES};
use crate::error::{Conflict, UseError};
use crate::fill::{self, Filling};
use crate::ports::{DocumentKind, Ports, Store};
use crate::schedule;
use crate::templates::{freeze, named};
use crate::unsubscribe;
use crate::watch::Watched;

/// A workflow as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowState {
    /// The text that is being edited; `None` once the workflow is deleted, when only its numbers are kept.
    pub draft: Option<Value>,
    /// The version that contacts enter.
    pub published: Option<u32>,
    /// The highest number that was given out.
    pub latest: u32,
    /// Whether its runs stand still (S15).
    pub paused: bool,
    /// Whether it lets nobody in any more.
    pub archived: bool,
    /// What of a contact any of its versions looks at.
    #[serde(default)]
    pub watched: Watched,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A frozen version as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDocument {
    /// The text.
    pub document: Value,
    /// The versions of its templates.
    pub pins: BTreeMap<TemplateId, u32>,
    /// When it was published.
    pub published_at: Timestamp,
}

/// What came of publishing.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The version that contacts enter now.
    pub version: Arc<Version>,
    /// `false` where that very text was published already.
    pub changed: bool,
    /// Warnings and remarks.
    pub report: Report,
}

/// Creates or replaces a draft, whatever is wrong with it. `true` where the workflow is new.
///
/// # Errors
/// `Invalid` for what is no object, `Stale` where `expect` does not hold.
pub async fn put<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    draft: Value,
    expect: Expect,
) -> Result<(Stored<WorkflowState>, bool), UseError> {
    let draft = named(draft, id.as_str())?;
    let before = read(app, id).await?;
    let known = before.as_ref().filter(|before| before.value.draft.is_some()).map(|before| before.revision);
    expect.check(known)?;
    let (mut state, revision) = before.map_or_else(|| (new_state(app.now()), 0), |at| (at.value, at.revision));
    state.draft = Some(draft);
    let stored = write(app, id, state, revision).await?;
    Ok((stored.ok_or(UseError::Stale)?, known.is_none()))
}

/// A workflow.
///
/// # Errors
/// `NotFound`.
pub async fn get<P: Ports>(app: &App<P>, id: &WorkflowId) -> Result<Stored<WorkflowState>, UseError> {
    let found = read(app, id).await?.filter(|found| found.value.draft.is_some());
    found.ok_or(UseError::NotFound { what: "workflow" })
}

/// All workflows, by id.
///
/// # Errors
/// Where the store fails.
pub async fn list<P: Ports>(app: &App<P>) -> Result<Vec<(WorkflowId, Stored<WorkflowState>)>, UseError> {
    let mut workflows = Vec::new();
    for document in app.store().documents(DocumentKind::Workflow).await? {
        let id = document.id.parse().map_err(|_| UseError::Corrupt { what: "workflow" })?;
        let value: WorkflowState = documents::parse(document.body, "workflow")?;
        if value.draft.is_some() {
            workflows.push((id, Stored { value, revision: document.revision }));
        }
    }
    Ok(workflows)
}

/// Deletes a workflow that lets nobody in. Its frozen versions stay, for the runs that were in them.
///
/// # Errors
/// `NotFound`, `Stale`, and `Conflict` while it is published.
pub async fn delete<P: Ports>(app: &App<P>, id: &WorkflowId, expect: Expect) -> Result<(), UseError> {
    let found = get(app, id).await?;
    expect.check(Some(found.revision))?;
    if found.value.published.is_some() && !found.value.archived {
        return Err(UseError::conflict(Conflict::Published, "it is published: archive it first"));
    }
    let state = WorkflowState { draft: None, ..found.value };
    write(app, id, state, found.revision).await?.map(drop).ok_or(UseError::Stale)
}

/// Everything that is wrong with a draft: the stored one, or the one that is given.
///
/// # Errors
/// `NotFound` where none is given and none is stored.
pub async fn check<P: Ports>(app: &App<P>, id: &WorkflowId, document: Option<Value>) -> Result<Report, UseError> {
    let document = match document {
        Some(document) => named(document, id.as_str())?,
        None => get(app, id).await?.value.draft.unwrap_or_default(),
    };
    Ok(Surroundings::of(app, id).await?.with(|context| compile::check(&document, context)))
}

/// Publishes the draft: from now on contacts enter this version, and live runs stay in theirs (S3).
///
/// # Errors
/// `Refused` with the report where the draft has errors, `Stale`, `NotFound`.
pub async fn publish<P: Ports>(app: &App<P>, id: &WorkflowId, expect: Expect) -> Result<Publication, UseError> {
    let found = get(app, id).await?;
    expect.check(Some(found.revision))?;
    let mut state = found.value;
    let draft = state.draft.clone().unwrap_or_default();
    let surroundings = Surroundings::of(app, id).await?;
    let number = state.latest + 1;
    let compiled = surroundings
        .with(|context| compile::compile(&draft, number, context))
        .map_err(|report| UseError::Refused(Box::new(report)))?;
    let frozen = VersionDocument { document: draft, pins: compiled.pins, published_at: app.now() };
    if let Some(version) = same(app, id, &state, &frozen).await? {
        // Perhaps the publication was cut off before this.
        Box::pin(schedule::set(app, &version)).await?;
        return Ok(Publication { version, changed: false, report: compiled.report });
    }
    for (template, version) in &frozen.pins {
        freeze(app, template, *version).await?;
    }
    let number = keep_version(app, id, number, &frozen).await?;
    state.latest = number;
    state.published = Some(number);
    state.archived = false;
    let tracked = app.published().await?.watched.tracked.clone();
    state.watched.add(&compiled.version);
    let news = fill::news(&state.watched.tracked, &tracked);
    let filling = Filling::Workflow(id.clone());
    let timed = matches!(compiled.version.entry.trigger, Trigger::Milestone(_) | Trigger::Inactivity(_));
    let fills = timed || !news.is_empty();
    if fills {
        Box::pin(fill::begin(app, &filling, &news)).await?;
    }
    write(app, id, state, found.revision).await?.ok_or(UseError::Stale)?;
    if fills {
        fill::now(app, &filling).await;
    }
    let version = app.catalog.version(app.store(), id, number).await?;
    let version = version.ok_or(UseError::Corrupt { what: "version" })?;
    Box::pin(schedule::set(app, &version)).await?;
    Ok(Publication { version, changed: true, report: compiled.report })
}

/// Holds all runs of a workflow (S15).
///
/// # Errors
/// `NotFound`, `Stale`, `Conflict` where nothing is published.
pub async fn pause<P: Ports>(app: &App<P>, id: &WorkflowId, expect: Expect) -> Result<Stored<WorkflowState>, UseError> {
    change(app, id, expect, |state| state.paused = true).await
}

/// Takes back a pause. The paused runs go on by `work::resume`, which has to follow.
///
/// # Errors
/// `NotFound`, `Stale`, `Conflict` where nothing is published.
pub async fn unpause<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    expect: Expect,
) -> Result<Stored<WorkflowState>, UseError> {
    change(app, id, expect, |state| state.paused = false).await
}

/// Lets nobody in any more. Live runs go on to their ends.
///
/// # Errors
/// `NotFound`, `Stale`, `Conflict` where nothing is published.
pub async fn archive<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    expect: Expect,
) -> Result<Stored<WorkflowState>, UseError> {
    change(app, id, expect, |state| state.archived = true).await
}

/// The numbers of the frozen versions, oldest first, with the times at which they were published.
///
/// # Errors
/// `NotFound`.
pub async fn versions<P: Ports>(app: &App<P>, id: &WorkflowId) -> Result<Vec<(u32, Timestamp)>, UseError> {
    let state = get(app, id).await?.value;
    let mut versions = Vec::new();
    for number in 1..=state.latest {
        // A publication that was cut off in the middle leaves a gap in the numbers.
        if let Some(frozen) = version(app, id, number).await? {
            versions.push((number, frozen.published_at));
        }
    }
    Ok(versions)
}

/// A frozen version's text.
///
/// # Errors
/// Where the store fails.
pub async fn version<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    number: u32,
) -> Result<Option<VersionDocument>, UseError> {
    let name = format!("{id}/{number}");
    let found =
        documents::read::<VersionDocument, P::Store>(app.store(), DocumentKind::Version, name, "version").await?;
    Ok(found.map(|found| found.value))
}

/// What a document may refer to.
struct Surroundings {
    workflows: BTreeMap<WorkflowId, Arc<Version>>,
    templates: BTreeMap<TemplateId, compile::TemplateFacts>,
    segments: BTreeMap<SegmentId, Membership>,
    schema: crate::settings::Schema,
    way_out: WayOut,
}

impl Surroundings {
    async fn of<P: Ports>(app: &App<P>, id: &WorkflowId) -> Result<Self, UseError> {
        let published = app.published().await?;
        let templates = template_facts(&app.catalog, app.store()).await?;
        let live = published.workflows.iter().filter(|(other, live)| *other != id && !live.archived);
        Ok(Self {
            workflows: live.map(|(id, live)| (id.clone(), Arc::clone(&live.version))).collect(),
            templates,
            segments: published.segments.iter().map(|(id, found)| (id.clone(), found.membership.clone())).collect(),
            schema: published.account.schema.clone(),
            way_out: unsubscribe::way_out(app, &published.account),
        })
    }

    fn with<T>(&self, ask: impl FnOnce(&Context<'_>) -> T) -> T {
        ask(&Context {
            workflows: &self.workflows,
            templates: &self.templates,
            segments: &self.segments,
            schema: &self.schema,
            way_out: self.way_out,
        })
    }
}

/// The published version, where it is this very text with these very templates: publishing again changes nothing then.
async fn same<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    state: &WorkflowState,
    frozen: &VersionDocument,
) -> Result<Option<Arc<Version>>, UseError> {
    let Some(number) = state.published.filter(|_| !state.archived) else { return Ok(None) };
    let now = version(app, id, number).await?;
    if now.is_none_or(|now| now.document != frozen.document || now.pins != frozen.pins) {
        return Ok(None);
    }
    Ok(app.catalog.version(app.store(), id, number).await?)
}

/// Freezes a version under the first free number: one that a publication left behind when it was cut off is passed over,
/// since another process may still be about to make it the published one.
async fn keep_version<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    from: u32,
    frozen: &VersionDocument,
) -> Result<u32, UseError> {
    for number in (from..).take(TRIES) {
        let name = format!("{id}/{number}");
        if documents::write(app.store(), DocumentKind::Version, name, frozen, 0).await? {
            return Ok(number);
        }
    }
    Err(UseError::Busy)
}

async fn change<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    expect: Expect,
    edit: impl Fn(&mut WorkflowState) + Send + Sync,
) -> Result<Stored<WorkflowState>, UseError> {
    for _ in 0..TRIES {
        let found = get(app, id).await?;
        expect.check(Some(found.revision))?;
        if found.value.published.is_none() {
            return Err(UseError::conflict(Conflict::NotPublished, "it has never been published: publish it first"));
        }
        let mut state = found.value.clone();
        edit(&mut state);
        if state == found.value {
            // Perhaps by a write of this process whose answer got lost: what it knows may be from before that.
            app.catalog.invalidate();
            return Ok(found);
        }
        if let Some(stored) = write(app, id, state, found.revision).await? {
            return Ok(stored);
        }
    }
    Err(UseError::Busy)
}

fn new_state(now: Timestamp) -> WorkflowState {
    WorkflowState {
        draft: None,
        published: None,
        latest: 0,
        paused: false,
        archived: false,
        watched: Watched::default(),
        updated_at: now,
    }
}

async fn read<P: Ports>(app: &App<P>, id: &WorkflowId) -> Result<Option<Stored<WorkflowState>>, UseError> {
    documents::read(app.store(), DocumentKind::Workflow, id.as_str(), "workflow").await
}

async fn write<P: Ports>(
    app: &App<P>,
    id: &WorkflowId,
    mut state: WorkflowState,
    revision: u64,
) -> Result<Option<Stored<WorkflowState>>, UseError> {
    state.updated_at = app.now();
    if !documents::write(app.store(), DocumentKind::Workflow, id.as_str(), &state, revision).await? {
        return Ok(None);
    }
    app.catalog.invalidate();
    Ok(Some(Stored { value: state, revision: revision + 1 }))
}
