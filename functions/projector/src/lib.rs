//! The projector: each change of a run, as the stream of its table tells it, goes into what reports are made of (S22).

use carepath_app::project::{Projection, project};
use carepath_aws::dynamo::StreamEvent;
use serde_json::{Value, json};

/// The name of the only shard of a stream whose events name none.
const ONLY: &str = "one";

/// An event that nothing can be done with: all of it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has another form.
    #[error("this is no event of a stream")]
    Form,
    /// It does not say of which shard it is, and numbers are guarded by shard.
    #[error("the event names no shard: give its source a tumbling window, or set CAREPATH_ONE_STREAM_SHARD=true")]
    Shard,
}

/// Does what an event asks for. The answer names the first change that was not done for certain: it comes again, and all after
/// it. `one_shard` says that the stream has only one shard, where events do not name it.
///
/// # Errors
/// Where nothing can be done with the event.
pub async fn handle<P: Projection>(to: &P, one_shard: bool, event: &Value) -> Result<Value, Unfit> {
    let window = event.get("state").cloned().unwrap_or_else(|| json!({}));
    let event: StreamEvent = serde_json::from_value(event.clone()).map_err(|_| Unfit::Form)?;
    let shard = event.shard().map(str::to_owned).or_else(|| one_shard.then(|| ONLY.to_owned())).ok_or(Unfit::Shard)?;
    let changes = event.changes();
    let failed = match project(to, &shard, &changes.readable).await {
        Ok(()) => changes.unreadable.inspect(|_| tracing::error!("a change of a run cannot be read")),
        Err(error) => {
            let cause = error.source.as_deref().map(tracing::field::display);
            tracing::error!(what = error.what, retry = ?error.retry, cause, "the store failed");
            changes.first
        }
    };
    let failures: Vec<Value> = failed.iter().map(|number| json!({ "itemIdentifier": number })).collect();
    Ok(json!({ "batchItemFailures": failures, "state": window }))
}
