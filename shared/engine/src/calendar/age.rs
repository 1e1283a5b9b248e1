//! Ages.

use jiff::civil::Date;

/// Whole years from `birth` to `on`; negative before birth. Who was born on February 29 grows older on February 28 in
/// the years that have no 29th.
pub fn age(birth: Date, on: Date) -> i32 {
    let last_day = if on.in_leap_year() { 29 } else { 28 };
    let birthday = if birth.month() == 2 { birth.day().min(last_day) } else { birth.day() };
    let years = i32::from(on.year()) - i32::from(birth.year());
    if (on.month(), on.day()) < (birth.month(), birthday) { years - 1 } else { years }
}
