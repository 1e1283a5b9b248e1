//! The port of webhooks.

use std::future::Future;
use std::time::Duration;

use carepath_engine::Phi;
use jiff::Timestamp;

/// A call on its way out: a signed `POST` of JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct HookCall {
    /// Where.
    pub url: String,
    /// The headers of Standard Webhooks, by name.
    pub headers: [(&'static str, String); 3],
    /// The JSON that is told.
    pub body: String,
    /// How much of the answer is of use, in bytes; no more is read.
    pub read: usize,
}

impl std::fmt::Debug for HookCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither what is told nor the signature; and an address may be a secret by itself.
        f.debug_struct("HookCall").field("read", &self.read).finish_non_exhaustive()
    }
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAnswer {
    /// The other end answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        /// What it said, up to what was asked to be read.
        body: Phi<Vec<u8>>,
        /// Whether it said more than that.
        cut: bool,
    },
    /// There was no answer, and nobody can say whether the call came through; a code says what is known.
    Silent(&'static str),
    /// It may not be called there; a code says why.
    Forbidden(&'static str),
    /// Nothing was begun: whoever claims it from then on may call.
    NotMade {
        /// From when on.
        until: Timestamp,
    },
}

/// The way out for webhooks.
pub trait Hooks: Send + Sync + 'static {
    /// Calls once, without trying again, following no redirect, and for ten seconds at most. It is never called at an
    /// address that is not a public one, unless whoever runs it has allowed that.
    fn call(&self, call: &HookCall) -> impl Future<Output = HookAnswer> + Send;
}
