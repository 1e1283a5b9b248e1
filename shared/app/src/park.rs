//! Work that no trial can do: an item of another release, a run that contradicts its version, a fault of ours. Trying it
//! for ever would hold up what can be done; dropping it would lose it. So it is parked with the code of what is wrong,
//! listed and counted, until somebody has mended the cause and has it done again.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::App;
use crate::error::{FieldError, UseError};
use crate::ports::{Clock, Commit, Page, Parked, Ports, Queue, Retry, Store, Work};
use crate::work;

/// How much is put back at a time.
const PAGE: usize = 100;
/// What a panic is parked under.
const PANICKED: &str = "panicked";

/// Does a piece of work, or parks it where no trial can do it.
///
/// # Errors
/// What may be tried again.
pub async fn handle<P: Ports>(app: &App<P>, work: &Work) -> Result<(), UseError> {
    let Err(Failed { error, code }) = attempt(app, work).await else { return Ok(()) };
    let Some(code) = code else { return Err(error.unwrap_or(UseError::Busy)) };
    // It is tried once more on a revision that is known: what is parked is what fails, not what was mended meanwhile.
    let Some(seen) = app.ports.store().revision(work).await? else {
        tracing::error!(error = cause(error.as_ref()), code, "work about no item was given up");
        return Ok(());
    };
    let Err(Failed { error, code: again }) = attempt(app, work).await else { return Ok(()) };
    let Some(code) = again else { return Err(error.unwrap_or(UseError::Busy)) };
    match app.ports.store().park(work, code, seen, app.now()).await? {
        Commit::Applied | Commit::AlreadyApplied => {
            app.counters.parked();
            tracing::error!(work = %work.name(), error = cause(error.as_ref()), code, "parked");
            Ok(())
        }
        // Nobody waits for it any more, or somebody else has parked it.
        Commit::LostRace if app.ports.store().revision(work).await? == Some(seen) => Ok(()),
        Commit::LostRace => Err(UseError::Busy),
    }
}

fn cause(error: Option<&UseError>) -> Option<&(dyn std::error::Error + 'static)> {
    error.map(|error| error as _)
}

/// A trial that came to nothing: its error, but for a panic, and the code under which it is to be parked.
struct Failed {
    error: Option<UseError>,
    code: Option<&'static str>,
}

async fn attempt<P: Ports>(app: &App<P>, work: &Work) -> Result<(), Failed> {
    match AssertUnwindSafe(work::handle(app, work)).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let code = (error.retry() == Retry::Never).then_some(error.code());
            Err(Failed { error: Some(error), code })
        }
        Err(_panic) => Err(Failed { error: None, code: Some(PANICKED) }),
    }
}

/// What is parked, the longest first.
///
/// # Errors
/// What the store cannot do.
pub async fn parked<P: Ports>(app: &App<P>, limit: usize, cursor: Option<&str>) -> Result<Page<Parked>, UseError> {
    Ok(app.ports.store().parked(limit, cursor).await?)
}

/// Has parked work of these names done again, and says how many were parked.
///
/// # Errors
/// `Invalid` for a name that is none, before anything is done; what the store cannot do.
pub async fn redrive<P: Ports>(app: &App<P>, names: &[String]) -> Result<u64, UseError> {
    let mut wanted = Vec::new();
    let mut faults = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if let Some(work) = Work::named(name) {
            wanted.push(work);
        } else {
            let fault = "is no id that the list of parked work has";
            faults.push(FieldError::new(format!("/ids/{place}"), "id", fault));
        }
    }
    if !faults.is_empty() {
        return Err(UseError::Invalid(faults));
    }
    let mut redriven = 0;
    for work in wanted {
        redriven += put_back(app, work).await?;
    }
    Ok(redriven)
}

/// Has all that is parked at this moment done again, and says how much it was.
///
/// # Errors
/// What the store cannot do: what was put back by then stays so.
pub async fn redrive_all<P: Ports>(app: &App<P>) -> Result<u64, UseError> {
    let until = app.now();
    let (mut redriven, mut cursor) = (0, None);
    loop {
        let page = app.ports.store().parked(PAGE, cursor.as_deref()).await?;
        for parked in page.items {
            // What is parked again while this goes on has had its turn.
            if parked.since <= until {
                redriven += put_back(app, parked.work).await?;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(redriven);
        }
    }
}

async fn put_back<P: Ports>(app: &App<P>, work: Work) -> Result<u64, UseError> {
    let now = app.ports.clock().now();
    let was = app.ports.store().redrive(&work, now).await?;
    if was {
        app.ports.queue().push(work, now).await;
    }
    Ok(u64::from(was))
}
