//! How the installation stands, for who watches over it: in a few reads, so that a page may ask again and again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use carepath_app::ports::{Pace, Ports, Store as _};
use carepath_app::{App, UseError, sweep};
use serde_json::{Value, json};

use crate::problem::Problem;

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Json<Value>, Problem> {
    let standing = sweep::standing(&app).await?;
    let pace = app.ports.store().pace().await.map_err(UseError::from)?;
    let sending = pace.map(|Pace { second, taken, limit }| json!({ "second": second, "taken": taken, "limit": limit }));
    Ok(Json(json!({
        "now": app.now(),
        "sweep": { "at": standing.at, "late_seconds": standing.late_seconds },
        "sending": sending,
    })))
}
