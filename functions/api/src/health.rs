//! Whether it serves.

use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn get() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}
