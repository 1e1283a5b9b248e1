//! Carepath's ports on AWS: the state on `DynamoDB`, what SES says about mails, and webhooks over HTTP.

pub mod dynamo;
pub mod hooks;
pub mod in_process;
pub mod ses;

pub use dynamo::{DynamoStore, OperationUsage, Options, Usage};
