//! What must hold at every moment, what must hold at the end, and what must come about for the search to mean anything.

use std::collections::BTreeSet;

use carepath_engine::calendar::grace;
use carepath_engine::ids::EventId;
use carepath_engine::run::{Edge, Message, MessageState, Place, State as RunState};
use carepath_engine::{Run, Version};
use jiff::{SignedDuration, Timestamp};
use stateright::Property;

use crate::setup::with_app;
use crate::state::{Sent, State, Told};
use crate::system::{System, next_moment};

pub(crate) const ONE_MAIL: &str = "no mail goes out twice, or oftener than it may be sent again";
pub(crate) const ONE_VISIT: &str = "no step is entered twice";
pub(crate) const NO_REWRITING: &str = "no step that was taken is taken back";
pub(crate) const WAKE_UP: &str = "whatever is not through has a time at which it is looked at";
pub(crate) const NOT_IN_VAIN: &str = "who is woken in time moves on";
pub(crate) const KEPT: &str = "what was told and acknowledged is kept";
pub(crate) const IN_TIME_WINS: &str = "what happened in time and was told in time wins over the time-out";
pub(crate) const TRUE_RECORDS: &str = "what a run says of its mails is true";
pub(crate) const ALL_ENDS: &str = "when nothing can happen any more, all is done and every run has ended for a reason";

pub(crate) const END: &str = "it comes to its end";
pub(crate) const RACE: &str = "two workers race";
pub(crate) const UNKNOWN: &str = "a send is unknown";
pub(crate) const AGAIN: &str = "a mail is tried again";
pub(crate) const OPENED: &str = "a wait is ended by what it waits for";
pub(crate) const TIME_OUT: &str = "a wait runs out";

type Check = fn(&System, &State) -> bool;

/// All properties. Those that are to come about show that the search gets somewhere.
pub(crate) fn properties() -> Vec<Property<System>> {
    let always: [(&'static str, Check); 9] = [
        (ONE_MAIL, one_mail),
        (ONE_VISIT, |_, state| all_differ(&state.entered)),
        (NO_REWRITING, |_, state| !state.seen.rewritten),
        (WAKE_UP, |_, state| wake_up(state)),
        (NOT_IN_VAIN, |_, state| !state.seen.in_vain),
        (KEPT, |_, state| kept(state)),
        (IN_TIME_WINS, |_, state| runs(state).all(|run| in_time_wins(state, run))),
        (TRUE_RECORDS, |_, state| runs(state).all(|run| true_records(state, run))),
        (ALL_ENDS, |system, state| !at_rest(system, state) || all_ended(state)),
    ];
    let sometimes: [(&'static str, Check); 6] = [
        (END, |system, state| at_rest(system, state) && !state.runs.is_empty()),
        (RACE, |_, state| state.seen.race),
        (UNKNOWN, |_, state| runs(state).any(|run| matches!(run.state, RunState::Unknown { .. }))),
        (AGAIN, |_, state| runs(state).flat_map(|run| run.messages.values()).any(|message| message.attempt > 1)),
        (OPENED, |_, state| leaves_by(state, |edge| matches!(edge, Edge::Nth(_)))),
        (TIME_OUT, |_, state| leaves_by(state, |edge| *edge == Edge::Timeout)),
    ];
    let always = always.into_iter().map(|(name, check)| Property::always(name, check));
    always.chain(sometimes.into_iter().map(|(name, check)| Property::sometimes(name, check))).collect()
}

fn runs(state: &State) -> impl Iterator<Item = &Run> {
    state.runs.iter().map(|stored| &*stored.run.value)
}

fn all_differ<T: Ord>(items: &[T]) -> bool {
    items.iter().collect::<BTreeSet<_>>().len() == items.len()
}

/// Strictly one; where the author wants it sent again, the bound that is promised for that.
fn one_mail(system: &System, state: &State) -> bool {
    let visit = |sent: &Sent| (sent.mail.attempt.run.clone(), sent.mail.attempt.step);
    state
        .mails
        .iter()
        .all(|sent| state.mails.iter().filter(|other| visit(other) == visit(sent)).count() <= system.most_mails())
}

fn wake_up(state: &State) -> bool {
    let through = |run: &Run| matches!(run.state, RunState::Ended { open: None, .. });
    state.runs.iter().all(|stored| through(&stored.run.value) || stored.due.is_some())
}

fn kept(state: &State) -> bool {
    let told = state.told.iter().filter(|told| told.acknowledged);
    let mut told = told.map(|told| state.events.iter().any(|stored| stored.event.value.name.as_str() == told.name));
    let mut mails = state.mails.iter().map(|sent| {
        let run = state.run(&sent.mail.attempt.run);
        let message = run.and_then(|stored| stored.run.value.messages.get(&sent.mail.attempt.step));
        let opened = message.is_some_and(|message| message.opened.human.is_some());
        let taken = message.is_some_and(|message| message.ids.contains(&sent.mail.id()));
        (opened || sent.open_known.is_none()) && (taken || !sent.known)
    });
    told.all(|kept| kept) && mails.all(|kept| kept)
}

/// Of each wait that ran out: nothing that would have ended it had happened by its deadline and was told by a grace later.
fn in_time_wins(state: &State, run: &Run) -> bool {
    let waits = run.visits.iter().filter(|visit| visit.edge == Some(Edge::Timeout));
    waits.map(|visit| visit.at + SignedDuration::from_hours(1)).all(|until| {
        let decided = until + grace(SignedDuration::from_hours(1));
        let won = |at: Option<Timestamp>, known: Option<Timestamp>| {
            at.is_some_and(|at| at <= until) && known.is_some_and(|known| known < decided)
        };
        let opened = state.mails.iter().filter(|sent| sent.mail.attempt.step == 0 && sent.mail.attempt.run == run.id);
        let called = state.told.iter().filter(|told| told.name == "called");
        !opened.into_iter().any(|sent| won(sent.opened, sent.open_known))
            && !called.into_iter().any(|told| heard(run, told) && won(told.at, told.acted))
    })
}

/// Whether the run was there when the event was acted on: it has taken it, or let it pass.
fn heard(run: &Run, told: &Told) -> bool {
    let taken = told.name.parse::<EventId>().is_ok_and(|id| run.taken.contains(&id));
    taken || told.acted.is_some_and(|acted| acted > run.entry.at)
}

fn true_records(state: &State, run: &Run) -> bool {
    run.messages.iter().all(|(step, message)| {
        let here =
            || state.mails.iter().map(|sent| &sent.mail.attempt).filter(|of| of.run == run.id && of.step == *step);
        match message.state {
            MessageState::Sent => here().next().is_some() || is_guess(message),
            // The last attempt is spoken of: one before it that nobody knew about may have been sent again.
            MessageState::Failed | MessageState::Skipped | MessageState::Released => {
                here().all(|of| of.attempt != message.attempt) || message.reason.as_deref() == Some("resend")
            }
            MessageState::Claimed | MessageState::Unknown => true,
        }
    })
}

/// One of which nobody knows, and which says so of itself.
fn is_guess(message: &Message) -> bool {
    message.reason.as_deref() == Some("treated_as_sent")
}

/// Nothing is left that happens by itself. That messages are still under way makes no difference: they may be lost.
fn at_rest(system: &System, state: &State) -> bool {
    state.workers.is_empty() && next_moment(state).is_none() && system.swept(state).is_empty()
}

fn all_ended(state: &State) -> bool {
    let settled =
        |message: &Message| matches!(message.state, MessageState::Sent | MessageState::Failed | MessageState::Skipped);
    let entry = state.told.first().is_none_or(|told| !told.acknowledged || !state.runs.is_empty());
    entry
        && state.events.iter().all(|stored| stored.done)
        && runs(state)
            .all(|run| matches!(run.state, RunState::Ended { open: None, .. }) && run.messages.values().all(settled))
}

fn leaves_by(state: &State, edge: fn(&Edge) -> bool) -> bool {
    runs(state).any(|run| {
        let of_wait = |place: Place| {
            let Place::Step(step) = place else { return false };
            version(run).is_some_and(|version| version.step(step).is_some_and(|step| !step.kind.paths().is_empty()))
        };
        run.visits.iter().any(|visit| of_wait(visit.place) && visit.edge.as_ref().is_some_and(edge))
    })
}

fn version(run: &Run) -> Option<std::sync::Arc<Version>> {
    with_app(|app| crate::setup::published(app, run))
}
