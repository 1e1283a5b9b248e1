//! Events and changes of the contact: exit rules, goals, and what a wait is waiting for.

use std::collections::BTreeSet;

use super::walk::Walk;
use super::{Decision, Fault, Stale, permit, send, wait};
use crate::calendar;
use crate::condition::Condition;
use crate::condition::eval::eval;
use crate::event::Event;
use crate::explain::Explanation;
use crate::ids::{Name, TopicId};
use crate::run::{Edge, Heard, MessageState, Outcome, State};
use crate::version::{ExitRule, Goal, PathWhen, StepIndex};

/// An event of the contact.
pub(super) fn event(mut walk: Walk<'_>, event: &Event) -> Result<Decision, Fault> {
    if walk.run.taken.contains(&event.id) {
        // Delivered again: it moved the run already (S19).
        return Ok(Decision::Ignore(Stale::Known));
    }
    if let Some((outcome, why)) = event_ends(&walk, event) {
        return walk.end(outcome, why);
    }
    if let State::Waiting { step, since, until, .. } = walk.run.state
        && event.at <= until
        && let Some((nth, why)) = matching_path(&walk, step, event)
    {
        walk.run.taken.push(event.id.clone());
        if walk.moment.paused {
            walk.run.heard.push(Heard { step, path: nth, at: event.at, explanation: why });
            // It is overdue from now on: the end of the pause lets it go on.
            let due = walk.now();
            return walk.pause(State::Waiting { step, since, until, due });
        }
        let target = wait::target_of(walk.step(step)?.kind.paths(), nth);
        return walk.leave(Edge::Nth(nth), target, why);
    }
    if note_ahead(&mut walk, event) { Ok(walk.finish()) } else { Ok(Decision::Ignore(Stale::Irrelevant)) }
}

/// The contact changed, and said something else about these topics.
pub(super) fn changed(mut walk: Walk<'_>, topics: &BTreeSet<TopicId>) -> Result<Decision, Fault> {
    if let Some((outcome, why)) = condition_ends(&walk) {
        return walk.end(outcome, why);
    }
    if let Some(why) = permit::unsubscribes(&walk, topics) {
        // Nothing that is still ahead may go out (S11). What is under way is settled after the end.
        let outcome = Outcome::Unsubscribed;
        if let Some(step) = held_at(&walk.run.state).filter(|step| send::is_send(walk.moment.version, *step)) {
            send::message(&mut walk, step, MessageState::Skipped, Some(permit::code(outcome.reason())));
        }
        return walk.end(outcome, vec![why]);
    }
    let State::Waiting { step, since, until, .. } = walk.run.state else {
        return Ok(Decision::Ignore(Stale::Irrelevant));
    };
    wait::look(walk, step, since, until)
}

/// Whether an event ends the run: the goal before the exit rules, since reaching it is what the workflow is for (S18).
fn event_ends(walk: &Walk<'_>, event: &Event) -> Option<(Outcome, Vec<Explanation>)> {
    let version = walk.moment.version;
    let goal =
        version.goal.as_ref().filter(|goal| within(walk, goal, event.at)).map(|goal| (&goal.rule, Outcome::Goal));
    let exits = version.exit.iter().map(|rule| (rule, Outcome::Exited("exit rule".into())));
    goal.into_iter().chain(exits).find_map(|(rule, outcome)| match rule {
        ExitRule::Event { name, filter } => {
            let why = matches(walk, event, name, filter.as_ref())?;
            Some((outcome, why))
        }
        ExitRule::When(_) => None,
    })
}

/// Whether an exit rule or the goal holds for the contact as it stands.
pub(super) fn condition_ends(walk: &Walk<'_>) -> Option<(Outcome, Vec<Explanation>)> {
    let version = walk.moment.version;
    let now = walk.now();
    let goal = version.goal.as_ref().filter(|goal| within(walk, goal, now)).map(|goal| (&goal.rule, Outcome::Goal));
    let exits = version.exit.iter().map(|rule| (rule, Outcome::Exited("exit rule".into())));
    goal.into_iter().chain(exits).find_map(|(rule, outcome)| match rule {
        ExitRule::Event { .. } => None,
        ExitRule::When(condition) => {
            let mut why = Vec::new();
            eval(condition, &walk.scope(), &mut why).then_some((outcome, why))
        }
    })
}

fn within(walk: &Walk<'_>, goal: &Goal, at: jiff::Timestamp) -> bool {
    goal.within.as_ref().is_none_or(|span| at <= calendar::add(walk.run.entry.at, span, &walk.zone().tz))
}

/// Whether an event is the one that is asked for. The answer explains itself.
fn matches(walk: &Walk<'_>, event: &Event, name: &Name, filter: Option<&Condition>) -> Option<Vec<Explanation>> {
    if event.name != *name {
        return None;
    }
    let mut why = vec![Explanation::new(format!("event {name}"), true, "event").observed(event.at.to_string())];
    let Some(filter) = filter else { return Some(why) };
    let mut scope = walk.scope();
    scope.event = Some(event);
    eval(filter, &scope, &mut why).then_some(why)
}

fn matching_path(walk: &Walk<'_>, step: StepIndex, event: &Event) -> Option<(u16, Vec<Explanation>)> {
    (0_u16..).zip(walk.moment.version.step(step)?.kind.paths()).find_map(|(nth, path)| match &path.when {
        PathWhen::Event { name, filter } => Some((nth, matches(walk, event, name, filter.as_ref())?)),
        PathWhen::Condition(_) => None,
    })
}

/// The step at which a pause holds the run, or held it: it has been entered, and is not done yet.
const fn held_at(state: &State) -> Option<StepIndex> {
    match state {
        State::Ready { step, .. } => Some(*step),
        State::Paused { at, .. } => match &**at {
            State::Ready { step, .. } | State::Waiting { step, .. } => Some(*step),
            State::Claimed { .. }
            | State::Unknown { .. }
            | State::Calling { .. }
            | State::Paused { .. }
            | State::Ended { .. } => None,
        },
        State::Claimed { .. }
        | State::Unknown { .. }
        | State::Calling { .. }
        | State::Waiting { .. }
        | State::Ended { .. } => None,
    }
}

/// Remembers an event for every `wait_for` that the run has not come to yet (S17), and for the one at which a pause
/// holds it (S15). `true` where it is news.
fn note_ahead(walk: &mut Walk<'_>, event: &Event) -> bool {
    let version = walk.moment.version;
    let mut news = Vec::new();
    for (index, step) in (0_u16..).zip(&version.steps) {
        let past = walk.run.has_visited(index) && held_at(&walk.run.state) != Some(index);
        if past || step.kind.paths().is_empty() {
            continue;
        }
        if let Some((path, explanation)) = matching_path(walk, index, event)
            && !walk.run.heard.iter().any(|heard| heard.step == index && heard.path == path)
        {
            news.push(Heard { step: index, path, at: event.at, explanation });
        }
    }
    let any = !news.is_empty();
    if any {
        walk.run.taken.push(event.id.clone());
    }
    walk.run.heard.extend(news);
    any
}
