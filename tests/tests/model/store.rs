//! The answers to what workers call: a store that writes everything of a change over its revisions or nothing, and a mail
//! service that takes mails.

use carepath_app::ports::{Attempt, Change, Commit, Kept};
use carepath_engine::Run;
use carepath_engine::advance::Answer;
use carepath_engine::run::{Place, State as RunState};
use jiff::SignedDuration;

use crate::faults::Fault;
use crate::replay::{Call, Mail, Reply, Task};
use crate::state::{Item, Sent, State, StoredEvent, StoredRun};

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
    /// Does what a worker with this task calls for.
    pub(crate) fn perform(&mut self, task: &Task, call: &Call, service: Service, fault: Option<Fault>) -> Reply {
        match call {
            Call::Contact => Reply::Contact(Some((*self.contact.value).clone())),
            Call::ContactAndEvent { event } => {
                let found = self.events.iter_mut().find(|stored| stored.name == *event);
                let event = found.map(|stored| {
                    stored.done |= fault == Some(Fault::DoneBeforeActing);
                    (*stored.event.value).clone()
                });
                Reply::ContactAndEvent(Some((*self.contact.value).clone()), event)
            }
            Call::RunAndContact { run } => {
                let run = self.run(run).map(|stored| self.as_read(&stored.run.value, fault));
                Reply::RunAndContact(run, Some((*self.contact.value).clone()))
            }
            Call::RunsOf => {
                Reply::Runs(self.runs.iter().map(|stored| self.as_read(&stored.run.value, fault)).collect())
            }
            Call::Commit(change) => {
                let commit = self.commit(task, change, fault);
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
        }
    }

    fn as_read(&self, run: &Run, fault: Option<Fault>) -> Run {
        let mut run = run.clone();
        let ready = |step| RunState::Ready { step, due: self.now };
        match (&run.state, fault) {
            (RunState::Claimed { step, .. }, Some(Fault::ClaimIgnored))
            | (RunState::Unknown { step, .. }, Some(Fault::UnknownIsNotSent)) => run.state = ready(*step),
            _ => {}
        }
        run
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

    fn commit(&mut self, task: &Task, change: &Change, fault: Option<Fault>) -> Commit {
        let revision = |run: &Run| self.run(&run.id).map_or(0, |stored| stored.run.value.revision);
        let fits_run = |run: &Run| match fault {
            Some(Fault::NoCondition) => true,
            // What was answered before is one revision ahead of what is stored.
            Some(Fault::ClaimInMemory | Fault::LostRaceIsApplied) => {
                (revision(run)..=revision(run) + 1).contains(&run.revision)
            }
            _ => revision(run) == run.revision,
        };
        let fits = change.runs.iter().all(fits_run)
            && change.contact.iter().all(|ours| self.contact.value.revision == ours.contact.revision);
        if !fits {
            let told = if fault == Some(Fault::LostRaceIsApplied) { Commit::Applied } else { Commit::LostRace };
            return told;
        }
        let claims = |run: &Run| matches!(run.state, RunState::Claimed { .. });
        if fault == Some(Fault::ClaimInMemory) && change.runs.iter().any(claims) {
            return Commit::Applied;
        }
        for run in &change.runs {
            self.write(task, run, fault);
        }
        if let Some(ours) = &change.contact {
            let mut contact = ours.contact.clone();
            contact.revision += 1;
            let revision = contact.revision;
            self.contact = Item::new(contact, revision);
        }
        Commit::Applied
    }

    fn write(&mut self, task: &Task, decided: &Run, fault: Option<Fault>) {
        // As JSON and back, since that is what a store keeps.
        let mut run: Run = serde_json::from_value(serde_json::to_value(decided).unwrap()).unwrap();
        let unmoved = fault == Some(Fault::NoticeWithoutRevision) && matches!(task, Task::Notice { .. });
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
            (state, _) => state.due(),
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
    }

    fn send(&mut self, attempt: &Attempt, service: Service, fault: Option<Fault>) -> Answer {
        let later = self.now + SignedDuration::from_mins(1);
        let silence = match fault {
            Some(Fault::SilenceIsThrottle) => Answer::Throttled { until: later },
            Some(Fault::SilenceIsRefusal) => Answer::Refused("no answer".into()),
            _ => Answer::Unknown,
        };
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

    fn take(&mut self, attempt: &Attempt) -> String {
        let mail = Mail { attempt: attempt.clone(), number: self.mails.len() };
        let id = mail.id();
        self.mails.push(Sent { mail, telling: true, opened: None, telling_open: false, open_known: None });
        id
    }
}
