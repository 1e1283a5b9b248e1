//! Engagement: what the mail service tells later of a mail. The first of each kind is kept, and may move the run.

use jiff::Timestamp;

use super::machine::{self, HIDDEN_LINK};
use super::walk::Walk;
use super::{Answer, heard, send, wait};
use super::{Decision, Engagement, EngagementKind, Fault, REJECTED, Reader, Stale};
use crate::contact::{Attributes, CLICKED, OPENED, Suppression};
use crate::run::{FirstSeen, MessageState, State, address_mark, later};

/// Writes the engagement down and looks what it moves.
pub(super) fn record(mut walk: Walk<'_>, engagement: &Engagement) -> Result<Decision, Fault> {
    let step = engagement.step;
    let Some(message) = walk.run.messages.get(&step) else {
        return Ok(Decision::Ignore(Stale::NotThere));
    };
    if message.attempt == 0 {
        return Ok(Decision::Ignore(Stale::NotThere));
    }
    match &engagement.kind {
        EngagementKind::Sent => return sent(walk, engagement),
        EngagementKind::Rejected => return rejected(walk, engagement),
        EngagementKind::Unsubscribed => return Ok(unsubscribed(walk, engagement)),
        EngagementKind::Delivered
        | EngagementKind::Opened
        | EngagementKind::Clicked { .. }
        | EngagementKind::Bounced { .. }
        | EngagementKind::Complained => {}
    }
    // Whatever happened to a mail, it was sent: this settles what is open or unknown (S8).
    let unsettled = matches!(message.state, MessageState::Claimed | MessageState::Unknown);
    let before = message.clone();
    note(&mut walk, engagement);
    if let Some(message) = walk.run.messages.get_mut(&step) {
        machine::correct(message);
    }
    let news = remember(&mut walk, engagement) | (walk.run.messages.get(&step) != Some(&before));
    suppress(&mut walk, engagement);
    if unsettled {
        return sent(walk, engagement);
    }
    if !news {
        // The first of each kind is kept; SES tells some things several times.
        return Ok(Decision::Ignore(Stale::Known));
    }
    walk.noted = true;
    moved(walk)
}

/// The contact's answer moves its runs by itself; here it is only noted on the mail that brought it about.
fn unsubscribed(mut walk: Walk<'_>, engagement: &Engagement) -> Decision {
    if note(&mut walk, engagement) { walk.finish() } else { Decision::Ignore(Stale::Known) }
}

/// Where the engagement ends the run, or the wait that it is in.
fn moved(walk: Walk<'_>) -> Result<Decision, Fault> {
    if walk.run.is_ended() {
        return Ok(walk.finish());
    }
    if let Some((outcome, why)) = heard::condition_ends(&walk) {
        return walk.end(outcome, why);
    }
    if let State::Waiting { step, since, until, .. } = walk.run.state {
        return wait::look(walk, step, since, until);
    }
    Ok(walk.finish())
}

fn accepted(engagement: &Engagement) -> Answer {
    Answer::Accepted { id: engagement.message.clone(), delivered: false }
}

/// A Send event settles the attempt it belongs to; with another id than the known one it tells of a duplicate (S9).
fn sent(walk: Walk<'_>, engagement: &Engagement) -> Result<Decision, Fault> {
    let (step, attempt) = (engagement.step, engagement.attempt);
    match &walk.run.state {
        State::Claimed { step: at, claim } if *at == step && claim.attempt == attempt => {
            send::answered(walk, step, attempt, &accepted(engagement))
        }
        State::Unknown { step: at, attempt: of, .. } if *at == step && *of == attempt => {
            send::settled(walk, step, attempt, &accepted(engagement))
        }
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
        | State::Paused { .. }
        | State::Ended { .. } => send::late(walk, step, attempt, &accepted(engagement)),
    }
}

fn rejected(mut walk: Walk<'_>, engagement: &Engagement) -> Result<Decision, Fault> {
    let (step, attempt) = (engagement.step, engagement.attempt);
    let refused = Answer::Refused(REJECTED.into());
    match &walk.run.state {
        State::Claimed { step: at, claim } if *at == step && claim.attempt == attempt => {
            send::answered(walk, step, attempt, &refused)
        }
        State::Unknown { step: at, attempt: of, .. } if *at == step && *of == attempt => {
            send::settled(walk, step, attempt, &refused)
        }
        State::Ready { .. }
        | State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
        | State::Paused { .. }
        | State::Ended { .. } => {
            let Some(message) = walk.run.messages.get(&step).filter(|message| message.attempt == attempt) else {
                // Of an attempt before the last: that it was not sent is known, since another was made.
                return Ok(Decision::Ignore(Stale::NotThere));
            };
            match message.state {
                MessageState::Failed => Ok(Decision::Ignore(Stale::Known)),
                MessageState::Claimed | MessageState::Unknown => send::late(walk, step, attempt, &refused),
                MessageState::Released | MessageState::Sent | MessageState::Skipped => {
                    send::message(&mut walk, step, MessageState::Failed, Some(REJECTED.into()));
                    Ok(walk.finish())
                }
            }
        }
    }
}

/// Keeps the first of each kind. `false` where it is known already.
fn note(walk: &mut Walk<'_>, engagement: &Engagement) -> bool {
    let Some(message) = walk.run.messages.get_mut(&engagement.step) else {
        return false;
    };
    let at = engagement.at;
    let slot = match &engagement.kind {
        EngagementKind::Sent | EngagementKind::Rejected => return false,
        EngagementKind::Delivered => &mut message.delivered,
        EngagementKind::Bounced { .. } => &mut message.bounced,
        EngagementKind::Complained => &mut message.complained,
        EngagementKind::Unsubscribed => &mut message.unsubscribed,
        EngagementKind::Opened => return see(&mut message.opened, at, engagement.by),
        EngagementKind::Clicked { link } => {
            let by = if link == HIDDEN_LINK { Reader::Machine } else { engagement.by };
            return see(message.clicked.entry(link.clone()).or_default(), at, by);
        }
    };
    let news = slot.is_none();
    slot.get_or_insert(at);
    news
}

/// Keeps who saw it first. The same word again may say more of who it was than before.
fn see(seen: &mut FirstSeen, at: Timestamp, by: Reader) -> bool {
    let before = *seen;
    match (by, seen.human) {
        (Reader::Machine, Some(human)) if human == at && seen.unsure => seen.correct(),
        (Reader::Machine, _) => _ = seen.machine.get_or_insert(at),
        // It was told before, and has turned out to have been a machine.
        (Reader::Unsaid, _) if seen.corrected == Some(at) || seen.machine == Some(at) => {}
        (Reader::Unsaid, None) => (seen.human, seen.unsure) = (Some(at), true),
        (Reader::Unsaid, Some(human)) if seen.unsure && seen.next.is_none() && at > later(human, machine::SCAN) => {
            seen.next = Some(at);
        }
        // Whoever is known to be a person counts before somebody who may be one.
        (Reader::Person, human) if human.is_none() || seen.unsure => {
            (seen.human, seen.unsure, seen.next) = (Some(at), false, None);
        }
        (Reader::Unsaid | Reader::Person, _) => {}
    }
    *seen != before
}

/// Whether it was a person, by all that is known of the mail now.
fn is_persons(walk: &Walk<'_>, engagement: &Engagement) -> bool {
    let Some(message) = walk.run.messages.get(&engagement.step) else { return false };
    let seen = match &engagement.kind {
        EngagementKind::Clicked { link } => message.clicked.get(link),
        EngagementKind::Opened => Some(&message.opened),
        EngagementKind::Sent
        | EngagementKind::Rejected
        | EngagementKind::Delivered
        | EngagementKind::Bounced { .. }
        | EngagementKind::Complained
        | EngagementKind::Unsubscribed => None,
    };
    engagement.by != Reader::Machine && seen.is_some_and(|seen| seen.human.is_some())
}

/// Remembers what a person did with the mail, where a condition or a trigger asks for it over all mails.
fn remember(walk: &mut Walk<'_>, engagement: &Engagement) -> bool {
    let name = match engagement.kind {
        EngagementKind::Opened => OPENED,
        EngagementKind::Clicked { .. } => CLICKED,
        EngagementKind::Sent
        | EngagementKind::Rejected
        | EngagementKind::Delivered
        | EngagementKind::Bounced { .. }
        | EngagementKind::Complained
        | EngagementKind::Unsubscribed => return false,
    };
    let Some(name) = name.parse().ok().filter(|name| walk.moment.tracked.asks_for(name)) else { return false };
    if !is_persons(walk, engagement) {
        return false;
    }
    let now = walk.now();
    let mut contact = walk.contact.clone().into_owned();
    // What a clock ahead of ours tells has happened by now.
    let at = engagement.at.min(now);
    if !walk.moment.tracked.remember(&mut contact, &name, at, &engagement.message, &Attributes::new()) {
        return false;
    }
    contact.updated_at = now;
    *walk.contact.to_mut() = contact;
    true
}

/// A permanent bounce or a complaint closes the address for all mail: that which the mail went to, and not the one that the
/// contact has got since.
fn suppress(walk: &mut Walk<'_>, engagement: &Engagement) {
    let suppression = match engagement.kind {
        EngagementKind::Bounced { permanent: true } => Suppression::Bounced,
        EngagementKind::Complained => Suppression::Complained,
        EngagementKind::Sent
        | EngagementKind::Rejected
        | EngagementKind::Delivered
        | EngagementKind::Opened
        | EngagementKind::Clicked { .. }
        | EngagementKind::Unsubscribed
        | EngagementKind::Bounced { permanent: false } => return,
    };
    let sent_to = walk.run.messages.get(&engagement.step).and_then(|message| message.to);
    let address = walk.contact.email.as_ref().map(|email| address_mark(&walk.run.id, email.expose()));
    if sent_to.is_some() && sent_to != address {
        return;
    }
    if walk.contact.suppressed.is_none() {
        let now = walk.now();
        let contact = walk.contact.to_mut();
        contact.suppressed = Some(suppression);
        contact.updated_at = now;
    }
}
