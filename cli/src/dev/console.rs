//! The console: files that `make console` built and this binary brought along, and the session that its page begins with.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use super::problem::Problem;
use super::routes::Desk;

/// The files by their path below `/`; empty where the console was not built before this binary.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Everything from here, nothing inline, and in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const UNBUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Carepath</title>\
    <h1>The console was not built</h1><p>This <code>carepath</code> was built without it. With Node 20 or newer, run \
    <code>make console</code> and build again, or use <code>make run</code>, which does both.</p>\
    <p>The <a href=\"/mailbox\">mailbox</a> and the API are here all the same.</p></html>";

/// The routes of the console's files.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new().route("/config.json", get(config));
    for &(name, bytes) in FILES {
        router = router.route(&format!("/{name}"), get(move || async move { file(name, bytes) }));
    }
    let index = FILES.iter().find(|(name, _)| *name == "index.html").map_or(UNBUILT.as_bytes(), |(_, bytes)| bytes);
    router.route("/", get(move || async move { file("index.html", index) }))
}

async fn config() -> Response {
    guarded("application/json", "no-store", json!({ "api": "/v1", "dev": "/_dev" }).to_string())
}

fn file(name: &str, bytes: &'static [u8]) -> Response {
    // The names of built parts change with what is in them.
    let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    guarded(type_of(name), keep, bytes)
}

fn type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}

fn guarded(of: &'static str, keep: &'static str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, &'static str); 6] = [
        (CONTENT_TYPE, of),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, keep),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (headers, body).into_response()
}

/// The admin key, for the page of this very server in a browser on this machine. It is a `POST`, so a browser names the
/// page's origin, and another page's is not this server's.
pub(super) async fn session<D>(
    State(desk): State<Desk<D>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let near = peer.is_some_and(|Extension(ConnectInfo(peer))| peer.ip().to_canonical().is_loopback());
    if near && is_own_page(&headers) {
        return Ok(Json(json!({ "key": &*desk.api_key })));
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "not_this_page",
        "only the console of this server, in a browser on the same machine, is given its key",
    ))
}

fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
    origin.is_some() && origin == text(HOST)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{FILES, is_own_page};

    fn headers(origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("127.0.0.1:8787"));
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_static(origin));
        }
        headers
    }

    #[test]
    fn only_the_page_of_this_server_is_given_the_key() {
        assert!(is_own_page(&headers(Some("http://127.0.0.1:8787"))));
        for other in ["http://127.0.0.1:8788", "http://localhost:8787", "https://127.0.0.1:8787", "null", ""] {
            assert!(!is_own_page(&headers(Some(other))), "{other}");
        }
        assert!(!is_own_page(&headers(None)), "what names no page is none");
    }

    /// Either the whole console is in the binary, or nothing of it.
    #[test]
    fn the_files_are_whole_or_none() {
        let has = |ending: &str| FILES.iter().any(|(name, _)| name.ends_with(ending));
        assert_eq!(FILES.is_empty(), !has("index.html"));
        assert_eq!(FILES.is_empty(), !has(".js"));
        assert!(FILES.iter().all(|(name, _)| !name.contains("..") && *name != "config.json"));
    }
}
