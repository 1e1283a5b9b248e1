//! The pure core of Carepath.
//!
//! Nothing in this crate does I/O, reads a clock, draws randomness or looks at the environment: time is an argument,
//! ids are derived, and the same inputs give the same answer for ever. Everything else (the Lambdas, `carepath dev`,
//! the tests' simulators) is a shell around [`advance`].

pub mod advance;
pub mod calendar;
pub mod compile;
pub mod condition;
pub mod contact;
pub mod document;
pub mod event;
pub mod explain;
pub mod history;
pub mod ids;
pub mod json;
pub mod phi;
pub mod render;
pub mod report;
pub mod review;
pub mod run;
pub mod segment;
pub mod unsubscribe;
pub mod version;

pub use advance::{Decision, Fault, Input, Moment, Stale, Transition};
pub use contact::Contact;
pub use event::Event;
pub use phi::Phi;
pub use run::Run;
pub use version::Version;
