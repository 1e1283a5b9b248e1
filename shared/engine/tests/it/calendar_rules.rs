//! The rules of the calendar, by name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use carepath_engine::calendar::{
    BadZone, Opening, ZoneSource, add, age, grace, opening, parse_civil_date, parse_date, parse_zone, wait_time,
    zone_of,
};
use carepath_engine::version::{Anchor, SendPolicy, WaitUntil, Window};
use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::{Value, json};

fn tz(name: &str) -> TimeZone {
    parse_zone(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(from: jiff::civil::Time, to: jiff::civil::Time, days: &[Weekday]) -> SendPolicy {
    SendPolicy { window: Some(Window { from, to }), days: days.to_vec(), ..SendPolicy::default() }
}

fn until(anchor: Anchor, offset: Span, at: Option<jiff::civil::Time>, days: &[Weekday]) -> WaitUntil {
    WaitUntil::Date { anchor, offset, at, days: days.to_vec() }
}

fn attribute() -> Anchor {
    Anchor::Attribute("due".into())
}

#[test]
fn s12_only_iana_names_are_zones_and_the_error_does_not_repeat_the_text() {
    for good in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Asia/Kathmandu"] {
        assert!(parse_zone(good).is_ok(), "{good}");
    }
    for bad in ["+02:00", "UTC+2", "EST5EDT,M3.2.0,M11.1.0", "Mars/Olympus", "", "Etc/Unknown", "../../etc/passwd"] {
        assert_eq!(parse_zone(bad), Err(BadZone), "{bad}");
    }
    assert!(BadZone.to_string().contains("Europe/Berlin"));
}

#[test]
fn s12_the_zone_is_the_contacts_then_the_workflows_then_the_accounts() {
    let (workflow, account) = (tz("America/Chicago"), tz("Europe/Berlin"));
    let own = zone_of(Some("Asia/Kathmandu"), Some(&workflow), &account);
    assert_eq!((own.tz, own.source), (tz("Asia/Kathmandu"), ZoneSource::Contact));
    let theirs = zone_of(None, Some(&workflow), &account);
    assert_eq!((theirs.tz, theirs.source), (workflow, ZoneSource::Workflow));
    let last = zone_of(None, None, &account);
    assert_eq!((last.tz, last.source), (account.clone(), ZoneSource::Account));
    assert_eq!(zone_of(Some("Mars/Olympus"), None, &account).source, ZoneSource::Account);
    assert_eq!(ZoneSource::Contact.as_str(), "zone of the contact");
}

#[test]
fn s12_a_time_in_a_gap_is_the_first_minute_after_it() {
    assert_eq!(parse_date(&json!("2026-03-29T02:30"), &tz("Europe/Berlin")), Some(at("2026-03-29T01:00:00Z")));
    let wait = until(attribute(), Span::new(), Some(time(2, 30, 0, 0)), &[]);
    let found = wait_time(&wait, at("2026-01-01T00:00:00Z"), Some(&json!("2026-03-29")), &tz("Europe/Berlin"));
    assert_eq!(found, Some(at("2026-03-29T01:00:00Z")));
}

#[test]
fn s12_a_time_in_a_fold_is_its_first_occurrence() {
    assert_eq!(parse_date(&json!("2026-10-25T02:30"), &tz("Europe/Berlin")), Some(at("2026-10-25T00:30:00Z")));
}

#[test]
fn s12_a_date_alone_is_the_start_of_its_day_even_where_the_clock_skips_midnight() {
    assert_eq!(parse_date(&json!("2018-11-04"), &tz("America/Sao_Paulo")), Some(at("2018-11-04T03:00:00Z")));
    assert_eq!(parse_date(&json!("2011-12-30"), &tz("Pacific/Apia")), Some(at("2011-12-30T10:00:00Z")));
}

#[test]
fn s12_days_after_a_skipped_midnight_begin_at_midnight_again() {
    let wait = until(attribute(), Span::new().days(1), None, &[]);
    let found = wait_time(&wait, Timestamp::UNIX_EPOCH, Some(&json!("2018-11-04")), &tz("America/Sao_Paulo"));
    assert_eq!(found, Some(at("2018-11-05T02:00:00Z")));
}

#[test]
fn s12_february_29_is_kept_on_february_28() {
    let wait = until(attribute(), Span::new().years(1), None, &[]);
    let found = wait_time(&wait, Timestamp::UNIX_EPOCH, Some(&json!("2024-02-29")), &TimeZone::UTC);
    assert_eq!(found, Some(at("2025-02-28T00:00:00Z")));
    let birth = date(2000, 2, 29);
    assert_eq!(age(birth, date(2025, 2, 27)), 24);
    assert_eq!(age(birth, date(2025, 2, 28)), 25);
    assert_eq!(age(birth, date(2024, 2, 28)), 23);
    assert_eq!(age(birth, date(2024, 2, 29)), 24);
}

#[test]
fn an_age_grows_on_the_birthday_and_is_negative_before_birth() {
    assert_eq!(age(date(1980, 6, 15), date(2026, 6, 14)), 45);
    assert_eq!(age(date(1980, 6, 15), date(2026, 6, 15)), 46);
    assert_eq!(age(date(2027, 1, 1), date(2026, 12, 31)), -1);
    assert_eq!(age(date(2027, 1, 1), date(2027, 1, 1)), 0);
}

#[test]
fn s12_a_window_may_cross_midnight_and_then_belongs_to_the_day_it_opened_on() {
    let friday_night = window(time(22, 0, 0, 0), time(6, 0, 0, 0), &[Weekday::Friday]);
    let utc = TimeZone::UTC;
    // 2026-11-27 is a Friday.
    assert_eq!(opening(&friday_night, at("2026-11-27T23:00:00Z"), &utc), Opening::Open);
    assert_eq!(opening(&friday_night, at("2026-11-28T05:59:59Z"), &utc), Opening::Open);
    let next = Opening::ClosedUntil(at("2026-12-04T22:00:00Z"));
    assert_eq!(opening(&friday_night, at("2026-11-28T06:00:00Z"), &utc), next);
    // Friday before dawn belongs to Thursday's window, which is none.
    assert_eq!(
        opening(&friday_night, at("2026-11-27T03:00:00Z"), &utc),
        Opening::ClosedUntil(at("2026-11-27T22:00:00Z"))
    );
}

#[test]
fn s12_a_window_opens_after_a_gap_and_once_in_a_fold() {
    let berlin = tz("Europe/Berlin");
    let early = window(time(2, 30, 0, 0), time(4, 0, 0, 0), &[]);
    let opens = Opening::ClosedUntil(at("2026-03-29T01:00:00Z"));
    assert_eq!(opening(&early, at("2026-03-29T00:59:00Z"), &berlin), opens);
    assert_eq!(opening(&early, at("2026-03-29T01:00:00Z"), &berlin), Opening::Open);
    // In autumn the clock shows 02:30 twice. The window is open from the first time on.
    let opens = Opening::ClosedUntil(at("2026-10-25T00:30:00Z"));
    assert_eq!(opening(&early, at("2026-10-25T00:29:00Z"), &berlin), opens);
    assert_eq!(opening(&early, at("2026-10-25T01:10:00Z"), &berlin), Opening::Open);
    // One that lies in the gap as a whole does not open that day.
    let gone = window(time(2, 0, 0, 0), time(2, 45, 0, 0), &[]);
    let opens = Opening::ClosedUntil(at("2026-03-30T00:00:00Z"));
    assert_eq!(opening(&gone, at("2026-03-29T01:00:00Z"), &berlin), opens);
}

#[test]
fn s12_a_policy_without_window_and_days_is_always_open_as_is_one_whose_ends_meet() {
    assert_eq!(opening(&SendPolicy::default(), Timestamp::MIN, &TimeZone::UTC), Opening::Open);
    let noon = time(12, 0, 0, 0);
    assert_eq!(opening(&window(noon, noon, &[]), Timestamp::MAX, &TimeZone::UTC), Opening::Open);
    let mondays = SendPolicy { days: vec![Weekday::Monday], ..SendPolicy::default() };
    let next = Opening::ClosedUntil(at("2026-11-30T00:00:00Z"));
    assert_eq!(opening(&mondays, at("2026-11-24T05:00:00Z"), &TimeZone::UTC), next);
}

#[test]
fn a_window_after_the_end_of_time_never_opens() {
    let dawn = window(time(5, 0, 0, 0), time(6, 0, 0, 0), &[]);
    assert_eq!(opening(&dawn, Timestamp::MAX, &TimeZone::UTC), Opening::Never);
}

/// S13: the wait is bound to the value, so another value gives another time.
#[test]
fn s13_a_wait_bound_to_a_date_follows_it() {
    let wait = until(attribute(), Span::new().days(-1), Some(time(10, 0, 0, 0)), &[]);
    let new_york = tz("America/New_York");
    let since = at("2026-11-01T00:00:00Z");
    let first = wait_time(&wait, since, Some(&json!("2026-12-03T15:30:00-05:00")), &new_york);
    assert_eq!(first, Some(at("2026-12-02T15:00:00Z")));
    let moved = wait_time(&wait, since, Some(&json!("2026-12-10T08:00")), &new_york);
    assert_eq!(moved, Some(at("2026-12-09T15:00:00Z")));
}

/// S14: whether a time is past is for the caller to decide; the calendar tells it unchanged.
#[test]
fn s14_a_time_already_past_is_told_as_it_is() {
    let wait = until(attribute(), Span::new(), None, &[]);
    let found = wait_time(&wait, at("2026-11-24T00:00:00Z"), Some(&json!("2020-01-01T00:00:00Z")), &TimeZone::UTC);
    assert_eq!(found, Some(at("2020-01-01T00:00:00Z")));
}

#[test]
fn s14_a_wait_without_a_date_has_no_time() {
    let wait = until(attribute(), Span::new(), None, &[]);
    for missing in [None, Some(json!(null)), Some(json!(20_261_124)), Some(json!("tomorrow")), Some(json!([]))] {
        assert_eq!(wait_time(&wait, Timestamp::UNIX_EPOCH, missing.as_ref(), &TimeZone::UTC), None, "{missing:?}");
    }
}

#[test]
fn a_wait_for_a_span_counts_days_on_the_calendar() {
    let since = at("2026-10-24T10:00:00Z");
    let day = WaitUntil::For(Span::new().days(1));
    assert_eq!(wait_time(&day, since, None, &tz("Europe/Berlin")), Some(at("2026-10-25T11:00:00Z")));
    let hours = WaitUntil::For(Span::new().hours(24));
    assert_eq!(wait_time(&hours, since, None, &tz("Europe/Berlin")), Some(at("2026-10-25T10:00:00Z")));
}

#[test]
fn a_wait_moves_on_to_the_first_of_its_days() {
    let fixed = Anchor::At("2026-11-27T15:00".into());
    let wait = until(fixed, Span::new().days(1), Some(time(9, 0, 0, 0)), &[Weekday::Monday, Weekday::Tuesday]);
    let found = wait_time(&wait, Timestamp::UNIX_EPOCH, None, &TimeZone::UTC);
    assert_eq!(found, Some(at("2026-11-30T09:00:00Z")));
}

#[test]
fn dates_are_read_as_rfc_3339_or_without_offset_and_as_nothing_else() {
    let berlin = tz("Europe/Berlin");
    let instant = Some(at("2026-03-01T09:00:00Z"));
    for good in ["2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00Z", "2026-03-01T10:00", "2026-03-01 10:00:00"] {
        assert_eq!(parse_date(&json!(good), &berlin), instant, "{good}");
    }
    let bad: &[Value] = &[
        json!("20260301"),
        json!("2026-03"),
        json!("2026-W10-1"),
        json!("10:00"),
        json!("2026-02-30"),
        json!(" 2026-03-01"),
        json!("2026-03-01T25:00"),
        json!("2026-03-01T10:00:00+01:00[Europe/Berlin]"),
        json!("12026-03-01"),
        json!("9999-12-31T23:59:59-12:00"),
        json!("+009999-12-31"),
        json!(1_772_355_600),
        json!(true),
        json!(null),
        json!("é026-03-01"),
    ];
    for bad in bad {
        assert_eq!(parse_date(bad, &berlin), None, "{bad}");
    }
    assert_eq!(parse_civil_date(&json!("1980-06-15T23:00:00Z")), Some(date(1980, 6, 15)));
    assert_eq!(parse_civil_date(&json!("1980-06-15")), Some(date(1980, 6, 15)));
    assert_eq!(parse_civil_date(&json!("19800615")), None);
}

#[test]
fn spans_that_lead_beyond_time_end_at_its_end() {
    let far = Span::new().years(9_000);
    assert_eq!(add(at("9998-01-01T00:00:00Z"), &far, &tz("Asia/Kathmandu")), Timestamp::MAX);
    assert_eq!(add(at("-000999-01-02T00:00:00Z"), &far.negate(), &tz("Asia/Kathmandu")), Timestamp::MIN);
    assert_eq!(add(Timestamp::MAX, &Span::new().hours(1), &TimeZone::UTC), Timestamp::MAX);
}

/// S16
#[test]
fn s16_timeouts_are_decided_a_grace_after_their_deadline() {
    assert_eq!(grace(SignedDuration::from_secs(599)), SignedDuration::from_secs(2));
    assert_eq!(grace(SignedDuration::from_mins(10)), SignedDuration::from_secs(30));
    assert_eq!(grace(SignedDuration::from_hours(24 * 365)), SignedDuration::from_secs(30));
}
