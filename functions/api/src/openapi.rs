//! The description of the API, made from the table of routes that serves it.

use axum::Json;
use carepath_app::ports::Ports;
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::route::{Described, described};

pub(crate) async fn get<P: Ports>() -> Json<Value> {
    Json(document::<P>())
}

/// The description, as `OpenAPI` 3.1.
pub fn document<P: Ports>() -> Value {
    let mut paths = Map::new();
    for route in described::<P>() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Carepath",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Automated email workflows for healthcare.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "An API key: cp_…" },
                "basic": { "type": "http", "scheme": "basic", "description": "The key as user name." },
            },
            "schemas": { "Problem": problem() },
        },
    })
}

fn operation(route: &Described) -> Value {
    let mut operation = Map::new();
    operation.insert("summary".into(), json!(route.summary));
    operation.insert("operationId".into(), json!(operation_id(route)));
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if route.method == http::Method::POST {
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" } }));
    }
    if ["PUT", "PATCH", "DELETE"].contains(&route.method.as_str()) {
        parameters.push(json!({ "name": "If-Match", "in": "header", "schema": { "type": "string" } }));
    }
    operation.insert("parameters".into(), json!(parameters));
    if let Some(body) = route.body {
        let content = json!({ "application/json": { "schema": body() } });
        operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
    }
    let failure = json!({
        "description": "What was not done, and why",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut responses = Map::new();
    let success = if route.success == 204 {
        json!({ "description": "Done" })
    } else {
        json!({ "description": "Done", "content": { "application/json": { "schema": { "type": "object" } } } })
    };
    responses.insert(route.success.to_string(), success);
    responses.insert("default".into(), failure);
    operation.insert("responses".into(), Value::Object(responses));
    match route.access {
        Access::Public => operation.insert("security".into(), json!([])),
        Access::Any(roles) => {
            let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            operation.insert("x-roles".into(), json!(names));
            operation.insert("security".into(), json!([{ "key": [] }, { "basic": [] }]))
        }
    };
    Value::Object(operation)
}

fn operation_id(route: &Described) -> String {
    let parts = route.path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    let parts: Vec<String> = parts
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => format!("by_{name}"),
            None => part.replace('.', "_"),
        })
        .collect();
    format!("{}_{}", route.method.as_str().to_ascii_lowercase(), parts.join("_"))
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "enum": crate::CODES },
            "detail": { "type": "string" },
            "errors": { "type": "array", "items": object(&["pointer", "rule", "message"], &json!({
                "pointer": text(), "rule": text(), "message": text(),
            })) },
            "report": { "type": "object", "description": "The report of a check, where a draft was refused" },
        },
    })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

fn anything() -> Value {
    json!({ "type": "object" })
}

pub(crate) fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": text(),
            "email": { "type": ["string", "null"], "format": "email" },
            "zone": { "type": ["string", "null"], "description": "An IANA zone: Europe/Berlin" },
            "locale": { "type": ["string", "null"] },
            "attributes": anything(),
            "topics": {
                "type": "object",
                "additionalProperties": { "type": "string", "enum": ["subscribed", "unsubscribed"] },
            },
        },
    })
}

fn event_properties() -> Value {
    json!({
        "name": text(),
        "id": { "type": "string", "description": "Counts once; taken from Idempotency-Key where it is left out" },
        "at": { "type": "string", "format": "date-time" },
        "properties": anything(),
    })
}

pub(crate) fn event() -> Value {
    object(&["name"], &event_properties())
}

pub(crate) fn batch() -> Value {
    let mut of_event = event_properties();
    of_event["contact"] = text();
    let mut of_contact = contact();
    of_contact["required"] = json!(["id"]);
    let entry = json!({ "oneOf": [
        object(&["contact"], &json!({ "contact": of_contact })),
        object(&["event"], &json!({ "event": object(&["contact", "name"], &of_event) })),
    ] });
    object(&["entries"], &json!({ "entries": { "type": "array", "maxItems": 500, "items": entry } }))
}

pub(crate) fn workflow() -> Value {
    json!({ "type": "object", "description": "A workflow document; `check` says everything that is wrong with it" })
}

pub(crate) fn enroll() -> Value {
    let properties = json!({ "contact": text(), "segment": text(), "payload": anything(), "key": text() });
    object(&[], &properties)
}

pub(crate) fn template() -> Value {
    let class = json!({ "type": "string", "enum": ["care", "operational", "marketing"] });
    object(
        &["subject", "class"],
        &json!({
            "id": text(), "subject": text(), "preheader": text(), "mjml": text(), "html": text(), "text": text(),
            "class": class,
        }),
    )
}

pub(crate) fn preview() -> Value {
    let properties = json!({ "contact": text(), "email": text(), "attributes": anything(), "entry": anything() });
    object(&[], &properties)
}

pub(crate) fn segment() -> Value {
    object(&[], &json!({ "id": text(), "name": text(), "when": anything() }))
}

pub(crate) fn members() -> Value {
    let list = json!({ "type": "array", "items": text() });
    object(&[], &json!({ "add": list, "remove": list }))
}

pub(crate) fn attributes() -> Value {
    let types = ["string", "number", "boolean", "date", "timestamp", "list", "object"];
    let facts = json!({
        "type": { "type": "string", "enum": types },
        "class": { "type": "string", "enum": ["public", "identifier", "phi", "sensitive"] },
        "required": { "type": "boolean" },
    });
    let declared = json!({ "type": "object", "additionalProperties": object(&["type", "class"], &facts) });
    object(&["attributes"], &json!({ "attributes": declared }))
}

pub(crate) fn settings() -> Value {
    let links = json!({ "type": "object", "additionalProperties": { "type": "string", "format": "uri" } });
    object(&[], &json!({ "zone": text(), "sender": text(), "links": links }))
}

pub(crate) fn key() -> Value {
    let roles =
        json!({ "type": "array", "items": { "type": "string", "enum": ["ingest", "viewer", "editor", "admin"] } });
    object(&["name", "roles"], &json!({ "name": text(), "roles": roles }))
}
