//! Admission: a trigger, a contact and a version become a run, or a reason why not (S4).

use std::sync::Arc;

use carepath_engine::advance::{self, Admission, Begin, Moment, Refusal};
use carepath_engine::contact::{Attributes, MOST_NOT_ADMITTED, NotAdmitted, lookup};
use carepath_engine::explain::Explanation;
use carepath_engine::ids::{ContactId, ContactKey, RunId, WorkflowId};
use carepath_engine::{Contact, Event, Run, Version};
use jiff::Timestamp;
use serde_json::Value;

use crate::App;
use crate::change::change_contact;
use crate::drive::{self, Driven};
use crate::error::UseError;
use crate::ports::{Clock, Ports, Store};

/// What asks for a run.
#[derive(Debug, Clone)]
pub(crate) struct Cause<'a> {
    /// An opaque name: the same cause starts one run only.
    pub(crate) name: String,
    /// The event, where it is one.
    pub(crate) event: Option<&'a Event>,
    /// What the run gets as its entry.
    pub(crate) payload: Attributes,
    /// What tells runs apart.
    pub(crate) key: Option<String>,
    /// The steps that led to it, where a run brought it about (S2).
    pub(crate) hops: u32,
}

/// The answer to an enrolment.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The run, where there is one: the new one, or the one that this very request had started.
    pub run: Option<RunId>,
    /// Whether the contact came in.
    pub admitted: bool,
    /// Why not, as a code; `admitted` where it did.
    pub why: String,
    /// What was compared, where it was not let in.
    pub explanation: Vec<Explanation>,
}

impl Enrolled {
    /// What is kept of a trigger that let nobody in; nothing where it did, and where it had before.
    pub(crate) fn not_admitted(self, version: &Version, at: Timestamp) -> Option<NotAdmitted> {
        (!self.admitted).then(|| NotAdmitted {
            at,
            workflow: version.workflow.clone(),
            version: version.number,
            trigger: version.entry.trigger.name().to_owned(),
            why: self.why,
            explanation: self.explanation,
        })
    }
}

/// Admits a contact, if the workflow lets it in. Who loses the race for the run's id looks again: the other run is then
/// there to be seen.
pub(crate) async fn try_admit<P: Ports>(
    app: &App<P>,
    version: &Arc<Version>,
    contact: &Contact,
    cause: &Cause<'_>,
    mut runs: Vec<Run>,
) -> Result<Enrolled, UseError> {
    let key = app.secret.contact_key(&contact.id);
    for _ in 0..drive::RACES {
        let published = app.published().await?;
        let moment = Moment {
            now: app.ports.clock().now(),
            version,
            contact,
            account_zone: &published.account.zone,
            paused: published.is_paused(&version.workflow),
            tracked: &published.watched.tracked,
        };
        let prior: Vec<&Run> = runs
            .iter()
            .filter(|run| run.workflow == version.workflow && has_key(app, run, &key, cause.key.as_deref()))
            .collect();
        let (number, why) = match advance::admit(&prior, &cause.name, cause.event, &cause.payload, moment) {
            Admission::Admitted { number, why } => (number, why),
            Admission::Refused { refusal, why } => {
                let same = prior.iter().find(|run| refusal == Refusal::SameCause && run.entry.cause == cause.name);
                let run = same.map(|run| run.id.clone());
                let admitted = run.is_some();
                return Ok(Enrolled { admitted, run, why: refusal.code().to_owned(), explanation: why });
            }
        };
        let id = app.secret.run_id(&key, &version.workflow, cause.key.as_deref(), number);
        let begin = Begin {
            id: id.clone(),
            key: cause.key.clone(),
            number,
            cause: cause.name.clone(),
            payload: cause.payload.clone(),
            why,
            lineage: Vec::new(),
            hops: cause.hops,
            start: None,
        };
        let transition = advance::begin(begin, moment)?;
        match drive::drive_new(app, transition, contact.clone()).await? {
            Driven::Done => {
                let (why, explanation) = ("admitted".to_owned(), Vec::new());
                return Ok(Enrolled { run: Some(id), admitted: true, why, explanation });
            }
            Driven::Lost => runs = app.ports.store().runs_of(&key).await?,
        }
    }
    Err(UseError::Busy)
}

/// Keeps with a contact why it was not let in, once: a page is let in again where a step got lost.
pub(crate) async fn note_refused<P: Ports>(app: &App<P>, id: &ContactId, refused: NotAdmitted) -> Result<(), UseError> {
    let noted = change_contact(app, id, |before, _| {
        let mut contact = before.cloned().ok_or(UseError::NotFound { what: "contact" })?;
        if !contact.not_admitted.contains(&refused) {
            contact.not_admitted.insert(0, refused.clone());
            contact.not_admitted.truncate(MOST_NOT_ADMITTED);
        }
        Ok(contact)
    });
    match noted.await {
        // It was deleted meanwhile.
        Err(UseError::NotFound { .. }) => Ok(()),
        noted => noted.map(drop),
    }
}

/// Whether a run is of this key. One whose contact was deleted has it no more, and is known by its id.
fn has_key<P: Ports>(app: &App<P>, run: &Run, contact: &ContactKey, key: Option<&str>) -> bool {
    run.key.as_ref().map(|own| own.expose().as_str()) == key
        || run.id == app.secret.run_id(contact, &run.workflow, key, run.entry.number)
}

/// The value of a version's key property, as text.
pub(crate) fn key_of(version: &Version, payload: &Attributes) -> Option<String> {
    match lookup(payload, version.entry.key.as_deref()?)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}

/// Lets a contact into a workflow by hand or by program, whatever its trigger.
///
/// # Errors
/// `NotFound` for the contact or a workflow that is not published, and what the store cannot do.
pub async fn enroll<P: Ports>(
    app: &App<P>,
    workflow: &WorkflowId,
    contact: &ContactId,
    payload: Attributes,
    key: Option<String>,
    request: Option<String>,
) -> Result<Enrolled, UseError> {
    let published = app.published().await?;
    let live = published.workflows.get(workflow).filter(|live| !live.archived);
    let version =
        live.map(|live| Arc::clone(&live.version)).ok_or(UseError::NotFound { what: "published workflow" })?;
    let contact_key = app.secret.contact_key(contact);
    let found = app.ports.store().contact(&contact_key).await?;
    let contact = found.ok_or(UseError::NotFound { what: "contact" })?;
    let request = request.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let key = key.or_else(|| key_of(&version, &payload));
    let cause = Cause { name: app.secret.opaque("enroll", &[&request]), event: None, payload, key, hops: 0 };
    let runs = app.ports.store().runs_of(&contact_key).await?;
    try_admit(app, &version, &contact, &cause, runs).await
}
