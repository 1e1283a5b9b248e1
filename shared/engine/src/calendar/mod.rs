//! The calendar: zones, windows, waits and ages (S12, S13, S14).
//!
//! Wherever a wall-clock time has to become an instant, one rule holds: it is the first instant at which a clock in the
//! zone shows that time or a later one. So a time that a change to summer time leaves out is the first one after the
//! gap, and a time that occurs twice is its first occurrence.

mod age;
mod cron;
mod date;
mod milestone;
mod wait;
mod window;
mod zone;

pub use age::age;
pub use cron::{BadCron, Cron};
pub(crate) use date::parse_text;
pub use date::{parse_civil_date, parse_date};
pub use milestone::{Round, comes_round};
pub use wait::{grace, wait_time};
pub use window::{Opening, opening};
pub use zone::{BadZone, Zone, ZoneSource, parse_zone, zone_of};

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// `at` and `span` later, or earlier where the span is negative: years to days are counted on the calendar of the zone,
/// hours and less in elapsed time. What lies beyond the range of timestamps is its end.
pub fn add(at: Timestamp, span: &Span, tz: &TimeZone) -> Timestamp {
    let days = calendar_part(span);
    if days.is_zero() { add_elapsed(at, span) } else { add_civil(tz.to_datetime(at), span, tz) }
}

/// `at` and `span` earlier.
pub fn sub(at: Timestamp, span: &Span, tz: &TimeZone) -> Timestamp {
    add(at, &span.negate(), tz)
}

/// The days from the day that is a span after `now` to the day of `at`: negative once that day is over. Hours of the
/// span move `now`; its days and months are taken from the day of `at`, so that each day is reached once.
pub fn days_until(now: Timestamp, at: Timestamp, span: &Span, tz: &TimeZone) -> i32 {
    let day = tz.to_datetime(at).date().saturating_sub(calendar_part(span));
    let today = tz.to_datetime(add_elapsed(now, span)).date();
    today.until(day).map_or(i32::MAX, |days| days.get_days())
}

/// [`add`] for a start that is a wall-clock time: it becomes an instant only after the days are added, so a start in a
/// gap does not drag its correction along.
fn add_civil(from: DateTime, span: &Span, tz: &TimeZone) -> Timestamp {
    match from.checked_add(calendar_part(span)).ok().and_then(|to| resolve(to, tz)) {
        Some(at) => add_elapsed(at, span),
        None => end_of_time(span),
    }
}

fn add_elapsed(at: Timestamp, span: &Span) -> Timestamp {
    at.checked_add(elapsed_part(span)).unwrap_or_else(|_| end_of_time(span))
}

fn end_of_time(span: &Span) -> Timestamp {
    if span.is_negative() { Timestamp::MIN } else { Timestamp::MAX }
}

fn calendar_part(span: &Span) -> Span {
    Span::new().years(span.get_years()).months(span.get_months()).weeks(span.get_weeks()).days(span.get_days())
}

fn elapsed_part(span: &Span) -> Span {
    Span::new()
        .hours(span.get_hours())
        .minutes(span.get_minutes())
        .seconds(span.get_seconds())
        .milliseconds(span.get_milliseconds())
        .microseconds(span.get_microseconds())
        .nanoseconds(span.get_nanoseconds())
}

/// The first instant at which a clock in the zone shows `at` or later. `None` beyond the range of timestamps.
fn resolve(at: DateTime, tz: &TimeZone) -> Option<Timestamp> {
    let ambiguous = tz.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, the missing time lies shortly before the change that skips it.
            let before = ambiguous.earlier().ok()?;
            tz.following(before).find(|change| change.offset() == after).map(|change| change.timestamp())
        }
    }
}
