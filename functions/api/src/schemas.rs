//! The shapes of bodies, as JSON Schema: the components of the API's description. The tests hold every answer against its
//! shape.

mod operations;
mod reports;

use serde_json::{Map, Value, json};

/// All shapes, by name.
pub(crate) fn components() -> Map<String, Value> {
    let mut shapes = Map::new();
    for (name, shape) in common()
        .into_iter()
        .chain(contacts())
        .chain(runs())
        .chain(operations::recovery())
        .chain(operations::migration())
        .chain(reports::reports())
        .chain(documents())
        .chain(account())
    {
        shapes.insert(name.to_owned(), shape);
    }
    let mut document = carepath_engine::document::schema();
    let parts = document.as_object_mut().and_then(|fields| {
        fields.remove("$schema");
        fields.remove("$defs")
    });
    shapes.insert("WorkflowDocument".to_owned(), document);
    if let Some(Value::Object(parts)) = parts {
        shapes.extend(parts.into_iter().map(|(name, part)| (format!("Document{name}"), part)));
    }
    shapes.values_mut().for_each(lift);
    shapes
}

/// Lets what refers to the parts of the workflow document refer to them where they stand here.
fn lift(shape: &mut Value) {
    match shape {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/components/schemas/Document{name}");
            }
            fields.values_mut().for_each(lift);
        }
        Value::Array(items) => items.iter_mut().for_each(lift),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A reference to a shape.
pub(crate) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn maybe_text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn one_of(names: &[&str]) -> Value {
    json!({ "type": "string", "enum": names })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object of anything, by name.
fn anything() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}

fn map(values: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": values })
}

/// An object of exactly these fields.
fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// An object that has all of these fields.
fn whole_object(properties: &Value) -> Value {
    let required: Vec<&str> = properties.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    object(&required, properties)
}

fn page_of(items: &str) -> Value {
    whole_object(&json!({
        "items": list(&named(items)),
        "next": { "type": ["string", "null"], "description": "The `cursor` of the next page; null on the last" },
    }))
}

fn class_of_field() -> Value {
    one_of(&["public", "identifier", "phi", "sensitive"])
}

fn class() -> Value {
    one_of(&["care", "operational", "marketing"])
}

fn common() -> Vec<(&'static str, Value)> {
    let fault = whole_object(&json!({ "pointer": text(), "rule": text(), "message": text() }));
    let codes: Vec<&str> = crate::CODES.iter().map(|(code, _)| *code).collect();
    let problem = json!({
        "type": { "type": "string", "format": "uri" },
        "title": text(),
        "status": { "type": "integer" },
        "code": one_of(&codes),
        "detail": text(),
        "errors": list(&fault),
        "report": named("Report"),
    });
    let finding = json!({
        "rule": text(),
        "severity": one_of(&["error", "warning", "info"]),
        "pointer": text(),
        "message": text(),
        "step": text(),
    });
    vec![
        ("Problem", object(&["type", "title", "status", "code", "detail"], &problem)),
        ("Finding", object(&["rule", "severity", "pointer", "message"], &finding)),
        ("Report", whole_object(&json!({ "ok": flag(), "findings": list(&named("Finding")) }))),
        ("Health", whole_object(&json!({ "status": one_of(&["ok"]), "version": text() }))),
        (
            "Description",
            json!({ "type": "object", "description": "A description of an API, in version 3.1 of OpenAPI" }),
        ),
    ]
}

fn contact_fields() -> Value {
    json!({
        "id": text(),
        "email": { "type": ["string", "null"], "format": "email" },
        "zone": { "type": ["string", "null"], "description": "An IANA zone: Europe/Berlin" },
        "locale": maybe_text(),
        "attributes": anything(),
        "topics": map(&one_of(&["subscribed", "unsubscribed"])),
    })
}

fn event_fields() -> Value {
    json!({
        "name": text(),
        "id": { "type": "string", "description": "Counts once; taken from Idempotency-Key where it is left out" },
        "at": time(),
        "properties": anything(),
    })
}

fn contacts() -> Vec<(&'static str, Value)> {
    let mut shown = contact_fields();
    shown["segments"] = list(&text());
    shown["suppressed"] = json!({ "type": ["string", "null"], "enum": ["bounced", "complained", null] });
    shown["created_at"] = time();
    shown["updated_at"] = time();
    let all: Vec<&str> = shown.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let mut guarded = shown.clone();
    guarded["classes"] = json!({
        "type": "object", "additionalProperties": class_of_field(),
        "description": "Of all attributes where `phi` is `hidden`: those that are phi or sensitive are left out of `attributes`",
    });
    let read = object(&all, &guarded);
    // What reading shows may be written back: its read-only fields are passed over.
    let written = json!({ "type": "object", "additionalProperties": false, "properties": shown });
    let mut in_batch = written.clone();
    in_batch["required"] = json!(["id"]);
    let mut of_event = event_fields();
    of_event["contact"] = text();
    let entry = json!({ "oneOf": [
        object(&["contact"], &json!({ "contact": in_batch })),
        object(&["event"], &json!({ "event": object(&["contact", "name"], &of_event) })),
    ] });
    let result = json!({ "status": whole(), "id": text(), "duplicate": flag(), "error": named("Problem") });
    let told = json!({
        "type": one_of(&["event", "visit", "message", "engagement", "not_admitted"]),
        "at": time(),
    });
    vec![
        ("ContactFields", written),
        ("Contact", read),
        ("ContactPage", page_of("Contact")),
        (
            "ContactWritten",
            json!({ "description": "The contact; to who may only send, whether it is new", "anyOf": [
                named("Contact"), whole_object(&json!({ "id": text(), "created": flag() })),
            ] }),
        ),
        ("Event", object(&["name"], &event_fields())),
        ("EventKept", whole_object(&json!({ "id": text(), "duplicate": flag() }))),
        ("Batch", object(&["entries"], &json!({ "entries": { "type": "array", "maxItems": 500, "items": entry } }))),
        ("BatchResults", whole_object(&json!({ "results": list(&object(&["status"], &result)) }))),
        (
            "Told",
            json!({ "type": "object", "required": ["type", "at"], "properties": told, "additionalProperties": true }),
        ),
        ("Timeline", page_of("Told")),
    ]
}

fn runs() -> Vec<(&'static str, Value)> {
    let seen = json!({ "type": "object", "additionalProperties": false, "properties": {
        "human": { "type": ["string", "null"], "format": "date-time" },
        "machine": { "type": ["string", "null"], "format": "date-time" },
        "corrected": { "type": "boolean", "description": "A machine was taken for a person at first, and may have moved the run." },
    } });
    let message = json!({
        "id": maybe_text(),
        "state": one_of(&["claimed", "released", "sent", "unknown", "failed", "skipped"]),
        "attempt": whole(),
        "at": time(),
        "reason": text(),
        "delivered": time(),
        "bounced": time(),
        "complained": time(),
        "unsubscribed": time(),
        "opened": seen,
        "clicked": map(&seen),
        "duplicates": list(&text()),
    });
    let explanation = json!({
        "test": text(), "observed": {}, "expected": {}, "result": flag(), "source": text(),
        "hidden": { "type": "boolean", "description": "Whether values were left out, since `phi` is `hidden`" },
    });
    let visit = json!({
        "step": text(),
        "kind": text(),
        "at": time(),
        "version": { "type": "integer", "description": "In which it was made, where the run has been moved to another" },
        "edge": { "type": ["string", "null"], "description": "The step that came next" },
        "via": { "type": ["string", "null"], "description": "The edge of the step that led there" },
        "explanation": list(&object(&["test", "observed", "expected", "result", "source"], &explanation)),
        "message": named("Message"),
    });
    let run = json!({
        "id": text(),
        "workflow": text(),
        "version": whole(),
        "contact": text(),
        "key": maybe_text(),
        "status": one_of(&["active", "waiting", "paused", "ended"]),
        "ended": text(),
        "ended_at": time(),
        "detail": text(),
        "current": text(),
        "due": time(),
        "entry": whole_object(&json!({ "at": time(), "number": whole(), "payload": anything() })),
        "visits": list(&named("Visit")),
    });
    let enroll = json!({ "contact": text(), "segment": text(), "payload": anything(), "key": text() });
    let enrolled = json!({ "anyOf": [
        whole_object(&json!({ "run": maybe_text(), "admitted": flag(), "why": text() })),
        named("Enrollment"),
    ] });
    let enrollment = json!({
        "enrollment": text(), "segment": text(), "state": one_of(&["running", "done", "stopped"]), "started_at": time(),
        "finished_at": { "type": ["string", "null"], "format": "date-time" }, "contacts_done": whole(), "admitted": whole(),
        "refused": whole(),
    });
    vec![
        ("Message", object(&["id", "state", "attempt", "at"], &message)),
        ("Visit", object(&["step", "kind", "at", "edge", "via", "explanation"], &visit)),
        ("Run", object(&["id", "workflow", "version", "contact", "key", "status", "entry", "visits"], &run)),
        ("RunPage", page_of("Run")),
        ("Enroll", object(&[], &enroll)),
        ("Enrolled", enrolled),
        ("Enrollment", whole_object(&enrollment)),
    ]
}

fn documents() -> Vec<(&'static str, Value)> {
    let number = json!({ "type": ["integer", "null"] });
    let summary = json!({
        "id": text(),
        "name": { "description": "As the draft has it, whatever that is" },
        "status": one_of(&["draft", "published", "paused", "archived"]),
        "published": number,
        "version": number,
        "latest": whole(),
        "paused": flag(),
        "archived": flag(),
        "updated_at": time(),
    });
    let mut workflow = summary.clone();
    workflow["draft"] = json!({ "type": "object", "description": "What its author wrote, whatever is wrong with it" });
    let version = json!({
        "workflow": text(), "version": whole(), "published_at": time(), "templates": map(&whole()),
        "document": named("WorkflowDocument"),
    });
    let published = json!({ "id": text(), "version": whole(), "changed": flag(), "report": named("Report") });
    let template = json!({
        "id": text(), "subject": text(), "preheader": text(), "mjml": text(), "html": text(), "text": text(),
        "class": class(),
    });
    let mut template_shape = object(&["subject", "class"], &template);
    template_shape["description"] = json!("Its body is `mjml` or `html`, one of them");
    let preview = json!({ "contact": text(), "email": text(), "attributes": anything(), "entry": anything() });
    let link = whole_object(&json!({ "name": text(), "url": text() }));
    let mail = json!({ "subject": text(), "html": text(), "text": text(), "links": list(&link) });
    let fill = json!({
        "state": { "type": "string", "enum": ["filling", "done"] }, "started_at": time(),
        "finished_at": { "type": ["string", "null"], "format": "date-time" },
        "contacts_done": whole(),
    });
    let segment = json!({
        "id": text(), "name": text(), "when": named("DocumentCondition"), "size": whole(), "fill": object(&[], &fill),
    });
    let members = json!({ "add": list(&text()), "remove": list(&text()) });
    vec![
        ("WorkflowSummary", whole_object(&summary)),
        ("WorkflowPage", page_of("WorkflowSummary")),
        ("Workflow", whole_object(&workflow)),
        ("Published", whole_object(&published)),
        ("VersionEntry", whole_object(&json!({ "version": whole(), "published_at": time() }))),
        ("VersionPage", page_of("VersionEntry")),
        ("Version", whole_object(&version)),
        ("Template", template_shape),
        ("TemplatePage", page_of("Template")),
        ("Preview", object(&[], &preview)),
        ("Mail", whole_object(&mail)),
        ("Segment", object(&[], &segment)),
        ("SegmentPage", page_of("Segment")),
        ("Members", object(&[], &members)),
        ("Moved", whole_object(&json!({ "added": whole(), "removed": whole() }))),
    ]
}

fn account() -> Vec<(&'static str, Value)> {
    let types = ["string", "number", "boolean", "date", "timestamp", "list", "object"];
    let facts = json!({
        "type": one_of(&types),
        "class": class_of_field(),
        "required": flag(),
    });
    let declared = map(&object(&["type", "class"], &facts));
    let links = map(&json!({ "type": "string", "format": "uri" }));
    let base_url = json!({
        "type": "string", "format": "uri",
        "description": "Where the public finds this installation: links for unsubscribing lead there. Without it no marketing is sent",
    });
    let hidden_link = json!({
        "type": "boolean",
        "description": "Whether mails carry a link that people do not see, by which programs that follow every link give themselves away; `true` where it is left out. It needs a base URL",
    });
    let settings =
        json!({ "zone": text(), "sender": text(), "links": links, "base_url": base_url, "hidden_link": hidden_link });
    let unsubscribe = json!({
        "List-Unsubscribe": one_of(&["One-Click"]),
        "what": one_of(&["these", "nothing"]),
        "shown": list(&text()),
        "topic": list(&text()),
    });
    let roles = list(&one_of(&["ingest", "viewer", "editor", "admin"]));
    let key = json!({ "id": text(), "name": text(), "roles": roles, "created_at": time() });
    let mut created = key.clone();
    created["key"] = json!({ "type": "string", "description": "The secret, which is shown this once" });
    let me = json!({ "id": text(), "roles": roles });
    vec![
        ("Me", whole_object(&me)),
        ("Attributes", object(&["attributes"], &json!({ "attributes": declared }))),
        ("Settings", object(&[], &settings)),
        ("WebhookSecret", object(&["secret"], &json!({ "secret": text(), "previous_until": time() }))),
        ("Unsubscribe", object(&[], &unsubscribe)),
        ("NewKey", whole_object(&json!({ "name": text(), "roles": roles }))),
        ("Key", whole_object(&key)),
        ("KeyPage", page_of("Key")),
        ("KeyCreated", whole_object(&created)),
    ]
}
