//! Every key string of the tables, in one place.
//!
//! The `due` index is cut into hours, not minutes: a sweep of an outage, or of a clock that was moved by a year, asks
//! for 8,760 partitions and not for half a million, and within an hour the sort key orders by time anyway.

use carepath_app::ports::{DocumentKind, Work};
use carepath_engine::ids::{ContactKey, RunId, SegmentId, WorkflowId};
use jiff::Timestamp;

/// The sort key of a contact's own item.
pub(super) const CONTACT: &str = "C";
/// What the sort keys of a contact's events start with.
pub(super) const EVENT: &str = "E#";
/// The partition and sort key of the counter that grows with every change of the configuration.
pub(super) const REVISION: &str = "revision";
/// The attributes of keys and indexes, and of what conditions look at.
pub(super) mod attr {
    pub(in super::super) const PK: &str = "pk";
    pub(in super::super) const SK: &str = "sk";
    /// Partition and sort key of the `due` index.
    pub(in super::super) const DUE_PK: &str = "dpk";
    pub(in super::super) const DUE_SK: &str = "dsk";
    /// Partition key of the `email` index.
    pub(in super::super) const EMAIL: &str = "epk";
    /// Revision.
    pub(in super::super) const REVISION: &str = "v";
    /// Token of the writer, drawn for each commit.
    pub(in super::super) const WRITER: &str = "w";
    /// Version of the stored shape.
    pub(in super::super) const SHAPE: &str = "sv";
    /// The thing itself, as JSON.
    pub(in super::super) const DATA: &str = "d";
}
/// The names of the indexes.
pub(super) const DUE_INDEX: &str = "due";
pub(super) const EMAIL_INDEX: &str = "email";

pub(super) fn event(name: &str) -> String {
    format!("{EVENT}{name}")
}

pub(super) fn members(segment: &SegmentId) -> String {
    format!("G#{segment}")
}

/// The hour of a time, counted from 1970.
pub(super) fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

pub(super) fn due_partition(hour: i64, shard: u32) -> String {
    format!("D#{hour}#{shard}")
}

pub(super) fn parked_partition(workflow: &WorkflowId) -> String {
    format!("P#{workflow}")
}

/// Milliseconds in 15 digits sort as text up to the year 9999; what is before 1970 is due as well as what is at it.
pub(super) fn due_time(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

pub(super) fn due_sort(at: Timestamp, item: &str) -> String {
    format!("{}#{item}", due_time(at))
}

/// The time in a sort key of the `due` index.
pub(super) fn parse_due(sort: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(sort.split('#').next()?.parse().ok()?).ok()
}

/// The work that an entry of a `due` index stands for, by the key of its item.
pub(super) fn work(pk: &str, sk: &str) -> Option<Work> {
    let contact: ContactKey = pk.parse().ok()?;
    if sk == CONTACT {
        return Some(Work::Contact { contact });
    }
    if let Some(event) = sk.strip_prefix(EVENT) {
        return Some(Work::Event { contact, event: event.to_owned() });
    }
    sk.parse::<RunId>().ok().map(|run| Work::Run { run })
}

/// A shard by a hash that never changes.
pub(super) fn shard(pk: &str, shards: u32) -> u32 {
    let sum = pk.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    sum % shards.max(1)
}

pub(super) const fn kind(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Workflow => "workflow",
        DocumentKind::Version => "version",
        DocumentKind::Template => "template",
        DocumentKind::TemplateVersion => "template-version",
        DocumentKind::Segment => "segment",
        DocumentKind::Key => "key",
        DocumentKind::Settings => "settings",
    }
}
