//! The account: its secret, its settings, and what it declares about attributes.

use std::collections::BTreeMap;

use carepath_engine::calendar::parse_zone;
use carepath_engine::compile::AttributeFacts;
use carepath_engine::ids::{Name, Secret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::App;
use crate::documents::{self, Expect, Stored, TRIES};
use crate::error::UseError;
use crate::ports::{DocumentKind, Ports, Store};
use crate::uses;

const SECRET: &str = "secret";
const ACCOUNT: &str = "account";
const SCHEMA: &str = "schema";

/// The declared attributes.
pub type Schema = BTreeMap<Name, AttributeFacts>;

/// What holds for the whole account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The IANA zone where neither contact nor workflow has one.
    pub zone: String,
    /// The sender of all mails, as a header has it.
    pub sender: String,
    /// Addresses by name, which templates show as `links.NAME`; the one named `unsubscribe` is `unsubscribe_url` too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// Where the public finds this installation, without `/` at the end: links for unsubscribing lead there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Whether mails carry a link that people do not see, by which programs that follow every link give themselves away (S20).
    #[serde(default = "yes")]
    pub hidden_link: bool,
}

const fn yes() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: "UTC".to_owned(),
            sender: "Carepath <carepath@localhost>".to_owned(),
            links: BTreeMap::new(),
            base_url: None,
            hidden_link: true,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SecretDocument {
    bytes: [u8; 32],
}

/// The account's secret, drawn by whoever comes first.
pub(crate) async fn secret<S: Store>(store: &S) -> Result<Secret, UseError> {
    for _ in 0..TRIES {
        let found = documents::read::<SecretDocument, S>(store, DocumentKind::Settings, SECRET, "secret").await?;
        if let Some(found) = found {
            return Ok(Secret::new(found.value.bytes));
        }
        // Two processes may draw one at the same time: the store keeps the first, and both read that.
        let drawn = SecretDocument { bytes: random_bytes() };
        documents::write(store, DocumentKind::Settings, SECRET, &drawn, 0).await?;
    }
    Err(UseError::Busy)
}

/// 32 random bytes of the operating system.
pub(crate) fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Bytes 6 and 8 of a random UUID hold its version; the 14 others are random throughout.
    let random = std::iter::repeat_with(|| {
        let drawn = Uuid::new_v4().into_bytes();
        drawn.into_iter().enumerate().filter(|(place, _)| *place != 6 && *place != 8).map(|(_, byte)| byte)
    });
    for (place, byte) in bytes.iter_mut().zip(random.flatten()) {
        *place = byte;
    }
    bytes
}

/// The settings; those of a new account where nobody has set any (then in revision 0).
///
/// # Errors
/// Where the store fails.
pub async fn get<S: Store>(store: &S) -> Result<Stored<Settings>, UseError> {
    let found = documents::read(store, DocumentKind::Settings, ACCOUNT, "settings").await?;
    Ok(found.unwrap_or_else(|| Stored { value: Settings::default(), revision: 0 }))
}

/// Replaces the settings.
///
/// # Errors
/// `Invalid` for a zone that is none, a sender that no header takes or a base URL that nobody could follow, `Stale` where
/// `expect` does not hold.
pub async fn put<P: Ports>(app: &App<P>, mut settings: Settings, expect: Expect) -> Result<Stored<Settings>, UseError> {
    let mut faults = Vec::new();
    if let Err(error) = parse_zone(&settings.zone) {
        faults.push(crate::FieldError::new("/zone", "zone", error.to_string()));
    }
    if settings.sender.len() > 320 || settings.sender.chars().any(char::is_control) || !settings.sender.contains('@') {
        let mend = "must be an address, with or without a name: `Clinic <mail@clinic.example>`";
        faults.push(crate::FieldError::new("/sender", "sender", mend));
    }
    if let Some(url) = &mut settings.base_url {
        url.truncate(url.trim_end_matches('/').len());
        if !is_base_url(url) {
            let mend =
                "must be an address that the public can reach: `https://mail.clinic.example` (http only for localhost)";
            faults.push(crate::FieldError::new("/base_url", "url", mend));
        }
    }
    if !faults.is_empty() {
        return Err(UseError::Invalid(faults));
    }
    let now = get(app.store()).await?.revision;
    put_document(app, ACCOUNT, settings, now, expect).await
}

/// Whether links can begin with this: a scheme, a host, perhaps a port and a path, and nothing that would end a header or
/// begin a query.
fn is_base_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let plain = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    (scheme == "https" || (scheme == "http" && local))
        && (local || (!host.is_empty() && plain(host, "-.")))
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && plain(path, "-._~/$")
        && url.len() <= 256
}

/// The declared attributes.
///
/// # Errors
/// Where the store fails.
pub async fn schema<S: Store>(store: &S) -> Result<Stored<Schema>, UseError> {
    let found = documents::read(store, DocumentKind::Settings, SCHEMA, "schema").await?;
    Ok(found.unwrap_or_else(|| Stored { value: Schema::new(), revision: 0 }))
}

/// Replaces the declarations of attributes. One that is taken out is of no type from then on, whoever uses it.
///
/// # Errors
/// `Stale` where `expect` does not hold, and `Conflict` where an attribute would get another type that something
/// published uses.
pub async fn put_schema<P: Ports>(app: &App<P>, schema: Schema, expect: Expect) -> Result<Stored<Schema>, UseError> {
    let now = self::schema(app.store()).await?;
    hold(expect, now.revision)?;
    uses::hold_types(app, &now.value, &schema).await?;
    put_document(app, SCHEMA, schema, now.revision, expect).await
}

/// Whether a document that reads as this revision is as a caller expects it.
fn hold(expect: Expect, revision: u64) -> Result<(), UseError> {
    // What nobody has set yet reads as revision 0, so a caller may name that as well.
    match expect {
        Expect::OneOf(_) => expect.check(Some(revision)),
        Expect::Any | Expect::Present | Expect::Absent => expect.check((revision > 0).then_some(revision)),
    }
}

async fn put_document<P: Ports, T: Serialize + Sync>(
    app: &App<P>,
    id: &str,
    value: T,
    revision: u64,
    expect: Expect,
) -> Result<Stored<T>, UseError> {
    hold(expect, revision)?;
    if !documents::write(app.store(), DocumentKind::Settings, id, &value, revision).await? {
        return Err(UseError::Stale);
    }
    app.catalog.invalidate();
    Ok(Stored { value, revision: revision + 1 })
}

#[cfg(test)]
mod tests {
    #[test]
    fn links_begin_with_an_address_that_the_public_can_follow() {
        let good =
            ["https://mail.clinic.example", "https://a.example:8443/mail/$x", "http://localhost:1", "http://[::1]"];
        for url in good {
            assert!(super::is_base_url(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "clinic.example",
            "http://clinic.example",
            "http://localhost.evil.example",
            "ftp://clinic.example",
            "https://user:pass@clinic.example",
            "https://clinic.example:99999",
            "https://clinic.example?x=1",
            "https://clinic.example/#x",
            "https://clinic.example>, <mailto:x",
            "https://clinic.example/\r\nX: y",
            "https://klinik.exämple",
        ] {
            assert!(!super::is_base_url(url), "{url}");
        }
    }

    #[test]
    fn two_secrets_differ_in_every_part() {
        let (one, other) = (super::random_bytes(), super::random_bytes());
        assert_ne!(one[..16], other[..16]);
        assert_ne!(one[16..], other[16..]);
    }
}
