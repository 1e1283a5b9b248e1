//! Schedules: the time comes, and everybody in a segment is let in, page by page.

use std::sync::Arc;

use carepath_engine::Version;
use carepath_engine::calendar::{Cron, parse_date};
use carepath_engine::contact::{Attributes, Contact};
use carepath_engine::ids::WorkflowId;
use carepath_engine::version::{Schedule, Trigger, When};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::App;
use crate::admit::{Cause, note_refused, try_admit};
use crate::catalog::Published;
use crate::error::UseError;
use crate::ports::{Clock, Ports, Store};
use crate::tasks::{self, GRACE};

/// What names of schedules begin with.
pub(crate) const KIND: &str = "schedule";
/// How many contacts one step takes: as many as one request reads.
const PAGE: usize = 100;
/// How many contacts are let in at a time.
const AT_ONCE: usize = 8;
/// How late the time still counts (S14).
const LATE_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// How a schedule stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When its time comes next; never again where it is missing.
    pub next: Option<Timestamp>,
    /// The time that came, while people are let in.
    #[serde(default)]
    pub now: Option<Round>,
}

/// One time that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When.
    pub at: Timestamp,
    /// Where it goes on.
    cursor: Option<String>,
    /// Members done.
    pub done: u64,
}

/// Sets the clock of a version that was just published, where it has one. The clock of a version before it that had one
/// finds out by itself.
pub(crate) async fn set<P: Ports>(app: &App<P>, version: &Version) -> Result<(), UseError> {
    let Some(schedule) = of(version) else { return Ok(()) };
    let name = format!("{KIND}/{}", version.workflow);
    loop {
        let before = tasks::read::<P, State>(app, &name).await?;
        let (was, revision) = before.map_or((None, 0), |stored| (Some(stored.value), stored.revision));
        let published = app.published().await?;
        let now = app.ports.clock().now();
        let next = next(schedule, now, &zone(version, schedule, &published));
        // Whoever is being let in at this moment is let in to the end.
        let state = State { next, now: was.and_then(|was| was.now) };
        let due = if state.now.is_some() { Some(now) } else { next };
        if tasks::write(app, &name, &state, (due, revision)).await? {
            if let Some(due) = due {
                tasks::hint(app, &name, due).await;
            }
            return Ok(());
        }
    }
}

/// How the schedule of a workflow stands; nothing where it has none.
///
/// # Errors
/// Where the store fails.
pub async fn state<P: Ports>(app: &App<P>, workflow: &WorkflowId) -> Result<Option<State>, UseError> {
    Ok(tasks::read(app, &format!("{KIND}/{workflow}")).await?.map(|stored| stored.value))
}

fn zone(version: &Version, schedule: &Schedule, published: &Published) -> TimeZone {
    let own = schedule.zone.as_ref().or(version.policy.zone.as_ref());
    own.unwrap_or(&published.account.zone).clone()
}

fn next(schedule: &Schedule, after: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
    match &schedule.when {
        When::At(text) => parse_date(&Value::from(text.as_str()), tz).filter(|at| *at > after),
        When::Cron(text) => Cron::parse(text).ok()?.next(after, tz),
    }
}

/// One step of a schedule: its time has come, or another page of people is let in.
pub(crate) async fn go_on<P: Ports>(app: &App<P>, name: &str, workflow: &str, now: Timestamp) -> Result<(), UseError> {
    let Some(stored) = tasks::read::<P, State>(app, name).await? else { return Ok(()) };
    let mut state = stored.value;
    let published = app.published().await?;
    let version = workflow.parse().ok().and_then(|id: WorkflowId| published.schedules.get(&id));
    let Some((version, schedule)) = version.and_then(|version| Some((version, of(version)?))) else {
        // It lets nobody in any more.
        tasks::write(app, name, &State::default(), (None, stored.revision)).await?;
        return Ok(());
    };
    let tz = zone(version, schedule, &published);
    let mut round = match (state.now.take(), state.next) {
        (Some(round), _) => round,
        (None, Some(at)) if at <= now => {
            // Of several times that nobody was there to see, the last one counts.
            let last =
                std::iter::successors(Some(at), |at| next(schedule, *at, &tz)).take_while(|at| *at <= now).last();
            let last = last.unwrap_or(at);
            state.next = next(schedule, now, &tz);
            if now.duration_since(last) >= LATE_LIMIT {
                return put(app, name, &state, stored.revision, now).await;
            }
            Round { at: last, cursor: None, done: 0 }
        }
        (None, _) => return Ok(()),
    };
    let page = app.store().members(&schedule.segment, PAGE, round.cursor.as_deref()).await?;
    let contacts = app.store().contacts(&page.items).await?;
    let (at, count) = (round.at, contacts.len() as u64);
    let members = contacts.into_iter().filter(|contact| contact.segments.contains_key(&schedule.segment));
    stream::iter(members.collect::<Vec<_>>())
        .map(|contact| let_in(app, version, contact, at))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    round.done += count;
    round.cursor = page.next;
    state.now = round.cursor.is_some().then_some(round);
    put(app, name, &state, stored.revision, now).await
}

async fn put<P: Ports>(app: &App<P>, name: &str, state: &State, revision: u64, now: Timestamp) -> Result<(), UseError> {
    let more = state.now.is_some();
    let due = if more { Some(now.saturating_add(GRACE).unwrap_or(now)) } else { state.next };
    // Who was faster goes on.
    if tasks::write(app, name, state, (due, revision)).await?
        && let Some(due) = due
    {
        tasks::hint(app, name, if more { now } else { due }).await;
    }
    Ok(())
}

fn of(version: &Version) -> Option<&Schedule> {
    match &version.entry.trigger {
        Trigger::Schedule(schedule) => Some(schedule),
        Trigger::Event { .. }
        | Trigger::Attribute { .. }
        | Trigger::Segment { .. }
        | Trigger::Milestone(_)
        | Trigger::Inactivity(_)
        | Trigger::Api => None,
    }
}

async fn let_in<P: Ports>(
    app: &App<P>,
    version: &Arc<Version>,
    contact: Contact,
    at: Timestamp,
) -> Result<(), UseError> {
    let key = app.secret.contact_key(&contact.id);
    let time = at.to_string();
    let name = app.secret.opaque("schedule", &[key.as_str(), version.workflow.as_str(), &time]);
    let payload = Attributes::from_iter([("at".to_owned(), Value::from(time))]);
    let cause = Cause { name, event: None, payload, key: None, hops: 0 };
    let runs = app.store().runs_of(&key).await?;
    let answer = try_admit(app, version, &contact, &cause, runs).await?;
    match answer.not_admitted(version, at) {
        Some(refused) => note_refused(app, &contact.id, refused).await,
        None => Ok(()),
    }
}
