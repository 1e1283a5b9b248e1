//! The protocol of a run, searched from end to end: every order of everything that may happen within stated bounds. The
//! workers are the real use cases; what goes wrong around them is the model's. `docs/PROOF.md` says what this shows.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the model of a test fails as the test does")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a model looks at the few states that matter to it")]

mod faults;
mod found;
mod judge;
mod ports;
mod replay;
mod searched;
mod setup;
mod state;
mod store;
mod system;
