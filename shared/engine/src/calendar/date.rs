//! Dates as contacts and documents write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::resolve;

/// A date as written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// With an offset: an instant, whatever the zone.
    Instant(Timestamp),
    /// Without one: what a clock on the wall shows. A date alone is the start of its day.
    Civil(DateTime),
}

impl Written {
    /// Reads RFC 3339, `2026-03-01T10:00`, or `2026-03-01`. `None` for everything else and beyond the range of years.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let pieces = pieces(text)?;
        let time = pieces.time();
        let civil = pieces.date().to_datetime(time.unwrap_or(Time::midnight()));
        match pieces.offset() {
            None => Some(Self::Civil(civil)),
            Some(_) if time.is_none() => None,
            Some(PiecesOffset::Zulu) => TimeZone::UTC.to_timestamp(civil).ok().map(Self::Instant),
            Some(PiecesOffset::Numeric(numeric)) => numeric.offset().to_timestamp(civil).ok().map(Self::Instant),
            // Other kinds of offset may come with a later jiff; none is part of RFC 3339.
            Some(_) => None,
        }
    }

    pub(super) fn instant(self, tz: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Civil(at) => resolve(at, tz),
        }
    }
}

/// The parts of a text that is written with dashes: without them, a record number of eight digits would be a date.
fn pieces(text: &str) -> Option<Pieces<'_>> {
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    Pieces::parse(text).ok().filter(|pieces| pieces.time_zone_annotation().is_none())
}

/// The instant that a value names: a text in RFC 3339, a date-time without offset, or a date, the latter two read in the
/// zone. `None` where the value is no date, or one beyond the range of timestamps.
pub fn parse_date(value: &Value, tz: &TimeZone) -> Option<Timestamp> {
    parse_text(value.as_str()?, tz)
}

/// [`parse_date`] of a text.
pub(crate) fn parse_text(text: &str, tz: &TimeZone) -> Option<Timestamp> {
    Written::parse(text)?.instant(tz)
}

/// The day that a value names, as it is written there. `None` where the value is no date.
pub fn parse_civil_date(value: &Value) -> Option<Date> {
    pieces(value.as_str()?).map(|pieces| pieces.date())
}
