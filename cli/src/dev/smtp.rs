//! Mail by SMTP, without TLS: for a mail catcher on this machine or in its network.
//!
//! Commands are given one by one, because only then it is known whether the mail itself had been handed over when a
//! connection broke (S7, S10).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use carepath_app::ports::Outgoing;
use carepath_engine::advance::Answer;
use jiff::{SignedDuration, Timestamp};
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;

use super::mailbox::id_of;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a mail waits that the server did not take now.
const LATER: SignedDuration = SignedDuration::from_secs(30);
const POOL: usize = 8;

/// An SMTP server.
pub(crate) struct Smtp {
    host: String,
    port: u16,
    pool: Mutex<Vec<AsyncSmtpConnection>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Why the mail is not known to be taken.
enum Broken {
    /// The server said no, for good.
    Refused(u16),
    /// The server said no for now, or was gone before the mail was handed over.
    NotNow,
    /// The mail may be with the server.
    Unknown,
}

impl Smtp {
    /// The server at `smtp://host:port`.
    ///
    /// # Errors
    /// Says what is wrong with the address, and what would be right.
    pub(crate) fn at(url: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "the SMTP server must be given as smtp://host:port, without user or TLS";
        let rest = url.strip_prefix("smtp://").ok_or(WANTED)?.trim_end_matches('/');
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "25"));
        if host.is_empty() || host.contains(['@', '/', ' ']) {
            return Err(WANTED);
        }
        let port = port.parse().map_err(|_| WANTED)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port, pool: Mutex::default() })
    }

    /// Sends a mail once.
    pub(crate) async fn send(&self, mail: &Outgoing, now: Timestamp) -> Answer {
        let Some((envelope, text)) = message(mail) else { return Answer::Refused("bad_address".into()) };
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(error = %error, "no connection to the SMTP server");
                return answer(&Broken::NotNow, now);
            }
        };
        match hand_over(&mut connection, &envelope, &text).await {
            Ok(()) => {
                let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
                if pool.len() < POOL {
                    pool.push(connection);
                }
                Answer::Accepted { id: id_of(&mail.attempt), delivered: false }
            }
            Err(broken) => {
                connection.abort().await;
                answer(&broken, now)
            }
        }
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let pooled = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = pooled else { break };
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        let server = (self.host.as_str(), self.port);
        AsyncSmtpConnection::connect_tokio1(server, Some(TIMEOUT), &ClientId::default(), None, None).await
    }
}

async fn hand_over(connection: &mut AsyncSmtpConnection, envelope: &Envelope, text: &[u8]) -> Result<(), Broken> {
    let mut parameters = Vec::new();
    let features = connection.server_info();
    let addresses = envelope.to().iter().chain(envelope.from());
    let beyond_ascii = addresses.map(AsRef::<str>::as_ref).any(|address: &str| !address.is_ascii());
    if beyond_ascii && features.supports_feature(Extension::SmtpUtfEight) {
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if features.supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    said(connection.command(from), Broken::NotNow).await?;
    for to in envelope.to() {
        said(connection.command(Rcpt::new(to.clone(), Vec::new())), Broken::NotNow).await?;
    }
    said(connection.command(Data), Broken::NotNow).await?;
    said(connection.message(text), Broken::Unknown).await
}

/// What the server says; `silent` is what it means when it says nothing.
async fn said(speaking: impl Future<Output = Result<Response, Error>>, silent: Broken) -> Result<(), Broken> {
    match tokio::time::timeout(TIMEOUT, speaking).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(Broken::Refused(error.status().map_or(500, u16::from))),
        Ok(Err(error)) if error.is_transient() => Err(Broken::NotNow),
        Ok(Err(_)) | Err(_) => Err(silent),
    }
}

fn answer(broken: &Broken, now: Timestamp) -> Answer {
    match broken {
        Broken::Refused(code) => Answer::Refused(format!("smtp_{code}").into()),
        Broken::NotNow => Answer::Throttled { until: now.saturating_add(LATER).unwrap_or(now) },
        Broken::Unknown => Answer::Unknown,
    }
}

/// The mail as it goes over the wire; none where an address is not one.
fn message(mail: &Outgoing) -> Option<(Envelope, Vec<u8>)> {
    let from: Mailbox = mail.from.parse().ok()?;
    let to: Mailbox = mail.to.parse().ok()?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()]).ok()?;
    let attempt = &mail.attempt;
    // The header that SES itself reads its tags from.
    let tags = format!("run={}, step={}, attempt={}", attempt.run, attempt.step, attempt.attempt);
    let mut message = lettre::Message::builder()
        .message_id(Some(format!("<{}@carepath.invalid>", id_of(attempt))))
        .from(from)
        .to(to)
        .subject(&mail.subject)
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("X-SES-MESSAGE-TAGS"), tags));
    for (name, value) in &mail.headers {
        let name = HeaderName::new_from_ascii(name.clone()).ok()?;
        message = message.raw_header(HeaderValue::new(name, value.clone()));
    }
    let both = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    Some((envelope, message.multipart(both).ok()?.formatted()))
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
