//! Sends of which nobody knows whether they happened: listed with what will be decided about each, and settled by
//! whoever knows better (S8).

use std::sync::Arc;

use carepath_engine::advance::{SETTLED, UnknownSend, unknown_send};
use carepath_engine::ids::RunId;
use carepath_engine::run::MessageState;
use carepath_engine::{Contact, Input, Run, Version};

use crate::App;
use crate::drive;
use crate::error::{Conflict, UseError};
use crate::ports::{Clock, Page, Ports, Store};

/// A run with such a send.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The run.
    pub run: Run,
    /// Its version.
    pub version: Arc<Version>,
    /// The send.
    pub send: UnknownSend,
}

/// Unknown sends, the longest first.
///
/// # Errors
/// What the store cannot do.
pub async fn list<P: Ports>(app: &App<P>, limit: usize, cursor: Option<&str>) -> Result<Page<Unknown>, UseError> {
    let page = app.ports.store().unknown(limit, cursor).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for run in page.items {
        let version = drive::version_of(app, &run).await?;
        if let Some(send) = unknown_send(&run, &version) {
            items.push(Unknown { run, version, send });
        }
    }
    Ok(Page { items, next: page.next })
}

/// Settles the unknown send of a run as somebody says who knows: it was sent, and the run goes on, or it was not, and it
/// is tried again. Where an `attempt` is named, nothing is said of another one that has become unknown meanwhile.
///
/// # Errors
/// `NotFound`, `Conflict` where the run has no such send (any more), and what the store cannot do.
pub async fn settle<P: Ports>(
    app: &App<P>,
    id: &RunId,
    attempt: Option<u32>,
    sent: bool,
    by: &str,
) -> Result<(), UseError> {
    let (Some(run), contact) = app.ports.store().run_and_contact(id).await? else {
        return Err(UseError::NotFound { what: "run" });
    };
    let unknown = run.messages.values().filter(|mail| mail.state == MessageState::Unknown);
    if !unknown.into_iter().any(|mail| attempt.is_none_or(|meant| meant == mail.attempt)) {
        let detail = "the run has no such send of which nobody knows: it never had one, or it is settled";
        return Err(UseError::conflict(Conflict::NothingUnknown, detail));
    }
    let contact = contact.unwrap_or_else(|| Contact::new(run.contact.clone(), app.ports.clock().now()));
    drive::apply(app, run, contact, Input::Settle { attempt, sent, by: by.to_owned() }).await
}

/// Whether somebody has settled a send of this run so before.
pub fn was_settled(run: &Run, sent: bool, by: &str) -> bool {
    let mut explained = run.visits.iter().flat_map(|visit| &visit.explanation);
    explained.any(|why| *why.test == *SETTLED && why.result == sent && why.source == by)
}
