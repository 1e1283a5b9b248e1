//! The stays of a run.

use jiff::Timestamp;

use crate::run::{Edge, Message, Past, Place, Run, State};
use crate::version::StepIndex;

/// A run in a place, in one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay<'a> {
    /// The version.
    pub version: u32,
    /// The place in it.
    pub place: Place,
    /// When it began.
    pub at: Timestamp,
    /// Whether it began by a move from another version.
    pub arrived: bool,
    /// How it ended, if it has.
    pub way: Way,
    /// The mail of the visit, if this is the stay in which it was made.
    pub mail: Option<&'a Message>,
}

/// How a stay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It has not: the run is here.
    Here,
    /// The run went on at this time.
    On(Next, Timestamp),
    /// The run ended at this time, for this reason.
    Ended(&'static str, Timestamp),
}

/// Where a run went on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Next {
    /// A place of the same version.
    Place(Place),
    /// Another version: it was moved there.
    Version(u32),
}

/// The stays of a run, in order. A run ends in one place: in the step that it left in its middle, or at [`Place::End`], where
/// it came by an edge.
pub fn stays(run: &Run) -> Vec<Stay<'_>> {
    let mut stays: Vec<Stay<'_>> = Vec::with_capacity(run.visits.len() + run.past.len());
    let reason = if let State::Ended { outcome, .. } = &run.state { outcome.reason() } else { "unknown" };
    for (nth, visit) in run.visits.iter().enumerate() {
        let left = nth.checked_sub(1).and_then(|before| run.visits.get(before)?.edge.as_ref()) == Some(&Edge::Left);
        if left && visit.place == Place::End {
            continue;
        }
        let Some((version, place)) = run.made_in(nth) else { continue };
        let mut stay = Stay { version, place, at: visit.at, arrived: false, way: Way::Here, mail: None };
        for (past, next) in moves(run, nth) {
            let moved = past.at.unwrap_or(visit.at);
            stays.push(Stay { way: Way::On(Next::Version(next.0), moved), ..stay.clone() });
            let place = next.1.map_or(place, Place::Step);
            stay = Stay { version: next.0, place, at: moved, arrived: true, ..stay };
        }
        stay.way = match (visit.place, &visit.edge, run.visits.get(nth + 1)) {
            (Place::End, _, _) => Way::Ended(reason, visit.at),
            (_, Some(Edge::Left), Some(end)) => Way::Ended(reason, end.at),
            (_, Some(_), Some(after)) => {
                // Nobody is moved between two visits, so the next one is made in the version of this one's end.
                let next = run.made_in(nth + 1).map_or(after.place, |(_, place)| place);
                Way::On(Next::Place(next), after.at)
            }
            (_, _, _) => Way::Here,
        };
        stay.mail = match visit.place {
            Place::Step(step) => run.messages.get(&step),
            Place::Entry | Place::End => None,
        };
        stays.push(stay);
    }
    stays
}

/// The moves to other versions that a visit lived through: each with the version and the step that the run came to by it.
fn moves(run: &Run, nth: usize) -> impl Iterator<Item = (&Past, (u32, Option<StepIndex>))> {
    let now = match run.visits.get(nth).map(|visit| visit.place) {
        Some(Place::Step(step)) => Some(step),
        Some(Place::Entry | Place::End) | None => None,
    };
    run.past.iter().enumerate().filter(move |(_, past)| past.visits == nth + 1).map(move |(at, past)| {
        let next = match run.past.get(at + 1) {
            Some(next) => {
                let was = next.visited.iter().find(|kept| Some(kept.now) == now).map(|kept| kept.was);
                (next.version, was)
            }
            None => (run.version, now),
        };
        (past, next)
    })
}
