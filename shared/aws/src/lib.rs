//! Carepath's ports on AWS. This is the one crate that names an AWS SDK.

pub mod dynamo;
mod in_process;
pub mod ses;

pub use dynamo::{DynamoStore, Options};
