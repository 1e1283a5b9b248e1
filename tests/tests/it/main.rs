//! Rules that the repository as a whole keeps.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as the test does")]

mod directions;
mod docs_links;
mod file_sizes;
mod semantics_doc;
