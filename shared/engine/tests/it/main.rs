//! The promises of the engine, held from outside.

mod advance_rules;
mod advance_settled;
mod advance_unknown;
mod calendar_reference;
mod calendar_rules;
mod compile_conditions;
mod compile_mails;
mod compile_structure;
mod condition_engagement;
mod condition_reference;
mod condition_rules;
mod document_extremes;
mod document_faults;
mod document_robustness;
mod document_samples;
mod document_schema;
mod lifecycle_rules;
mod play;
mod render_hostile;
mod render_mail;
mod render_template;
mod rules_minimal;
mod rules_sound;
mod transition_rows;
mod transition_table;
mod unsubscribe_token;
