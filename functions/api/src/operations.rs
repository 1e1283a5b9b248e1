//! How the installation stands, for who watches over it: in a few reads, so that a page may ask again and again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carepath_app::ports::{Pace, Ports, Store as _};
use carepath_app::reconcile::Reconciliation;
use carepath_app::{App, UseError, health, reconcile, sweep};
use serde_json::{Value, json};

use crate::problem::Problem;

/// Beyond so many unknown sends, or so much parked work, a number says no more.
const ENOUGH: usize = 100;

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Json<Value>, Problem> {
    let standing = sweep::standing(&app).await?;
    let pace = app.store().pace().await.map_err(UseError::from)?;
    let sending = pace.map(|Pace { second, taken, limit }| json!({ "second": second, "taken": taken, "limit": limit }));
    let runs = health::last(&app).await?;
    let unknown = app.store().unknown(ENOUGH, None).await.map_err(UseError::from)?.items.len();
    let parked = app.store().parked(ENOUGH, None).await.map_err(UseError::from)?.items.len();
    Ok(Json(json!({
        "now": app.now(),
        "unknown_open": unknown,
        "work_parked": parked,
        "runs": runs.map(|runs| json!({ "counted_at": runs.at, "live": runs.live, "without_wakeup": runs.without_wakeup })),
        "reports": proof(&app).await?,
        "sweep": { "at": standing.at, "late_seconds": standing.late_seconds },
        "sending": sending,
    })))
}

/// What came of the last proof of all reports; nothing where none has begun.
async fn proof<P: Ports>(app: &App<P>) -> Result<Option<Value>, UseError> {
    match reconcile::get(app, None).await {
        Ok(proof) => {
            let wrong = proof.wrong();
            let Reconciliation { started_at, finished_at, .. } = proof;
            Ok(Some(json!({ "started_at": started_at, "finished_at": finished_at, "wrong": wrong })))
        }
        Err(UseError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
