//! The calendar against a reference that knows nothing but a clock on a wall: it walks minute by minute.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use carepath_engine::calendar::{Opening, add, opening, parse_date, parse_zone, wait_time};
use carepath_engine::version::{Anchor, SendPolicy, WaitUntil, Window};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use proptest::prelude::*;
use serde_json::json;

const ZONES: &[&str] = &[
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
];

/// Around changes of the clock in those zones: plain ones, one of half an hour, ones at midnight, a day left out.
const CHANGES: &[&str] = &[
    "2026-03-08T07:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2018-11-04T03:00:00Z",
    "2018-02-18T02:00:00Z",
    "2026-02-28T12:00:00Z",
    "2026-12-31T23:30:00Z",
];

const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(ZONES).prop_map(|name| parse_zone(name).unwrap())
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (prop::sample::select(CHANGES), -4_000_i64..4_000)
        .prop_map(|(change, minutes)| change.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes))
}

fn time() -> impl Strategy<Value = Time> {
    (0_i8..24, prop::sample::select(&[0_i8, 15, 30, 59])).prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
}

fn days() -> impl Strategy<Value = Vec<Weekday>> {
    prop::collection::vec(prop::sample::select(&DAYS), 0..4)
}

fn minutes(from: Timestamp) -> impl Iterator<Item = Timestamp> {
    (0..).map(move |minute| from + SignedDuration::from_mins(minute))
}

/// The first minute at which the clock on the wall shows `at` or later.
fn first_minute(at: DateTime, tz: &TimeZone) -> Timestamp {
    let well_before = TimeZone::UTC.to_timestamp(at).unwrap() - SignedDuration::from_hours(40);
    minutes(well_before).find(|minute| tz.to_datetime(*minute) >= at).unwrap()
}

/// Every window around `now`, as the minutes at which a clock first shows its ends.
fn naive_windows(policy: &SendPolicy, now: Timestamp, tz: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
    let today = tz.to_datetime(now).date();
    let whole_days = Window { from: Time::midnight(), to: Time::midnight() };
    let window = policy.window.filter(|window| window.from != window.to).unwrap_or(whole_days);
    (-3..16)
        .map(|day| today.checked_add(Span::new().days(day)).unwrap())
        .filter(|day| policy.days.is_empty() || policy.days.contains(&day.weekday()))
        .map(|day| {
            let last = if window.to > window.from { day } else { day.tomorrow().unwrap() };
            (first_minute(day.to_datetime(window.from), tz), first_minute(last.to_datetime(window.to), tz))
        })
        .collect()
}

fn naive_opening(policy: &SendPolicy, now: Timestamp, tz: &TimeZone) -> Opening {
    let windows = naive_windows(policy, now, tz);
    let is_open = |minute: Timestamp| windows.iter().any(|(open, close)| (*open..*close).contains(&minute));
    let mut week = minutes(now).take(60 * 24 * 15);
    match week.find(|minute| is_open(*minute)) {
        Some(minute) if minute == now => Opening::Open,
        Some(minute) => Opening::ClosedUntil(minute),
        None => Opening::Never,
    }
}

/// The same days of the calendar later, counted one by one.
fn naive_days_later(date: Date, days: i32) -> Date {
    (0..days.abs()).fold(date, |date, _| if days < 0 { date.yesterday().unwrap() } else { date.tomorrow().unwrap() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// S12
    #[test]
    fn windows_open_as_a_clock_on_the_wall_says(
        tz in zone(), now in instant(), from in time(), to in time(), with_window in any::<bool>(), days in days(),
    ) {
        let window = with_window.then_some(Window { from, to });
        let policy = SendPolicy { window, days, ..SendPolicy::default() };
        prop_assert_eq!(opening(&policy, now, &tz), naive_opening(&policy, now, &tz));
    }

    /// S12
    #[test]
    fn a_civil_date_time_is_the_first_minute_at_which_a_clock_shows_it(tz in zone(), around in instant()) {
        let civil = TimeZone::UTC.to_datetime(around);
        let text = json!(civil.to_string());
        prop_assert_eq!(parse_date(&text, &tz), Some(first_minute(civil, &tz)));
    }

    /// S12
    #[test]
    fn days_are_counted_on_the_calendar_and_hours_on_a_stopwatch(
        tz in zone(), at in instant(), days in -40_i32..40, hours in 0_i32..60,
    ) {
        let span = Span::new().days(days).hours(if days < 0 { -hours } else { hours });
        let local = tz.to_datetime(at);
        let moved = naive_days_later(local.date(), days).to_datetime(local.time());
        let start = if days == 0 { at } else { first_minute(moved, &tz) };
        let elapsed = SignedDuration::from_hours(i64::from(span.get_hours()));
        prop_assert_eq!(add(at, &span, &tz), start + elapsed);
    }

    /// S12
    #[test]
    fn a_wait_for_a_date_ends_when_a_clock_on_the_wall_says(
        tz in zone(), anchor in instant(), days_on in -10_i32..10, at in prop::option::of(time()), days in days(),
    ) {
        let offset = Span::new().days(days_on);
        let until = WaitUntil::Date { anchor: Anchor::Attribute("due".into()), offset, at, days: days.clone() };
        let found = wait_time(&until, Timestamp::UNIX_EPOCH, Some(&json!(anchor.to_string())), &tz);

        let local = tz.to_datetime(anchor);
        let moved = naive_days_later(local.date(), days_on).to_datetime(local.time());
        let mut expected = if days_on == 0 { anchor } else { first_minute(moved, &tz) };
        if let Some(time) = at {
            expected = first_minute(tz.to_datetime(expected).date().to_datetime(time), &tz);
        }
        let local = tz.to_datetime(expected);
        let mut date = local.date();
        while !days.is_empty() && !days.contains(&tz.to_datetime(expected).date().weekday()) {
            date = date.tomorrow().unwrap();
            expected = first_minute(date.to_datetime(at.unwrap_or(local.time())), &tz);
        }
        prop_assert_eq!(found, Some(expected));
    }

    #[test]
    fn nothing_overflows_at_the_ends_of_time(
        tz in zone(), near_end in any::<bool>(), days in 0_i64..7_304_484, hours in 0_i64..170_000_000,
        from in time(), to in time(), days_open in days(),
    ) {
        let (at, sign) = if near_end { (Timestamp::MAX, 1) } else { (Timestamp::MIN, -1) };
        let span = Span::new().days(days).hours(hours);
        let span = if sign < 0 { span.negate() } else { span };
        if span.get_days() != 0 || span.get_hours() != 0 {
            prop_assert_eq!(add(at, &span, &tz), at);
        }
        let inwards = add(at, &span.negate(), &tz);
        let policy = SendPolicy { window: Some(Window { from, to }), days: days_open, ..SendPolicy::default() };
        for now in [at, inwards] {
            let opening = opening(&policy, now, &tz);
            if let Opening::ClosedUntil(until) = opening {
                prop_assert!(until > now);
            }
        }
    }
}
