//! Reading contacts and runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::contact::Contact;
use carepath_engine::ids::{ContactId, ContactKey, RunId, SegmentId};
use carepath_engine::run::Run;

use crate::App;
use crate::drive;
use crate::error::UseError;
use crate::ports::{KeptEvent, Page, Ports, Retry, Store, StoreError};

/// The most contacts that one address may have in an answer.
const SAME_ADDRESS: usize = 100;

/// A run with what it takes to tell people about it.
#[derive(Debug, Clone)]
pub struct KnownRun {
    /// The run.
    pub run: Run,
    /// The version that it is in.
    pub version: Arc<Version>,
    /// The versions that it was in before, by number.
    pub past: BTreeMap<u32, Arc<Version>>,
    /// Whether its workflow is paused.
    pub paused: bool,
}

/// A contact.
///
/// # Errors
/// `NotFound`.
pub async fn contact<P: Ports>(app: &App<P>, id: &ContactId) -> Result<Contact, UseError> {
    app.store().contact(&app.key_of(id)).await?.ok_or(UseError::NotFound { what: "contact" })
}

/// The contacts with an address.
///
/// # Errors
/// Where the store fails.
pub async fn by_email<P: Ports>(app: &App<P>, email: &str) -> Result<Vec<Contact>, UseError> {
    Ok(app.store().contacts_by_email(email, SAME_ADDRESS).await?)
}

/// The contacts in a segment.
///
/// # Errors
/// `NotFound` for the segment, `Invalid` for a cursor that no page gave out.
pub async fn by_segment<P: Ports>(
    app: &App<P>,
    segment: &SegmentId,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Contact>, UseError> {
    if !app.published().await?.segments.contains_key(segment) {
        return Err(UseError::NotFound { what: "segment" });
    }
    let page = app.store().members(segment, limit, cursor).await.map_err(|error| of_page(error, cursor))?;
    let mut items = app.store().contacts(&page.items).await?;
    // The list of members may lag behind the contacts, which are what counts.
    items.retain(|contact| contact.segments.contains_key(segment));
    Ok(Page { items, next: page.next })
}

/// The events of a contact, the last that came in first.
///
/// # Errors
/// `Invalid` for a cursor that no page gave out, and what the store cannot do.
pub async fn events<P: Ports>(
    app: &App<P>,
    key: &ContactKey,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<KeptEvent>, UseError> {
    app.store().events_of(key, limit, cursor).await.map_err(|error| of_page(error, cursor))
}

/// Why there is no page. What a store will never do with a cursor, it would do with one of its own.
fn of_page(error: StoreError, cursor: Option<&str>) -> UseError {
    if cursor.is_some() && error.retry == Retry::Never {
        return UseError::invalid("cursor", "cursor", "must be the `next` of a page");
    }
    error.into()
}

/// A run.
///
/// # Errors
/// `NotFound`.
pub async fn run<P: Ports>(app: &App<P>, id: &RunId) -> Result<KnownRun, UseError> {
    let (run, _) = app.store().run_and_contact(id).await?;
    known(app, run.ok_or(UseError::NotFound { what: "run" })?).await
}

/// The runs of a contact, oldest first.
///
/// # Errors
/// `NotFound` where there is neither a contact nor a run of it.
pub async fn runs<P: Ports>(app: &App<P>, id: &ContactId) -> Result<Vec<KnownRun>, UseError> {
    let key = app.key_of(id);
    let mut runs = app.store().runs_of(&key).await?;
    // Those of somebody who was deleted are not those of whoever came under the same id later.
    runs.retain(|run| run.contact == *id);
    if runs.is_empty() && app.store().contact(&key).await?.is_none() {
        return Err(UseError::NotFound { what: "contact" });
    }
    let mut found = Vec::with_capacity(runs.len());
    for run in runs {
        found.push(known(app, run).await?);
    }
    Ok(found)
}

async fn known<P: Ports>(app: &App<P>, run: Run) -> Result<KnownRun, UseError> {
    let version = drive::version_of(app, &run).await?;
    let mut past = BTreeMap::new();
    for number in run.past.iter().map(|past| past.version) {
        let version = app.catalog.version(app.store(), &run.workflow, number).await?;
        past.insert(number, version.ok_or(UseError::Corrupt { what: "version" })?);
    }
    let paused = app.published().await?.workflows.get(&run.workflow).is_some_and(|live| live.paused);
    Ok(KnownRun { run, version, past, paused })
}
