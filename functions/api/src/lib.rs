//! The HTTP API of Carepath: one router, served by Lambda and by `carepath dev`.

mod access;
mod account;
mod body;
mod contacts;
mod csv;
mod disclosure;
mod events;
mod health;
mod migrate;
mod observe;
mod openapi;
mod operations;
mod problem;
mod recovery;
mod reports;
mod route;
mod run_view;
mod runs;
mod schemas;
mod segments;
mod templates;
mod timeline;
mod unsubscribe;
mod webhook_secret;
mod workflows;

use std::sync::Arc;

use axum::Router;
use carepath_app::App;
use carepath_app::ports::Ports;
use http::Request;
use tower::util::MapRequest;

pub use access::Access;
pub use openapi::document as openapi;
pub use problem::CODES;
pub use route::{Described, described};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// The most entries of a page.
pub const MAX_PAGE: usize = 1_000;

/// Where the gateway's routes for people begin. One route of it knows one way to tell who calls: people's tokens are
/// checked by its authorizer here, and machines' keys by this crate everywhere else.
const PEOPLE: &str = "/people";

/// A router that puts each request's path right first.
type PutRight<B> = MapRequest<Router, fn(Request<B>) -> Request<B>>;

/// The API under the gateway's routes for people as well: there it is the same.
pub fn for_people_too<B>(api: Router) -> PutRight<B> {
    MapRequest::new(api, without_people)
}

fn without_people<B>(mut request: Request<B>) -> Request<B> {
    let rest = request.uri().path_and_query().and_then(|path| path.as_str().strip_prefix(PEOPLE));
    if let Some(rest) = rest.filter(|rest| rest.starts_with('/')).and_then(|rest| rest.parse().ok()) {
        *request.uri_mut() = rest;
    }
    request
}

/// The whole API over an installation.
pub fn router<P: Ports>(app: Arc<App<P>>) -> Router {
    route::router(app, route::table())
}
