//! Every key of the three tables, in one place.
//!
//! | table | pk | sk | what |
//! | --- | --- | --- | --- |
//! | `contacts` | contact key | `C` | the contact |
//! | | contact key | `E#` event name | an event |
//! | | `G#` segment | contact key | a member of a segment |
//! | | `S#` opaque name of an address | `S` | an address that takes no mail |
//! | | `T#` name of a task | `T` | a task |
//! | | `R` | `R` | how many mails go out in the current second |
//! | | `H` | `H` | how far what SES tells was acted on |
//! | `runs` | contact key | run id | a run |
//! | `config` | kind | id | a document |
//! | | `revision` | `-` | the counter of changes of the configuration |
//!
//! The index `due` of `contacts` and of `runs` has `dpk` and `dsk`, and only items that somebody must look at have
//! them. `dpk` is `D#` hour `#` shard: hours, not minutes, because whoever asks for a span asks once a bucket, and a
//! clock that was turned by a year is then 8,760 buckets, not half a million. Shards spread an hour's writes over
//! partitions. Paused runs wait under `P#` workflow, and parked work under `F`, where no time finds them. The index
//! `unknown` of `runs` has `upk` and `usk`, and only runs with a send of which nobody knows have them. The index `email`
//! of `contacts` has `epk`, a keyed hash of the address, or `-` and a shard where a contact has none: so every contact is
//! in it, and nothing else.

use carepath_app::ports::{DocumentKind, Work};
use carepath_engine::ids::{ContactKey, Secret, SegmentId, WorkflowId};
use jiff::Timestamp;

/// The sort key of a contact.
pub(super) const CONTACT: &str = "C";
/// The sort key of an address that takes no mail.
pub(super) const SUPPRESSED: &str = "S";
/// What its partition key starts with.
const ADDRESS: &str = "S#";
/// What an event's sort key starts with.
pub(super) const EVENT: &str = "E#";
/// What the partition of a time starts with.
pub(super) const TIMED: &str = "D#";
/// The partition of work that is parked.
pub(super) const PARKED: &str = "F";
/// The partition of runs with a send of which nobody knows.
pub(super) const UNKNOWN: &str = "U";
/// The key of the configuration's counter.
pub(super) const REVISION: (&str, &str) = ("revision", "-");

/// The key of the count of what is sent.
pub(super) const RATE: (&str, &str) = ("R", "R");

/// The key of how far what SES tells was acted on.
pub(super) const HEARD: (&str, &str) = ("H", "H");

/// The sort key of a task.
pub(super) const TASK: &str = "T";
/// What its partition key starts with.
const TASKS: &str = "T#";

pub(super) fn task(name: &str) -> String {
    format!("{TASKS}{name}")
}

/// Where contacts without an address are in the index of addresses, which are hashes and have no dash.
pub(super) fn no_email(pk: &str, shards: u32) -> String {
    format!("-{}", shard(pk, shards))
}

pub(super) fn event(name: &str) -> String {
    format!("{EVENT}{name}")
}

pub(super) fn segment(id: &SegmentId) -> String {
    format!("G#{id}")
}

pub(super) fn suppressed(name: &str) -> String {
    format!("{ADDRESS}{name}")
}

pub(super) fn from_suppressed(pk: &str) -> Option<&str> {
    pk.strip_prefix(ADDRESS)
}

pub(super) fn paused(workflow: &WorkflowId) -> String {
    format!("P#{workflow}")
}

pub(super) fn email(secret: &Secret, address: &str) -> String {
    secret.opaque("email", &[&address.to_lowercase()])
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

/// Milliseconds as the index keeps them: rounded up, so that nothing is found before its time.
pub(super) fn millis(at: Timestamp) -> i64 {
    let whole = at.as_millisecond();
    let rest = at.as_nanosecond() > i128::from(whole) * 1_000_000;
    (whole + i64::from(rest)).max(0)
}

pub(super) const fn hour(millis: i64) -> i64 {
    millis / 3_600_000
}

pub(super) fn bucket(hour: i64, shard: u32) -> String {
    format!("{TIMED}{hour}#{shard}")
}

/// The index keys of an item that is due at a time.
pub(super) fn due(pk: &str, sk: &str, at: Timestamp, shards: u32) -> (String, String) {
    let millis = millis(at);
    (bucket(hour(millis), shard(pk, shards)), moment(millis, sk))
}

/// A sort key: 15 digits reach to the year 9999, and what follows `#` keeps one millisecond's items in an order.
pub(super) fn moment(millis: i64, rest: &str) -> String {
    format!("{millis:015}#{rest}")
}

/// The last sort key of a millisecond: `$` is what comes after `#`.
pub(super) fn end_of(millis: i64) -> String {
    format!("{millis:015}$")
}

/// The shard of a partition key. FNV-1a: it must stay the same for ever, which the standard library does not promise.
pub(super) fn shard(pk: &str, shards: u32) -> u32 {
    let hash = pk
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or_default()
}

/// The time in a sort key of the index.
pub(super) fn time_of(dsk: &str) -> Option<Timestamp> {
    let (millis, _) = dsk.split_once('#')?;
    Timestamp::from_millisecond(millis.parse().ok()?).ok()
}

/// A sort key as a cursor, which is safe in a URL, and back.
pub(super) fn cursor(sort: &str) -> String {
    sort.replace('#', "~")
}

pub(super) fn from_cursor(cursor: &str) -> String {
    cursor.replace('~', "#")
}

/// The keys of the item that a piece of work is about, and whether it is in the table of runs.
pub(super) fn item_of(work: &Work) -> Option<(String, String, bool)> {
    match work {
        Work::Event { contact, event: name } => Some((contact.to_string(), event(name), false)),
        Work::Contact { contact } => Some((contact.to_string(), CONTACT.to_owned(), false)),
        Work::Run { run } => Some((run.contact().to_string(), run.to_string(), true)),
        Work::Task { task: name } => Some((task(name), TASK.to_owned(), false)),
        Work::Resume { .. } => None,
    }
}

/// What an entry of the index wants done, by the keys of its item.
pub(super) fn work(pk: &str, sk: &str) -> Option<Work> {
    if sk.starts_with("run_") {
        return Some(Work::Run { run: sk.parse().ok()? });
    }
    if let Some(task) = pk.strip_prefix(TASKS) {
        return Some(Work::Task { task: task.to_owned() });
    }
    let contact: ContactKey = pk.parse().ok()?;
    if sk == CONTACT {
        return Some(Work::Contact { contact });
    }
    Some(Work::Event { contact, event: sk.strip_prefix(EVENT)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_found_before_its_time() {
        let at: Timestamp = "2026-11-24T10:00:00.0000001Z".parse().unwrap();
        assert_eq!(millis(at), at.as_millisecond() + 1);
        assert_eq!(time_of(&moment(millis(at), "x")).unwrap().as_millisecond(), at.as_millisecond() + 1);
    }

    #[test]
    fn the_shard_of_a_key_never_changes() {
        assert_eq!(shard("ct_aaaaaaaaaaaaaaaaaaaa", 1), 0);
        assert_eq!(shard("", 16), 5);
    }
}
