//! Runs: how they begin by request, what became of them, and how they are cancelled.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use carepath_app::ports::Ports;
use carepath_app::{App, FieldError, UseError, admit, contacts_read, work};
use carepath_engine::contact::Attributes;
use carepath_engine::ids::{ContactId, RunId, SegmentId, WorkflowId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Body, Fields, Id, Query};
use crate::disclosure::Disclosure;
use crate::events::{MAX_PROPERTIES, request_id, size};
use crate::observe::{audit, audit_disclosed};
use crate::problem::Problem;
use crate::run_view;

/// How many contacts of a segment are let in at a time.
const AT_ONCE: usize = 16;
const PAGE: usize = 500;

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
    Id(id): Id<RunId>,
) -> Result<Json<Value>, Problem> {
    work::cancel(&app, &id).await?;
    let known = contacts_read::run(&app, &id).await?;
    audit(&caller, "POST /v1/runs/{id}/cancel", &id.contact());
    Ok(Json(run_view::show(&known)))
}

pub(crate) async fn enroll<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(workflow): Id<WorkflowId>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
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
    let request = request_id(&headers)?.map(String::from);
    match (contact, segment) {
        (Some(contact), None) => {
            let answer = admit::enroll(&app, &workflow, &contact, payload, key, request).await?;
            Ok(Json(json!({ "run": answer.run, "admitted": answer.admitted, "why": answer.why })))
        }
        (None, Some(segment)) => enroll_segment(&app, &workflow, &segment, payload, key, request).await.map(Json),
        (Some(_), Some(_)) | (None, None) => {
            let fault = FieldError::new("", "required", "give `contact` or `segment`, one of them");
            Err(Problem::invalid(vec![fault]))
        }
    }
}

/// Lets everybody in a segment in. What is answered is done: a caller whose connection broke sends it again under the
/// same `Idempotency-Key`, and nobody comes in twice.
async fn enroll_segment<P: Ports>(
    app: &App<P>,
    workflow: &WorkflowId,
    segment: &SegmentId,
    payload: Attributes,
    key: Option<String>,
    request: Option<String>,
) -> Result<Value, Problem> {
    let (mut admitted, mut refused) = (0_u64, 0_u64);
    let mut cursor: Option<String> = None;
    loop {
        let page = contacts_read::by_segment(app, segment, PAGE, cursor.as_deref()).await?;
        let answers: Vec<admit::Enrolled> = stream::iter(page.items)
            .map(|contact| {
                let (payload, key, request) = (payload.clone(), key.clone(), request.clone());
                async move { admit::enroll(app, workflow, &contact.id, payload, key, request).await }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error: UseError| Problem::from(error))?;
        for answer in answers {
            if answer.admitted { admitted += 1 } else { refused += 1 }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(json!({ "admitted": admitted, "refused": refused })),
        }
    }
}
