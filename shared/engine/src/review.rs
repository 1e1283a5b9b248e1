//! What time alone does to a contact: dates come round, silence grows long, conditions flip (S21).
//!
//! A contact is looked at again when [`next`] says so, and not before: nobody polls.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::calendar::{self, Round};
use crate::condition::eval::Scope;
use crate::condition::{Condition, next_flip};
use crate::contact::{Attributes, Contact};
use crate::history::Tracked;
use crate::version::{Inactivity, Milestone, Trigger, Version};

/// How late a date that came round still starts a run (S14). Silence goes on, so it is never too late.
const LATE_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// What is published that time moves.
#[derive(Debug, Clone, Default)]
pub struct Timed {
    /// Versions that a date or a silence of a contact starts.
    pub versions: Vec<Arc<Version>>,
    /// The conditions of segments that time alone can flip.
    pub conditions: Vec<Arc<Condition>>,
}

/// A run that time starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What tells this time from the next: a date comes round once, wherever the contact's clock stands.
    pub occasion: String,
    /// What the run gets as its entry.
    pub payload: Attributes,
}

/// When time next does something to a contact, given that all it did until `since` is done. `None`: never.
pub fn next(
    timed: &Timed,
    contact: &Contact,
    since: Timestamp,
    now: Timestamp,
    account: &TimeZone,
) -> Option<Timestamp> {
    let starts = timed.versions.iter().filter_map(|version| comes(version, contact, since, account));
    let zone = calendar::zone_of(contact.zone.as_deref(), None, account);
    let scope = Scope { contact, event: None, entry: None, run: None, now, tz: &zone.tz, cutoff: None, since: None };
    starts.chain(timed.conditions.iter().filter_map(|condition| next_flip(condition, &scope))).min()
}

fn comes(version: &Version, contact: &Contact, since: Timestamp, account: &TimeZone) -> Option<Timestamp> {
    let zone = calendar::zone_of(contact.zone.as_deref(), version.policy.zone.as_ref(), account);
    match &version.entry.trigger {
        Trigger::Milestone(milestone) => round(milestone, contact, since, &zone.tz).map(|round| round.at),
        Trigger::Inactivity(quiet) => Some(quiet_at(quiet, contact, &zone.tz).1).filter(|at| *at > since),
        Trigger::Event { .. }
        | Trigger::Attribute { .. }
        | Trigger::Segment { .. }
        | Trigger::Schedule(_)
        | Trigger::Api => None,
    }
}

/// The run that a version starts for a contact by what time did after `since` and by `now`.
pub fn start(
    version: &Version,
    contact: &Contact,
    since: Timestamp,
    now: Timestamp,
    account: &TimeZone,
) -> Option<Start> {
    let zone = calendar::zone_of(contact.zone.as_deref(), version.policy.zone.as_ref(), account);
    match &version.entry.trigger {
        Trigger::Milestone(milestone) => {
            let recent = since.max(now.saturating_sub(LATE_LIMIT).unwrap_or(since));
            let round = round(milestone, contact, recent, &zone.tz).filter(|round| round.at <= now)?;
            let date = round.date.to_string();
            let payload = [("date", date.clone().into()), ("years", round.years.into())];
            Some(Start { occasion: date, payload: named(payload) })
        }
        Trigger::Inactivity(quiet) => {
            let (last, at) = quiet_at(quiet, contact, &zone.tz);
            let silent_since = last.to_string();
            let payload = named([("since", silent_since.clone().into())]);
            (since < at && at <= now).then_some(Start { occasion: silent_since, payload })
        }
        Trigger::Event { .. }
        | Trigger::Attribute { .. }
        | Trigger::Segment { .. }
        | Trigger::Schedule(_)
        | Trigger::Api => None,
    }
}

fn named<const N: usize>(values: [(&str, Value); N]) -> Attributes {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn round(milestone: &Milestone, contact: &Contact, after: Timestamp, tz: &TimeZone) -> Option<Round> {
    calendar::comes_round(milestone, contact.attribute(&milestone.attribute)?, after, tz)
}

/// When a contact was last heard of, and when its silence has lasted long enough. Who was never heard of, or only by what
/// happened before it came in, is silent since it came in: else a silence could be over before anybody looks for it.
fn quiet_at(quiet: &Inactivity, contact: &Contact, tz: &TimeZone) -> (Timestamp, Timestamp) {
    let heard = Tracked::last(contact, &quiet.without);
    let last = heard.map_or(contact.created_at, |heard| heard.max(contact.created_at));
    (last, calendar::add(last, &quiet.span, tz))
}
