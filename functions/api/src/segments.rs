//! Segments.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use carepath_app::ports::Ports;
use carepath_app::{App, change, contacts_read, segments as uses};
use carepath_engine::ids::{ContactId, SegmentId};
use http::StatusCode;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Body, Condition, Fields, Id, Query, Write};
use crate::contacts::{show, tagged};
use crate::observe::audit;
use crate::problem::{Code, Problem};
use crate::workflows::page;

/// The most contacts that one request moves.
const MAX_MEMBERS: usize = 500;

pub(crate) async fn list<P: Ports>(State(app): State<Arc<App<P>>>, query: Query) -> Result<Json<Value>, Problem> {
    let all = uses::list(&app).await?;
    let id = |segment: &Value| segment.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = all.into_iter().map(|stored| (id(&stored.value), stored.value));
    page(items.collect(), &query).map(Json)
}

pub(crate) async fn put<P: Ports>(
    State(app): State<Arc<App<P>>>,
    write: Write<SegmentId>,
) -> Result<Response, Problem> {
    let mut body = write.body;
    if let Some(fields) = body.as_object_mut() {
        // What a reading has beside the definition may come back with it.
        fields.remove("size");
        fields.remove("fill");
    }
    let (stored, created) = uses::put(&app, &write.id, body, write.expect).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(status, stored.revision, stored.value))
}

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>, Id(id): Id<SegmentId>) -> Result<Response, Problem> {
    let stored = uses::get(&app, &id).await?;
    let standing = uses::standing(&app, &id).await?;
    let mut shown = stored.value;
    shown["size"] = standing.size.into();
    if let Some(fill) = standing.fill {
        let state = if fill.finished_at.is_some() { "done" } else { "filling" };
        shown["fill"] = json!({
            "state": state, "started_at": fill.started_at, "finished_at": fill.finished_at, "contacts_done": fill.done,
        });
    }
    Ok(tagged(StatusCode::OK, stored.revision, shown))
}

pub(crate) async fn delete<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<SegmentId>,
    Condition(expect): Condition,
) -> Result<StatusCode, Problem> {
    uses::delete(&app, &id, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn members<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<SegmentId>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let page = contacts_read::by_segment(&app, &id, query.limit()?, query.cursor()).await?;
    for contact in &page.items {
        audit(&caller, "GET /v1/segments/{id}/members", &app.key_of(&contact.id));
    }
    Ok(Json(json!({ "items": page.items.iter().map(show).collect::<Vec<_>>(), "next": page.next })))
}

pub(crate) async fn change_members<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(id): Id<SegmentId>,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body, "")?;
    let (add, remove) = (fields.ids::<ContactId>("add"), fields.ids::<ContactId>("remove"));
    fields.finish("add, remove")?;
    if add.len() + remove.len() > MAX_MEMBERS {
        let detail = "A request moves 500 contacts at most: send several.";
        return Err(Problem::new(Code::TooManyEntries, detail));
    }
    uses::manual(&app, &id).await?;
    change::set_members(&app, &id, &add, &remove).await?;
    Ok(Json(json!({ "added": add.len(), "removed": remove.len() })))
}
