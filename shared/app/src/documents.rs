//! Documents of the configuration, read and written as types and under the caller's conditions.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::UseError;
use crate::ports::{Commit, DocumentId, DocumentKind, Store};

/// The largest thing that is kept, in bytes of its JSON: a contact, an event, a document.
pub const MAX_ITEM: usize = 350 * 1024;
/// How often a change is tried again after somebody else's.
pub(crate) const TRIES: usize = 8;

/// What a caller says about the state that a write is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expect {
    /// Nothing.
    #[default]
    Any,
    /// It is there, in whatever revision.
    Present,
    /// It is not there.
    Absent,
    /// It is in one of these revisions.
    OneOf(Revisions),
}

/// A few revisions of a thing that a caller has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revisions([Option<u64>; MOST_REVISIONS]);

/// How many of them a caller may name.
pub const MOST_REVISIONS: usize = 8;

impl Revisions {
    /// Those of a list; `None` where there are too many.
    pub fn of(list: &[u64]) -> Option<Self> {
        let mut revisions = [None; MOST_REVISIONS];
        for (place, revision) in list.iter().enumerate() {
            *revisions.get_mut(place)? = Some(*revision);
        }
        Some(Self(revisions))
    }

    /// Whether this is one of them.
    pub fn has(&self, revision: u64) -> bool {
        self.0.contains(&Some(revision))
    }
}

impl Expect {
    /// Whether it is as expected.
    ///
    /// # Errors
    /// [`UseError::Stale`] where it is not.
    pub fn check(self, current: Option<u64>) -> Result<(), UseError> {
        let fits = match (self, current) {
            (Self::Any, _) | (Self::Present, Some(_)) | (Self::Absent, None) => true,
            (Self::OneOf(wanted), Some(current)) => wanted.has(current),
            (Self::Present | Self::OneOf(_), None) | (Self::Absent, Some(_)) => false,
        };
        if fits { Ok(()) } else { Err(UseError::Stale) }
    }
}

/// Something of the configuration, with the revision that it was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// What it says.
    pub value: T,
    /// Grows with every write.
    pub revision: u64,
}

/// Reads a document. `what` names its kind in errors.
pub(crate) async fn read<T: DeserializeOwned, S: Store>(
    store: &S,
    kind: DocumentKind,
    id: impl Into<String>,
    what: &'static str,
) -> Result<Option<Stored<T>>, UseError> {
    let id = DocumentId { kind, id: id.into() };
    let Some(document) = store.document(&id).await? else { return Ok(None) };
    Ok(Some(Stored { value: parse(document.body, what)?, revision: document.revision }))
}

/// Reads the body of a document of our own making.
pub(crate) fn parse<T: DeserializeOwned>(body: serde_json::Value, what: &'static str) -> Result<T, UseError> {
    serde_json::from_value(body).map_err(|_| UseError::Corrupt { what })
}

/// Writes a document over a revision (0: where there is none). `false` where it has changed in between.
pub(crate) async fn write<T: Serialize + Sync, S: Store>(
    store: &S,
    kind: DocumentKind,
    id: impl Into<String>,
    value: &T,
    expect: u64,
) -> Result<bool, UseError> {
    let body = serde_json::to_value(value).map_err(|_| UseError::Corrupt { what: "document" })?;
    let size = serde_json::to_vec(&body).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_ITEM {
        return Err(UseError::invalid("", "too_large", "must come to at most 350 KiB"));
    }
    let id = DocumentId { kind, id: id.into() };
    match store.put_document(&id, &body, expect).await? {
        Commit::Applied | Commit::AlreadyApplied => Ok(true),
        Commit::LostRace => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::{Expect, Revisions};

    #[test]
    fn a_write_is_refused_unless_things_are_as_the_caller_saw_them() {
        assert!(Expect::Any.check(None).is_ok() && Expect::Any.check(Some(3)).is_ok());
        assert!(Expect::Present.check(None).is_err() && Expect::Present.check(Some(3)).is_ok());
        assert!(Expect::Absent.check(None).is_ok() && Expect::Absent.check(Some(3)).is_err());
        let one_of = |list: &[u64]| Expect::OneOf(Revisions::of(list).unwrap());
        assert!(one_of(&[3]).check(Some(3)).is_ok() && one_of(&[2, 3]).check(Some(3)).is_ok());
        assert!(one_of(&[3]).check(Some(4)).is_err() && one_of(&[2, 3]).check(None).is_err());
        assert!(one_of(&[]).check(Some(1)).is_err() && Revisions::of(&[0; 9]).is_none());
    }
}
