//! W016: windows.

use jiff::civil::Time;

use super::Subject;
use crate::document::Faults;

const DAY: i32 = 24 * 60;
const LEAST: i32 = 120;
/// The local times, in minutes, that are left out somewhere on the day on which clocks go forward: at midnight in Beirut
/// and Havana, at one in London, at two in Chicago and Berlin, at three in Athens, at eleven at night in Nuuk.
const GAPS: [(i32, i32); 5] = [(0, 60), (60, 120), (120, 180), (180, 240), (DAY - 60, DAY)];

/// W016: a window that leaves under two hours, always or where it meets the hour that clocks jump over.
pub(crate) fn too_narrow(subject: &Subject<'_>, faults: &mut Faults) {
    let Some(window) = subject.version.policy.window else { return };
    let (from, to) = (minutes(window.from), minutes(window.to));
    if from == to {
        return;
    }
    // A window over midnight is two stretches of a day.
    let stretches = if from < to { vec![(from, to)] } else { vec![(from, DAY), (0, to)] };
    let open: i32 = stretches.iter().map(|(from, to)| to - from).sum();
    let lost = |gap: (i32, i32)| -> i32 {
        stretches.iter().map(|(from, to)| (gap.1.min(*to) - gap.0.max(*from)).max(0)).sum()
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
