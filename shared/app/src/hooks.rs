//! Webhooks: the secret that calls are signed with, what is told, and what an answer means.
//!
//! Calls follow Standard Webhooks: `webhook-id` is the same at each attempt of a visit, `webhook-timestamp` is when the
//! attempt is made, and `webhook-signature` is over both and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carepath_engine::advance::Reply;
use carepath_engine::calendar;
use carepath_engine::ids::Secret;
use carepath_engine::render::{self, RenderScope};
use carepath_engine::run::Place;
use carepath_engine::version::{StepIndex, StepKind};
use carepath_engine::{Contact, Phi, Run, Version};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::App;
use crate::catalog::Account;
use crate::documents::{self, Stored, TRIES};
use crate::error::UseError;
use crate::ports::{DocumentKind, HookAnswer, HookCall, Ports, Store};
use crate::settings::random_bytes;

/// How long calls are signed with the secret before as well, once there is a new one.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// The most of one answer that a run keeps, in bytes.
pub const MOST_ANSWER: usize = 8 << 10;
/// The most that a call tells, in bytes.
const MOST_BODY: usize = 256 << 10;
const DOCUMENT: &str = "webhook-secret";
const PREFIX: &str = "whsec_";

/// The secrets that calls are signed with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Signing {
    current: [u8; 32],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
    /// An opaque name of the request that drew it, where that had a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Previous {
    secret: [u8; 32],
    until: Timestamp,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signing([redacted])")
    }
}

impl Signing {
    /// The secret as receivers take it.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.current))
    }

    /// Until when calls are signed with the secret before as well.
    pub fn overlap_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous.as_ref().map(|previous| previous.until).filter(|until| *until > now)
    }

    fn signatures(&self, id: &str, at: Timestamp, body: &str) -> String {
        let previous = self.previous.as_ref().filter(|previous| previous.until > at).map(|previous| &previous.secret);
        let signed = std::iter::once(&self.current).chain(previous).filter_map(|secret| sign(secret, id, at, body));
        signed.collect::<Vec<_>>().join(" ")
    }
}

fn sign(secret: &[u8], id: &str, at: Timestamp, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    for part in [id, ".", &at.as_second().to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The secret that calls are signed with, drawn by whoever comes first.
///
/// # Errors
/// Where the store fails.
pub async fn signing<P: Ports>(app: &App<P>) -> Result<Signing, UseError> {
    stored(app).await.map(|stored| stored.value)
}

async fn stored<P: Ports>(app: &App<P>) -> Result<Stored<Signing>, UseError> {
    for _ in 0..TRIES {
        if let Some(found) = read(app.store()).await? {
            return Ok(found);
        }
        let drawn = Signing { current: random_bytes(), previous: None, request: None };
        documents::write(app.store(), DocumentKind::Settings, DOCUMENT, &drawn, 0).await?;
    }
    Err(UseError::Busy)
}

async fn read<S: Store>(store: &S) -> Result<Option<Stored<Signing>>, UseError> {
    documents::read(store, DocumentKind::Settings, DOCUMENT, "webhook secret").await
}

/// Draws another secret. For a day calls are signed with both, so that receivers can change over. The same request under
/// the same name draws one.
///
/// # Errors
/// `Busy` when others do the same again and again, and what the store cannot do.
pub async fn rotate<P: Ports>(app: &App<P>, request: Option<&str>) -> Result<Signing, UseError> {
    let request = request.map(|request| app.secret.opaque("rotate", &[request]));
    for _ in 0..TRIES {
        let before = stored(app).await?;
        if request.is_some() && before.value.request == request {
            return Ok(before.value);
        }
        let until = app.now() + OVERLAP;
        let previous = Some(Previous { secret: before.value.current, until });
        let new = Signing { current: random_bytes(), previous, request: request.clone() };
        if documents::write(app.store(), DocumentKind::Settings, DOCUMENT, &new, before.revision).await? {
            return Ok(new);
        }
    }
    Err(UseError::Busy)
}

/// What a call is made of.
pub(crate) struct Making<'a> {
    pub(crate) secret: &'a Secret,
    pub(crate) signing: &'a Signing,
    pub(crate) run: &'a Run,
    pub(crate) version: &'a Version,
    pub(crate) contact: &'a Contact,
    pub(crate) account: &'a Account,
    pub(crate) step: StepIndex,
    pub(crate) now: Timestamp,
}

/// Makes the call of a webhook step, or says as a code why it cannot be made.
pub(crate) fn make(making: &Making<'_>) -> Result<HookCall, &'static str> {
    let Making { secret, signing, run, version, step, now, .. } = *making;
    let Some(StepKind::Webhook { url, body, .. }) = version.step(step).map(|step| &step.kind) else {
        return Err("no_webhook");
    };
    let told = match body {
        Some(body) => fill(making, body)?,
        None => about(run, version, step),
    };
    let body = told.to_string();
    if body.len() > MOST_BODY {
        return Err("body_too_large");
    }
    let id = format!("msg_{}", secret.opaque("webhook", &[run.id.as_str(), &run.entered_as(step).to_string()]));
    let headers = [
        ("webhook-signature", signing.signatures(&id, now, &body)),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-id", id),
    ];
    Ok(HookCall { url: url.clone(), headers, body, read: if keeps(version, step) { MOST_ANSWER } else { 0 } })
}

fn fill(making: &Making<'_>, body: &Value) -> Result<Value, &'static str> {
    let Making { run, version, contact, account, now, .. } = *making;
    let zone = calendar::zone_of(contact.zone.as_deref(), version.policy.zone.as_ref(), &account.zone);
    let scope = RenderScope {
        contact,
        entry: run.entry.payload.expose(),
        saved: run.saved.expose(),
        tz: &zone.tz,
        now,
        unsubscribe_url: None,
        links: &account.links,
    };
    render::fill(body, &scope).map_err(|error| {
        tracing::warn!(run = %run.id, workflow = %run.workflow, problem = %error, "template");
        "template"
    })
}

/// What is told where the author does not say: who calls, and nothing of the contact.
fn about(run: &Run, version: &Version, step: StepIndex) -> Value {
    let visit = run.visits.iter().rev().find(|visit| visit.place == Place::Step(step));
    json!({
        "type": "carepath.step",
        "timestamp": visit.map_or(run.entry.at, |visit| visit.at),
        "data": {
            "workflow": run.workflow,
            "version": run.version,
            "run": run.id,
            "step": version.step(step).map(|step| &step.id),
        },
    })
}

/// What an answer means for the run. `keeps`: the step keeps what was said.
pub(crate) fn reply(keeps: bool, answer: HookAnswer) -> Reply {
    match answer {
        HookAnswer::NotMade { until } => Reply::NotMade { until },
        HookAnswer::Silent(code) => Reply::Again { status: None, code: code.into(), after: None },
        HookAnswer::Forbidden(code) => Reply::Refused { status: None, code: code.into() },
        HookAnswer::Answered { status, retry_after, body, cut } => {
            let said = Some(status);
            match status {
                200..=299 if !keeps => Reply::Taken { status, answer: None },
                200..=299 if cut || body.expose().len() > MOST_ANSWER => {
                    Reply::Refused { status: said, code: "answer_too_large".into() }
                }
                200..=299 => match serde_json::from_slice(body.expose()) {
                    Ok(answer) => Reply::Taken { status, answer: Some(Phi(answer)) },
                    Err(_) => Reply::Refused { status: said, code: "answer_not_json".into() },
                },
                408 | 425 | 429 | 500..=599 => {
                    let after = retry_after.and_then(|after| SignedDuration::try_from(after).ok());
                    Reply::Again { status: said, code: "not_now".into(), after }
                }
                _ => Reply::Refused { status: said, code: "not_taken".into() },
            }
        }
    }
}

/// Whether a step keeps what its webhook answers.
pub(crate) fn keeps(version: &Version, step: StepIndex) -> bool {
    version.step(step).is_some_and(|step| matches!(step.kind, StepKind::Webhook { save_as: Some(_), .. }))
}

#[cfg(test)]
#[path = "hooks_tests.rs"]
mod tests;
