//! The engine from outside.

mod compile_conditions;
mod compile_mails;
mod compile_structure;
mod document_faults;
mod document_robustness;
mod document_samples;
mod document_schema;
