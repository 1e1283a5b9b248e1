//! What all Lambdas have in common: where things are, what is logged, and how a batch of messages is worked through.

mod batch;
mod log;
mod metrics;
mod ports;
mod settings;

pub use batch::{Batch, Done, Failures, Message, work_through};
pub use log::{is_logged, log};
pub use metrics::{Meter, tell};
pub use ports::{AwsPorts, Idle, SystemClock, open};
pub use settings::{MissingSetting, Settings};
