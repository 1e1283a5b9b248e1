//! A run on its way: entering steps, leaving them, ending, resting. Every transition is made with this.

use std::borrow::Cow;
use std::cell::OnceCell;

use jiff::{SignedDuration, Timestamp};

use super::{Alarm, Decision, Emitted, Fault, JumpOut, Moment, Transition};
use crate::calendar::{self, Zone};
use crate::condition::eval::Scope;
use crate::contact::Contact;
use crate::explain::Explanation;
use crate::run::{
    CLAIM_GRACE, Edge, MAX_HOPS, MessageState, OpenSend, Outcome, Place, Run, State, UNKNOWN_LOOKS, Visit, later,
};
use crate::version::{Step, StepIndex, StepKind, Target};

/// Over how long the overdue runs of a resumed workflow are spread (S15).
const RESUME_SPREAD: SignedDuration = SignedDuration::from_mins(15);

/// A run on its way.
pub(super) struct Walk<'a> {
    pub(super) moment: Moment<'a>,
    pub(super) run: Run,
    /// The contact, with what this walk has changed of it: a branch after an update sees the update.
    pub(super) contact: Cow<'a, Contact>,
    jumps: Vec<JumpOut>,
    pub(super) events: Vec<Emitted>,
    pub(super) alarms: Vec<Alarm>,
    /// Something was written down on the run that is worth a commit even if the run stays where it is.
    pub(super) noted: bool,
    zone: OnceCell<Zone>,
}

/// What a step says when it has been done as far as it can be now.
pub(super) enum Flow {
    /// Out of the step by this edge.
    Leave(Edge, Target),
    /// The run stays in this state.
    Rest(State),
    /// The run is over.
    End(Outcome),
}

impl<'a> Walk<'a> {
    pub(super) fn new(run: &Run, moment: Moment<'a>) -> Self {
        Self {
            moment,
            run: run.clone(),
            contact: Cow::Borrowed(moment.contact),
            jumps: Vec::new(),
            events: Vec::new(),
            alarms: Vec::new(),
            noted: false,
            zone: OnceCell::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.moment.now
    }

    /// The zone of the run (S12).
    pub(super) fn zone(&self) -> &Zone {
        self.zone.get_or_init(|| {
            let policy = self.moment.version.policy.zone.as_ref();
            calendar::zone_of(self.contact.zone.as_deref(), policy, self.moment.account_zone)
        })
    }

    /// What conditions see.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            contact: &self.contact,
            event: None,
            entry: Some(self.run.entry.payload.expose()),
            run: Some(&self.run),
            now: self.now(),
            tz: &self.zone().tz,
            cutoff: None,
            since: None,
        }
    }

    pub(super) fn step(&self, index: StepIndex) -> Result<&'a Step, Fault> {
        self.moment.version.step(index).ok_or(Fault::NoSuchStep)
    }

    /// The run rests in `state`.
    pub(super) fn rest(mut self, state: State) -> Result<Decision, Fault> {
        self.run.state = state;
        Ok(self.finish())
    }

    /// Somebody looked at a claim that is not over: the run is put where it is due, so that it is not looked at again before.
    pub(super) fn put_down(mut self) -> Result<Decision, Fault> {
        if let State::Claimed { claim, .. } | State::Calling { claim, .. } = &mut self.run.state {
            claim.place = None;
        }
        Ok(self.finish())
    }

    /// Leaves the step that the run is in, and goes on as far as it gets.
    pub(super) fn leave(mut self, edge: Edge, to: Target, why: Vec<Explanation>) -> Result<Decision, Fault> {
        self.close_visit(edge, why);
        self.enter(to)
    }

    /// Goes into `target` and through every step that needs nothing from outside, in one transition.
    pub(super) fn enter(mut self, target: Target) -> Result<Decision, Fault> {
        let mut target = target;
        loop {
            let Target::Step(index) = target else {
                return self.end(Outcome::Completed, Vec::new());
            };
            if let Some((outcome, why)) = self.no_entry(index)? {
                return self.end(outcome, vec![why]);
            }
            self.run.hops += 1;
            self.run.visits.push(Visit {
                place: Place::Step(index),
                at: self.now(),
                edge: None,
                explanation: Vec::new(),
            });
            if self.moment.paused {
                let due = self.now();
                return self.pause(State::Ready { step: index, due });
            }
            match self.perform(index)? {
                Flow::Leave(edge, next) => {
                    self.close_visit(edge, Vec::new());
                    target = next;
                }
                Flow::Rest(state) => return self.rest(state),
                Flow::End(outcome) => return self.end(outcome, Vec::new()),
            }
        }
    }

    /// Does the step that the run is ready at. A send or a call is left to the shell, which claims it.
    pub(super) fn resume_at(mut self, index: StepIndex) -> Result<Decision, Fault> {
        if self.moment.paused {
            let state = self.run.state.clone();
            return self.pause(state);
        }
        match self.perform(index)? {
            Flow::Leave(edge, next) => self.leave(edge, next, Vec::new()),
            Flow::End(outcome) => self.end(outcome, Vec::new()),
            Flow::Rest(state) if state == self.run.state => Ok(Decision::Ignore(super::Stale::Irrelevant)),
            Flow::Rest(state) => self.rest(state),
        }
    }

    /// Why a step must not be entered, if so: a second visit ends the run (S1, S2).
    fn no_entry(&self, index: StepIndex) -> Result<Option<(Outcome, Explanation)>, Fault> {
        let step = self.step(index)?;
        let visited = self.run.has_visited(index)
            || self.run.visited_before(&step.id)
            || self.run.lineage_visited(&self.moment.version.workflow, &step.id);
        if visited {
            let why = Explanation::new("step visited before", true, "run").observed(step.id.as_str());
            return Ok(Some((Outcome::Revisit, why)));
        }
        if self.run.hops >= MAX_HOPS {
            let why = Explanation::new("steps taken", true, "run").observed(self.run.hops).expected(MAX_HOPS);
            return Ok(Some((Outcome::Failed("hop_limit".into()), why)));
        }
        Ok(None)
    }

    fn perform(&mut self, index: StepIndex) -> Result<Flow, Fault> {
        let step = self.step(index)?;
        let now = self.now();
        Ok(match &step.kind {
            StepKind::Send { .. } | StepKind::Webhook { .. } => {
                // A deferred send or call keeps its own time when it is looked at again.
                let due = match self.run.state {
                    State::Ready { step, due } if step == index => due,
                    State::Ready { .. }
                    | State::Claimed { .. }
                    | State::Unknown { .. }
                    | State::Calling { .. }
                    | State::Waiting { .. }
                    | State::Paused { .. }
                    | State::Ended { .. } => now,
                };
                Flow::Rest(State::Ready { step: index, due })
            }
            StepKind::Wait { until, late_limit, next, otherwise } => {
                super::wait::begin(self, index, until, late_limit, *next, *otherwise)
            }
            StepKind::WaitFor { paths, timeout, already_true, .. } => {
                super::wait::begin_for(self, index, paths, timeout, *already_true)
            }
            StepKind::Branch { cases, next } => self.branch(cases, *next),
            StepKind::Split { shares } => self.split(index, shares),
            StepKind::Update { changes, next } => super::contact::update(self, changes, *next),
            StepKind::Segment { add, remove, next } => super::contact::segments(self, add, remove, *next),
            StepKind::Emit { event, properties, next } => super::emit::emit(self, index, event, properties, *next),
            StepKind::Jump { to } => Flow::Leave(Edge::Next, Target::Step(*to)),
            StepKind::JumpOut { workflow, step, payload, stay } => {
                match super::contact::payload(self, payload.as_ref()) {
                    Ok(payload) => {
                        let (workflow, step) = (workflow.clone(), step.clone());
                        self.jumps.push(JumpOut { from: index, workflow, step, payload });
                        stay.map_or(Flow::End(Outcome::Completed), |next| Flow::Leave(Edge::Next, next))
                    }
                    Err(outcome) => Flow::End(outcome),
                }
            }
            StepKind::Exit { reason } => Flow::End(Outcome::Exited(reason.clone().into())),
        })
    }

    fn branch(&mut self, cases: &[crate::version::Case], next: Target) -> Flow {
        let mut why = Vec::with_capacity(cases.len());
        let taken = {
            let scope = self.scope();
            cases.iter().position(|case| crate::condition::eval::eval(&case.when, &scope, &mut why))
        };
        self.explain(why);
        match taken.and_then(|nth| Some((u16::try_from(nth).ok()?, cases.get(nth)?.next))) {
            Some((nth, target)) => Flow::Leave(Edge::Nth(nth), target),
            None => Flow::Leave(Edge::Next, next),
        }
    }

    /// A share by a stable hash of run and step: the same run is always dealt the same way.
    fn split(&mut self, index: StepIndex, shares: &[crate::version::Share]) -> Flow {
        let total: u64 = shares.iter().map(|share| u64::from(share.weight)).sum();
        let point = stable_hash(&self.run.id, index) % total.max(1);
        let mut upto = 0;
        let mut dealt = None;
        for (nth, share) in shares.iter().enumerate() {
            upto += u64::from(share.weight);
            if point < upto {
                dealt = Some((nth, share.next));
                break;
            }
        }
        self.explain(vec![Explanation::new("share", true, "hash of run and step").observed(point).expected(total)]);
        match dealt.and_then(|(nth, next)| Some((u16::try_from(nth).ok()?, next))) {
            Some((nth, next)) => Flow::Leave(Edge::Nth(nth), next),
            None => Flow::End(Outcome::Completed),
        }
    }

    /// Ends the run. A send that is under way is remembered, so that it is settled all the same.
    pub(super) fn end(mut self, outcome: Outcome, why: Vec<Explanation>) -> Result<Decision, Fault> {
        let at = self.now();
        let open = open_send(&self.run);
        self.close_visit(Edge::Left, Vec::new());
        self.run.visits.push(Visit { place: Place::End, at, edge: None, explanation: why });
        self.run.heard.clear();
        self.run.state = State::Ended { outcome, at, open };
        Ok(self.finish())
    }

    /// Holds the run until its workflow goes on (S15).
    pub(super) fn pause(self, at: State) -> Result<Decision, Fault> {
        let since = self.now();
        self.rest(State::Paused { since, at: Box::new(at) })
    }

    /// Lets a paused run go on. What is overdue is spread, so that a long pause does not end in a flood.
    pub(super) fn unpause(self, at: &State) -> Result<Decision, Fault> {
        let spread = stable_hash(&self.run.id, 0) % RESUME_SPREAD.as_secs().unsigned_abs();
        let spread = SignedDuration::from_secs(i64::try_from(spread).unwrap_or_default());
        let (now, soon) = (self.now(), later(self.now(), spread));
        let from_now = |due: Timestamp| if due <= now { soon } else { due };
        let state = match at {
            State::Ready { step, due } => State::Ready { step: *step, due: from_now(*due) },
            State::Waiting { step, since, until, due } => {
                State::Waiting { step: *step, since: *since, until: *until, due: from_now(*due) }
            }
            State::Claimed { .. }
            | State::Unknown { .. }
            | State::Calling { .. }
            | State::Paused { .. }
            | State::Ended { .. } => at.clone(),
        };
        self.rest(state)
    }

    /// Notes on the visit of the step that the run is in what was compared.
    pub(super) fn explain(&mut self, why: Vec<Explanation>) {
        if let Some(visit) = self.run.visits.last_mut() {
            visit.explanation.extend(why);
        }
    }

    /// Notes on the visit of a step, wherever the run is by now.
    pub(super) fn explain_at(&mut self, step: StepIndex, why: Explanation) {
        if let Some(visit) = self.run.visits.iter_mut().rev().find(|visit| visit.place == Place::Step(step)) {
            visit.explanation.push(why);
        }
    }

    fn close_visit(&mut self, edge: Edge, why: Vec<Explanation>) {
        if let Some(visit) = self.run.visits.last_mut() {
            visit.edge.get_or_insert(edge);
            visit.explanation.extend(why);
            if let Place::Step(index) = visit.place {
                self.run.heard.retain(|heard| heard.step != index);
            }
        }
    }

    /// What the walk comes to.
    pub(super) fn finish(self) -> Decision {
        Decision::Move(Box::new(self.into_transition()))
    }

    pub(super) fn into_transition(self) -> Transition {
        let contact = match self.contact {
            Cow::Owned(contact) => Some(contact),
            Cow::Borrowed(_) => None,
        };
        Transition { run: self.run, contact, jumps: self.jumps, events: self.events, alarms: self.alarms }
    }
}

/// The send that is still to be settled when the run ends. One that was just answered is not: its run ends by it.
fn open_send(run: &Run) -> Option<OpenSend> {
    let unsettled = |step: StepIndex| {
        let message = run.messages.get(&step)?;
        matches!(message.state, MessageState::Claimed | MessageState::Unknown).then_some(step)
    };
    match &run.state {
        State::Claimed { step, claim } => {
            let due = later(claim.deadline, CLAIM_GRACE);
            unsettled(*step).map(|step| OpenSend { step, attempt: claim.attempt, due })
        }
        State::Unknown { step, attempt, since, .. } => {
            let due = later(*since, UNKNOWN_LOOKS[3]);
            unsettled(*step).map(|step| OpenSend { step, attempt: *attempt, due })
        }
        State::Ready { .. } | State::Calling { .. } | State::Waiting { .. } | State::Paused { .. } => None,
        State::Ended { open, .. } => open.clone(),
    }
}

/// A hash that never changes between builds or machines.
fn stable_hash(run: &crate::ids::RunId, step: StepIndex) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(run.as_str().as_bytes());
    hasher.update(&step.to_le_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}
