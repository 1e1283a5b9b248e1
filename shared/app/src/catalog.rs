//! What is published, as every worker needs it: compiled, indexed, and read again only when it has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use carepath_engine::calendar::parse_zone;
use carepath_engine::compile::{self, AttributeFacts};
use carepath_engine::ids::{Name, SegmentId, TemplateId, WorkflowId};
use carepath_engine::render;
use carepath_engine::review::Timed;
use carepath_engine::segment::Segment;
use carepath_engine::version::{TemplateRef, Trigger, Version};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::documents::{self, Stored};
use crate::error::UseError;
use crate::membership::Conditions;
use crate::ports::{Clock, DocumentKind, Retry, Store, StoreError};
use crate::segments::SegmentState;
use crate::settings::{self, Schema};
use crate::templates::{TemplateState, load};
use crate::watch::Watched;
use crate::workflows::{VersionDocument, WorkflowState};

/// How often the store is asked whether the configuration has changed.
pub const LOOK: SignedDuration = SignedDuration::from_secs(1);

/// A workflow of which a version is published.
#[derive(Debug, Clone)]
pub struct LiveWorkflow {
    /// The published version.
    pub version: Arc<Version>,
    /// Whether its runs stand still (S15).
    pub paused: bool,
    /// Whether it lets nobody in any more.
    pub archived: bool,
}

/// What holds for the whole account.
#[derive(Debug, Clone)]
pub struct Account {
    /// The zone where neither contact nor workflow has one.
    pub zone: TimeZone,
    /// The sender of all mails, as a header has it.
    pub sender: String,
    /// Addresses by name, which templates show as `links`; the one named `unsubscribe` is `unsubscribe_url` as well.
    pub links: BTreeMap<String, String>,
    /// Where the public finds this installation, without `/` at the end.
    pub base_url: Option<String>,
    /// Whether mails carry a link that people do not see.
    pub hidden_link: bool,
    /// The declared attributes.
    pub schema: BTreeMap<Name, AttributeFacts>,
}

/// Everything that is published at one moment.
#[derive(Debug, Clone)]
pub struct Published {
    /// The configuration that this is of, or an older one than it.
    pub revision: u64,
    /// Workflows, archived ones too.
    pub workflows: BTreeMap<WorkflowId, LiveWorkflow>,
    /// Segments.
    pub segments: BTreeMap<SegmentId, Arc<Segment>>,
    /// The account.
    pub account: Account,
    /// Versions that an event of this name may start; paused workflows are among them, archived ones are not.
    pub by_event: HashMap<Name, Vec<Arc<Version>>>,
    /// Versions that a change of this attribute may start.
    pub by_attribute: HashMap<Name, Vec<Arc<Version>>>,
    /// Versions that entering or leaving a segment may start.
    pub by_segment: HashMap<SegmentId, Vec<Arc<Version>>>,
    /// Versions whose time comes for everybody in a segment.
    pub schedules: BTreeMap<WorkflowId, Arc<Version>>,
    /// The segments whose members a condition decides about.
    pub conditions: Conditions,
    /// What time alone moves.
    pub timed: Timed,
    /// What of a contact any version looks at that ever was published: its runs may be live still. What is remembered of
    /// contacts is part of it, for segments too.
    pub watched: Watched,
}

/// The cached view. Frozen things are kept for ever, the rest until the configuration's revision moves.
#[derive(Debug, Default)]
pub struct Catalog {
    current: Mutex<Option<Known>>,
    loading: tokio::sync::Mutex<()>,
    versions: Mutex<HashMap<(WorkflowId, u32), Arc<Version>>>,
    templates: Mutex<HashMap<(TemplateId, u32), Arc<render::Template>>>,
}

#[derive(Debug, Clone)]
struct Known {
    published: Arc<Published>,
    /// `None` once it is known to be out of date.
    looked: Option<Timestamp>,
}

impl Catalog {
    /// What is published. Asks the store at most once a second of the installation's own clock, and mostly not at all.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn current<S: Store>(&self, store: &S, clock: &impl Clock) -> Result<Arc<Published>, StoreError> {
        if let Some(published) = self.fresh(clock.now()) {
            return Ok(published);
        }
        let _one_at_a_time = self.loading.lock().await;
        // The moment and the revision are taken first: what changes while the rest is read is seen at the next look.
        let looked = clock.now();
        if let Some(published) = self.fresh(looked) {
            return Ok(published);
        }
        let revision = store.configuration_revision().await?;
        let known = lock(&self.current).as_ref().map(|known| Arc::clone(&known.published));
        let published = match known.filter(|published| published.revision == revision) {
            Some(published) => published,
            None => Arc::new(self.read(store, revision).await?),
        };
        *lock(&self.current) = Some(Known { published: Arc::clone(&published), looked: Some(looked) });
        Ok(published)
    }

    /// Says that this process has changed the configuration.
    pub fn invalidate(&self) {
        if let Some(known) = lock(&self.current).as_mut() {
            known.looked = None;
        }
    }

    /// A frozen version, published or not any more. `None` where there is none of that number.
    ///
    /// # Errors
    /// Where the store fails, or holds something that is not a version.
    pub async fn version<S: Store>(
        &self,
        store: &S,
        workflow: &WorkflowId,
        number: u32,
    ) -> Result<Option<Arc<Version>>, StoreError> {
        let key = (workflow.clone(), number);
        if let Some(version) = lock(&self.versions).get(&key) {
            return Ok(Some(Arc::clone(version)));
        }
        let name = format!("{workflow}/{number}");
        let found = documents::read::<VersionDocument, S>(store, DocumentKind::Version, name, "version").await;
        let Some(found) = found.map_err(as_store_error)? else { return Ok(None) };
        let version = compile::reload(&found.value.document, number, &found.value.pins)
            .map_err(|_| corrupt("read a published version"))?;
        let version = Arc::new(version);
        lock(&self.versions).insert(key, Arc::clone(&version));
        Ok(Some(version))
    }

    /// The template that a send step is pinned to.
    ///
    /// # Errors
    /// Where the store fails, or holds something that is not a template.
    pub async fn template<S: Store>(
        &self,
        store: &S,
        which: &TemplateRef,
    ) -> Result<Option<Arc<render::Template>>, StoreError> {
        let key = (which.id.clone(), which.version);
        if let Some(template) = lock(&self.templates).get(&key) {
            return Ok(Some(Arc::clone(template)));
        }
        let name = format!("{}/{}", which.id, which.version);
        let found =
            documents::read::<serde_json::Value, S>(store, DocumentKind::TemplateVersion, name, "template").await;
        let Some(found) = found.map_err(as_store_error)? else { return Ok(None) };
        self.compiled(&which.id, which.version, &found.value).map(Some).map_err(as_store_error)
    }

    /// A template's version, compiled once.
    pub(crate) fn compiled(
        &self,
        id: &TemplateId,
        version: u32,
        source: &serde_json::Value,
    ) -> Result<Arc<render::Template>, UseError> {
        let key = (id.clone(), version);
        if let Some(template) = lock(&self.templates).get(&key) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(load(source)?.1);
        lock(&self.templates).insert(key, Arc::clone(&template));
        Ok(template)
    }

    fn fresh(&self, now: Timestamp) -> Option<Arc<Published>> {
        let current = lock(&self.current);
        let known = current.as_ref()?;
        let looked = known.looked?;
        // A clock that was set back proves nothing: then it is time to look.
        let age = now.duration_since(looked);
        (!age.is_negative() && age < LOOK).then(|| Arc::clone(&known.published))
    }

    async fn read<S: Store>(&self, store: &S, revision: u64) -> Result<Published, StoreError> {
        let settings = settings::get(store).await.map_err(as_store_error)?.value;
        let schema: Stored<Schema> = settings::schema(store).await.map_err(as_store_error)?;
        let account = Account {
            zone: parse_zone(&settings.zone).unwrap_or(TimeZone::UTC),
            sender: settings.sender,
            links: settings.links,
            base_url: settings.base_url,
            hidden_link: settings.hidden_link,
            schema: schema.value,
        };
        let mut published = Published {
            revision,
            workflows: BTreeMap::new(),
            segments: BTreeMap::new(),
            account,
            by_event: HashMap::new(),
            by_attribute: HashMap::new(),
            by_segment: HashMap::new(),
            schedules: BTreeMap::new(),
            conditions: Conditions::default(),
            timed: Timed::default(),
            watched: Watched::default(),
        };
        for document in store.documents(DocumentKind::Segment).await? {
            let state: SegmentState = documents::parse(document.body, "segment").map_err(as_store_error)?;
            let Some(source) = state.source else { continue };
            let segment = compile::segment(&source).map_err(|_| corrupt("read a segment"))?;
            published.conditions.add(&segment);
            published.segments.insert(segment.id.clone(), Arc::new(segment));
        }
        published.timed.conditions = published.conditions.timed().cloned().collect();
        for of_segment in published.conditions.watched() {
            published.watched.tracked.extend(&of_segment.tracked);
        }
        for document in store.documents(DocumentKind::Workflow).await? {
            let id: WorkflowId = document.id.parse().map_err(|_| corrupt("read the id of a workflow"))?;
            let state: WorkflowState = documents::parse(document.body, "workflow").map_err(as_store_error)?;
            published.watched.extend(&state.watched);
            let Some(number) = state.published else { continue };
            let version = self.version(store, &id, number).await?.ok_or_else(|| corrupt("find a published version"))?;
            if !state.archived {
                published.index(&version);
            }
            let live = LiveWorkflow { version, paused: state.paused, archived: state.archived };
            published.workflows.insert(id, live);
        }
        Ok(published)
    }
}

impl Published {
    /// Whether a workflow's runs stand still (S15).
    pub fn is_paused(&self, workflow: &WorkflowId) -> bool {
        self.workflows.get(workflow).is_some_and(|live| live.paused)
    }

    fn index(&mut self, version: &Arc<Version>) {
        let version = Arc::clone(version);
        match &version.entry.trigger {
            Trigger::Event { name, .. } => self.by_event.entry(name.clone()).or_default().push(version),
            Trigger::Attribute { name, .. } => self.by_attribute.entry(name.clone()).or_default().push(version),
            Trigger::Segment { segment, .. } => self.by_segment.entry(segment.clone()).or_default().push(version),
            Trigger::Milestone(_) | Trigger::Inactivity(_) => self.timed.versions.push(version),
            Trigger::Schedule(_) => drop(self.schedules.insert(version.workflow.clone(), version)),
            Trigger::Api => {}
        }
    }
}

/// Templates as `compile` sees them.
pub(crate) async fn template_facts<S: Store>(
    catalog: &Catalog,
    store: &S,
) -> Result<BTreeMap<TemplateId, compile::TemplateFacts>, UseError> {
    let mut facts = BTreeMap::new();
    for document in store.documents(DocumentKind::Template).await? {
        let state: TemplateState = documents::parse(document.body, "template")?;
        let Some(source) = state.source else { continue };
        let version = crate::templates::number(document.revision);
        let id: TemplateId = document.id.parse().map_err(|_| UseError::Corrupt { what: "template" })?;
        let template = catalog.compiled(&id, version, &source)?;
        facts.insert(id, crate::templates::facts(&template, version));
    }
    Ok(facts)
}

/// Nothing panics while it holds one of these locks, and a cache is right in every state.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn corrupt(what: &'static str) -> StoreError {
    StoreError { what, retry: Retry::Never, source: None }
}

fn as_store_error(error: UseError) -> StoreError {
    match error {
        UseError::Store(error) => error,
        UseError::NotFound { what } | UseError::Corrupt { what } => corrupt(what),
        UseError::Busy => StoreError { what: "read the configuration", retry: Retry::After(None), source: None },
        UseError::Invalid(_)
        | UseError::Refused(_)
        | UseError::Conflict { .. }
        | UseError::Stale
        | UseError::Fault(_) => corrupt("read the configuration"),
    }
}
