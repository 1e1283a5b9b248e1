//! Work: what a queue, a timer or a sweep asks for. Doing it twice does no harm.

use std::sync::Arc;

use carepath_engine::advance::{Answer, REJECTED};
use carepath_engine::contact::{Attributes, Change, MOST_NOT_ADMITTED, NotAdmitted};
use carepath_engine::event::Source;
use carepath_engine::ids::{ContactId, ContactKey, RunId, WorkflowId};
use carepath_engine::review;
use carepath_engine::run::{CLAIM_TIME, State, later};
use carepath_engine::version::{Trigger, Version};
use carepath_engine::{Contact, Event, Input, Run};
use jiff::Timestamp;

use crate::App;
use crate::admit::{Cause, key_of, try_admit};
use crate::catalog::Published;
use crate::change::{Looking, Read, change_contact, change_known, change_looking};
use crate::drive;
use crate::error::{Conflict, UseError};
use crate::fill::by_time;
use crate::membership::Look;
use crate::ports::{Attempt, Clock, Doubt, Evidence, Mailer, Ports, Queue, Retry, Store, StoreError, Work};
use crate::tasks;

/// How many paused runs one piece of work lets go on before it makes way for others.
const RESUME_BATCH: usize = 200;

/// Does a piece of work.
///
/// # Errors
/// What the store cannot do: the work is then to be done again.
pub async fn handle<P: Ports>(app: &App<P>, work: &Work) -> Result<(), UseError> {
    match work {
        // What these hold at a time is a lot for whoever waits for them.
        Work::Event { contact, event } => Box::pin(act_on_event(app, contact, event)).await,
        Work::Contact { contact } => Box::pin(act_on_changes(app, contact)).await,
        Work::Run { run } => Box::pin(look_at(app, run)).await,
        Work::Task { task } => Box::pin(tasks::go_on(app, task)).await,
        Work::Resume { workflow } => Box::pin(resume_paused(app, workflow)).await,
    }
}

/// Acts on an event: first on the runs that wait for it or end by it, then on the workflows that it starts.
async fn act_on_event<P: Ports>(app: &App<P>, key: &ContactKey, name: &str) -> Result<(), UseError> {
    let store = app.ports.store();
    let (contact, Some(event)) = store.contact_and_event(key, name).await? else {
        // The contact was deleted meanwhile, and its events with it.
        return Ok(());
    };
    let contact = match (contact, &event.contact) {
        (Some(contact), _) => contact,
        (None, Some(id)) => made(app, id).await?,
        (None, None) if event.source == Source::Workflow => {
            // A run told it while its contact was deleted: it goes as the others did (S26).
            store.drop_event(key, name).await?;
            return forgotten(app, key).await;
        }
        (None, None) => return Err(UseError::Corrupt { what: "event" }),
    };
    let published = app.published().await?;
    let contact = Box::pin(remembered(app, &published, contact, name, &event)).await?;
    let runs = store.runs_of(key).await?;
    for run in runs.iter().filter(|run| !run.is_ended() && run.entry.cause != name) {
        drive::apply(app, run.clone(), contact.clone(), Input::Heard(event.clone())).await?;
    }
    let mut not_admitted = Vec::new();
    for version in published.by_event.get(&event.name).into_iter().flatten() {
        let payload = event.properties.expose().clone();
        let key = key_of(version, &payload);
        let cause = Cause { name: name.to_owned(), event: Some(&event), payload, key, hops: event.hops };
        not_admitted.extend(admit(app, version, &contact, &cause, &runs).await?);
    }
    if !store.event_done(key, name, &not_admitted).await? {
        forgotten(app, key).await?;
    }
    Ok(())
}

/// The contact, with what conditions and triggers ask to be remembered of an event.
async fn remembered<P: Ports>(
    app: &App<P>,
    published: &Published,
    contact: Contact,
    name: &str,
    event: &Event,
) -> Result<Contact, UseError> {
    let tracked = &published.watched.tracked;
    if !tracked.asks_for(&event.name) {
        return Ok(contact);
    }
    let id = contact.id.clone();
    // What a clock ahead of ours tells has happened by now.
    let at = event.at.min(event.received_at);
    let known = Read { contact: Some(contact), address: None };
    let changed = change_known(app, &id, Some(known), |before, now| {
        let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
        tracked.remember(&mut contact, &event.name, at, name, event.properties.expose());
        Ok(contact)
    });
    changed.await.map(|changed| changed.contact)
}

/// Ends what began for a contact while it was being deleted, where the deletion may not have seen it (S26).
async fn forgotten<P: Ports>(app: &App<P>, key: &ContactKey) -> Result<(), UseError> {
    let store = app.ports.store();
    if store.contact(key).await?.is_some() {
        // It is still there: the deletion looks for its runs once more when it is not.
        return Ok(());
    }
    for run in store.runs_of(key).await?.into_iter().filter(|run| !run.is_ended()) {
        outlived(app, run).await?;
    }
    Ok(())
}

/// The contact of an event that is the first thing anybody tells of it.
async fn made<P: Ports>(app: &App<P>, id: &ContactId) -> Result<Contact, UseError> {
    let changed =
        change_contact(app, id, |before, now| Ok(before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now))));
    changed.await.map(|changed| changed.contact)
}

/// Admits a contact, or says what is kept of why not.
async fn admit<P: Ports>(
    app: &App<P>,
    version: &Arc<Version>,
    contact: &Contact,
    cause: &Cause<'_>,
    runs: &[Run],
) -> Result<Option<NotAdmitted>, UseError> {
    let answer = try_admit(app, version, contact, cause, runs.to_vec()).await?;
    let refused = answer.not_admitted(version, app.ports.clock().now());
    if let Some(refused) = &refused {
        tracing::info!(workflow = %refused.workflow, why = refused.why, "not admitted");
    }
    Ok(refused)
}

/// Acts on what changed of a contact, and on what time has done to it: runs that look at it, and workflows that start.
async fn act_on_changes<P: Ports>(app: &App<P>, key: &ContactKey) -> Result<(), UseError> {
    let store = app.ports.store();
    let Some(mut contact) = store.contact(key).await? else { return Ok(()) };
    let now = app.ports.clock().now();
    let time = contact.review.filter(|review| review.at <= now);
    if contact.pending.is_empty() && time.is_none() {
        return Ok(());
    }
    if time.is_some() {
        match flipped(app, contact).await? {
            Some(changed) => contact = changed,
            None => return forgotten(app, key).await,
        }
    }
    let runs = store.runs_of(key).await?;
    let mut not_admitted = act_on_pending(app, key, &contact, &runs).await?;
    if let Some(time) = time {
        not_admitted.extend(act_on_time(app, key, (&contact, &runs), (time.since, now)).await?);
    }
    let newest = contact.pending.iter().map(|change| change.revision).max().unwrap_or_default();
    let looking = Looking { done: time.map(|_| now), ..Looking::CHANGED };
    let acted_on = change_looking(app, &contact.id, None, &looking, |before, _| {
        let mut contact = before.cloned().ok_or(UseError::NotFound { what: "contact" })?;
        contact.pending.retain(|change| change.revision > newest);
        contact.not_admitted.splice(0..0, not_admitted.iter().cloned());
        contact.not_admitted.truncate(MOST_NOT_ADMITTED);
        Ok(contact)
    });
    match acted_on.await {
        // It was deleted meanwhile, and what was pending with it.
        Err(UseError::NotFound { .. }) => forgotten(app, key).await,
        done => done.map(drop),
    }
}

/// The contact in the segments that it is in by now: what time flips comes before what it starts. Nothing where the
/// contact is gone.
async fn flipped<P: Ports>(app: &App<P>, contact: Contact) -> Result<Option<Contact>, UseError> {
    let id = contact.id.clone();
    let known = Read { contact: Some(contact), address: None };
    let looking = Looking { look: Look::Timed, ..Looking::CHANGED };
    let changed = change_looking(app, &id, Some(known), &looking, |before, _| {
        before.cloned().ok_or(UseError::NotFound { what: "contact" })
    });
    match changed.await {
        Err(UseError::NotFound { .. }) => Ok(None),
        changed => changed.map(|changed| Some(changed.contact)),
    }
}

async fn act_on_pending<P: Ports>(
    app: &App<P>,
    key: &ContactKey,
    contact: &Contact,
    runs: &[Run],
) -> Result<Vec<NotAdmitted>, UseError> {
    let mut not_admitted = Vec::new();
    if contact.pending.is_empty() {
        return Ok(not_admitted);
    }
    let topics = contact.pending.iter().filter_map(|pending| match &pending.change {
        Change::Topic { topic } => Some(topic.clone()),
        Change::Attribute { .. } | Change::Segment { .. } | Change::Fact { .. } => None,
    });
    let changed = Input::Changed { topics: topics.collect() };
    for run in runs.iter().filter(|run| !run.is_ended()) {
        drive::apply(app, run.clone(), contact.clone(), changed.clone()).await?;
    }
    let published = app.published().await?;
    for (place, pending) in contact.pending.iter().enumerate() {
        // Counted within its revision, whose changes come and go together: so a change always has the same name.
        let nth = contact.pending[..place].iter().filter(|before| before.revision == pending.revision).count();
        let started = match &pending.change {
            Change::Attribute { name, .. } => published.by_attribute.get(name),
            Change::Segment { segment, .. } => published.by_segment.get(segment),
            Change::Topic { .. } | Change::Fact { .. } => None,
        };
        for version in started.into_iter().flatten().filter(|version| starts(version, &pending.change)) {
            let name = app.secret.opaque("change", &[key.as_str(), &pending.revision.to_string(), &nth.to_string()]);
            let cause = Cause { name, event: None, payload: Attributes::new(), key: None, hops: pending.hops };
            not_admitted.extend(admit(app, version, contact, &cause, runs).await?);
        }
    }
    Ok(not_admitted)
}

/// Starts what time starts for a contact between two moments.
async fn act_on_time<P: Ports>(
    app: &App<P>,
    key: &ContactKey,
    (contact, runs): (&Contact, &[Run]),
    (since, now): (Timestamp, Timestamp),
) -> Result<Vec<NotAdmitted>, UseError> {
    let published = app.published().await?;
    let mut not_admitted = Vec::new();
    for version in &published.timed.versions {
        if let Some(start) = review::start(version, contact, since, now, &published.account.zone) {
            let cause = by_time(app, key, &version.workflow, start);
            not_admitted.extend(admit(app, version, contact, &cause, runs).await?);
        }
    }
    Ok(not_admitted)
}

fn starts(version: &Version, change: &Change) -> bool {
    match (&version.entry.trigger, change) {
        (Trigger::Attribute { from: was, to: is, .. }, Change::Attribute { from, to, .. }) => {
            let value =
                |side: &Option<carepath_engine::Phi<serde_json::Value>>| side.as_ref().map(|v| v.expose().clone());
            was.as_ref().is_none_or(|was| value(from).as_ref() == Some(was))
                && is.as_ref().is_none_or(|is| value(to).as_ref() == Some(is))
        }
        (Trigger::Segment { entered: wanted, .. }, Change::Segment { entered, .. }) => wanted == entered,
        (
            Trigger::Attribute { .. }
            | Trigger::Segment { .. }
            | Trigger::Event { .. }
            | Trigger::Milestone(_)
            | Trigger::Inactivity(_)
            | Trigger::Schedule(_)
            | Trigger::Api,
            Change::Attribute { .. } | Change::Segment { .. } | Change::Topic { .. } | Change::Fact { .. },
        ) => false,
    }
}

/// Looks at a run whose time has come. What the mailer knows of a send comes before what time decides.
async fn look_at<P: Ports>(app: &App<P>, id: &RunId) -> Result<(), UseError> {
    let (Some(run), contact) = app.ports.store().run_and_contact(id).await? else { return Ok(()) };
    let now = app.ports.clock().now();
    let Some(contact) = contact else { return outlived(app, run).await };
    let is_due = run.state.due().is_some_and(|due| due <= now) || matches!(run.state, State::Paused { .. });
    let stands_here = run.state.place().is_some_and(|place| place <= now);
    let input = match (is_due, stands_here) {
        (true, _) => evidence(app, &run).await.unwrap_or(Input::Due),
        // Somebody may be at it: nothing is asked about what may be going out now.
        (false, true) => Input::Due,
        (false, false) => return Ok(()),
    };
    drive::apply(app, run, contact, input).await
}

/// Looks at a run whose contact is gone: a deletion that was cut short, or that did not see a run which began at that
/// moment, is finished here, and a mail that outlived it is settled.
async fn outlived<P: Ports>(app: &App<P>, run: Run) -> Result<(), UseError> {
    let nobody = Contact::new(run.contact.clone(), app.ports.clock().now());
    let input = if run.is_ended() { evidence(app, &run).await.unwrap_or(Input::Due) } else { Input::Delete };
    drive::apply(app, run, nobody, input).await
}

/// Settles at once what a process that died may have been sending, where the mailer can say what became of it.
///
/// # Errors
/// What the store cannot do.
pub async fn recover<P: Ports>(app: &App<P>, id: &RunId) -> Result<(), UseError> {
    let (Some(run), Some(contact)) = app.ports.store().run_and_contact(id).await? else { return Ok(()) };
    match evidence(app, &run).await {
        Some(input) => drive::apply(app, run, contact, input).await,
        None => Ok(()),
    }
}

async fn evidence<P: Ports>(app: &App<P>, run: &Run) -> Option<Input> {
    let now = app.ports.clock().now();
    let (step, attempt, deadline) = match &run.state {
        State::Claimed { step, claim } => (*step, claim.attempt, claim.deadline),
        State::Unknown { step, attempt, deadline, .. } => (*step, *attempt, *deadline),
        // Nothing is sent again for a run that is over, so that about when it was claimed is near enough.
        State::Ended { open: Some(open), .. } => {
            (open.step, open.attempt, later(run.messages.get(&open.step)?.at, CLAIM_TIME))
        }
        State::Ready { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
        | State::Paused { .. }
        | State::Ended { open: None, .. } => return None,
    };
    let step = run.tag(step);
    let doubt = Doubt { attempt: Attempt { run: run.id.clone(), step, attempt }, deadline, now };
    let answer = match app.ports.mailer().evidence(&doubt).await {
        Evidence::Accepted { id, delivered } => Answer::Accepted { id, delivered },
        Evidence::Refused => Answer::Refused(REJECTED.into()),
        Evidence::NotAccepted => Answer::Throttled { until: now },
        Evidence::Silent if matches!(run.state, State::Unknown { .. }) => return Some(Input::Silent),
        Evidence::Silent | Evidence::None => return None,
    };
    Some(Input::Answered { step, attempt, answer })
}

/// Lets the paused runs of a workflow go on, some at a time.
async fn resume_paused<P: Ports>(app: &App<P>, workflow: &WorkflowId) -> Result<(), UseError> {
    let store = app.ports.store();
    let paused = store.paused(workflow, RESUME_BATCH).await?;
    for id in &paused {
        if let Err(error) = resume_one(app, id).await {
            if error.retry() != Retry::Never {
                return Err(error);
            }
            // One run that cannot go on holds up no other: it is looked at by itself, and parked there.
            app.ports.queue().push(Work::Run { run: id.clone() }, app.ports.clock().now()).await;
        }
    }
    if paused.len() == RESUME_BATCH {
        let again = Work::Resume { workflow: workflow.clone() };
        app.ports.queue().push(again, app.ports.clock().now()).await;
    }
    Ok(())
}

async fn resume_one<P: Ports>(app: &App<P>, id: &RunId) -> Result<(), UseError> {
    match app.ports.store().run_and_contact(id).await? {
        (Some(run), Some(contact)) => drive::apply(app, run, contact, Input::Resume).await,
        (Some(run), None) => outlived(app, run).await,
        (None, _) => Ok(()),
    }
}

/// What a sweep has to do besides what is due: workflows that go on while a pause still holds runs of theirs. A process
/// that dies half-way through a resumption leaves such behind, and so does one that hears of it a moment late (S5, S15).
///
/// # Errors
/// What the store cannot do.
pub async fn held<P: Ports>(app: &App<P>) -> Result<Vec<Work>, StoreError> {
    let published = app.published().await?;
    let mut held = Vec::new();
    for workflow in published.workflows.iter().filter(|(_, live)| !live.paused).map(|(id, _)| id) {
        if !app.ports.store().paused(workflow, 1).await?.is_empty() {
            held.push(Work::Resume { workflow: workflow.clone() });
        }
    }
    Ok(held)
}

/// Begins to let the runs of a workflow go on; call it once its resumption is stored.
///
/// # Errors
/// What the store cannot do.
pub async fn resume<P: Ports>(app: &App<P>, workflow: &WorkflowId) -> Result<(), UseError> {
    resume_paused(app, workflow).await
}

/// Cancels a run.
///
/// # Errors
/// `NotFound`, `Conflict` for a run that is over, and what the store cannot do.
pub async fn cancel<P: Ports>(app: &App<P>, id: &RunId) -> Result<(), UseError> {
    let (Some(run), contact) = app.ports.store().run_and_contact(id).await? else {
        return Err(UseError::NotFound { what: "run" });
    };
    if run.is_ended() {
        return Err(UseError::conflict(Conflict::RunEnded, "the run is over: there is nothing to cancel"));
    }
    let contact = contact.unwrap_or_else(|| Contact::new(run.contact.clone(), app.ports.clock().now()));
    drive::apply(app, run, contact, Input::Cancel).await
}
