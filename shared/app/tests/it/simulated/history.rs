//! One history: a scheduler that lets one task go on at a time, by one call of a port, as the dice fall.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use carepath_app::engage::engage;
use carepath_app::ports::{Clock, Ports, Retry, Store, Work};
use carepath_app::{App, UseError, park, work};
use carepath_engine::advance::Engagement;
use carepath_engine::ids::RunId;
use carepath_engine::run::State;
use jiff::{SignedDuration, Timestamp};

use super::client::{Action, Did, Seen, plan};
use super::documents;
use super::laws::{Broken, Ledger, check_heard, ended_by};
use super::weather::Weather;
use crate::journey::start;
use crate::world::{Content, Dice, Faults, Flaw, MemoryPorts};

/// More turns than any history takes: whoever needs them goes round in circles.
const MOST_TURNS: usize = 60_000;
/// How long work, a notice or a request waits that came to nothing.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How many tasks are under way at once.
const MOST_TASKS: usize = 6;

/// What a task is at.
#[derive(Debug, Clone)]
enum Job {
    Work(Work),
    Notice(RunId, Engagement),
    Ask(Action),
    Sweep,
}

/// What came of it.
enum Done {
    Work,
    Asked(Did),
    /// What a sweep has found.
    Found(Vec<Work>),
}

struct Task {
    name: u64,
    process: usize,
    job: Job,
    /// The runs that were under way when it began, and that it will have ended.
    ending: Vec<RunId>,
    doing: Pin<Box<dyn Future<Output = Result<Done, UseError>>>>,
}

pub(super) struct History {
    pub(super) dice: Dice,
    pub(super) ports: MemoryPorts,
    pub(super) faults: Faults,
    pub(super) weather: Weather,
    /// What the mail service has still to tell, and of how many mails it has told already.
    pub(super) notices: Vec<(Timestamp, RunId, Engagement)>,
    pub(super) noticed: usize,
    /// How many mails were taken for each visit.
    pub(super) mails: BTreeMap<(RunId, u16), usize>,
    /// What clients will still do.
    pub(super) plan: Vec<(Timestamp, Action)>,
    processes: Vec<Arc<App<MemoryPorts>>>,
    /// Whether what lies in the queue dies with a process, as on one machine.
    one_machine: bool,
    tasks: Vec<Task>,
    begun: u64,
    last_sweep: Option<Timestamp>,
    ledger: Ledger,
    trace: Option<Vec<String>>,
}

/// Polls a future that nothing makes wait, to its end. No runtime has a hand in it: tokio's would make a lock wait for it
/// now and then, after so many of them, wherever a history is.
pub(super) fn at_once<T>(what: impl Future<Output = T>) -> T {
    let mut what = Box::pin(what);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = what.as_mut().poll(&mut context) {
            return done;
        }
    }
}

impl History {
    /// The history of a seed. With a flaw, its ports are wrong in that way.
    pub(super) fn new(seed: u64, prepared: &Content, flaw: Option<Flaw>, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let faults = Faults::default();
        let ports = MemoryPorts::new(&faults, start());
        ports.store.fill(prepared.clone(), flaw);
        faults.by_chance(dice.roll(), flaw);
        if dice.percent(30) {
            ports.mailer.keep_evidence();
        }
        let count = 1 + dice.below(3);
        let processes = (0..count).map(|_| Arc::new(at_once(App::open(ports.clone())).unwrap())).collect();
        faults.set_one_in(dice.one_of(&[0, 10, 30, 100, 300]));
        let one_machine = count == 1 && dice.percent(70);
        let plan = plan(&mut dice, start());
        Self {
            dice,
            ports,
            faults,
            weather: Weather::default(),
            notices: Vec::new(),
            noticed: 0,
            mails: BTreeMap::new(),
            plan,
            processes,
            one_machine,
            tasks: Vec::new(),
            begun: 0,
            last_sweep: None,
            ledger: Ledger::default(),
            trace: traced.then(Vec::new),
        }
    }

    /// What happened, line by line.
    pub(super) fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now} {}", what()));
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Plays it until nothing is left that could ever happen.
    pub(super) fn play(&mut self) -> Result<(), Broken> {
        for _ in 0..MOST_TURNS {
            if !self.turn()? {
                let content = self.ports.store.content().clone();
                return self.ledger.check_end(&self.processes[0], &content, &self.mails);
            }
            self.hear_of_mails();
            let content = self.ports.store.content();
            self.ledger.check(&content, &self.mails, self.ports.clock.now())?;
        }
        let due = self.ports.store.content().due();
        Err(format!("S5: it never comes to rest: {due:?}"))
    }

    /// One thing happens. `false` where nothing is left that could.
    fn turn(&mut self) -> Result<bool, Broken> {
        self.change_weather();
        if !self.tasks.is_empty() && (self.tasks.len() >= MOST_TASKS || self.dice.percent(80)) {
            return self.poll().map(|()| true);
        }
        let now = self.now();
        match self.dice.below(20) {
            // A process that stands still between two of its calls, for moments or for longer than any claim.
            0 if !self.tasks.is_empty() => {
                let seconds = self.dice.one_of(&[1, 1, 5, 12, 25, 1_000, 200_000]);
                self.turn_clock(now + SignedDuration::from_secs(seconds));
            }
            1 => self.begin(Job::Sweep),
            2 if self.dice.percent(10) && !self.plan.is_empty() => {
                let process = self.dice.place(self.processes.len());
                self.die(process);
            }
            3 if self.dice.percent(3) && !self.plan.is_empty() => self.restart(),
            _ => return self.begin_something(now),
        }
        Ok(true)
    }

    /// What is due begins; where nothing is, time passes.
    fn begin_something(&mut self, now: Timestamp) -> Result<bool, Broken> {
        let which = self.dice.below(3);
        for kind in (which..which + 3).map(|kind| kind % 3) {
            if let Some(job) = self.due(kind, now) {
                self.begin(job);
                return Ok(true);
            }
        }
        if !self.tasks.is_empty() {
            return self.poll().map(|()| true);
        }
        let (due, held) = {
            let content = self.ports.store.content();
            let held = content.runs.values().any(|run| matches!(run.state, State::Paused { .. }));
            (content.due().first().map(|due| due.at), held)
        };
        if self.last_sweep != Some(now) && (held || due.is_some_and(|due| due <= now)) {
            self.last_sweep = Some(now);
            self.begin(Job::Sweep);
            return Ok(true);
        }
        let planned = self.plan.first().map(|(at, _)| *at);
        let notice = self.notices.iter().map(|(at, ..)| *at).min();
        let next = [due, planned, notice, self.ports.queue.next_at()].into_iter().flatten().min();
        match next {
            // What is due and was swept in vain is swept again a little later.
            Some(next) if next <= now => self.turn_clock(now + SignedDuration::from_secs(10)),
            Some(next) => {
                let late = self.dice.one_of(&[0, 0, 0, 0, 0, 0, 1, 45, 4_000, 200_000]);
                self.turn_clock(next + SignedDuration::from_secs(late));
            }
            // Somebody paused it after everything was to go on: a pause that is not ended holds for ever, by right.
            None if held && self.resume_again(now) => {}
            None if held && self.last_sweep.is_none_or(|last| last < now + AGAIN * 40) && self.begun < 20_000 => {
                self.turn_clock(now + AGAIN);
                self.last_sweep = None;
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    /// `false` where nothing is paused.
    fn resume_again(&mut self, now: Timestamp) -> bool {
        let paused = self.ports.store.content().paused();
        let resumed = documents::ALL.into_iter().filter(|workflow| paused.iter().any(|id| id == workflow));
        self.plan.extend(resumed.map(|workflow| (now, Action::Resume { workflow })));
        !paused.is_empty()
    }

    fn due(&mut self, kind: u64, now: Timestamp) -> Option<Job> {
        match kind {
            0 => {
                let nth = self.dice.place(16);
                let work = self.ports.queue.take_any(now, nth)?;
                match self.dice.below(24) {
                    0 | 1 => self.ports.queue.leave(work.clone(), now),
                    2 | 3 => self.ports.queue.leave(work.clone(), now + AGAIN),
                    // It is lost: whoever took it never does it.
                    4 => return None,
                    _ => {}
                }
                Some(Job::Work(work))
            }
            1 => {
                let place = self.notices.iter().position(|(at, ..)| *at <= now)?;
                let (_, run, engagement) = self.notices.remove(place);
                if self.dice.percent(10) {
                    self.notices.push((now + AGAIN, run.clone(), engagement.clone()));
                }
                Some(Job::Notice(run, engagement))
            }
            _ => {
                let place = self.plan.iter().position(|(at, _)| *at <= now)?;
                Some(Job::Ask(self.plan.remove(place).1))
            }
        }
    }

    fn begin(&mut self, job: Job) {
        let process = self.dice.place(self.processes.len());
        let app = Arc::clone(&self.processes[process]);
        self.begun += 1;
        let name = self.begun;
        self.note(|| format!("#{name} on process {process}: {job:?}"));
        let mut ending = Vec::new();
        let doing: Pin<Box<dyn Future<Output = _>>> = match job.clone() {
            Job::Work(work) => Box::pin(async move { park::handle(&app, &work).await.map(|()| Done::Work) }),
            Job::Notice(run, told) => Box::pin(async move { engage(&app, &run, &told).await.map(|()| Done::Work) }),
            Job::Ask(action) => {
                let content = self.ports.store.content();
                self.ledger.asked(&action);
                ending = ended_by(&action, &app, &content);
                let seen = Seen::of(&content, &self.ports.mailer.taken(), self.tasks.is_empty());
                Box::pin(async move { action.act(&app, seen).await.map(Done::Asked) })
            }
            Job::Sweep => Box::pin(async move {
                let due = app.ports.store().due(Timestamp::UNIX_EPOCH, app.now(), 100).await?;
                let held = work::held(&app).await?;
                Ok(Done::Found(due.into_iter().map(|due| due.work).chain(held).collect()))
            }),
        };
        self.tasks.push(Task { name, process, job, ending, doing });
    }

    /// One task goes on until its next call.
    fn poll(&mut self) -> Result<(), Broken> {
        let place = self.dice.place(self.tasks.len());
        let task = &mut self.tasks[place];
        let polled = task.doing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let (name, process) = (task.name, task.process);
        if let Some((call, fault)) = self.faults.take_last() {
            self.note(|| fault.map_or_else(|| format!("#{name} {call}"), |fault| format!("#{name} {call}: {fault:?}")));
        }
        if self.faults.take_death() {
            self.die(process);
            return Ok(());
        }
        let Poll::Ready(done) = polled else { return Ok(()) };
        let task = self.tasks.swap_remove(place);
        self.note(|| match &done {
            Ok(_) => format!("#{name} is done"),
            Err(error) => format!("#{name} failed: {error}"),
        });
        match done {
            Ok(done) => self.finish(task, done),
            Err(error) => self.fail(task, &error),
        }
    }

    fn finish(&mut self, task: Task, done: Done) -> Result<(), Broken> {
        let now = self.now();
        let content = self.ports.store.content();
        match (task.job, done) {
            (Job::Ask(action), Done::Asked(did)) => {
                let app = &self.processes[task.process];
                return self.ledger.acknowledge(action, &did, task.ending, app, &content);
            }
            (Job::Work(_), _) => return self.ledger.check_leaving(&content),
            (Job::Notice(run, told), _) => return check_heard(&content, &run, &told),
            (_, Done::Found(found)) => found.into_iter().for_each(|work| self.ports.queue.leave(work, now)),
            (Job::Sweep | Job::Ask(_), _) => {}
        }
        Ok(())
    }

    fn fail(&mut self, task: Task, error: &UseError) -> Result<(), Broken> {
        let for_good = error.retry() == Retry::Never;
        let ours = matches!(error, UseError::Fault(_) | UseError::Corrupt { .. });
        if !for_good {
            self.again(task.job);
        } else if ours || !matches!(task.job, Job::Ask(_)) {
            return Err(format!("{:?} would be put down for good: {error}", task.job));
        }
        // Else a client was told what is wrong with what it asked for.
        Ok(())
    }

    fn again(&mut self, job: Job) {
        let at = self.now() + AGAIN;
        match job {
            Job::Work(work) => self.ports.queue.leave(work, at),
            Job::Notice(run, told) => self.notices.push((at, run, told)),
            // Some clients give up: then nothing was promised to them. Whoever ends a pause does not.
            Job::Ask(action) if matches!(action, Action::Resume { .. }) || self.dice.percent(85) => {
                self.plan.push((at, action));
                self.plan.sort_by_key(|(at, _)| *at);
            }
            Job::Ask(_) | Job::Sweep => {}
        }
    }

    /// A process dies with all that it was at, and another takes its place.
    fn die(&mut self, process: usize) {
        self.note(|| format!("process {process} dies"));
        let (dead, alive): (Vec<_>, Vec<_>) = self.tasks.drain(..).partition(|task| task.process == process);
        self.tasks = alive;
        for task in dead {
            if !(self.one_machine && matches!(task.job, Job::Work(_))) {
                self.again(task.job);
            }
        }
        if self.one_machine {
            self.ports.queue.lose_all();
        }
        let opened = self.faults.spare(|| at_once(App::open(self.ports.clone())));
        self.processes[process] = Arc::new(opened.unwrap());
    }

    /// All processes die at once, and nothing is left of what lay in the queue.
    fn restart(&mut self) {
        for process in 0..self.processes.len() {
            self.die(process);
        }
        self.ports.queue.lose_all();
    }

    fn turn_clock(&mut self, to: Timestamp) {
        self.ports.clock.turn_to(to);
        self.last_sweep = self.last_sweep.filter(|last| *last == to);
        self.look_at_unknown(to);
    }
}
