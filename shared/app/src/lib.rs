//! The use cases of Carepath, one a file, over [`ports`].

pub mod admit;
pub mod catalog;
pub mod change;
pub mod contacts_read;
pub mod counters;
pub mod documents;
pub mod drive;
mod emit;
pub mod engage;
pub mod enroll;
pub mod error;
pub mod fill;
pub mod health;
pub mod hooks;
pub mod ingest;
pub mod keys;
pub mod mail;
pub mod membership;
pub mod migrate;
pub mod park;
pub mod ports;
pub mod project;
pub mod reconcile;
pub mod recount;
pub mod report;
pub mod schedule;
pub mod segments;
pub mod settings;
pub mod sweep;
pub mod tasks;
pub mod templates;
pub mod unknown;
pub mod unsubscribe;
mod uses;
pub mod watch;
pub mod work;
pub mod workflows;

use std::sync::Arc;

use carepath_engine::ids::{ContactId, ContactKey, Secret};
use jiff::{SignedDuration, Timestamp};

pub use error::{Conflict, FieldError, UseError};

use catalog::{Catalog, Published};
use ports::{Clock, Ports, StoreError};

/// One installation: its ports, its secret, and what it knows of its configuration. Made once a process.
#[derive(Debug)]
pub struct App<P: Ports> {
    /// What it needs from outside.
    pub ports: P,
    /// What ids are hashed under.
    pub secret: Secret,
    /// What is published.
    pub catalog: Catalog,
    /// The API keys that were seen lately.
    pub keys: keys::Cache,
    /// What happened since the process began.
    pub counters: counters::Counters,
    /// Where the public finds this installation as long as the settings do not say so: what one machine knows of itself.
    pub base_url: Option<String>,
    /// For how long other processes may still act on a configuration that was replaced. What has to find all of them
    /// up to date begins so much later.
    pub lag: SignedDuration,
    /// Said once a process: that there is no such address.
    no_base_url: std::sync::Once,
}

impl<P: Ports> App<P> {
    /// Opens an installation, drawing its secret if nobody has before.
    ///
    /// # Errors
    /// Where the store fails, or the secret in it is not one.
    pub async fn open(ports: P) -> Result<Self, UseError> {
        let secret = settings::secret(ports.store()).await?;
        Ok(Self {
            ports,
            secret,
            catalog: Catalog::default(),
            keys: keys::Cache::default(),
            counters: counters::Counters::default(),
            base_url: None,
            lag: SignedDuration::ZERO,
            no_base_url: std::sync::Once::new(),
        })
    }

    /// The store.
    pub fn store(&self) -> &P::Store {
        self.ports.store()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.ports.clock().now()
    }

    /// The internal name of a contact.
    pub fn key_of(&self, id: &ContactId) -> ContactKey {
        self.secret.contact_key(id)
    }

    /// What is published.
    ///
    /// # Errors
    /// Where it has to be read and the store fails.
    pub async fn published(&self) -> Result<Arc<Published>, StoreError> {
        self.catalog.current(self.store(), self.ports.clock()).await
    }
}
