//! What needs a person: sends of which nobody knows whether they happened, and work that no trial can do.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use carepath_app::ports::{Parked, Ports, Work};
use carepath_app::unknown::Unknown;
use carepath_app::{App, FieldError, UseError, contacts_read, park, unknown};
use carepath_engine::ids::RunId;
use carepath_engine::run::Place;
use carepath_engine::version::OnUnknown;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Body, Fields, Id, Query, RequestName};
use crate::observe::audit;
use crate::problem::Problem;
use crate::run_view;

/// How much may be put back by name at a time.
const MOST_IDS: usize = 500;

pub(crate) async fn unknown<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let page = unknown::list(&app, query.limit()?, query.cursor()).await?;
    for known in &page.items {
        audit(&caller, "GET /v1/unknown-sends", &known.run.id.contact());
    }
    Ok(Json(json!({ "items": page.items.iter().map(show_unknown).collect::<Vec<_>>(), "next": page.next })))
}

fn show_unknown(known: &Unknown) -> Value {
    let Unknown { run, version, send } = known;
    let then = match send.then {
        OnUnknown::TreatAsSent => "treat_as_sent",
        OnUnknown::Resend => "resend",
    };
    json!({
        "run": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "contact": run.contact,
        "step": run_view::place(version, Place::Step(send.step)).0,
        "attempt": send.attempt,
        "since": send.since,
        "next_look": send.next_look,
        "decided_at": send.decided_at,
        "then": then,
    })
}

pub(crate) async fn settle<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    RequestName(request): RequestName,
    Id(id): Id<RunId>,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body, "")?;
    let sent = match fields.take("sent") {
        Some(Value::Bool(sent)) => sent,
        Some(_) => {
            fields.fault("sent", "type", "must be true or false");
            false
        }
        None => {
            fields.fault("sent", "required", "say whether the mail was sent: true or false");
            false
        }
    };
    let attempt = match fields.take("attempt").map(|attempt| attempt.as_u64().map(u32::try_from)) {
        None => None,
        Some(Some(Ok(attempt))) => Some(attempt),
        Some(Some(Err(_)) | None) => {
            fields.fault("attempt", "type", "must be the number that the list of unknown sends has");
            None
        }
    };
    fields.finish("sent, attempt")?;
    let settled = unknown::settle(&app, &id, attempt, sent, &caller.id).await;
    let known = contacts_read::run(&app, &id).await?;
    match settled {
        Ok(()) => tracing::info!(target: "audit", who = &*caller.id, run = %id, sent, "unknown send settled by hand"),
        // Whoever names its request may be repeating it.
        Err(UseError::Conflict { .. }) if request.is_some() && unknown::was_settled(&known.run, sent, &caller.id) => {}
        Err(error) => return Err(error.into()),
    }
    audit(&caller, "POST /v1/runs/{id}/settle", &id.contact());
    Ok(Json(run_view::show(&known)))
}

pub(crate) async fn parked<P: Ports>(State(app): State<Arc<App<P>>>, query: Query) -> Result<Json<Value>, Problem> {
    let page = park::parked(&app, query.limit()?, query.cursor()).await?;
    Ok(Json(json!({ "items": page.items.iter().map(show_parked).collect::<Vec<_>>(), "next": page.next })))
}

fn show_parked(parked: &Parked) -> Value {
    let kind = match parked.work {
        Work::Event { .. } => "event",
        Work::Contact { .. } => "contact",
        Work::Run { .. } => "run",
        Work::Task { .. } => "task",
        Work::Resume { .. } => "resume",
    };
    json!({ "id": parked.work.name(), "kind": kind, "since": parked.since, "code": parked.code })
}

pub(crate) async fn redrive<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body, "")?;
    let all = match fields.take("all") {
        None => false,
        Some(Value::Bool(all)) => all,
        Some(_) => {
            fields.fault("all", "type", "must be true or false");
            false
        }
    };
    let ids: Vec<String> = match fields.take("ids") {
        None => Vec::new(),
        Some(ids) => serde_json::from_value(ids).unwrap_or_else(|_| {
            fields.fault("ids", "type", "must be a list of ids, as the list of parked work has them");
            Vec::new()
        }),
    };
    if ids.len() > MOST_IDS {
        fields.fault("ids", "too_many", "may have 500 ids at most; or send `all`");
    }
    fields.finish("ids, all")?;
    if all != ids.is_empty() {
        let fault = FieldError::new("", "required", "give `ids` or `\"all\": true`, one of them");
        return Err(Problem::invalid(vec![fault]));
    }
    let redriven = if all { park::redrive_all(&app).await? } else { park::redrive(&app, &ids).await? };
    tracing::info!(target: "audit", who = &*caller.id, redriven, "parked work redriven");
    Ok(Json(json!({ "redriven": redriven })))
}
