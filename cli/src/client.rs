//! A client of Carepath's API: requests, and problems as readable errors.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

/// Where the API is, and with which key.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Connection {
    /// Where the API is, for example <http://127.0.0.1:8787>
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// The API key (`cp_…`)
    #[arg(long, value_name = "KEY", env = "CAREPATH_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The data folder of a `carepath dev` on this machine: URL and key are read from its `dev.json`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What `carepath dev` says about itself in `dev.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DevFile {
    /// Where its API is.
    pub(crate) api_url: String,
    /// A key with the role `admin`.
    api_key: String,
    /// Its process on this machine.
    #[serde(default)]
    pub(crate) pid: Option<u32>,
}

impl Connection {
    /// The description of the `carepath dev` that is meant, where there is one.
    pub(crate) fn dev_file(&self) -> Result<Option<DevFile>, Failure> {
        let Some(dir) = &self.data else {
            let found = read_dev_file(Path::new(".carepath")).ok();
            // A leftover of another server must not lend its key to this one.
            return Ok(found.filter(|dev| self.to.as_deref().is_none_or(|to| same_url(to, &dev.api_url))));
        };
        read_dev_file(dir).map(Some)
    }

    /// The client.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let dev = self.dev_file()?;
        let base = self.to.clone().or_else(|| dev.as_ref().map(|dev| dev.api_url.clone()));
        let key = self.key.clone().or_else(|| dev.map(|dev| dev.api_key));
        let base = base.ok_or_else(|| Failure::Usage("say where the API is, with --to URL or --data DIR".into()))?;
        let key = key.ok_or_else(|| {
            Failure::Usage("an API key is needed: --key, the variable CAREPATH_API_KEY, or --data DIR".into())
        })?;
        Client::new(&base, &key)
    }
}

fn same_url(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}

fn read_dev_file(dir: &Path) -> Result<DevFile, Failure> {
    let path = dir.join("dev.json");
    let text = std::fs::read(&path).map_err(|error| Failure::read(&path, error))?;
    serde_json::from_slice(&text)
        .map_err(|_| Failure::File(format!("{} is not what `carepath dev` writes", path.display())))
}

/// A client of one API. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// Why the API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nobody answered, or the answer broke off.
    #[error("the server could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It said no.
    #[error("{0}")]
    Problem(Problem),
    /// It said something else than its documentation says.
    #[error("the server's answer could not be understood ({0})")]
    Unreadable(StatusCode),
}

/// A problem (RFC 9457).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[serde(default)]
    pub(crate) status: u16,
    /// Stable.
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    /// For documents.
    #[serde(default)]
    pub(crate) errors: Vec<Fault>,
}

/// One fault of a document.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fault {
    /// Where.
    #[serde(default)]
    pub(crate) pointer: String,
    /// Which rule.
    #[serde(default)]
    pub(crate) rule: String,
    /// What, and how to mend it.
    #[serde(default)]
    pub(crate) message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        let mut line = if text.is_empty() { "the server said no".to_owned() } else { text.clone() };
        if self.code.is_empty() {
            write!(line, " ({})", self.status)?;
        } else {
            write!(line, " ({} {})", self.status, self.code)?;
        }
        for fault in &self.errors {
            let at = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
            write!(line, "\n  {at}  {}  {}", fault.rule, fault.message)?;
        }
        f.write_str(&line)
    }
}

impl ApiError {
    /// Whether the server understood, and said no to what it was given.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Problem(problem) if [400, 409, 412, 413, 422].contains(&problem.status))
    }

    /// Whether the server says that there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == StatusCode::NOT_FOUND.as_u16())
    }
}

impl Client {
    /// A client of the API at `base`.
    pub(crate) fn new(base: &str, key: &str) -> Result<Self, Failure> {
        let base = base.trim_end_matches('/').to_owned();
        let known = base.starts_with("http://") || base.starts_with("https://");
        if !known {
            return Err(Failure::Usage("the URL of the API begins with http:// or https://".into()));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("carepath/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(90))
            .tcp_nodelay(true)
            .build()
            .map_err(|error| Failure::api("could not start a client", ApiError::Unreachable(error)))?;
        Ok(Self { http, base, key: key.to_owned() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// What is at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        read(self.request(Method::GET, path)).await
    }

    /// What is at a path, as a table.
    pub(crate) async fn get_csv(&self, path: &str) -> Result<String, ApiError> {
        let request = self.request(Method::GET, path).header("accept", "text/csv");
        let answer = request.send().await.map_err(ApiError::Unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(ApiError::Unreachable)?;
        if !status.is_success() {
            return Err(problem(status, &body));
        }
        String::from_utf8(body.to_vec()).map_err(|_| ApiError::Unreadable(status))
    }

    /// What is at a path, or `None` where there is no such thing.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>, ApiError> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All that a list has, page by page.
    pub(crate) async fn all(&self, path: &str) -> Result<Vec<Value>, ApiError> {
        let (mut all, mut query) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}{query}")).await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                all.extend(items);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => query = format!("?cursor={}", segment(next)),
                None => return Ok(all),
            }
        }
    }

    /// Puts a document.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        read(self.request(Method::PUT, path).json(body)).await
    }

    /// Posts a document.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        read(self.request(Method::POST, path).json(body)).await
    }
}

async fn read(request: RequestBuilder) -> Result<Value, ApiError> {
    let answer = request.send().await.map_err(ApiError::Unreachable)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(ApiError::Unreachable)?;
    if !status.is_success() {
        return Err(problem(status, &body));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).map_err(|_| ApiError::Unreadable(status))
}

fn problem(status: StatusCode, body: &[u8]) -> ApiError {
    let mut problem: Problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        status: 0,
        code: String::new(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        detail: String::new(),
        errors: Vec::new(),
    });
    problem.status = status.as_u16();
    ApiError::Problem(problem)
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_one_line_and_one_more_for_each_fault() {
        let body = br#"{"title":"Not valid","detail":"the workflow has errors","code":"check_failed",
            "errors":[{"pointer":"/steps/a/next","rule":"W001","message":"there is no step b"}]}"#;
        let error = problem(StatusCode::CONFLICT, body);
        assert_eq!(
            error.to_string(),
            "the workflow has errors (409 check_failed)\n  /steps/a/next  W001  there is no step b"
        );
    }

    #[test]
    fn an_answer_that_is_no_problem_still_says_its_status() {
        assert_eq!(problem(StatusCode::BAD_GATEWAY, b"<html>").to_string(), "Bad Gateway (502)");
    }

    #[test]
    fn an_id_becomes_one_segment_of_a_path() {
        assert_eq!(segment("a b/ü"), "a%20b%2F%C3%BC");
    }
}
