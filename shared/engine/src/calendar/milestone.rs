//! Dates that come round.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::date::Written;
use super::wait::at_time;
use super::{add, add_civil};
use crate::version::{Every, Milestone};

/// How many years are looked at: the one of the day before, that of the day itself, and one for a date at a year's turn.
const YEARS: i16 = 4;

/// A time at which a date comes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// When a run starts: the date, moved by the offset and to the time of day.
    pub at: Timestamp,
    /// The date itself, in the year in which it comes round.
    pub date: Date,
    /// For the how many-th time, counted in years since the date: 0 in its own year.
    pub years: i16,
}

/// The first time after `after` at which the date of a contact comes round (S12). `None` where that value is no date, and
/// where it comes no more.
pub fn comes_round(milestone: &Milestone, value: &Value, after: Timestamp, tz: &TimeZone) -> Option<Round> {
    let written = Written::parse(value.as_str()?)?;
    let local = match written {
        Written::Instant(at) => tz.to_datetime(at),
        Written::Civil(civil) => civil,
    };
    match milestone.every {
        Every::Once => {
            let moved = match written {
                Written::Instant(at) => add(at, &milestone.offset, tz),
                Written::Civil(civil) => add_civil(civil, &milestone.offset, tz),
            };
            let round = Round { at: at_time(moved, milestone.at, tz), date: local.date(), years: 0 };
            (round.at > after).then_some(round)
        }
        Every::Year => {
            let about = tz.to_datetime(add(after, &milestone.offset.negate(), tz)).year();
            let first = local.year().max(about.saturating_sub(1));
            (first..first.saturating_add(YEARS)).find_map(|year| {
                let civil = in_year(local, year)?;
                let at = at_time(add_civil(civil, &milestone.offset, tz), milestone.at, tz);
                (at > after).then(|| Round { at, date: civil.date(), years: year - local.year() })
            })
        }
    }
}

/// The same day and time in another year; February 29 is the 28th where there is none.
fn in_year(date: DateTime, year: i16) -> Option<DateTime> {
    let day = Date::new(year, date.month(), date.day()).or_else(|_| Date::new(year, date.month(), date.day() - 1));
    Some(day.ok()?.to_datetime(date.time()))
}

#[cfg(test)]
mod tests {
    use jiff::Span;
    use jiff::civil::time;
    use serde_json::json;

    use super::*;

    fn round(value: &str, every: Every, offset: Span, after: &str, zone: &str) -> Option<(String, i16)> {
        let at = Some(time(9, 0, 0, 0));
        let milestone = Milestone { attribute: "date".into(), every, offset, at };
        let tz = crate::calendar::parse_zone(zone).unwrap();
        let round = comes_round(&milestone, &json!(value), after.parse().unwrap(), &tz)?;
        Some((round.at.to_string(), round.years))
    }

    #[test]
    fn a_birthday_comes_round_each_year() {
        let birthday = |after| round("1976-03-05", Every::Year, Span::new(), after, "America/Chicago");
        assert_eq!(birthday("2027-03-05T14:59:59Z"), Some(("2027-03-05T15:00:00Z".into(), 51)));
        assert_eq!(birthday("2027-03-05T15:00:00Z"), Some(("2028-03-05T15:00:00Z".into(), 52)));
        assert_eq!(round("no date", Every::Year, Span::new(), "2027-03-05T15:00:00Z", "UTC"), None);
    }

    /// S12: February 29 is kept on February 28 in other years.
    #[test]
    fn the_29th_of_february() {
        let after = |after| round("1900-03-01", Every::Year, Span::new().days(-1), after, "UTC");
        assert_eq!(after("2027-01-01T00:00:00Z"), Some(("2027-02-28T09:00:00Z".into(), 127)));
        assert_eq!(after("2028-01-01T00:00:00Z"), Some(("2028-02-29T09:00:00Z".into(), 128)));
        let leap = |after| round("2000-02-29", Every::Year, Span::new(), after, "UTC");
        assert_eq!(leap("2027-01-01T00:00:00Z"), Some(("2027-02-28T09:00:00Z".into(), 27)));
        assert_eq!(leap("2028-01-01T00:00:00Z"), Some(("2028-02-29T09:00:00Z".into(), 28)));
        // There was no such day in 1900.
        assert_eq!(round("1900-02-29", Every::Year, Span::new(), "2027-01-01T00:00:00Z", "UTC"), None);
    }

    #[test]
    fn offsets_reach_over_the_turn_of_the_year() {
        let before = |after| round("2000-01-03", Every::Year, Span::new().days(-7), after, "UTC");
        assert_eq!(before("2026-12-27T08:59:00Z"), Some(("2026-12-27T09:00:00Z".into(), 27)));
        assert_eq!(before("2026-12-27T09:00:00Z"), Some(("2027-12-27T09:00:00Z".into(), 28)));
        let long_after = |after| round("2000-12-30", Every::Year, Span::new().years(3).days(5), after, "UTC");
        assert_eq!(long_after("2027-01-01T00:00:00Z"), Some(("2027-01-04T09:00:00Z".into(), 23)));
    }

    #[test]
    fn once_is_once() {
        let visit = |after| round("2026-11-02T15:30:00Z", Every::Once, Span::new().days(30), after, "Europe/Berlin");
        assert_eq!(visit("2026-11-24T00:00:00Z"), Some(("2026-12-02T08:00:00Z".into(), 0)));
        assert_eq!(visit("2026-12-02T08:00:00Z"), None);
    }
}
