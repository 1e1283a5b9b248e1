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
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::{self, Access, guard};
use crate::problem::{Code, Problem};
use crate::{
    account, contacts, disclosure, events, health, migrate, observe, openapi, operations, recovery, reports, runs,
    segments, templates, timeline, unsubscribe, webhook_secret, workflows,
};

/// A route as documents tell of it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all of them may hold")]
pub struct Described {
    /// Its method.
    pub method: Method,
    /// Its path, with names in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The shape of its body.
    pub body: Option<&'static str>,
    /// Whether the body may be left out.
    pub body_optional: bool,
    /// The shape of what it answers.
    pub shown: Option<&'static str>,
    /// The statuses of success.
    pub success: &'static [u16],
    /// Parameters of its address.
    pub query: &'static [&'static str],
    /// Whether the answer carries a revision.
    pub tagged: bool,
    /// Whether `If-Match` and `If-None-Match` hold it back.
    pub conditional: bool,
    /// Whether `Idempotency-Key` makes a repeat harmless.
    pub repeatable: bool,
    /// The shape of its body where that is a form and no JSON.
    pub form: Option<&'static str>,
    /// Whether it answers with a page for people and no JSON.
    pub page: bool,
    /// Whether it answers with CSV to whoever asks for that.
    pub table: bool,
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
        let described = Described {
            method,
            path,
            access,
            summary,
            body: None,
            body_optional: false,
            shown: None,
            success: &[204],
            query: &[],
            tagged: false,
            conditional: false,
            repeatable: false,
            form: None,
            page: false,
            table: false,
        };
        Self { described, handler: on(filter, handler) }
    }

    fn takes(mut self, body: &'static str) -> Self {
        self.described.body = Some(body);
        self
    }

    fn may_take(mut self, body: &'static str) -> Self {
        self.described.body_optional = true;
        self.takes(body)
    }

    fn shows(mut self, shown: &'static str) -> Self {
        self.described.shown = Some(shown);
        self.described.success = &[200];
        self
    }

    fn takes_form(mut self, form: &'static str) -> Self {
        self.described.form = Some(form);
        self
    }

    fn shows_page(mut self) -> Self {
        self.described.page = true;
        self.answers(&[200])
    }

    fn shows_table(mut self) -> Self {
        self.described.table = true;
        self
    }

    fn answers(mut self, statuses: &'static [u16]) -> Self {
        self.described.success = statuses;
        self
    }

    fn asks(mut self, query: &'static [&'static str]) -> Self {
        self.described.query = query;
        self
    }

    fn tagged(mut self) -> Self {
        self.described.tagged = true;
        self
    }

    fn conditional(mut self) -> Self {
        self.described.conditional = true;
        self
    }

    fn repeatable(mut self) -> Self {
        self.described.repeatable = true;
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
    const PAGE: &[&str] = &["limit", "cursor"];
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
        Route::new(PUT, "/v1/contacts/{id}", ingest, contacts::put::<P>, "Create or replace a contact").takes("ContactFields").shows("ContactWritten").answers(&[200, 201]).tagged().conditional(),
        Route::new(PATCH, "/v1/contacts/{id}", ingest, contacts::patch::<P>, "Change a contact by a merge patch, or create it").takes("ContactFields").shows("ContactWritten").answers(&[200, 201]).tagged().conditional(),
        Route::new(GET, "/v1/contacts/{id}", viewer, contacts::get::<P>, "Read a contact").asks(disclosure::QUERY).shows("Contact").tagged(),
        Route::new(DELETE, "/v1/contacts/{id}", admin, contacts::delete::<P>, "Delete a contact: its runs end, its data goes").conditional(),
        Route::new(DELETE, "/v1/contacts/{id}/suppression", admin, contacts::reopen::<P>, "Open an address again that bounced or complained"),
        Route::new(GET, "/v1/contacts", viewer, contacts::find::<P>, "Find contacts by `email` or by `segment`").asks(&["email", "segment", "limit", "cursor"]).shows("ContactPage"),
        Route::new(GET, "/v1/contacts/{id}/runs", viewer, runs::of_contact::<P>, "The runs of a contact, each visit explained").asks(disclosure::QUERY).shows("RunPage"),
        Route::new(GET, "/v1/contacts/{id}/timeline", viewer, timeline::get::<P>, "What happened to a contact, newest first").asks(&["limit", "cursor", "phi", "why"]).shows("Timeline"),
        Route::new(POST, "/v1/contacts/{id}/events", ingest, events::post::<P>, "Tell an event of a contact").takes("Event").shows("EventKept").answers(&[202]).repeatable(),
        Route::new(POST, "/v1/batch", ingest, events::batch::<P>, "Up to 500 contacts and events, each with a result of its own").takes("Batch").shows("BatchResults").repeatable(),
        Route::new(GET, "/v1/workflows", editor, workflows::list::<P>, "All workflows").asks(PAGE).shows("WorkflowPage"),
        Route::new(PUT, "/v1/workflows/{id}", editor, workflows::put::<P>, "Write a draft, whatever is wrong with it").takes("WorkflowDocument").shows("Workflow").answers(&[200, 201]).tagged().conditional(),
        Route::new(GET, "/v1/workflows/{id}", editor, workflows::get::<P>, "Read a workflow with its draft").shows("Workflow").tagged(),
        Route::new(DELETE, "/v1/workflows/{id}", editor, workflows::delete::<P>, "Delete a workflow that lets nobody in").conditional(),
        Route::new(POST, "/v1/workflows/{id}/check", editor, workflows::check::<P>, "Everything that is wrong with a draft").may_take("WorkflowDocument").shows("Report"),
        Route::new(POST, "/v1/workflows/{id}/publish", editor, workflows::publish::<P>, "Publish the draft").shows("Published").conditional().repeatable(),
        Route::new(POST, "/v1/workflows/{id}/pause", editor, workflows::pause::<P>, "Hold all runs").shows("Workflow").tagged().conditional().repeatable(),
        Route::new(POST, "/v1/workflows/{id}/resume", editor, workflows::resume::<P>, "Let all runs go on").shows("Workflow").tagged().conditional().repeatable(),
        Route::new(POST, "/v1/workflows/{id}/archive", editor, workflows::archive::<P>, "Let nobody in any more").shows("Workflow").tagged().conditional().repeatable(),
        Route::new(POST, "/v1/workflows/{id}/migrate", editor, migrate::post::<P>, "Move live runs to another version, or say what that would come to").takes("Migrate").shows("Migration").repeatable(),
        Route::new(GET, "/v1/workflows/{id}/versions", viewer, workflows::versions::<P>, "The frozen versions").shows("VersionPage"),
        Route::new(GET, "/v1/workflows/{id}/versions/{n}", viewer, workflows::version::<P>, "A frozen version's document").shows("Version"),
        Route::new(GET, "/v1/workflows/{id}/report", viewer, reports::get::<P>, "What became of everybody, step by step").asks(&["version", "from", "to", "format"]).shows("WorkflowReport").shows_table(),
        Route::new(GET, "/v1/workflows/{id}/steps/{step}/contacts", viewer, reports::in_step::<P>, "Who is in a step, or was").asks(&["state", "version", "limit", "cursor", "format"]).shows("InStepPage").shows_table(),
        Route::new(GET, "/v1/activity", viewer, reports::activity::<P>, "How busy each workflow is, and was in the last 24 hours").shows("Activities"),
        Route::new(POST, "/v1/reports/reconcile", admin, reports::reconcile::<P>, "Begin to compare what reports count with the runs themselves, and to put right what differs").takes("Reconcile").shows("Reconciliation").answers(&[202]),
        Route::new(GET, "/v1/reports/reconcile", admin, reports::reconciliation::<P>, "How far the last comparison of reports has come, and what it found").asks(&["workflow"]).shows("Reconciliation"),
        Route::new(POST, "/v1/workflows/{id}/enroll", Access::EDITOR_OR_INGEST, runs::enroll::<P>, "Let a contact, or a segment, into a workflow").takes("Enroll").shows("Enrolled").answers(&[200, 202]).repeatable(),
        Route::new(GET, "/v1/workflows/{id}/enrollments/{enrollment}", Access::EDITOR_OR_INGEST, runs::enrolment::<P>, "How far the enrolment of a segment has come").shows("Enrollment"),
        Route::new(GET, "/v1/runs/{id}", viewer, runs::get::<P>, "A run, each visit explained").shows("Run"),
        Route::new(POST, "/v1/runs/{id}/cancel", editor, runs::cancel::<P>, "End a run as cancelled").shows("Run").repeatable(),
        Route::new(POST, "/v1/runs/{id}/settle", editor, recovery::settle::<P>, "Say what became of a send of which nobody knows").takes("Settle").shows("Run").repeatable(),
        Route::new(GET, "/v1/operations", viewer, operations::get::<P>, "How the sweep and the sending stand").shows("Operations"),
        Route::new(GET, "/v1/unknown-sends", viewer, recovery::unknown::<P>, "Sends of which nobody knows whether they happened").asks(PAGE).shows("UnknownSendPage"),
        Route::new(GET, "/v1/parked", viewer, recovery::parked::<P>, "Work that no trial can do, and why").asks(PAGE).shows("ParkedPage"),
        Route::new(POST, "/v1/parked/redrive", editor, recovery::redrive::<P>, "Have parked work done again").takes("Redrive").shows("Redriven").repeatable(),
        Route::new(GET, "/v1/templates", editor, templates::list::<P>, "All templates").asks(PAGE).shows("TemplatePage"),
        Route::new(PUT, "/v1/templates/{id}", editor, templates::put::<P>, "Create or replace a template").takes("Template").shows("Template").answers(&[200, 201]).tagged().conditional(),
        Route::new(GET, "/v1/templates/{id}", editor, templates::get::<P>, "Read a template").shows("Template").tagged(),
        Route::new(DELETE, "/v1/templates/{id}", editor, templates::delete::<P>, "Delete a template that nothing sends").conditional(),
        Route::new(POST, "/v1/templates/{id}/preview", editor, templates::preview::<P>, "Render a template without sending it").may_take("Preview").shows("Mail"),
        Route::new(GET, "/v1/segments", editor, segments::list::<P>, "All segments").asks(PAGE).shows("SegmentPage"),
        Route::new(PUT, "/v1/segments/{id}", editor, segments::put::<P>, "Create or replace a segment").takes("Segment").shows("Segment").answers(&[200, 201]).tagged().conditional(),
        Route::new(GET, "/v1/segments/{id}", editor, segments::get::<P>, "Read a segment").shows("Segment").tagged(),
        Route::new(DELETE, "/v1/segments/{id}", editor, segments::delete::<P>, "Delete a segment that nothing uses").conditional(),
        Route::new(GET, "/v1/segments/{id}/members", editor, segments::members::<P>, "The contacts in a segment").asks(PAGE).shows("ContactPage"),
        Route::new(POST, "/v1/segments/{id}/members", editor, segments::change_members::<P>, "Put contacts into a manual segment and take others out").takes("Members").shows("Moved").repeatable(),
        Route::new(GET, "/v1/schema", admin, account::get_schema::<P>, "The declared attributes").shows("Attributes").tagged(),
        Route::new(PUT, "/v1/schema", admin, account::put_schema::<P>, "Declare attributes").takes("Attributes").shows("Attributes").tagged().conditional(),
        Route::new(GET, "/v1/settings", admin, account::get_settings::<P>, "The account's settings").shows("Settings").tagged(),
        Route::new(PUT, "/v1/settings", admin, account::put_settings::<P>, "Replace the account's settings").takes("Settings").shows("Settings").tagged().conditional(),
        Route::new(GET, "/v1/webhook-secret", admin, webhook_secret::get::<P>, "The secret that webhooks are signed with").shows("WebhookSecret"),
        Route::new(POST, "/v1/webhook-secret/rotate", admin, webhook_secret::rotate::<P>, "Sign webhooks with a new secret; for 24 hours with the old one as well").shows("WebhookSecret").repeatable(),
        Route::new(GET, "/v1/me", Access::ANY, access::me, "Who calls, and which roles they have").shows("Me"),
        Route::new(GET, "/v1/keys", admin, account::list_keys::<P>, "All API keys, without their secrets").shows("KeyPage"),
        Route::new(POST, "/v1/keys", admin, account::create_key::<P>, "Create an API key; its secret is shown this once").takes("NewKey").shows("KeyCreated").answers(&[201]),
        Route::new(DELETE, "/v1/keys/{id}", admin, account::revoke_key::<P>, "Revoke an API key"),
        Route::new(GET, "/u/{token}", Access::Public, unsubscribe::show::<P>, "The topics that the reader of a mail may choose from").shows_page(),
        Route::new(POST, "/u/{token}", Access::Public, unsubscribe::act::<P>, "Unsubscribe by one click (RFC 8058), or choose topics").takes_form("Unsubscribe").shows_page(),
        Route::new(GET, "/v1/openapi.json", Access::Public, openapi::get::<P>, "This description").shows("Description"),
        Route::new(GET, "/healthz", Access::Public, health::get, "Whether it serves").shows("Health"),
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
