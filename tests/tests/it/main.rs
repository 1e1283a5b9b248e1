//! Rules that the repository as a whole keeps, and stories of users, played against the real command.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]

mod appointments;
mod chaos;
mod command;
mod consent;
mod directions;
mod docs_links;
mod examples;
mod file_sizes;
mod heard;
mod hostile;
mod jumps;
mod killed;
mod lives;
mod onboarding;
mod outside;
mod policies;
mod process;
mod reasons;
mod recovery;
mod reports;
mod segments;
mod semantics_doc;
mod support;
mod time_starts;
mod triggers;
mod unsubscribe;
