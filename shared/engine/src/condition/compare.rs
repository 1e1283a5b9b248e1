//! Comparisons of values. Nothing is ever coerced: what cannot be compared is named, and the test is false.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Number, Value};

use super::eval::Scope;
use super::{DateRef, ValueOp};
use crate::calendar::{self, parse_civil_date, parse_date};
use crate::contact::lookup;

/// What a test found, and how it came out.
pub(super) struct Found {
    pub(super) observed: Value,
    pub(super) result: bool,
    pub(super) source: Cow<'static, str>,
}

impl Found {
    pub(super) fn new(observed: impl Into<Value>, result: bool, source: impl Into<Cow<'static, str>>) -> Self {
        Self { observed: observed.into(), result, source: source.into() }
    }

    pub(super) fn flag(result: bool, source: &'static str) -> Self {
        Self::new(result, result, source)
    }

    pub(super) fn missing(result: bool, source: &'static str) -> Self {
        Self::new(Value::Null, result, source)
    }
}

/// How a comparison comes out; `Err` says which kinds would have been comparable.
type Compared = Result<bool, &'static str>;

/// Tests a value. `null` counts as missing.
pub(super) fn value(value: Option<&Value>, op: &ValueOp, source: &'static str, scope: &Scope<'_>) -> Found {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Found::missing(holds_without(op), source);
    };
    match compare(value, op, scope) {
        Ok(result) => Found::new(excerpt(value), result, source),
        Err(wanted) => {
            let source = format!("{source} ({}, not {wanted})", kind_of(value));
            Found::new(excerpt(value), unequal_passes(op), source)
        }
    }
}

/// Tests an age. A value that is no date has none.
pub(super) fn age(value: Option<&Value>, age: impl Fn(Date) -> i32, op: &ValueOp, scope: &Scope<'_>) -> Found {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Found::missing(holds_without(op), "contact");
    };
    let Some(birth) = parse_civil_date(value) else {
        let source = format!("contact ({}, not a date)", kind_of(value));
        return Found::new(Value::Null, holds_without(op), source);
    };
    self::value(Some(&Value::from(age(birth))), op, "contact", scope)
}

/// How a test on a missing value comes out.
fn holds_without(op: &ValueOp) -> bool {
    matches!(op, ValueOp::Exists(false)) || unequal_passes(op)
}

/// Whether a test asks for being different, which values of different kinds are.
fn unequal_passes(op: &ValueOp) -> bool {
    matches!(op, ValueOp::Ne(_) | ValueOp::NotIn(_))
}

fn compare(value: &Value, op: &ValueOp, scope: &Scope<'_>) -> Compared {
    match op {
        ValueOp::Eq(other) => equal(value, other),
        ValueOp::Ne(other) => equal(value, other).map(|same| !same),
        ValueOp::Gt(other) => order(value, other).map(Ordering::is_gt),
        ValueOp::Gte(other) => order(value, other).map(Ordering::is_ge),
        ValueOp::Lt(other) => order(value, other).map(Ordering::is_lt),
        ValueOp::Lte(other) => order(value, other).map(Ordering::is_le),
        ValueOp::In(others) => one_of(value, others),
        ValueOp::NotIn(others) => one_of(value, others).map(|there| !there),
        ValueOp::Contains(part) => contains(value, part),
        ValueOp::StartsWith(start) => value.as_str().map(|text| text.starts_with(start)).ok_or("a string"),
        ValueOp::EndsWith(end) => value.as_str().map(|text| text.ends_with(end)).ok_or("a string"),
        ValueOp::Exists(there) => Ok(*there),
        ValueOp::Before(when) => dates(value, when, scope, |from, to| from < to),
        ValueOp::After(when) => dates(value, when, scope, |from, to| from > to),
        ValueOp::On(DateRef::At(text)) => {
            let day = |at| scope.tz.to_datetime(at).date();
            let on = calendar::parse_text(text, scope.tz).map(day);
            date(value, scope).map(|at| on == Some(day(at)))
        }
        ValueOp::On(DateRef::FromNow(span)) => {
            date(value, scope).map(|at| calendar::days_until(scope.now, at, span, scope.tz) == 0)
        }
        ValueOp::Within(span) => {
            date(value, scope).map(|at| at <= scope.now && scope.now <= calendar::add(at, span, scope.tz))
        }
        ValueOp::WithinNext(span) => {
            date(value, scope).map(|at| scope.now <= at && calendar::sub(at, span, scope.tz) <= scope.now)
        }
        ValueOp::EqEntry(path) => {
            let other = scope.entry().and_then(|entry| lookup(entry, path)).filter(|other| !other.is_null());
            other.map_or(Ok(false), |other| equal(value, other))
        }
    }
}

fn equal(value: &Value, other: &Value) -> Compared {
    if same_kind(value, other) { Ok(same(value, other)) } else { Err(kind_of(other)) }
}

fn one_of(value: &Value, others: &[Value]) -> Compared {
    if others.iter().any(|other| same(value, other)) {
        return Ok(true);
    }
    let Some(first) = others.first() else { return Ok(false) };
    if others.iter().any(|other| same_kind(value, other)) { Ok(false) } else { Err(kind_of(first)) }
}

/// The order of two numbers or two texts; `Err` says what would have one.
pub(crate) fn order(value: &Value, other: &Value) -> Result<Ordering, &'static str> {
    match (value, other) {
        (Value::Number(a), Value::Number(b)) => number_order(a, b).ok_or("a number"),
        // UTF-8 sorts as its code points do.
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (_, Value::Number(_)) => Err("a number"),
        (_, Value::String(_)) => Err("a string"),
        (_, Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err("something that has an order"),
    }
}

fn contains(value: &Value, part: &Value) -> Compared {
    match (value, part) {
        (Value::Array(items), part) => Ok(items.iter().any(|item| same(item, part))),
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (_, Value::String(_)) => Err("a string or a list"),
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Err("a list"),
    }
}

fn date(value: &Value, scope: &Scope<'_>) -> Result<Timestamp, &'static str> {
    parse_date(value, scope.tz).ok_or("a date")
}

/// A span is counted from the date, not from now: one that ends now runs back over the end of a month, or over a change
/// of the clock, more than once as time goes on, and whoever it concerns would go in and out (S21).
fn dates(value: &Value, when: &DateRef, scope: &Scope<'_>, holds: impl Fn(Timestamp, Timestamp) -> bool) -> Compared {
    let at = date(value, scope)?;
    Ok(match when {
        DateRef::At(text) => calendar::parse_text(text, scope.tz).is_some_and(|when| holds(at, when)),
        DateRef::FromNow(span) => holds(calendar::sub(at, span, scope.tz), scope.now),
    })
}

fn same_kind(a: &Value, b: &Value) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Whether two values are the same. Numbers are by what they say, so 1 is 1.0, inside of lists and objects too.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => number_order(a, b).is_some_and(Ordering::is_eq),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Value::Null | Value::Bool(_) | Value::String(_), b) => a == b,
        (Value::Number(_) | Value::Array(_) | Value::Object(_), _) => false,
    }
}

/// The exact order of two numbers. `None` for what JSON cannot say, such as NaN.
fn number_order(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => whole_to_float(a, b.as_f64()?),
        (None, Some(b)) => whole_to_float(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Going through `f64` would lose digits of the whole number, so the float is taken apart instead.
fn whole_to_float(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, far beyond any whole number of JSON")]
    let trunc = float.trunc() as i128;
    Some(whole.cmp(&trunc).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0))))
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Explanations stay with the run, so a long value is kept in short.
fn excerpt(value: &Value) -> Value {
    const CHARS: usize = 200;
    const ITEMS: usize = 16;
    match value {
        Value::String(text) if text.len() > CHARS => {
            let end = text.floor_char_boundary(CHARS);
            Value::String(format!("{}…", &text[..end]))
        }
        Value::Array(items) if items.len() > ITEMS || items.iter().any(is_nested) => {
            Value::String(format!("a list of {}", items.len()))
        }
        Value::Array(items) => Value::Array(items.iter().map(excerpt).collect()),
        Value::Object(fields) => Value::String(format!("an object of {}", fields.len())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

const fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}
