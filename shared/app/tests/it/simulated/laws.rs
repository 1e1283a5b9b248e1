//! What must hold of a simulated history after every step, and at its end.

use std::collections::{BTreeMap, BTreeSet};

use carepath_app::App;
use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::ids::{ContactKey, RunId};
use carepath_engine::report::Tally;
use carepath_engine::run::{Edge, MessageState, Outcome, Place, State};
use carepath_engine::{Contact, Run};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::client::{Action, Did, Who};
use super::documents::{CAPS, NOTE, READ, RESENT};
use crate::world::{Content, MemoryPorts};

/// A law that does not hold: the sentence says which, and where.
pub(super) type Broken = String;

macro_rules! hold {
    ($law:expr, $($words:tt)+) => {
        if !$law {
            return Err(format!($($words)+));
        }
    };
}

/// What is known of a run from the last look.
#[derive(Debug)]
struct Known {
    revision: u64,
    version: u32,
    places: Vec<Place>,
    outcome: Option<Outcome>,
}

/// What has been seen and promised so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: BTreeMap<RunId, Known>,
    acknowledged: Vec<Action>,
    /// Whom somebody has tried to delete: nothing has to come of what was told of them.
    deleted: BTreeSet<Who>,
    /// Events that end runs, by their names in the store, and the runs that were under way when they were acknowledged.
    leaving: Vec<(String, Vec<RunId>)>,
    /// Whether somebody has asked for runs to move.
    migrated: bool,
}

impl Ledger {
    /// Before anything is done of it.
    pub(super) fn asked(&mut self, action: &Action) {
        if let Action::Delete { who } = action {
            self.deleted.insert(*who);
        }
        self.migrated |= *action == Action::Migrate;
    }

    /// What was promised to whoever asked. `ending` are the runs that were under way when an event was told that ends them.
    pub(super) fn acknowledge(
        &mut self,
        action: Action,
        did: &Did,
        ending: Vec<RunId>,
        app: &App<MemoryPorts>,
        content: &Content,
    ) -> Result<(), Broken> {
        match (&action, did) {
            (_, Did::Began(run)) => {
                hold!(content.runs.contains_key(run), "S28: {action:?} began a run that is not there");
            }
            (_, Did::Ended(run)) => {
                let gone = !content.contacts.contains_key(&run.contact());
                let over = content.runs.get(run).is_none_or(Run::is_ended);
                hold!(over || gone, "S28: {run} was cancelled and goes on");
            }
            // What was under way then, not what is when it is told again.
            (Action::Tell { id, .. }, Did::It) => {
                self.leaving.push((app.secret.opaque("event", &["api", id]), ending));
            }
            (_, Did::It | Did::Nothing) => {}
        }
        self.acknowledged.push(action);
        Ok(())
    }

    /// After every step.
    pub(super) fn check(
        &mut self,
        content: &Content,
        mails: &BTreeMap<(RunId, u16), usize>,
        now: Timestamp,
    ) -> Result<(), Broken> {
        for ((run, step), taken) in mails {
            let again = content.runs.get(run).is_some_and(|run| run.workflow.as_str() == "journey") && *step == RESENT;
            hold!(*taken <= if again { 3 } else { 1 }, "S7: step {step} of {run} sent {taken} mails");
        }
        let mut changed = false;
        for run in content.runs.values() {
            if self.known.get(&run.id).is_some_and(|known| known.revision == run.revision) {
                continue;
            }
            changed = true;
            check_run(run, now)?;
            let places: Vec<_> = run.visits.iter().map(|visit| visit.place).collect();
            let outcome = if let State::Ended { outcome, .. } = &run.state { Some(outcome.clone()) } else { None };
            if let Some(known) = self.known.get(&run.id) {
                let moved = self.migrated && run.past.iter().any(|past| past.version == known.version);
                hold!(known.version == run.version || moved, "S3: {} has changed its version", run.id);
                hold!(places.starts_with(&known.places), "S1: {} has another past than it had", run.id);
                hold!(known.outcome.is_none() || known.outcome == outcome, "S6: {} ended in two ways", run.id);
            }
            let known = Known { revision: run.revision, version: run.version, places, outcome };
            self.known.insert(run.id.clone(), known);
        }
        if !changed {
            return Ok(());
        }
        check_admissions(content)?;
        let mut there = content.contacts.iter().filter(|(_, contact)| !self.is_deleted(contact));
        there.try_for_each(|(key, contact)| check_caps(content, key, contact, now))
    }

    fn is_deleted(&self, contact: &Contact) -> bool {
        self.deleted.iter().any(|who| who.id() == contact.id)
    }

    /// S18: what was acknowledged as an end has ended what was under way, once it counts as done.
    pub(super) fn check_leaving(&self, content: &Content) -> Result<(), Broken> {
        for (event, runs) in &self.leaving {
            let done = content.events.iter().any(|(_, name, _, done)| name == event && *done);
            let left = |run: &RunId| content.runs.get(run).is_none_or(Run::is_ended);
            hold!(!done || runs.iter().all(left), "S18: an event that ends a run is done, and the run goes on");
        }
        Ok(())
    }

    /// When nothing is left to do.
    pub(super) fn check_end(
        &self,
        app: &App<MemoryPorts>,
        content: &Content,
        mails: &BTreeMap<(RunId, u16), usize>,
    ) -> Result<(), Broken> {
        hold!(content.parked.is_empty(), "S28: no trial can do this: {:?}", content.parked);
        hold!(content.due().is_empty(), "S5: something is left to do: {:?}", content.due());
        for run in content.runs.values() {
            hold!(run.is_ended(), "S6: {} has not ended: {:?}", run.id, run.state);
            check_messages(run, mails)?;
        }
        hold!(content.events.iter().all(|(.., done)| *done), "S28: an event was not acted on");
        let names: BTreeSet<_> = content.events.iter().map(|(contact, name, ..)| (contact, name)).collect();
        hold!(names.len() == content.events.len(), "S19: an event is kept twice");
        for (key, contact) in &content.contacts {
            hold!(contact.pending.is_empty(), "S28: a change was not acted on");
            let member = |segment| content.members.contains(&(segment, key.clone()));
            hold!(contact.segments.keys().cloned().all(member), "a contact is in a segment that does not know it");
            if !self.is_deleted(contact) {
                check_counts(content, key, contact)?;
                // S21: by now everybody has been silent for two days.
                let told = |run: &Run| run.id.contact() == *key && run.workflow.as_str() == "silent";
                hold!(content.runs.values().any(told), "S21: somebody's silence was not noticed");
            }
        }
        self.acknowledged.iter().try_for_each(|action| self.check_promise(action, app, content))
    }

    /// S28: what was acknowledged has come about.
    fn check_promise(&self, action: &Action, app: &App<MemoryPorts>, content: &Content) -> Result<(), Broken> {
        let (who, begins) = match action {
            Action::Tell { who, name: "joined", .. } => (who, Some(("journey", None))),
            Action::Tell { who, name: "booked", appointment, .. } => {
                (who, Some(("visit", Some(appointment.to_string()))))
            }
            Action::Tell { who, name: "forked", .. } => (who, Some(("fork", None))),
            Action::Set { who, attribute: begins @ ("first" | "second") } => (who, Some((*begins, None))),
            Action::Register { who }
            | Action::Tell { who, .. }
            | Action::Set { who, .. }
            | Action::Plan { who, .. } => (who, None),
            Action::Enroll { .. }
            | Action::Delete { .. }
            | Action::Cancel { .. }
            | Action::Settle { .. }
            | Action::Pause { .. }
            | Action::Resume { .. }
            | Action::Migrate
            | Action::Publish { .. } => return Ok(()),
        };
        if self.deleted.contains(who) {
            return Ok(());
        }
        let key = app.key_of(&who.id());
        let contact =
            content.contacts.get(&key).ok_or_else(|| format!("S28: {who:?} is not known after {action:?}"))?;
        let is_there = if let Action::Set { attribute, .. } = action {
            contact.attribute(attribute) == Some(&json!(true))
        } else if let Action::Tell { id, .. } = action {
            let event = app.secret.opaque("event", &["api", id]);
            content.events.iter().any(|(of, name, ..)| *of == key && *name == event)
        } else {
            true
        };
        hold!(is_there, "S28: {action:?} was acknowledged, and is not there");
        let Some((workflow, its_key)) = begins else { return Ok(()) };
        let came_in = content.runs.values().any(|run| {
            let run_key = run.key.as_ref().map(|key| key.expose().clone());
            run.id.contact() == key && run.workflow.as_str() == workflow && run_key == its_key
        });
        hold!(came_in, "S28: {action:?} was acknowledged, and nobody came into {workflow}");
        Ok(())
    }
}

fn check_run(run: &Run, now: Timestamp) -> Result<(), Broken> {
    let held = matches!(run.state, State::Paused { .. });
    hold!(run.is_ended() || held || run.state.due().is_some(), "S5: {} has no wake-up: {:?}", run.id, run.state);
    let deleted = matches!(run.state, State::Ended { outcome: Outcome::Deleted, .. });
    let forgot = run.key.is_none() && run.entry.payload.expose().is_empty();
    hold!(!deleted || forgot, "S26: {} remembers a contact that was deleted", run.id);
    let places: BTreeSet<Place> = run.visits.iter().map(|visit| visit.place).collect();
    hold!(places.len() == run.visits.len(), "S1: {} has been somewhere twice", run.id);
    let broken = Tally::of(run).broken();
    hold!(broken.is_empty(), "S22: {} does not add up: {broken:?}", run.id);
    // S22: whoever came in is there still, moved on, or ended there.
    let Some((last, before)) = run.visits.split_last() else { return Err(format!("{} has been nowhere", run.id)) };
    hold!(before.iter().all(|visit| visit.edge.is_some()), "S22: {} left a step by no edge: {:?}", run.id, run.visits);
    hold!(last.edge.is_none(), "S22: {} is at the end of an edge: {:?}", run.id, run.visits);
    let there = if run.is_ended() { Some(Place::End) } else { run.state.step().map(Place::Step) };
    hold!(Some(last.place) == there, "S22: {} stands where it has not come to: {:?}", run.id, run.state);
    if run.workflow.as_str() == "journey" {
        check_opens(run, now)?;
    }
    Ok(())
}

/// S16, S20: an open by a person that is known moves the run on, and one by a machine does not.
fn check_opens(run: &Run, now: Timestamp) -> Result<(), Broken> {
    let opened = run.messages.get(&0).and_then(|message| message.opened.human);
    if let State::Waiting { step: READ, until, due, .. } = run.state {
        // What came true while a pause held it is decided within fifteen minutes of its end.
        let soon = due <= now + SignedDuration::from_mins(15);
        hold!(soon || opened.is_none_or(|at| at > until), "S16: {} waits for an open that it knows of", run.id);
    }
    let read = run.visits.iter().find(|visit| visit.place == Place::Step(READ));
    let by_open = read.is_some_and(|visit| visit.edge == Some(Edge::Nth(0)));
    hold!(!by_open || opened.is_some(), "S20: {} went on without a person who opened its mail", run.id);
    Ok(())
}

/// The runs that an event ends which is told now.
pub(super) fn ended_by(action: &Action, app: &App<MemoryPorts>, content: &Content) -> Vec<RunId> {
    let Action::Tell { who, name: "cancelled", appointment, .. } = action else { return Vec::new() };
    let (contact, its) = (app.key_of(&who.id()), appointment.to_string());
    let under_way = content.runs.values().filter(|run| {
        let of_key = run.key.as_ref().is_some_and(|key| *key.expose() == its);
        run.id.contact() == contact && run.workflow.as_str() == "visit" && of_key && !run.is_ended()
    });
    under_way.map(|run| run.id.clone()).collect()
}

/// S4: one live run for a contact, workflow and key, and one run for a cause.
fn check_admissions(content: &Content) -> Result<(), Broken> {
    let (mut live, mut causes) = (BTreeSet::new(), BTreeSet::new());
    for run in content.runs.values().filter(|run| run.lineage.is_empty()) {
        let key = run.key.as_ref().map(|key| key.expose().clone());
        let slot = (run.id.contact(), run.workflow.clone(), key);
        hold!(run.is_ended() || live.insert(slot.clone()), "S4: a second live run of {:?}", run.workflow);
        // A run that has forgotten its contact has forgotten its key as well.
        let deleted = matches!(run.state, State::Ended { outcome: Outcome::Deleted, .. });
        hold!(deleted || causes.insert((slot, run.entry.cause.clone())), "S4: {} has a cause twice", run.workflow);
    }
    Ok(())
}

/// S7, S8: of each mail it is told what became of it.
fn check_messages(run: &Run, mails: &BTreeMap<(RunId, u16), usize>) -> Result<(), Broken> {
    for (step, message) in &run.messages {
        let taken = mails.get(&(run.id.clone(), *step)).copied().unwrap_or_default();
        let resent = run.workflow.as_str() == "journey" && *step == RESENT;
        let right = match (message.state, message.reason.as_deref()) {
            (MessageState::Sent, Some("treated_as_sent")) => taken <= 1 || resent,
            (MessageState::Sent, _) => taken == 1 || (resent && taken > 0),
            (MessageState::Failed | MessageState::Skipped | MessageState::Released, _) => taken == 0 || resent,
            (MessageState::Claimed | MessageState::Unknown, _) => false,
        };
        hold!(right, "S8: {} of {}, step {step}: {message:?}, and {taken} mails", run.id, run.workflow);
    }
    Ok(())
}

/// A change that is not idempotent was made once for each visit that made it. One that a pause held there, and that left
/// for another reason, did not.
fn check_counts(content: &Content, key: &ContactKey, contact: &Contact) -> Result<(), Broken> {
    for (workflow, step, attribute) in [("journey", NOTE, "journeys"), ("fork", 2, "jumps"), ("first", 1, "count")] {
        let runs = content.runs.values().filter(|run| run.id.contact() == *key && run.workflow.as_str() == workflow);
        let visits = runs.flat_map(|run| &run.visits).filter(|visit| visit.place == Place::Step(step));
        let made = visits.filter(|visit| visit.edge == Some(Edge::Next)).count();
        let counted = contact.attribute(attribute).cloned().unwrap_or(json!(0));
        hold!(counted == json!(made), "S1: {workflow} counted {counted} in {attribute}, with {made} visits");
    }
    Ok(())
}

/// S11: each mail of a workflow with a cap counts, and each was under the cap when it was claimed, whatever else was
/// claimed at that moment.
fn check_caps(content: &Content, key: &ContactKey, contact: &Contact, now: Timestamp) -> Result<(), Broken> {
    let cap = |run: &Run| CAPS.into_iter().find(|(id, ..)| run.workflow.as_str() == *id);
    let mails = &contact.capped_mails;
    for (nth, mail) in mails.iter().enumerate() {
        let Some((id, max, per)) = content.runs.get(&mail.run).and_then(cap) else { continue };
        let before = mails[..nth].iter().filter(|before| before.at + per > mail.at).count();
        hold!(before < max, "S11: {id} sent one mail more than its cap of {max}: {mails:?}");
    }
    for run in content.runs.values().filter(|run| run.id.contact() == *key && cap(run).is_some()) {
        for (step, message) in &run.messages {
            let counts = matches!(message.state, MessageState::Claimed | MessageState::Sent | MessageState::Unknown);
            let lately = message.at + SignedDuration::from_hours(24 * 20) > now;
            let counted = mails.iter().any(|mail| mail.run == run.id && mail.step == run.tag(*step));
            hold!(!counts || !lately || counted, "S11: a mail of {} was not counted: {message:?}", run.workflow);
        }
    }
    Ok(())
}

/// What the mail service told and was thanked for is known.
pub(super) fn check_heard(content: &Content, run: &RunId, told: &Engagement) -> Result<(), Broken> {
    let Some(run) = content.runs.get(run).filter(|run| content.contacts.contains_key(&run.id.contact())) else {
        return Ok(());
    };
    let message = run.tagged(told.step).and_then(|step| run.messages.get(&step));
    let known = message.is_some_and(|message| match told.kind {
        EngagementKind::Opened if told.by == Reader::Machine => message.opened.machine.is_some(),
        EngagementKind::Opened => message.opened.human.is_some(),
        EngagementKind::Delivered => message.delivered.is_some(),
        EngagementKind::Unsubscribed => message.unsubscribed.is_some(),
        EngagementKind::Sent
        | EngagementKind::Rejected
        | EngagementKind::Clicked { .. }
        | EngagementKind::Bounced { .. }
        | EngagementKind::Complained => true,
    });
    if known { Ok(()) } else { Err(format!("S28: {} was thanked for and is not known: {told:?}", run.id)) }
}
