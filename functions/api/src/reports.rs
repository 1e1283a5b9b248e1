//! Reports: what became of everybody in a workflow, and who is where.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use carepath_app::ports::{Activity, MailRecord, Period, Ports, StepState};
use carepath_app::reconcile::{self, Reconciled, Reconciliation};
use carepath_app::report::{self as uses, InStep, Versions};
use carepath_app::{App, FieldError};
use carepath_engine::ids::{StepId, WorkflowId};
use carepath_engine::run::FirstSeen;
use http::{HeaderMap, StatusCode, header};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::body::{Body, Fields, Id, Query};
use crate::csv;
use crate::observe::audit;
use crate::problem::Problem;

pub(crate) async fn get<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Id(workflow): Id<WorkflowId>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    let versions = versions(&query, &mut faults);
    let period = period(&query, app.now(), &mut faults);
    let as_csv = as_csv(&query, &headers, &mut faults);
    refuse(faults)?;
    let report = uses::report(&app, &workflow, versions, period).await?;
    if as_csv {
        return Ok(csv::answer(&csv::report(&report)));
    }
    Ok(Json(json!(report)).into_response())
}

/// Who is in a step. Everybody who is shown stands in the audit log.
pub(crate) async fn in_step<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(workflow): Id<WorkflowId>,
    Path(names): Path<Vec<(String, String)>>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let step = names.get(1).and_then(|(_, step)| step.parse::<StepId>().ok());
    let step = step.ok_or_else(|| Problem::not_found("step"))?;
    let mut faults = Vec::new();
    let versions = versions(&query, &mut faults);
    let state = state(&query, &mut faults);
    let as_csv = as_csv(&query, &headers, &mut faults);
    let limit = query.limit().unwrap_or_else(|problem| {
        faults.extend(problem.into_errors());
        1
    });
    refuse(faults)?;
    let page = uses::in_step(&app, (&workflow, &step), versions, state, (limit, query.cursor())).await?;
    for contact in page.items.iter().filter_map(|found| found.contact.as_ref()) {
        audit(&caller, "GET /v1/workflows/{id}/steps/{step}/contacts", &app.key_of(contact));
    }
    let items: Vec<Map<String, Value>> = page.items.iter().map(show).collect();
    if as_csv {
        let mut answer = csv::answer(&csv::contacts(&items));
        if let Some(next) = page.next.and_then(|next| next.parse().ok()) {
            answer.headers_mut().insert("x-next-cursor", next);
        }
        return Ok(answer);
    }
    Ok(Json(json!({ "items": items, "next": page.next })).into_response())
}

pub(crate) async fn activity<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Json<Value>, Problem> {
    let now = app.now();
    let from = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    let all: BTreeMap<WorkflowId, Activity> = uses::activity(&app, Period::until(from, now)).await?;
    let items = all.iter().map(|(workflow, activity)| {
        json!({ "workflow": workflow, "live": activity.live, "entered": activity.entered, "ended": activity.ended })
    });
    Ok(Json(json!({ "as_of": now, "items": items.collect::<Vec<_>>(), "next": null })))
}

/// Begins to compare: the answer comes before it is done.
pub(crate) async fn reconcile<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::of(body, "")?;
    let workflow = fields.id::<WorkflowId>("workflow");
    let repair = match fields.take("repair") {
        None => false,
        Some(Value::Bool(repair)) => repair,
        Some(_) => {
            fields.fault("repair", "type", "must be `true` or `false`");
            false
        }
    };
    fields.finish("workflow, repair")?;
    let begun = reconcile::begin(&app, workflow, repair).await?;
    if repair {
        let workflow = begun.workflow.as_ref().map_or("all", WorkflowId::as_str);
        tracing::warn!(target: "audit", who = &*caller.id, workflow, "the repair of reports was asked for");
    }
    Ok((StatusCode::ACCEPTED, Json(show_reconciliation(&begun))))
}

/// How far it has come, and what it found.
pub(crate) async fn reconciliation<P: Ports>(
    State(app): State<Arc<App<P>>>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let asked = query.get("workflow").filter(|text| !text.is_empty());
    let workflow = asked.map(str::parse::<WorkflowId>).transpose().map_err(|_| Problem::not_found("workflow"))?;
    Ok(Json(show_reconciliation(&reconcile::get(&app, workflow.as_ref()).await?)))
}

fn show_reconciliation(go: &Reconciliation) -> Value {
    // What was seen at the first look is nothing to act on.
    let found: &[Reconciled] = if go.finished_at.is_some() { &go.found } else { &[] };
    json!({
        "workflow": go.workflow,
        "repair": go.repair,
        "started_at": go.started_at,
        "finished_at": go.finished_at,
        "runs": go.runs,
        "found": found,
    })
}

fn refuse(faults: Vec<FieldError>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

fn versions(query: &Query, faults: &mut Vec<FieldError>) -> Versions {
    match query.get("version") {
        None | Some("") => Versions::Published,
        Some("all") => Versions::All,
        Some(text) => text.parse().map_or_else(
            |_| {
                faults.push(FieldError::new("version", "version", "must be the number of a version, or `all`"));
                Versions::Published
            },
            Versions::One,
        ),
    }
}

/// A time of the address: a moment, or a day that begins in UTC.
fn moment(query: &Query, name: &'static str, faults: &mut Vec<FieldError>) -> Option<Timestamp> {
    let text = query.get(name).filter(|text| !text.is_empty())?;
    let day = || format!("{}T00:00:00Z", text.parse::<Date>().ok()?).parse().ok();
    let at = if text.contains(['T', 't', ' ']) { text.parse().ok() } else { day() };
    if at.is_none() {
        let mend = "must be a time such as 2026-11-24T10:00:00Z, or a day such as 2026-11-24, which begins in UTC";
        faults.push(FieldError::new(name, "time", mend));
    }
    at
}

fn period(query: &Query, now: Timestamp, faults: &mut Vec<FieldError>) -> Option<Period> {
    let given = |name| query.get(name).is_some_and(|text| !text.is_empty());
    if !given("from") && !given("to") {
        return None;
    }
    let from = moment(query, "from", faults);
    let to = moment(query, "to", faults);
    let from = from.unwrap_or(Timestamp::UNIX_EPOCH);
    let period = to.map_or_else(|| Period::until(from, now), |to| Period::touched(from, to));
    if to.is_some_and(|to| from > to) {
        faults.push(FieldError::new("from", "period", "must not be after `to`"));
    }
    Some(period)
}

fn state(query: &Query, faults: &mut Vec<FieldError>) -> StepState {
    let Some(text) = query.get("state").filter(|text| !text.is_empty()) else { return StepState::Entered };
    let known = StepState::ALL.into_iter().find(|(name, _)| *name == text);
    known.map_or_else(
        || {
            let names: Vec<&str> = StepState::ALL.iter().map(|(name, _)| *name).collect();
            faults.push(FieldError::new("state", "state", format!("must be one of {}", names.join(", "))));
            StepState::Entered
        },
        |(_, state)| state,
    )
}

fn as_csv(query: &Query, headers: &HeaderMap, faults: &mut Vec<FieldError>) -> bool {
    match query.get("format") {
        Some("csv") => true,
        Some("json") => false,
        None | Some("") => {
            let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            accepted.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/csv")
        }
        Some(_) => {
            faults.push(FieldError::new("format", "format", "must be `json` or `csv`"));
            false
        }
    }
}

/// Somebody in a step.
fn show(found: &InStep) -> Map<String, Value> {
    let stay = &found.visitor.stay;
    let state = match (&stay.left, &stay.ended) {
        (None, _) => "waiting",
        (Some(_), None) => "moved_on",
        (Some(_), Some(_)) => "ended",
    };
    let mut shown = Map::from_iter([
        ("contact".to_owned(), json!(found.contact)),
        ("run".to_owned(), json!(found.visitor.run)),
        ("version".to_owned(), json!(found.version)),
        ("state".to_owned(), json!(state)),
        ("entered".to_owned(), json!(stay.entered)),
        ("left".to_owned(), json!(stay.left)),
        ("ended".to_owned(), json!(stay.ended)),
    ]);
    if let Some(mail) = &stay.mail {
        shown.insert("message".to_owned(), message(mail));
    }
    shown
}

fn message(mail: &MailRecord) -> Value {
    let seen = |first: &FirstSeen| json!({ "human": first.human, "machine": first.machine });
    json!({
        "state": mail.state,
        "at": mail.at,
        "reason": mail.reason,
        "delivered": mail.delivered,
        "bounced": mail.bounced,
        "complained": mail.complained,
        "unsubscribed": mail.unsubscribed,
        "opened": seen(&mail.opened),
        "clicked": seen(&mail.clicked),
    })
}
