//! Permission: whether a mail may go out to this contact at this moment (S11).

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::walk::Walk;
use crate::calendar::{self, Opening};
use crate::contact::Subscription;
use crate::explain::Explanation;
use crate::ids::TopicId;
use crate::run::Outcome;
use crate::version::{Cap, Class, OnCapped, OnClosed};

/// The answer.
pub(super) enum Permit {
    /// It may go out. `counted`: it counts against a cap.
    Send { counted: bool },
    /// It is left out, for this reason.
    Skip(&'static str),
    /// It has to wait.
    Defer { until: Timestamp },
    /// The run ends, for this reason.
    Exit(&'static str),
    /// The run ends so: nothing that is still ahead of it may go out to this contact.
    End(Outcome),
}

/// Asks everything that can forbid a mail, the lasting reasons first.
pub(super) fn ask(walk: &Walk<'_>, why: &mut Vec<Explanation>) -> Permit {
    address(walk, why)
        .or_else(|| subscription(walk, why))
        .or_else(|| window(walk, why))
        .or_else(|| cap(walk, why))
        .unwrap_or(Permit::Send { counted: walk.moment.version.policy.cap.is_some() })
}

fn address(walk: &Walk<'_>, why: &mut Vec<Explanation>) -> Option<Permit> {
    if walk.contact.email.is_none() {
        why.push(Explanation::new("has an address", false, "contact"));
        return Some(Permit::Skip("no_address"));
    }
    let suppression = walk.contact.suppressed?;
    let found = match suppression {
        crate::contact::Suppression::Bounced => "bounced",
        crate::contact::Suppression::Complained => "complained",
    };
    why.push(Explanation::new("not suppressed", false, "contact").observed(found));
    Some(match walk.moment.version.class {
        // The rest of the workflow may be what a bounce asks for: a call instead.
        Class::Care | Class::Operational => Permit::Skip("suppressed"),
        Class::Marketing => Permit::End(Outcome::Suppressed),
    })
}

fn subscription(walk: &Walk<'_>, why: &mut Vec<Explanation>) -> Option<Permit> {
    match walk.moment.version.class {
        Class::Care | Class::Operational => None,
        Class::Marketing => {
            let answer = answer(walk);
            why.push(answered(walk, answer));
            match answer {
                Some(Subscription::Subscribed) => None,
                Some(Subscription::Unsubscribed) => Some(Permit::End(Outcome::Unsubscribed)),
                None => Some(Permit::Skip("not_subscribed")),
            }
        }
    }
}

/// Why a marketing run is over, where its contact has just unsubscribed from its topic. Whoever has said yes again since
/// has not; and whoever had said no before is asked about at the next mail.
pub(super) fn unsubscribes(walk: &Walk<'_>, topics: &BTreeSet<TopicId>) -> Option<Explanation> {
    let version = walk.moment.version;
    let asked = version.class == Class::Marketing && version.topic.as_ref().is_some_and(|topic| topics.contains(topic));
    let answer = answer(walk);
    (asked && answer == Some(Subscription::Unsubscribed)).then(|| answered(walk, answer))
}

/// What the contact has said about the topic of the run.
fn answer(walk: &Walk<'_>) -> Option<Subscription> {
    walk.moment.version.topic.as_ref().and_then(|topic| walk.contact.topics.get(topic).copied())
}

fn answered(walk: &Walk<'_>, answer: Option<Subscription>) -> Explanation {
    let topic = walk.moment.version.topic.as_ref().map_or("", |topic| topic.as_str());
    let found = match answer {
        Some(Subscription::Subscribed) => "subscribed",
        Some(Subscription::Unsubscribed) => "unsubscribed",
        None => "no answer",
    };
    let yes = answer == Some(Subscription::Subscribed);
    Explanation::new(format!("subscribed to {topic}"), yes, "contact").observed(found).expected("subscribed")
}

fn window(walk: &Walk<'_>, why: &mut Vec<Explanation>) -> Option<Permit> {
    let policy = &walk.moment.version.policy;
    if policy.window.is_none() && policy.days.is_empty() {
        return None;
    }
    let zone = walk.zone();
    let local = zone.tz.to_datetime(walk.now());
    let opening = calendar::opening(policy, walk.now(), &zone.tz);
    let said = |open: bool| {
        Explanation::new("send window open", open, zone.source.as_str())
            .observed(local.strftime("%a %H:%M").to_string())
    };
    let until = match opening {
        Opening::Open => {
            why.push(said(true));
            return None;
        }
        Opening::ClosedUntil(until) => until,
        Opening::Never => {
            why.push(said(false).expected("never opens"));
            return Some(Permit::Skip("window_never_opens"));
        }
    };
    why.push(said(false).expected(until.to_string()));
    Some(match policy.on_closed {
        OnClosed::Defer => Permit::Defer { until },
        OnClosed::Skip => Permit::Skip("window_closed"),
        OnClosed::Exit => Permit::Exit("window_closed"),
    })
}

fn cap(walk: &Walk<'_>, why: &mut Vec<Explanation>) -> Option<Permit> {
    let cap = walk.moment.version.policy.cap.as_ref()?;
    let recent = recent_mails(walk, cap);
    let open = recent.len() < usize::try_from(cap.max).unwrap_or(usize::MAX);
    why.push(Explanation::new("mails under the cap", open, "contact").observed(recent.len()).expected(cap.max));
    if open {
        return None;
    }
    Some(match cap.on_capped {
        OnCapped::Skip => Permit::Skip("capped"),
        OnCapped::Exit => Permit::Exit("capped"),
        OnCapped::Defer => {
            // One place becomes free when the mail that fills the cap grows too old to count.
            let blocking = recent.len().saturating_sub(usize::try_from(cap.max).unwrap_or(usize::MAX));
            let oldest = recent.get(blocking).copied().unwrap_or_else(|| walk.now());
            Permit::Defer { until: calendar::add(oldest, &cap.per, &walk.zone().tz) }
        }
    })
}

/// The mails that count against the cap now, oldest first.
fn recent_mails(walk: &Walk<'_>, cap: &Cap) -> Vec<Timestamp> {
    let tz = &walk.zone().tz;
    let counts = |at: &Timestamp| calendar::add(*at, &cap.per, tz) > walk.now();
    let mut recent: Vec<_> = walk.contact.capped_mails.iter().map(|mail| mail.at).filter(counts).collect();
    recent.sort_unstable();
    recent
}

/// The code of a reason as it stands on a message.
pub(super) const fn code(reason: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(reason)
}
