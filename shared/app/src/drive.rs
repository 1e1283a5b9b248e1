//! Driving a run: apply an input, commit, send, record, and go on until it rests.
//!
//! One commit carries as much as it can: what an input moves, and the claim of the mail that follows; what the mail
//! service answered, and all that follows from it. Nothing is sent that is not claimed, and nothing is claimed twice.

mod outside;

use std::collections::VecDeque;
use std::sync::Arc;

use carepath_engine::advance::{Alarm, Begin, Decision, Emitted, Input, JumpOut, Moment, Transition, advance, begin};
use carepath_engine::ids::RunId;
use carepath_engine::run::{Ancestor, State};
use carepath_engine::version::Version;
use carepath_engine::{Contact, Run};
use jiff::Timestamp;

use crate::App;
use crate::catalog::Published;
use crate::change::{Looking, follow_up, prepare};
use crate::emit;
use crate::error::UseError;
use crate::ports::{Change, Clock, Commit, Ports, Queue, Store, TellEvent, Work};

/// How often a lost race is run again before the work is given back to the queue.
pub(crate) const RACES: u32 = 16;
/// What became of a new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    /// It is stored, and rests.
    Done,
    /// Another run has its id.
    Lost,
}

/// A run in hand: as it is stored, and as it will be.
struct Hand<'a, P: Ports> {
    app: &'a App<P>,
    published: Arc<Published>,
    version: Arc<Version>,
    /// `None` while the run is not stored.
    stored: Option<Run>,
    run: Run,
    stored_contact: Contact,
    contact: Contact,
    contact_changed: bool,
    jumps: Vec<JumpOut>,
    events: Vec<Emitted>,
    alarms: Vec<Alarm>,
    /// What was applied since the last commit: it is applied again where that commit loses its race.
    pending: Vec<Input>,
}

/// Applies an input to a stored run and drives it until it rests.
///
/// # Errors
/// What the store cannot do, and `Busy` when others are faster again and again. A repeat does no harm.
pub(crate) async fn apply<P: Ports>(app: &App<P>, run: Run, contact: Contact, input: Input) -> Result<(), UseError> {
    Box::pin(applied(app, run, contact, input)).await.map(drop)
}

/// As [`apply`], and says how the run rests.
///
/// # Errors
/// As [`apply`].
pub(crate) async fn applied<P: Ports>(app: &App<P>, run: Run, contact: Contact, input: Input) -> Result<Run, UseError> {
    let mut hand = Hand::new(app, Some(run.clone()), run, contact).await?;
    hand.take(input)?;
    hand.until_rest().await?;
    Ok(hand.run)
}

/// Stores a run that was just begun and drives it until it rests.
pub(crate) async fn drive_new<P: Ports>(
    app: &App<P>,
    transition: Transition,
    contact: Contact,
) -> Result<Driven, UseError> {
    let mut hand = Hand::new(app, None, transition.run.clone(), contact).await?;
    hand.absorb(transition);
    hand.until_rest().await
}

impl<'a, P: Ports> Hand<'a, P> {
    async fn new(app: &'a App<P>, stored: Option<Run>, run: Run, contact: Contact) -> Result<Self, UseError> {
        let published = app.published().await?;
        let version = version_of(app, &run).await?;
        Ok(Self {
            app,
            published,
            version,
            stored,
            run,
            stored_contact: contact.clone(),
            contact,
            contact_changed: false,
            jumps: Vec::new(),
            events: Vec::new(),
            alarms: Vec::new(),
            pending: Vec::new(),
        })
    }

    fn now(&self) -> Timestamp {
        self.app.ports.clock().now()
    }

    fn decide(&self, input: &Input) -> Result<Decision, UseError> {
        let moment = Moment {
            now: self.now(),
            version: &self.version,
            contact: &self.contact,
            account_zone: &self.published.account.zone,
            paused: self.published.is_paused(&self.run.workflow),
            tracked: &self.published.watched.tracked,
        };
        Ok(advance(&self.run, input, moment)?)
    }

    fn absorb(&mut self, transition: Transition) {
        self.run = transition.run;
        if let Some(contact) = transition.contact {
            self.contact = contact;
            self.contact_changed = true;
        }
        self.jumps.extend(transition.jumps);
        self.events.extend(transition.events);
        self.alarms.extend(transition.alarms);
    }

    fn take(&mut self, input: Input) -> Result<(), UseError> {
        if let Decision::Move(transition) = self.decide(&input)? {
            self.absorb(*transition);
            if let Input::Migrate(migration) = &input
                && self.run.version == migration.to.number
            {
                self.version = Arc::clone(&migration.to);
            }
        }
        self.pending.push(input);
        Ok(())
    }

    fn changed(&self) -> bool {
        self.stored.as_ref() != Some(&self.run) || self.contact_changed
    }

    /// Goes on until there is nothing to do but to wait.
    async fn until_rest(&mut self) -> Result<Driven, UseError> {
        for _ in 0..RACES * 64 {
            let claimed = self.claim().await?;
            if self.changed() {
                match self.commit().await? {
                    Commit::Applied | Commit::AlreadyApplied => {}
                    Commit::LostRace if self.stored.is_none() => return Ok(Driven::Lost),
                    Commit::LostRace => {
                        if !self.reload().await? {
                            return Ok(Driven::Done);
                        }
                        continue;
                    }
                }
            }
            let Some((claimed, deadline)) = claimed else { return Ok(Driven::Done) };
            let came_back = self.carry_out(claimed, deadline).await;
            self.take(came_back)?;
        }
        Err(UseError::Busy)
    }

    async fn commit(&mut self) -> Result<Commit, UseError> {
        let now = self.now();
        if let Some(stored) = &self.stored {
            self.run.state.stay(&stored.state, now);
        }
        let mut runs = vec![self.run.clone()];
        let events = self.begin_jumps(&mut runs, now)?;
        let key = self.run.id.contact();
        let about = (self.app, &*self.published);
        // What these runs change may start others, which go on counting.
        let hops = runs.iter().map(|run| run.hops).max().unwrap_or_default();
        let looking = Looking { hops, ..Looking::CHANGED };
        let contact = self
            .contact_changed
            .then(|| prepare(about, (&key, Some(&self.stored_contact)), self.contact.clone(), now, &looking));
        let change = Change { runs, contact, events };
        let answer = self.app.ports.store().commit(&change).await?;
        if answer == Commit::LostRace {
            self.app.counters.lost_race();
            return Ok(answer);
        }
        self.committed(change, now).await;
        Ok(answer)
    }

    async fn committed(&mut self, change: Change, now: Timestamp) {
        let app = self.app;
        app.counters.moved(self.stored.as_ref(), &self.run);
        for alarm in self.alarms.drain(..) {
            app.counters.alarm(alarm, &self.run);
        }
        for run in change.runs.iter().skip(1) {
            app.counters.moved(None, run);
            hint(app, run).await;
        }
        for told in change.events {
            app.ports.queue().push(Work::Event { contact: told.key, event: told.name }, now).await;
        }
        if let Some(contact) = change.contact {
            self.contact = contact.contact;
            self.contact.revision += 1;
            self.stored_contact = self.contact.clone();
            self.contact_changed = false;
            follow_up(app, &contact.key, &self.contact, now).await;
        }
        self.run.revision += 1;
        self.stored = Some(self.run.clone());
        self.pending.clear();
        hint(app, &self.run).await;
    }

    /// Begins the runs that jumps lead to, and those that these jump on to at once: all of them are one commit, together with
    /// the events that this run and they tell.
    fn begin_jumps(&mut self, runs: &mut Vec<Run>, now: Timestamp) -> Result<Vec<TellEvent>, UseError> {
        let (app, told_by) = (self.app, &self.run.id);
        let mut events: Vec<_> = self.events.drain(..).map(|event| emit::told(app, told_by, event, now)).collect();
        let ours = std::mem::take(&mut self.jumps).into_iter();
        let mut ahead: VecDeque<_> = ours.map(|jump| (self.run.clone(), Arc::clone(&self.version), jump)).collect();
        while let Some((from, version, jump)) = ahead.pop_front() {
            let Some((transition, version)) = self.jump(&from, &version, &jump, now)? else { continue };
            if let Some(contact) = transition.contact {
                self.contact = contact;
                self.contact_changed = true;
            }
            let further = transition.jumps.into_iter();
            ahead.extend(further.map(|jump| (transition.run.clone(), Arc::clone(&version), jump)));
            let told_by = &transition.run.id;
            events.extend(transition.events.into_iter().map(|event| emit::told(app, told_by, event, now)));
            runs.push(transition.run);
        }
        events.into_iter().collect()
    }

    /// The run that a jump of `from` begins, in the version that is published now.
    fn jump(
        &self,
        from: &Run,
        its: &Version,
        jump: &JumpOut,
        now: Timestamp,
    ) -> Result<Option<(Transition, Arc<Version>)>, UseError> {
        let Some(live) = self.published.workflows.get(&jump.workflow) else {
            tracing::error!(run = %from.id, workflow = %jump.workflow, "jump into a workflow that is not published");
            return Ok(None);
        };
        let version = Arc::clone(&live.version);
        let mut lineage = from.lineage.clone();
        let steps = from.visited_steps(its);
        lineage.push(Ancestor { run: from.id.clone(), workflow: from.workflow.clone(), steps });
        let begun = Begin {
            id: self.app.secret.jump_id(&from.id, from.tag(jump.from)),
            key: from.key.as_ref().map(|key| key.expose().clone()),
            number: from.entry.number,
            cause: format!("jump {}", from.id),
            payload: jump.payload.expose().clone(),
            why: Vec::new(),
            lineage,
            hops: from.hops,
            start: jump.step.as_ref().and_then(|step| version.index_of(step)),
        };
        let moment = Moment {
            now,
            version: &version,
            contact: &self.contact,
            account_zone: &self.published.account.zone,
            paused: live.paused,
            tracked: &self.published.watched.tracked,
        };
        let transition = begin(begun, moment)?;
        Ok(Some((transition, version)))
    }

    /// Takes up the run as somebody else left it, and applies again what is pending. `false` where nothing is left to
    /// do: the run is gone, or what moved it will go on with it.
    async fn reload(&mut self) -> Result<bool, UseError> {
        let id: RunId = self.run.id.clone();
        let (Some(run), Some(contact)) = self.app.ports.store().run_and_contact(&id).await? else {
            return Ok(false);
        };
        let pending = std::mem::take(&mut self.pending);
        let had_work = !pending.is_empty();
        self.published = self.app.published().await?;
        if run.version != self.version.number {
            // Somebody has moved it meanwhile.
            self.version = version_of(self.app, &run).await?;
        }
        (self.stored, self.run) = (Some(run.clone()), run);
        (self.stored_contact, self.contact) = (contact.clone(), contact);
        (self.contact_changed, self.jumps, self.alarms) = (false, Vec::new(), Vec::new());
        self.events.clear();
        for input in pending {
            self.take(input)?;
        }
        Ok(had_work)
    }
}

/// The version that a run is in.
pub(crate) async fn version_of<P: Ports>(app: &App<P>, run: &Run) -> Result<Arc<Version>, UseError> {
    let version = app.catalog.version(app.ports.store(), &run.workflow, run.version).await?;
    version.ok_or(UseError::Corrupt { what: "version" })
}

/// Leaves word of when a run is to be looked at again. The `due` index has it too; this is only faster.
pub(crate) async fn hint<P: Ports>(app: &App<P>, run: &Run) {
    if matches!(run.state, State::Claimed { .. } | State::Calling { .. }) {
        // Whoever claimed it is at it; should it die, the sweep finds the run.
        return;
    }
    let work = Work::Run { run: run.id.clone() };
    match run.state.due() {
        Some(due) => app.ports.queue().push(work, due).await,
        None => app.ports.queue().recall(&work),
    }
}
