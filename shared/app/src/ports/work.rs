//! The ports of work and of time.

use std::future::Future;

use carepath_engine::ids::{ContactKey, RunId, WorkflowId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Work that somebody has to do. It names things and says nothing about them, so that it may lie in a queue (S24), and
/// doing it twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
    /// Act on an event.
    Event {
        /// Whose.
        contact: ContactKey,
        /// Its opaque name.
        event: String,
    },
    /// Act on the pending changes of a contact, and on what time has done to it.
    Contact {
        /// Whose.
        contact: ContactKey,
    },
    /// Look at a run whose time has come.
    Run {
        /// Which.
        run: RunId,
    },
    /// Go on with a task.
    Task {
        /// Its name.
        task: String,
    },
    /// Let the paused runs of a workflow go on.
    Resume {
        /// Which.
        workflow: WorkflowId,
    },
}

impl Work {
    /// A name for people to call it by: the run's id, the contact's key, or that and the event's name.
    pub fn name(&self) -> String {
        match self {
            Self::Event { contact, event } => format!("{contact}/{event}"),
            Self::Contact { contact } => contact.to_string(),
            Self::Run { run } => run.to_string(),
            Self::Task { task } => format!("task/{task}"),
            Self::Resume { workflow } => format!("resume/{workflow}"),
        }
    }

    /// The work with a name, where it is about an item.
    pub fn named(name: &str) -> Option<Self> {
        if let Ok(run) = name.parse() {
            return Some(Self::Run { run });
        }
        if let Some(task) = name.strip_prefix("task/") {
            return Some(Self::Task { task: task.to_owned() });
        }
        match name.split_once('/') {
            Some((contact, event)) => Some(Self::Event { contact: contact.parse().ok()?, event: event.to_owned() }),
            None => Some(Self::Contact { contact: name.parse().ok()? }),
        }
    }
}

/// Where work is left for a worker. A hint: whatever is lost here is found by the sweep (S5), so pushing cannot fail.
pub trait Queue: Send + Sync + 'static {
    /// Leaves work, to be done at `at`, or now where that is past.
    fn push(&self, work: Work, at: Timestamp) -> impl Future<Output = ()> + Send;

    /// Says that what was left for later of this work is not needed any more. A queue that cannot take it back delivers
    /// it all the same, and whoever does it finds nothing to do.
    fn recall(&self, _work: &Work) {}
}

/// The time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}
