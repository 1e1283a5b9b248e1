//! The description of the API, made from the table of routes that serves it.

use axum::Json;
use carepath_app::ports::Ports;
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::disclosure;
use crate::route::{Described, described};
use crate::schemas;

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
            "schemas": schemas::components(),
        },
    })
}

fn operation(route: &Described) -> Value {
    let mut operation = Map::new();
    operation.insert("summary".into(), json!(route.summary));
    operation.insert("operationId".into(), json!(operation_id(route)));
    operation.insert("parameters".into(), parameters(route));
    if let Some(body) = route.body {
        let content = json!({ "application/json": { "schema": schemas::named(body) } });
        operation.insert("requestBody".into(), json!({ "required": !route.body_optional, "content": content }));
    }
    if let Some(form) = route.form {
        let shape = json!({ "schema": schemas::named(form) });
        let content = json!({ "application/x-www-form-urlencoded": shape, "multipart/form-data": shape });
        operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
    }
    operation.insert("responses".into(), responses(route));
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

fn parameters(route: &Described) -> Value {
    let text = || json!({ "type": "string" });
    let of = |name: &str, place: &str, schema: Value| json!({ "name": name, "in": place, "schema": schema });
    let mut parameters = Vec::new();
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let mut parameter = of(name, "path", text());
        parameter["required"] = json!(true);
        parameters.push(parameter);
    }
    for name in route.query {
        let schema = match *name {
            "limit" => json!({ "type": "integer", "minimum": 1, "maximum": crate::MAX_PAGE, "default": 100 }),
            "phi" => json!({ "type": "string", "enum": ["shown", "hidden"], "default": "shown" }),
            "why" => json!({ "type": "string", "enum": disclosure::WHYS, "description": "Written to the audit log" }),
            _ => text(),
        };
        parameters.push(of(name, "query", schema));
    }
    if route.repeatable {
        parameters.push(of("Idempotency-Key", "header", text()));
    }
    if route.conditional {
        parameters.push(of("If-Match", "header", text()));
        parameters.push(of("If-None-Match", "header", text()));
    }
    Value::Array(parameters)
}

fn responses(route: &Described) -> Value {
    let mut success = json!({ "description": "Done" });
    if let Some(shown) = route.shown {
        success["content"] = json!({ "application/json": { "schema": schemas::named(shown) } });
    }
    let page = json!({ "schema": { "type": "string" } });
    if route.table {
        success["content"]["text/csv"] = page.clone();
    }
    if route.page {
        success["content"] = json!({ "text/html": page });
    }
    if route.tagged {
        let tag = json!({ "description": "Its revision, for `If-Match`", "schema": { "type": "string" } });
        success["headers"] = json!({ "ETag": tag });
    }
    let mut responses = Map::new();
    for status in route.success {
        responses.insert(status.to_string(), success.clone());
    }
    let mut problem = json!({ "application/problem+json": { "schema": schemas::named("Problem") } });
    if route.page {
        problem["text/html"] = page;
    }
    responses.insert("default".into(), json!({ "description": "What was not done, and why", "content": problem }));
    Value::Object(responses)
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
