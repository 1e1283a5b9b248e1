//! What is remembered of what happened to a contact: as much as conditions and triggers ask for, and no more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::compile::placed;
use crate::condition::{Condition, Subject, TestKind};
use crate::contact::{Attributes, Contact, Fact, lookup};
use crate::ids::Name;
use crate::phi::Phi;
use crate::version::{Trigger, Version};

/// How many of one name are kept where a condition asks about their properties: more cannot be counted with `where`.
pub const MOST_FILTERED: u32 = 50;
/// The same mail opened again is news after so long: what goes on within a sitting is one visit to the mailbox.
const SITTING: SignedDuration = SignedDuration::from_hours(1);

/// What is asked for by published conditions and triggers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    events: BTreeMap<Name, Keep>,
}

/// How much of one name is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Keep {
    /// How many of the newest.
    most: u32,
    /// The properties that are asked for (dotted paths).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    paths: BTreeSet<String>,
}

impl Tracked {
    /// Nothing is asked for.
    pub fn nothing() -> &'static Self {
        static NOTHING: Tracked = Tracked { events: BTreeMap::new() };
        &NOTHING
    }

    /// Adds what a condition asks for.
    pub fn add(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| self.add(part)),
            Condition::Not(part) => self.add(part),
            Condition::Test(test) => {
                if let TestKind::Did { event, filter, at_least, .. } = &test.kind {
                    let keep = self.events.entry(event.clone()).or_default();
                    keep.most = keep.most.max(if filter.is_some() { MOST_FILTERED } else { *at_least });
                    if let Some(filter) = filter {
                        properties(filter, &mut keep.paths);
                    }
                }
            }
        }
    }

    /// Adds what a version asks for.
    pub fn add_version(&mut self, version: &Version) {
        if let Trigger::Inactivity(quiet) = &version.entry.trigger {
            for name in &quiet.without {
                let keep = self.events.entry(name.clone()).or_default();
                keep.most = keep.most.max(1);
            }
        }
        placed::all(version).for_each(|placed| self.add(placed.condition));
    }

    /// Adds what others ask for.
    pub fn extend(&mut self, others: &Self) {
        for (name, keep) in &others.events {
            let ours = self.events.entry(name.clone()).or_default();
            ours.most = ours.most.max(keep.most);
            ours.paths.extend(keep.paths.iter().cloned());
        }
    }

    /// The names that are asked for.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.events.keys()
    }

    /// Whether anybody asks for this.
    pub fn asks_for(&self, name: &Name) -> bool {
        self.events.contains_key(name)
    }

    /// Whether all that is asked for here is kept under `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.events.iter().all(|(name, keep)| {
            let kept = other.events.get(name);
            kept.is_some_and(|kept| kept.most >= keep.most && keep.paths.is_subset(&kept.paths))
        })
    }

    /// Remembers what happened to a contact, where somebody asks for it. `event` is the opaque name of what told of it.
    /// `true` where the contact has changed.
    pub fn remember(
        &self,
        contact: &mut Contact,
        name: &Name,
        at: Timestamp,
        event: &str,
        properties: &Attributes,
    ) -> bool {
        let Some(keep) = self.events.get(name) else { return false };
        let kept = keep.paths.iter().filter_map(|path| Some((path.clone(), lookup(properties, path)?.clone())));
        let fact = Fact { at, event: event.to_owned(), properties: Phi(kept.collect()) };
        let known = contact.facts.get(name).map_or(&[][..], Vec::as_slice);
        let mut all = known.to_vec();
        match all.iter_mut().find(|known| known.event == fact.event) {
            Some(known) if known.properties == fact.properties && at.duration_since(known.at) < SITTING => {
                return false;
            }
            Some(known) => known.properties = fact.properties,
            None => all.push(fact),
        }
        for known in all.iter_mut().filter(|known| known.event == event) {
            known.at = known.at.max(at);
        }
        all.sort_by(|a, b| (b.at, &b.event).cmp(&(a.at, &a.event)));
        all.truncate(usize::try_from(keep.most).unwrap_or(usize::MAX));
        if all == known {
            return false;
        }
        contact.facts.insert(name.clone(), all);
        true
    }

    /// When any of these last happened to a contact.
    pub fn last(contact: &Contact, names: &[Name]) -> Option<Timestamp> {
        names.iter().filter_map(|name| contact.facts.get(name)?.first()).map(|fact| fact.at).max()
    }
}

/// The properties of an event that a condition looks at.
fn properties(condition: &Condition, paths: &mut BTreeSet<String>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| properties(part, paths)),
        Condition::Not(part) => properties(part, paths),
        Condition::Test(test) => {
            if let TestKind::Value { subject: Subject::Event(path), .. } = &test.kind {
                paths.insert(path.clone());
            }
        }
    }
}
