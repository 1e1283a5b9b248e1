//! What happened to a contact, newest first: events, visits, mails, and what people did with them.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carepath_app::contacts_read::{self, KnownRun};
use carepath_app::ports::{KeptEvent, Ports};
use carepath_app::{App, FieldError};
use carepath_engine::contact::NotAdmitted;
use carepath_engine::ids::ContactId;
use carepath_engine::run::FirstSeen;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::body::{Id, Query};
use crate::disclosure::Disclosure;
use crate::observe::audit_disclosed;
use crate::problem::Problem;
use crate::run_view;

/// Where a page begins: among the events, in the store's own terms, and among what runs tell, as how much of it is
/// still to come, since only the front of that grows.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    events: Option<String>,
    events_over: bool,
    told: Option<usize>,
}

pub(crate) async fn get<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<ContactId>,
    query: Query,
) -> Result<Json<Value>, Problem> {
    let limit = query.limit()?;
    let disclosure = Disclosure::asked(&query)?;
    let cursor = query.cursor().map_or(Ok(Cursor::default()), decode)?;
    let runs = contacts_read::runs(&app, &id).await?;
    let key = app.key_of(&id);
    audit_disclosed(&caller, "GET /v1/contacts/{id}/timeline", &key, disclosure);
    let refused = contacts_read::contact(&app, &id).await?.not_admitted;
    let refused = refused.iter().map(|refused| (refused.at, show_not_admitted(refused)));
    let mut told: Vec<(Timestamp, Value)> = runs.iter().flat_map(tell).chain(refused).collect();
    told.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let skip = cursor.told.map_or(0, |left| told.len().saturating_sub(left));
    let told = told.get(skip..).unwrap_or_default();

    let mut events: Vec<KeptEvent> = Vec::new();
    let mut more_events = None;
    if !cursor.events_over {
        let page = contacts_read::events(&app, &key, limit, cursor.events.as_deref()).await?;
        (events, more_events) = (page.items, page.next);
    }
    let mut items: Vec<Value> = Vec::new();
    let (mut from_events, mut from_runs) = (0, 0);
    while items.len() < limit {
        match (events.get(from_events), told.get(from_runs)) {
            (Some(kept), told) if told.is_none_or(|(at, _)| kept.event.at > *at) => {
                items.push(show_event(kept));
                from_events += 1;
            }
            // More events may be newer than what the runs tell, so the page ends here.
            (None, _) if more_events.is_some() => break,
            (_, Some((_, entry))) => {
                items.push(entry.clone());
                from_runs += 1;
            }
            (Some(_) | None, None) => break,
        }
    }
    let left = told.len() - from_runs;
    let next = if from_events == events.len() {
        let over = more_events.is_none();
        (!over || left > 0).then_some(Cursor { events: more_events, events_over: over, told: Some(left) })
    } else if from_events == 0 {
        Some(Cursor { events: cursor.events, events_over: false, told: Some(left) })
    } else {
        // The store tells where its page of just so many ends.
        let page = contacts_read::events(&app, &key, from_events, cursor.events.as_deref()).await?;
        Some(Cursor { events: page.next, events_over: false, told: Some(left) })
    };
    let next = next.and_then(|cursor| serde_json::to_vec(&cursor).ok()).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let published = app.published().await?;
    for told in &mut items {
        disclosure.of_told(told, &published.account.schema);
    }
    Ok(Json(json!({ "items": items, "next": next })))
}

fn decode(text: &str) -> Result<Cursor, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    cursor.ok_or_else(|| Problem::invalid(vec![FieldError::new("cursor", "cursor", "must be the `next` of a page")]))
}

fn show_event(KeptEvent { event, not_admitted }: &KeptEvent) -> Value {
    let mut shown = json!({
        "type": "event",
        "at": event.at,
        "id": event.id,
        "name": event.name,
        "source": event.source.as_str(),
        "received_at": event.received_at,
        "properties": event.properties,
    });
    if !not_admitted.is_empty() {
        shown["not_admitted"] = not_admitted.iter().map(show_not_admitted).collect();
    }
    shown
}

/// A trigger that let nobody in, and why.
fn show_not_admitted(refused: &NotAdmitted) -> Value {
    json!({
        "type": "not_admitted",
        "at": refused.at,
        "workflow": refused.workflow,
        "version": refused.version,
        "trigger": refused.trigger,
        "why": refused.why,
        "explanation": refused.explanation.iter().map(run_view::explanation).collect::<Vec<_>>(),
    })
}

/// Everything that a run tells, oldest visits first.
fn tell(known: &KnownRun) -> Vec<(Timestamp, Value)> {
    let run = &known.run;
    let mut told = Vec::new();
    for (at, visited) in run.visits.iter().enumerate() {
        let Some(mut visit) = run_view::visit(known, at) else { continue };
        visit.remove("message");
        let step = run_view::made(known, at).map(|(step, _)| step);
        told.push((visited.at, of_run(known, "visit", visited.at, visit)));
        let Some(mail) = run_view::message_of(run, visited) else { continue };
        let message =
            Map::from_iter([("step".to_owned(), json!(step)), ("message".to_owned(), run_view::message(mail))]);
        told.push((mail.at, of_run(known, "message", mail.at, message)));
        let mut engaged = |what: &str, at: Option<Timestamp>, machine: bool, link: Option<&str>| {
            let Some(at) = at else { return };
            let mut entry = Map::from_iter([
                ("step".to_owned(), json!(step)),
                ("what".to_owned(), json!(what)),
                ("machine".to_owned(), json!(machine)),
            ]);
            if let Some(link) = link {
                entry.insert("link".to_owned(), json!(link));
            }
            told.push((at, of_run(known, "engagement", at, entry)));
        };
        engaged("delivered", mail.delivered, false, None);
        engaged("bounced", mail.bounced, false, None);
        engaged("complained", mail.complained, false, None);
        engaged("unsubscribed", mail.unsubscribed, false, None);
        let mut people = |what: &str, first: &FirstSeen, link: Option<&str>| {
            engaged(what, first.human, false, link);
            engaged(what, first.machine, true, link);
        };
        people("opened", &mail.opened, None);
        for (link, first) in &mail.clicked {
            people("clicked", first, Some(link));
        }
    }
    // Of what happened at one moment, the last comes first.
    told.reverse();
    told
}

fn of_run(known: &KnownRun, kind: &str, at: Timestamp, rest: Map<String, Value>) -> Value {
    let run = &known.run;
    let mut entry = Map::from_iter([
        ("type".to_owned(), json!(kind)),
        ("at".to_owned(), json!(at)),
        ("run".to_owned(), json!(run.id)),
        ("workflow".to_owned(), json!(run.workflow)),
        ("version".to_owned(), json!(run.version)),
    ]);
    entry.extend(rest);
    Value::Object(entry)
}
