//! Which call of a port goes wrong, and how. Every port asks here before it does anything.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::dice::Dice;
use super::flaws::Flaw;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Nothing happens, and the caller is told so.
    Fails,
    /// It happens, and the caller never hears of it.
    NoAnswer,
    /// The process dies, and nothing has happened.
    DiesBefore,
    /// It happens, and the process dies.
    DiesAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Fails, Self::NoAnswer, Self::DiesBefore, Self::DiesAfter];
}

/// One call of a history: the `nth` of its name, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) nth: usize,
}

#[derive(Debug, Default)]
struct State {
    armed: bool,
    counts: BTreeMap<&'static str, usize>,
    calls: Vec<Call>,
    planned: Option<(Call, Fault)>,
    happened: bool,
    /// Of the order in which concurrent calls go on.
    seed: u64,
    weather: Option<Weather>,
    flaw: Option<Flaw>,
}

/// Calls that go wrong by chance, under a scheduler that decides who goes on.
#[derive(Debug)]
struct Weather {
    dice: Dice,
    /// One call in so many goes wrong; 0 for none.
    one_in: u64,
    /// The store turns everything away.
    store_is_down: bool,
    died: bool,
    /// Nothing goes wrong for now.
    spared: bool,
    /// The last call, and what went wrong with it.
    last: Option<(&'static str, Option<Fault>)>,
}

impl Weather {
    fn fault(&mut self, name: &str) -> Option<Fault> {
        if self.spared {
            return None;
        }
        if self.store_is_down && !matches!(name, "send" | "evidence" | "call" | "push") {
            return Some(Fault::Fails);
        }
        if self.one_in == 0 || self.dice.below(self.one_in) > 0 {
            return None;
        }
        // Of all that goes wrong, a quarter takes the process along.
        let dies = self.dice.below(4) == 0;
        Some(self.dice.one_of(if dies { &Fault::ALL[2..] } else { &Fault::ALL[..2] }))
    }
}

/// The plan of what goes wrong. Its clones are the same plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<(Mutex<State>, Notify)>);

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on calls are counted, and the planned one goes wrong.
    pub(crate) fn arm(&self, planned: Option<(Call, Fault)>, seed: u64) {
        *self.state() = State { armed: true, planned, seed, ..State::default() };
    }

    /// From now on every call gives way to the scheduler once, and one in so many goes wrong, as the dice fall.
    pub(crate) fn by_chance(&self, seed: u64, flaw: Option<Flaw>) {
        let dice = Dice::new(seed);
        let weather = Some(Weather { dice, one_in: 0, store_is_down: false, died: false, spared: false, last: None });
        *self.state() = State { weather, flaw, ..State::default() };
    }

    /// Whether the ports are wrong in this way.
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.state().flaw == Some(flaw)
    }

    /// From now on one call in `one_in` goes wrong, 0 for none.
    pub(crate) fn set_one_in(&self, one_in: u64) {
        if let Some(weather) = &mut self.state().weather {
            weather.one_in = one_in;
        }
    }

    /// Does something of which no call goes wrong.
    pub(crate) fn spare<T>(&self, what: impl FnOnce() -> T) -> T {
        let swap = |calm| self.state().weather.as_mut().map(|weather| std::mem::replace(&mut weather.spared, calm));
        let was = swap(true);
        let done = what();
        swap(was.unwrap_or_default());
        done
    }

    /// From now on the store turns everything away, or nothing any more.
    pub(crate) fn set_store_is_down(&self, down: bool) {
        if let Some(weather) = &mut self.state().weather {
            weather.store_is_down = down;
        }
    }

    /// The call that was made since this was last asked, and what went wrong with it.
    pub(crate) fn take_last(&self) -> Option<(&'static str, Option<Fault>)> {
        self.state().weather.as_mut()?.last.take()
    }

    /// Whether the process died whose task has just been polled.
    pub(crate) fn take_death(&self) -> bool {
        self.state().weather.as_mut().is_some_and(|weather| std::mem::take(&mut weather.died))
    }

    /// The calls since [`Faults::arm`], in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Whether the planned call has been made.
    pub(crate) fn happened(&self) -> bool {
        self.state().happened
    }

    /// Notes a call, lets others go first as the seed has it, and says what goes wrong with it.
    pub(super) async fn next(&self, name: &'static str) -> Option<Fault> {
        if self.state().weather.is_some() {
            return self.draw(name).await;
        }
        let (fault, yields) = {
            let mut state = self.state();
            if !state.armed {
                return None;
            }
            let count = state.counts.entry(name).or_default();
            let call = Call { name, nth: *count };
            *count += 1;
            state.calls.push(call);
            state.seed = state.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let planned = state.planned.filter(|(planned, _)| *planned == call).map(|(_, fault)| fault);
            state.happened |= planned.is_some();
            (planned, state.seed >> 62)
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        fault
    }

    async fn draw(&self, name: &'static str) -> Option<Fault> {
        give_way().await;
        let mut state = self.state();
        let weather = state.weather.as_mut()?;
        let fault = weather.fault(name);
        weather.last = Some((name, fault));
        fault
    }

    /// The process dies here: whoever waits for [`Faults::died`] drops everything that it was doing.
    pub(super) async fn die<T>(&self) -> T {
        self.note_death();
        pending().await
    }

    fn note_death(&self) {
        match &mut self.state().weather {
            // A scheduler looks after each poll, and drops the process.
            Some(weather) => weather.died = true,
            None => self.0.1.notify_one(),
        }
    }

    /// Resolves when the process dies.
    pub(super) async fn died(&self) {
        self.0.1.notified().await;
    }
}

/// Lets the scheduler decide who goes on.
async fn give_way() {
    let mut gave = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut gave, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
