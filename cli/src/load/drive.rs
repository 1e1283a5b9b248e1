//! Contacts go in, mails come out, and whoever opens tells it the way SES would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Load;
use super::journey::{EVENT, Mail, opens};
use super::tally::Tally;
use crate::client::ApiError;
use crate::failure::Failure;
use crate::output;

/// Contacts of a batch; each is two entries of it.
const BATCH: u32 = 100;
/// Mails of a page.
const PAGE: usize = 1_000;
/// How often the mailbox is looked at while it brings nothing new.
const LOOK: Duration = Duration::from_millis(50);
/// How many opens are told at a time.
const OPENS: usize = 32;

/// A mail that has come in.
#[derive(Debug, Deserialize)]
struct Arrival {
    id: String,
    to: String,
    subject: String,
    tags: Value,
}

/// What is shared by those who send and those who look.
struct Watch {
    tally: Mutex<Tally>,
    /// When each contact's event was sent, and when its open was told.
    sent: Mutex<Vec<Option<Instant>>>,
    bar: ProgressBar,
}

impl Watch {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, n: u32) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent[n as usize] = Some(Instant::now());
    }

    fn since_mark(&self, n: u32) -> Option<Duration> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.get(n as usize).copied().flatten().map(|at| at.elapsed())
    }
}

/// Drives the whole journey, and answers when every contact has its mails and nothing is left to do, or when nothing
/// moves any more.
pub(super) async fn drive(load: &Arc<Load>) -> Result<Tally, Failure> {
    let watch = Arc::new(Watch {
        tally: Mutex::new(Tally::new(load.contacts)),
        sent: Mutex::new(vec![None; load.contacts as usize]),
        bar: output::progress(load.contacts.into(), "contacts with all their mails"),
    });
    let last = newest(load).await?;
    let sending = tokio::spawn(send_all(Arc::clone(load), Arc::clone(&watch)));
    follow(load, &watch, last).await?;
    sending.await.map_err(|_| Failure::File("the sender of the contacts broke off".into()))??;
    settle(load).await?;
    watch.bar.finish_and_clear();
    let mut tally = watch.tally.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::replace(&mut *tally, Tally::new(0)))
}

/// The newest mail before the journey begins.
async fn newest(load: &Load) -> Result<String, Failure> {
    let failed = |error| Failure::api("could not read the mailbox", error);
    let mails = load.client.get("/_dev/mailbox?limit=1").await.map_err(failed)?;
    Ok(mails.pointer("/0/id").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn send_all(load: Arc<Load>, watch: Arc<Watch>) -> Result<(), Failure> {
    let firsts = (0..load.contacts).step_by(BATCH as usize);
    let sends = stream::iter(firsts).map(|first| send(&load, &watch, first)).buffer_unordered(load.batches);
    sends.try_collect::<()>().await.map_err(|error| Failure::api("could not send the contacts", error))
}

/// Sends one batch; what the server refuses of it is a fault of the journey, and shows as a contact without mail.
async fn send(load: &Load, watch: &Watch, first: u32) -> Result<(), ApiError> {
    let numbers = first..first.saturating_add(BATCH).min(load.contacts);
    let mut entries = Vec::with_capacity(2 * BATCH as usize);
    for n in numbers {
        let (id, address) = (load.contact(n), load.address(n));
        entries.push(json!({ "contact": { "id": id, "email": address, "attributes": { "first_name": "Alex" } } }));
        entries.push(json!({ "event": { "contact": id, "name": EVENT, "id": id } }));
        watch.mark(n);
    }
    let began = Instant::now();
    load.client.post("/v1/batch", &json!({ "entries": entries })).await?;
    watch.tally().batches.push(began.elapsed());
    Ok(())
}

/// Follows the mailbox, and opens what is to be opened.
async fn follow(load: &Arc<Load>, watch: &Arc<Watch>, mut last: String) -> Result<(), Failure> {
    let failed = |error| Failure::api("could not read the mailbox", error);
    let (open, opening) = tokio::sync::mpsc::unbounded_channel();
    let opens = tokio::spawn(open_all(Arc::clone(load), Arc::clone(watch), opening));
    loop {
        let path = format!("/_dev/mailbox?limit={PAGE}&after={last}");
        let page = load.client.get(&path).await.map_err(failed)?;
        let arrivals: Vec<Arrival> = serde_json::from_value(page)
            .map_err(|_| Failure::File("the mailbox of the server is of another form".into()))?;
        let full = arrivals.len() == PAGE;
        for arrival in arrivals {
            last.clone_from(&arrival.id);
            take(load, watch, arrival, &open);
        }
        let (done, still) = {
            let tally = watch.tally();
            watch.bar.set_position(tally.complete() as u64);
            (tally.all_complete(), tally.moved.elapsed())
        };
        if done || still > load.patience {
            break;
        }
        if !full {
            tokio::time::sleep(LOOK).await;
        }
    }
    drop(open);
    opens.await.map_err(|_| Failure::File("the reader of the mails broke off".into()))?
}

type Opens = tokio::sync::mpsc::UnboundedSender<(u32, Arrival)>;

fn take(load: &Load, watch: &Watch, arrival: Arrival, open: &Opens) {
    let (Some(n), Some(mail)) = (load.number(&arrival.to), Mail::by_subject(&arrival.subject)) else { return };
    let waited = watch.since_mark(n);
    let mut tally = watch.tally();
    tally.add(n, mail);
    match mail {
        Mail::Welcome => tally.to_welcome.extend(waited),
        Mail::GettingStarted => tally.to_second.extend(waited),
        Mail::Reminder => {}
    }
    drop(tally);
    if mail == Mail::Welcome && opens(n) {
        watch.mark(n);
        // Nobody listens only where telling has failed, and that is told at the end.
        let _ = open.send((n, arrival));
    }
}

async fn open_all(
    load: Arc<Load>,
    watch: Arc<Watch>,
    opening: tokio::sync::mpsc::UnboundedReceiver<(u32, Arrival)>,
) -> Result<(), Failure> {
    let opens = stream::unfold(opening, async |mut opening| opening.recv().await.map(|next| (next, opening)));
    let told = opens.map(Ok).try_for_each_concurrent(OPENS, |(n, arrival)| {
        let (load, watch) = (&load, &watch);
        async move {
            watch.mark(n);
            load.client.post("/_dev/ses-events", &opened(&arrival)).await.map(|_| ())
        }
    });
    told.await.map_err(|error| Failure::api("could not tell that a mail was opened", error))
}

/// An open, as SES tells it of a mail that a person reads.
fn opened(arrival: &Arrival) -> Value {
    let tags: serde_json::Map<String, Value> =
        arrival.tags.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let now = jiff::Timestamp::now();
    json!({
        "eventType": "Open",
        "mail": { "timestamp": now, "messageId": arrival.id, "destination": [arrival.to], "tags": tags },
        "open": { "timestamp": now, "ipAddress": "127.0.0.1", "userAgent": "carepath load", "isBotEvent": "Unlikely" },
    })
}

/// Waits until nothing is left to do.
async fn settle(load: &Load) -> Result<(), Failure> {
    let body = json!({ "timeout": load.patience.as_secs() });
    match load.client.post("/_dev/settle", &body).await {
        // What is still on its way after that time is counted as stuck.
        Err(ApiError::Problem(problem)) if problem.status == 504 => Ok(()),
        answer => answer.map(|_| ()).map_err(|error| Failure::api("could not wait for the end", error)),
    }
}
