//! A batch of messages from SQS: each read by itself, all worked on at the same time, and only those given back that may
//! be tried again.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use carepath_app::UseError;
use carepath_app::ports::Retry;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::queue::DeadLetters;

/// A batch, as Lambda hands it on. Of a message only what is needed is read, so that nothing about one can make the
/// others unreadable.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records", default)]
    pub records: Vec<Message>,
}

/// A message. What it says may be about somebody (S24): it is never printed.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What SQS calls it.
    #[serde(default)]
    pub message_id: String,
    /// What it says.
    #[serde(default)]
    pub body: String,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done, or nothing can be done about it that a further trial would do better.
    Yes,
    /// It is to be tried again.
    Again,
    /// Nobody can read it: it is laid down beside the others of its kind, with this code.
    Poison(&'static str),
}

impl From<Result<(), UseError>> for Done {
    fn from(done: Result<(), UseError>) -> Self {
        match done {
            Ok(()) => Self::Yes,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, code = error.code(), "message");
                match error.retry() {
                    Retry::After(_) | Retry::InDoubt => Self::Again,
                    Retry::Never => Self::Yes,
                }
            }
        }
    }
}

/// The answer to a batch: what of it is to be given back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// Which.
    pub batch_item_failures: Vec<Failure>,
}

/// A message that is to be given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What SQS calls it. Never empty: that would mean all of them.
    pub item_identifier: String,
}

/// Works through a batch. A message that panics is one to try again, and so is one that nobody can read and that could not
/// be laid down: SQS does that after some trials, without the reason.
pub async fn work_through<F, D>(batch: Batch, dead: &DeadLetters, work: F) -> Failures
where
    F: Fn(Message) -> D,
    D: Future<Output = Done>,
{
    let all = batch.records.into_iter().map(|message| {
        let Message { message_id: id, body } = message.clone();
        let doing = AssertUnwindSafe(async { work(message).await }).catch_unwind();
        async move {
            let done = match doing.await.unwrap_or(Done::Again) {
                Done::Poison(code) => {
                    tracing::error!(%id, code, "a message cannot be read");
                    dead.bury(&body, code).await
                }
                Done::Yes => true,
                Done::Again => false,
            };
            (!done).then_some(Failure { item_identifier: id })
        }
    });
    let failed = join_all(all).await.into_iter().flatten();
    Failures { batch_item_failures: failed.filter(|failure| !failure.item_identifier.is_empty()).collect() }
}
