//! Cron expressions: five fields, read on the clock of a zone. The crates that read them bring a calendar of their own,
//! which would not agree with ours on gaps and folds (S12).

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::resolve;

/// How far ahead the next time is looked for: February 29 is eight years away at most.
const MAX_DAYS: usize = 8 * 366 + 1;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron expression: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of the month and that of the week are both said: then one of them is enough, as cron has it.
    either: bool,
}

/// What is wrong with an expression, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// It has not five fields.
    #[error("a cron expression has five fields: minute, hour, day of the month, month, day of the week")]
    Fields,
    /// A field is no list of numbers, ranges and steps.
    #[error("the field for the {0} is not one; write numbers, `*`, ranges `1-5`, lists `1,15` or steps `*/15`")]
    Field(&'static str),
    /// No day ever fits.
    #[error("there is no such day in any year, so it would never come round")]
    Never,
}

impl Cron {
    /// Reads an expression such as `0 9 * * mon-fri`.
    ///
    /// # Errors
    /// [`BadCron`], for one that never comes round too.
    pub fn parse(text: &str) -> Result<Self, BadCron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else { return Err(BadCron::Fields) };
        let read = |text, least, most, names, what| field(text, least, most, names).ok_or(BadCron::Field(what));
        let mut weekdays = read(weekday, 0, 7, &WEEKDAYS, "day of the week")?;
        // Sunday is both 0 and 7.
        weekdays |= weekdays >> 7 & 1;
        let cron = Self {
            minutes: read(minute, 0, 59, &[], "minute")?,
            hours: read(hour, 0, 23, &[], "hour")?,
            days: read(day, 1, 31, &[], "day of the month")?,
            months: read(month, 1, 12, &MONTHS, "month")?,
            weekdays,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        // A leap year shows every day that there is.
        let year = (1..=12).flat_map(|month| (1..=31).filter_map(move |day| Date::new(2028, month, day).ok()));
        if year.into_iter().any(|date| cron.is_on(date)) { Ok(cron) } else { Err(BadCron::Never) }
    }

    /// The first time after `after` on the clock of a zone. A time that the zone leaves out comes at the end of the gap.
    pub fn next(&self, after: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
        let mut date = tz.to_datetime(after).date();
        for _ in 0..MAX_DAYS {
            if self.is_on(date) {
                let times = (0..24).filter(|hour| has(self.hours, *hour)).flat_map(|hour| {
                    (0..60).filter(|minute| has(self.minutes, *minute)).map(move |minute| (hour, minute))
                });
                let found = times
                    .filter_map(|(hour, minute)| resolve(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?), tz))
                    .find(|at| *at > after);
                if found.is_some() {
                    return found;
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().since(Weekday::Sunday));
        has(self.months, date.month()) && if self.either { day || weekday } else { day && weekday }
    }
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set >> number & 1 == 1)
}

/// A field as a set of bits. Names stand for numbers from `least` on.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(place) => least + u32::try_from(place).ok()?,
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            // With a step, a number is where a range begins that has no end of its own.
            (one, None) => (number(one)?, if step.is_some() { most } else { number(one)? }),
        };
        if from > to {
            return None;
        }
        for number in (from..=to).step_by(step.unwrap_or(1)) {
            set |= 1_u64 << number;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str, zone: &str) -> String {
        let tz = crate::calendar::parse_zone(zone).unwrap();
        Cron::parse(cron).unwrap().next(after.parse().unwrap(), &tz).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_on_the_clock_of_the_zone() {
        assert_eq!(next("0 9 * * *", "2026-11-24T08:00:00Z", "UTC"), "2026-11-24T09:00:00Z");
        assert_eq!(next("0 9 * * *", "2026-11-24T09:00:00Z", "UTC"), "2026-11-25T09:00:00Z");
        assert_eq!(next("0 9 * * *", "2026-07-01T12:00:00Z", "America/New_York"), "2026-07-01T13:00:00Z");
        assert_eq!(next("*/15 8-9 * * mon-fri", "2026-11-27T09:45:00Z", "UTC"), "2026-11-30T08:00:00Z");
        assert_eq!(next("0 0 1 jan *", "2026-11-24T00:00:00Z", "UTC"), "2027-01-01T00:00:00Z");
        assert_eq!(next("0 0 29 2 *", "2096-03-01T00:00:00Z", "UTC"), "2104-02-29T00:00:00Z");
        assert_eq!(next("30 6 * * 7", "2026-11-24T00:00:00Z", "UTC"), "2026-11-29T06:30:00Z");
        // Both days said: either will do. November 24 2026 is a Tuesday.
        assert_eq!(next("0 0 13 * fri", "2026-11-24T00:00:00Z", "UTC"), "2026-11-27T00:00:00Z");
    }

    /// S12: in a gap the first valid minute after it, in a fold the first occurrence, once.
    #[test]
    fn gaps_and_folds() {
        assert_eq!(next("30 2 * * *", "2026-03-29T00:00:00Z", "Europe/Berlin"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", "2026-10-24T22:00:00Z", "Europe/Berlin"), "2026-10-25T00:30:00Z");
        assert_eq!(next("30 2 * * *", "2026-10-25T00:30:00Z", "Europe/Berlin"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_is_no_expression_is_refused_with_what_would_be() {
        assert_eq!(Cron::parse("0 9 * *"), Err(BadCron::Fields));
        for (bad, what) in [
            ("60 9 * * *", "minute"),
            ("0 24 * * *", "hour"),
            ("0 9 0 * *", "day of the month"),
            ("0 9 * 13 *", "month"),
            ("0 9 * * funday", "day of the week"),
            ("*/0 9 * * *", "minute"),
            ("5-1 9 * * *", "minute"),
            ("1,,2 9 * * *", "minute"),
            ("+1 9 * * *", "minute"),
            ("99999999999 9 * * *", "minute"),
        ] {
            assert_eq!(Cron::parse(bad), Err(BadCron::Field(what)), "{bad}");
        }
        assert_eq!(Cron::parse("0 0 30 2 *"), Err(BadCron::Never));
        assert_eq!(Cron::parse("0 0 31 4,6,9,11 *"), Err(BadCron::Never));
    }
}
