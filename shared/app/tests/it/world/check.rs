//! What must hold in every world, at every moment and at the end.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};

use carepath_app::ports::Page;
use carepath_engine::Run;
use carepath_engine::ids::RunId;
use carepath_engine::run::{MessageState, Outcome, Place, State};
use serde_json::Value;

use super::World;
use super::content::Content;
use super::store::page;

/// What a history comes to, without what may differ between two ways that are both right: revisions, the names of
/// causes, which are made of them, and the ids that the mail service gives out in the order in which mails come to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) runs: BTreeMap<RunId, Run>,
    pub(crate) attributes: Vec<Value>,
    pub(crate) segments: Vec<Vec<String>>,
    pub(crate) mails: BTreeMap<(RunId, u16), usize>,
}

impl World {
    pub(crate) fn summary(&self) -> Summary {
        let content = self.ports.store.content();
        let runs = content.runs.iter().map(|(id, run)| {
            let mut run = Run { revision: 0, ..run.clone() };
            for message in run.messages.values_mut() {
                message.ids.fill(String::new());
            }
            run.entry.cause.clear();
            (id.clone(), run)
        });
        let attributes = content.contacts.values().map(|contact| Value::Object(contact.attributes.expose().clone()));
        let segments = content.contacts.values().map(|contact| contact.segments.keys().map(ToString::to_string));
        Summary {
            runs: runs.collect(),
            attributes: attributes.collect(),
            segments: segments.map(Iterator::collect).collect(),
            mails: self.mails(),
        }
    }

    /// S5: a run that has not ended has a time at which it is looked at, unless a pause holds it. S1: no step twice.
    pub(super) fn check_liveness(&self) {
        for run in self.ports.store.content().runs.values() {
            let held = matches!(run.state, State::Paused { .. });
            assert!(run.is_ended() || held || run.state.due().is_some(), "{} has no wake-up", run.id);
            let places: BTreeSet<Place> = run.visits.iter().map(|visit| visit.place).collect();
            assert_eq!(places.len(), run.visits.len(), "{} has been somewhere twice", run.id);
        }
    }

    /// All is over: every run has ended, nothing is due, and each mail was sent once or is told as one of which nobody
    /// knows (S7, S8).
    pub(crate) fn check_end(&self) {
        let content = self.ports.store.content();
        let mut mails: BTreeMap<(RunId, u16), usize> = BTreeMap::new();
        for ((run, tag), taken) in self.mails() {
            let step = content.runs[&run].tagged(tag).unwrap();
            *mails.entry((run, step)).or_default() += taken;
        }
        assert_eq!(content.due(), [], "something is left to do");
        for run in content.runs.values() {
            assert!(run.is_ended(), "{} has not ended: {:?}", run.id, run.state);
            for (step, message) in &run.messages {
                let taken = mails.get(&(run.id.clone(), *step)).copied().unwrap_or_default();
                let right = match (message.state, message.reason.as_deref()) {
                    // One of which nobody knows, and which the visit says so of.
                    (MessageState::Sent, Some("treated_as_sent")) => taken <= 1,
                    (MessageState::Sent, _) => taken == 1,
                    (MessageState::Failed | MessageState::Skipped, _) => taken == 0,
                    (MessageState::Claimed | MessageState::Released | MessageState::Unknown, _) => false,
                };
                assert!(right, "{}, step {step}: {message:?}, and {taken} mails", run.id);
            }
        }
        for ((run, step), taken) in &mails {
            assert_eq!(*taken, 1, "{run} sent the mail of step {step} more than once");
            assert!(content.runs[run].messages.contains_key(step));
        }
        for (key, contact) in &content.contacts {
            assert!(contact.pending.is_empty());
            for segment in contact.segments.keys() {
                assert!(content.members.contains(&(segment.clone(), key.clone())));
            }
        }
    }

    /// S28: an event that a step tells is told once, by whoever had to say it again, and is acted on.
    pub(crate) fn check_told(&self) {
        let content = self.ports.store.content();
        let names: BTreeSet<_> = content.events.iter().map(|(key, name, ..)| (key, name)).collect();
        assert_eq!(names.len(), content.events.len(), "an event was told twice");
        for (.., event, done) in &content.events {
            assert!(done, "nobody has acted on {}", event.name);
        }
    }

    /// The one run of the world.
    pub(crate) fn first_run(&self) -> Option<Run> {
        self.ports.store.content().runs.values().next().cloned()
    }

    pub(crate) fn only_run(&self) -> Run {
        let content = self.ports.store.content();
        assert_eq!(content.runs.len(), 1, "there is to be one run");
        content.runs.values().next().unwrap().clone()
    }

    pub(crate) fn outcome(run: &Run) -> &Outcome {
        let State::Ended { outcome, .. } = &run.state else { panic!("it has not ended: {:?}", run.state) };
        outcome
    }
}

impl Content {
    /// A page of the runs of which something holds.
    pub(super) fn runs_that(&self, holds: impl Fn(&Run) -> bool, limit: usize, cursor: Option<&str>) -> Page<Run> {
        page(self.runs.values().filter(|run| holds(run)).cloned().collect(), limit, cursor)
    }
}
