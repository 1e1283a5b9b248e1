//! When one condition holds because another does. Every answer errs on the side of "not known": `false`.

use std::cmp::Ordering;

use serde_json::Value;

use super::guarantee::is_positive;
use crate::condition::compare::{order, same};
use crate::condition::{Condition, Test, TestKind, ValueOp};
use crate::document::approximate_seconds;

/// How many comparisons a document may take: conditions can be written whose comparison would take for ever.
pub(super) const FUEL: u32 = 1_000_000;

fn burn(fuel: &mut u32) -> bool {
    *fuel = fuel.saturating_sub(1);
    *fuel > 0
}

/// Pays for comparing two tests: each value of the one may be held against each of the other.
fn afford(a: &Test, b: &Test, fuel: &mut u32) -> bool {
    *fuel = fuel.saturating_sub(size(a).saturating_mul(size(b)));
    *fuel > 0
}

fn size(test: &Test) -> u32 {
    match &test.kind {
        TestKind::Value { op: ValueOp::In(list) | ValueOp::NotIn(list), .. }
        | TestKind::Age { op: ValueOp::In(list) | ValueOp::NotIn(list), .. } => {
            u32::try_from(list.len()).unwrap_or(u32::MAX)
        }
        TestKind::Value { .. }
        | TestKind::Age { .. }
        | TestKind::Did { .. }
        | TestKind::Engaged { .. }
        | TestKind::Segment(_)
        | TestKind::Subscribed(_)
        | TestKind::Visited(_) => 1,
    }
}

/// Whether `b` holds whenever `a` does.
pub(super) fn implies(a: &Condition, b: &Condition, fuel: &mut u32) -> bool {
    if !burn(fuel) {
        return false;
    }
    match (a, b) {
        (Condition::Any(list), _) => list.iter().all(|item| implies(item, b, fuel)),
        (_, Condition::All(list)) => list.iter().all(|item| implies(a, item, fuel)),
        (Condition::All(list), _) if list.iter().any(|item| implies(item, b, fuel)) => true,
        (_, Condition::Any(list)) => list.iter().any(|item| implies(a, item, fuel)),
        (Condition::Not(a), Condition::Not(b)) => implies(b, a, fuel),
        (Condition::Test(a), Condition::Test(b)) => afford(a, b, fuel) && test_implies(a, b),
        (_, Condition::Not(b)) => excludes(a, b, fuel),
        (Condition::All(_) | Condition::Not(_), _) => false,
    }
}

/// Whether `b` cannot hold while `a` does.
pub(super) fn excludes(a: &Condition, b: &Condition, fuel: &mut u32) -> bool {
    if !burn(fuel) {
        return false;
    }
    match (a, b) {
        (Condition::Any(list), _) => list.iter().all(|item| excludes(item, b, fuel)),
        (_, Condition::Any(list)) => list.iter().all(|item| excludes(a, item, fuel)),
        (Condition::All(list), _) if list.iter().any(|item| excludes(item, b, fuel)) => true,
        (_, Condition::All(list)) => list.iter().any(|item| excludes(a, item, fuel)),
        (_, Condition::Not(b)) => implies(a, b, fuel),
        (Condition::Not(a), _) => implies(b, a, fuel),
        (Condition::Test(a), Condition::Test(b)) if !afford(a, b, fuel) => false,
        (Condition::Test(a), Condition::Test(b)) => match (&a.kind, &b.kind) {
            (TestKind::Value { subject: one, op: a }, TestKind::Value { subject: other, op: b }) => {
                one == other && op_excludes(a, b)
            }
            (TestKind::Age { attribute: one, op: a }, TestKind::Age { attribute: other, op: b }) => {
                one == other && op_excludes(a, b)
            }
            (_, _) => false,
        },
        (Condition::All(_), Condition::Test(_)) => false,
    }
}

fn test_implies(a: &Test, b: &Test) -> bool {
    match (&a.kind, &b.kind) {
        (TestKind::Value { subject: one, op: a }, TestKind::Value { subject: other, op: b }) => {
            one == other && op_implies(a, b)
        }
        (TestKind::Age { attribute: one, op: a }, TestKind::Age { attribute: other, op: b }) => {
            one == other && op_implies(a, b)
        }
        (
            TestKind::Engaged { kind: one, step, link, within, machines },
            TestKind::Engaged { kind: other, step: any_step, link: any_link, within: longer, machines: all },
        ) => {
            one == other
                && (any_step.is_none() || any_step == step)
                && (any_link.is_none() || any_link == link)
                && (*all || !*machines)
                && match (within, longer) {
                    (_, None) => true,
                    (None, Some(_)) => false,
                    (Some(short), Some(long)) => is_within(short, long),
                }
        }
        (TestKind::Segment(a), TestKind::Segment(b)) => a == b,
        (TestKind::Subscribed(a), TestKind::Subscribed(b)) => a == b,
        (TestKind::Visited(a), TestKind::Visited(b)) => a == b,
        (_, _) => false,
    }
}

fn is_within(short: &jiff::Span, long: &jiff::Span) -> bool {
    if short.fieldwise() == long.fieldwise() {
        return true;
    }
    // A calendar day may have 23 to 25 hours: what is close is not known.
    match (approximate_seconds(short), approximate_seconds(long)) {
        (Some(short), Some(long)) => short + 7_200 <= long && short * 100 <= long * 95,
        (_, _) => false,
    }
}

fn op_implies(a: &ValueOp, b: &ValueOp) -> bool {
    if let Some(values) = values(a) {
        return values.iter().all(|value| holds(b, value) == Some(true));
    }
    match (a, b) {
        (_, ValueOp::Exists(true)) => is_positive(a),
        (ValueOp::Exists(false), _) => !is_positive(b),
        (ValueOp::NotIn(all), ValueOp::Ne(one)) => all.iter().any(|value| same(value, one)),
        (ValueOp::NotIn(all), ValueOp::NotIn(few)) => few.iter().all(|one| all.iter().any(|value| same(value, one))),
        (ValueOp::Ne(a), ValueOp::Ne(b)) | (ValueOp::Contains(a), ValueOp::Contains(b)) => same(a, b),
        (ValueOp::Ne(a), ValueOp::NotIn(b)) => b.iter().all(|b| same(a, b)),
        (ValueOp::StartsWith(a), ValueOp::StartsWith(b)) => a.starts_with(b.as_str()),
        (ValueOp::EndsWith(a), ValueOp::EndsWith(b)) => a.ends_with(b.as_str()),
        (ValueOp::Within(a), ValueOp::Within(b)) | (ValueOp::WithinNext(a), ValueOp::WithinNext(b)) => is_within(a, b),
        (ValueOp::EqEntry(a), ValueOp::EqEntry(b)) => a == b,
        (_, _) => match (bound(a), bound(b)) {
            (Some(a), Some(b)) if a.above == b.above => match order(a.limit, b.limit).ok() {
                Some(Ordering::Equal) => b.closed || !a.closed,
                Some(Ordering::Greater) => a.above,
                Some(Ordering::Less) => !a.above,
                None => false,
            },
            (_, _) => false,
        },
    }
}

fn op_excludes(a: &ValueOp, b: &ValueOp) -> bool {
    for (one, other) in [(a, b), (b, a)] {
        if let Some(values) = values(one)
            && values.iter().all(|value| holds(other, value) == Some(false))
        {
            return true;
        }
        if matches!(one, ValueOp::Exists(false)) && is_positive(other) {
            return true;
        }
    }
    match (bound(a), bound(b)) {
        // Values have one type: what is above a number is not below a text.
        (Some(a), Some(b)) => match order(a.limit, b.limit).ok() {
            None => true,
            Some(_) if a.above == b.above => false,
            Some(Ordering::Equal) => !(a.closed && b.closed),
            Some(Ordering::Greater) => a.above,
            Some(Ordering::Less) => b.above,
        },
        (_, _) => false,
    }
}

/// The only values that a comparison lets through, where these are few.
fn values(op: &ValueOp) -> Option<&[Value]> {
    if let ValueOp::Eq(value) = op {
        Some(std::slice::from_ref(value))
    } else if let ValueOp::In(values) = op {
        Some(values)
    } else {
        None
    }
}

/// How a comparison of a value comes out; `None` where that depends on more than the value.
fn holds(op: &ValueOp, value: &Value) -> Option<bool> {
    let text = || value.as_str();
    match op {
        ValueOp::Eq(other) => Some(same(value, other)),
        ValueOp::Ne(other) => Some(!same(value, other)),
        ValueOp::Gt(other) => Some(order(value, other).is_ok_and(Ordering::is_gt)),
        ValueOp::Gte(other) => Some(order(value, other).is_ok_and(Ordering::is_ge)),
        ValueOp::Lt(other) => Some(order(value, other).is_ok_and(Ordering::is_lt)),
        ValueOp::Lte(other) => Some(order(value, other).is_ok_and(Ordering::is_le)),
        ValueOp::In(list) => Some(list.iter().any(|other| same(value, other))),
        ValueOp::NotIn(list) => Some(!list.iter().any(|other| same(value, other))),
        ValueOp::Contains(part) => Some(match value {
            Value::Array(list) => list.iter().any(|item| same(item, part)),
            Value::String(text) => part.as_str().is_some_and(|part| text.contains(part)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        }),
        ValueOp::StartsWith(part) => Some(text().is_some_and(|text| text.starts_with(part.as_str()))),
        ValueOp::EndsWith(part) => Some(text().is_some_and(|text| text.ends_with(part.as_str()))),
        ValueOp::Exists(there) => Some(*there),
        ValueOp::Before(_)
        | ValueOp::After(_)
        | ValueOp::On(_)
        | ValueOp::Within(_)
        | ValueOp::WithinNext(_)
        | ValueOp::EqEntry(_) => None,
    }
}

struct Bound<'v> {
    limit: &'v Value,
    above: bool,
    closed: bool,
}

fn bound(op: &ValueOp) -> Option<Bound<'_>> {
    let (limit, above, closed) = if let ValueOp::Gt(limit) = op {
        (limit, true, false)
    } else if let ValueOp::Gte(limit) = op {
        (limit, true, true)
    } else if let ValueOp::Lt(limit) = op {
        (limit, false, false)
    } else if let ValueOp::Lte(limit) = op {
        (limit, false, true)
    } else {
        return None;
    };
    Some(Bound { limit, above, closed })
}
