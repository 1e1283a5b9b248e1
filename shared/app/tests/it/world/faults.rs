//! Which call of a port goes wrong, and how. Every port asks here before it does anything.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

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

    /// The process dies here: whoever waits for [`Faults::died`] drops everything that it was doing.
    pub(super) async fn die<T>(&self) -> T {
        self.0.1.notify_one();
        pending().await
    }

    /// Resolves when the process dies.
    pub(super) async fn died(&self) {
        self.0.1.notified().await;
    }
}
