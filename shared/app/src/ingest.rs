//! An event comes in: it is kept first, and acted on afterwards (S28).

use carepath_engine::contact::Attributes;
use carepath_engine::event::{Event, Source};
use carepath_engine::ids::{ContactId, EventId, Name};
use carepath_engine::phi::Phi;
use jiff::Timestamp;

use crate::App;
use crate::error::UseError;
use crate::ports::{Clock, Kept, Ports, Queue, Store, Work};

/// An event as the caller tells it.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened.
    pub name: Name,
    /// The caller's id; drawn where it is not given, and then nothing tells a repeat from a second event.
    pub id: Option<EventId>,
    /// When it happened; now where it is not given.
    pub at: Option<Timestamp>,
    /// Whatever else there is to say.
    pub properties: Attributes,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Ingested {
    /// Its id.
    pub id: EventId,
    /// Whether it was known already (S19).
    pub duplicate: bool,
}

/// The opaque name of an event: ids are unique within their source.
pub(crate) fn name_of<P: Ports>(app: &App<P>, source: Source, id: &EventId) -> String {
    app.secret.opaque("event", &[source.as_str(), id.as_str()])
}

/// Keeps an event and leaves the work that follows from it. A contact that is not known yet is made by that work: the
/// answer costs one write and no read.
///
/// # Errors
/// What the store cannot do. Nothing was kept then, or the same event may be sent again without harm.
pub async fn ingest<P: Ports>(app: &App<P>, contact: &ContactId, new: NewEvent) -> Result<Ingested, UseError> {
    let key = app.secret.contact_key(contact);
    let now = app.ports.clock().now();
    let id = match new.id {
        Some(id) => id,
        None => uuid::Uuid::now_v7().to_string().parse().map_err(|_| UseError::Corrupt { what: "event id" })?,
    };
    let event = Event {
        id: id.clone(),
        contact: Some(contact.clone()),
        source: Source::Api,
        name: new.name,
        at: new.at.unwrap_or(now),
        received_at: now,
        properties: Phi(new.properties),
        hops: 0,
    };
    let name = name_of(app, event.source, &id);
    match app.ports.store().keep_event(&key, &name, &event).await? {
        Kept::Duplicate => Ok(Ingested { id, duplicate: true }),
        Kept::New => {
            app.ports.queue().push(Work::Event { contact: key, event: name }, now).await;
            Ok(Ingested { id, duplicate: false })
        }
    }
}
