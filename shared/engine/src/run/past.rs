//! The versions that a run was in before a migration brought it to the one that it is in now (S3).
//!
//! A run names steps by their places in its version. When it moves, what it knows of its steps is written down under their
//! places in the new version, and steps that the new one does not have get places behind its last one. What was handed
//! out of the run (the tags of mails, links, ids) cannot be written anew: it has *tags*, which go on counting from version
//! to version, so that each of them means one step of one version for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Place, Run};
use crate::ids::StepId;
use crate::version::{StepIndex, Version};

/// A version that a run was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its number.
    #[serde(rename = "n")]
    pub version: u32,
    /// How many steps it has: so many tags are its own.
    #[serde(rename = "c")]
    pub steps: StepIndex,
    /// When the run was moved out of it. `None` of runs that were moved before this was written down.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// How many visits the run had made when it was moved out of it, those of the versions before it included.
    #[serde(rename = "v")]
    pub visits: usize,
    /// The steps that the run was in there.
    #[serde(rename = "k")]
    pub visited: Vec<Kept>,
}

/// A step that a run visited in a version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its id.
    #[serde(rename = "i")]
    pub id: StepId,
    /// Its place in that version.
    #[serde(rename = "w")]
    pub was: StepIndex,
    /// The place under which the run knows it now.
    #[serde(rename = "n")]
    pub now: StepIndex,
}

impl Run {
    /// How many tags the versions before this one took.
    pub(crate) fn first_tag(&self) -> StepIndex {
        self.past.iter().fold(0, |sum, past| sum.saturating_add(past.steps))
    }

    /// What a step of the run's version is called outside of the run: in the tags of mails, in links, in derived ids.
    pub fn tag(&self, step: StepIndex) -> StepIndex {
        self.first_tag().saturating_add(step)
    }

    /// The step that a tag means, as the run knows it now. `None` where the run was never there.
    pub fn tagged(&self, tag: StepIndex) -> Option<StepIndex> {
        let mut left = tag;
        for past in &self.past {
            if left < past.steps {
                return past.visited.iter().find(|kept| kept.was == left).map(|kept| kept.now);
            }
            left -= past.steps;
        }
        Some(left)
    }

    /// The tag of a step in the version in which the run entered it: a migration in between changes nothing about it.
    pub fn entered_as(&self, step: StepIndex) -> StepIndex {
        let nth = self.visits.iter().rposition(|visit| visit.place == Place::Step(step));
        let entered = nth.and_then(|nth| self.past.iter().position(|past| nth < past.visits));
        let kept = entered.and_then(|at| {
            let was = self.past.get(at)?.visited.iter().find(|kept| kept.now == step)?.was;
            Some(self.past.iter().take(at).fold(was, |tag, past| tag.saturating_add(past.steps)))
        });
        kept.unwrap_or_else(|| self.tag(step))
    }

    /// In which version a visit was made, and at which of its places.
    pub fn made_in(&self, nth: usize) -> Option<(u32, Place)> {
        let place = self.visits.get(nth)?.place;
        let Some(past) = self.past.iter().find(|past| nth < past.visits) else { return Some((self.version, place)) };
        let was = |now: StepIndex| past.visited.iter().find(|kept| kept.now == now).map_or(now, |kept| kept.was);
        Some(match place {
            Place::Entry | Place::End => (past.version, place),
            Place::Step(now) => (past.version, Place::Step(was(now))),
        })
    }

    /// Whether the run visited a step of this id in a version before.
    pub(crate) fn visited_before(&self, id: &StepId) -> bool {
        self.past.iter().flat_map(|past| &past.visited).any(|kept| kept.id == *id)
    }

    /// The id of a step that the run was in, in this version or in one before.
    pub fn step_id<'a>(&'a self, step: StepIndex, version: &'a Version) -> Option<&'a StepId> {
        let kept = || self.past.iter().flat_map(|past| &past.visited).find(|kept| kept.now == step);
        version.step(step).map(|step| &step.id).or_else(|| kept().map(|kept| &kept.id))
    }

    /// The ids of all steps that the run has visited, whichever version it was in.
    pub fn visited_steps(&self, version: &Version) -> Vec<StepId> {
        let mut ids: Vec<StepId> = Vec::new();
        let before = self.past.iter().flat_map(|past| &past.visited).map(|kept| &kept.id);
        let now = self.visits.iter().filter_map(|visit| match visit.place {
            Place::Step(index) => version.step(index).map(|step| &step.id),
            Place::Entry | Place::End => None,
        });
        for id in before.chain(now) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        ids
    }
}
