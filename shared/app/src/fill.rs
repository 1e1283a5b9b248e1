//! Fills: a new definition is brought to all contacts, page by page, each read once. Until a contact's turn comes, it is
//! as it was before; whatever changes it meanwhile brings it up to date as well.

use std::collections::BTreeSet;

use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::history::Tracked;
use carepath_engine::ids::{ContactKey, Name, SegmentId, WorkflowId};
use carepath_engine::review;
use carepath_engine::version::Trigger;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::admit::{Cause, try_admit};
use crate::catalog::Published;
use crate::change::{Looking, Read, change_looking};
use crate::error::UseError;
use crate::membership::Look;
use crate::ports::{Clock, Ports, Store};
use crate::tasks::{self, GRACE};

/// What names of fills begin with.
pub(crate) const KIND: &str = "fill";
/// How many contacts one step takes: as many as one request reads.
const PAGE: usize = 100;
/// How many contacts are brought up to date at a time.
const AT_ONCE: usize = 8;
/// How many events of a contact are read at a time.
const EVENTS: usize = 1_000;

/// What is brought to all contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filling {
    /// The condition of a segment.
    Segment(SegmentId),
    /// What a workflow asks time for, and what it asks to be remembered.
    Workflow(WorkflowId),
}

/// How far a fill has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// What is filled.
    pub what: Filling,
    /// What of the past is to be read from the contacts' events.
    #[serde(default)]
    events: BTreeSet<Name>,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it goes on.
    cursor: Option<String>,
    /// Contacts done.
    pub done: u64,
    /// When it was over.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
}

impl Filling {
    fn name(&self) -> String {
        match self {
            Self::Segment(id) => format!("{KIND}/segment/{id}"),
            Self::Workflow(id) => format!("{KIND}/workflow/{id}"),
        }
    }
}

/// Makes ready to bring a definition to all contacts, from the start where it is being brought to them already. `news`:
/// what was not remembered of contacts before. It comes before the definition is stored, so that no definition is without
/// it, and is followed by [`now`].
pub(crate) async fn begin<P: Ports>(app: &App<P>, what: &Filling, news: &BTreeSet<Name>) -> Result<(), UseError> {
    let name = what.name();
    let now = app.ports.clock().now();
    loop {
        let before = tasks::read::<P, Fill>(app, &name).await?;
        let mut events = news.clone();
        // What an earlier fill has not come to is still to be read.
        let unfinished = before.iter().filter(|before| before.value.finished_at.is_none());
        events.extend(unfinished.flat_map(|before| before.value.events.iter().cloned()));
        let fill = Fill { what: what.clone(), events, started_at: now, cursor: None, done: 0, finished_at: None };
        let due = now.saturating_add(GRACE).unwrap_or(now);
        let revision = before.map_or(0, |before| before.revision);
        if tasks::write(app, &name, &fill, (Some(due), revision)).await? {
            return Ok(());
        }
    }
}

/// Says that a definition is stored: its fill may go on as soon as every process knows it.
pub(crate) async fn now<P: Ports>(app: &App<P>, what: &Filling) {
    let now = app.ports.clock().now();
    tasks::hint(app, &what.name(), now.saturating_add(app.lag).unwrap_or(now)).await;
}

/// How far a fill has come; nothing where there was none.
///
/// # Errors
/// Where the store fails.
pub async fn progress<P: Ports>(app: &App<P>, what: &Filling) -> Result<Option<Fill>, UseError> {
    Ok(tasks::read(app, &what.name()).await?.map(|stored| stored.value))
}

/// One page of a fill.
pub(crate) async fn go_on<P: Ports>(app: &App<P>, name: &str, now: Timestamp) -> Result<(), UseError> {
    let Some(stored) = tasks::read::<P, Fill>(app, name).await? else { return Ok(()) };
    let mut fill = stored.value;
    if fill.finished_at.is_some() {
        return Ok(());
    }
    let page = app.store().every_contact(PAGE, fill.cursor.as_deref()).await?;
    let contacts = app.store().contacts(&page.items).await?;
    let published = app.published().await?;
    let count = contacts.len() as u64;
    stream::iter(contacts)
        .map(|contact| fill_one(app, &published, &fill, contact))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    fill.done += count;
    fill.cursor = page.next;
    fill.finished_at = fill.cursor.is_none().then_some(now);
    let due = fill.cursor.is_some().then(|| now.saturating_add(GRACE).unwrap_or(now));
    // Who was faster goes on.
    if tasks::write(app, name, &fill, (due, stored.revision)).await? && due.is_some() {
        tasks::hint(app, name, now).await;
    }
    Ok(())
}

async fn fill_one<P: Ports>(
    app: &App<P>,
    published: &Published,
    fill: &Fill,
    contact: Contact,
) -> Result<(), UseError> {
    let id = contact.id.clone();
    let key = app.secret.contact_key(&id);
    let past = past(app, fill, &key).await?;
    let tracked = &published.watched.tracked;
    let look = match &fill.what {
        Filling::Segment(id) => Look::These(BTreeSet::from([id.clone()])),
        Filling::Workflow(_) => Look::Changed,
    };
    let looking = Looking { look, from: Some(fill.started_at), ..Looking::CHANGED };
    let known = Read { contact: Some(contact), address: None };
    let changed = change_looking(app, &id, Some(known), &looking, |before, _| {
        let mut contact = before.cloned().ok_or(UseError::NotFound { what: "contact" })?;
        for (name, event) in &past {
            let at = event.at.min(event.received_at);
            tracked.remember(&mut contact, &event.name, at, name, event.properties.expose());
        }
        Ok(contact)
    });
    let contact = match changed.await {
        // It was deleted meanwhile.
        Err(UseError::NotFound { .. }) => return Ok(()),
        changed => changed?.contact,
    };
    silent_already(app, published, fill, &contact).await
}

/// The events of a contact that were not remembered when they came in, by their opaque names.
async fn past<P: Ports>(
    app: &App<P>,
    fill: &Fill,
    key: &ContactKey,
) -> Result<Vec<(String, carepath_engine::Event)>, UseError> {
    let mut past = Vec::new();
    if fill.events.is_empty() {
        return Ok(past);
    }
    let mut cursor = None;
    loop {
        let page = app.store().events_of(key, EVENTS, cursor.as_deref()).await?;
        let wanted = page.items.into_iter().map(|kept| kept.event).filter(|event| fill.events.contains(&event.name));
        past.extend(wanted.map(|event| (crate::ingest::name_of(app, event.source, &event.id), event)));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(past);
        }
    }
}

/// Whoever has been silent for so long when a workflow begins to ask for it comes in at once: silence goes on.
async fn silent_already<P: Ports>(
    app: &App<P>,
    published: &Published,
    fill: &Fill,
    contact: &Contact,
) -> Result<(), UseError> {
    let Filling::Workflow(workflow) = &fill.what else { return Ok(()) };
    let asks = |version: &&std::sync::Arc<carepath_engine::Version>| {
        version.workflow == *workflow && matches!(version.entry.trigger, Trigger::Inactivity(_))
    };
    let Some(version) = published.timed.versions.iter().find(asks) else { return Ok(()) };
    let zone = &published.account.zone;
    let Some(start) = review::start(version, contact, Timestamp::MIN, fill.started_at, zone) else { return Ok(()) };
    let key = app.secret.contact_key(&contact.id);
    let cause = by_time(app, &key, workflow, start);
    let runs = app.store().runs_of(&key).await?;
    try_admit(app, version, contact, &cause, runs).await.map(drop)
}

/// The cause of a run that time starts.
pub(crate) fn by_time<P: Ports>(
    app: &App<P>,
    key: &ContactKey,
    workflow: &WorkflowId,
    start: review::Start,
) -> Cause<'static> {
    let name = app.secret.opaque("time", &[key.as_str(), workflow.as_str(), &start.occasion]);
    let payload: Attributes = start.payload;
    Cause { name, event: None, payload, key: None, hops: 0 }
}

/// What of what is asked for was not remembered before.
pub(crate) fn news(asked: &Tracked, before: &Tracked) -> BTreeSet<Name> {
    if asked.is_within(before) { BTreeSet::new() } else { asked.names().cloned().collect() }
}
