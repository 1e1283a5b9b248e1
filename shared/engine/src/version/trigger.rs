//! Triggers: what starts a run.

use jiff::Span;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::condition::Condition;
use crate::ids::{Name, SegmentId};

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
    /// A date of the contact comes round.
    Milestone(Milestone),
    /// Nothing of some kinds has happened for so long.
    Inactivity(Inactivity),
    /// The time comes, for everybody in a segment.
    Schedule(Schedule),
    /// Only `POST /v1/workflows/{id}/enroll`.
    Api,
}

impl Trigger {
    /// The kind as documents and the API name it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Event { .. } => "event",
            Self::Attribute { .. } => "attribute",
            Self::Segment { .. } => "segment",
            Self::Milestone(_) => "milestone",
            Self::Inactivity(_) => "inactivity",
            Self::Schedule(_) => "schedule",
            Self::Api => "api",
        }
    }
}

/// A date of the contact that comes round.
#[derive(Debug, Clone)]
pub struct Milestone {
    /// The attribute (dotted path) that has the date.
    pub attribute: String,
    /// Whether it comes round each year, or is meant once.
    pub every: Every,
    /// Added to the date, in the zone of the contact.
    pub offset: Span,
    /// The time of day that it is moved to; that of the date itself where it is not given, and midnight where it has none.
    pub at: Option<Time>,
}

/// How often a date comes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Each year, on February 28 where the year has no 29th (S12).
    Year,
    /// Once.
    Once,
}

/// Nothing has happened for so long.
#[derive(Debug, Clone)]
pub struct Inactivity {
    /// For how long.
    pub span: Span,
    /// The names of what would have been activity: events, and [`crate::contact::OPENED`] and [`crate::contact::CLICKED`].
    pub without: Vec<Name>,
}

/// A time that comes for everybody in a segment.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Who is meant.
    pub segment: SegmentId,
    /// When.
    pub when: When,
    /// Whose clock counts; the workflow's zone, else the account's, where it is not given.
    pub zone: Option<TimeZone>,
}

/// When a schedule comes round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Once, at a time as written: RFC 3339, or civil and then read in the zone.
    At(String),
    /// By a cron expression of five fields, as written.
    Cron(String),
}
