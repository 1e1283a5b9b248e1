//! Somebody who is called: what was told is kept, and what is answered is said beforehand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{HookAnswer, HookCall, Hooks};
use carepath_engine::Phi;

use super::faults::{Fault, Faults};

#[derive(Debug, Default)]
struct State {
    /// What came through, by its id, in order.
    heard: Vec<(String, HookCall)>,
    /// What is answered next, before what is always answered.
    next: VecDeque<HookAnswer>,
    always: String,
}

/// The other end. Its clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryHooks {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl MemoryHooks {
    pub(super) fn new(faults: Faults) -> Self {
        let always = r#"{"band":"high"}"#.to_owned();
        Self { state: Arc::new(Mutex::new(State { always, ..State::default() })), faults }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next call is answered with.
    pub(crate) fn answer_next(&self, status: u16, body: &str) {
        self.state().next.push_back(answer(status, body));
    }

    /// The calls that came through, in order.
    pub(crate) fn heard(&self) -> Vec<HookCall> {
        self.state().heard.iter().map(|(_, call)| call.clone()).collect()
    }

    /// How often each id came through.
    pub(crate) fn ids(&self) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for (id, _) in &self.state().heard {
            *ids.entry(id.clone()).or_default() += 1;
        }
        ids
    }

    fn take(&self, call: &HookCall) -> HookAnswer {
        let mut state = self.state();
        let id = call.headers.iter().find(|(name, _)| *name == "webhook-id").map(|(_, id)| id.clone());
        state.heard.push((id.unwrap_or_default(), call.clone()));
        let always = answer(200, &state.always);
        state.next.pop_front().unwrap_or(always)
    }
}

fn answer(status: u16, body: &str) -> HookAnswer {
    HookAnswer::Answered { status, retry_after: None, body: Phi(body.as_bytes().to_vec()), cut: false }
}

impl Hooks for MemoryHooks {
    async fn call(&self, call: &HookCall) -> HookAnswer {
        match self.faults.next("call").await {
            None => self.take(call),
            Some(Fault::Fails) => HookAnswer::Silent("no_connection"),
            Some(Fault::NoAnswer) => {
                self.take(call);
                HookAnswer::Silent("timeout")
            }
            Some(Fault::DiesBefore) => self.faults.die().await,
            Some(Fault::DiesAfter) => {
                self.take(call);
                self.faults.die().await
            }
        }
    }
}
