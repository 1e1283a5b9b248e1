//! The API over the real store, on a database in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail their test")]

mod canary;
mod configuration;
mod contacts;
mod disclosure;
mod documents;
mod hostile;
mod lambda;
mod limits;
mod migrate;
mod problems;
mod recovery;
mod reports;
mod roles;
mod runs;
mod support;
mod unsubscribe;
mod webhooks;
