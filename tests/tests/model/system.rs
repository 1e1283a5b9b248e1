//! What may happen, one thing at a time, in every order.

use carepath_app::ports::{Evidence, Work};
use carepath_engine::run::State as RunState;
use jiff::{SignedDuration, Timestamp};
use stateright::{Model, Property};

use crate::faults::Fault;
use crate::judge;
use crate::replay::{Call, Next, Reply, Task, Worker};
use crate::setup::{contact, start};
use crate::state::{Bounds, Item, Seen, Sent, State, Told};
use crate::store::Service;

/// What is left of a claim when its mail may still be handed over.
const SEND_TIME: SignedDuration = SignedDuration::from_secs(10);

/// What a mail service can say afterwards of an attempt of which nobody heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Nothing.
    None,
    /// That no word of it is on its way any more.
    Vouches,
    /// Whether it took it. If not, it never will.
    Remembers,
}

/// A system to be searched.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) workers: usize,
    pub(crate) bounds: Bounds,
    /// The event that lets the contact in, and others that clients may tell.
    pub(crate) events: &'static [&'static str],
    /// What the mail service can say afterwards of an attempt.
    pub(crate) memory: Memory,
    pub(crate) fault: Option<Fault>,
}

/// Nothing goes wrong but that two workers are at it.
pub(crate) const CALM: Bounds = Bounds { crashes: 0, stalls: 0, repeats: 0, silences: 0, refusals: 0, opens: 0 };

/// A mail and a wait for it to be opened.
pub(crate) const WROTE: System =
    System { workers: 2, bounds: CALM, events: &["wrote"], memory: Memory::None, fault: None };

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// The clock goes on to the next moment at which anything can change.
    Tick,
    /// What a client is going to tell happens.
    Happens(usize),
    /// A mail is opened.
    Opens(usize),
    /// Somebody idle gets something to do. `again`: nobody had to give it out.
    Begins { task: Task, again: bool },
    /// What a worker calls for is done, and it is told so.
    Goes(usize, Service),
    /// A worker stops for as long as may be.
    Stalls(usize),
    /// A worker dies.
    Dies(usize),
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let told = |name| Told { name, at: None, acknowledged: false, acted: None };
        vec![State {
            now: start(),
            runs: Vec::new(),
            contact: Item::new(contact(), 1),
            events: Vec::new(),
            told: self.events.iter().copied().map(told).collect(),
            mails: Vec::new(),
            closed: Vec::new(),
            workers: Vec::new(),
            left: self.bounds,
            entered: Vec::new(),
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.workers.iter().all(|worker| worker.stalled) && next_moment(state).is_some() {
            actions.push(Action::Tick);
        }
        let unhappened = |told: &&Told| told.at.is_none();
        let first = state.told.iter().position(|told| unhappened(&told));
        actions.extend(first.map(Action::Happens));
        if state.left.opens > 0 {
            let closed = (0..state.mails.len()).filter(|nth| state.mails[*nth].opened.is_none());
            actions.extend(closed.map(Action::Opens));
        }
        if state.workers.len() < self.workers {
            self.beginnings(state, actions);
        }
        for (nth, worker) in state.workers.iter().enumerate() {
            let Next::Calls(call) = &worker.next else { continue };
            actions.extend(services(call, state.left).iter().map(|service| Action::Goes(nth, *service)));
            if state.left.stalls > 0 && !worker.stalled {
                actions.push(Action::Stalls(nth));
            }
            if state.left.crashes > 0 {
                actions.push(Action::Dies(nth));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Tick => state.now = next_moment(last)?,
            Action::Happens(nth) => state.told[nth].at = Some(state.now),
            Action::Opens(nth) => {
                state.left.opens -= 1;
                state.mails[nth].opened = Some(state.now);
                state.mails[nth].telling_open = true;
            }
            Action::Begins { task, again } => self.begin(&mut state, task, again),
            Action::Goes(nth, service) => {
                let worker = state.workers.remove(nth);
                match service {
                    Service::Takes => {}
                    Service::TakesSilently | Service::DropsSilently => state.left.silences -= 1,
                    Service::Refuses | Service::Throttles => state.left.refusals -= 1,
                }
                self.go(&mut state, &worker, service);
            }
            Action::Stalls(nth) => {
                state.left.stalls -= 1;
                let mut worker = state.workers.remove(nth);
                worker.stalled = true;
                self.keep(&mut state, worker);
            }
            Action::Dies(nth) => {
                state.left.crashes -= 1;
                let worker = state.workers.remove(nth);
                deliver_again(&mut state, &worker.task);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        judge::properties()
    }
}

impl System {
    /// How often a mail may go out: once, unless its author wants it sent again where nobody knows, and a straggler may send
    /// what everything vouched for that it was not sent.
    pub(crate) fn most_mails(&self) -> usize {
        if self.events.first() == Some(&"urged") && self.bounds.stalls > 0 { 3 } else { 1 }
    }

    fn beginnings(&self, state: &State, actions: &mut Vec<Action>) {
        let mut offer = |task, again| actions.push(Action::Begins { task, again });
        let repeats = state.left.repeats > 0;
        // Whoever stalls is given up: what it was at is handed out again.
        let under_way = |task: &Task| state.workers.iter().any(|worker| worker.task == *task && !worker.stalled);
        for told in &state.told {
            let Some(at) = told.at else { continue };
            let task = Task::Post { name: told.name, at };
            let again = told.acknowledged || under_way(&task);
            if !again || repeats {
                offer(task, again);
            }
        }
        for Sent { mail, telling, opened, telling_open, .. } in &state.mails {
            let opening = opened.map(|at| (Some(at), *telling_open));
            for (opened, telling) in std::iter::once((None, *telling)).chain(opening) {
                if telling || repeats {
                    offer(Task::Notice { mail: mail.clone(), opened }, !telling);
                }
            }
        }
        let due = self.swept(state);
        let runs = state.runs.iter().map(|stored| Work::Run { run: stored.run.value.id.clone() });
        for work in runs.chain(state.events.iter().map(crate::state::StoredEvent::work)) {
            let task = Task::Work(work.clone());
            let again = !due.contains(&work) || under_way(&task);
            if !again || repeats {
                offer(task, again);
            }
        }
    }

    /// What the sweep finds.
    pub(crate) fn swept(&self, state: &State) -> Vec<Work> {
        let mut due = state.due();
        if self.fault == Some(Fault::SweepSkipsClaims) {
            due.retain(|work| {
                let Work::Run { run } = work else { return true };
                !state.run(run).is_some_and(|stored| matches!(stored.run.value.state, RunState::Claimed { .. }))
            });
        }
        due
    }

    fn begin(&self, state: &mut State, task: Task, again: bool) {
        state.left.repeats -= u8::from(again);
        if let Task::Notice { mail, opened } = &task {
            let sent = &mut state.mails[mail.number];
            if opened.is_some() { sent.telling_open = false } else { sent.telling = false }
        }
        let reads_first = matches!(task, Task::Work(_) | Task::Notice { .. });
        let worker = Worker::new(task, state.now);
        if reads_first {
            // Nothing has happened before its first look: it begins with that.
            self.go(state, &worker, Service::Takes);
        } else {
            self.keep(state, worker);
        }
    }

    fn go(&self, state: &mut State, worker: &Worker, service: Service) {
        let Next::Calls(call) = &worker.next else { return };
        let reply = state.perform(self, worker, call, service);
        let mut worker = worker.told(reply, state.now);
        if self.memory == Memory::None
            && matches!(&worker.next, Next::Calls(call) if matches!(**call, Call::Evidence(_)))
        {
            // Whoever never knows anything may as well say so at once.
            worker = worker.told(Reply::Evidence(Evidence::None), state.now);
        }
        match worker.next {
            Next::Calls(_) => self.keep(state, worker),
            Next::Finished { well: true } => finish(state, &worker),
            Next::Finished { well: false } => deliver_again(state, &worker.task),
        }
    }

    fn keep(&self, state: &mut State, worker: Worker) {
        let place = state.workers.partition_point(|other| *other < worker);
        state.workers.insert(place, worker);
        debug_assert!(state.workers.len() <= self.workers, "more workers than there are");
    }
}

/// What the mail service may do with a call; other calls are simply answered.
fn services(call: &Call, left: Bounds) -> Vec<Service> {
    let mut services = vec![Service::Takes];
    if matches!(call, Call::Send(_)) {
        if left.silences > 0 {
            services.extend([Service::TakesSilently, Service::DropsSilently]);
        }
        if left.refusals > 0 {
            services.extend([Service::Refuses, Service::Throttles]);
        }
    }
    services
}

/// A notice that nobody took is delivered again; work is found by the sweep, and a client repeats what it must.
fn deliver_again(state: &mut State, task: &Task) {
    if let Task::Notice { mail, opened } = task {
        let sent = &mut state.mails[mail.number];
        if opened.is_some() { sent.telling_open = true } else { sent.telling = true }
    }
}

/// A worker is through: what it did is acknowledged.
fn finish(state: &mut State, worker: &Worker) {
    let now = state.now;
    match &worker.task {
        Task::Post { name, .. } => {
            for told in state.told.iter_mut().filter(|told| told.name == *name) {
                told.acknowledged = true;
            }
        }
        Task::Work(Work::Event { event, .. }) => {
            let Some(stored) = state.events.iter().find(|stored| stored.name == *event) else { return };
            for told in state.told.iter_mut().filter(|told| told.name == stored.event.value.name.as_str()) {
                told.acted.get_or_insert(now);
            }
        }
        Task::Work(_) => {
            let due = worker.read().is_some_and(|run| run.state.due().is_some_and(|due| due <= worker.clock()));
            state.seen.in_vain |= due && !worker.wrote();
        }
        Task::Notice { mail, opened } => {
            let sent = &mut state.mails[mail.number];
            if opened.is_some() {
                sent.open_known.get_or_insert(now);
            } else {
                sent.known = true;
            }
        }
    }
}

/// The next moment at which anything can come out differently.
pub(crate) fn next_moment(state: &State) -> Option<Timestamp> {
    let mut moments = Vec::new();
    for stored in &state.runs {
        moments.extend(stored.run.value.state.due());
        match &stored.run.value.state {
            RunState::Claimed { claim, .. } => moments.push(claim.deadline - SEND_TIME),
            RunState::Waiting { until, .. } => moments.extend([*until, *until + SignedDuration::from_secs(1)]),
            _ => {}
        }
    }
    moments.into_iter().filter(|moment| *moment > state.now).min()
}
