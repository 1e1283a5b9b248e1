//! How the runs stand, counted over all of them, and kept for whoever asks in between: to count is to read every run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::error::UseError;
use crate::ports::{Health, Ports, Store};
use crate::tasks;

/// The task that keeps the last count.
const TASK: &str = "health";

/// A count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// When.
    pub at: Timestamp,
    /// Runs that had not ended.
    pub live: u64,
    /// Of those, runs that nothing will ever wake (S5).
    pub without_wakeup: u64,
}

/// Counts, and keeps what was counted.
///
/// # Errors
/// What the store cannot do.
pub async fn count<P: Ports>(app: &App<P>) -> Result<Counted, UseError> {
    let Health { live, without_wakeup, .. } = app.store().health().await?;
    let counted = Counted { at: app.now(), live, without_wakeup };
    let revision = tasks::read::<P, Counted>(app, TASK).await?.map_or(0, |stored| stored.revision);
    // Where another count was faster, both are as good.
    tasks::write(app, TASK, &counted, (None, revision)).await?;
    Ok(counted)
}

/// What was counted last; `None` where nobody has counted yet.
///
/// # Errors
/// What the store cannot do.
pub async fn last<P: Ports>(app: &App<P>) -> Result<Option<Counted>, UseError> {
    Ok(tasks::read::<P, Counted>(app, TASK).await?.map(|stored| stored.value))
}
