//! Reading documents: every fault of a document is found at once, each with its place and its mend.
//!
//! A derived deserialiser stops at the first fault, so documents are read by hand with a small cursor (`cursor`) that
//! notes what is wrong and goes on.

mod cursor;
mod distance;
mod entry;
mod faults;
mod kinds;
mod outside;
mod policy;
mod report;
pub(crate) mod scalar;
mod shape;
mod shape_condition;
mod shape_steps;
mod shape_triggers;
mod steps;
mod triggers;
mod waits;
mod workflow;

pub(crate) use cursor::{At, Fields};
pub use faults::{FAULTS, Rule};
pub(crate) use faults::{Faults, quote};
pub use report::{Finding, Report, Severity};
pub(crate) use scalar::approximate_seconds;
pub use shape::{Workflow, schema};
pub use steps::MAX_STEPS;
pub(crate) use steps::Steps;
pub(crate) use workflow::{Draft, name as workflow_name, read};
