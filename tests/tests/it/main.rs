//! Rules that the repository as a whole keeps.

mod directions;
mod docs_links;
mod file_sizes;
mod semantics_doc;
