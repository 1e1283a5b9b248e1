//! The engine from outside.

mod document_faults;
mod document_samples;
