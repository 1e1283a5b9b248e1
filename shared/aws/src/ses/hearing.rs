//! How far this process has acted on what SES tells, written down once a while for whoever asks what may still come.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::DynamoStore;

/// How often a process writes it down, at most.
const EACH: SignedDuration = SignedDuration::from_mins(1);

/// What this process has heard.
#[derive(Debug)]
pub struct Hearing {
    store: DynamoStore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    youngest: Option<Timestamp>,
    written: Option<Written>,
}

/// What was written down last, and when.
#[derive(Debug, Clone, Copy)]
struct Written {
    youngest: Timestamp,
    at: Timestamp,
}

impl Hearing {
    /// Nothing heard so far.
    pub fn new(store: DynamoStore) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// An event of this time was acted on. One that says that it is yet to happen says nothing of how far SES is.
    pub fn acted_on(&self, at: Timestamp, now: Timestamp) {
        if at <= now {
            let mut state = self.state();
            state.youngest = state.youngest.max(Some(at));
        }
    }

    /// Writes it down, where there is news and it is time. Where that fails it is tried the next time: until then it only
    /// looks as if less had been heard.
    pub async fn tell(&self, now: Timestamp) {
        let Some(youngest) = self.news(now) else { return };
        match self.store.note_heard(youngest).await {
            Ok(()) => self.state().written = Some(Written { youngest, at: now }),
            Err(error) => tracing::warn!(%error, "what was heard could not be written down"),
        }
    }

    fn news(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        let youngest = state.youngest?;
        match state.written {
            Some(written) if written.youngest >= youngest || now.duration_since(written.at) < EACH => None,
            Some(_) | None => Some(youngest),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
