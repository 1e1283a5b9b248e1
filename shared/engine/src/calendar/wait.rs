//! How long waits take.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::date::Written;
use super::{add, add_civil, resolve};
use crate::version::{Anchor, WaitUntil};

/// Moving on by days ends within a week; a day that a zone leaves out altogether costs another one.
const MAX_DAYS_ON: usize = 15;

/// The time that a wait is for (S12). `since` is when the step was entered, `anchor` the value that the wait is bound to
/// where that is not written in the document. `None` where that value is missing or is no date.
pub fn wait_time(until: &WaitUntil, since: Timestamp, anchor: Option<&Value>, tz: &TimeZone) -> Option<Timestamp> {
    let (from, offset, at, days) = match until {
        WaitUntil::For(span) => return Some(add(since, span, tz)),
        WaitUntil::Date { anchor: Anchor::At(text), offset, at, days } => (Written::parse(text)?, offset, at, days),
        WaitUntil::Date { anchor: Anchor::Attribute(_) | Anchor::Entry(_), offset, at, days } => {
            (Written::parse(anchor?.as_str()?)?, offset, at, days)
        }
    };
    let moved = match from {
        Written::Instant(instant) => add(instant, offset, tz),
        Written::Civil(civil) => add_civil(civil, offset, tz),
    };
    Some(on_days(at_time(moved, *at, tz), *at, days, tz))
}

/// Moves an instant to a time of its local day.
pub(super) fn at_time(instant: Timestamp, at: Option<Time>, tz: &TimeZone) -> Timestamp {
    match at {
        Some(time) => resolve(tz.to_datetime(instant).date().to_datetime(time), tz).unwrap_or(instant),
        None => instant,
    }
}

/// Moves an instant on, by whole days, to the first of `days`.
fn on_days(instant: Timestamp, at: Option<Time>, days: &[Weekday], tz: &TimeZone) -> Timestamp {
    let local = tz.to_datetime(instant);
    if days.is_empty() || days.contains(&local.date().weekday()) {
        return instant;
    }
    let time = at.unwrap_or(local.time());
    let mut date = local.date();
    for _ in 0..MAX_DAYS_ON {
        let Some(moved) = date.tomorrow().ok().and_then(|next| {
            date = next;
            resolve(next.to_datetime(time), tz)
        }) else {
            return Timestamp::MAX;
        };
        if days.contains(&tz.to_datetime(moved).date().weekday()) {
            return moved;
        }
    }
    Timestamp::MAX
}

/// How long after its deadline a timeout is decided, so that events that are still on their way can win (S16).
/// `timeout` is how long the wait was meant to take.
pub fn grace(timeout: SignedDuration) -> SignedDuration {
    if timeout < SignedDuration::from_mins(10) { SignedDuration::from_secs(2) } else { SignedDuration::from_secs(30) }
}
