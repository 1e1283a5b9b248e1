//! A version: one frozen, compiled workflow.
//!
//! The types are `non_exhaustive`, so a [`Version`] can only be got from [`crate::compile`]: having one is the proof
//! that its document passed every check that stands in the way of publishing.

use std::sync::Arc;

use jiff::Span;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::condition::Condition;
use crate::ids::{Name, SegmentId, StepId, TemplateId, TopicId, WorkflowId};

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

/// What starts a run.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An event arrives.
    Event {
        /// Its name.
        name: Name,
        /// A condition on it.
        filter: Option<Condition>,
    },
    /// An attribute changes.
    Attribute {
        /// Its name.
        name: Name,
        /// Only from this value.
        from: Option<Value>,
        /// Only to this value.
        to: Option<Value>,
    },
    /// A contact enters or leaves a segment.
    Segment {
        /// Which.
        segment: SegmentId,
        /// `true`: when a contact enters it.
        entered: bool,
    },
    /// Only `POST /v1/workflows/{id}/enroll`.
    Api,
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

/// A node of a version.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step {
    /// Its id in the document.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
}

/// Where an edge leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To a step.
    Step(StepIndex),
    /// To the end of the run, as `completed`.
    End,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// One email.
    Send {
        /// Which, in the version that was current at publish.
        template: TemplateRef,
        /// After it was sent or skipped.
        next: Target,
        /// After a definite refusal; `next` where it is not given.
        on_failure: Option<Target>,
        /// When nobody can say whether it was sent (S8).
        on_unknown: OnUnknown,
    },
    /// Waits for a time.
    Wait {
        /// For which.
        until: WaitUntil,
        /// How long after its time a wait still passes (S14).
        late_limit: Span,
        /// When the time has come.
        next: Target,
        /// When the time is missing, or past by more than the limit.
        otherwise: Target,
    },
    /// Waits for one of several things.
    WaitFor {
        /// The things, first come first taken.
        paths: Vec<Path>,
        /// How long at most.
        timeout: Span,
        /// When that is over.
        next: Target,
        /// Whether what happened since the run began, but before the wait, counts (S17).
        already_true: AlreadyTrue,
    },
    /// Decides.
    Branch {
        /// The first that holds is taken.
        cases: Vec<Case>,
        /// When none holds.
        next: Target,
    },
    /// Deals runs out by a stable hash of run and step.
    Split {
        /// The shares.
        shares: Vec<Share>,
    },
    /// Changes attributes.
    Update {
        /// How, in order.
        changes: Vec<AttributeChange>,
        /// Afterwards.
        next: Target,
    },
    /// Changes membership of manual segments.
    Segment {
        /// Segments to put the contact into.
        add: Vec<SegmentId>,
        /// Segments to take it out of.
        remove: Vec<SegmentId>,
        /// Afterwards.
        next: Target,
    },
    /// Goes on at another step.
    Jump {
        /// Which.
        to: StepIndex,
    },
    /// Goes on in another workflow.
    JumpOut {
        /// Which.
        workflow: WorkflowId,
        /// At which step; its first where it is not given.
        step: Option<StepId>,
        /// What the new run gets as its entry. Templates are filled from the run; `None` hands on this run's entry.
        payload: Option<Value>,
        /// Where this run goes on meanwhile; `None` ends it.
        stay: Option<Target>,
    },
    /// Ends the run.
    Exit {
        /// Why, in the author's words.
        reason: String,
    },
}

impl StepKind {
    /// The kind as documents and the API name it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::Wait { .. } => "wait",
            Self::WaitFor { .. } => "wait_for",
            Self::Branch { .. } => "branch",
            Self::Split { .. } => "split",
            Self::Update { .. } => "update",
            Self::Segment { .. } => "segment",
            Self::Jump { .. } | Self::JumpOut { .. } => "jump",
            Self::Exit { .. } => "exit",
        }
    }
}

/// A template, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRef {
    /// Which.
    pub id: TemplateId,
    /// Which version of it.
    pub version: u32,
}

/// What is done about a send of which nobody can say whether it happened (S8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// It counts as sent: never twice.
    #[default]
    TreatAsSent,
    /// It is sent again, three times at most.
    Resend,
}

/// The time that a wait is for.
#[derive(Debug, Clone)]
pub enum WaitUntil {
    /// So long after the step was entered.
    For(Span),
    /// A date, moved by an offset and to a time of day, and to the next of some days of the week.
    Date {
        /// The date.
        anchor: Anchor,
        /// Added to it, in the run's zone.
        offset: Span,
        /// The time of day that it is moved to.
        at: Option<Time>,
        /// Moved on to the first of these days; empty means any.
        days: Vec<Weekday>,
    },
}

/// Where a date comes from.
#[derive(Debug, Clone)]
pub enum Anchor {
    /// An attribute (dotted path): the wait follows it when it changes (S13).
    Attribute(String),
    /// What started the run (dotted path).
    Entry(String),
    /// A fixed time of the document, as written: RFC 3339, or civil and then read in the run's zone.
    At(String),
}

/// One way out of a `wait_for`.
#[derive(Debug, Clone)]
pub struct Path {
    /// What it waits for.
    pub when: PathWhen,
    /// Where it leads.
    pub next: Target,
}

/// What a path waits for.
#[derive(Debug, Clone)]
pub enum PathWhen {
    /// A condition on contact and engagement.
    Condition(Condition),
    /// An event.
    Event {
        /// Its name.
        name: Name,
        /// A condition on it.
        filter: Option<Condition>,
    },
}

/// Whether a `wait_for` passes on what was true before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlreadyTrue {
    /// It does (S17).
    #[default]
    Pass,
    /// Only what happens from then on counts.
    Wait,
}

/// One case of a branch.
#[derive(Debug, Clone)]
pub struct Case {
    /// When it is taken.
    pub when: Condition,
    /// Where it leads.
    pub next: Target,
}

/// One share of a split.
#[derive(Debug, Clone)]
pub struct Share {
    /// In proportion to the sum of all.
    pub weight: u32,
    /// Where it leads.
    pub next: Target,
}

/// One change of an attribute. Values may hold templates (`{{ contact.attributes.name }}`), filled when the step runs.
#[derive(Debug, Clone)]
pub struct AttributeChange {
    /// The dotted path of the attribute.
    pub path: String,
    /// What is done to it.
    pub change: ValueChange,
}

/// What is done to an attribute.
#[derive(Debug, Clone)]
pub enum ValueChange {
    /// It gets this value.
    Set(Value),
    /// It goes.
    Unset,
    /// This number is added; a missing value counts as 0.
    Increment(serde_json::Number),
    /// This value is put at the end of the list; a missing value counts as an empty list.
    Append(Value),
    /// This value is taken out of the list, wherever it stands.
    Remove(Value),
}

impl Version {
    /// A step by its place.
    pub fn step(&self, index: StepIndex) -> Option<&Step> {
        self.steps.get(usize::from(index))
    }

    /// A step's place by its id.
    pub fn index_of(&self, id: &StepId) -> Option<StepIndex> {
        let position = self.steps.iter().position(|step| step.id == *id)?;
        StepIndex::try_from(position).ok()
    }
}

/// Versions are shared between runs, workers and caches.
pub type SharedVersion = Arc<Version>;
