//! A version: one frozen, compiled workflow.
//!
//! The types are `non_exhaustive`, so a [`Version`] can only be got from [`crate::compile`]: having one is the proof
//! that its document passed every check that stands in the way of publishing.

mod steps;
mod trigger;

use std::sync::Arc;

use jiff::Span;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::ids::{Name, StepId, TopicId, WorkflowId};

pub use steps::{
    AlreadyTrue, Anchor, AttributeChange, Case, OnUnknown, Path, PathWhen, Share, Step, StepKind, Target, TemplateRef,
    ValueChange, WaitUntil,
};
pub use trigger::{Every, Inactivity, Milestone, Schedule, Trigger, When};

/// A step's place in its version: small, since run items are made of them.
pub type StepIndex = u16;

/// A frozen, compiled workflow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Version {
    /// The workflow.
    pub workflow: WorkflowId,
    /// Counted from 1 with each publish.
    pub number: u32,
    /// For people.
    pub name: String,
    /// What kind of mail it sends, which decides whether a subscription is asked for.
    pub class: Class,
    /// The subscription topic of its mails.
    pub topic: Option<TopicId>,
    /// What lets contacts in.
    pub entry: Entry,
    /// What ends runs early.
    pub exit: Vec<ExitRule>,
    /// What the workflow is for: reaching it ends a run as `goal`.
    pub goal: Option<Goal>,
    /// When and how often its mails may go out.
    pub policy: SendPolicy,
    /// The first step.
    pub start: StepIndex,
    /// All steps, in the order of the document.
    pub steps: Vec<Step>,
}

/// The class of a workflow's mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Part of somebody's care: sent whatever the subscriptions say.
    Care,
    /// Needed for a service that the contact uses.
    Operational,
    /// Everything else: only to subscribers of its topic.
    Marketing,
}

/// What lets contacts in, and how often.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// What starts a run.
    pub trigger: Trigger,
    /// Must hold for the contact as it stands after the event (S4).
    pub filter: Option<Condition>,
    /// The event property (a dotted path) that tells runs of one contact apart.
    pub key: Option<String>,
    /// Whether and when a contact may come again.
    pub reentry: Reentry,
}

/// Whether a contact may have another run of the same workflow and key (S4).
#[derive(Debug, Clone)]
pub struct Reentry {
    /// When at all.
    pub mode: ReentryMode,
    /// The least time between two entries.
    pub min_gap: Option<Span>,
    /// The most entries ever.
    pub max_entries: Option<u32>,
}

/// When a contact may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReentryMode {
    /// Once in a lifetime. The default.
    Never,
    /// Once the run before has ended.
    AfterExit,
    /// With every trigger; a live run is not doubled.
    Always,
}

/// What ends a run early, checked when it happens (S18).
#[derive(Debug, Clone)]
pub enum ExitRule {
    /// An event.
    Event {
        /// Its name.
        name: Name,
        /// A condition on it.
        filter: Option<Condition>,
    },
    /// A condition on the contact.
    When(Condition),
}

/// What a run is for.
#[derive(Debug, Clone)]
pub struct Goal {
    /// The event or condition.
    pub rule: ExitRule,
    /// Counted only so long after entry.
    pub within: Option<Span>,
}

/// When and how often mails may go out.
#[derive(Debug, Clone, Default)]
pub struct SendPolicy {
    /// Local times of day.
    pub window: Option<Window>,
    /// Days of the week; empty means all.
    pub days: Vec<Weekday>,
    /// The zone for contacts that have none.
    pub zone: Option<TimeZone>,
    /// What to do outside the window.
    pub on_closed: OnClosed,
    /// The most mails of this workflow to one contact.
    pub cap: Option<Cap>,
}

/// A window of local time, `[from, to)`. `from > to` crosses midnight; `from == to` is always open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First minute.
    pub from: Time,
    /// First minute that is outside again.
    pub to: Time,
}

/// What happens to a send outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnClosed {
    /// It waits for the window.
    #[default]
    Defer,
    /// It is left out.
    Skip,
    /// The run ends.
    Exit,
}

/// The most mails in a rolling time.
#[derive(Debug, Clone)]
pub struct Cap {
    /// How many.
    pub max: u32,
    /// In how long.
    pub per: Span,
    /// What happens to one more.
    pub on_capped: OnCapped,
}

/// What happens to a send over the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCapped {
    /// It is left out.
    #[default]
    Skip,
    /// It waits until the cap lets it through.
    Defer,
    /// The run ends.
    Exit,
}

impl Version {
    /// A step by its place.
    pub fn step(&self, index: StepIndex) -> Option<&Step> {
        self.steps.get(usize::from(index))
    }

    /// What ends its runs early.
    pub fn rules(&self) -> impl Iterator<Item = &ExitRule> {
        self.exit.iter().chain(self.goal.as_ref().map(|goal| &goal.rule))
    }

    /// A step's place by its id.
    pub fn index_of(&self, id: &StepId) -> Option<StepIndex> {
        let position = self.steps.iter().position(|step| step.id == *id)?;
        StepIndex::try_from(position).ok()
    }
}

/// Versions are shared between runs, workers and caches.
pub type SharedVersion = Arc<Version>;
