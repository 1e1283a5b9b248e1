//! What this machine offers beside the API: the clock, the mailbox, notifications and figures.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use carepath_app::ports::Clock;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::clock::DevClock;
use super::duties::{Duties, Unheard};
use super::mailbox::{Action, Happening, Mail, Mailbox, Search};
use super::notification::{Actor, notification};
use super::problem::Problem;
use super::queue::DevQueue;
use super::{console, guard, page, sweep};

/// How many mails a page has where nobody says, and at most.
const PAGE: usize = 100;
const MOST: usize = 1_000;

/// What the routes work on.
#[derive(Clone)]
pub(super) struct Desk<D> {
    pub(super) duties: D,
    pub(super) queue: DevQueue,
    pub(super) clock: DevClock,
    pub(super) mailbox: Mailbox,
    /// The key that the console of this machine begins with.
    pub(super) api_key: Arc<str>,
    /// One journey of the clock at a time.
    pub(super) journey: Arc<tokio::sync::Mutex<()>>,
}

/// The routes; `own` is the name that this machine was told to listen on.
pub(super) fn router<D: Duties>(desk: Desk<D>, own: &str) -> Router {
    Router::new()
        .route("/_dev/clock", get(time::<D>).post(travel::<D>))
        .route("/_dev/settle", post(settle::<D>))
        .route("/_dev/mailbox", get(mails::<D>))
        .route("/_dev/mailbox/{id}", get(mail::<D>))
        .route("/_dev/mailbox/{id}/open", post(open::<D>))
        .route("/_dev/mailbox/{id}/click", post(click::<D>))
        .route("/_dev/mailbox/{id}/bounce", post(bounce::<D>))
        .route("/_dev/mailbox/{id}/complain", post(complain::<D>))
        .route("/_dev/mailbox/{id}/view", get(page::view::<D>))
        .route("/_dev/mailbox/{id}/follow", get(page::follow::<D>))
        .route("/_dev/ses-events", post(hear::<D>))
        .route("/_dev/metrics", get(metrics::<D>))
        .route("/_dev/session", post(console::session::<D>))
        .route("/mailbox", get(page::show))
        .layer(middleware::from_fn_with_state(Arc::from(own), guard::guard))
        // Files hold no data: whoever reaches this server may have them.
        .merge(console::router())
        .with_state(desk)
}

/// A JSON body, whatever its content type says; nothing is `{}`.
fn body<T: DeserializeOwned>(bytes: &Bytes, wanted: &'static str) -> Result<T, Problem> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|_| Problem::bad(wanted))
}

async fn time<D: Duties>(State(desk): State<Desk<D>>) -> Json<Value> {
    Json(json!({ "now": desk.clock.now(), "mode": desk.clock.mode() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Journey {
    advance: Option<String>,
    to: Option<Timestamp>,
}

async fn travel<D: Duties>(State(desk): State<Desk<D>>, bytes: Bytes) -> Result<Json<Value>, Problem> {
    const WANTED: &str = "the body must be { \"advance\": \"3d\" } or { \"to\": \"2026-12-01T09:00:00Z\" }";
    let journey: Journey = body(&bytes, WANTED)?;
    let _one_at_a_time = Arc::clone(&desk.journey).lock_owned().await;
    let now = desk.clock.now();
    let target = match (journey.advance, journey.to) {
        (Some(by), None) => after(now, &by).ok_or(Problem::bad(WANTED))?,
        (None, Some(to)) => to,
        (Some(_), Some(_)) | (None, None) => return Err(Problem::bad(WANTED)),
    };
    if target < now {
        return Err(Problem::new(StatusCode::CONFLICT, "clock_backwards", "the clock only goes forward"));
    }
    sweep::travel(&desk.duties, &desk.queue, &desk.clock, target).await.map_err(|error| {
        tracing::error!(%error, "the clock did not come all the way");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "clock_stopped",
            "the clock did not come all the way; see the log",
        )
    })?;
    Ok(time(State(desk)).await)
}

/// `3d`, `1d12h`, `90s`. A day is 24 hours.
fn after(now: Timestamp, text: &str) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let span = span.to_duration(relative).ok().filter(|span| !span.is_negative())?;
    now.checked_add(span).ok()
}

#[derive(Deserialize)]
struct Patience {
    /// In seconds.
    timeout: Option<u64>,
}

async fn settle<D: Duties>(
    State(desk): State<Desk<D>>,
    Query(query): Query<Patience>,
    bytes: Bytes,
) -> Result<Json<Value>, Problem> {
    let asked: Patience = body(&bytes, "the body may be { \"timeout\": SECONDS }")?;
    let timeout = Duration::from_secs(asked.timeout.or(query.timeout).unwrap_or(30).min(600));
    tokio::time::timeout(timeout, desk.queue.settled()).await.map_err(|_| {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "not_settled", "there is still work to do; ask again, or see the log")
    })?;
    let depth = desk.queue.depth();
    Ok(Json(json!({ "settled": true, "runs_waiting": depth.later, "queue": depth })))
}

#[derive(Deserialize)]
struct Mails {
    to: Option<String>,
    q: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    after: Option<String>,
}

/// Mails, newest first; with `after`, what has come in since the mail with that id, oldest first and without what it
/// says: for programs that follow the mailbox. The cursor of the next page is the id of the last mail, and in `x-next-cursor`.
async fn mails<D: Duties>(State(desk): State<Desk<D>>, Query(query): Query<Mails>) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MOST);
    if let Some(after) = &query.after {
        let arrivals = desk.mailbox.arrivals(after, limit).map_err(|error| Problem::mailbox(&error))?;
        return Ok(Json(arrivals).into_response());
    }
    let search = Search { to: query.to, like: query.q.filter(|text| !text.is_empty()), limit, before: query.cursor };
    let mails = desk.mailbox.mails(&search).map_err(|error| Problem::mailbox(&error))?;
    let next = mails.last().filter(|_| mails.len() == limit).map(|mail| mail.id.clone());
    Ok(match next {
        Some(next) => ([("x-next-cursor", next)], Json(mails)).into_response(),
        None => Json(mails).into_response(),
    })
}

async fn mail<D: Duties>(State(desk): State<Desk<D>>, Path(id): Path<String>) -> Result<Json<Mail>, Problem> {
    find(&desk, &id).map(Json)
}

/// The mail with an id.
pub(super) fn find<D>(desk: &Desk<D>, id: &str) -> Result<Mail, Problem> {
    let found = desk.mailbox.mail(id).map_err(|error| Problem::mailbox(&error))?;
    found.ok_or(Problem::new(StatusCode::NOT_FOUND, "no_such_mail", "there is no mail with this id in the mailbox"))
}

async fn open<D: Duties>(desk: State<Desk<D>>, id: Path<String>, bytes: Bytes) -> Result<Json<Mail>, Problem> {
    do_it(desk.0, &id, Action::Open, &bytes).await
}

async fn click<D: Duties>(desk: State<Desk<D>>, id: Path<String>, bytes: Bytes) -> Result<Json<Mail>, Problem> {
    do_it(desk.0, &id, Action::Click, &bytes).await
}

async fn bounce<D: Duties>(desk: State<Desk<D>>, id: Path<String>, bytes: Bytes) -> Result<Json<Mail>, Problem> {
    do_it(desk.0, &id, Action::Bounce, &bytes).await
}

async fn complain<D: Duties>(desk: State<Desk<D>>, id: Path<String>, bytes: Bytes) -> Result<Json<Mail>, Problem> {
    do_it(desk.0, &id, Action::Complain, &bytes).await
}

async fn do_it<D: Duties>(desk: Desk<D>, id: &str, action: Action, bytes: &Bytes) -> Result<Json<Mail>, Problem> {
    let actor = body(bytes, "the body may have link, user_agent, ip and machine")?;
    act(&desk, id, action, actor).await.map(Json)
}

/// Does something with a mail, as it happens in life, and gives the mail with what was done to it.
pub(super) async fn act<D: Duties>(desk: &Desk<D>, id: &str, action: Action, actor: Actor) -> Result<Mail, Problem> {
    let mail = find(desk, id)?;
    let url = match (action, &actor.link) {
        (Action::Click, Some(name)) => match mail.links.iter().find(|link| &link.name == name) {
            Some(link) => link.url.clone(),
            None => {
                return Err(Problem::new(StatusCode::NOT_FOUND, "no_such_link", "the mail has no link of this name"));
            }
        },
        (Action::Click, None) => return Err(Problem::bad("say which link is clicked: { \"link\": NAME }")),
        (Action::Open | Action::Bounce | Action::Complain, _) => String::new(),
    };
    let at = desk.clock.now();
    tell(desk, &notification(&mail, action, &actor, &url, at)).await?;
    let machine = actor.machine.unwrap_or(false);
    let happening = Happening { kind: action.name().to_owned(), link: actor.link, machine, at };
    desk.mailbox.keep(id, &happening).map_err(|error| Problem::mailbox(&error))?;
    find(desk, id)
}

async fn tell<D: Duties>(desk: &Desk<D>, notification: &Value) -> Result<(), Problem> {
    desk.duties.hear(notification).await.map_err(|unheard| match unheard {
        Unheard::Unreadable => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_a_notification",
            "this is no notification of SES with the tags run, step and attempt",
        ),
        Unheard::NotNow => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_failed",
            "the store could not take the notification; send it again",
        ),
    })
}

async fn hear<D: Duties>(State(desk): State<Desk<D>>, bytes: Bytes) -> Result<StatusCode, Problem> {
    const WANTED: &str = "the body must be one notification of SES, as JSON";
    let told: Value = body(&bytes, WANTED)?;
    // As it comes through SNS it is a text within an envelope.
    let told = match told.get("Message").and_then(Value::as_str) {
        Some(text) => serde_json::from_str(text).map_err(|_| Problem::bad(WANTED))?,
        None => told,
    };
    tell(&desk, &told).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn metrics<D: Duties>(State(desk): State<Desk<D>>) -> Json<Value> {
    let mut figures = desk.duties.figures().await;
    figures["queue"] = json!(desk.queue.depth());
    figures["work"] = json!(desk.queue.counts());
    Json(figures)
}
