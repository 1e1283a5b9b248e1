//! The evaluator against a second one, which was written from the rules of the documents alone and takes no shortcuts.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, called with literals, fail the test"
)]

use std::collections::BTreeMap;

use carepath_engine::calendar::parse_zone;
use carepath_engine::condition::eval::Scope;
use carepath_engine::condition::{Condition, DateRef, EngagedKind, Subject, TestKind, ValueOp};
use carepath_engine::contact::{Attributes, Subscription};
use carepath_engine::event::{Event, Source};
use carepath_engine::run::{FirstSeen, Place, Run, Visit};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use jiff::{Span, ToSpan};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::condition_random::{clock, condition, facts, message, moment, values};
use super::condition_rules::{contact, evaluate, object, run};

/// Every test is worked out, and only then put together.
fn reference(condition: &Condition, scope: &Scope<'_>) -> bool {
    match condition {
        Condition::All(parts) => {
            let results: Vec<bool> = parts.iter().map(|part| reference(part, scope)).collect();
            !results.contains(&false)
        }
        Condition::Any(parts) => {
            let results: Vec<bool> = parts.iter().map(|part| reference(part, scope)).collect();
            results.contains(&true)
        }
        Condition::Not(part) => !reference(part, scope),
        Condition::Test(test) => match &test.kind {
            TestKind::Value { subject: Subject::Attribute(path), op } => {
                value_test(walk(&Value::Object(scope.contact.attributes.expose().clone()), path), op, scope)
            }
            TestKind::Value { subject: Subject::Entry(path), op } => value_test(entry(path, scope), op, scope),
            TestKind::Value { subject: Subject::Saved(path), op } => {
                let saved = scope.run.map(|run| Value::Object(run.saved.expose().clone())).unwrap_or_default();
                value_test(walk(&saved, path), op, scope)
            }
            TestKind::Value { subject: Subject::Event(path), op } => {
                let event = scope.event.map_or(Value::Null, |event| Value::Object(event.properties.expose().clone()));
                value_test(walk(&event, path), op, scope)
            }
            TestKind::Age { attribute, op } => {
                let born = walk(&Value::Object(scope.contact.attributes.expose().clone()), attribute);
                // A birthday is the day as written, whatever the time and offset after it.
                let born = born.as_str().and_then(|text| text.get(..10)?.parse::<Date>().ok());
                let age = born.map_or(Value::Null, |born| {
                    let today = scope.tz.to_datetime(scope.now).date();
                    // Birthdays lived through, one by one.
                    let lived = (1..200).take_while(|years| born.saturating_add(years.years()) <= today);
                    let to_come = (0..200).take_while(|years: &i64| born.saturating_sub(years.years()) > today);
                    if born > today { json!(-i64::try_from(to_come.count()).unwrap()) } else { json!(lived.count()) }
                });
                value_test(age, op, scope)
            }
            TestKind::Did { event, filter, within, at_least } => {
                let none = Vec::new();
                let mut facts = scope.contact.facts.get(event).unwrap_or(&none).clone();
                facts.retain(|fact| within.is_none_or(|within| shifted(scope, fact.at, &within) >= scope.now));
                facts.retain(|fact| filter.as_ref().is_none_or(|filter| had(filter, fact.properties.expose())));
                facts.len() >= usize::try_from(*at_least).unwrap()
            }
            TestKind::Engaged { kind, step, link, within, machines } => {
                let mut times = engagements(scope.run.unwrap(), *kind, *step, link.as_deref(), *machines);
                times.retain(|at| scope.cutoff.is_none_or(|cutoff| *at <= cutoff));
                times.retain(|at| scope.since.is_none_or(|since| *at >= since));
                times.retain(|at| within.is_none_or(|within| shifted(scope, *at, &within) >= scope.now));
                !times.is_empty()
            }
            TestKind::Segment(id) => scope.contact.segments.keys().any(|segment| segment == id),
            TestKind::Subscribed(id) => scope.contact.topics.get(id) == Some(&Subscription::Subscribed),
            TestKind::Visited(step) => {
                scope.run.unwrap().visits.iter().any(|visit| format!("{:?}", visit.place) == format!("Step({step})"))
            }
        },
    }
}

/// Whether an event had what is asked for: the `where` of these tests is one comparison.
fn had(filter: &Condition, properties: &Attributes) -> bool {
    let Condition::Test(test) = filter else { unreachable!("not made here") };
    let TestKind::Value { subject: Subject::Event(path), op: ValueOp::Eq(wanted) } = &test.kind else {
        unreachable!("not made here")
    };
    same(&walk(&Value::Object(properties.clone()), path), wanted)
}

fn engagements(run: &Run, kind: EngagedKind, step: Option<u16>, link: Option<&str>, machines: bool) -> Vec<Timestamp> {
    let mut times = Vec::new();
    for (at, message) in &run.messages {
        if step.is_some() && step != Some(*at) {
            continue;
        }
        let mut seen = |seen: &FirstSeen| {
            times.extend(seen.human);
            if machines {
                times.extend(seen.machine);
            }
        };
        match kind {
            EngagedKind::Opened => seen(&message.opened),
            EngagedKind::Clicked => {
                message
                    .clicked
                    .iter()
                    .filter(|(name, _)| link.is_none_or(|link| link == *name))
                    .for_each(|(_, at)| seen(at));
            }
            EngagedKind::Delivered => times.extend(message.delivered),
            EngagedKind::Bounced => times.extend(message.bounced),
            EngagedKind::Complained => times.extend(message.complained),
        }
    }
    times
}

/// So long from now: days and more on the calendar of the zone, the rest by the clock.
fn shifted(scope: &Scope<'_>, at: Timestamp, span: &Span) -> Timestamp {
    let days = Span::new().months(span.get_months()).weeks(span.get_weeks()).days(span.get_days());
    let rest = Span::new().hours(span.get_hours()).minutes(span.get_minutes());
    if days.is_zero() {
        return at + rest;
    }
    first_showing(scope.tz.to_datetime(at) + days, scope) + rest
}

/// The first minute at which a clock on the wall shows a time or a later one, looked for minute by minute.
fn first_showing(time: DateTime, scope: &Scope<'_>) -> Timestamp {
    let from = TimeZone::UTC.to_timestamp(time).unwrap() - SignedDuration::from_hours(15);
    let minutes = (0..).map(|minutes| from + SignedDuration::from_mins(minutes));
    minutes.into_iter().find(|at| scope.tz.to_datetime(*at) >= time).unwrap()
}

fn walk(value: &Value, path: &str) -> Value {
    path.split('.').fold(value.clone(), |value, name| value.get(name).cloned().unwrap_or(Value::Null))
}

fn entry(path: &str, scope: &Scope<'_>) -> Value {
    walk(&Value::Object(scope.run.unwrap().entry.payload.expose().clone()), path)
}

/// Numbers written out in full compare digit by digit, without any arithmetic to go wrong.
fn digits(value: &Value) -> Option<(bool, String)> {
    let number = value.as_number()?;
    let text = match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => format!("{whole}.0"),
        (None, Some(whole)) => format!("{whole}.0"),
        (None, None) => format!("{:.30}", number.as_f64()?),
    };
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |text| (true, text));
    let (whole, part) = text.split_once('.')?;
    let full = format!("{whole:0>350}.{part:0<40}");
    Some((negative && full.bytes().any(|digit| (b'1'..=b'9').contains(&digit)), full))
}

fn less(a: &Value, b: &Value) -> Option<bool> {
    if let (Value::String(a), Value::String(b)) = (a, b) {
        return Some(a.chars().lt(b.chars()));
    }
    Some(match (digits(a)?, digits(b)?) {
        ((true, _), (false, _)) => true,
        ((false, _), (true, _)) => false,
        ((false, a), (false, b)) => a < b,
        ((true, a), (true, b)) => a > b,
    })
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => digits(a) == digits(b),
        (Value::Object(x), Value::Object(y)) => x
            .keys()
            .chain(y.keys())
            .all(|name| x.contains_key(name) && y.contains_key(name) && same(&x[name], &y[name])),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && (0..x.len()).all(|at| same(&x[at], &y[at])),
        _ => a == b,
    }
}

fn date(value: &Value, scope: &Scope<'_>) -> Option<Timestamp> {
    let text = value.as_str()?;
    let civil = || text.parse::<DateTime>().ok().filter(|_| text.contains('-')).map(|time| first_showing(time, scope));
    text.parse::<Timestamp>().ok().or_else(civil)
}

fn value_test(value: Value, op: &ValueOp, scope: &Scope<'_>) -> bool {
    let there = !value.is_null();
    let days = |at: Timestamp| scope.tz.to_datetime(at).date();
    let against = |when: &DateRef, holds: &dyn Fn(Timestamp, Timestamp) -> bool| {
        let Some(at) = date(&value, scope) else { return false };
        match when {
            DateRef::At(text) => date(&json!(text), scope).is_some_and(|when| holds(at, when)),
            DateRef::FromNow(span) => holds(shifted(scope, at, &span.negate()), scope.now),
        }
    };
    match op {
        ValueOp::Exists(wanted) => there == *wanted,
        ValueOp::Ne(other) => !there || !same(&value, other),
        ValueOp::NotIn(others) => !there || !others.iter().any(|other| same(&value, other)),
        ValueOp::Eq(other) => there && same(&value, other),
        ValueOp::In(others) => there && others.iter().any(|other| same(&value, other)),
        ValueOp::Lt(other) => less(&value, other) == Some(true),
        ValueOp::Gte(other) => less(&value, other) == Some(false),
        ValueOp::Gt(other) => less(other, &value) == Some(true),
        ValueOp::Lte(other) => less(other, &value) == Some(false),
        ValueOp::Contains(part) => match (&value, part) {
            (Value::Array(items), part) => items.iter().any(|item| same(item, part)),
            (Value::String(text), Value::String(part)) => text.split(part.as_str()).count() > 1,
            _ => false,
        },
        ValueOp::StartsWith(start) => value.as_str().is_some_and(|text| text.strip_prefix(start.as_str()).is_some()),
        ValueOp::EndsWith(end) => value.as_str().is_some_and(|text| text.strip_suffix(end.as_str()).is_some()),
        ValueOp::Before(when) => against(when, &|at, when| at < when),
        ValueOp::After(when) => against(when, &|at, when| at > when),
        ValueOp::On(DateRef::FromNow(span)) => date(&value, scope).is_some_and(|at| {
            let moved = Span::new().hours(span.get_hours()).minutes(span.get_minutes());
            let back = Span::new().months(span.get_months()).weeks(span.get_weeks()).days(span.get_days());
            days(scope.now + moved) == days(at) - back
        }),
        ValueOp::On(when) => against(when, &|at, when| days(at) == days(when)),
        ValueOp::Within(span) => {
            date(&value, scope).is_some_and(|at| at <= scope.now && scope.now <= shifted(scope, at, span))
        }
        ValueOp::WithinNext(span) => {
            date(&value, scope).is_some_and(|at| at >= scope.now && shifted(scope, at, &span.negate()) <= scope.now)
        }
        ValueOp::EqEntry(path) => {
            let other = entry(path, scope);
            there && !other.is_null() && same(&value, &other)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn two_evaluators_agree(
        condition in condition(), attributes in values(), entry in values(),
        event in prop::option::of(values()), now in clock(), places in prop::collection::vec(2_u16..5, 0..3),
        zone in prop::sample::select(vec!["America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
        messages in prop::collection::btree_map(1_u16..4, message(), 0..3), cutoff in moment(), since in moment(),
        visited in facts(), paid in facts(),
    ) {
        let mut contact = contact(&attributes);
        contact.segments = BTreeMap::from([("vip".parse().unwrap(), now - SignedDuration::from_hours(1))]);
        contact.topics = BTreeMap::from([
            ("news".parse().unwrap(), Subscription::Subscribed), ("ads".parse().unwrap(), Subscription::Unsubscribed),
        ]);
        contact.facts = BTreeMap::from([("visited".parse().unwrap(), visited), ("paid".parse().unwrap(), paid)]);
        let mut run = run(messages);
        run.entry.payload = object(&entry).into();
        run.visits = places.into_iter().map(|step| Visit { place: Place::Step(step), ..run.visits[0].clone() }).collect();
        let event = event.map(|properties| Event {
            id: "e".parse().unwrap(),
            source: Source::Api,
            contact: None,
            name: "happened".parse().unwrap(),
            at: now,
            received_at: now,
            properties: object(&properties).into(),
            hops: 0,
        });
        let tz = parse_zone(zone).unwrap();
        let mut expected = false;
        let (result, why, _) = evaluate(&condition, &contact, |scope| {
            (scope.run, scope.cutoff, scope.since) = (Some(&run), cutoff, since);
            (scope.event, scope.now, scope.tz) = (event.as_ref(), now, &tz);
            expected = reference(&condition, scope);
        });
        prop_assert_eq!(result, expected, "{:?}", why.iter().map(|one| one.source.as_ref()).collect::<Vec<_>>());
    }
}
