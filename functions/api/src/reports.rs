//! Reports: what became of everybody in a workflow, and who is where.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use carepath_app::ports::{Activity, MailRecord, Period, Ports, StepState};
use carepath_app::reconcile::{self, Before, Reconciled};
use carepath_app::report::{self as uses, InStep, Versions};
use carepath_app::{App, FieldError};
use carepath_engine::ids::{StepId, WorkflowId};
use carepath_engine::run::FirstSeen;
use http::{HeaderMap, header};
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

pub(crate) async fn reconcile<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::of(body, "")?;
    let workflow = fields.need::<WorkflowId>("workflow");
    let before = before(&mut fields);
    fields.finish("workflow, repair")?;
    let workflow = workflow.ok_or_else(Problem::internal)?;
    let found = reconcile::reconcile(&app, &workflow, &before).await?;
    if found.mended > 0 {
        let mended = found.mended;
        tracing::warn!(target: "audit", who = &*caller.id, %workflow, mended, "numbers of reports were put right");
    }
    Ok(Json(show_reconciled(&found)))
}

/// The differences that somebody saw before, and wants put right if they are still the same.
fn before(fields: &mut Fields) -> Vec<Before> {
    let Some(Value::Array(items)) = fields.take("repair") else { return Vec::new() };
    let mut before = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let whole = |name: &str| item.get(name).and_then(Value::as_i64);
        let version = whole("version").and_then(|version| u32::try_from(version).ok());
        let hour = whole("hour");
        let counter = item.get("counter").and_then(Value::as_str).unwrap_or_default();
        match (version, whole("kept"), whole("counted")) {
            (Some(version), Some(kept), Some(counted)) => {
                match reconcile::before(version, hour, counter, kept.saturating_sub(counted)) {
                    Ok(known) => before.push(known),
                    Err(fault) => {
                        fields.fault_at(&format!("repair/{place}/{}", fault.pointer), fault.rule, fault.message);
                    }
                }
            }
            _ => fields.fault_at(&format!("repair/{place}"), "type", "must be a difference as an answer gave it out"),
        }
    }
    before
}

fn show_reconciled(found: &Reconciled) -> Value {
    let unlawful = found
        .unlawful
        .iter()
        .map(|broken| json!({ "version": broken.version, "step": broken.step, "what": broken.what }));
    let differences = found.differences.iter().map(|difference| {
        json!({
            "version": difference.cell.version,
            "hour": difference.cell.hour,
            "step": difference.step,
            "counter": difference.cell.counter.to_string(),
            "kept": difference.kept,
            "counted": difference.counted,
        })
    });
    json!({
        "workflow": found.workflow,
        "runs": found.runs,
        "kept": found.kept,
        "quiet": found.quiet,
        "unlawful": unlawful.collect::<Vec<_>>(),
        "differences": differences.collect::<Vec<_>>(),
        "mended": found.mended,
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
