//! What happened before, and what time alone changes.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, called with literals, fail the test"
)]

use carepath_engine::condition::eval::{Scope, eval};
use carepath_engine::condition::parse::contact_condition;
use carepath_engine::condition::{Condition, DateRef, Subject, TestKind, ValueOp, next_flip};
use carepath_engine::contact::{Contact, Fact};
use carepath_engine::history::Tracked;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::condition_rules::{attribute, contact, now, object, test};

fn read(document: Value) -> Condition {
    contact_condition(&document).unwrap()
}

fn scope<'a>(contact: &'a Contact, tz: &'a TimeZone, now: Timestamp) -> Scope<'a> {
    Scope { contact, event: None, entry: None, run: None, now, tz, cutoff: None, since: None }
}

fn holds(condition: &Condition, contact: &Contact, now: Timestamp) -> bool {
    eval(condition, &scope(contact, &TimeZone::UTC, now), &mut Vec::new())
}

fn day(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

#[test]
fn what_happened_is_counted_by_name_property_and_time() {
    let often = read(json!({ "did": "visited", "at_least": 2 }));
    let lately = read(json!({ "did": "visited", "within": "10d" }));
    let there = read(json!({ "did": "visited", "where": { "event": "place.name", "eq": "north" } }));
    let mut tracked = Tracked::default();
    for condition in [&often, &lately, &there] {
        tracked.add(condition);
    }
    let mut patient = contact(&json!({}));
    let mut visit = |days, event: &str, place: &str| {
        let properties = object(&json!({ "place": { "name": place }, "diagnosis": "not asked for" }));
        tracked.remember(&mut patient, &"visited".parse().unwrap(), day(days), event, &properties)
    };
    assert!(visit(-20, "one", "south"));
    assert!(!visit(-20, "one", "south"), "S19: the same event counts once");
    let after_one = |patient: &Contact| [&often, &lately, &there].map(|condition| holds(condition, patient, now()));
    assert_eq!(after_one(&patient), [false, false, false]);
    let mut visit = |days, event: &str, place: &str| {
        let properties = object(&json!({ "place": { "name": place } }));
        tracked.remember(&mut patient, &"visited".parse().unwrap(), day(days), event, &properties)
    };
    assert!(visit(-5, "two", "north"));
    assert_eq!(after_one(&patient), [true, true, true]);
    let kept = serde_json::to_string(&patient.facts).unwrap();
    assert!(!kept.contains("diagnosis"), "only what is asked for is kept");
    assert!(!tracked.remember(&mut patient, &"paid".parse().unwrap(), now(), "x", &object(&json!({}))));
}

#[test]
fn no_more_is_kept_than_can_be_asked_for() {
    let mut tracked = Tracked::default();
    tracked.add(&read(json!({ "did": "page_viewed", "at_least": 3 })));
    let mut patient = contact(&json!({}));
    for n in 0..10_i64 {
        let name = "page_viewed".parse().unwrap();
        tracked.remember(&mut patient, &name, day(-n), &n.to_string(), &object(&json!({})));
    }
    let kept: Vec<Timestamp> = patient.facts.values().flatten().map(|fact| fact.at).collect();
    assert_eq!(kept, [day(0), day(-1), day(-2)]);
}

/// S21: the moment at which time alone flips a condition is known exactly.
#[test]
fn the_next_flip_is_known() {
    let mut patient = contact(&json!({ "visit": "2026-12-10T12:00:00Z", "born": "1976-12-25" }));
    patient.facts.insert(
        "visited".parse().unwrap(),
        vec![
            Fact { at: day(-1), event: "b".into(), properties: object(&json!({})).into() },
            Fact { at: day(-3), event: "a".into(), properties: object(&json!({})).into() },
        ],
    );
    let at = now();
    let flip =
        |document: Value| next_flip(&read(document), &scope(&patient, &TimeZone::UTC, at)).map(|at| at.to_string());
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(flip(json!({ "attribute": "visit", "within_next": "7d" })), said("2026-12-03T12:00:00Z"));
    assert_eq!(flip(json!({ "attribute": "visit", "within": "7d" })), said("2026-12-10T12:00:00Z"));
    assert_eq!(flip(json!({ "attribute": "visit", "on": "now" })), said("2026-12-10T00:00:00Z"));
    assert_eq!(flip(json!({ "attribute": "visit", "before": "-1d" })), said("2026-12-11T12:00:01Z"));
    assert_eq!(flip(json!({ "age": "born", "gte": 50 })), said("2026-12-25T00:00:00Z"));
    assert_eq!(flip(json!({ "age": "born", "gte": 40 })), None, "whoever is 40 stays it");
    assert_eq!(flip(json!({ "attribute": "visit", "eq": "2026-12-10" })), None);
    let seconds = |at: Timestamp| at.as_second() + 1;
    let ends =
        |document: Value| next_flip(&read(document), &scope(&patient, &TimeZone::UTC, at)).map(Timestamp::as_second);
    assert_eq!(ends(json!({ "did": "visited", "within": "7d" })), Some(seconds(day(6))));
    assert_eq!(ends(json!({ "did": "visited", "within": "7d", "at_least": 2 })), Some(seconds(day(4))));
    assert_eq!(ends(json!({ "did": "visited", "within": "12h" })), None, "it was longer ago");
}

/// S21: a month that ends on the 28th and one that ends on the 31st have the same flips as all others: whoever leaves does
/// not come back the day after.
#[test]
fn months_of_different_lengths_flip_once() {
    let apia = carepath_engine::calendar::parse_zone("Pacific/Apia").unwrap();
    let patient = contact(&json!({ "x": "2026-02-27T23:30:00.5Z" }));
    let condition = read(json!({ "attribute": "x", "within": "11mo" }));
    let flip = |at: Timestamp| next_flip(&condition, &scope(&patient, &apia, at));
    let left: Timestamp = "2027-01-27T23:30:01Z".parse().unwrap();
    assert_eq!(flip(now()), Some(left));
    assert_eq!(flip(left), None);
}

fn date() -> impl Strategy<Value = Value> {
    let day = (2025_i16..2029, 1_i8..13, 1_i8..29, 0_u8..3).prop_map(|(year, month, day, form)| {
        let date = format!("{year}-{month:02}-{day:02}");
        match form {
            0 => json!(date),
            1 => json!(format!("{date}T02:30")),
            _ => json!(format!("{date}T23:30:00.5Z")),
        }
    });
    prop_oneof![9 => day, 1 => Just(json!("2028-02-29")), 1 => Just(json!(7))]
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1_i64..100).prop_map(|days| Span::new().days(days)),
        (1_i64..14).prop_map(|months| Span::new().months(months)),
        (1_i64..2_000).prop_map(|hours| Span::new().hours(hours)),
    ]
}

fn timed() -> impl Strategy<Value = Condition> {
    let from_now =
        || (span(), any::<bool>()).prop_map(|(span, past)| DateRef::FromNow(if past { span.negate() } else { span }));
    let op = prop_oneof![
        from_now().prop_map(ValueOp::Before),
        from_now().prop_map(ValueOp::After),
        from_now().prop_map(ValueOp::On),
        span().prop_map(ValueOp::Within),
        span().prop_map(ValueOp::WithinNext),
    ];
    let years = || (0_i32..4).prop_map(|years| json!(years));
    let age = prop_oneof![years().prop_map(ValueOp::Gte), years().prop_map(ValueOp::Eq), years().prop_map(ValueOp::Lt)];
    let did = (span(), 1_u32..3).prop_map(|(within, at_least)| {
        let event = "visited".parse().unwrap();
        test(TestKind::Did { event, filter: None, within: Some(within), at_least })
    });
    let leaf = prop_oneof![
        4 => op.prop_map(|op| attribute("x", op)),
        1 => age.prop_map(|op| test(TestKind::Age { attribute: "x".into(), op })),
        1 => did,
        1 => Just(test(TestKind::Value { subject: Subject::Attribute("x".into()), op: ValueOp::Exists(true) })),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// S21: until the next flip nothing flips, in any zone, and one flip leads to the next.
    #[test]
    fn between_two_flips_nothing_changes(
        condition in timed(), x in date(), visits in prop::collection::vec(0_i64..900, 0..4),
        zone in prop::sample::select(vec!["UTC", "America/Chicago", "Pacific/Apia", "Australia/Lord_Howe"]),
        parts in prop::collection::vec(0.0_f64..1.0, 12),
    ) {
        let tz = carepath_engine::calendar::parse_zone(zone).unwrap();
        let mut patient = contact(&json!({ "x": x }));
        let mut facts: Vec<Fact> = visits.iter().map(|hours| {
            let at = now() - SignedDuration::from_hours(*hours);
            Fact { at, event: hours.to_string(), properties: object(&json!({})).into() }
        }).collect();
        facts.sort_by_key(|fact| std::cmp::Reverse(fact.at));
        patient.facts.insert("visited".parse().unwrap(), facts);
        let result = |at: Timestamp| eval(&condition, &scope(&patient, &tz, at), &mut Vec::new());
        let mut at = now();
        for _ in 0..6 {
            let flip = next_flip(&condition, &scope(&patient, &tz, at));
            let until = flip.unwrap_or(at + SignedDuration::from_hours(24 * 1_200));
            prop_assert!(until > at);
            let length = until.as_second() - at.as_second() - 1;
            for part in &parts {
                #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place in between")]
                let between = at + SignedDuration::from_secs((length as f64 * part) as i64);
                prop_assert_eq!(result(between), result(at), "at {} from {} until {:?}", between, at, flip);
            }
            let Some(flip) = flip else { break };
            at = flip;
        }
    }
}
