//! The account: declared attributes, settings, API keys.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use carepath_app::App;
use carepath_app::documents::Stored;
use carepath_app::keys::{self, Key, Role};
use carepath_app::ports::Ports;
use carepath_app::settings::{self, Schema, Settings};
use carepath_engine::compile::AttributeFacts;
use carepath_engine::ids::{BadId, Name};
use http::StatusCode;
use serde_json::{Value, json};

use crate::body::{Body, Condition, Fields, Id, escape};
use crate::contacts::tagged;
use crate::problem::Problem;

fn show_schema(stored: &Stored<Schema>) -> Response {
    tagged(StatusCode::OK, stored.revision, json!({ "attributes": stored.value }))
}

pub(crate) async fn get_schema<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Response, Problem> {
    Ok(show_schema(&settings::schema(app.store()).await?))
}

/// `{ attributes: { NAME: { type, class, required? } } }`, or a list of the same with `name`.
pub(crate) async fn put_schema<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Condition(expect): Condition,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::of(body, "")?;
    let mut schema = Schema::new();
    let declared: Vec<(String, Option<String>, Value)> = match fields.take("attributes") {
        Some(Value::Object(declared)) => {
            declared.into_iter().map(|(name, facts)| (escape(&name), Some(name), facts)).collect()
        }
        Some(Value::Array(list)) => list.into_iter().enumerate().map(|(place, facts)| named(place, facts)).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            fields.fault("attributes", "type", "must be an object of declarations by name");
            Vec::new()
        }
        None => {
            fields.fault("attributes", "required", "is missing");
            Vec::new()
        }
    };
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for (place, name, facts) in declared {
        let place = format!("attributes/{place}");
        if let Some(name) = &name {
            places.insert(format!("/attributes/{}/type", escape(name)), format!("/{place}/type"));
        }
        match name.map(|name| name.parse::<Name>()) {
            Some(Ok(name)) => match declaration(&facts) {
                Ok(facts) => {
                    schema.insert(name, facts);
                }
                Err(mend) => fields.fault_at(&place, "attribute", mend),
            },
            Some(Err(error)) => fields.fault_at(&place, "id", error.to_string()),
            None => fields.fault_at(&format!("{place}/name"), "required", "is missing"),
        }
    }
    fields.finish("attributes")?;
    let stored = settings::put_schema(&app, schema, expect).await;
    // A list has its declarations by place, and not by name.
    Ok(show_schema(&stored.map_err(|error| Problem::from(error).at(|pointer| places.get(pointer).cloned()))?))
}

fn named(place: usize, mut facts: Value) -> (String, Option<String>, Value) {
    let name = facts.as_object_mut().and_then(|fields| fields.shift_remove("name"));
    (place.to_string(), name.and_then(|name| name.as_str().map(str::to_owned)), facts)
}

fn declaration(value: &Value) -> Result<AttributeFacts, &'static str> {
    let known = value
        .as_object()
        .is_some_and(|fields| fields.keys().all(|field| ["type", "class", "required"].contains(&field.as_str())));
    let mend = "must be `{ type, class, required? }`, with a type of string, number, boolean, date, timestamp, list or \
                object, and a class of public, identifier, phi or sensitive";
    if !known {
        return Err(mend);
    }
    serde_json::from_value(value.clone()).map_err(|_| mend)
}

pub(crate) async fn get_settings<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Response, Problem> {
    let stored = settings::get(app.store()).await?;
    Ok(tagged(StatusCode::OK, stored.revision, json!(stored.value)))
}

/// What is left out keeps the value that a new account has.
pub(crate) async fn put_settings<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Condition(expect): Condition,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::of(body, "")?;
    let defaults = Settings::default();
    let zone = fields.text("zone").unwrap_or(defaults.zone);
    let sender = fields.text("sender").unwrap_or(defaults.sender);
    let base_url = fields.text("base_url");
    let hidden_link = fields.flag("hidden_link").unwrap_or(defaults.hidden_link);
    let mut links = BTreeMap::new();
    for (name, url) in fields.attributes("links") {
        match url.as_str().filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            Some(url) => {
                links.insert(name, url.to_owned());
            }
            None => fields.fault_at(&format!("links/{}", escape(&name)), "url", "must be an address: `https://…`"),
        }
    }
    fields.finish("zone, sender, links, base_url, hidden_link")?;
    let stored = settings::put(&app, Settings { zone, sender, links, base_url, hidden_link }, expect).await?;
    Ok(tagged(StatusCode::OK, stored.revision, json!(stored.value)))
}

/// The id of a key: looked up as it comes, since nothing is there under one that is none.
pub(crate) struct KeyId(String);

impl FromStr for KeyId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = (1..=128).contains(&text.len());
        fits.then(|| Self(text.to_owned())).ok_or(BadId { what: "key id", problem: "must be 1 to 128 bytes" })
    }
}

fn show_key(key: &Key) -> Value {
    json!({ "id": key.id, "name": key.name, "roles": key.roles, "created_at": key.created_at })
}

pub(crate) async fn list_keys<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Json<Value>, Problem> {
    let keys = keys::list(&app).await?;
    Ok(Json(json!({ "items": keys.iter().map(show_key).collect::<Vec<_>>(), "next": null })))
}

pub(crate) async fn create_key<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::of(body, "")?;
    let name = fields.text("name").unwrap_or_default();
    let mut roles = BTreeSet::new();
    match fields.take("roles") {
        Some(Value::Array(named)) => {
            for (place, role) in named.iter().enumerate() {
                if let Some(role) = role.as_str().and_then(Role::parse) {
                    roles.insert(role);
                } else {
                    let mend = "must be `ingest`, `viewer`, `editor` or `admin`";
                    fields.fault_at(&format!("roles/{place}"), "role", mend);
                }
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) | None => {
            fields.fault("roles", "required", "must be a list of roles");
        }
    }
    fields.finish("name, roles")?;
    let created = keys::create(&app, &name, roles).await?;
    let mut shown = show_key(&created.key);
    shown["key"] = json!(created.secret);
    Ok((StatusCode::CREATED, Json(shown)))
}

pub(crate) async fn revoke_key<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(KeyId(id)): Id<KeyId>,
) -> Result<StatusCode, Problem> {
    keys::revoke(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
