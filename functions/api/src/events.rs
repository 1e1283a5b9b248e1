//! Events, and many of them at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carepath_app::change::{KnownAddress, Read, address_name};
use carepath_app::documents::{Expect, MAX_ITEM};
use carepath_app::ingest::{self, NewEvent};
use carepath_app::ports::{Ports, Store};
use carepath_app::{App, FieldError};
use carepath_engine::Contact;
use carepath_engine::contact::{Attributes, Suppression};
use carepath_engine::event::RESERVED;
use carepath_engine::ids::{ContactId, EventId, Name};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::body::{Body, Fields, Id, RequestName};
use crate::contacts;
use crate::problem::{Code, Problem};

/// The most entries of a batch.
const MAX_ENTRIES: usize = 500;
/// The years 1900 to 9998 in seconds of Unix time: outside them the calendar has no room left to reckon in.
const YEARS: std::ops::Range<i64> = -2_208_988_800..253_370_764_800;
/// How many contacts of a batch are worked on at a time: as many requests are on their way to the store.
const AT_ONCE: usize = 50;

/// The most that an event, or a caller who lets somebody in, may tell: the largest item, less what stands beside it.
pub(crate) const MAX_PROPERTIES: usize = MAX_ITEM - 4096;

/// The bytes of what a caller tells.
pub(crate) fn size(told: &Attributes) -> usize {
    serde_json::to_vec(told).map_or(usize::MAX, |bytes| bytes.len())
}

fn read(value: Value, needs_contact: bool) -> Result<(Option<ContactId>, NewEvent), Problem> {
    let mut fields = Fields::of(value, "")?;
    let contact = if needs_contact { fields.need::<ContactId>("contact") } else { None };
    let name = fields.need::<Name>("name");
    // What Carepath tells of a contact itself has to be told apart from what callers say.
    if name.as_ref().is_some_and(|name| name.as_str().starts_with(RESERVED)) {
        fields.fault("name", "reserved", "may not begin with `carepath.`: such events are told by Carepath itself");
    }
    let id = fields.id::<EventId>("id");
    let at = fields.text("at").and_then(|text| {
        let at = timestamp(&text);
        if at.is_none() {
            fields.fault("at", "timestamp", "must be in RFC 3339, such as `2026-03-01T10:00:00Z`, in 1900 to 9998");
        }
        at
    });
    let properties = fields.attributes("properties");
    if size(&properties) > MAX_PROPERTIES {
        fields.fault("properties", "too_large", "an event may come to 346 KiB at most");
    }
    fields.finish(if needs_contact { "contact, name, id, at, properties" } else { "name, id, at, properties" })?;
    // Without faults there is a name.
    let name = name.ok_or_else(Problem::internal)?;
    Ok((contact, NewEvent { name, id, at, properties }))
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok().filter(|_| text.as_bytes().get(10) == Some(&b'T') && !text.contains('['))?;
    YEARS.contains(&at.as_second()).then_some(at)
}

pub(crate) async fn post<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(contact): Id<ContactId>,
    RequestName(request): RequestName,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (_, mut event) = read(body, false)?;
    event.id = event.id.or(request);
    let kept = ingest::ingest(&app, &contact, event).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": kept.id, "duplicate": kept.duplicate }))))
}

enum Entry {
    Contact(ContactId, Value),
    Event(ContactId, NewEvent),
}

impl Entry {
    const fn contact(&self) -> &ContactId {
        match self {
            Self::Contact(id, _) | Self::Event(id, _) => id,
        }
    }
}

pub(crate) async fn batch<P: Ports>(
    State(app): State<Arc<App<P>>>,
    RequestName(request): RequestName,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body, "")?;
    let entries = match fields.take("entries") {
        Some(Value::Array(entries)) => entries,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) | None => {
            fields.fault("entries", "required", "must be a list of `{ contact: … }` and `{ event: … }`");
            Vec::new()
        }
    };
    fields.finish("entries")?;
    if entries.len() > MAX_ENTRIES {
        let detail = "A batch takes 500 entries at most: send several.";
        return Err(Problem::new(Code::TooManyEntries, detail));
    }
    let mut results = vec![Value::Null; entries.len()];
    // What concerns one contact keeps its order; contacts do not wait for one another.
    let mut by_contact: Vec<(ContactId, Vec<(usize, Entry)>)> = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        match read_entry(entry).and_then(|entry| with_id(&app, entry, request.as_ref(), place)) {
            Ok(entry) => match by_contact.iter_mut().find(|(contact, _)| contact == entry.contact()) {
                Some((_, own)) => own.push((place, entry)),
                None => by_contact.push((entry.contact().clone(), vec![(place, entry)])),
            },
            Err(problem) => results[place] = refusal(&problem, place),
        }
    }
    let known = read_together(&app, &by_contact).await;
    let (app, known) = (&app, &known);
    let mut done = stream::iter(by_contact)
        .map(|(contact, entries)| async move {
            let mut results = Vec::with_capacity(entries.len());
            // Good for the first entry only: what comes after it finds what that has changed.
            let mut read = known.as_ref().map(|known| known.of(app, &contact, &entries));
            for (place, entry) in entries {
                results.push((place, act(app, place, entry, read.take()).await));
            }
            results
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = done.next().await {
        for (place, result) in done {
            results[place] = result;
        }
    }
    Ok(Json(json!({ "results": results })))
}

fn read_entry(entry: Value) -> Result<Entry, Problem> {
    let mut fields = Fields::of(entry, "")?;
    let (contact, event) = (fields.take("contact"), fields.take("event"));
    fields.finish("contact, event")?;
    if contact.is_some() == event.is_some() {
        let mend = "must have `contact` or `event`, one of them";
        return Err(Problem::invalid(vec![FieldError::new("", "entry", mend)]));
    }
    match (contact, event) {
        (Some(contact), _) => {
            let id = contact.get("id").and_then(Value::as_str).map(str::parse::<ContactId>);
            match id {
                Some(Ok(id)) => Ok(Entry::Contact(id, contact)),
                Some(Err(error)) => {
                    Err(Problem::invalid(vec![FieldError::new("/contact/id", "id", error.to_string())]))
                }
                None => Err(Problem::invalid(vec![FieldError::new("/contact/id", "required", "is missing")])),
            }
        }
        (None, event) => {
            let (contact, event) = read(event.unwrap_or_default(), true).map_err(|problem| problem.below("/event"))?;
            Ok(Entry::Event(contact.ok_or_else(Problem::internal)?, event))
        }
    }
}

/// An event that has no id gets one of its place in a request that has a name, so that a repeat of that is one of it.
fn with_id<P: Ports>(
    app: &App<P>,
    mut entry: Entry,
    request: Option<&EventId>,
    place: usize,
) -> Result<Entry, Problem> {
    if let (Entry::Event(_, event @ NewEvent { id: None, .. }), Some(request)) = (&mut entry, request) {
        let id = app.secret.opaque("batch", &[request.as_str(), &place.to_string()]);
        event.id = Some(format!("batch-{id}").parse().map_err(|_| Problem::internal())?);
    }
    Ok(entry)
}

/// What was read together for a batch.
struct Known {
    contacts: HashMap<ContactId, Contact>,
    suppressed: BTreeMap<String, Suppression>,
}

impl Known {
    fn of<P: Ports>(&self, app: &App<P>, contact: &ContactId, entries: &[(usize, Entry)]) -> Read {
        let address =
            address(app, entries).map(|name| KnownAddress { suppressed: self.suppressed.get(&name).copied(), name });
        Read { contact: self.contacts.get(contact).cloned(), address }
    }
}

/// The opaque name of the address that the first entry of a contact gives it.
fn address<P: Ports>(app: &App<P>, entries: &[(usize, Entry)]) -> Option<String> {
    let Some((_, Entry::Contact(_, fields))) = entries.first() else { return None };
    fields.get("email").and_then(Value::as_str).map(|email| address_name(&app.secret, email))
}

/// The contacts that a batch begins to change, and what is known of the addresses that they get, read in one request for
/// a hundred of both. `None` where they could not be read: then each is read by itself, and whoever fails is told.
async fn read_together<P: Ports>(app: &App<P>, by_contact: &[(ContactId, Vec<(usize, Entry)>)]) -> Option<Known> {
    let changed = by_contact.iter().filter(|(_, entries)| matches!(entries.first(), Some((_, Entry::Contact(..)))));
    let keys: Vec<_> = changed.clone().map(|(contact, _)| app.key_of(contact)).collect();
    let names: Vec<_> = changed.filter_map(|(_, entries)| address(app, entries)).collect();
    let (found, suppressed) = app.store().contacts_and_suppressed(&keys, &names).await.ok()?;
    let contacts = found.into_iter().map(|contact| (contact.id.clone(), contact)).collect();
    Some(Known { contacts, suppressed })
}

async fn act<P: Ports>(app: &App<P>, place: usize, entry: Entry, read: Option<Read>) -> Value {
    let result = match entry {
        Entry::Contact(id, fields) => contacts::merge_into(app, &id, fields, Expect::Any, read)
            .await
            .map(|changed| json!({ "status": if changed.created { 201 } else { 200 } }))
            .map_err(|problem| problem.below("/contact")),
        Entry::Event(contact, event) => ingest::ingest(app, &contact, event)
            .await
            .map(|kept| json!({ "status": 202, "id": kept.id, "duplicate": kept.duplicate }))
            .map_err(|error| Problem::from(error).below("/event")),
    };
    result.unwrap_or_else(|problem| refusal(&problem, place))
}

fn refusal(problem: &Problem, place: usize) -> Value {
    let error = problem.to_json(&format!("/entries/{place}"));
    json!({ "status": problem.status().as_u16(), "error": error })
}
