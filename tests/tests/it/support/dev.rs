//! A real `carepath dev` in a folder of its own, with a clock that only the test moves.

use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::home::{Home, Serving};

/// Where the clock of a story begins: a Monday, nine in the morning in Chicago.
pub(crate) const START: &str = "2040-01-02T15:00:00Z";

/// A running system.
pub(crate) struct Dev {
    pub(crate) home: Home,
    pub(crate) url: String,
    pub(crate) key: String,
    serving: Serving,
    http: reqwest::Client,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that says yes.
    pub(crate) fn fine(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// A refusal as RFC 9457 has it, and which.
    pub(crate) fn problem(&self) -> (u16, &str) {
        assert_eq!(self.kind, "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        (self.status, self.body["code"].as_str().unwrap())
    }
}

impl Dev {
    /// A new system whose clock stands at [`START`].
    pub(crate) async fn start() -> Self {
        let dev = Self::over(Home::new());
        dev.to(START).await;
        dev
    }

    /// A system over the data that a folder has.
    pub(crate) fn over(home: Home) -> Self {
        Self::with(home, &[])
    }

    /// A system over the data that a folder has, with more arguments.
    pub(crate) fn with(home: Home, more: &[&str]) -> Self {
        let serving = home.serve(more);
        let text = |name: &str| serving.told[name].as_str().unwrap().to_owned();
        // A system that answers nothing for so long hangs.
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        Self { url: text("api_url"), key: text("api_key"), http, home, serving }
    }

    /// Kills the process at once, wherever it is (`kill -9`). What is left is its folder.
    pub(crate) fn kill(mut self) -> Home {
        self.serving.child.kill().unwrap();
        self.serving.child.wait().unwrap();
        let Self { home, .. } = self;
        home
    }

    /// Asks the process to stop, as a service manager does, and gives its exit code.
    pub(crate) fn stop(mut self) -> (Option<i32>, Home) {
        let pid = self.serving.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let code = self.serving.child.wait().unwrap().code();
        let Self { home, .. } = self;
        (code, home)
    }

    /// A request as it is, with the key.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends a request and reads the answer, whatever it is.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, kind, body }
    }

    pub(crate) async fn try_put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn try_get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn try_delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        self.try_put(path, &body).await.fine()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        self.send(self.request(Method::PATCH, path).json(&body)).await.fine()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, &body).await.fine()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.try_get(path).await.fine()
    }

    /// Waits until everything that is due has been done.
    pub(crate) async fn settle(&self) {
        self.post("/_dev/settle", json!({ "timeout": 50 })).await;
    }

    /// Lets so much time pass, with all that falls due on the way.
    pub(crate) async fn advance(&self, by: &str) {
        self.post("/_dev/clock", json!({ "advance": by })).await;
    }

    /// Lets time pass until a moment.
    pub(crate) async fn to(&self, moment: &str) {
        self.post("/_dev/clock", json!({ "to": moment })).await;
    }

    /// Runs a command of `carepath` against this system.
    pub(crate) fn command(&self, args: &[&str]) -> super::home::Said {
        super::home::carepath(&[args, &["--to", &self.url, "--key", &self.key]].concat())
    }
}
