//! Mail by SES: the way out, and what SES tells about mails, put into the engine's words.

mod answer;
mod archive;
mod evidence;
mod hearing;
mod machine;
mod mailer;
mod notification;
mod rate;

pub use archive::Archive;
pub use evidence::Paths;
pub use hearing::Hearing;
pub use mailer::SesMailer;
pub use notification::{NotificationError, parse};
