//! Tests on what became of the mails of a run.

use jiff::{Span, Timestamp};
use serde_json::Value;

use super::compare::Found;
use super::eval::Scope;
use super::{EngagedKind, TestKind};
use crate::calendar;
use crate::run::{FirstSeen, Message};

/// How the test comes out. What was found is the time of the first engagement that counts.
pub(super) fn found(test: &TestKind, scope: &Scope<'_>) -> Found {
    match time(test, scope) {
        Some(at) => Found::new(Value::String(at.to_string()), true, "engagement"),
        None => Found::missing(false, "engagement"),
    }
}

/// When that happened which the test asks for, for the first time that counts. `None` for tests of another kind.
pub(super) fn time(test: &TestKind, scope: &Scope<'_>) -> Option<Timestamp> {
    let TestKind::Engaged { kind, step, link, within, machines } = test else { return None };
    let run = scope.run?;
    let counts = Counts { within: within.as_ref(), machines: *machines, scope };
    let mails = run.messages.iter().filter(|(at, _)| step.is_none_or(|step| **at == step));
    mails.filter_map(|(_, mail)| first(mail, *kind, link.as_deref(), &counts)).min()
}

fn first(mail: &Message, kind: EngagedKind, link: Option<&str>, counts: &Counts<'_>) -> Option<Timestamp> {
    match kind {
        EngagedKind::Opened => counts.first(&mail.opened),
        EngagedKind::Clicked => match link {
            Some(link) => mail.clicked.get(link).and_then(|seen| counts.first(seen)),
            None => mail.clicked.values().filter_map(|seen| counts.first(seen)).min(),
        },
        EngagedKind::Delivered => mail.delivered.filter(|at| counts.at(*at)),
        EngagedKind::Bounced => mail.bounced.filter(|at| counts.at(*at)),
        EngagedKind::Complained => mail.complained.filter(|at| counts.at(*at)),
    }
}

/// Which engagements count.
struct Counts<'a> {
    within: Option<&'a Span>,
    machines: bool,
    scope: &'a Scope<'a>,
}

impl Counts<'_> {
    fn at(&self, at: Timestamp) -> bool {
        let Scope { since, cutoff, now, tz, .. } = *self.scope;
        since.is_none_or(|since| at >= since)
            && cutoff.is_none_or(|cutoff| at <= cutoff)
            && self.within.is_none_or(|span| calendar::add(at, span, tz) >= now)
    }

    /// A person and a machine are looked at one by one: the first of them may be too early, and the second count.
    fn first(&self, seen: &FirstSeen) -> Option<Timestamp> {
        let machine = seen.machine.filter(|_| self.machines);
        [seen.human, machine].into_iter().flatten().filter(|at| self.at(*at)).min()
    }
}
