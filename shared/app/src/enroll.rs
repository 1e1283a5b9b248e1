//! Enrolments of a segment: by request, everybody in it is let into a workflow, page by page.

use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::ids::{SegmentId, WorkflowId};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::App;
use crate::admit::{Cause, Enrolled, key_of, note_refused, try_admit};
use crate::error::UseError;
use crate::ports::{Clock, Ports, Store};
use crate::tasks::{self, GRACE};

/// What names of enrolments begin with.
pub(crate) const KIND: &str = "enroll";
/// How many contacts one step takes: as many as one request reads.
const PAGE: usize = 100;
/// How many contacts are let in at a time.
const AT_ONCE: usize = 8;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who is meant.
    pub segment: SegmentId,
    /// What each run gets as its entry.
    pub payload: Attributes,
    /// What tells runs of one contact apart, where the caller says it.
    pub key: Option<String>,
}

/// How an enrolment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// What callers know it by.
    pub id: String,
    /// Who is meant.
    pub segment: SegmentId,
    /// What is still to be done; gone once all of it is, and what the caller told with it.
    order: Option<Order>,
    /// An opaque name of what was asked for, by which a repeat is told from another request under the same name.
    asked: String,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// Where it goes on.
    cursor: Option<String>,
    /// Members done.
    pub done: u64,
    /// Those of them who came in.
    pub admitted: u64,
    /// Those of them who did not.
    pub refused: u64,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Whether it was over before everybody's turn had come, since the workflow lets nobody in any more.
    #[serde(default)]
    pub stopped: bool,
}

/// Begins to let everybody in a segment into a workflow: whoever is in it when their turn comes. It is stored before this
/// answers, and goes on whatever becomes of this process (S28). The same request under the same name is the same
/// enrolment.
///
/// # Errors
/// `NotFound` for the segment or a workflow that is not published, `Invalid` where another request had this name, and
/// what the store cannot do.
pub async fn begin<P: Ports>(
    app: &App<P>,
    workflow: &WorkflowId,
    order: Order,
    request: Option<String>,
) -> Result<Enrolment, UseError> {
    let request = request.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let id = app.secret.opaque("enrolment", &[workflow.as_str(), &request]);
    let asked = app.secret.opaque("asked", &[&json!(order).to_string()]);
    let name = name_of(workflow, &id);
    // What was acknowledged once is acknowledged again, whatever has become of the workflow or the segment since.
    if let Some(known) = tasks::read::<P, Enrolment>(app, &name).await? {
        return same(known.value, &asked);
    }
    let published = app.published().await?;
    if published.workflows.get(workflow).is_none_or(|live| live.archived) {
        return Err(UseError::NotFound { what: "published workflow" });
    }
    if !published.segments.contains_key(&order.segment) {
        return Err(UseError::NotFound { what: "segment" });
    }
    let now = app.ports.clock().now();
    let new = Enrolment {
        id,
        segment: order.segment.clone(),
        order: Some(order),
        asked,
        started_at: now,
        cursor: None,
        done: 0,
        admitted: 0,
        refused: 0,
        finished_at: None,
        stopped: false,
    };
    let due = now.saturating_add(GRACE).unwrap_or(now);
    if tasks::write(app, &name, &new, (Some(due), 0)).await? {
        tasks::hint(app, &name, now).await;
        return Ok(new);
    }
    // Somebody else was faster with the same name.
    let known = tasks::read::<P, Enrolment>(app, &name).await?.ok_or(UseError::Busy)?;
    same(known.value, &new.asked)
}

/// What a request of this name has begun, where it is the same request.
fn same(known: Enrolment, asked: &str) -> Result<Enrolment, UseError> {
    if known.asked == asked {
        return Ok(known);
    }
    Err(UseError::invalid("Idempotency-Key", "reused", "was given to another request before"))
}

/// How an enrolment stands.
///
/// # Errors
/// `NotFound`.
pub async fn get<P: Ports>(app: &App<P>, workflow: &WorkflowId, id: &str) -> Result<Enrolment, UseError> {
    let found = tasks::read::<P, Enrolment>(app, &name_of(workflow, id)).await?;
    found.map(|found| found.value).ok_or(UseError::NotFound { what: "enrolment" })
}

fn name_of(workflow: &WorkflowId, id: &str) -> String {
    format!("{KIND}/{workflow}/{id}")
}

/// One page of an enrolment.
pub(crate) async fn go_on<P: Ports>(
    app: &App<P>,
    (name, workflow): (&str, &str),
    now: Timestamp,
) -> Result<(), UseError> {
    let Some(stored) = tasks::read::<P, Enrolment>(app, name).await? else { return Ok(()) };
    let mut enrolment = stored.value;
    let Some(order) = enrolment.order.take() else { return Ok(()) };
    let published = app.published().await?;
    let live = workflow.parse().ok().and_then(|id: WorkflowId| published.workflows.get(&id));
    let Some(version) = live.filter(|live| !live.archived).map(|live| Arc::clone(&live.version)) else {
        (enrolment.finished_at, enrolment.stopped) = (Some(now), true);
        tasks::write(app, name, &enrolment, (None, stored.revision)).await?;
        return Ok(());
    };
    let page = app.store().members(&order.segment, PAGE, enrolment.cursor.as_deref()).await?;
    let mut contacts = app.store().contacts(&page.items).await?;
    // The list of members may lag behind the contacts, which are what counts.
    contacts.retain(|contact| contact.segments.contains_key(&order.segment));
    let (about, order_ref) = (&enrolment, &order);
    let answers: Vec<bool> = stream::iter(contacts)
        .map(|contact| let_in(app, &version, contact, (about, order_ref)))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    enrolment.done += answers.len() as u64;
    enrolment.admitted += answers.iter().filter(|admitted| **admitted).count() as u64;
    enrolment.refused = enrolment.done - enrolment.admitted;
    enrolment.cursor = page.next;
    let more = enrolment.cursor.is_some();
    enrolment.finished_at = (!more).then_some(now);
    enrolment.order = more.then_some(order);
    let due = more.then(|| now.saturating_add(GRACE).unwrap_or(now));
    // Who was faster goes on.
    if tasks::write(app, name, &enrolment, (due, stored.revision)).await? && more {
        tasks::hint(app, name, now).await;
    }
    Ok(())
}

/// Whether a contact came in, or had come in by this very enrolment before.
async fn let_in<P: Ports>(
    app: &App<P>,
    version: &Arc<Version>,
    contact: Contact,
    (enrolment, order): (&Enrolment, &Order),
) -> Result<bool, UseError> {
    let contact_key = app.secret.contact_key(&contact.id);
    let name = app.secret.opaque("enroll", &[&enrolment.id]);
    let key = order.key.clone().or_else(|| key_of(version, &order.payload));
    let cause = Cause { name, event: None, payload: order.payload.clone(), key, hops: 0 };
    let runs = app.store().runs_of(&contact_key).await?;
    let answer: Enrolled = try_admit(app, version, &contact, &cause, runs).await?;
    let admitted = answer.admitted;
    if let Some(mut refused) = answer.not_admitted(version, enrolment.started_at) {
        "api".clone_into(&mut refused.trigger);
        note_refused(app, &contact.id, refused).await?;
    }
    Ok(admitted)
}
