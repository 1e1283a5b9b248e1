//! Windows: when mails may go out.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::resolve;
use crate::version::SendPolicy;

/// Whether mails may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Now.
    Open,
    /// Not before this.
    ClosedUntil(Timestamp),
    /// Not before the end of time.
    Never,
}

/// How far before and after today a window that matters may begin. One that crosses midnight began yesterday; the rest
/// is room for days that a zone leaves out or repeats.
const DAYS_BACK: i32 = 2;
const DAYS_AHEAD: i32 = 21;

/// Whether mails of a policy may go out at `now` in a zone (S12).
///
/// A window opens and closes at the first instants at which a clock shows `from` and `to`. One that lies in a gap as a
/// whole does not open that day. A window that crosses midnight belongs to the day on which it opened.
pub fn opening(policy: &SendPolicy, now: Timestamp, tz: &TimeZone) -> Opening {
    if policy.window.is_none_or(|window| window.from == window.to) && policy.days.is_empty() {
        return Opening::Open;
    }
    let today = tz.to_datetime(now).date();
    let days = (-DAYS_BACK..=DAYS_AHEAD).filter_map(|day| today.checked_add(jiff::Span::new().days(day)).ok());
    for day in days.filter(|day| policy.days.is_empty() || policy.days.contains(&day.weekday())) {
        let Some((open, close)) = window_of(policy, day, tz) else { continue };
        if now < open && open < close {
            return Opening::ClosedUntil(open);
        }
        if open <= now && now < close {
            return Opening::Open;
        }
    }
    Opening::Never
}

/// The instants at which the window of a day opens and closes; `None` where it opens beyond the range of timestamps.
fn window_of(policy: &SendPolicy, day: Date, tz: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let (from, to) = match policy.window {
        Some(window) if window.from != window.to => (window.from, window.to),
        Some(_) | None => (Time::midnight(), Time::midnight()),
    };
    let open = resolve(day.to_datetime(from), tz)?;
    let last = if from < to { Ok(day) } else { day.tomorrow() };
    let close = last.ok().and_then(|last| resolve(last.to_datetime(to), tz)).unwrap_or(Timestamp::MAX);
    Some((open, close))
}
