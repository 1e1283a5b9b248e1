//! Workflows.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use carepath_app::documents::Stored;
use carepath_app::ports::Ports;
use carepath_app::workflows::{self as uses, WorkflowState};
use carepath_app::{App, work};
use carepath_engine::ids::WorkflowId;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::body::{Condition, Id, MaybeBody, Query, Write};
use crate::contacts::tagged;
use crate::problem::Problem;

fn status(state: &WorkflowState) -> &'static str {
    match (state.published, state.archived, state.paused) {
        (None, _, _) => "draft",
        (Some(_), true, _) => "archived",
        (Some(_), false, true) => "paused",
        (Some(_), false, false) => "published",
    }
}

/// A workflow: its draft, and what is published of it.
fn show(id: &WorkflowId, state: &WorkflowState) -> Value {
    let draft = state.draft.clone().unwrap_or_default();
    let mut shown = summary(id, state);
    shown.insert("draft".into(), draft);
    Value::Object(shown)
}

fn summary(id: &WorkflowId, state: &WorkflowState) -> Map<String, Value> {
    let name = state.draft.as_ref().and_then(|draft| draft.get("name")).cloned().unwrap_or_default();
    Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("name".to_owned(), name),
        ("status".to_owned(), json!(status(state))),
        ("published".to_owned(), json!(state.published)),
        ("version".to_owned(), json!(state.published)),
        ("latest".to_owned(), json!(state.latest)),
        ("paused".to_owned(), json!(state.paused)),
        ("archived".to_owned(), json!(state.archived)),
        ("updated_at".to_owned(), json!(state.updated_at)),
    ])
}

fn answer(id: &WorkflowId, stored: &Stored<WorkflowState>) -> Response {
    tagged(StatusCode::OK, stored.revision, show(id, &stored.value))
}

pub(crate) async fn list<P: Ports>(State(app): State<Arc<App<P>>>, query: Query) -> Result<Json<Value>, Problem> {
    let all = uses::list(&app).await?;
    let items = all.into_iter().map(|(id, stored)| (id.to_string(), Value::Object(summary(&id, &stored.value))));
    page(items.collect(), &query).map(Json)
}

/// A page of what is listed by id: its cursor is the last id before it.
pub(crate) fn page(mut items: Vec<(String, Value)>, query: &Query) -> Result<Value, Problem> {
    let limit = query.limit()?;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    items.retain(|(id, _)| query.cursor().is_none_or(|cursor| id.as_str() > cursor));
    let next = if items.len() > limit { items.get(limit - 1).map(|(id, _)| id.clone()) } else { None };
    let items: Vec<Value> = items.into_iter().take(limit).map(|(_, item)| item).collect();
    Ok(json!({ "items": items, "next": next }))
}

pub(crate) async fn put<P: Ports>(
    State(app): State<Arc<App<P>>>,
    write: Write<WorkflowId>,
) -> Result<Response, Problem> {
    let (stored, created) = uses::put(&app, &write.id, write.body, write.expect).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(status, stored.revision, show(&write.id, &stored.value)))
}

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>, Id(id): Id<WorkflowId>) -> Result<Response, Problem> {
    Ok(answer(&id, &uses::get(&app, &id).await?))
}

pub(crate) async fn delete<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Condition(expect): Condition,
) -> Result<StatusCode, Problem> {
    uses::delete(&app, &id, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn check<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    MaybeBody(body): MaybeBody,
) -> Result<Json<Value>, Problem> {
    // An empty object is what clients send that cannot send nothing.
    let document = body.filter(|body| body.as_object().is_none_or(|fields| !fields.is_empty()));
    Ok(Json(json!(uses::check(&app, &id, document).await?)))
}

pub(crate) async fn publish<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Condition(expect): Condition,
) -> Result<Json<Value>, Problem> {
    let done = uses::publish(&app, &id, expect).await?;
    let body = json!({ "id": id, "version": done.version.number, "changed": done.changed, "report": done.report });
    Ok(Json(body))
}

pub(crate) async fn pause<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Condition(expect): Condition,
) -> Result<Response, Problem> {
    Ok(answer(&id, &uses::pause(&app, &id, expect).await?))
}

pub(crate) async fn resume<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Condition(expect): Condition,
) -> Result<Response, Problem> {
    let stored = uses::unpause(&app, &id, expect).await?;
    work::resume(&app, &id).await?;
    Ok(answer(&id, &stored))
}

pub(crate) async fn archive<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Condition(expect): Condition,
) -> Result<Response, Problem> {
    Ok(answer(&id, &uses::archive(&app, &id, expect).await?))
}

pub(crate) async fn versions<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
) -> Result<Json<Value>, Problem> {
    let versions = uses::versions(&app, &id).await?;
    let items = versions.into_iter().map(|(number, at)| json!({ "version": number, "published_at": at }));
    Ok(Json(json!({ "items": items.collect::<Vec<_>>(), "next": null })))
}

pub(crate) async fn version<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<WorkflowId>,
    Path((_, number)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let number = number.parse().map_err(|_| Problem::not_found("version"))?;
    let found = uses::version(&app, &id, number).await?.ok_or_else(|| Problem::not_found("version"))?;
    let body = json!({
        "workflow": id,
        "version": number,
        "published_at": found.published_at,
        "templates": found.pins,
        "document": found.document,
    });
    Ok(Json(body))
}
