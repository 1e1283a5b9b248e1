//! Runs: how they begin by request, what became of them, and how they are cancelled.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use carepath_app::enroll::{Enrolment, Order};
use carepath_app::ports::Ports;
use carepath_app::{App, FieldError, admit, contacts_read, enroll, work};
use carepath_engine::ids::{ContactId, RunId, SegmentId, WorkflowId};
use carepath_engine::run::{Outcome, State as RunState};
use http::StatusCode;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Body, Fields, Id, Query, RequestName};
use crate::disclosure::Disclosure;
use crate::events::{MAX_PROPERTIES, size};
use crate::observe::{audit, audit_disclosed};
use crate::problem::Problem;
use crate::run_view;

pub(crate) async fn get<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<RunId>,
) -> Result<Json<Value>, Problem> {
    let known = contacts_read::run(&app, &id).await?;
    audit(&caller, "GET /v1/runs/{id}", &id.contact());
    Ok(Json(run_view::show(&known)))
}

pub(crate) async fn of_contact<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ContactId>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let disclosure = Disclosure::asked(&query)?;
    let runs = contacts_read::runs(&app, &id).await?;
    audit_disclosed(&caller, "GET /v1/contacts/{id}/runs", &app.key_of(&id), disclosure);
    let published = app.published().await?;
    let shown = runs.iter().map(|known| {
        let mut shown = run_view::show(known);
        disclosure.of_told(&mut shown, &published.account.schema);
        shown
    });
    Ok(Json(json!({ "items": shown.collect::<Vec<_>>(), "next": null })))
}

pub(crate) async fn cancel<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    RequestName(request): RequestName,
    Id(id): Id<RunId>,
) -> Result<Json<Value>, Problem> {
    let cancelled = work::cancel(&app, &id).await;
    let known = contacts_read::run(&app, &id).await?;
    // Whoever names its request may be repeating it: what it asked for is done.
    let done = matches!(known.run.state, RunState::Ended { outcome: Outcome::Cancelled, .. });
    if request.is_none() || !done {
        cancelled?;
    }
    audit(&caller, "POST /v1/runs/{id}/cancel", &id.contact());
    Ok(Json(run_view::show(&known)))
}

pub(crate) async fn enroll<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(workflow): Id<WorkflowId>,
    RequestName(request): RequestName,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::of(body, "")?;
    let (contact, segment) = (fields.id::<ContactId>("contact"), fields.id::<SegmentId>("segment"));
    let payload = fields.attributes("payload");
    if size(&payload) > MAX_PROPERTIES {
        fields.fault("payload", "too_large", "may come to 346 KiB at most");
    }
    let key = fields.text("key");
    if key.as_deref().is_some_and(|key| key.is_empty() || key.len() > 256) {
        fields.fault("key", "key", "must be 1 to 256 bytes");
    }
    fields.finish("contact, segment, payload, key")?;
    let request = request.map(String::from);
    match (contact, segment) {
        (Some(contact), None) => {
            let answer = admit::enroll(&app, &workflow, &contact, payload, key, request).await?;
            let body = json!({ "run": answer.run, "admitted": answer.admitted, "why": answer.why });
            Ok((StatusCode::OK, Json(body)))
        }
        (None, Some(segment)) => {
            let begun = enroll::begin(&app, &workflow, Order { segment, payload, key }, request).await?;
            let (who, segment, enrollment) = (&*caller.id, &begun.segment, &begun.id);
            tracing::info!(target: "audit", who, %workflow, %segment, enrollment, "segment enrolled");
            Ok((StatusCode::ACCEPTED, Json(show_enrolment(&begun))))
        }
        (Some(_), Some(_)) | (None, None) => {
            let fault = FieldError::new("", "required", "give `contact` or `segment`, one of them");
            Err(Problem::invalid(vec![fault]))
        }
    }
}

/// How far the enrolment of a segment has come.
pub(crate) async fn enrolment<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(workflow): Id<WorkflowId>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(show_enrolment(&enroll::get(&app, &workflow, &id).await?)))
}

fn show_enrolment(enrolment: &Enrolment) -> Value {
    let state = match (enrolment.finished_at, enrolment.stopped) {
        (None, _) => "running",
        (Some(_), false) => "done",
        (Some(_), true) => "stopped",
    };
    json!({
        "enrollment": enrolment.id,
        "segment": enrolment.segment,
        "state": state,
        "started_at": enrolment.started_at,
        "finished_at": enrolment.finished_at,
        "contacts_done": enrolment.done,
        "admitted": enrolment.admitted,
        "refused": enrolment.refused,
    })
}
