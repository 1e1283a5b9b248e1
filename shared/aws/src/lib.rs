//! Carepath's ports on AWS: the state on `DynamoDB`, and what SES says about mails.

pub mod dynamo;
pub mod in_process;
pub mod ses;

pub use dynamo::{DynamoStore, OperationUsage, Options, Usage};
