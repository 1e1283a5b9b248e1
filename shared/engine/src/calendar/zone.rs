//! Zones: whose clock counts, and why.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The database that is compiled in: the same on every machine, whatever is installed there.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A zone and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The zone.
    pub tz: TimeZone,
    /// Who asked for it.
    pub source: ZoneSource,
}

/// Where a zone came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneSource {
    /// The contact has one.
    Contact,
    /// The contact has none, the workflow does.
    Workflow,
    /// Neither has one.
    Account,
}

impl ZoneSource {
    /// The source as explanations name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "zone of the contact",
            Self::Workflow => "zone of the workflow",
            Self::Account => "zone of the account",
        }
    }
}

/// Why a text is not a zone. It never repeats the text, which may belong to a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("zone must be a name of the IANA time zone database, such as `Europe/Berlin` or `UTC`; offsets are not zones")]
pub struct BadZone;

/// The zone with this IANA name.
///
/// # Errors
/// [`BadZone`] for anything else: offsets, POSIX rules, abbreviations that the database does not list.
pub fn parse_zone(name: &str) -> Result<TimeZone, BadZone> {
    ZONES.get(name).ok().filter(|tz| !tz.is_unknown()).ok_or(BadZone)
}

/// The zone that counts for a contact: its own, else the workflow's, else the account's. A zone of the contact that the
/// database no longer has is passed over.
pub fn zone_of(contact_zone: Option<&str>, workflow_zone: Option<&TimeZone>, account: &TimeZone) -> Zone {
    if let Some(tz) = contact_zone.and_then(|name| parse_zone(name).ok()) {
        return Zone { tz, source: ZoneSource::Contact };
    }
    match workflow_zone {
        Some(tz) => Zone { tz: tz.clone(), source: ZoneSource::Workflow },
        None => Zone { tz: account.clone(), source: ZoneSource::Account },
    }
}
