//! The secret that webhooks are signed with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use carepath_app::App;
use carepath_app::hooks::{self, Signing};
use carepath_app::ports::Ports;
use http::{HeaderValue, header};
use jiff::Timestamp;
use serde_json::{Map, json};

use crate::body::RequestName;
use crate::problem::Problem;

/// A secret is for whoever asked, and for no cache on the way.
fn show(signing: &Signing, now: Timestamp) -> Response {
    let mut shown = Map::from_iter([("secret".to_owned(), json!(signing.shown()))]);
    if let Some(until) = signing.overlap_until(now) {
        shown.insert("previous_until".to_owned(), json!(until));
    }
    let mut answer = Json(shown).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

pub(crate) async fn get<P: Ports>(State(app): State<Arc<App<P>>>) -> Result<Response, Problem> {
    Ok(show(&hooks::signing(&app).await?, app.now()))
}

pub(crate) async fn rotate<P: Ports>(
    State(app): State<Arc<App<P>>>,
    RequestName(request): RequestName,
) -> Result<Response, Problem> {
    let request = request.map(String::from);
    Ok(show(&hooks::rotate(&app, request.as_deref()).await?, app.now()))
}
