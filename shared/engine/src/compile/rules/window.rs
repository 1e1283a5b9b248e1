//! W016: windows.

use jiff::civil::{Time, Weekday};

use super::Subject;
use crate::document::Faults;

const DAY: i32 = 24 * 60;
const LEAST: i32 = 120;
/// The local times, in minutes, that clocks jump over somewhere when they go forward, and on which day they do: in Cairo;
/// Jerusalem; Gaza; on Easter Island; in Nuuk; Havana and Beirut; London; at Troll, by two hours; in Chicago and Berlin;
/// on the Chatham Islands; in Athens. A test holds them against the time zone database.
const GAPS: [(Weekday, i32, i32); 11] = [
    (Weekday::Friday, 0, 60),
    (Weekday::Friday, 120, 180),
    (Weekday::Saturday, 120, 180),
    (Weekday::Saturday, 22 * 60, 23 * 60),
    (Weekday::Saturday, 23 * 60, DAY),
    (Weekday::Sunday, 0, 60),
    (Weekday::Sunday, 60, 120),
    (Weekday::Sunday, 60, 180),
    (Weekday::Sunday, 120, 180),
    (Weekday::Sunday, 165, 225),
    (Weekday::Sunday, 180, 240),
];

/// W016: a window that leaves under two hours, always or where it meets the hour that clocks jump over.
pub(crate) fn too_narrow(subject: &Subject<'_>, faults: &mut Faults) {
    let policy = &subject.version.policy;
    let Some(window) = policy.window else { return };
    let (from, to) = (minutes(window.from), minutes(window.to));
    if from == to {
        return;
    }
    // A window over midnight goes on into the day after the one that it opened on.
    let stretches = if from < to { vec![(0, from, to)] } else { vec![(0, from, DAY), (1, 0, to)] };
    let open: i32 = stretches.iter().map(|(_, from, to)| to - from).sum();
    let opens = |day: Weekday| policy.days.is_empty() || policy.days.contains(&day);
    let lost = |(day, start, end): (Weekday, i32, i32)| -> i32 {
        let of = |(late, from, to): &(i64, i32, i32)| {
            if opens(day.wrapping_sub(*late)) { (end.min(*to) - start.max(*from)).max(0) } else { 0 }
        };
        stretches.iter().map(of).sum()
    };
    let most = GAPS.into_iter().map(lost).max().unwrap_or_default();
    let message = if open < LEAST {
        format!(
            "This window is open for {open} minutes a day. Leave at least two hours, so that every mail finds its time."
        )
    } else if open - most < LEAST {
        format!(
            "On the day on which clocks go forward this window is open for {} minutes in some zones. Move it into the day, or \
             make it longer.",
            open - most
        )
    } else {
        return;
    };
    faults.rule_at("W016", "/send_policy/window", message);
}

fn minutes(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    /// Zones come and go and change their rules: what is written down here has to be what the database says.
    #[test]
    fn the_gaps_are_those_of_the_time_zone_database() {
        let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let to: Timestamp = "2036-01-01T00:00:00Z".parse().unwrap();
        let mut met = [false; GAPS.len()];
        for name in jiff::tz::db().available() {
            let tz = TimeZone::get(name.as_str()).unwrap();
            let mut before = tz.to_offset(from);
            for change in tz.following(from).take_while(|change| change.timestamp() < to) {
                let jump = (change.offset().seconds() - before.seconds()) / 60;
                if jump > 0 {
                    let start = before.to_datetime(change.timestamp());
                    let (day, start) = (start.weekday(), minutes(start.time()));
                    let covers = |gap: &(Weekday, i32, i32)| gap.0 == day && gap.1 <= start && start + jump <= gap.2;
                    assert!(GAPS.iter().any(covers), "{name:?} jumps over {jump} minutes at {day:?} {start}");
                    for (met, gap) in met.iter_mut().zip(GAPS) {
                        *met |= covers(&gap);
                    }
                }
                before = change.offset();
            }
        }
        assert_eq!(met, [true; GAPS.len()], "a gap that is nowhere any more");
    }
}
