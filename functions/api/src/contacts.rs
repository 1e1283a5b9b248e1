//! Contacts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use carepath_app::change::{self, Changed};
use carepath_app::documents::{Expect, MAX_ITEM};
use carepath_app::keys::Role;
use carepath_app::ports::Ports;
use carepath_app::{App, FieldError, UseError, contacts_read};
use carepath_engine::calendar::parse_zone;
use carepath_engine::contact::{Attributes, Contact, Subscription, Suppression};
use carepath_engine::ids::{ContactId, Name, SegmentId, TopicId};
use carepath_engine::phi::Phi;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::body::{Condition, Fields, Id, Query, Write, escape};
use crate::disclosure::Disclosure;
use crate::observe::{audit, audit_disclosed, audit_reopened};
use crate::problem::Problem;

const FIELDS: &str = "id, email, zone, locale, attributes, topics";
/// What reading shows and writing passes over, so that what was read can be written back.
const READ_ONLY: [&str; 4] = ["segments", "suppressed", "created_at", "updated_at"];

/// A contact as the API shows it.
pub(crate) fn show(contact: &Contact) -> Value {
    let suppressed = contact.suppressed.map(|why| match why {
        Suppression::Bounced => "bounced",
        Suppression::Complained => "complained",
    });
    let mut shown = editable(contact);
    shown.shift_insert(0, "id".into(), json!(contact.id));
    shown.insert("segments".into(), json!(contact.segments.keys().collect::<Vec<_>>()));
    shown.insert("suppressed".into(), json!(suppressed));
    shown.insert("created_at".into(), json!(contact.created_at));
    shown.insert("updated_at".into(), json!(contact.updated_at));
    Value::Object(shown)
}

fn editable(contact: &Contact) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("email".into(), json!(contact.email));
    fields.insert("zone".into(), json!(contact.zone));
    fields.insert("locale".into(), json!(contact.locale));
    fields.insert("attributes".into(), Value::Object(contact.attributes.expose().clone()));
    fields.insert("topics".into(), json!(contact.topics));
    fields
}

/// A response with the revision as its tag.
pub(crate) fn tagged(status: StatusCode, revision: u64, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A contact's fields as they were sent.
struct Sent {
    email: Option<String>,
    zone: Option<String>,
    locale: Option<String>,
    attributes: Attributes,
    topics: BTreeMap<TopicId, Subscription>,
}

fn read(value: Value, id: &ContactId, at: &str) -> Result<Sent, Problem> {
    let mut fields = Fields::of(value, at)?;
    for name in READ_ONLY {
        fields.take(name);
    }
    if fields.id::<ContactId>("id").is_some_and(|own| own != *id) {
        fields.fault("id", "id", "must be the id in the address, or left out");
    }
    let email = fields.text("email");
    if email.as_deref().is_some_and(|email| !is_address(email)) {
        fields.fault("email", "email", "must be one address, such as `name@example.org`");
    }
    let zone = fields.text("zone");
    if let Some(Err(error)) = zone.as_deref().map(parse_zone) {
        fields.fault("zone", "zone", error.to_string());
    }
    let locale = fields.text("locale");
    if locale.as_deref().is_some_and(|locale| !is_locale(locale)) {
        fields.fault("locale", "locale", "must be a language tag, such as `en` or `es-MX`");
    }
    let attributes = fields.attributes("attributes");
    if attributes.keys().any(|name| name.parse::<Name>().is_err()) {
        // The name itself is not repeated: what is no name may be anything.
        fields.fault("attributes", "name", "names must be 1 to 128 characters, without control characters");
    }
    let topics = read_topics(&mut fields);
    fields.finish(FIELDS)?;
    Ok(Sent { email, zone, locale, attributes, topics })
}

fn read_topics(fields: &mut Fields) -> BTreeMap<TopicId, Subscription> {
    let mut topics = BTreeMap::new();
    for (name, value) in fields.attributes("topics") {
        let answer = match value.as_str() {
            Some("subscribed") => Some(Subscription::Subscribed),
            Some("unsubscribed") => Some(Subscription::Unsubscribed),
            Some(_) | None => None,
        };
        match (name.parse::<TopicId>(), answer) {
            (Ok(topic), Some(answer)) => {
                topics.insert(topic, answer);
            }
            (Err(error), _) => fields.fault("topics", "id", error.to_string()),
            (Ok(topic), None) => {
                let place = format!("topics/{}", escape(topic.as_str()));
                fields.fault_at(&place, "value", "must be `subscribed` or `unsubscribed`");
            }
        }
    }
    topics
}

fn is_address(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"@".contains(c);
    text.len() <= 254
        && !user.is_empty()
        && user.len() <= 64
        && user.chars().all(plain)
        && !host.is_empty()
        && host.chars().all(plain)
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
}

fn is_locale(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn apply(before: Option<&Contact>, id: &ContactId, sent: Sent, now: Timestamp) -> Result<Contact, UseError> {
    let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
    let address = |email: Option<&str>| email.map(str::to_lowercase);
    let had = address(contact.email.as_ref().map(|email| email.expose().as_str()));
    if had != address(sent.email.as_deref()) {
        // It was the old address that took no more mail.
        contact.suppressed = None;
    }
    contact.email = sent.email.map(Phi);
    contact.zone = sent.zone;
    contact.locale = sent.locale;
    contact.attributes = Phi(sent.attributes);
    contact.topics = sent.topics;
    if serde_json::to_vec(&contact).map_or(usize::MAX, |bytes| bytes.len()) > MAX_ITEM {
        return Err(UseError::invalid("/attributes", "too_large", "a contact may come to 350 KiB at most"));
    }
    Ok(contact)
}

/// RFC 7386.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.shift_remove(&name);
            }
            Value::Object(inner) => {
                let place = target.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                if let Value::Object(object) = place {
                    merge(object, inner);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(name, change);
            }
        }
    }
}

/// A problem that came out of an edit, kept beside it: an edit answers in the words of use cases.
fn as_use_error(problem: Problem) -> UseError {
    UseError::Invalid(problem.into_errors())
}

/// Replaces a contact.
async fn replace<P: Ports>(app: &App<P>, id: &ContactId, body: Value, expect: Expect) -> Result<Changed, Problem> {
    read(body.clone(), id, "")?;
    let changed = change::change_contact(app, id, |before, now| {
        expect.check(before.map(|contact| contact.revision))?;
        apply(before, id, read(body.clone(), id, "").map_err(as_use_error)?, now)
    });
    Ok(changed.await?)
}

/// Changes a contact by a merge patch, from what is `known` of it where somebody has just read it.
pub(crate) async fn merge_into<P: Ports>(
    app: &App<P>,
    id: &ContactId,
    patch: Value,
    expect: Expect,
    known: Option<change::Read>,
) -> Result<Changed, Problem> {
    let Value::Object(patch) = patch else {
        return Err(Problem::invalid(vec![FieldError::new("", "type", "must be an object")]));
    };
    let changed = change::change_known(app, id, known, |before, now| {
        expect.check(before.map(|contact| contact.revision))?;
        let mut merged = before.map(editable).unwrap_or_default();
        merge(&mut merged, patch.clone());
        apply(before, id, read(Value::Object(merged), id, "").map_err(as_use_error)?, now)
    });
    Ok(changed.await?)
}

fn answer(caller: &Caller, changed: &Changed) -> Response {
    let status = if changed.created { StatusCode::CREATED } else { StatusCode::OK };
    // Whoever may only send is not shown what others sent.
    let body = if caller.has(Role::Viewer) {
        show(&changed.contact)
    } else {
        json!({ "id": changed.contact.id, "created": changed.created })
    };
    tagged(status, changed.contact.revision, body)
}

pub(crate) async fn put<P: Ports>(
    State(app): State<Arc<App<P>>>,
    write: Write<ContactId>,
) -> Result<Response, Problem> {
    let changed = replace(&app, &write.id, write.body, write.expect).await?;
    Ok(answer(&write.caller, &changed))
}

pub(crate) async fn patch<P: Ports>(
    State(app): State<Arc<App<P>>>,
    write: Write<ContactId>,
) -> Result<Response, Problem> {
    let changed = merge_into(&app, &write.id, write.body, write.expect, None).await?;
    Ok(answer(&write.caller, &changed))
}

pub(crate) async fn get<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ContactId>,
    query: Query,
) -> Result<Response, Problem> {
    let disclosure = Disclosure::asked(&query)?;
    let contact = contacts_read::contact(&app, &id).await?;
    audit_disclosed(&caller, "GET /v1/contacts/{id}", &app.key_of(&id), disclosure);
    let mut shown = show(&contact);
    disclosure.of_contact(&mut shown, &app.published().await?.account.schema);
    Ok(tagged(StatusCode::OK, contact.revision, shown))
}

pub(crate) async fn delete<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<ContactId>,
    Condition(expect): Condition,
) -> Result<StatusCode, Problem> {
    let contact = contacts_read::contact(&app, &id).await?;
    expect.check(Some(contact.revision))?;
    change::delete_contact(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn reopen<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ContactId>,
) -> Result<StatusCode, Problem> {
    change::reopen_address(&app, &id).await?;
    audit_reopened(&caller, &app.key_of(&id));
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn find<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let (contacts, next) = match (query.get("email"), query.get("segment")) {
        (Some(email), None) => (contacts_read::by_email(&app, email).await?, None),
        (None, Some(segment)) => {
            let segment: SegmentId = segment.parse().map_err(|_| Problem::not_found("segment"))?;
            let page = contacts_read::by_segment(&app, &segment, query.limit()?, query.cursor()).await?;
            (page.items, page.next)
        }
        (Some(_), Some(_)) | (None, None) => {
            let fault = FieldError::new("email", "required", "give `email` or `segment`, one of them");
            return Err(Problem::invalid(vec![fault]));
        }
    };
    for contact in &contacts {
        audit(&caller, "GET /v1/contacts", &app.key_of(&contact.id));
    }
    Ok(Json(json!({ "items": contacts.iter().map(show).collect::<Vec<_>>(), "next": next })))
}
