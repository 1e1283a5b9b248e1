//! The mailbox as a page. Mails are shown in a frame that runs nothing and fetches nothing from elsewhere.

use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use lol_html::html_content::Element;
use lol_html::{RewriteStrSettings, element, rewrite_str};
use serde::Deserialize;

use super::duties::Duties;
use super::mailbox::{Action, Mail};
use super::notification::Actor;
use super::problem::Problem;
use super::routes::{Desk, act, find};

const PAGE: &str = include_str!("page/mailbox.html");
const STYLE: &str = include_str!("page/mailbox.css");
const SCRIPT: &str = include_str!("page/mailbox.js");

/// Nothing from elsewhere, and nothing inline but what this program wrote.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
    frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A mail runs no script, loads nothing, and is nobody's origin; its links open beside it.
const MAIL_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; \
    form-action 'none'; base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";
const LINK_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

fn html(policy: &'static str, body: String) -> Response {
    let headers: [(HeaderName, &'static str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

/// The page.
pub(super) async fn show() -> Response {
    html(PAGE_POLICY, PAGE.replace("/*STYLE*/", STYLE).replace("/*SCRIPT*/", SCRIPT))
}

/// The HTML of a mail, for the frame.
pub(super) async fn view<D: Duties>(State(desk): State<Desk<D>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let mail = find(&desk, &id)?;
    Ok(html(MAIL_POLICY, leading_through_us(&mail)))
}

/// The HTML with links that lead through this process, as the mail service makes them lead through it.
fn leading_through_us(mail: &Mail) -> String {
    let mut nth = 0;
    let settings =
        RewriteStrSettings::new().append_element_content_handler(element!("a[href]", |anchor: &mut Element| {
            anchor.set_attribute("href", &format!("/_dev/mailbox/{}/follow?nth={nth}", mail.id))?;
            anchor.set_attribute("target", "_blank")?;
            anchor.set_attribute("rel", "noopener noreferrer")?;
            nth += 1;
            Ok(())
        }));
    // HTML that cannot be rewritten is not shown: its links would not be counted.
    rewrite_str(&mail.html, settings)
        .unwrap_or_else(|_| "<p>The HTML of this mail cannot be shown. Its text can.</p>".to_owned())
}

#[derive(Deserialize)]
pub(super) struct Follow {
    /// The link by its name.
    link: Option<String>,
    /// The link by its place in the HTML, from 0.
    nth: Option<usize>,
}

/// Follows a link of a mail: the click counts, and a page says where it leads.
pub(super) async fn follow<D: Duties>(
    State(desk): State<Desk<D>>,
    Path(id): Path<String>,
    Query(which): Query<Follow>,
) -> Result<Response, Problem> {
    let mail = find(&desk, &id)?;
    let found = match (&which.link, which.nth) {
        (Some(name), _) => mail.links.iter().find(|link| &link.name == name),
        (None, Some(nth)) => mail.links.get(nth),
        (None, None) => None,
    };
    let link = found.ok_or(Problem::new(StatusCode::NOT_FOUND, "no_such_link", "the mail has no such link"))?;
    let actor = Actor { link: Some(link.name.clone()), ..Actor::default() };
    act(&desk, &id, Action::Click, actor).await?;
    Ok(html(LINK_POLICY, way_out(&link.name, &link.url)))
}

/// Says where a link leads, and leads there only by the reader's own click, and only to the web.
fn way_out(name: &str, url: &str) -> String {
    let on_the_web = url.starts_with("https://") || url.starts_with("http://");
    let go = if on_the_web {
        format!("<p><a class=go rel=\"noopener noreferrer\" href=\"{}\">Continue</a></p>", escape(url))
    } else {
        "<p class=dim>It does not lead to the web, so it is not followed from here.</p>".to_owned()
    };
    let what = if name.is_empty() { "A link without a name".to_owned() } else { format!("<b>{}</b>", escape(name)) };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Click recorded</title><style>{LINK_STYLE}</style><main><h1>Click recorded</h1>\
         <p>{what} leads to</p><p><code>{}</code></p>{go}</main></html>",
        escape(url)
    )
}

const LINK_STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;\
    min-height:100vh;place-items:center}main{max-width:34rem;padding:2rem}h1{font-size:1.25rem}code{overflow-wrap:anywhere}\
    .go{display:inline-block;padding:.5rem 1rem;border-radius:.5rem;background:#0f766e;color:#fff;text-decoration:none}\
    .dim{opacity:.7}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::{escape, way_out};

    #[test]
    fn a_link_leads_only_to_the_web_and_nothing_in_it_is_markup() {
        assert!(
            way_out("book", "https://clinic.example/?a=1&b=2").contains("href=\"https://clinic.example/?a=1&amp;b=2\"")
        );
        assert!(!way_out("x", "javascript:alert(1)").contains("href"));
        assert_eq!(escape("<a href=\"'\">"), "&lt;a href=&quot;&#39;&quot;&gt;");
    }
}
