//! Waits: for a time, and for the first of several things.

use jiff::{Span, Timestamp};

use super::walk::{Flow, Walk};
use super::{Decision, Fault, Stale, heard};
use crate::calendar;
use crate::condition::eval::{eval, happened_at};
use crate::condition::next_flip;
use crate::contact::lookup;
use crate::explain::Explanation;
use crate::run::{Edge, State, later};
use crate::version::{AlreadyTrue, Anchor, ExitRule, Path, PathWhen, StepIndex, StepKind, Target, WaitUntil};

/// Begins a wait, or passes it where its time is past (S14).
pub(super) fn begin(
    walk: &mut Walk<'_>,
    index: StepIndex,
    until: &WaitUntil,
    late_limit: &Span,
    next: Target,
    otherwise: Target,
) -> Flow {
    let since = walk.now();
    let (time, why) = time_of(walk, until, since);
    walk.explain(why);
    match judge(walk, time, late_limit) {
        Judged::Ahead(time) => Flow::Rest(waiting(walk, index, since, time)),
        Judged::Passes => Flow::Leave(Edge::Next, next),
        Judged::Misses => Flow::Leave(Edge::Else, otherwise),
    }
}

/// Begins a `wait_for`, or passes it on what has come true already (S17).
pub(super) fn begin_for(
    walk: &mut Walk<'_>,
    index: StepIndex,
    paths: &[Path],
    timeout: &Span,
    already_true: AlreadyTrue,
) -> Flow {
    let since = walk.now();
    let until = calendar::add(since, timeout, &walk.zone().tz);
    match already_true {
        AlreadyTrue::Pass => {
            if let Some((nth, why)) = first_true(walk, index, paths, None, None) {
                walk.explain(why);
                return Flow::Leave(Edge::Nth(nth), target_of(paths, nth));
            }
        }
        AlreadyTrue::Wait => walk.run.heard.retain(|heard| heard.step != index),
    }
    Flow::Rest(waiting(walk, index, since, until))
}

/// A wait that is looked at again when its time has come, or when time alone may have changed what it waits for or what
/// ends the run (S18, S21).
fn waiting(walk: &Walk<'_>, step: StepIndex, since: Timestamp, until: Timestamp) -> State {
    let rules = walk.moment.version.rules().filter_map(|rule| match rule {
        ExitRule::When(condition) => Some(condition),
        ExitRule::Event { .. } => None,
    });
    let paths = walk.moment.version.step(step).map_or(&[][..], |step| step.kind.paths());
    // A time-out is decided a while after its deadline (S16).
    let due = if paths.is_empty() { until } else { later(until, calendar::grace(until.duration_since(since))) };
    let paths = paths.iter().filter_map(|path| match &path.when {
        PathWhen::Condition(condition) => Some(condition),
        PathWhen::Event { .. } => None,
    });
    let scope = walk.scope();
    let flips = rules.chain(paths).filter_map(|condition| next_flip(condition, &scope));
    State::Waiting { step, since, until, due: flips.filter(|flip| *flip < until).min().unwrap_or(due) }
}

/// A wait's time has come.
pub(super) fn is_due(walk: Walk<'_>, index: StepIndex, since: Timestamp, until: Timestamp) -> Result<Decision, Fault> {
    if walk.moment.paused {
        let state = walk.run.state.clone();
        return walk.pause(state);
    }
    if let Some((outcome, why)) = heard::condition_ends(&walk) {
        return walk.end(outcome, why);
    }
    if walk.now() < until {
        return look(walk, index, since, until);
    }
    match &walk.step(index)?.kind {
        StepKind::Wait { next, .. } => walk.leave(Edge::Next, *next, Vec::new()),
        StepKind::WaitFor { paths, next, already_true, .. } => {
            // What happened by the deadline and has come in by now wins over the time-out (S16).
            if let Some((nth, why)) = first_true(&walk, index, paths, Some(until), floor(*already_true, since)) {
                return walk.leave(Edge::Nth(nth), target_of(paths, nth), why);
            }
            let why = Explanation::new("time is up", true, "clock").expected(until.to_string());
            walk.leave(Edge::Timeout, *next, vec![why])
        }
        StepKind::Send { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => Err(Fault::WrongKind),
    }
}

/// Looks whether what just changed ends the wait that the run is in: a path come true, or a date that moved (S13).
pub(super) fn look(walk: Walk<'_>, index: StepIndex, since: Timestamp, until: Timestamp) -> Result<Decision, Fault> {
    match &walk.step(index)?.kind {
        StepKind::WaitFor { paths, already_true, .. } => {
            let found = first_true(&walk, index, paths, Some(until), floor(*already_true, since));
            let Some((nth, why)) = found else {
                return Ok(unmoved(walk));
            };
            if walk.moment.paused {
                // Overdue from now on; decided again after the pause, from the same facts.
                let due = walk.now();
                return walk.pause(State::Waiting { step: index, since, until, due });
            }
            walk.leave(Edge::Nth(nth), target_of(paths, nth), why)
        }
        StepKind::Wait {
            until: wanted @ WaitUntil::Date { anchor: Anchor::Attribute(_), .. },
            late_limit,
            next,
            otherwise,
        } => {
            let (time, why) = time_of(&walk, wanted, since);
            if time == Some(until) {
                return Ok(unmoved(walk));
            }
            match judge(&walk, time, late_limit) {
                Judged::Ahead(time) => {
                    let mut walk = walk;
                    walk.explain(why);
                    let state = waiting(&walk, index, since, time);
                    walk.rest(state)
                }
                Judged::Passes | Judged::Misses if walk.moment.paused => {
                    let now = walk.now();
                    walk.pause(State::Ready { step: index, due: now })
                }
                Judged::Passes => walk.leave(Edge::Next, *next, why),
                Judged::Misses => walk.leave(Edge::Else, *otherwise, why),
            }
        }
        StepKind::Wait { .. }
        | StepKind::Send { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => Ok(unmoved(walk)),
    }
}

/// Goes on with a wait that a migration brought from another version: `since` stays, and its time is worked out anew.
pub(super) fn carry(mut walk: Walk<'_>, index: StepIndex, since: Timestamp) -> Result<Decision, Fault> {
    match &walk.step(index)?.kind {
        StepKind::WaitFor { timeout, .. } => {
            let until = calendar::add(since, timeout, &walk.zone().tz);
            walk.run.state = waiting(&walk, index, since, until);
            look(walk, index, since, until)
        }
        StepKind::Wait { until, late_limit, next, otherwise } => {
            let (time, why) = time_of(&walk, until, since);
            walk.explain(why);
            match (until, judge(&walk, time, late_limit), time) {
                // One that is over is due: so long after it began is never too late.
                (_, Judged::Ahead(time), _) | (WaitUntil::For(_), Judged::Passes | Judged::Misses, Some(time)) => {
                    let state = waiting(&walk, index, since, time);
                    walk.rest(state)
                }
                (_, Judged::Passes | Judged::Misses, _) if walk.moment.paused => {
                    let now = walk.now();
                    walk.pause(State::Ready { step: index, due: now })
                }
                (_, Judged::Passes, _) => walk.leave(Edge::Next, *next, Vec::new()),
                (_, Judged::Misses, _) => walk.leave(Edge::Else, *otherwise, Vec::new()),
            }
        }
        StepKind::Send { .. }
        | StepKind::Branch { .. }
        | StepKind::Split { .. }
        | StepKind::Update { .. }
        | StepKind::Segment { .. }
        | StepKind::Emit { .. }
        | StepKind::Webhook { .. }
        | StepKind::Jump { .. }
        | StepKind::JumpOut { .. }
        | StepKind::Exit { .. } => Err(Fault::WrongKind),
    }
}

/// The run itself does not move. What the walk has written down on the way (an engagement, an event heard) is kept, and
/// so is when it has to be looked at again, where that is another time by now.
fn unmoved(mut walk: Walk<'_>) -> Decision {
    let State::Waiting { step, since, until, due } = walk.run.state else { return Decision::Ignore(Stale::Irrelevant) };
    let state = waiting(&walk, step, since, until);
    // What is too early does no harm: the run is looked at, and rests again.
    let moved = state.due().is_some_and(|then| then < due || (then > due && due <= walk.now()));
    if moved {
        walk.run.state = state;
    }
    if walk.noted || moved { walk.finish() } else { Decision::Ignore(Stale::Irrelevant) }
}

enum Judged {
    Ahead(Timestamp),
    Passes,
    Misses,
}

fn judge(walk: &Walk<'_>, time: Option<Timestamp>, late_limit: &Span) -> Judged {
    let now = walk.now();
    match time {
        None => Judged::Misses,
        Some(time) if time > now => Judged::Ahead(time),
        // What is due at this very moment is not late, whatever the limit.
        Some(time) if time == now || calendar::add(time, late_limit, &walk.zone().tz) > now => Judged::Passes,
        Some(_) => Judged::Misses,
    }
}

/// The time that a wait is for, and how it came about.
fn time_of(walk: &Walk<'_>, until: &WaitUntil, since: Timestamp) -> (Option<Timestamp>, Vec<Explanation>) {
    let zone = walk.zone();
    let (anchor, test, source) = match until {
        WaitUntil::For(_) => return (calendar::wait_time(until, since, None, &zone.tz), Vec::new()),
        WaitUntil::Date { anchor: Anchor::Attribute(path), .. } => {
            (walk.contact.attribute(path).cloned(), format!("attribute {path}"), "contact")
        }
        WaitUntil::Date { anchor: Anchor::Entry(path), .. } => {
            (lookup(walk.run.entry.payload.expose(), path).cloned(), format!("entry {path}"), "entry")
        }
        WaitUntil::Date { anchor: Anchor::At(text), .. } => (Some(text.clone().into()), "at".to_owned(), "workflow"),
    };
    let time = calendar::wait_time(until, since, anchor.as_ref(), &zone.tz);
    let zoned = format!("{source}, {}", zone.source.as_str());
    let mut why = Explanation::new(test, time.is_some(), zoned).observed(anchor.unwrap_or_default());
    if let Some(time) = time {
        why = why.expected(time.to_string());
    }
    (time, vec![why])
}

/// Engagement from before the wait counts, unless the author said otherwise.
fn floor(already_true: AlreadyTrue, since: Timestamp) -> Option<Timestamp> {
    match already_true {
        AlreadyTrue::Pass => None,
        AlreadyTrue::Wait => Some(since),
    }
}

/// The path that came true first, if any did by `cutoff`.
fn first_true(
    walk: &Walk<'_>,
    index: StepIndex,
    paths: &[Path],
    cutoff: Option<Timestamp>,
    since: Option<Timestamp>,
) -> Option<(u16, Vec<Explanation>)> {
    let mut scope = walk.scope();
    (scope.cutoff, scope.since) = (cutoff, since);
    let mut first: Option<(Timestamp, u16, Vec<Explanation>)> = None;
    for (nth, path) in (0_u16..).zip(paths) {
        let found = match &path.when {
            PathWhen::Condition(condition) => {
                let mut why = Vec::new();
                eval(condition, &scope, &mut why).then(|| (happened_at(condition, &scope).unwrap_or(scope.now), why))
            }
            PathWhen::Event { .. } => walk
                .run
                .heard
                .iter()
                .find(|heard| {
                    heard.step == index && heard.path == nth && cutoff.is_none_or(|cutoff| heard.at <= cutoff)
                })
                .map(|heard| (heard.at, heard.explanation.clone())),
        };
        if let Some((at, why)) = found
            && first.as_ref().is_none_or(|(earlier, ..)| at < *earlier)
        {
            first = Some((at, nth, why));
        }
    }
    first.map(|(_, nth, why)| (nth, why))
}

pub(super) fn target_of(paths: &[Path], nth: u16) -> Target {
    paths.get(usize::from(nth)).map_or(Target::End, |path| path.next)
}
