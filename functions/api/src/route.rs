//! The table of routes. Each names who may call it; one that does not cannot be written down (S27).

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, on};
use carepath_app::App;
use carepath_app::ports::Ports;
use http::Method;
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::{Access, guard};
use crate::problem::{Code, Problem};
use crate::{account, contacts, events, health, observe, openapi, runs, segments, templates, timeline, workflows};

/// A route as documents tell of it.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its method.
    pub method: Method,
    /// Its path, with names in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What its body is like, as JSON Schema.
    pub body: Option<fn() -> Value>,
    /// The status of success.
    pub success: u16,
}

/// A route: what it is, and what answers it.
pub(crate) struct Route<P: Ports> {
    described: Described,
    handler: MethodRouter<Arc<App<P>>>,
}

impl<P: Ports> Route<P> {
    fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, Arc<App<P>>>,
        T: 'static,
    {
        // Every method of the table is one that axum has a filter for; `GET` answers nothing that is not asked.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let described = Described { method, path, access, summary, body: None, success: 200 };
        Self { described, handler: on(filter, handler) }
    }

    fn takes(mut self, body: fn() -> Value) -> Self {
        self.described.body = Some(body);
        self
    }

    fn answers(mut self, status: u16) -> Self {
        self.described.success = status;
        self
    }
}

/// All routes, without what answers them.
pub fn described<P: Ports>() -> Vec<Described> {
    table::<P>().into_iter().map(|route| route.described).collect()
}

/// All routes.
#[rustfmt::skip]
pub(crate) fn table<P: Ports>() -> Vec<Route<P>> {
    use openapi as schema;
    const GET: Method = Method::GET;
    const PUT: Method = Method::PUT;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    let viewer = Access::VIEWER;
    let editor = Access::EDITOR;
    let ingest = Access::INGEST;
    let admin = Access::ADMIN;
    vec![
        Route::new(PUT, "/v1/contacts/{id}", ingest, contacts::put::<P>, "Create or replace a contact").takes(schema::contact),
        Route::new(PATCH, "/v1/contacts/{id}", ingest, contacts::patch::<P>, "Change a contact by a merge patch, or create it").takes(schema::contact),
        Route::new(GET, "/v1/contacts/{id}", viewer, contacts::get::<P>, "Read a contact"),
        Route::new(DELETE, "/v1/contacts/{id}", admin, contacts::delete::<P>, "Delete a contact: its runs end, its data goes").answers(204),
        Route::new(GET, "/v1/contacts", viewer, contacts::find::<P>, "Find contacts by `email` or by `segment`"),
        Route::new(GET, "/v1/contacts/{id}/runs", viewer, runs::of_contact::<P>, "The runs of a contact, each visit explained"),
        Route::new(GET, "/v1/contacts/{id}/timeline", viewer, timeline::get::<P>, "What happened to a contact, newest first"),
        Route::new(POST, "/v1/contacts/{id}/events", ingest, events::post::<P>, "Tell an event of a contact").takes(schema::event).answers(202),
        Route::new(POST, "/v1/batch", ingest, events::batch::<P>, "Up to 500 contacts and events, each with a result of its own").takes(schema::batch),
        Route::new(GET, "/v1/workflows", editor, workflows::list::<P>, "All workflows"),
        Route::new(PUT, "/v1/workflows/{id}", editor, workflows::put::<P>, "Write a draft, whatever is wrong with it").takes(schema::workflow),
        Route::new(GET, "/v1/workflows/{id}", editor, workflows::get::<P>, "Read a workflow with its draft"),
        Route::new(DELETE, "/v1/workflows/{id}", editor, workflows::delete::<P>, "Delete a workflow that lets nobody in").answers(204),
        Route::new(POST, "/v1/workflows/{id}/check", editor, workflows::check::<P>, "Everything that is wrong with a draft"),
        Route::new(POST, "/v1/workflows/{id}/publish", editor, workflows::publish::<P>, "Publish the draft"),
        Route::new(POST, "/v1/workflows/{id}/pause", editor, workflows::pause::<P>, "Hold all runs"),
        Route::new(POST, "/v1/workflows/{id}/resume", editor, workflows::resume::<P>, "Let all runs go on"),
        Route::new(POST, "/v1/workflows/{id}/archive", editor, workflows::archive::<P>, "Let nobody in any more"),
        Route::new(GET, "/v1/workflows/{id}/versions", viewer, workflows::versions::<P>, "The frozen versions"),
        Route::new(GET, "/v1/workflows/{id}/versions/{n}", viewer, workflows::version::<P>, "A frozen version's document"),
        Route::new(POST, "/v1/workflows/{id}/enroll", Access::EDITOR_OR_INGEST, runs::enroll::<P>, "Let a contact, or a segment, into a workflow").takes(schema::enroll),
        Route::new(GET, "/v1/runs/{id}", viewer, runs::get::<P>, "A run, each visit explained"),
        Route::new(POST, "/v1/runs/{id}/cancel", editor, runs::cancel::<P>, "End a run as cancelled"),
        Route::new(GET, "/v1/templates", editor, templates::list::<P>, "All templates"),
        Route::new(PUT, "/v1/templates/{id}", editor, templates::put::<P>, "Create or replace a template").takes(schema::template),
        Route::new(GET, "/v1/templates/{id}", editor, templates::get::<P>, "Read a template"),
        Route::new(DELETE, "/v1/templates/{id}", editor, templates::delete::<P>, "Delete a template that nothing sends").answers(204),
        Route::new(POST, "/v1/templates/{id}/preview", editor, templates::preview::<P>, "Render a template without sending it").takes(schema::preview),
        Route::new(GET, "/v1/segments", editor, segments::list::<P>, "All segments"),
        Route::new(PUT, "/v1/segments/{id}", editor, segments::put::<P>, "Create or replace a segment").takes(schema::segment),
        Route::new(GET, "/v1/segments/{id}", editor, segments::get::<P>, "Read a segment"),
        Route::new(DELETE, "/v1/segments/{id}", editor, segments::delete::<P>, "Delete a segment that nothing uses").answers(204),
        Route::new(GET, "/v1/segments/{id}/members", editor, segments::members::<P>, "The contacts in a segment"),
        Route::new(POST, "/v1/segments/{id}/members", editor, segments::change_members::<P>, "Put contacts into a manual segment and take others out").takes(schema::members),
        Route::new(GET, "/v1/schema", admin, account::get_schema::<P>, "The declared attributes"),
        Route::new(PUT, "/v1/schema", admin, account::put_schema::<P>, "Declare attributes").takes(schema::attributes),
        Route::new(GET, "/v1/settings", admin, account::get_settings::<P>, "The account's settings"),
        Route::new(PUT, "/v1/settings", admin, account::put_settings::<P>, "Replace the account's settings").takes(schema::settings),
        Route::new(GET, "/v1/keys", admin, account::list_keys::<P>, "All API keys, without their secrets"),
        Route::new(POST, "/v1/keys", admin, account::create_key::<P>, "Create an API key; its secret is shown this once").takes(schema::key).answers(201),
        Route::new(DELETE, "/v1/keys/{id}", admin, account::revoke_key::<P>, "Revoke an API key").answers(204),
        Route::new(GET, "/v1/openapi.json", Access::Public, openapi::get::<P>, "This description"),
        Route::new(GET, "/healthz", Access::Public, health::get, "Whether it serves"),
    ]
}

/// Serves a table.
pub(crate) fn router<P: Ports>(app: Arc<App<P>>, routes: Vec<Route<P>>) -> Router {
    let mut router = Router::new();
    for Route { described, handler } in routes {
        let access = from_fn_with_state((Arc::clone(&app), described.access), guard::<P>);
        let guarded: MethodRouter<Arc<App<P>>> = handler.layer(access);
        let caught: MethodRouter<Arc<App<P>>> = guarded.layer(CatchPanicLayer::custom(observe::panicked));
        let logged: MethodRouter<Arc<App<P>>> = caught.layer(from_fn_with_state(described.path, observe::log));
        router = router.route(described.path, logged);
    }
    router
        .fallback_service(any(unknown).layer(from_fn_with_state("unknown", observe::log)))
        .method_not_allowed_fallback(not_allowed)
        .with_state(app)
}

async fn unknown() -> Response {
    Problem::new(Code::UnknownRoute, "There is no such route: see /v1/openapi.json.").into_response()
}

async fn not_allowed() -> Response {
    let detail = "This route does not take this method: see /v1/openapi.json.";
    Problem::new(Code::MethodNotAllowed, detail).into_response()
}
