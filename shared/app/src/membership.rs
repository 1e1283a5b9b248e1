//! Who is in a segment by condition: settled with every write of a contact (S21), looking only at the conditions that
//! what changed can matter to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use carepath_engine::Contact;
use carepath_engine::calendar;
use carepath_engine::condition::eval::{Scope, eval};
use carepath_engine::condition::{Condition, is_timed};
use carepath_engine::contact::Change;
use carepath_engine::ids::SegmentId;
use carepath_engine::segment::{Membership, Segment};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::watch::{Watched, marks};

/// The segments by condition, and what each looks at.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    all: BTreeMap<SegmentId, Looked>,
    /// Who looks at what, by the marks of changes.
    by_mark: HashMap<String, Vec<SegmentId>>,
}

#[derive(Debug, Clone)]
struct Looked {
    condition: Arc<Condition>,
    at: Watched,
    timed: bool,
}

/// Which conditions have to be looked at.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// Those that look at something that changed.
    Changed,
    /// Those that time alone can flip.
    Timed,
    /// Those of these segments, whatever changed. A segment that is not there any more loses its member.
    These(BTreeSet<SegmentId>),
}

impl Conditions {
    /// Adds a segment, where a condition decides who is in it.
    pub(crate) fn add(&mut self, segment: &Segment) {
        let Membership::When(condition) = &segment.membership else { return };
        let mut at = Watched::default();
        at.condition(condition);
        at.tracked.add(condition);
        for mark in at.looked_at() {
            self.by_mark.entry(mark).or_default().push(segment.id.clone());
        }
        let looked = Looked { condition: Arc::clone(condition), at, timed: is_timed(condition) };
        self.all.insert(segment.id.clone(), looked);
    }

    /// The conditions that time alone can flip.
    pub(crate) fn timed(&self) -> impl Iterator<Item = &Arc<Condition>> {
        self.all.values().filter(|looked| looked.timed).map(|looked| &looked.condition)
    }

    /// What all of them look at.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &Watched> {
        self.all.values().map(|looked| &looked.at)
    }

    /// Brings the segments of a contact up to what it is by now, and says how many conditions were looked at.
    pub(crate) fn settle(
        &self,
        before: Option<&Contact>,
        contact: &mut Contact,
        (look, now, account): (&Look, Timestamp, &TimeZone),
    ) -> usize {
        let mut open: BTreeSet<&SegmentId> = match look {
            Look::Changed => match before {
                None => self.all.keys().collect(),
                Some(before) => {
                    let mut open = self.concerned(&contact.changes_since(Some(before)));
                    if before.zone != contact.zone {
                        open.extend(self.timed_ids());
                    }
                    open
                }
            },
            Look::Timed => self.timed_ids().collect(),
            Look::These(ids) => {
                for gone in ids.iter().filter(|id| !self.all.contains_key(*id)) {
                    contact.segments.remove(gone);
                }
                self.all.keys().filter(|id| ids.contains(*id)).collect()
            }
        };
        let zone = calendar::zone_of(contact.zone.as_deref(), None, account);
        let mut looks: BTreeMap<&SegmentId, usize> = BTreeMap::new();
        let mut count = 0;
        while let Some(id) = open.pop_first() {
            let times = looks.entry(id).or_default();
            // None leads to itself, so each settles once all that it names have.
            if *times > self.all.len() {
                continue;
            }
            *times += 1;
            count += 1;
            let Some(looked) = self.all.get(id) else { continue };
            let tz = &zone.tz;
            let scope = Scope { contact, event: None, entry: None, run: None, now, tz, cutoff: None, since: None };
            let inside = eval(&looked.condition, &scope, &mut Vec::new());
            if inside != contact.segments.contains_key(id) {
                if inside {
                    contact.segments.insert(id.clone(), now);
                } else {
                    contact.segments.remove(id);
                }
                let change = Change::Segment { segment: id.clone(), entered: inside };
                open.append(&mut self.concerned(&[change]));
            }
        }
        count
    }

    fn concerned(&self, changes: &[Change]) -> BTreeSet<&SegmentId> {
        changes.iter().flat_map(marks).filter_map(|mark| self.by_mark.get(&mark)).flatten().collect()
    }

    fn timed_ids(&self) -> impl Iterator<Item = &SegmentId> {
        self.all.iter().filter(|(_, looked)| looked.timed).map(|(id, _)| id)
    }
}
