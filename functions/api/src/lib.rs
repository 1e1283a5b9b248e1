//! The HTTP API of Carepath: one router, served by Lambda and by `carepath dev`.

mod access;
mod account;
mod body;
mod contacts;
mod csv;
mod events;
mod health;
pub mod lambda;
mod migrate;
mod observe;
mod openapi;
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

pub use access::Access;
pub use openapi::document as openapi;
pub use problem::CODES;
pub use route::{Described, described};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// The most entries of a page.
pub const MAX_PAGE: usize = 1_000;

/// The whole API over an installation.
pub fn router<P: Ports>(app: Arc<App<P>>) -> Router {
    route::router(app, route::table())
}
