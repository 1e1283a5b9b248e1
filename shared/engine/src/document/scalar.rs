//! Durations, times, zones, ids and paths.

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::Value;

use super::cursor::At;
use super::distance::closest;
use super::faults::{Faults, quote};
use crate::ids::BadId;
use crate::version::Window;

/// Ten years, leap days included: nothing that a workflow waits for is further away.
const MAX_SECONDS: i64 = 10 * 366 * 86_400;
const DURATION: &str = "a duration such as `3d`, `4h 30m` or `P3D`";

/// How long a span is, counted from a fixed date: good enough to compare, not to schedule by.
pub(crate) fn approximate_seconds(span: &Span) -> Option<i64> {
    let from = DateTime::constant(2001, 1, 1, 0, 0, 0, 0);
    let until = from.checked_add(*span).ok()?;
    let seconds = until.duration_since(from);
    // Less than a second is still longer than nothing.
    let part = i64::from(seconds.subsec_nanos().signum());
    Some(if seconds.as_secs() == 0 { part } else { seconds.as_secs() })
}

/// What a duration may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Longer than nothing.
    Positive,
    /// Nothing, or longer.
    NotNegative,
    /// Anything: it moves a date either way.
    Any,
}

impl At<'_> {
    /// A duration of at most ten years.
    pub(crate) fn span(&self, faults: &mut Faults, sign: Sign) -> Option<Span> {
        let text = self.text(faults, DURATION)?;
        let Some((span, seconds)) = read_span(text) else {
            self.bad(faults, format!("{} is not {DURATION} of at most 10 years.", quote(text)));
            return None;
        };
        match sign {
            Sign::Positive if seconds <= 0 => {
                self.bad(faults, format!("{} has to be longer than nothing.", quote(text)));
                None
            }
            Sign::NotNegative if seconds < 0 => {
                self.bad(faults, format!("{} goes back in time; write it without the minus.", quote(text)));
                None
            }
            Sign::Positive | Sign::NotNegative | Sign::Any => Some(span),
        }
    }

    /// A time of day, `09:00`.
    pub(crate) fn time(&self, faults: &mut Faults) -> Option<Time> {
        let text = self.text(faults, "a time of day such as \"09:00\"")?;
        let time = read_time(text);
        if time.is_none() {
            self.bad(faults, format!("{} is not a time of day; write it like \"09:00\".", quote(text)));
        }
        time
    }

    /// A window, `08:00-20:00`.
    pub(crate) fn window(&self, faults: &mut Faults) -> Option<Window> {
        let text = self.text(faults, "a window such as \"08:00-20:00\"")?;
        let window = text.split_once('-').and_then(|(from, to)| {
            let (from, to) = (from.trim(), to.trim());
            // The end of a day is midnight, however it is written.
            let to = if to == "24:00" { Time::midnight() } else { read_time(to)? };
            Some(Window { from: read_time(from)?, to })
        });
        if window.is_none() {
            self.bad(faults, format!("{} is not a window; write it like \"08:00-20:00\".", quote(text)));
        }
        window
    }

    /// Days of the week, each once.
    pub(crate) fn days(&self, faults: &mut Faults) -> Option<Vec<Weekday>> {
        const DAYS: [(&str, Weekday); 7] = [
            ("mon", Weekday::Monday),
            ("tue", Weekday::Tuesday),
            ("wed", Weekday::Wednesday),
            ("thu", Weekday::Thursday),
            ("fri", Weekday::Friday),
            ("sat", Weekday::Saturday),
            ("sun", Weekday::Sunday),
        ];
        let mut days = Vec::new();
        for item in self.items(faults, "a list of days, such as [mon, tue]")? {
            let Some(day) = item.choice(faults, &DAYS) else { continue };
            if days.contains(&day) {
                item.bad(faults, "This day is in the list already; name each day once.");
            } else {
                days.push(day);
            }
        }
        (!days.is_empty()).then_some(days)
    }

    /// An IANA zone: names with rules of their own, not offsets, which know no summer time.
    pub(crate) fn zone(&self, faults: &mut Faults) -> Option<TimeZone> {
        let text = self.text(faults, "the name of a time zone, such as `America/Chicago`")?;
        let named = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let zone = TimeZone::get(text).ok().filter(|zone| named && !zone.is_unknown() && zone.iana_name().is_some());
        if zone.is_none() {
            self.bad(
                faults,
                format!("{} is not an IANA time zone; use a name such as `America/Chicago` or `UTC`.", quote(text)),
            );
        }
        zone
    }

    /// A date as written: RFC 3339, or civil and then read in the run's zone.
    pub(crate) fn moment(&self, faults: &mut Faults) -> Option<String> {
        const WANTED: &str = "a date such as `2027-03-01T09:00:00Z`, `2027-03-01T09:00` or `2027-03-01`";
        let text = self.text(faults, WANTED)?;
        if !is_moment(text) {
            self.bad(faults, format!("{} is not {WANTED}.", quote(text)));
            return None;
        }
        Some(text.to_owned())
    }

    /// An id.
    pub(crate) fn id<T: FromStr<Err = BadId>>(&self, faults: &mut Faults, what: &str) -> Option<T> {
        let text = self.text(faults, what)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(problem) => {
                self.bad(faults, format!("{} is not {what}: a {problem}.", quote(text)));
                None
            }
        }
    }

    /// A dotted path of names.
    pub(crate) fn path(&self, faults: &mut Faults, what: &str) -> Option<String> {
        let text = self.text(faults, what)?;
        if !is_path(text) {
            self.bad(faults, format!("{} is not {what}: write names with dots between them.", quote(text)));
            return None;
        }
        Some(text.to_owned())
    }
}

/// Whether a text is names with dots between them.
pub(crate) fn is_path(text: &str) -> bool {
    text.len() <= 256
        && text.split('.').all(|name| !name.is_empty() && name.trim() == name && !name.chars().any(char::is_control))
}

/// Whether a text is a date as documents write it.
pub(crate) fn is_moment(text: &str) -> bool {
    text.len() <= 64
        && (text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok() || text.parse::<Date>().is_ok())
}

/// A duration within bounds, and about how many seconds it has.
pub(crate) fn read_span(text: &str) -> Option<(Span, i64)> {
    if text.len() > 64 {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let seconds = approximate_seconds(&span)?;
    (seconds.abs() <= MAX_SECONDS).then_some((span, seconds))
}

fn read_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if two { text.parse::<i8>().ok() } else { None }
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// A hint at the name that was probably meant.
pub(crate) fn did_you_mean<'c>(word: &str, names: impl IntoIterator<Item = &'c str>) -> String {
    closest(word, names).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default()
}

/// Whether a value is nested no deeper than `most`. Does not itself go deeper than that.
pub(crate) fn is_shallow(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(list) => most > 0 && list.iter().all(|item| is_shallow(item, most - 1)),
        Value::Object(map) => most > 0 && map.values().all(|item| is_shallow(item, most - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
