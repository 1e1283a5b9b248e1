//! The answers to what workers call: a store that writes everything of a change over its revisions or nothing, and a mail
//! service that takes mails.

use carepath_app::ports::{Attempt, Change, Commit, Evidence, Kept};
use carepath_engine::Run;
use carepath_engine::advance::Answer;
use carepath_engine::run::{Place, State as RunState};
use jiff::SignedDuration;

use crate::faults::Fault;
use crate::replay::{Call, Mail, Reply, Task, Worker};
use crate::state::{Item, Sent, State, StoredEvent, StoredRun};
use crate::system::{Memory, System};

/// What the mail service does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// It takes it and says so.
    Takes,
    /// It takes it, and nobody hears of it.
    TakesSilently,
    /// It does not take it, and nobody hears of it.
    DropsSilently,
    /// It refuses it for good.
    Refuses,
    /// It does not take it now.
    Throttles,
}

impl State {
    /// Does what a worker calls for.
    pub(crate) fn perform(&mut self, system: &System, worker: &Worker, call: &Call, service: Service) -> Reply {
        let fault = system.fault;
        let contact = self.contact.clone();
        match call {
            Call::Contact => Reply::Contact(contact),
            Call::ContactAndEvent { event } => {
                let found = self.events.iter_mut().find(|stored| stored.name == *event);
                let event = found.map(|stored| {
                    stored.done |= fault == Some(Fault::DoneBeforeActing);
                    stored.event.clone()
                });
                Reply::ContactAndEvent(contact, event)
            }
            Call::RunAndContact { run } => {
                Reply::RunAndContact(self.run(run).map(|stored| self.as_read(&stored.run, fault)), contact)
            }
            Call::RunsOf => Reply::Runs(self.runs.iter().map(|stored| self.as_read(&stored.run, fault)).collect()),
            Call::Commit(change) => {
                let commit = self.commit(worker, change, fault);
                self.seen.race |= commit == Commit::LostRace;
                Reply::Commit(commit)
            }
            Call::Keep { name, event } => Reply::Kept(self.keep(name, event, fault)),
            Call::Done { event } => {
                for stored in self.events.iter_mut().filter(|stored| stored.name == *event) {
                    stored.done = true;
                }
                Reply::Done
            }
            Call::Send(attempt) => Reply::Answer(self.send(attempt, service, fault)),
            Call::Evidence(attempt) => Reply::Evidence(self.evidence(system.memory, attempt, fault)),
        }
    }

    fn as_read(&self, item: &Item<Run>, fault: Option<Fault>) -> Item<Run> {
        let step = match (&item.value.state, fault) {
            (RunState::Claimed { step, .. }, Some(Fault::ClaimIgnored))
            | (RunState::Unknown { step, .. }, Some(Fault::UnknownIsNotSent)) => *step,
            _ => return item.clone(),
        };
        let mut run = item.get();
        run.state = RunState::Ready { step, due: self.now };
        let revision = run.revision;
        Item::new(run, revision)
    }

    fn keep(&mut self, name: &str, event: &carepath_engine::Event, fault: Option<Fault>) -> Kept {
        if self.events.iter().any(|stored| stored.name == name) {
            return Kept::Duplicate;
        }
        if fault != Some(Fault::AcknowledgedBeforeKept) {
            let event = Item::new(event.clone(), 0);
            self.events.push(StoredEvent { name: name.to_owned(), event, done: false });
        }
        Kept::New
    }

    fn commit(&mut self, worker: &Worker, change: &Change, fault: Option<Fault>) -> Commit {
        if !self.fits(worker, change, fault) {
            return if fault == Some(Fault::LostRaceIsApplied) { Commit::Applied } else { Commit::LostRace };
        }
        let claims = |run: &Run| matches!(run.state, RunState::Claimed { .. });
        if fault == Some(Fault::ClaimInMemory) && change.runs.iter().any(claims) {
            return Commit::Applied;
        }
        for run in &change.runs {
            self.write(worker, run, fault);
        }
        if let Some(ours) = &change.contact {
            let mut contact = ours.contact.clone();
            contact.revision += 1;
            let revision = contact.revision;
            self.contact = Item::new(contact, revision);
        }
        Commit::Applied
    }

    /// Whether everything of a change was decided on what is there now.
    fn fits(&self, worker: &Worker, change: &Change, fault: Option<Fault>) -> bool {
        let revision = |run: &Run| self.run(&run.id).map_or(0, |stored| stored.run.value.revision);
        let fits = |run: &Run| match fault {
            Some(Fault::NoCondition) => true,
            Some(Fault::AdmissionWithoutCondition) if run.revision == 0 => true,
            Some(Fault::RecordWithoutCondition) if worker.was_answered() => true,
            // What was answered before is one revision ahead of what is stored.
            Some(Fault::ClaimInMemory | Fault::LostRaceIsApplied) => {
                (revision(run)..=revision(run) + 1).contains(&run.revision)
            }
            _ => revision(run) == run.revision,
        };
        change.runs.iter().all(fits)
            && change.contact.iter().all(|ours| self.contact.value.revision == ours.contact.revision)
    }

    fn write(&mut self, worker: &Worker, decided: &Run, fault: Option<Fault>) {
        let notice = matches!(worker.task, Task::Notice { .. });
        if notice && fault == Some(Fault::NoticeDropped) {
            return;
        }
        // As JSON and back, since that is what a store keeps.
        let mut run: Run = serde_json::from_value(serde_json::to_value(decided).unwrap()).unwrap();
        let unmoved = notice && fault == Some(Fault::NoticeWithoutRevision);
        run.revision = decided.revision + u64::from(!unmoved);
        match (&mut run.state, fault) {
            (RunState::Waiting { until, due, .. }, Some(Fault::NoGrace)) => *due = *until,
            (_, Some(Fault::VisitsForgotten)) => drop(run.visits.drain(..run.visits.len() - 1)),
            _ => {}
        }
        let due = match (&run.state, fault) {
            (RunState::Waiting { .. }, Some(Fault::WaitNotDue))
            | (RunState::Claimed { .. }, Some(Fault::ClaimNotDue))
            | (RunState::Unknown { .. }, Some(Fault::UnknownNotDue)) => None,
            (state, _) => state.place(),
        };
        self.note(decided, fault);
        let place = self.runs.iter().position(|stored| stored.run.value.id == run.id);
        let mut lengths = place.map_or_else(|| vec![0], |place| self.runs[place].lengths.clone());
        let revision = run.revision;
        while u64::try_from(lengths.len()).unwrap() <= revision {
            lengths.push(run.visits.len());
        }
        let stored = StoredRun { run: Item::new(run, revision), due, lengths };
        match place {
            Some(place) => self.runs[place] = stored,
            None => self.runs.push(stored),
        }
    }

    /// Writes down which steps a decision enters, and whether it takes back what others have decided.
    fn note(&mut self, decided: &Run, fault: Option<Fault>) {
        let places = |run: &Run| run.visits.iter().map(|visit| visit.place).collect::<Vec<Place>>();
        let after = places(decided);
        let mut known = 0;
        if let Some(stored) = self.run(&decided.id) {
            let decided_on = usize::try_from(decided.revision).unwrap();
            known = stored.lengths.get(decided_on).or(stored.lengths.last()).copied().unwrap_or_default();
            let kept = after.starts_with(&places(&stored.run.value));
            self.seen.rewritten |= !kept && fault != Some(Fault::VisitsForgotten);
        }
        let id = &decided.id;
        self.entered.extend(after.into_iter().skip(known).map(|place| (id.clone(), place)));
        self.entered.sort();
    }

    fn send(&mut self, attempt: &Attempt, service: Service, fault: Option<Fault>) -> Answer {
        let later = self.now + SignedDuration::from_mins(1);
        let silence = match fault {
            Some(Fault::SilenceIsThrottle) => Answer::Throttled { until: later },
            Some(Fault::SilenceIsRefusal) => Answer::Refused("no answer".into()),
            _ => Answer::Unknown,
        };
        if self.closed.contains(attempt) {
            return Answer::Throttled { until: self.now };
        }
        match service {
            Service::Takes => Answer::Accepted { id: self.take(attempt), delivered: false },
            Service::TakesSilently if fault == Some(Fault::ClientRepeats) => {
                self.take(attempt);
                Answer::Accepted { id: self.take(attempt), delivered: false }
            }
            Service::TakesSilently => {
                self.take(attempt);
                silence
            }
            Service::DropsSilently => silence,
            Service::Refuses => Answer::Refused("refused".into()),
            Service::Throttles => Answer::Throttled { until: later },
        }
    }

    /// What is known of an attempt. A mail service with a memory that has not taken a mail never will.
    fn evidence(&mut self, memory: Memory, attempt: &Attempt, fault: Option<Fault>) -> Evidence {
        match memory {
            Memory::None => return Evidence::None,
            Memory::Vouches => {
                let word = self.mails.iter().any(|sent| sent.mail.attempt == *attempt && !sent.known);
                let silent = !word || fault == Some(Fault::VouchedTooSoon);
                return if silent { Evidence::Silent } else { Evidence::None };
            }
            Memory::Remembers => {}
        }
        if let Some(sent) = self.mails.iter().find(|sent| sent.mail.attempt == *attempt) {
            return Evidence::Accepted { id: sent.mail.id(), delivered: true };
        }
        if fault != Some(Fault::AttemptLeftOpen) {
            self.closed.push(attempt.clone());
            self.closed.sort_by_key(|attempt| (attempt.run.clone(), attempt.step, attempt.attempt));
            self.closed.dedup();
        }
        Evidence::NotAccepted
    }

    fn take(&mut self, attempt: &Attempt) -> String {
        let mail = Mail { attempt: attempt.clone(), number: self.mails.len() };
        let id = mail.id();
        self.mails.push(Sent {
            mail,
            telling: true,
            known: false,
            opened: None,
            telling_open: false,
            open_known: None,
        });
        id
    }
}
