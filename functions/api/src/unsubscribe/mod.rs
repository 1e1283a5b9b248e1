//! `/u/{token}`: where the links for unsubscribing lead.
//!
//! Mail programs, scanners and caches follow links that nobody has clicked, so a `GET` only shows, and only a `POST` acts
//! (RFC 8058). What comes with a token that this account has not made is answered in one way, whatever it is.

mod form;
mod page;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use carepath_app::App;
use carepath_app::ports::Ports;
use carepath_app::unsubscribe::{self, Wish};
use carepath_engine::unsubscribe::UnsubscribeToken;
use http::{HeaderMap, header};

use crate::observe::audit_link;
use crate::problem::{Code, Problem};

/// The largest form that is read, in bytes: a few hundred topics.
const MAX_FORM: usize = 16 << 10;

/// The token of an address, as axum found it.
type Link = Result<Path<String>, PathRejection>;

/// Shows the topics, and changes nothing.
pub(crate) async fn show<P: Ports>(State(app): State<Arc<App<P>>>, link: Link, headers: HeaderMap) -> Response {
    let shown = async {
        if matches!(&link, Ok(Path(token)) if token == unsubscribe::HIDDEN) {
            return Ok(page::hidden());
        }
        let token = open(&app, link)?;
        Ok(page::choices(&unsubscribe::choices(&app, &token).await?))
    };
    answer(&headers, shown.await)
}

/// Does what the reader of a mail asks for. Doing it again changes nothing.
pub(crate) async fn act<P: Ports>(State(app): State<Arc<App<P>>>, link: Link, request: Request) -> Response {
    let headers = request.headers().clone();
    let done = async {
        let token = open(&app, link)?;
        let bytes = axum::body::to_bytes(request.into_body(), MAX_FORM)
            .await
            .map_err(|_| Problem::new(Code::PayloadTooLarge, "The form is larger than 16 KiB."))?;
        let wish = form::wish(&headers, &bytes)?;
        let changed = Box::pin(unsubscribe::act(&app, &token, &wish)).await?;
        audit_link(&token, "POST /u/{token}", changed);
        Ok(match (&wish, &token.topic) {
            (Wish::OneClick, Some(topic)) => page::unsubscribed(topic),
            (Wish::OneClick, None) | (Wish::Nothing, _) => page::unsubscribed_from_all(),
            (Wish::Topics { .. }, _) => page::saved(),
        })
    };
    answer(&headers, done.await)
}

fn open<P: Ports>(app: &App<P>, link: Link) -> Result<UnsubscribeToken, Problem> {
    let token = link.ok().and_then(|Path(text)| UnsubscribeToken::open(&text, &app.secret));
    token.ok_or_else(|| Problem::not_found("page"))
}

/// A page; to whoever is no browser, what went wrong as a problem.
fn answer(headers: &HeaderMap, answer: Result<page::Page, Problem>) -> Response {
    match answer {
        Ok(page) => page.into_response(),
        Err(problem) => {
            let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            if accepts.contains("text/html") {
                return (problem.status(), page::refused(problem.status())).into_response();
            }
            problem.into_response()
        }
    }
}
