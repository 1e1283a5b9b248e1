//! What this process asks of the use cases. The queue, the sweep and the routes know no more of them than this.

use std::fmt;
use std::future::Future;

use carepath_app::ports::{Due, StoreError, Work};
use carepath_engine::ids::RunId;
use jiff::Timestamp;
use serde_json::Value;

/// A notification that is none, or one that could not be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It is not one of SES's, or carries no tags of ours.
    Unreadable,
    /// The store failed; it may be sent again.
    NotNow,
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "this is no notification of SES with the tags run, step and attempt",
            Self::NotNow => "the store could not take the notification; send it again",
        })
    }
}

/// The use cases, as this process needs them.
pub(crate) trait Duties: Clone + Send + Sync + 'static {
    /// Does a piece of work, and says whether it is done.
    fn handle(&self, work: Work) -> impl Future<Output = bool> + Send;
    /// Settles what a process that died may have been sending for a run, and says whether that is done.
    fn recover(&self, run: RunId) -> impl Future<Output = bool> + Send;
    /// Acts on a notification of SES.
    fn hear(&self, notification: &Value) -> impl Future<Output = Result<(), Unheard>> + Send;
    /// What is due, as the store's port has it.
    fn due(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, StoreError>> + Send;
    /// What a pause holds though it is over.
    fn held(&self) -> impl Future<Output = Result<Vec<Work>, StoreError>> + Send;
    /// Keeps that everything due was looked at, and that nothing is due before `floor`, where that is known.
    fn swept(&self, at: Timestamp, floor: Option<Timestamp>) -> impl Future<Output = ()> + Send;
    /// Figures for `/_dev/metrics`: counters, and what the store asked of its database.
    fn figures(&self) -> impl Future<Output = Value> + Send;
}
