//! When time alone changes how a condition comes out (S21).

use jiff::{SignedDuration, Timestamp};

use super::eval::{Scope, look};
use super::{Condition, DateRef, Subject, Test, TestKind, ValueOp};
use crate::calendar;

/// Nothing that is asked about is further away than this: ages end at 150, and spans at ten years.
const HORIZON: SignedDuration = SignedDuration::from_hours(170 * 366 * 24);

/// Whether time alone can change how a condition comes out, for some contact.
pub fn is_timed(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(is_timed),
        Condition::Not(part) => is_timed(part),
        Condition::Test(test) => match &test.kind {
            TestKind::Value { op, .. } => is_timed_op(op),
            TestKind::Age { .. } => true,
            TestKind::Did { within, .. } | TestKind::Engaged { within, .. } => within.is_some(),
            TestKind::Segment(_) | TestKind::Subscribed(_) | TestKind::Visited(_) => false,
        },
    }
}

const fn is_timed_op(op: &ValueOp) -> bool {
    matches!(
        op,
        ValueOp::Before(DateRef::FromNow(_))
            | ValueOp::After(DateRef::FromNow(_))
            | ValueOp::On(DateRef::FromNow(_))
            | ValueOp::Within(_)
            | ValueOp::WithinNext(_)
    )
}

/// The next moment, in whole seconds, at which any test of a condition comes out another way though nothing changes but
/// the time. `None` where that never happens.
pub fn next_flip(condition: &Condition, scope: &Scope<'_>) -> Option<Timestamp> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().filter_map(|part| next_flip(part, scope)).min(),
        Condition::Not(part) => next_flip(part, scope),
        Condition::Test(test) => flip_of(test, scope),
    }
}

/// Every such test is false, then true, then false again as time goes by, so one search finds where that ends, and one
/// where it begins: the date that it is about lies ahead, or the test never comes true any more.
fn flip_of(test: &Test, scope: &Scope<'_>) -> Option<Timestamp> {
    let holds = |at: Timestamp| look(test, &Scope { now: at, ..*scope }).result;
    let end = scope.now.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
    match &test.kind {
        TestKind::Value { subject: Subject::Attribute(path), op } if is_timed_op(op) => {
            let date = scope.contact.attribute(path).and_then(|value| calendar::parse_date(value, scope.tz))?;
            if holds(scope.now) {
                return first(scope.now, end, |at| !holds(at));
            }
            // It comes true at the latest when the date is what it is compared with.
            let latest = latest_start(op, date, scope);
            first(scope.now, latest.max(scope.now), holds)
        }
        TestKind::Age { attribute, op } => {
            let birth = scope.contact.attribute(attribute).and_then(calendar::parse_civil_date)?;
            let age = |at: Timestamp| calendar::age(birth, scope.tz.to_datetime(at).date());
            let (now, held) = (age(scope.now), holds(scope.now));
            // These come out another way on one birthday only.
            if matches!(op, ValueOp::Gt(_) | ValueOp::Gte(_) | ValueOp::Lt(_) | ValueOp::Lte(_)) {
                return first(scope.now, end, |at| holds(at) != held);
            }
            first(scope.now, end, |at| age(at) > now)
        }
        TestKind::Did { within: Some(_), .. } if holds(scope.now) => first(scope.now, end, |at| !holds(at)),
        TestKind::Engaged { within: Some(_), .. } if holds(scope.now) => first(scope.now, end, |at| !holds(at)),
        TestKind::Value { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => None,
    }
}

/// A moment at which a test on a date holds, if it will hold at all.
fn latest_start(op: &ValueOp, date: Timestamp, scope: &Scope<'_>) -> Timestamp {
    let later = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(Timestamp::MAX);
    if let ValueOp::Before(DateRef::FromNow(span)) = op {
        // It holds for ever once it does. The search is in whole seconds.
        later(calendar::sub(date, span, scope.tz), SignedDuration::from_secs(2))
    } else if let ValueOp::On(DateRef::FromNow(span)) = op {
        same_day(date, span, scope)
    } else if matches!(op, ValueOp::Within(_)) {
        // The search is in whole seconds.
        later(date, SignedDuration::from_secs(1))
    } else if matches!(op, ValueOp::WithinNext(_)) {
        date
    } else {
        // A date that lies after a moment that goes on lies after it no more.
        scope.now
    }
}

/// The first moment that is on the day which lies a span before a date, or after that day.
fn same_day(date: Timestamp, span: &jiff::Span, scope: &Scope<'_>) -> Timestamp {
    let end = scope.now.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
    let reached = |at| calendar::days_until(at, date, span, scope.tz) <= 0;
    first(scope.now, end, reached).unwrap_or(scope.now)
}

/// The first whole second after `now` and by `end` at which something holds that goes on to hold until `end`.
fn first(now: Timestamp, end: Timestamp, holds: impl Fn(Timestamp) -> bool) -> Option<Timestamp> {
    let (mut before, mut after) = (now.as_second(), end.as_second());
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    if after <= before || !holds(at(after)) {
        return None;
    }
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if holds(at(middle)) { after = middle } else { before = middle }
    }
    Some(at(after))
}
