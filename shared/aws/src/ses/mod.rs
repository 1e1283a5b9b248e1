//! Mail by SES: the way out, and what SES tells about mails, put into the engine's words.

mod answer;
mod machine;
mod mailer;
mod notification;
mod rate;

pub use mailer::SesMailer;
pub use notification::{NotificationError, parse};
