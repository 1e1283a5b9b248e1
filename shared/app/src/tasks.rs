//! Tasks: work that takes many steps. What is known between two steps is stored, so that whoever goes on goes on there.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::App;
use crate::error::UseError;
use crate::ports::{Clock, Commit, Ports, Queue, Store, Work};
use crate::{enroll, fill, reconcile, schedule};

/// When a task is looked at again of which a step got lost.
pub(crate) const GRACE: SignedDuration = SignedDuration::from_mins(1);

/// A task as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    pub(crate) revision: u64,
}

pub(crate) async fn read<P: Ports, T: DeserializeOwned>(
    app: &App<P>,
    name: &str,
) -> Result<Option<Stored<T>>, UseError> {
    let Some(found) = app.store().task(name).await? else { return Ok(None) };
    let value = serde_json::from_value(found.body).map_err(|_| UseError::Corrupt { what: "task" })?;
    Ok(Some(Stored { value, revision: found.revision }))
}

/// Writes a task over its revision, and leaves word where there is more to do. `false` where somebody else was faster.
pub(crate) async fn write<P: Ports, T: Serialize + Sync>(
    app: &App<P>,
    name: &str,
    value: &T,
    (due, revision): (Option<Timestamp>, u64),
) -> Result<bool, UseError> {
    let body = serde_json::to_value(value).map_err(|_| UseError::Corrupt { what: "task" })?;
    match app.store().put_task(name, &body, due, revision).await? {
        Commit::Applied | Commit::AlreadyApplied => Ok(true),
        Commit::LostRace => Ok(false),
    }
}

/// Leaves word that a task is to be gone on with.
pub(crate) async fn hint<P: Ports>(app: &App<P>, name: &str, at: Timestamp) {
    app.ports.queue().push(Work::Task { task: name.to_owned() }, at).await;
}

/// Goes on with a task.
///
/// # Errors
/// What the store cannot do: the step is then to be done again.
pub(crate) async fn go_on<P: Ports>(app: &App<P>, name: &str) -> Result<(), UseError> {
    let now = app.ports.clock().now();
    match name.split_once('/') {
        Some((fill::KIND, _)) => fill::go_on(app, name, now).await,
        Some((enroll::KIND, rest)) => {
            let workflow = rest.split('/').next().unwrap_or(rest);
            enroll::go_on(app, (name, workflow), now).await
        }
        Some((reconcile::KIND, _)) => reconcile::go_on(app, name, now).await,
        Some((schedule::KIND, workflow)) => schedule::go_on(app, name, workflow, now).await,
        Some(_) | None => Err(UseError::Corrupt { what: "task" }),
    }
}
