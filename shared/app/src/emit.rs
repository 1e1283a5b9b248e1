//! Events that workflows tell: they are written with the commit of the run, and then are events like any other.

use carepath_engine::advance::Emitted;
use carepath_engine::event::{Event, Source};
use carepath_engine::ids::RunId;
use jiff::Timestamp;

use crate::App;
use crate::error::UseError;
use crate::ports::{Ports, TellEvent};

/// The event that a step of a run tells. A visit happens once, and its event has always the same id.
pub(crate) fn told<P: Ports>(
    app: &App<P>,
    run: &RunId,
    emitted: Emitted,
    now: Timestamp,
) -> Result<TellEvent, UseError> {
    let id = format!("emit-{}", app.secret.opaque("emit", &[run.as_str(), &emitted.step.to_string()]));
    let event = Event {
        id: id.parse().map_err(|_| UseError::Corrupt { what: "event id" })?,
        // It is there: a run has a contact. Where that is deleted meanwhile, no event makes it anew.
        contact: None,
        source: Source::Workflow,
        name: emitted.name,
        at: now,
        received_at: now,
        properties: emitted.properties,
        hops: emitted.hops,
    };
    let name = app.secret.opaque("event", &[event.source.as_str(), &id]);
    Ok(TellEvent { key: run.contact(), name, event })
}
