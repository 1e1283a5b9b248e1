//! API keys: shown once, kept only as a keyed hash.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::App;
use crate::documents;
use crate::error::UseError;
use crate::ports::{Commit, DocumentId, DocumentKind, Ports, Store};

/// How long a key that was found is taken as good without another look: a revoked one dies within this, at once in the
/// process that revoked it.
const FRESH: Duration = Duration::from_secs(10);
/// The most keys that are remembered.
const REMEMBERED: usize = 1_000;
const PREFIX: &str = "cp_";

/// What somebody may do. An admin may do what an editor may, an editor what a viewer may; `ingest` stands beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends contacts and events.
    Ingest,
    /// Reads.
    Viewer,
    /// Changes workflows, templates and segments.
    Editor,
    /// Everything, and deletes contacts.
    Admin,
}

impl Role {
    /// The role as tokens and keys name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ingest, Self::Viewer, Self::Editor, Self::Admin].into_iter().find(|role| role.name() == name)
    }

    /// Whether whoever has this role may do what `needed` may.
    pub const fn covers(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Admin, Self::Admin | Self::Editor | Self::Viewer | Self::Ingest)
            | (Self::Editor, Self::Editor | Self::Viewer)
            | (Self::Viewer, Self::Viewer)
            | (Self::Ingest, Self::Ingest) => true,
            (Self::Editor, Self::Admin | Self::Ingest)
            | (Self::Viewer, Self::Admin | Self::Editor | Self::Ingest)
            | (Self::Ingest, Self::Admin | Self::Editor | Self::Viewer) => false,
        }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its public id: what lists and the audit log call it.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Since when.
    pub created_at: Timestamp,
}

/// A new key with its secret, which nobody can read again.
#[derive(Clone)]
pub struct Created {
    /// The key.
    pub key: Key,
    /// What callers send.
    pub secret: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The keys that were seen lately. Unknown ones are looked up each time, so that a new key works at once.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<String, (Key, Instant)>>);

impl Cache {
    fn get(&self, id: &str) -> Option<Key> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(_, seen)| seen.elapsed() < FRESH).map(|(key, _)| key.clone())
    }

    fn put(&self, key: &Key) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key.id.clone(), (key.clone(), Instant::now()));
    }

    fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// Creates a key.
///
/// # Errors
/// `Invalid` for an empty name or no role.
pub async fn create<P: Ports>(app: &App<P>, name: &str, roles: BTreeSet<Role>) -> Result<Created, UseError> {
    if name.trim().is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        return Err(UseError::invalid("/name", "name", "must be 1 to 128 characters that say whose key it is"));
    }
    if roles.is_empty() {
        return Err(UseError::invalid("/roles", "roles", "must name at least one role: ingest, viewer, editor, admin"));
    }
    let secret = format!("{PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let key = Key { id: id_of(app, &secret), name: name.to_owned(), roles, created_at: app.now() };
    if !documents::write(app.store(), DocumentKind::Key, &key.id, &key, 0).await? {
        return Err(UseError::Busy);
    }
    Ok(Created { key, secret })
}

/// Takes a secret that was drawn elsewhere as a key, once: on one machine the key lies beside the data.
///
/// # Errors
/// Where the store fails.
pub async fn adopt<P: Ports>(app: &App<P>, name: &str, roles: BTreeSet<Role>, secret: &str) -> Result<(), UseError> {
    if find(app, secret).await?.is_none() {
        let key = Key { id: id_of(app, secret), name: name.to_owned(), roles, created_at: app.now() };
        // Somebody else was faster with the same secret: it is the same key.
        let _ = documents::write(app.store(), DocumentKind::Key, &key.id, &key, 0).await?;
    }
    Ok(())
}

/// The key whose secret this is.
///
/// # Errors
/// Where the store fails.
pub async fn find<P: Ports>(app: &App<P>, secret: &str) -> Result<Option<Key>, UseError> {
    if !secret.starts_with(PREFIX) || secret.len() > 128 {
        return Ok(None);
    }
    let id = id_of(app, secret);
    if let Some(key) = app.keys.get(&id) {
        return Ok(Some(key));
    }
    let Some(found) = documents::read::<Key, P::Store>(app.store(), DocumentKind::Key, &id, "key").await? else {
        return Ok(None);
    };
    app.keys.put(&found.value);
    Ok(Some(found.value))
}

/// All keys, oldest first.
///
/// # Errors
/// Where the store fails.
pub async fn list<P: Ports>(app: &App<P>) -> Result<Vec<Key>, UseError> {
    let documents = app.store().documents(DocumentKind::Key).await?;
    let keys: Result<Vec<Key>, _> =
        documents.into_iter().map(|document| documents::parse(document.body, "key")).collect();
    let mut keys = keys?;
    keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(keys)
}

/// Revokes a key.
///
/// # Errors
/// `NotFound` where there is none of this id.
pub async fn revoke<P: Ports>(app: &App<P>, id: &str) -> Result<(), UseError> {
    let name = DocumentId { kind: DocumentKind::Key, id: id.to_owned() };
    let Some(found) = app.store().document(&name).await? else {
        return Err(UseError::NotFound { what: "key" });
    };
    // A key is never changed, so a race can only be another revocation.
    let _: Commit = app.store().delete_document(&name, found.revision).await?;
    app.keys.forget(id);
    Ok(())
}

fn id_of<P: Ports>(app: &App<P>, secret: &str) -> String {
    format!("key_{}", app.secret.opaque("api-key", &[secret]))
}

#[cfg(test)]
mod tests {
    use super::Role;

    /// S27: a role gives what the roles under it give, and nothing else.
    #[test]
    fn roles_cover_only_what_is_under_them() {
        let covered = |role: Role| {
            [Role::Ingest, Role::Viewer, Role::Editor, Role::Admin]
                .into_iter()
                .filter(|needed| role.covers(*needed))
                .map(Role::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(covered(Role::Ingest), ["ingest"]);
        assert_eq!(covered(Role::Viewer), ["viewer"]);
        assert_eq!(covered(Role::Editor), ["viewer", "editor"]);
        assert_eq!(covered(Role::Admin), ["ingest", "viewer", "editor", "admin"]);
    }
}
