//! Carepath's ports on AWS: the state on `DynamoDB`, mail by SES, work in SQS and in schedules, webhooks over HTTP, and what
//! all Lambdas have in common.

pub mod dynamo;
pub mod hooks;
pub mod in_process;
pub mod lambda;
pub mod queue;
pub mod ses;

pub use dynamo::{DynamoStore, OperationUsage, Options, Usage};
pub use in_process::InProcess;
