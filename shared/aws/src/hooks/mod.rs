//! Webhooks over HTTP: one signed `POST`, to public addresses only.
//!
//! What an author writes into a document decides where a machine inside of somebody's network calls. So the name is looked
//! up here, what it stands for is checked, and the connection goes to the very addresses that were checked: a second
//! look-up could be told something else. No redirect is followed, since it would lead to where nobody has checked.

mod address;

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use carepath_app::ports::{HookAnswer, HookCall, Hooks};
use carepath_engine::Phi;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url, retry};

pub use address::Reach;

/// How long one call may take in all: the look-up, the connection, and what is read of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What the other end is told about who calls.
const AGENT: &str = "Carepath";

/// The way out for webhooks.
#[derive(Debug, Clone)]
pub struct HttpHooks {
    client: Client,
    reach: Reach,
    timeout: Duration,
}

/// The client could not be made: the machine has no certificates that it trusts.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be called from here: no HTTP client could be made")]
pub struct NoClient(#[source] reqwest::Error);

impl HttpHooks {
    /// A way out that reaches so far.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(reach: Reach) -> Result<Self, NoClient> {
        let client = Client::builder()
            .dns_resolver(Checked(reach))
            .redirect(Policy::none())
            .retry(retry::never())
            // A proxy would look the name up by itself.
            .no_proxy()
            // Each call looks the name up anew, and none meets a connection that died while this process stood still.
            .pool_max_idle_per_host(0)
            .referer(false)
            .user_agent(AGENT)
            .build()
            .map_err(NoClient)?;
        Ok(Self { client, reach, timeout: TIMEOUT })
    }

    /// The same, with less patience.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn post(&self, url: Url, call: &HookCall) -> Result<HookAnswer, reqwest::Error> {
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json").timeout(self.timeout);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(call.body.clone()).send().await?;
        let (status, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
        let (body, cut) =
            if answer.status().is_success() { read(answer, call.read).await? } else { (Vec::new(), false) };
        Ok(HookAnswer::Answered { status, retry_after, body: Phi(body), cut })
    }
}

impl Hooks for HttpHooks {
    async fn call(&self, call: &HookCall) -> HookAnswer {
        let url = match self.reach.allows(&call.url) {
            Ok(url) => url,
            Err(code) => return HookAnswer::Forbidden(code),
        };
        match self.post(url, call).await {
            Ok(answer) => answer,
            Err(error) => failed(&error),
        }
    }
}

/// What is known of a call that failed. Nothing of the error is kept: it has the address in it.
fn failed(error: &reqwest::Error) -> HookAnswer {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<NotPublic>().is_some() {
            return HookAnswer::Forbidden("address_not_public");
        }
        cause = error.source();
    }
    HookAnswer::Silent(if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "no_connection"
    } else {
        "no_answer"
    })
}

/// Reads an answer up to `most` bytes, and says whether there was more.
async fn read(mut answer: Response, most: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    if most == 0 {
        return Ok((body, false));
    }
    while let Some(more) = answer.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(&more[..more.len().min(room)]);
        if more.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    Duration::try_from(at.duration_since(Timestamp::now())).ok()
}

/// Looks names up, and gives out only what may be connected to.
struct Checked(Reach);

/// A name stands for no address that may be connected to.
#[derive(Debug)]
struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name stands for no public address")
    }
}

impl Error for NotPublic {}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<IpAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.map(|at| at.ip()).collect();
            let known = !found.is_empty();
            let checked: Vec<_> =
                found.into_iter().filter(|ip| reach.includes(*ip)).map(|ip| SocketAddr::new(ip, 0)).collect();
            if known && checked.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}
