//! Segments: named sets of contacts, kept by hand or by a condition.

use std::sync::Arc;

use crate::condition::Condition;
use crate::ids::SegmentId;

/// A segment, compiled.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// For people.
    pub name: String,
    /// Who is in it.
    pub membership: Membership,
}

/// How a segment gets its members.
#[derive(Debug, Clone)]
pub enum Membership {
    /// Steps and the API put contacts in and take them out.
    Manual,
    /// A contact is in it while the condition holds (S21).
    When(Arc<Condition>),
}
