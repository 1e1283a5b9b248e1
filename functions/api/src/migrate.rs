//! Migration: live runs move to another version, once somebody has seen how many and where.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use carepath_app::App;
use carepath_app::migrate::{self as uses, Answer, AtStep, Order};
use carepath_app::ports::Ports;
use carepath_engine::ids::{StepId, WorkflowId};
use serde_json::{Value, json};

use crate::access::Caller;
use crate::body::{Body, Fields, Id, escape};
use crate::problem::Problem;

/// Runs go there that are to end.
const END: &str = "end";

pub(crate) async fn post<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(workflow): Id<WorkflowId>,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let order = order(body)?;
    let apply = order.apply;
    let answer = uses::migrate(&app, &workflow, order, &caller.id).await?;
    let shown = show(&workflow, apply, &answer);
    if apply {
        let (to, moved) = (answer.to, total(&answer, |at| at.moves));
        let ended = total(&answer, |at| at.ends);
        tracing::info!(target: "audit", who = &*caller.id, %workflow, to, moved, ended, "live runs moved to a version");
    }
    Ok(Json(shown))
}

fn order(body: Value) -> Result<Order, Problem> {
    let mut fields = Fields::of(body, "")?;
    let apply = match fields.text("action").as_deref() {
        Some("plan") => false,
        Some("apply") => true,
        Some(_) | None => {
            fields.fault("action", "action", "must be `plan` or `apply`");
            false
        }
    };
    let (to, from) = (number(&mut fields, "to"), number(&mut fields, "from"));
    let cursor = fields.text("cursor");
    let mut map = BTreeMap::new();
    for (step, target) in fields.attributes("map") {
        let wanted = match target.as_str() {
            Some(END) => Some(None),
            Some(target) => target.parse::<StepId>().ok().map(Some),
            None => None,
        };
        match (step.parse::<StepId>(), wanted) {
            (Ok(step), Some(wanted)) => {
                map.insert(step, wanted);
            }
            (Ok(_), None) => {
                fields.fault_at(&format!("map/{}", escape(&step)), "step", "must be the id of a step, or `end`");
            }
            (Err(_), _) => fields.fault("map", "step", "has a name that is no id of a step"),
        }
    }
    fields.finish("action, to, from, map, cursor")?;
    Ok(Order { apply, to, from, map, cursor })
}

fn number(fields: &mut Fields, name: &str) -> Option<u32> {
    let value = fields.take(name)?;
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    if number.is_none() {
        fields.fault(name, "type", "must be the number of a version");
    }
    number
}

fn total(answer: &Answer, of: impl Fn(&AtStep) -> u64) -> u64 {
    answer.steps.values().map(of).sum()
}

fn show(workflow: &WorkflowId, apply: bool, answer: &Answer) -> Value {
    let mut versions: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for ((version, step), at) in &answer.steps {
        versions.entry(*version).or_default().push(show_step(step, at, answer.to));
    }
    let versions: Vec<Value> =
        versions.into_iter().map(|(version, steps)| json!({ "version": version, "steps": steps })).collect();
    json!({
        "workflow": workflow,
        "action": if apply { "apply" } else { "plan" },
        "to": answer.to,
        "versions": versions,
        "totals": {
            "runs": total(answer, |at| at.runs),
            "moves": total(answer, |at| at.moves),
            "ends": total(answer, |at| at.ends),
            "later": total(answer, |at| at.later),
            "cannot": total(answer, |at| at.cannot.values().sum()),
            "there": answer.there,
        },
        "next": answer.next,
    })
}

fn show_step(step: &StepId, at: &AtStep, to: u32) -> Value {
    let target = at.goes_to.as_str();
    let cannot = at.cannot.iter().map(
        |(code, runs)| json!({ "code": code, "runs": runs, "message": uses::reason(code, step, at.kind, target, to) }),
    );
    json!({
        "step": step,
        "kind": at.kind,
        "goes_to": (at.moves + at.ends + at.later > 0).then_some(target),
        "runs": at.runs,
        "moves": at.moves,
        "ends": at.ends,
        "later": at.later,
        "cannot": cannot.collect::<Vec<_>>(),
    })
}
