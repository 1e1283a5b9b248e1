//! Sending: claim, answer, and what is done while nobody knows (S7, S8, S10).

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::permit::{self, Permit};
use super::settle;
use super::walk::Walk;
use super::{Alarm, Answer, Decision, Fault, Stale};
use crate::contact::CappedMail;
use crate::explain::Explanation;
use crate::run::{
    CLAIM_TIME, Claim, Edge, FirstSeen, Message, MessageState, OpenSend, Outcome, State, UNKNOWN_LOOKS, address_mark,
    later,
};
use crate::version::{OnUnknown, StepIndex, StepKind, Target, Version};

/// How long mails are remembered for caps, at least: the longest rolling time that a cap may ask for.
const CAP_MEMORY: SignedDuration = SignedDuration::from_hours(24 * 31);

/// How often a mail is tried that is to be sent again where nobody can say whether it was.
pub(super) const MOST_ATTEMPTS: u32 = 3;

struct SendStep {
    next: Target,
    on_failure: Target,
}

/// Whether a step sends a mail.
pub(super) fn is_send(version: &Version, index: StepIndex) -> bool {
    version.step(index).is_some_and(|step| step.kind.template().is_some())
}

fn send_step(walk: &Walk<'_>, index: StepIndex) -> Result<SendStep, Fault> {
    let StepKind::Send { next, on_failure, .. } = &walk.step(index)?.kind else {
        return Err(Fault::WrongKind);
    };
    Ok(SendStep { next: *next, on_failure: on_failure.unwrap_or(*next) })
}

/// Claims the mail of `step`, if it may be sent at all.
pub(super) fn claim(mut walk: Walk<'_>, step: StepIndex) -> Result<Decision, Fault> {
    let edges = send_step(&walk, step)?;
    if walk.moment.paused {
        let state = walk.run.state.clone();
        return walk.pause(state);
    }
    let mut why = Vec::new();
    match permit::ask(&walk, &mut why) {
        Permit::Send { counted } => {
            let now = walk.now();
            walk.explain(why);
            let to = walk.contact.email.as_ref().map(|email| address_mark(&walk.run.id, email.expose()));
            let message = message(&mut walk, step, MessageState::Claimed, None);
            message.to = to;
            message.attempt += 1;
            let attempt = message.attempt;
            if counted {
                count(&mut walk, step);
            }
            walk.rest(State::Claimed { step, claim: Claim { attempt, deadline: later(now, CLAIM_TIME), place: None } })
        }
        Permit::Skip(reason) => {
            message(&mut walk, step, MessageState::Skipped, Some(permit::code(reason)));
            walk.leave(Edge::Skipped, edges.next, why)
        }
        Permit::Defer { until } => {
            explain_once(&mut walk, why);
            walk.rest(State::Ready { step, due: until })
        }
        Permit::Exit(reason) => {
            message(&mut walk, step, MessageState::Skipped, Some(permit::code(reason)));
            walk.end(Outcome::Exited(permit::code(reason)), why)
        }
        Permit::End(outcome) => {
            message(&mut walk, step, MessageState::Skipped, Some(permit::code(outcome.reason())));
            walk.end(outcome, why)
        }
    }
}

/// A mail that is deferred again and again for the same reason says so once.
fn explain_once(walk: &mut Walk<'_>, why: Vec<Explanation>) {
    let known = |new: &Explanation| {
        walk.run.visits.last().is_some_and(|visit| visit.explanation.iter().any(|old| old.test == new.test))
    };
    let new: Vec<_> = why.into_iter().filter(|why| !known(why)).collect();
    walk.explain(new);
}

/// The mail has to wait, by the shell's account: for the rate of the mail service.
pub(super) fn defer(walk: Walk<'_>, step: StepIndex, until: Timestamp, reason: &str) -> Result<Decision, Fault> {
    let mut walk = walk;
    explain_once(&mut walk, vec![Explanation::new(format!("deferred: {reason}"), true, "mail service")]);
    walk.rest(State::Ready { step, due: until })
}

/// The mail could not be made.
pub(super) fn fail(mut walk: Walk<'_>, step: StepIndex, code: Cow<'static, str>) -> Result<Decision, Fault> {
    let edges = send_step(&walk, step)?;
    message(&mut walk, step, MessageState::Failed, Some(code.clone()));
    let why = Explanation::new("mail could be made", false, "template").observed(code.into_owned());
    walk.leave(Edge::OnFailure, edges.on_failure, vec![why])
}

/// The mail service answers to the claim that the run is in.
pub(super) fn answered(mut walk: Walk<'_>, step: StepIndex, attempt: u32, answer: &Answer) -> Result<Decision, Fault> {
    let edges = send_step(&walk, step)?;
    match answer {
        Answer::Accepted { id, delivered } => {
            accept(&mut walk, step, id, *delivered);
            walk.leave(Edge::Next, edges.next, Vec::new())
        }
        Answer::Refused(code) => {
            message(&mut walk, step, MessageState::Failed, Some(code.clone()));
            uncount(&mut walk, step);
            let why = Explanation::new("accepted by the mail service", false, "mail service").observed(code.as_ref());
            walk.leave(Edge::OnFailure, edges.on_failure, vec![why])
        }
        Answer::Throttled { until } => {
            message(&mut walk, step, MessageState::Released, None);
            uncount(&mut walk, step);
            walk.rest(State::Ready { step, due: *until })
        }
        Answer::Unknown => became_unknown(walk, step, attempt),
    }
}

/// Evidence about an attempt that nobody knew about (S8).
pub(super) fn settled(mut walk: Walk<'_>, step: StepIndex, attempt: u32, answer: &Answer) -> Result<Decision, Fault> {
    if *answer == Answer::Unknown {
        // No news: it is unknown already.
        return Ok(Decision::Ignore(Stale::Known));
    }
    walk.alarms.push(Alarm::UnknownSettled);
    answered(walk, step, attempt, answer)
}

/// The claim ran out, or its attempt ended without an answer.
pub(super) fn became_unknown(mut walk: Walk<'_>, step: StepIndex, attempt: u32) -> Result<Decision, Fault> {
    let since = walk.now();
    let deadline = walk.run.state.deadline().unwrap_or(since);
    message(&mut walk, step, MessageState::Unknown, None);
    walk.alarms.push(Alarm::Unknown);
    walk.rest(State::Unknown { step, attempt, since, looks: 0, deadline })
}

/// An unknown send is looked at again, and in the end decided by the author's `on_unknown`. What is on its way may still
/// tell of the mail, so it is sent again only where nothing is: where all has been `silent`.
pub(super) fn look_again(
    mut walk: Walk<'_>,
    (step, attempt): (StepIndex, u32),
    since: Timestamp,
    looks: u8,
    silent: bool,
) -> Result<Decision, Fault> {
    send_step(&walk, step)?;
    let looks = looks.saturating_add(1);
    if usize::from(looks) < UNKNOWN_LOOKS.len() {
        let deadline = walk.run.state.deadline().unwrap_or(since);
        return walk.rest(State::Unknown { step, attempt, since, looks, deadline });
    }
    walk.alarms.push(Alarm::UnknownSettled);
    match settle::decision(walk.moment.version, step, attempt) {
        OnUnknown::Resend if silent => {
            let now = walk.now();
            message(&mut walk, step, MessageState::Released, Some("resend".into()));
            walk.rest(State::Ready { step, due: now })
        }
        asked @ (OnUnknown::TreatAsSent | OnUnknown::Resend) => {
            let source = match asked {
                OnUnknown::TreatAsSent => "no evidence in 24 h",
                OnUnknown::Resend => "no evidence in 24 h, and some may be on its way",
            };
            let why = Explanation::new("known to be sent", false, source).expected("treat_as_sent");
            go_on(walk, step, "treated_as_sent", vec![why])
        }
    }
}

/// Goes on as if the mail service had taken the mail; `reason` says why that is assumed.
pub(super) fn go_on(
    mut walk: Walk<'_>,
    step: StepIndex,
    reason: &'static str,
    why: Vec<Explanation>,
) -> Result<Decision, Fault> {
    let edges = send_step(&walk, step)?;
    message(&mut walk, step, MessageState::Sent, Some(reason.into()));
    walk.leave(Edge::Next, edges.next, why)
}

/// A run that is over has a send to settle.
pub(super) fn open_send_is_due(mut walk: Walk<'_>, open: &OpenSend) -> Result<Decision, Fault> {
    if walk.now() < open.due {
        return Ok(Decision::Ignore(Stale::NotDue));
    }
    let waiting = walk.run.messages.get(&open.step).is_some_and(|message| message.state == MessageState::Claimed);
    let still_open = if waiting {
        message(&mut walk, open.step, MessageState::Unknown, None);
        walk.alarms.push(Alarm::Unknown);
        Some(OpenSend { due: later(walk.now(), UNKNOWN_LOOKS[3]), ..open.clone() })
    } else {
        message(&mut walk, open.step, MessageState::Sent, Some("treated_as_sent".into()));
        walk.alarms.push(Alarm::UnknownSettled);
        None
    };
    set_open(&mut walk, still_open);
    Ok(walk.finish())
}

/// An answer to an attempt that the run is past, or that outlived it.
pub(super) fn late(mut walk: Walk<'_>, step: StepIndex, attempt: u32, answer: &Answer) -> Result<Decision, Fault> {
    let Some(message) = walk.run.messages.get(&step) else {
        return Ok(Decision::Ignore(Stale::NotThere));
    };
    let open = message.attempt == attempt && matches!(message.state, MessageState::Claimed | MessageState::Unknown);
    let unknown = message.state == MessageState::Unknown;
    let known = |id: &str| message.ids.iter().any(|known| known == id);
    match answer {
        // A repeat: the mail service's own event was faster than its answer.
        Answer::Accepted { id, .. } if known(id) => return Ok(Decision::Ignore(Stale::Known)),
        Answer::Accepted { id, delivered } => {
            accept(&mut walk, step, id, *delivered);
        }
        Answer::Refused(code) if open => {
            self::message(&mut walk, step, MessageState::Failed, Some(code.clone()));
        }
        Answer::Throttled { .. } if open => {
            self::message(&mut walk, step, MessageState::Failed, Some("not_sent".into()));
        }
        Answer::Unknown if open && !unknown => {
            self::message(&mut walk, step, MessageState::Unknown, None);
            walk.alarms.push(Alarm::Unknown);
            let due = later(walk.now(), UNKNOWN_LOOKS[3]);
            set_open(&mut walk, Some(OpenSend { step, attempt, due }));
            return Ok(walk.finish());
        }
        Answer::Refused(_) | Answer::Throttled { .. } | Answer::Unknown => {
            return Ok(Decision::Ignore(Stale::NotThere));
        }
    }
    if open {
        if unknown {
            walk.alarms.push(Alarm::UnknownSettled);
        }
        set_open(&mut walk, None);
    }
    Ok(walk.finish())
}

pub(super) fn set_open(walk: &mut Walk<'_>, send: Option<OpenSend>) {
    if let State::Ended { open, .. } = &mut walk.run.state {
        *open = send;
    }
}

/// Writes down that the mail service took the mail. A second id for one visit is a duplicate (S9).
pub(super) fn accept(walk: &mut Walk<'_>, step: StepIndex, id: &str, delivered: bool) {
    let now = walk.now();
    let message = message(walk, step, MessageState::Sent, None);
    if delivered {
        message.delivered.get_or_insert(now);
    }
    if !message.ids.iter().any(|known| known == id) {
        message.ids.push(id.to_owned());
        if message.ids.len() > 1 {
            walk.alarms.push(Alarm::DuplicateSend);
        }
    }
}

/// The record of a step's mail, in its new state.
pub(super) fn message<'w>(
    walk: &'w mut Walk<'_>,
    step: StepIndex,
    state: MessageState,
    reason: Option<Cow<'static, str>>,
) -> &'w mut Message {
    let at = walk.now();
    let message = walk.run.messages.entry(step).or_insert_with(|| Message {
        state,
        reason: None,
        attempt: 0,
        at,
        ids: Vec::new(),
        to: None,
        delivered: None,
        bounced: None,
        complained: None,
        unsubscribed: None,
        opened: FirstSeen::default(),
        clicked: std::collections::BTreeMap::new(),
    });
    (message.state, message.reason, message.at) = (state, reason, at);
    message
}

/// Counts a mail against the contact's cap, together with its claim, so that two runs cannot take the last place.
fn count(walk: &mut Walk<'_>, step: StepIndex) {
    let (at, run, step) = (walk.now(), walk.run.id.clone(), walk.run.tag(step));
    let contact = walk.contact.to_mut();
    contact.capped_mails.retain(|mail| later(mail.at, CAP_MEMORY) > at);
    contact.capped_mails.push(CappedMail { at, run, step });
}

/// A mail that was certainly not sent does not count.
fn uncount(walk: &mut Walk<'_>, step: StepIndex) {
    let (run, step) = (walk.run.id.clone(), walk.run.tag(step));
    let counted = |mail: &CappedMail| mail.step == step && mail.run == run;
    if walk.contact.capped_mails.iter().any(counted) {
        walk.contact.to_mut().capped_mails.retain(|mail| !counted(mail));
    }
}
