//! Who may use what only this machine offers: programs on it, and its own page. A page from elsewhere that a browser
//! here shows may not, whether it posts or has its name led here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// Lets a request through whose host, and origin where it has one, is this machine.
pub(super) async fn guard(State(own): State<Arc<str>>, request: Request, next: Next) -> Response {
    if is_local(request.headers(), &own) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::FORBIDDEN,
        "not_this_machine",
        "this is only for programs and pages of this machine: use http://127.0.0.1 with the port that `carepath dev` printed",
    )
    .into_response()
}

fn is_local(headers: &HeaderMap, own: &str) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).is_some_and(|host| names_us(host, own));
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|host| names_us(host, own))
    });
    host && origin
}

fn names_us(authority: &str, own: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ["localhost", "127.0.0.1", "::1"].contains(&host) || host.eq_ignore_ascii_case(own)
}

#[cfg(test)]
mod tests {
    use super::names_us;

    #[test]
    fn only_names_of_this_machine_are_let_through() {
        for good in ["localhost", "localhost:8787", "127.0.0.1:1", "[::1]:8787", "box.lan:80"] {
            assert!(names_us(good, "box.lan"), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example:8787", "127.0.0.1.evil.example", "", "null"] {
            assert!(!names_us(bad, "box.lan"), "{bad}");
        }
    }
}
