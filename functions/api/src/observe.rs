//! What is written about requests: routes, never addresses; keys of contacts, never ids (S24).

use std::any::Any;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use carepath_engine::ids::ContactKey;
use carepath_engine::unsubscribe::UnsubscribeToken;
use http::Method;

use crate::access::Caller;
use crate::disclosure::Disclosure;
use crate::problem::Problem;

/// One line a request, with the route as the table has it.
pub(crate) async fn log(State(route): State<&'static str>, request: Request, next: Next) -> Response {
    let method = known(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(target: "access", method, route, status = response.status().as_u16(), micros, "request");
    response
}

/// The method, as long as it is one: a caller may send any word.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// One line for each look at a contact: who, by which route, at whom.
pub(crate) fn audit(caller: &Caller, route: &'static str, contact: &ContactKey) {
    tracing::info!(target: "audit", who = &*caller.id, route, %contact, "contact read");
}

/// The same where the reader may say why, and may leave confidential values hidden.
pub(crate) fn audit_disclosed(caller: &Caller, route: &'static str, contact: &ContactKey, disclosure: Disclosure) {
    let Disclosure { hidden, why } = disclosure;
    tracing::info!(target: "audit", who = &*caller.id, route, %contact, hidden, why, "contact read");
}

/// One line for each address that somebody opens again: who, and whose.
pub(crate) fn audit_reopened(caller: &Caller, contact: &ContactKey) {
    let route = "DELETE /v1/contacts/{id}/suppression";
    tracing::info!(target: "audit", who = &*caller.id, route, %contact, "address opened again");
}

/// One line for each answer to topics that came by the link of a mail: of which contact, by which mail.
pub(crate) fn audit_link(token: &UnsubscribeToken, route: &'static str, changed: bool) {
    let contact = token.contact();
    let (run, step) = (&token.run, token.step);
    tracing::info!(target: "audit", who = "link in a mail", route, %contact, %run, step, changed, "topics answered");
}

/// The answer where a handler panicked. What it panicked with may hold anything, so it is not looked at.
pub(crate) fn panicked(_thrown: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(target: "access", "a handler panicked");
    Problem::internal().into_response()
}
