//! The law: what a run does with an input.
//!
//! [`advance`] is total and pure. It never loops over time and never looks outside: the shell loads the run, asks, and
//! commits what it is told, on the condition that the run is still the one it asked about.

mod admit;
mod call;
mod contact;
mod emit;
mod engaged;
mod forget;
mod heard;
mod machine;
mod migrate;
mod permit;
mod send;
mod settle;
mod told;
mod wait;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::contact::{Attributes, Contact};
use crate::event::Event;
use crate::history::Tracked;
use crate::ids::{StepId, TopicId, WorkflowId};
use crate::phi::Phi;
use crate::run::{OpenSend, Run, State};
use crate::version::{StepIndex, Version};

/// What a decision is made on besides the run and the input.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// The version that the run is pinned to.
    pub version: &'a Version,
    /// The contact as it stands.
    pub contact: &'a Contact,
    /// The zone where neither contact nor workflow has one.
    pub account_zone: &'a TimeZone,
    /// Whether the workflow is paused (S15).
    pub paused: bool,
    /// What is remembered of the contact beside what the run itself needs.
    pub tracked: &'a Tracked,
}

/// Why a mail failed that its mail service took and then would not send.
pub const REJECTED: &str = "rejected";

/// What happens to a run.
#[derive(Debug, Clone)]
pub enum Input {
    /// Its time has come, or the shell thinks so.
    Due,
    /// The shell wants to send the mail of the step that the run is ready at, or to call its webhook. Whether it may is
    /// decided here, on what is known of the contact at this moment (S11): the run is then claimed, deferred, moved past
    /// the step or over.
    Claim,
    /// The mail of the step that the run is ready at has to wait.
    Defer {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: Cow<'static, str>,
    },
    /// The mail, or the body of the call, of the step that the run is ready at could not be made; the code says why.
    Fail(Cow<'static, str>),
    /// What the mail service said to an attempt.
    Answered {
        /// The send step, by its tag: see [`Run::tag`].
        step: StepIndex,
        /// The attempt.
        attempt: u32,
        /// The answer.
        answer: Answer,
    },
    /// What came of calling a webhook.
    Called {
        /// The webhook step.
        step: StepIndex,
        /// The attempt.
        attempt: u32,
        /// What came of it.
        reply: Reply,
    },
    /// What the mail service tells later of an attempt.
    Engaged(Engagement),
    /// An event of the contact.
    Heard(Event),
    /// The contact changed.
    Changed {
        /// The topics about which it said something else than before.
        topics: BTreeSet<TopicId>,
    },
    /// Somebody cancels the run.
    Cancel,
    /// The contact is being deleted.
    Delete,
    /// The workflow goes on after a pause.
    Resume,
    /// As `Due`, where every way by which word of the unknown send could come has caught up past its attempt, and none
    /// brought any: what is not known by now happened without a trace, or not at all (S8).
    Silent,
    /// Somebody knows what became of the unknown send that the run has (S8).
    Settle {
        /// Which attempt is meant; whichever is unknown where nobody says.
        attempt: Option<u32>,
        /// Whether the mail was sent.
        sent: bool,
        /// Who says so: the id of a key, or the subject of a token.
        by: String,
    },
    /// Somebody moves the run to another version (S3).
    Migrate(Migration),
}

/// The answer of [`advance`].
#[derive(Debug, Clone)]
pub enum Decision {
    /// The run changes: commit this.
    Move(Box<Transition>),
    /// Nothing changes, and why. A repeat is this.
    Ignore(Stale),
}

/// A change of a run, to be committed if the run is still at `run.revision`.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The run as it will be. Its revision is still the one that it was decided on.
    pub run: Run,
    /// The contact as it will be, where the run changes it. Committed together with the run.
    pub contact: Option<Contact>,
    /// Runs that begin in other workflows with this very commit.
    pub jumps: Vec<JumpOut>,
    /// Events of the contact that come to be with this very commit.
    pub events: Vec<Emitted>,
    /// What somebody should be told.
    pub alarms: Vec<Alarm>,
}

/// A run that a jump starts in another workflow.
#[derive(Debug, Clone)]
pub struct JumpOut {
    /// The step that jumps.
    pub from: StepIndex,
    /// Into which workflow.
    pub workflow: WorkflowId,
    /// At which step; its first where it is not given.
    pub step: Option<StepId>,
    /// What the new run gets as its entry.
    pub payload: Phi<Attributes>,
}

/// What somebody should be told: counted, and alarmed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// A second message id for one visit (S9).
    DuplicateSend,
    /// A send became unknown (S8).
    Unknown,
    /// An unknown send was settled.
    UnknownSettled,
}

/// Why an input changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// The run is over.
    Ended,
    /// It is not due yet.
    NotDue,
    /// It is somewhere else by now.
    NotThere,
    /// It is known already.
    Known,
    /// The run does not care.
    Irrelevant,
    /// The workflow is paused.
    Paused,
    /// A mail of the run is under way, or may be: it cannot move to another version before that is settled.
    Unsettled,
    /// The other version has no place for the run: see [`destination`].
    NoPlace,
}

/// A contradiction between run and version: a fault of ours, not of an author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The run is in a step that its version does not have.
    #[error("the run is in a step that its version does not have")]
    NoSuchStep,
    /// The run is at a step as if it were of another kind.
    #[error("the run's state does not fit the kind of its step")]
    WrongKind,
    /// The version is not the one that the run is pinned to.
    #[error("the run is pinned to another version")]
    WrongVersion,
}

pub use admit::{Admission, Begin, Refusal, admit, begin};
pub use call::{MOST_SAVED, Reply};
pub use emit::Emitted;
pub use machine::HIDDEN_LINK;
pub use migrate::{Migration, NoPlace, destination};
pub use settle::{SETTLED, UnknownSend, unknown_send};
pub use told::{Answer, Engagement, EngagementKind, Reader};

use walk::Walk;

/// Decides what `input` does to `run` at this `moment`.
///
/// # Errors
/// A [`Fault`] where run and version contradict each other, which only a damaged store can bring about.
pub fn advance(run: &Run, input: &Input, moment: Moment<'_>) -> Result<Decision, Fault> {
    if run.version != moment.version.number || run.workflow != moment.version.workflow {
        return Err(Fault::WrongVersion);
    }
    let Some(input) = by_place(run, input) else { return Ok(Decision::Ignore(Stale::NotThere)) };
    decide(run, &input, moment)
}

fn decide(run: &Run, input: &Input, moment: Moment<'_>) -> Result<Decision, Fault> {
    let walk = Walk::new(run, moment);
    match (&run.state, input) {
        (State::Ended { open, .. }, input) => ended(walk, open.as_ref(), input),

        // From everywhere else: what ends a run, and what a deletion takes with it.
        (_, Input::Delete) => forget::delete(walk),
        (_, Input::Cancel) => walk.end(crate::run::Outcome::Cancelled, Vec::new()),
        (_, Input::Heard(event)) => heard::event(walk, event),
        (_, Input::Changed { topics }) => heard::changed(walk, topics),
        (_, Input::Engaged(engagement)) => engaged::record(walk, engagement),

        // From everywhere else: another version, unless a mail is under way.
        (_, Input::Migrate(migration)) => migrate::migrate(walk, migration),

        // Ready: the shell claims, or says why not; steps that need no claim are done when they are due.
        (State::Ready { due, .. }, Input::Due | Input::Claim) if moment.now < *due => {
            Ok(Decision::Ignore(Stale::NotDue))
        }
        (State::Ready { step, .. }, Input::Due) => walk.resume_at(*step),
        (State::Ready { step, .. }, Input::Claim) if call::is_call(moment.version, *step) => call::claim(walk, *step),
        (State::Ready { step, .. }, Input::Fail(why)) if call::is_call(moment.version, *step) => {
            call::fail(walk, *step, why)
        }
        // A step that a pause held up need not be a send: there is no mail to claim, to defer or to fail.
        (State::Ready { step, .. }, Input::Claim | Input::Defer { .. } | Input::Fail(_))
            if !send::is_send(moment.version, *step) =>
        {
            Ok(Decision::Ignore(Stale::NotThere))
        }
        (State::Ready { step, .. }, Input::Claim) => send::claim(walk, *step),
        (State::Ready { step, .. }, Input::Defer { until, reason }) => send::defer(walk, *step, *until, reason),
        (State::Ready { step, .. }, Input::Fail(code)) => send::fail(walk, *step, code.clone()),

        // Claimed and unknown: the mail service answers, or time does.
        (State::Claimed { step, claim }, Input::Answered { step: at, attempt, answer })
            if at == step && *attempt == claim.attempt =>
        {
            send::answered(walk, *step, *attempt, answer)
        }
        (State::Unknown { step, attempt: of, .. }, Input::Answered { step: at, attempt, answer })
            if at == step && attempt == of =>
        {
            send::settled(walk, *step, *attempt, answer)
        }
        (State::Unknown { step, attempt, .. }, Input::Settle { attempt: meant, sent, by })
            if meant.is_none_or(|meant| meant == *attempt) =>
        {
            settle::by_hand(walk, *step, *attempt, *sent, by)
        }
        (State::Claimed { claim, .. } | State::Calling { claim, .. }, Input::Due)
            if claim.place.is_some() && run.state.due().is_some_and(|due| moment.now < due) =>
        {
            walk.put_down()
        }
        (State::Claimed { .. } | State::Calling { .. } | State::Waiting { .. }, Input::Due)
        | (State::Unknown { .. }, Input::Due | Input::Silent)
            if run.state.due().is_some_and(|due| moment.now < due) =>
        {
            Ok(Decision::Ignore(Stale::NotDue))
        }
        (State::Claimed { step, claim }, Input::Due) => send::became_unknown(walk, *step, claim.attempt),
        (State::Unknown { step, attempt, since, looks, .. }, Input::Due) => {
            send::look_again(walk, (*step, *attempt), *since, *looks, false)
        }
        (State::Unknown { step, attempt, since, looks, .. }, Input::Silent) => {
            send::look_again(walk, (*step, *attempt), *since, *looks, true)
        }

        // Calling: the other end answers, or the claim runs out.
        (State::Calling { step, claim }, Input::Called { step: at, attempt, reply })
            if at == step && *attempt == claim.attempt =>
        {
            call::came_back(walk, *step, *attempt, reply)
        }
        (State::Calling { step, claim }, Input::Due) => call::ran_out(walk, *step, claim.attempt),

        // Waiting: its time has come.
        (State::Waiting { step, since, until, .. }, Input::Due) => wait::is_due(walk, *step, *since, *until),

        // Paused: only the end of the pause moves it.
        (State::Paused { .. }, Input::Due | Input::Resume) if moment.paused => Ok(Decision::Ignore(Stale::Paused)),
        (State::Paused { at, .. }, Input::Due | Input::Resume) => walk.unpause(at),

        // An answer to an attempt that the run is past: it may still tell of a second mail (S9).
        (_, Input::Answered { step, attempt, answer }) => send::late(walk, *step, *attempt, answer),

        // Too late or too early: somebody else was faster, or a message came twice.
        (
            State::Claimed { .. }
            | State::Unknown { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Paused { .. },
            Input::Claim | Input::Defer { .. } | Input::Fail(_),
        )
        | (
            State::Ready { .. }
            | State::Claimed { .. }
            | State::Unknown { .. }
            | State::Calling { .. }
            | State::Waiting { .. },
            Input::Resume,
        )
        | (
            State::Ready { .. }
            | State::Claimed { .. }
            | State::Calling { .. }
            | State::Waiting { .. }
            | State::Paused { .. },
            Input::Silent,
        )
        | (_, Input::Settle { .. } | Input::Called { .. }) => Ok(Decision::Ignore(Stale::NotThere)),
    }
}

/// Over: only what became of its mails is still written down, and a deletion takes what it has of its contact.
fn ended(walk: Walk<'_>, open: Option<&OpenSend>, input: &Input) -> Result<Decision, Fault> {
    match (open, input) {
        (_, Input::Engaged(engagement)) => engaged::record(walk, engagement),
        (_, Input::Answered { step, attempt, answer }) => send::late(walk, *step, *attempt, answer),
        (_, Input::Delete) => forget::delete(walk),
        (Some(open), Input::Due) => send::open_send_is_due(walk, open),
        (Some(open), Input::Settle { attempt: meant, sent, by }) if meant.is_none_or(|meant| meant == open.attempt) => {
            settle::by_hand(walk, open.step, open.attempt, *sent, by)
        }
        (
            _,
            Input::Due
            | Input::Claim
            | Input::Defer { .. }
            | Input::Fail(_)
            | Input::Heard(_)
            | Input::Changed { .. }
            | Input::Cancel
            | Input::Resume
            | Input::Silent
            | Input::Called { .. }
            | Input::Settle { .. }
            | Input::Migrate(_),
        ) => Ok(Decision::Ignore(Stale::Ended)),
    }
}

/// The input with the step that it names by a tag at its place in the run's version. `None` where the run was never there.
fn by_place<'i>(run: &Run, input: &'i Input) -> Option<Cow<'i, Input>> {
    if run.past.is_empty() {
        return Some(Cow::Borrowed(input));
    }
    let mut input = input.clone();
    if let Input::Answered { step, .. } | Input::Engaged(Engagement { step, .. }) = &mut input {
        *step = run.tagged(*step)?;
    }
    Some(Cow::Owned(input))
}
