//! The steps of a version: what each does, and where it leads.

use jiff::Span;
use jiff::civil::{Time, Weekday};
use serde_json::Value;

use super::StepIndex;
use crate::condition::Condition;
use crate::contact::Attributes;
use crate::ids::{Name, SegmentId, StepId, TemplateId, WorkflowId};

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
    /// Tells an event of the contact.
    Emit {
        /// Its name.
        event: Name,
        /// What else it says. Templates are filled from the run.
        properties: Attributes,
        /// Afterwards.
        next: Target,
    },
    /// Calls somebody outside.
    Webhook {
        /// Where.
        url: String,
        /// What is told; templates are filled from the run. `None` tells who calls, and nothing of the contact.
        body: Option<Value>,
        /// The name under which the run keeps the answer.
        save_as: Option<Name>,
        /// After an answer that says yes.
        next: Target,
        /// After a refusal, or when nobody answered often enough; `next` where it is not given.
        on_failure: Option<Target>,
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
            Self::Emit { .. } => "emit",
            Self::Webhook { .. } => "webhook",
            Self::Jump { .. } | Self::JumpOut { .. } => "jump",
            Self::Exit { .. } => "exit",
        }
    }

    /// The template of the mail that it sends, if it sends one.
    pub const fn template(&self) -> Option<&TemplateRef> {
        match self {
            Self::Send { template, .. } => Some(template),
            Self::Wait { .. }
            | Self::WaitFor { .. }
            | Self::Branch { .. }
            | Self::Split { .. }
            | Self::Update { .. }
            | Self::Segment { .. }
            | Self::Emit { .. }
            | Self::Webhook { .. }
            | Self::Jump { .. }
            | Self::JumpOut { .. }
            | Self::Exit { .. } => None,
        }
    }

    /// The things that it waits for, first come first taken; none where it waits for no thing.
    pub fn paths(&self) -> &[Path] {
        match self {
            Self::WaitFor { paths, .. } => paths,
            Self::Send { .. }
            | Self::Wait { .. }
            | Self::Branch { .. }
            | Self::Split { .. }
            | Self::Update { .. }
            | Self::Segment { .. }
            | Self::Emit { .. }
            | Self::Webhook { .. }
            | Self::Jump { .. }
            | Self::JumpOut { .. }
            | Self::Exit { .. } => &[],
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
