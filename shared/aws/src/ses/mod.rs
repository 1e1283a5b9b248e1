//! What SES tells about mails, put into the engine's words.

mod machine;
mod notification;

pub use notification::{NotificationError, parse};
