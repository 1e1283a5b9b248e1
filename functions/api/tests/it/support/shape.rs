//! Holds every answer of every test against the description of the API.

use std::sync::LazyLock;

use carepath_api::{described, openapi};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Local, Reply};

static DESCRIPTION: LazyLock<Value> = LazyLock::new(openapi::<Local>);

/// Fails the test where an answer is none that the description tells of.
pub(crate) fn check(method: &Method, path: &str, reply: &Reply) {
    let at = format!("{method} {path}: {} {}", reply.status, reply.text);
    let method = if method == Method::HEAD { &Method::GET } else { method };
    if reply.status.is_success() {
        let routes = described::<Local>();
        let route = routes.iter().find(|route| route.method == *method && fits(route.path, path)).unwrap();
        if route.page {
            return assert_page(&at, reply);
        }
        if route.table && reply.kind == "text/csv; charset=utf-8" {
            return;
        }
        assert!(route.success.contains(&reply.status.as_u16()), "{at}");
        assert_eq!(!reply.tag.is_empty(), route.tagged, "{at}");
        match route.shown {
            Some(shown) => assert_shape(&at, &reply.json(), &named(shown)),
            None => assert!(reply.text.is_empty(), "{at}"),
        }
        return;
    }
    if reply.kind.starts_with("text/html") {
        assert!(described::<Local>().iter().any(|route| route.page && fits(route.path, path)), "{at}");
        return assert_page(&at, reply);
    }
    assert_eq!(reply.kind, "application/problem+json", "{at}");
    let problem = reply.json();
    assert_shape(&at, &problem, &named("Problem"));
    assert_eq!(problem["status"], reply.status.as_u16(), "{at}");
    assert_eq!(problem["type"], format!("https://carepath.dev/errors/{}", reply.code()), "{at}");
    assert_eq!(reply.status == StatusCode::UNAUTHORIZED, reply.headers.contains("www-authenticate"), "{at}");
    if reply.code() == "invalid" {
        assert!(!reply.faults().is_empty(), "{at}");
    }
}

/// What every page keeps, whatever it says.
fn assert_page(at: &str, reply: &Reply) {
    assert_eq!(reply.kind, "text/html; charset=utf-8", "{at}");
    for header in ["default-src 'none'", "no-referrer", "no-store", "nosniff", "noindex"] {
        assert!(reply.headers.contains(header), "{header}: {at}");
    }
    for word in ["<script", "src=", "http:", "https:", "style=\""] {
        assert!(!reply.text.contains(word), "{word}: {at}");
    }
}

fn fits(route: &str, path: &str) -> bool {
    let (route, path): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
    route.len() == path.len() && route.iter().zip(&path).all(|(part, given)| part.starts_with('{') || part == given)
}

fn named(name: &str) -> Value {
    serde_json::json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn assert_shape(at: &str, value: &Value, shape: &Value) {
    if let Err(fault) = fault(value, shape, "") {
        panic!("{fault}: {at}");
    }
}

/// What of JSON Schema the description uses for answers.
fn fault(value: &Value, shape: &Value, place: &str) -> Result<(), String> {
    if let Some(target) = shape["$ref"].as_str() {
        let found = DESCRIPTION.pointer(target.trim_start_matches('#'));
        return fault(value, found.ok_or_else(|| format!("{target} leads nowhere"))?, place);
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(options) = shape[choice].as_array() {
            let faults: Vec<String> = options.iter().filter_map(|option| fault(value, option, place).err()).collect();
            if faults.len() == options.len() {
                return Err(format!("none of the options: {}", faults.join("; ")));
            }
        }
    }
    if let Some(options) = shape["enum"].as_array()
        && !options.contains(value)
    {
        return Err(format!("`{place}` is none of {options:?}"));
    }
    let types = shape["type"].as_array().cloned().unwrap_or_else(|| shape.get("type").cloned().into_iter().collect());
    if !types.is_empty() && !types.iter().any(|name| is_a(value, name.as_str().unwrap())) {
        return Err(format!("`{place}` is not {types:?}"));
    }
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                fault(item, &shape["items"], &format!("{place}/{at}"))?;
            }
        }
        Value::Object(fields) => {
            for name in shape["required"].as_array().into_iter().flatten() {
                if !fields.contains_key(name.as_str().unwrap()) {
                    return Err(format!("`{place}` lacks {name}"));
                }
            }
            for (name, field) in fields {
                let known = shape["properties"].get(name).unwrap_or(&shape["additionalProperties"]);
                if *known == Value::Bool(false) {
                    return Err(format!("`{place}/{name}` is not described"));
                }
                fault(field, known, &format!("{place}/{name}"))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
