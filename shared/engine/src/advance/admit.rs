//! Coming in: whether a contact may have a run (S4), and its first steps.

use jiff::Timestamp;

use super::walk::Walk;
use super::{Fault, Moment, Transition};
use crate::calendar;
use crate::condition::eval::{Scope, eval};
use crate::contact::Attributes;
use crate::event::Event;
use crate::explain::Explanation;
use crate::ids::RunId;
use crate::phi::Phi;
use crate::run::{Ancestor, Edge, EntryRecord, Place, Run, State, Visit};
use crate::version::{ReentryMode, StepIndex, Target};

/// The answer to a trigger.
#[derive(Debug, Clone)]
pub enum Admission {
    /// The contact comes in, with this entry number, for these reasons.
    Admitted {
        /// Counted from 1 for each key.
        number: u32,
        /// What was compared.
        why: Vec<Explanation>,
    },
    /// It does not.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// What was compared.
        why: Vec<Explanation>,
    },
}

/// Why a contact is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// This very cause started a run already: a repeat.
    SameCause,
    /// A run of the same key is still live.
    LiveRun,
    /// It has been in before, and re-entry is `never`.
    EnteredBefore,
    /// The last entry is too short ago.
    MinGap,
    /// It has been in as often as it may.
    MaxEntries,
    /// The trigger's condition or the filter does not hold.
    Filter,
    /// The workflow is paused or archived.
    NotLive,
}

impl Refusal {
    /// The reason as the API names it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SameCause => "same_cause",
            Self::LiveRun => "live_run",
            Self::EnteredBefore => "entered_before",
            Self::MinGap => "min_gap",
            Self::MaxEntries => "max_entries",
            Self::Filter => "filter",
            Self::NotLive => "not_live",
        }
    }
}

/// Decides whether a contact is admitted. `prior`: its runs of this workflow under this key, whatever their state;
/// `cause`: the opaque name of what triggers; `event`: the event that does, where it is one.
pub fn admit(
    prior: &[&Run],
    cause: &str,
    event: Option<&Event>,
    payload: &Attributes,
    moment: Moment<'_>,
) -> Admission {
    let number = prior.iter().map(|run| run.entry.number).max().unwrap_or(0).saturating_add(1);
    let mut why = Vec::new();
    let refusal = reentry(prior, cause, number, moment, &mut why).or_else(|| filter(event, payload, moment, &mut why));
    match refusal {
        None => Admission::Admitted { number, why },
        Some(refusal) => Admission::Refused { refusal, why },
    }
}

fn reentry(
    prior: &[&Run],
    cause: &str,
    number: u32,
    moment: Moment<'_>,
    why: &mut Vec<Explanation>,
) -> Option<Refusal> {
    let rule = &moment.version.entry.reentry;
    if prior.iter().any(|run| run.entry.cause == cause) {
        return Some(Refusal::SameCause);
    }
    // Runs of somebody who was deleted are not those of whoever comes under the same id later.
    let (own, gone): (Vec<&Run>, Vec<&Run>) = prior.iter().partition(|run| run.contact == moment.contact.id);
    let last = own.iter().map(|run| run.entry.at).max()?;
    let mut refuse = |test: &'static str, refusal: Refusal| {
        why.push(Explanation::new(test, false, "runs of the contact").observed(last.to_string()));
        Some(refusal)
    };
    if own.iter().any(|run| !run.is_ended()) {
        return refuse("no live run", Refusal::LiveRun);
    }
    match rule.mode {
        ReentryMode::Never => return refuse("not entered before", Refusal::EnteredBefore),
        ReentryMode::AfterExit | ReentryMode::Always => {}
    }
    let zone =
        calendar::zone_of(moment.contact.zone.as_deref(), moment.version.policy.zone.as_ref(), moment.account_zone);
    if rule.min_gap.as_ref().is_some_and(|gap| calendar::add(last, gap, &zone.tz) > moment.now) {
        return refuse("gap since the last entry", Refusal::MinGap);
    }
    let before = gone.iter().map(|run| run.entry.number).max().unwrap_or(0);
    if rule.max_entries.is_some_and(|most| number.saturating_sub(before) > most) {
        return refuse("entries left", Refusal::MaxEntries);
    }
    None
}

fn filter(
    event: Option<&Event>,
    payload: &Attributes,
    moment: Moment<'_>,
    why: &mut Vec<Explanation>,
) -> Option<Refusal> {
    let entry = &moment.version.entry;
    let trigger = match &entry.trigger {
        crate::version::Trigger::Event { filter, .. } => filter.as_ref(),
        crate::version::Trigger::Attribute { .. }
        | crate::version::Trigger::Segment { .. }
        | crate::version::Trigger::Milestone(_)
        | crate::version::Trigger::Inactivity(_)
        | crate::version::Trigger::Schedule(_)
        | crate::version::Trigger::Api => None,
    };
    let zone =
        calendar::zone_of(moment.contact.zone.as_deref(), moment.version.policy.zone.as_ref(), moment.account_zone);
    let scope = Scope {
        contact: moment.contact,
        event,
        entry: Some(payload),
        run: None,
        now: moment.now,
        tz: &zone.tz,
        cutoff: None,
        since: None,
    };
    let mut holds = |condition| eval(condition, &scope, why);
    let passed = trigger.is_none_or(&mut holds) && entry.filter.as_ref().is_none_or(&mut holds);
    (!passed).then_some(Refusal::Filter)
}

/// What a new run begins with.
#[derive(Debug, Clone)]
pub struct Begin {
    /// Its derived id.
    pub id: RunId,
    /// Its key.
    pub key: Option<String>,
    /// Its entry number.
    pub number: u32,
    /// The opaque name of its cause.
    pub cause: String,
    /// Its entry.
    pub payload: Attributes,
    /// Why it was admitted.
    pub why: Vec<Explanation>,
    /// The runs of its lineage before it (S2).
    pub lineage: Vec<Ancestor>,
    /// The steps that they took.
    pub hops: u32,
    /// Where it begins; the version's first step where it is not given.
    pub start: Option<StepIndex>,
}

/// Begins a run and takes it as far as it gets without anything from outside.
///
/// # Errors
/// [`Fault::NoSuchStep`] where `start` is not a step of the version.
pub fn begin(new: Begin, moment: Moment<'_>) -> Result<Transition, Fault> {
    let now: Timestamp = moment.now;
    let start = new.start.unwrap_or(moment.version.start);
    let run = Run {
        id: new.id,
        workflow: moment.version.workflow.clone(),
        version: moment.version.number,
        contact: moment.contact.id.clone(),
        key: new.key.map(Phi),
        entry: EntryRecord { at: now, number: new.number, cause: new.cause, payload: Phi(new.payload) },
        state: State::Ready { step: start, due: now },
        visits: vec![Visit { place: Place::Entry, at: now, edge: Some(Edge::Next), explanation: new.why }],
        messages: std::collections::BTreeMap::new(),
        heard: Vec::new(),
        taken: Vec::new(),
        calls: std::collections::BTreeMap::new(),
        saved: Phi::default(),
        hops: new.hops,
        lineage: new.lineage,
        past: Vec::new(),
        revision: 0,
    };
    match Walk::new(&run, moment).enter(Target::Step(start))? {
        super::Decision::Move(transition) => Ok(*transition),
        // Entering always moves: a run that could not would have no state to rest in.
        super::Decision::Ignore(_) => Err(Fault::WrongKind),
    }
}
